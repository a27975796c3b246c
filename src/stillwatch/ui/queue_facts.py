"""The queue as data: clusters of the run joined with who works on what, labels and what is new; and its moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from stillwatch.domain import EvidenceKind
from stillwatch.errors import StillwatchError
from stillwatch.ui import kit, session, words

VIEWS = ("open", "mine", "new", "snoozed", "labelled", "all")
TIERS = ("any", "alarm", "review")


@dataclass(frozen=True)
class QueueState:
    """Who works on one cluster, and until when it is put aside."""

    assignee: str | None = None
    snoozed_until: datetime | None = None


def now() -> datetime:
    """Naive UTC, as all tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


def view_of(kind: str) -> str:
    """Independent view of an evidence kind; unknown kinds are their own."""
    return EvidenceKind(kind).view if kind in {k.value for k in EvidenceKind} else kind


def queue(labels: pd.DataFrame | None = None) -> pd.DataFrame:
    """Clusters of the published run in queue order, with assignee, snoozed_until, label, labeler, word, change,
    reason_kinds (the evidence kind of every reason, empty where it has none)."""
    clusters = session.frame("clusters").sort_values("rank", kind="stable")
    held = session.case_store().queue_state()
    table = clusters.merge(
        held[[c for c in ("cluster_id", "assignee", "claimed_at", "snoozed_until", "snooze_reason") if c in held]],
        on="cluster_id",
        how="left",
    )
    labels = session.labels() if labels is None else labels
    own = labels[labels["target_type"] == "cluster"].drop_duplicates("target_id")
    said = dict(zip(own["target_id"], own["value"], strict=True))
    who = dict(zip(own["target_id"], own["labeler"], strict=True))
    reasons = session.frame("reasons")
    kind_of = dict(zip(zip(reasons["cluster_id"], reasons["text"], strict=True), reasons["kind"], strict=True))
    moment = now()
    asleep = pd.to_datetime(table["snoozed_until"]) > moment
    return table.assign(
        snoozed=asleep,
        label=[said.get(c, "") for c in table["cluster_id"]],
        labeler=[who.get(c, "") for c in table["cluster_id"]],
        word=[words.chance_word(s) for s in table["score"]],
        reason_kinds=pd.Series(
            [
                [str(kind_of.get((c, text), "")) for text in texts]
                for c, texts in zip(table["cluster_id"], table["reasons"], strict=True)
            ],
            index=table.index,
            dtype=object,
        ),
        change=[
            words.lineage(w, p, int(n))
            for w, p, n in zip(table["lineage"], table["previous_size"], table["size"], strict=True)
        ],
    )


def visible(table: pd.DataFrame, view: str, tier: str, search: str, who: str) -> pd.DataFrame:
    """Rows that a view shows. ``open``: nobody's or one's own, not snoozed, without a verdict."""
    assignee = table["assignee"].fillna("")
    rows = {
        "open": ~table["snoozed"] & table["label"].isin(["", "unsure"]) & assignee.isin(["", who]),
        "mine": assignee == who,
        "new": ~table["snoozed"] & table["lineage"].isin(["new", "grown", "returned", "split", "merged"]),
        "snoozed": table["snoozed"],
        "labelled": table["label"] != "",
        "all": pd.Series(True, index=table.index),
    }[view]
    if tier != "any":
        rows &= table["tier"] == tier
    needle = search.strip().casefold()
    if needle:
        texts = table["cluster_id"] + " " + table["title"].fillna("") + " " + table["reasons"].map(" ".join)
        rows &= texts.str.casefold().str.contains(needle, regex=False)
    return table[rows]


def state_of(cluster_id: str) -> QueueState:
    """Queue state of one cluster."""
    held = session.case_store().queue_state()
    rows = held[held["cluster_id"] == cluster_id]
    if rows.empty:
        return QueueState()
    row: dict[str, Any] = {str(k): v for k, v in rows.iloc[0].to_dict().items()}
    until = row.get("snoozed_until")
    asleep = until is not None and not words.missing(until) and until > now()
    assignee = row.get("assignee")
    return QueueState(None if words.missing(assignee) else str(assignee), until if asleep else None)


def next_after(cluster_id: str | None) -> str | None:
    """The next open cluster of the queue for this person, after one; from the top when it was the last."""
    table = queue()
    rows = visible(table, "open", "any", "", session.who())
    ids = list(rows["cluster_id"])
    ranks = dict(zip(table["cluster_id"], table["rank"], strict=True))
    here = ranks.get(cluster_id, 0) if cluster_id else 0
    later = [c for c in ids if ranks[c] > here and c != cluster_id]
    rest = [c for c in ids if c != cluster_id]
    return next(iter(later or rest), None)


def claim_or_release(cluster_id: str, mine: bool) -> None:
    """Take a cluster, or give it back; reruns the page."""
    store, who = session.case_store(), session.who()
    try:
        store.release(cluster_id, who) if mine else store.claim(cluster_id, who)
    except StillwatchError as e:
        kit.error(e)
        return
    st.rerun()


def snooze(cluster_id: str, length: timedelta, reason: str) -> None:
    """Put a cluster aside; reruns the page."""
    if not reason.strip():
        st.warning("Say what you are waiting for: the reason is shown to whoever meets it again.")
        return
    try:
        session.case_store().snooze(cluster_id, now() + length, session.who(), reason)
    except StillwatchError as e:
        kit.error(e)
        return
    st.rerun()
