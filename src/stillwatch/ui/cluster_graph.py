"""The graph of the cluster page: canvas and tools. Every tool changes the filter state, so it is in the URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode

import streamlit as st

from stillwatch.clusters.whatif import WhatIf
from stillwatch.domain import EvidenceKind
from stillwatch.errors import StillwatchError
from stillwatch.ui import canvas, cluster_links, kit, session, state, words
from stillwatch.ui.cluster_facts import Cluster, Focus, drawing
from stillwatch.ui.state import EVERYTHING

GRAPH = "graph"
FOUND_AT_MOST = 300
"""Nodes that a search selects."""
_ACCOUNT, _FOUND, _NONCE = "_account_to_open", "_nodes_found", "_timeline_nonce"


def account_to_open() -> str | None:
    """The account that was double-clicked, once."""
    found: str | None = st.session_state.pop(_ACCOUNT, None)
    return found


def draw(cluster: Cluster, filters: state.Filters, seen: Focus, ticked: list[str], now: WhatIf, height: int) -> None:
    """Title line with tools, the canvas, and the path between two picked nodes in words."""
    everything = EVERYTHING in filters.opened
    picture = drawing(cluster, opened=filters.opened - {EVERYTHING}, everything=everything, height=height)
    way = cluster_links.path(cluster, seen, filters.dropped)
    _tools(cluster, filters, seen, picture, everything)
    taken_apart = bool(filters.dropped or filters.out)
    canvas.draw(
        picture,
        marks=canvas.Marks(
            selected=ticked or seen.selected,
            lit=seen.lit,
            hidden=filters.hidden | filters.dropped,
            gone=filters.out,
            pinned=filters.pinned,
            path=way or (),
            note=_way_words(cluster, way),
            part=cluster_links.part_letters(cluster, now, picture) if taken_apart else "",
            sizes=now.sizes if taken_apart else (),
            found=st.session_state.get(_FOUND, (0, ())),
        ),
        on_picked=lambda: _picked(cluster),
        on_opened=lambda: _opened(cluster),
        on_hidden=_hidden,
        key=GRAPH,
    )


def _way_words(cluster: Cluster, way: tuple[str, ...] | None) -> str:
    """The path between two picked nodes in words; empty unless two are picked."""
    if way is None:
        return ""
    return cluster_links.path_words(cluster, way) if way else "No chain of shared values joins these two."


def _tools(cluster: Cluster, filters: state.Filters, seen: Focus, picture: canvas.Drawing, everything: bool) -> None:
    with kit.title_row():
        kit.title("Link graph", _drawn(picture))
        st.space("stretch")
        st.text_input(
            "Find", key="find_node", placeholder="Find a node…", label_visibility="collapsed", width=120,
            on_change=_find, args=(cluster,), help="Part of an id: selects what it finds and brings it into view",
        )  # fmt: skip
        if picture.groups or everything or filters.opened:
            _groups(cluster, seen, picture, everything)
        steps = state.steps_back()
        st.button(
            "Back", key="step_back", icon=":material/undo:", shortcut="U", disabled=not steps, on_click=_back,
            help=f"Take back the last change of the view ({steps} of 10 kept)",
        )  # fmt: skip
        box = st.popover("Views", icon=":material/bookmark:", help="Saved views, pins", key="views", on_change="rerun")
        if box.open:  # drawn when it is looked at, not with every click on the page
            with box:
                _views(cluster, filters, seen)
        if filters.selected or filters.window:
            st.button(
                "Clear", key="clear", icon=":material/close:", shortcut="Escape", on_click=clear,
                help="Drop selection and time window",
            )  # fmt: skip


def _groups(cluster: Cluster, seen: Focus, picture: canvas.Drawing, everything: bool) -> None:
    """Opening and folding the groups of a large cluster."""
    touched = {cluster.group_of[a] for a in seen.accounts or () if a in cluster.group_of}
    with st.popover("Groups", icon=":material/workspaces:", help="Open or fold groups of the drawing"):
        st.button(
            "Draw groups" if everything else f"Draw all {picture.total:,} nodes", key="draw_all",
            icon=":material/grain:", width="stretch", on_click=_set_opened,
            args=(frozenset() if everything else frozenset({EVERYTHING}),),
        )  # fmt: skip
        if not everything:
            st.button(
                f"Open the {words.count(len(touched), 'group')} in focus", key="open_groups", width="stretch",
                icon=":material/unfold_more:", disabled=not touched or len(touched) == len(cluster.group_numbers),
                on_click=_set_opened, args=(state.current().opened | touched,),
            )  # fmt: skip
            st.button(
                "Fold all groups", key="fold_groups", icon=":material/unfold_less:", width="stretch",
                disabled=not state.current().opened, on_click=_set_opened, args=(frozenset(),),
            )  # fmt: skip
            st.caption("Before opening, hide kinds in the legend that you do not need (shift+click: only that kind).")


def _set_opened(opened: frozenset[int]) -> None:
    state.update(opened=opened)


def _views(cluster: Cluster, filters: state.Filters, seen: Focus) -> None:
    pinned = set(filters.pinned)
    st.button(
        "Unpin all" if pinned else f"Pin {words.count(len(seen.selected), 'node')}", key="pin", icon=":material/keep:",
        width="stretch", disabled=not pinned and not 0 < len(seen.selected) <= 50, on_click=_pin,
        args=(() if pinned else seen.selected,), help="Pinned nodes stay lit and labelled, whatever is selected",
    )  # fmt: skip
    for i, row in enumerate(session.saved_views(cluster.cluster_id)):
        with st.container(horizontal=True, gap="xsmall"):
            st.button(
                words.md(row["name"], 60), key=f"view_{i}", width="stretch", on_click=_open_view, args=(row["query"],),
                help=words.md(f"{row['saved_by']}, {words.when(row['saved_at'])}", 120),
            )  # fmt: skip
            st.button(
                "Remove", key=f"view_gone_{i}", icon=":material/delete:", on_click=_save_view,
                args=(cluster.cluster_id, str(row["name"]), ""),
            )  # fmt: skip
    with st.form("save_view", border=False, clear_on_submit=True):
        name = st.text_input("Save this view as", key="view_name", max_chars=80, placeholder="Name")
        if st.form_submit_button("Save", icon=":material/bookmark_add:"):
            query = urlencode(state.to_params(filters), doseq=True)
            _save_view(cluster.cluster_id, name, query)
            st.rerun(scope="fragment")


def _save_view(cluster_id: str, name: str, query: str) -> None:
    try:
        session.case_store().save_view(cluster_id, name, query, session.who())
    except StillwatchError as e:
        kit.error(e)


def _open_view(query: str) -> None:
    saved, _ = state.parse(parse_qs(query))
    names = ("window", "hidden", "lane", "selected", "dropped", "out", "opened", "pinned", "tab")
    st.session_state[_NONCE] = st.session_state.get(_NONCE, 0) + 1  # the brush is drawn anew
    state.update(**{name: getattr(saved, name) for name in names})


def _pin(nodes: tuple[str, ...]) -> None:
    state.update(pinned=tuple(nodes))


def _back() -> None:
    st.session_state[_NONCE] = st.session_state.get(_NONCE, 0) + 1
    state.back()


def _find(cluster: Cluster) -> None:
    text = str(st.session_state["find_node"]).strip()
    if not text:
        return
    found = find(cluster, text)
    if not found:
        st.toast(words.md(f"Nothing here is called “{words.plain(text, 60)}”.", 120), icon=":material/search_off:")
        return
    number = st.session_state.get(_FOUND, (0, ()))[0] + 1
    st.session_state[_FOUND] = (number, found)
    state.update(selected=found)
    st.session_state["find_node"] = ""


def find(cluster: Cluster, text: str) -> tuple[str, ...]:
    """Nodes whose id or label holds a text, whole matches first, at most ``FOUND_AT_MOST``."""
    nodes = cluster.nodes
    ids = nodes["node_id"]
    exact = ids[(ids == text) | (nodes["label"] == text)]
    if len(exact):
        return tuple(exact)
    part = ids.str.contains(text, case=False, regex=False) | nodes["label"].str.contains(text, case=False, regex=False)
    return tuple(ids[part.fillna(False)][:FOUND_AT_MOST])


def _drawn(picture: canvas.Drawing) -> str:
    if not picture.groups:
        return words.count(picture.total, "node")
    inside = sum(len(m) for m in picture.groups.values())
    return f"{words.count(len(picture.groups), 'group')} of {words.count(inside, 'account')}"


def _event(name: str) -> dict[str, Any]:
    return getattr(st.session_state[GRAPH], name) or {}


def _picked(cluster: Cluster) -> None:
    event = _event("picked")
    ids = [str(i) for i in event.get("ids", ())]
    old = state.current().selected
    if event.get("how") == "add":
        ids = [*old, *(i for i in ids if i not in set(old))]
    elif event.get("how") == "toggle":
        ids = [*(i for i in old if i not in ids), *(i for i in ids if i not in old)]
    opened = {f"{canvas.GROUP}{g}" for g in state.current().opened}  # the handle of an opened group is no selection
    state.update(selected=tuple(i for i in ids if i not in opened or i in cluster.position))


def _opened(cluster: Cluster) -> None:
    """Double-click: a group opens or folds, a value opens the groups of those who have it, an account its page."""
    node = str(_event("opened").get("id", ""))
    number = node.removeprefix(canvas.GROUP)
    opened = state.current().opened
    if node in cluster.position:
        st.session_state[_ACCOUNT] = node
    elif number != node and number.isascii() and number.isdigit():
        state.update(selected=(), opened=opened ^ {int(number)})
    elif node in cluster.sharers_of:
        state.update(selected=(node,), opened=opened | {cluster.group_of[a] for a in cluster.sharers_of[node]})


def _hidden() -> None:
    kinds = {k.value for k in EvidenceKind}
    off = frozenset(EvidenceKind(k) for k in _event("hidden").get("kinds", ()) if k in kinds)
    old = state.current()
    state.update(hidden=off - old.dropped, dropped=old.dropped & off)


def clear() -> None:
    """Drop selection and window."""
    st.session_state[_NONCE] = st.session_state.get(_NONCE, 0) + 1
    state.update(selected=(), window=None)
