"""The queue as data: clusters of the run joined with who works on what, labels and what is new; and its moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from stillwatch.config import Settings
from stillwatch.domain import EvidenceKind
from stillwatch.errors import StillwatchError
from stillwatch.ui import kit, session, words
from stillwatch.warehouse.runs import Run

VIEWS = ("open", "mine", "new", "snoozed", "labelled", "all")
TIERS = ("any", "alarm", "review")


@dataclass(frozen=True)
class QueueState:
    """Who works on one cluster, and until when it is put aside."""

    assignee: str | None = None
    claimed_at: datetime | None = None
    snoozed_until: datetime | None = None
    snooze_reason: str = ""


def view_of(kind: str) -> str:
    """Independent view of an evidence kind; unknown kinds are their own."""
    return EvidenceKind(kind).view if kind in {k.value for k in EvidenceKind} else kind


@st.cache_resource(max_entries=4, show_spinner=False)
def _ranked(folder: str, _run: Run) -> pd.DataFrame:
    """The part of the queue that the run alone decides."""
    del folder  # the cache's key
    clusters = session.frame("clusters", run=_run).sort_values("rank", kind="stable", ignore_index=True)
    reasons = session.frame("reasons", run=_run)
    kind_of = dict(zip(zip(reasons["cluster_id"], reasons["text"], strict=True), reasons["kind"], strict=True))
    kinds = [
        [str(kind_of.get((c, text), "")) for text in texts]
        for c, texts in zip(clusters["cluster_id"], clusters["reasons"], strict=True)
    ]
    changes = [
        words.lineage(w, p, int(n))
        for w, p, n in zip(clusters["lineage"], clusters["previous_size"], clusters["size"], strict=True)
    ]
    texts = clusters["cluster_id"] + " " + clusters["title"].fillna("") + " " + clusters["reasons"].map(" ".join)
    return clusters.assign(
        word=[words.chance_word(s) for s in clusters["score"]],
        change=changes,
        reason_kinds=pd.Series(kinds, index=clusters.index, dtype=object),
        searched=texts.str.casefold(),
    )


def queue() -> pd.DataFrame:
    """Clusters of the published run in queue order: columns of the run's table and assignee, claimed_at, snoozed,
    snoozed_until, snooze_reason, label, labeler, word, change, reason_kinds (evidence kind of every reason, empty
    where it has none). Shared: never change it in place.
    """
    run, state, labels = session.current_run(), session.queue_state(), session.labels()
    asleep = int((state["snoozed_until"] > session.utc_now()).sum())
    return _queue(str(run.folder), run, session.settings(), session.revision(), asleep, len(labels), state, labels)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Settings: repr})
def _queue(
    folder: str, _run: Run, cfg: Settings, chain: str, asleep: int, standing: int, _state: pd.DataFrame,
    _labels: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    del cfg, chain, asleep, standing  # the cache's key: time alone may end a snooze or a label
    table = _ranked(folder, _run)
    held = {str(r["cluster_id"]): r for r in _state.to_dict("records")}
    labels = _labels
    own = labels[labels["target_type"] == "cluster"].drop_duplicates("target_id")  # newest first
    said = dict(zip(own["target_id"], zip(own["value"], own["labeler"], strict=True), strict=True))
    moment = session.utc_now()
    states = [_held(held.get(c), moment) for c in table["cluster_id"]]
    found = [said.get(c, ("", "")) for c in table["cluster_id"]]
    return table.assign(
        assignee=pd.Series([s.assignee for s in states], index=table.index, dtype=object),
        claimed_at=pd.Series([s.claimed_at for s in states], index=table.index, dtype=object),
        snoozed_until=pd.Series([s.snoozed_until for s in states], index=table.index, dtype=object),
        snooze_reason=[s.snooze_reason for s in states],
        snoozed=[s.snoozed_until is not None for s in states],
        label=[f[0] for f in found],
        labeler=[f[1] for f in found],
    )


def _held(row: Mapping[Any, Any] | None, moment: datetime) -> QueueState:
    if row is None:
        return QueueState()
    until, assignee = row["snoozed_until"], row["assignee"]
    asleep = not words.missing(until) and until > moment
    return QueueState(
        None if words.missing(assignee) else str(assignee),
        None if words.missing(row["claimed_at"]) else row["claimed_at"],
        until if asleep else None,
        str(row["snooze_reason"]) if asleep else "",
    )


def visible(
    table: pd.DataFrame, view: str, tier: str, search: str, who: str, changed: Collection[str] | str = "any"
) -> pd.DataFrame:
    """Rows that a view shows. ``open``: nobody's or one's own, not snoozed, without a verdict.

    ``changed``: ``any``, a word of lineage, or the ids of the clusters that changed since a visit.
    """
    rows = _in_view(table, view, who)
    if tier != "any":
        rows &= table["tier"] == tier
    if not isinstance(changed, str):
        rows &= table["cluster_id"].isin(list(changed))
    elif changed != "any":
        rows &= table["lineage"] == changed
    needle = search.strip().casefold()
    if needle:
        rows &= table["searched"].str.contains(needle, regex=False)
    return table[rows]


def _in_view(table: pd.DataFrame, view: str, who: str) -> pd.Series[bool]:
    if view in ("open", "mine"):
        assignee = pd.Series([a or "" for a in table["assignee"]], index=table.index, dtype=object)
        if view == "mine":
            return assignee == who
        return ~table["snoozed"] & table["label"].isin(["", "unsure"]) & assignee.isin(["", who])
    if view == "new":
        return ~table["snoozed"] & table["lineage"].isin(["new", "grown", "returned", "split", "merged"])
    if view == "snoozed":
        return table["snoozed"]
    return table["label"] != "" if view == "labelled" else pd.Series(True, index=table.index)


def next_after(cluster_id: str | None, table: pd.DataFrame) -> str | None:
    """The next open cluster of a queue for this person, after one; from the top when it was the last."""
    rows = visible(table, "open", "any", "", session.who())
    others = [c for c in rows["cluster_id"] if c != cluster_id]
    order = table["cluster_id"].tolist()
    behind = set(order[order.index(cluster_id) :]) if cluster_id in order else set(order)
    after = behind & set(others)
    return next((c for c in others if c in after), next(iter(others), None))


def take_next(cluster_id: str | None, table: pd.DataFrame) -> str | None:
    """Take the next open cluster after one, in one transaction: two people who press at once get two clusters.

    Null, and said so, when everything that is open is held by others or put aside.
    """
    rows = visible(table, "open", "any", "", session.who())
    first = next_after(cluster_id, table)
    order = [c for c in rows["cluster_id"] if c != cluster_id]
    at = order.index(first) if first in order else 0
    taken = session.case_store().claim_next([*order[at:], *order[:at]], session.who())
    if taken is None:
        st.toast("Everything that is open is held by somebody or put aside.")
    return taken


def done_with(cluster_id: str) -> None:
    """Give a cluster back after its verdict, if one holds it: what is decided is nobody's work any more."""
    store, who = session.case_store(), session.who()
    held = store.queue_state()
    if ((held["cluster_id"] == cluster_id) & (held["assignee"] == who)).any():
        store.release(cluster_id, who)


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
        session.case_store().snooze(cluster_id, session.utc_now() + length, session.who(), reason)
    except StillwatchError as e:
        kit.error(e)
        return
    st.rerun()
