"""Notes on the timeline of a cluster: what somebody knows of a moment or a span, kept for everybody.

A note is a statement and stays as it was written; taking one back is a statement of its own that names it. A note is
about time, not about accounts, so it keeps the run it was written on and no list of members. It shows on the cluster
that its own went into: joined clusters bring theirs along, a part split off keeps those written before the split.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import select

from stillwatch.cases.database import REASON_LIMIT, reason_text, storable
from stillwatch.cases.lineage import Lineage, Step, forward
from stillwatch.cases.models import AnnotationRow
from stillwatch.errors import InputError, UnknownTarget

_YEARS = (1990, 2200)
"""A note outside is a slip of the hand."""


class Annotations(Lineage):
    """Notes on timelines."""

    def annotate(self, cluster_id: str, text: str, by: str, begin: datetime, end: datetime | None = None) -> str:
        """Write a note on the moment ``begin``, or on the span [begin, end); naive UTC. Gives its id (``N-0001``).

        Raises InputError (no text, times that make no sense) and UnknownTarget (no run knows the cluster).
        """
        text = storable("the note", text.strip())
        if not text:
            raise InputError("the note is empty; say what happened then, so that others can follow it later.")
        if len(text) > REASON_LIMIT:
            raise InputError(f"the note has {len(text):,} characters; want at most {REASON_LIMIT:,}.")
        if any(t is not None and not _YEARS[0] <= t.year < _YEARS[1] for t in (begin, end)):
            raise InputError(f"the note's time is not between the years {_YEARS[0]} and {_YEARS[1]}; correct it.")
        if end is not None and end <= begin:
            raise InputError(
                f"the note's window ends ({end:%Y-%m-%d %H:%M}) before it begins ({begin:%Y-%m-%d %H:%M}); "
                "swap the two, or leave the end empty for a moment."
            )
        found = self.targets.members([cluster_id], None).get(cluster_id)
        if found is None:
            raise UnknownTarget(f"no run has a cluster {cluster_id[:60]!a}; the Triage page lists them.")
        with self._write(by) as tx:
            row = AnnotationRow(
                annotation_id=tx.next_id("N"), action="written", cluster_id=cluster_id, begin=begin, end=end, text=text,
                at=tx.now, by=tx.by, run_id=found[0], supersedes=None,
            )  # fmt: skip
            tx.session.add(row)
            tx.record(
                "annotate", "cluster", cluster_id, text,
                annotation_id=row.annotation_id, begin=f"{begin:%Y-%m-%d %H:%M}",
                end=None if end is None else f"{end:%Y-%m-%d %H:%M}",
            )  # fmt: skip
            return row.annotation_id

    def take_back_annotation(self, annotation_id: str, by: str, reason: str) -> None:
        """Take a note back; that it was there, and why it is not any more, stays on record.

        Raises UnknownTarget (no such note) and RefusedChange (taken back already).
        """
        reason = reason_text(reason)
        with self._write(by) as tx:
            row = AnnotationRow
            found = tx.session.scalars(select(row).where(row.annotation_id == annotation_id)).one_or_none()
            if found is None or found.action != "written":
                raise UnknownTarget(f"there is no note {annotation_id[:60]!a}; the cluster's timeline lists them.")
            if tx.session.scalars(select(row.seq).where(row.supersedes == annotation_id)).first() is not None:
                why = f"note {annotation_id} was taken back already; nothing was changed."
                raise tx.refuse(
                    "take_back_annotation", "cluster", found.cluster_id, why, annotation_id=annotation_id
                )  # fmt: skip
            tx.session.add(
                AnnotationRow(
                    annotation_id=tx.next_id("N"), action="taken back", cluster_id=found.cluster_id, begin=found.begin,
                    end=found.end, text=reason, at=tx.now, by=tx.by, run_id=self.targets.run_id(),
                    supersedes=annotation_id,
                )
            )  # fmt: skip
            tx.record("take_back_annotation", "cluster", found.cluster_id, reason, annotation_id=annotation_id)

    def annotations(self, cluster_id: str, *, current: bool = True) -> pd.DataFrame:
        """Notes that a cluster's timeline shows now, by the time they are about: annotation_id, action, cluster_id (on
        which it was written), begin, end (null: a moment), text, at, by, run_id, supersedes.

        ``current=False`` adds those taken back and the takings back (action ``taken back``).
        """
        row = AnnotationRow
        columns = [c for c in row.__table__.columns if c.name != "seq"]
        with self._read() as session:
            known = set(session.scalars(select(row.cluster_id).distinct()))
        until = shown_on(cluster_id, known, self.steps()) if known else {}
        frame = self._frame(select(*columns).where(row.cluster_id.in_(list(until))).order_by(row.begin, row.seq))
        # A taking back comes after the split that its note came along with; it goes where its note goes.
        written = dict(zip(frame["annotation_id"], frame["at"], strict=True))
        about = [written.get(s, a) if s else a for s, a in zip(frame["supersedes"], frame["at"], strict=True)]
        inside = [(u := until[c]) is None or at < u for c, at in zip(frame["cluster_id"], about, strict=True)]
        frame = frame[pd.Series(inside, index=frame.index, dtype=bool)]
        if current:
            gone = set(frame["supersedes"].dropna())
            frame = frame[(frame["action"] == "written") & ~frame["annotation_id"].isin(gone)]
        return frame.reset_index(drop=True)


def shown_on(
    cluster_id: str, known: Collection[str], steps: Sequence[Step], before: datetime | None = None
) -> dict[str, datetime | None]:
    """Clusters whose notes show on one cluster, each with the time until which they were written (null: any time).

    ``known``: clusters that have notes. ``steps``: decisions of people, newest first.
    """
    found = {c: before for c in known if c == cluster_id or forward(steps, c)[0] == cluster_id}
    undone = {s.supersedes for s in steps}
    for n, step in enumerate(steps):
        if step.action == "split" and step.other_id == cluster_id and step.decision_id not in undone:
            # What its parent showed when it was split off, by the decisions that had been made until then.
            for c, until in shown_on(step.cluster_id, known, steps[n + 1 :], step.decided_at).items():
                found.setdefault(c, until)
    return found
