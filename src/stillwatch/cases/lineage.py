"""Clusters split and joined by people: every decision with its reason, reversible, and where an old id went.

A decision is a statement and stays as it was written; taking one back is a statement of its own that names it. Each
keeps the accounts of that moment, because clusters change between runs and a decision is about accounts. What makes
the decisions show is ``pipeline.recut`` (at once) and detection (at its next run).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from stillwatch.cases.database import NAME_LIMIT, Database, Transaction, reason_text, storable
from stillwatch.cases.models import ClusterDecisionRow, SavedViewRow
from stillwatch.cases.targets import Targets
from stillwatch.clusters.identity import new_id
from stillwatch.domain import HandCut
from stillwatch.errors import InputError, UnknownTarget

LEAST = 2
"""Fewest accounts on either side of a split."""
QUERY_LIMIT = 8_000
"""Characters of a saved view."""


@dataclass(frozen=True)
class Step:
    """One decision without its accounts; naive UTC."""

    decision_id: str
    action: str
    """split, merge or undo"""
    cluster_id: str
    other_id: str
    decided_at: datetime
    decided_by: str
    supersedes: str | None
    """The decision that an undo took back."""


class Lineage(Database):
    """Splits, merges and saved views of clusters."""

    targets: Targets

    def split_cluster(self, cluster_id: str, accounts: Collection[str], by: str, reason: str) -> HandCut:
        """Take some accounts of a cluster of the published run out as a cluster of their own.

        Raises InputError (nothing to split, accounts of another cluster), UnknownTarget, RefusedChange.
        """
        reason = reason_text(reason)
        run_id, members = self._members(cluster_id)
        moved, inside = set(accounts), set(members)
        strangers = sorted(moved - inside)
        if strangers:
            raise InputError(
                f"{len(strangers)} of the accounts are not in {cluster_id} (first: {strangers[0][:60]!a}); "
                "select members of this cluster."
            )
        if len(moved) < LEAST or len(inside - moved) < LEAST:
            raise InputError(
                f"{len(moved)} of {len(inside)} accounts were chosen; a split needs at least {LEAST} that leave and "
                f"{LEAST} that stay. For single accounts, a label says more."
            )
        name = new_id(frozenset(moved), self.targets.clusters() | {cluster_id})
        with self._write(by) as tx:
            return self._add(tx, "split", cluster_id, name, sorted(moved), sorted(inside - moved), reason, run_id)

    def merge_clusters(self, cluster_id: str, other_id: str, by: str, reason: str) -> HandCut:
        """Join ``other_id`` to ``cluster_id``, which keeps its id. Both are clusters of the published run."""
        reason = reason_text(reason)
        if cluster_id == other_id:
            raise InputError(f"{cluster_id} cannot be joined to itself; choose another cluster.")
        run_id, stayed = self._members(cluster_id)
        _, moved = self._members(other_id)
        with self._write(by) as tx:
            return self._add(tx, "merge", cluster_id, other_id, moved, stayed, reason, run_id)

    def undo_decision(self, decision_id: str, by: str, reason: str) -> HandCut:
        """Take a split or a merge back; gives what was taken back. A later decision on the same clusters goes first."""
        reason = reason_text(reason)
        with self._write(by) as tx:
            rows = _standing(tx.session)
            row = next((r for r in rows if r.decision_id == decision_id), None)
            if row is None:
                known = tx.session.execute(
                    select(ClusterDecisionRow).where(ClusterDecisionRow.decision_id == decision_id)
                ).scalar_one_or_none()
                if known is None:
                    raise UnknownTarget(f"there is no decision {decision_id[:60]!a}; the cluster's page lists them.")
                why = f"decision {decision_id} does not stand any more; nothing was changed."
                raise tx.refuse("undo_cluster_decision", "cluster", known.cluster_id, why, decision_id=decision_id)
            ids = {row.cluster_id, row.other_id}
            later = [r for r in rows if r.seq > row.seq and ids & {r.cluster_id, r.other_id}]
            if later:
                why = f"{later[-1].decision_id} came later and builds on {decision_id}; take that one back first."
                raise tx.refuse("undo_cluster_decision", "cluster", row.cluster_id, why, decision_id=decision_id)
            tx.session.add(
                ClusterDecisionRow(
                    decision_id=tx.next_id("D"), action="undo", cluster_id=row.cluster_id, other_id=row.other_id,
                    moved=[], stayed=[], reason=reason, decided_at=tx.now, decided_by=tx.by,
                    run_id=self.targets.run_id(), supersedes=row.decision_id,
                )
            )  # fmt: skip
            tx.record(
                "undo_cluster_decision", "cluster", row.cluster_id, reason,
                decision_id=row.decision_id, undone=row.action, other=row.other_id,
            )  # fmt: skip
            return _cut(row)

    def standing_cuts(self) -> list[HandCut]:
        """Splits and merges that were not taken back, oldest first."""
        with self._read() as session:
            return [_cut(r) for r in _standing(session)]

    def standing_decisions(self) -> list[str]:
        """Ids of the splits and merges that stand, oldest first; without reading their accounts."""
        row = ClusterDecisionRow
        with self._read() as session:
            found = session.execute(select(row.decision_id, row.action, row.supersedes).order_by(row.seq)).all()
        undone = {r.supersedes for r in found}
        return [r.decision_id for r in found if r.action != "undo" and r.decision_id not in undone]

    def all_cuts(self) -> dict[str, HandCut]:
        """Every split and merge ever made, by id, also those taken back."""
        query = select(ClusterDecisionRow).where(ClusterDecisionRow.action != "undo").order_by(ClusterDecisionRow.seq)
        with self._read() as session:
            return {r.decision_id: _cut(r) for r in session.scalars(query)}

    def cluster_decisions(self, cluster_id: str | None = None) -> pd.DataFrame:
        """Decisions, newest first, of all clusters or of one (as either side): decision_id, action, cluster_id,
        other_id, accounts (how many moved), reason, decided_at, decided_by, run_id, supersedes, stands.
        """
        row = ClusterDecisionRow
        columns = [c for c in row.__table__.columns if c.name not in ("seq", "stayed")]
        query = select(*columns).order_by(row.seq.desc())
        if cluster_id is not None:
            query = query.where((row.cluster_id == cluster_id) | (row.other_id == cluster_id))
        frame = self._frame(query)
        undone = set(frame["supersedes"].dropna())
        frame["accounts"] = frame.pop("moved").map(len).astype("int64")
        frame["stands"] = ~frame["decision_id"].isin(undone) & (frame["action"] != "undo")
        return frame

    def forwarded(self, cluster_id: str) -> tuple[str, list[str]]:
        """Where people's decisions sent a cluster id: the id to look for now, and each step in words."""
        return forward(self.steps(), cluster_id)

    def steps(self) -> list[Step]:
        """All decisions, newest first, without their accounts."""
        row = ClusterDecisionRow
        query = select(
            row.decision_id, row.action, row.cluster_id, row.other_id, row.decided_at, row.decided_by, row.supersedes
        ).order_by(row.seq.desc())  # fmt: skip
        with self._read() as session:
            return [Step(*found) for found in session.execute(query)]

    def save_view(self, cluster_id: str, name: str, query: str, by: str) -> None:
        """Keep a view of a cluster's page under a name; the same name again replaces it. An empty query removes it."""
        title = storable("the name", name.strip()[:NAME_LIMIT])
        if not title:
            raise InputError("a view needs a name that people will find it by.")
        if len(query) > QUERY_LIMIT:
            raise InputError(f"this view takes {len(query):,} characters; want at most {QUERY_LIMIT:,}: select less.")
        with self._write(by) as tx:
            tx.session.add(
                SavedViewRow(
                    cluster_id=storable("the id", cluster_id)[:60], name=title, query=storable("the view", query),
                    saved_at=tx.now, saved_by=tx.by,
                )
            )  # fmt: skip
            tx.record("save_view" if query else "remove_view", "cluster", cluster_id, "", name=title)

    def saved_views(self, cluster_id: str) -> pd.DataFrame:
        """Views of one cluster by name: name, query, saved_at, saved_by."""
        row = SavedViewRow
        query = select(row.name, row.query, row.saved_at, row.saved_by).where(row.cluster_id == cluster_id)
        frame = self._frame(query.order_by(row.seq)).drop_duplicates("name", keep="last")
        return frame[frame["query"] != ""].sort_values("name", kind="stable").reset_index(drop=True)

    def _members(self, cluster_id: str) -> tuple[str, list[str]]:
        run_id = self.targets.run_id()
        found = self.targets.members([cluster_id], run_id).get(cluster_id) if run_id else None
        if found is None:
            raise UnknownTarget(f"the published run has no cluster {cluster_id[:60]!a}; the Triage page lists them.")
        return found

    def _add(
        self,
        tx: Transaction,
        action: str,
        cluster_id: str,
        other_id: str,
        moved: list[str],
        stayed: list[str],
        reason: str,
        run_id: str,
    ) -> HandCut:
        row = ClusterDecisionRow(
            decision_id=tx.next_id("D"), action=action, cluster_id=cluster_id, other_id=other_id, moved=moved,
            stayed=stayed, reason=reason, decided_at=tx.now, decided_by=tx.by, run_id=run_id, supersedes=None,
        )  # fmt: skip
        tx.session.add(row)
        tx.record(
            f"{action}_cluster", "cluster", cluster_id, reason,
            decision_id=row.decision_id, other=other_id, moved=len(moved), stayed=len(stayed), run_id=run_id,
        )  # fmt: skip
        return _cut(row)


