"""Reading the audit log: filtered, page by page, counted exactly, and out as rows for a file.

Who looks, counts and pages does so in the database; the log of a busy year does not fit a page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, func, or_, select

from stillwatch.cases.database import Database
from stillwatch.cases.models import AuditRow


@dataclass(frozen=True)
class Wanted:
    """Which rows of the log. Empty fields ask nothing; times are naive UTC, [since, before)."""

    actor: str = ""
    action: str = ""
    outcome: str = ""
    target_type: str = ""
    search: str = ""
    """Words in reason, target or details."""
    since: datetime | None = None
    before: datetime | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        exact = (
            (AuditRow.actor, self.actor), (AuditRow.action, self.action), (AuditRow.outcome, self.outcome),
            (AuditRow.target_type, self.target_type),
        )  # fmt: skip
        for column, value in exact:
            if value:
                yield column == value
        if self.search:
            places = (AuditRow.reason, AuditRow.target_id, AuditRow.details)
            yield or_(*(p.icontains(self.search, autoescape=True) for p in places))
        if self.since is not None:
            yield AuditRow.at >= self.since
        if self.before is not None:
            yield AuditRow.at < self.before


class Trail(Database):
    """Named reads of the audit log."""

    def trail(self, wanted: Wanted, offset: int = 0, limit: int | None = 100) -> pd.DataFrame:
        """Rows of the log, newest first: seq, at, actor, action, outcome, target_type, target_id, reason, details (a
        dict), hash."""
        columns = [c for c in AuditRow.__table__.columns if c.name != "prev_hash"]
        query = select(*columns).where(*wanted.conditions()).order_by(AuditRow.seq.desc())
        frame = self._frame(query.offset(offset).limit(limit))
        frame["details"] = pd.Series([json.loads(d) for d in frame["details"]], index=frame.index, dtype=object)
        return frame

    def trail_length(self, wanted: Wanted) -> int:
        """How many rows that is."""
        with self._read() as session:
            return int(session.scalar(select(func.count()).select_from(AuditRow).where(*wanted.conditions())) or 0)

    def trail_words(self) -> dict[str, list[str]]:
        """What the log holds, to choose from: actor, action, target_type, each sorted."""
        with self._read() as session:
            return {
                c.key: sorted(session.scalars(select(c).distinct())) for c in (
                    AuditRow.actor, AuditRow.action, AuditRow.target_type
                )
            }  # fmt: skip

    def record_export(self, what: str, rows: int, by: str, **details: Any) -> None:
        """Put on record that somebody took rows out of the program."""
        with self._write(by) as tx:
            tx.record("export", what, "", rows=rows, **details)
