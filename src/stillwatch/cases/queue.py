"""The queue's state: who works on a cluster, and what is put aside until when.

A cluster is never served to two people: taking one is a single transaction that only one can win.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from stillwatch.cases.database import Database, person, reason_text, storable
from stillwatch.cases.models import QueueRow, VisitRow
from stillwatch.errors import InputError

NEW_VISIT_AFTER = timedelta(minutes=30)
"""Somebody who comes back after this long makes a new visit."""


class Queue(Database):
    """Claims, snoozes and visits."""

    def claim(self, cluster_id: str, by: str) -> None:
        """Take a cluster to work on; ``RefusedChange`` when somebody else holds it. One's own claim stays as it is."""
        with self._write(by) as tx:
            row = _row(tx.session, cluster_id)
            if row.assignee == tx.by:
                return
            if row.assignee is not None:
                why = f"{row.assignee} is working on {cluster_id} since {row.claimed_at:%Y-%m-%d %H:%M} UTC."
                raise tx.refuse("claim", "cluster", cluster_id, why)
            row.assignee, row.claimed_at = tx.by, tx.now
            tx.record("claim", "cluster", cluster_id)

    def claim_next(self, cluster_ids: Sequence[str], by: str) -> str | None:
        """Take the first of some clusters (in queue order) that nobody holds or has snoozed; null if none is left.

        What one holds already comes first again: nothing is served twice, nothing is lost.
        """
        with self._write(by) as tx:
            held: dict[str, QueueRow] = {}
            for start in range(0, len(cluster_ids), 500):
                query = select(QueueRow).where(QueueRow.cluster_id.in_(cluster_ids[start : start + 500]))
                held |= {r.cluster_id: r for r in tx.session.scalars(query)}
            for cluster_id in cluster_ids:
                found = held.get(cluster_id)
                if found is not None and found.snoozed_until is not None and found.snoozed_until > tx.now:
                    continue
                if found is not None and found.assignee not in (None, tx.by):
                    continue
                row = found or _row(tx.session, cluster_id)
                if row.assignee is None:
                    row.assignee, row.claimed_at = tx.by, tx.now
                    tx.record("claim", "cluster", cluster_id)
                return cluster_id
        return None

    def hand_over(self, cluster_id: str, to: str, by: str, reason: str) -> None:
        """Give a cluster to somebody else, whoever holds it now (a lead may also take it back this way)."""
        reason, to = reason_text(reason), person(to)
        with self._write(by) as tx:
            row = _row(tx.session, cluster_id)
            before, row.assignee, row.claimed_at = row.assignee, to, tx.now
            tx.record("hand_over", "cluster", cluster_id, reason, before=before, to=to)

    def release(self, cluster_id: str, by: str) -> None:
        """Put a cluster back into the queue; only who holds it can, others use ``hand_over``."""
        with self._write(by) as tx:
            row = _row(tx.session, cluster_id)
            if row.assignee is None:
                return
            if row.assignee != tx.by:
                why = f"{row.assignee} holds {cluster_id}; hand it over with a reason instead."
                raise tx.refuse("release", "cluster", cluster_id, why)
            row.assignee = row.claimed_at = None
            tx.record("release", "cluster", cluster_id)

    def snooze(self, cluster_id: str, until: datetime, by: str, reason: str) -> None:
        """Put a cluster aside until a time (naive UTC); a time that has passed wakes it. It is released, too."""
        reason = reason_text(reason)
        if until.tzinfo is not None:
            raise InputError("until carries a time zone; want naive UTC.")
        with self._write(by) as tx:
            row = _row(tx.session, cluster_id)
            if row.assignee not in (None, tx.by):
                why = f"{row.assignee} is working on {cluster_id}; only they can snooze it."
                raise tx.refuse("snooze", "cluster", cluster_id, why)
            row.assignee = row.claimed_at = None
            row.snoozed_until, row.snoozed_by, row.snooze_reason = until, tx.by, reason
            tx.record("snooze", "cluster", cluster_id, reason, until=until.isoformat(timespec="seconds"))

    def queue_state(self) -> pd.DataFrame:
        """Clusters that somebody claimed or snoozed: cluster_id, assignee, claimed_at, snoozed_until, snoozed_by,
        snooze_reason. Snoozes that are over are null; a cluster that is not listed is free.
        """
        frame = self._frame(select(*QueueRow.__table__.columns).order_by(QueueRow.cluster_id))
        over = ~(frame["snoozed_until"] > pd.Timestamp(self._clock()))
        frame.loc[over, "snoozed_until"] = pd.NaT
        frame.loc[over, ["snoozed_by", "snooze_reason"]] = None
        return frame[frame["assignee"].notna() | frame["snoozed_until"].notna()].reset_index(drop=True)

    def visit(self, by: str) -> datetime | None:
        """Note that somebody is here; gives when their visit before this one ended (naive UTC), null at the first."""
        who = person(by)
        with self._read() as session:
            seen = session.get(VisitRow, who)
            now = self._clock()
            if seen is not None and now - seen.last_seen < timedelta(minutes=1):
                return seen.before  # a rerun of the same page; not worth a write
        with self._write(who) as tx:
            row = tx.session.get(VisitRow, who)
            if row is None:
                row = VisitRow(person=who, last_seen=tx.now, before=None)
                tx.session.add(row)
            elif tx.now - row.last_seen >= NEW_VISIT_AFTER:
                row.before = row.last_seen
            row.last_seen = tx.now
            return row.before


def _row(session: Session, cluster_id: str) -> QueueRow:
    if not 0 < len(cluster_id) <= 100:
        raise InputError(f"{cluster_id[:60]!a} is not the id of a cluster.")
    row = session.get(QueueRow, storable("the id", cluster_id))
    if row is None:
        row = QueueRow(cluster_id=cluster_id)
        session.add(row)
    return row
