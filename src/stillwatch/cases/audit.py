"""The audit log: who did what, when, why; and whether anybody tampered with it.

Source of the idea: hash-chained logs (Schneier and Kelsey 1999). Each row carries the SHA-256 of itself and of
the row before, written in the transaction of the change it tells of. What the chain shows: a row that was
changed, taken out, put in, or cut off at the end. What it cannot show: somebody who rewrites the whole chain
and its head; evidence bundles therefore carry the head of their day outside the database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from stillwatch.cases.models import AuditHeadRow, AuditRow
from stillwatch.errors import StoreError

GENESIS = "0" * 64
"""The hash before the first row."""


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces, ASCII only: the same value always gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


@dataclass(frozen=True)
class Entry:
    """One thing to put on record. ``outcome``: done or refused."""

    action: str
    target_type: str
    target_id: str
    reason: str = ""
    details: dict[str, Any] | None = None
    outcome: str = "done"


def link_hash(row: AuditRow) -> str:
    """SHA-256 over the canonical JSON of one row without its own hash."""
    body = {
        "seq": row.seq,
        "at": row.at.isoformat(timespec="microseconds"),
        "actor": row.actor,
        "action": row.action,
        "outcome": row.outcome,
        "target_type": row.target_type,
        "target_id": row.target_id,
        "reason": row.reason,
        "details": row.details,
        "prev_hash": row.prev_hash,
    }
    return hashlib.sha256(canonical(body).encode("ascii")).hexdigest()


def lock_head(session: Session) -> AuditHeadRow:
    """The head of the chain, locked until the transaction ends (SQLite: BEGIN IMMEDIATE has locked it already)."""
    return read_head(session, lock=True)


def read_head(session: Session, *, lock: bool = False) -> AuditHeadRow:
    """The head of the chain; who only looks holds nobody up."""
    query = select(AuditHeadRow)
    head = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if head is None:
        raise StoreError("the audit log of the case file has lost its head: restore the case file from a backup.")
    return head


def append(session: Session, head: AuditHeadRow, entry: Entry, *, by: str, at: datetime) -> AuditRow:
    """Put one row at the end of the chain."""
    row = AuditRow(
        seq=head.seq + 1,
        at=at,
        actor=by,
        action=entry.action,
        outcome=entry.outcome,
        target_type=entry.target_type,
        target_id=entry.target_id,
        reason=entry.reason,
        details=canonical(entry.details or {}),
        prev_hash=head.hash,
    )
    row.hash = link_hash(row)
    head.seq, head.hash = row.seq, row.hash
    session.add(row)
    return row


def first_broken(rows: Iterator[AuditRow], head: AuditHeadRow | None) -> int | None:
    """Number of the first row that does not fit the chain, null when all do; a cut-off end is its first missing row."""
    seq, last = 0, GENESIS
    for row in rows:
        if row.seq != seq + 1 or row.prev_hash != last or row.hash != link_hash(row):
            return seq + 1
        seq, last = row.seq, row.hash
    if head is None or (head.seq, head.hash) != (seq, last):
        return seq + 1
    return None