def _standing(session: Session) -> list[ClusterDecisionRow]:
    rows = list(session.scalars(select(ClusterDecisionRow).order_by(ClusterDecisionRow.seq)))
    undone = {r.supersedes for r in rows}
    return [r for r in rows if r.action != "undo" and r.decision_id not in undone]


def _cut(row: ClusterDecisionRow) -> HandCut:
    return HandCut(
        row.decision_id,
        "merge" if row.action == "merge" else "split",
        row.cluster_id,
        row.other_id,
        frozenset(row.moved),
        frozenset(row.stayed),
    )


def forward(steps: Sequence[Step], cluster_id: str) -> tuple[str, list[str]]:
    """Where decisions (newest first) sent a cluster id, and each step in words."""
    made = {s.decision_id: s.action for s in steps}
    undone = {s.supersedes for s in steps}
    said: list[str] = []
    seen = {cluster_id}
    while True:
        step = next((s for s in steps if s.other_id == cluster_id), None)  # the newest decides
        words = None if step is None else _went(step, made.get(step.supersedes or ""), step.decision_id not in undone)
        if step is None or words is None or step.cluster_id in seen:
            return cluster_id, said
        cluster_id = step.cluster_id
        seen.add(cluster_id)
        said.append(words)


def _went(step: Step, undone: str | None, stands: bool) -> str | None:
    """Why ``other_id`` of a decision is no more, in words; null when it lives. ``undone``: what an undo took back."""
    gone, into, by, when = step.other_id, step.cluster_id, step.decided_by, f"{step.decided_at:%Y-%m-%d}"
    if step.action == "merge" and stands:
        return f"{gone} was joined to {into} by {by} on {when} ({step.decision_id})"
    if undone == "split":
        return f"{gone} went back into {into} when {by} took {step.supersedes} back on {when}"
    return None
