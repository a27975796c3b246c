"""The case file: labels, campaigns, queue, custody and the audit log behind one door.

Which method answers which question stands in the modules it is joined from: ``labels``, ``campaigns``, ``queue``,
``custody``, ``lineage``, ``annotations``, ``searches``, ``trail``; the tables in ``models``. Every change takes ``by=``
(who), most take ``reason=`` (why), and is saved together with its row in the audit log. Frames hold naive UTC times.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from types import TracebackType
from typing import Self

import pandas as pd
from sqlalchemy import or_, select

from stillwatch.cases.annotations import Annotations
from stillwatch.cases.audit import first_broken, read_head
from stillwatch.cases.campaigns import CampaignBook
from stillwatch.cases.custody import Custody
from stillwatch.cases.database import connect, utc_now
from stillwatch.cases.labels import LabelBook
from stillwatch.cases.models import AuditHeadRow, AuditRow
from stillwatch.cases.queue import Queue
from stillwatch.cases.searches import Searches
from stillwatch.cases.targets import Targets
from stillwatch.cases.trail import Trail
from stillwatch.config import Settings


class CaseStore(LabelBook, CampaignBook, Queue, Custody, Annotations, Searches, Trail):
    """One open case file. Safe to share between threads; close it, or use it in a ``with``."""

    @classmethod
    def open(cls, settings: Settings, clock: Callable[[], datetime] = utc_now) -> Self:
        """Open the case file of ``settings.database_url``; creates or migrates it where needed.

        Raises InputError for a URL that cannot be read, StoreError for a file or server that cannot be used.
        """
        store = cls(connect(settings.database_url), clock)
        store.targets = Targets(settings)
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def audit(
        self,
        limit: int | None = 200,
        *,
        target_type: str | None = None,
        target_id: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        outcome: str | None = None,
        search: str | None = None,
    ) -> pd.DataFrame:
        """The audit log, newest first: seq, at, actor, action, outcome, target_type, target_id, reason, details
        (a dict), prev_hash, hash. ``search`` looks for words in reason, target and details.
        """
        query = select(*AuditRow.__table__.columns).order_by(AuditRow.seq.desc())
        exact = (
            (AuditRow.target_type, target_type), (AuditRow.target_id, target_id), (AuditRow.actor, actor),
            (AuditRow.action, action), (AuditRow.outcome, outcome),
        )  # fmt: skip
        for column, wanted in exact:
            if wanted is not None:
                query = query.where(column == wanted)
        if search:
            places = (AuditRow.reason, AuditRow.target_id, AuditRow.details)
            query = query.where(or_(*(p.icontains(search, autoescape=True) for p in places)))
        frame = self._frame(query.limit(limit))
        frame["details"] = pd.Series([json.loads(d) for d in frame["details"]], index=frame.index, dtype=object)
        return frame

    def verify_chain(self) -> tuple[bool, int | None]:
        """Whether the audit chain is whole, and the number of the first row that is not."""
        with self._read() as session:
            rows = session.scalars(select(AuditRow).order_by(AuditRow.seq).execution_options(yield_per=2_000))
            broken = first_broken(iter(rows), session.get(AuditHeadRow, 1))
        return broken is None, broken

    def chain_head(self) -> tuple[int, str]:
        """Number and hash of the last audit row; a bundle carries it outside the database."""
        with self._read() as session:
            found = session.execute(select(AuditHeadRow.seq, AuditHeadRow.hash)).one_or_none()
            head = found or read_head(session)  # which has words for a head that is lost
            return head.seq, head.hash

    def revision(self) -> str:
        """Names the present state of the case file: the hash of ``chain_head``, which every change moves on.

        Asked for at every click of the web app, so it goes straight to the driver (10 µs instead of 160).
        """
        try:
            with closing(self._engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute("SELECT hash FROM audit_head")
                found = cursor.fetchone()
        except Exception:  # whatever the driver calls it: the other way has words for it
            found = None
        return str(found[0]) if found else self.chain_head()[1]
