"""Saved searches: a question with a name, who keeps it, and how many accounts it found then.

Saving and removing are statements; the newest one about a search stands. What is kept is the search as its link says
it: tokens and names, never a value in clear.
"""

from __future__ import annotations

import pandas as pd
from sqlalchemy import func, select

from stillwatch.cases.database import NAME_LIMIT, Database, storable
from stillwatch.cases.models import SavedSearchRow
from stillwatch.errors import InputError, UnknownTarget

QUERY_LIMIT = 8_000
"""Characters of a saved search's link."""


class Searches(Database):
    """The saved searches of the case file."""

    def save_search(self, name: str, query: str, found: int, by: str) -> str:
        """Keep a search under a name; gives its id (``S-0001``). ``found`` is how many accounts it finds now."""
        name = storable("the name", name.strip()[:NAME_LIMIT])
        if not name:
            raise InputError("a saved search needs a name: say what it looks for, so that others can use it.")
        if not 0 < len(query) <= QUERY_LIMIT:
            raise InputError(
                f"the search is {len(query):,} characters long; up to {QUERY_LIMIT:,} can be saved: drop some values."
            )
        with self._write(by) as tx:
            search_id = tx.next_id("S")
            row = SavedSearchRow(
                search_id=search_id, action="saved", name=name, query=storable("the search", query), found=found,
                at=tx.now, by=tx.by,
            )  # fmt: skip
            tx.session.add(row)
            tx.record("save_search", "search", search_id, name=name, query=query, found=found)
            return search_id

    def remove_search(self, search_id: str, by: str) -> None:
        """Take a saved search off the list; that it was there stays on record."""
        with self._write(by) as tx:
            newest = select(SavedSearchRow).where(SavedSearchRow.search_id == search_id)
            row = tx.session.scalars(newest.order_by(SavedSearchRow.seq.desc()).limit(1)).first()
            if row is None or row.action == "removed":
                raise UnknownTarget(f"there is no saved search {search_id[:60]!a}; somebody may have removed it.")
            tx.session.add(
                SavedSearchRow(
                    search_id=search_id, action="removed", name=row.name, query=row.query, found=row.found, at=tx.now,
                    by=tx.by,
                )
            )  # fmt: skip
            tx.record("remove_search", "search", search_id, name=row.name)

    def searches(self) -> pd.DataFrame:
        """Searches that stand, newest first: search_id, name, query, found, at, by."""
        newest = select(func.max(SavedSearchRow.seq)).group_by(SavedSearchRow.search_id).scalar_subquery()
        columns = [c for c in SavedSearchRow.__table__.columns if c.name not in ("seq", "action")]
        query = select(*columns).where(SavedSearchRow.seq.in_(newest), SavedSearchRow.action == "saved")
        return self._frame(query.order_by(SavedSearchRow.seq.desc()))
