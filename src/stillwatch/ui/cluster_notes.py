"""Notes on a cluster's timeline: writing one on a moment or the brushed window, the list of them, taking one back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import streamlit as st
from markupsafe import Markup

from stillwatch.config import Settings
from stillwatch.ui import kit, session, state, timeline, words
from stillwatch.ui.cluster_facts import Cluster

NONCE = "_timeline_nonce"
"""Counts how often the brush was set by something else than the hand; the chart is drawn anew then."""
SHOWN = 20
"""Notes in the list; a window narrows it."""
_SAVED = "_notes_saved"


def of(cluster: Cluster) -> pd.DataFrame:
    """Notes that the timeline of this cluster shows, those of clusters that went into it too. Shared: never change it.

    Read anew when anything in the case file changed, by the head of its audit chain (1 ms a click instead of 9).
    """
    return _of(session.settings(), cluster.cluster_id, session.revision())


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Settings: repr})
def _of(settings: Settings, cluster_id: str, chain: str) -> pd.DataFrame:
    del settings, chain  # the cache's key, with the cluster
    return session.case_store().annotations(cluster_id)


def button(cluster: Cluster, window: tuple[datetime, datetime] | None) -> None:
    """Opens the form; the brushed window is filled in."""
    if st.button(
        "Note on this window" if window else "Note", key="note_open", icon=":material/edit_note:", shortcut="T",
        help="Write down what you know of this time; everybody sees it on the timeline",
    ):  # fmt: skip
        dialog(cluster, window)


@st.dialog("Note on the timeline", width="medium")
def dialog(cluster: Cluster, window: tuple[datetime, datetime] | None) -> None:
    """Ask for text and time, then write the note."""
    begin, end = window or (cluster.end - timedelta(hours=cluster.bin_hours), None)
    key = f"note_{begin:%y%m%d%H%M}_{st.session_state.get(_SAVED, 0)}"
    with st.form("note", border=False):
        text = st.text_area("Note", height=88, max_chars=4000, key=key, placeholder="What happened then, and how it is "
                            "known. Kept for everybody, in the audit log too")  # fmt: skip
        left, right = st.columns(2, gap="small")
        since = left.datetime_input("From (UTC)", begin, key=f"{key}_from", format="YYYY-MM-DD", required=True)
        until = right.datetime_input(
            "To (UTC)", end, key=f"{key}_to", format="YYYY-MM-DD", help="Empty: the note is about a moment"
        )
        pressed = st.form_submit_button("Save note", type="primary", icon=":material/check:")
    if pressed and since is not None:
        store, by = session.case_store(), session.who()
        if kit.attempt(
            lambda: store.annotate(cluster.cluster_id, text, by, since, until), lambda name: f"Note {name} is saved."
        ):
            st.session_state[_SAVED] = st.session_state.get(_SAVED, 0) + 1
            st.rerun()


@st.dialog("Take a note back")
def take_back_dialog(annotation_id: str, text: str) -> None:
    """Ask for the reason, then take the note back."""
    st.text(words.plain(text, 400))
    with st.form("note_back", border=False):
        reason = st.text_input("Reason", key=f"note_back_{annotation_id}", max_chars=2000,
                               placeholder="Why is it wrong? Both stay in the audit log")  # fmt: skip
        pressed = st.form_submit_button("Take back", type="primary", icon=":material/undo:")
    if pressed and kit.attempt(
        lambda: session.case_store().take_back_annotation(annotation_id, session.who(), reason),
        f"Note {annotation_id} was taken back.",
    ):
        st.rerun()


def listed(notes: pd.DataFrame, window: tuple[datetime, datetime] | None) -> pd.DataFrame:
    """The notes that touch the window (all without one), by the time they are about; the newest of them, if many."""
    if window is not None:
        last = notes["end"].fillna(notes["begin"])
        touch = (notes["begin"] < window[1]) & ((last > window[0]) | (notes["begin"] >= window[0]))
        notes = notes[touch]
    return notes.sort_values("at", kind="stable").tail(SHOWN).sort_values("begin", kind="stable")


def draw(cluster: Cluster, notes: pd.DataFrame, window: tuple[datetime, datetime] | None) -> None:
    """The list below the chart: the same notes as on it, in words, each with its moves. Nothing when there are none."""
    if notes.empty:
        return
    shown = listed(notes, window)
    what = "that touch the window" if window else "brush a window to see those of it"
    of_all = words.count(len(notes), "note") if len(shown) == len(notes) else f"{len(shown)} of {len(notes):,} notes"
    kit.title(of_all, what if window or len(shown) < len(notes) else "")
    with st.container(height=190 if len(shown) > 4 else "content", border=False, gap="xsmall", key="note_list"):
        for note in shown.to_dict("records"):
            name = str(note["annotation_id"])
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.html(_line(cluster, {str(k): v for k, v in note.items()}))
                st.button(
                    "Window", key=f"note_go_{name}", icon=":material/width:", on_click=_show,
                    args=(cluster, note["begin"], note["end"]), help="Brush this time on the timeline",
                )  # fmt: skip
                if st.button("Take back", key=f"note_undo_{name}", icon=":material/undo:",
                             help="With a reason; that it was there stays on record"):  # fmt: skip
                    take_back_dialog(name, str(note["text"]))


def _line(cluster: Cluster, note: dict[str, object]) -> str:
    own = note["cluster_id"] == cluster.cluster_id
    begin, end = note["begin"], note["end"]
    assert isinstance(begin, datetime)
    return Markup(
        '<div style="overflow-wrap:anywhere;line-height:1.4"><b class="sw-n">{}</b> {}<br>'
        '<span class="sw-q">{} · {} · written {}{}</span></div>'
    ).format(
        timeline.about(begin, end if isinstance(end, datetime) and not words.missing(end) else None),
        words.plain(note["text"], 4000),
        note["annotation_id"],
        words.plain(note["by"], 40),
        words.when(note["at"] if isinstance(note["at"], datetime) else None),
        "" if own else f" on {note['cluster_id']}",
    )


def _show(cluster: Cluster, begin: datetime, end: datetime | None) -> None:
    last = begin if words.missing(end) or end is None else end
    state.update(window=timeline.whole_bins(begin, last, cluster.bin_hours, cluster.begin))
    st.session_state[NONCE] = st.session_state.get(NONCE, 0) + 1
