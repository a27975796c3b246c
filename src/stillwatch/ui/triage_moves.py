"""Handing a cluster over, and what changed since somebody's last visit."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st

from stillwatch.errors import StillwatchError
from stillwatch.ui import kit, session, words
from stillwatch.warehouse import runs
from stillwatch.warehouse.runs import Run

CHANGES = {
    "any": "Any change",
    "since": "Since my last visit",
    "new": "New",
    "grown": "Grown",
    "returned": "Returned",
}
"""Filter on what happened to a cluster -> its words."""


@st.dialog("Hand over")
def hand_over(cluster_id: str, holder: str | None) -> None:
    """Give a cluster to somebody, or take it over; the reason is shown to who gets it and goes on record."""
    who = session.who()
    if holder and holder != who:
        kit.html(kit.chip(f"{holder} works on {cluster_id}", "warn", "person"))
    people = [p for p in session.case_store().trail_words()["actor"] if p != holder]
    if holder != who and who not in people:
        people.insert(0, who)
    start = people.index(who) if holder and holder != who else None
    with st.form("hand_over", border=False):
        to = st.selectbox(
            "To", people, index=start, key="hand_over_to", accept_new_options=True, placeholder="Name…",
            format_func=lambda p: words.plain(p, 60), help="Somebody known here, or a new name",
        )  # fmt: skip
        reason = st.text_input(
            "Reason", key="hand_over_reason", placeholder="Why does it change hands?", max_chars=2000
        )
        pressed = st.form_submit_button("Hand over", type="primary", icon=":material/move_up:")
    if not pressed:
        return
    if not (to or "").strip():
        st.warning("Say who takes it: choose a name or type a new one.")
    elif not reason.strip():
        st.warning("Say why: whoever takes it reads the reason.")
    else:
        try:
            session.case_store().hand_over(cluster_id, str(to), who, reason)
        except StillwatchError as e:
            kit.error(e)
            return
        st.rerun()


def since_visit(before: datetime | None) -> dict[str, str]:
    """Clusters that are not as they were at a person's last visit -> what happened, in words.

    Compared with the run that was published then; with no visit or no run of that time, everything is new.
    """
    run = session.current_run()
    old = _run_at(before, run) if before is not None else None
    return _changes(str(run.folder), str(old.folder) if old else "", run, old)


def _run_at(before: datetime, current: Run) -> Run | None:
    """The newest run that was published by then."""
    made = session.moment("created_at", current)
    if made is not None and made <= before:
        return current
    earlier = [(m, r) for r in runs.all_runs(current.folder.parent) if (m := _created(str(r.folder), r)) is not None]
    known = [(m, r) for m, r in earlier if m <= before]
    return max(known, key=lambda pair: (pair[0], pair[1].run_id))[1] if known else None


@st.cache_resource(max_entries=200, show_spinner=False)
def _created(folder: str, _run: Run) -> datetime | None:
    del folder  # the cache's key
    try:
        return session.moment("created_at", _run)
    except StillwatchError:  # an old run that was damaged says nothing
        return None


@st.cache_resource(max_entries=16, show_spinner=False)
def _changes(folder: str, earlier: str, _run: Run, _old: Run | None) -> dict[str, str]:
    del folder, earlier
    now = session.frame("clusters", run=_run)
    sizes: dict[str, int] = {}
    if _old is not None:
        try:
            then: pd.DataFrame = _old.frame("clusters", columns=["cluster_id", "size"])
            sizes = dict(zip(then["cluster_id"], then["size"], strict=True))
        except StillwatchError:
            sizes = {}
    out: dict[str, str] = {}
    for cluster_id, size, lineage in zip(now["cluster_id"], now["size"], now["lineage"], strict=True):
        was = sizes.get(cluster_id)
        if was is None:
            out[str(cluster_id)] = "returned" if lineage == "returned" else "new"
        elif was != size:
            out[str(cluster_id)] = f"{'grown' if size > was else 'shrunk'} by {abs(int(size) - int(was)):,}"
    return out
