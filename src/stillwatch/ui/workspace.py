"""The working part of the cluster page: graph, members, reasons, timeline and label form around one selection.

All of it is one fragment: a click reruns this function alone. The selection (node ids), the brushed window, the hidden
kinds and the lanes are the page's filter state (``state``), so they are in the URL and the parts cannot disagree.
Ticks in the table are a choice inside the selection: they ring nodes in the graph and set what a label is for.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from stillwatch.domain import EvidenceKind, TargetType
from stillwatch.ui import canvas, kit, labelling, ledger, navigation, state, timeline, words
from stillwatch.ui.cluster_facts import (
    Cluster,
    Focus,
    drawing,
    focus,
    lanes,
    member_table,
    reasons_in_focus,
    touched_by,
)

HEIGHT = 530
"""Pixels of the graph's row: graph, members, reasons and the head of the timeline fit a 1280x720 window."""
_LANE_WORDS = {"group": "Groups", "model": "Models", "capability": "Capabilities", "template": "Templates"}
_GRAPH, _LANE = "graph", "lane_choice"
_OPENED, _ALL, _NONCE, _SHOWN = "_groups_opened", "_draw_all", "_timeline_nonce", "_timeline_first_window"
_ACCOUNT = "_account_to_open"


@st.fragment
def workspace(cluster: Cluster, labels: pd.DataFrame) -> None:
    """Draw the working part of one cluster's page."""
    wanted = st.session_state.pop(_ACCOUNT, None)
    if wanted in cluster.group_of:
        navigation.go("account", account=wanted)
    filters = state.current()
    seen = focus(cluster, filters.selected, filters.window, filters.hidden)
    table = member_table(cluster, seen, labels)
    table_key = f"members_{_digest(cluster.cluster_id, filters.selected, filters.window)}"
    ticked = _ticked(table, table_key)
    left, right = st.columns([1.72, 1], gap="small")
    with left.container(border=True, height=HEIGHT, gap="xsmall"):
        _graph(cluster, filters, seen, ticked)
    with right.container(border=True, height=HEIGHT, gap="small"):
        _members(cluster, filters, seen, table, table_key, ticked)
        _reasons(cluster, filters, seen)
        _label(cluster, seen, ticked)
    with st.container(border=True, gap="xsmall"):
        _timeline(cluster, filters, seen)


def _digest(*parts: Any) -> str:
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()[:12]


# --- graph ------------------------------------------------------------------------------------------------------------


def _graph(cluster: Cluster, filters: state.Filters, seen: Focus, ticked: list[str]) -> None:
    opened: dict[str, set[int]] = st.session_state.setdefault(_OPENED, {})
    everything = st.session_state.get(_ALL) == cluster.cluster_id
    picture = drawing(cluster, opened=opened.get(cluster.cluster_id, set()), everything=everything, height=HEIGHT - 72)
    with kit.title_row():
        kit.title("Link graph", _drawn(picture))
        st.space("stretch")
        if picture.groups or everything:
            st.button(
                "Draw groups" if everything else f"Draw all {picture.total:,} nodes", key="draw_all",
                icon=":material/grain:", help="Groups are drawn as one node first",
                on_click=_draw_all, args=(None if everything else cluster.cluster_id,),
            )  # fmt: skip
        if filters.selected or filters.window:
            st.button(
                "Clear", key="clear", icon=":material/close:", shortcut="Escape", on_click=_clear,
                help="Drop selection and time window",
            )  # fmt: skip
    canvas.draw(
        picture,
        selected=ticked or seen.selected,
        lit=seen.lit,
        hidden=filters.hidden,
        on_picked=_picked,
        on_opened=_opened,
        on_hidden=_hidden,
        key=_GRAPH,
    )


def _draw_all(cluster_id: str | None) -> None:
    st.session_state[_ALL] = cluster_id
    st.session_state[_OPENED] = {}


def _drawn(picture: canvas.Drawing) -> str:
    if not picture.groups:
        return words.count(picture.total, "node")
    inside = sum(len(m) for m in picture.groups.values())
    return f"{words.count(len(picture.groups), 'group')} of {words.count(inside, 'account')}, double-click opens one"


def _picked() -> None:
    event = st.session_state[_GRAPH].picked or {}
    ids = [str(i) for i in event.get("ids", ())]
    old = state.current().selected
    if event.get("how") == "add":
        ids = [*old, *(i for i in ids if i not in set(old))]
    elif event.get("how") == "toggle":
        ids = [*(i for i in old if i not in ids), *(i for i in ids if i not in old)]
    state.update(selected=tuple(ids))


def _opened() -> None:
    node = str((st.session_state[_GRAPH].opened or {}).get("id", ""))
    cluster_id = state.current().cluster or ""
    number = node.removeprefix(canvas.GROUP)
    if number != node and number.isdigit():
        st.session_state.setdefault(_OPENED, {}).setdefault(cluster_id, set()).add(int(number))
        state.update(selected=())
    else:
        st.session_state[_ACCOUNT] = node


def _hidden() -> None:
    kinds = {k.value for k in EvidenceKind}
    event = st.session_state[_GRAPH].hidden or {}
    state.update(hidden=frozenset(EvidenceKind(k) for k in event.get("kinds", ()) if k in kinds))


def _clear() -> None:
    st.session_state[_NONCE] = st.session_state.get(_NONCE, 0) + 1
    state.update(selected=(), window=None)


# --- members ----------------------------------------------------------------------------------------------------------


def _ticked(table: pa.Table, key: str) -> list[str]:
    chosen = st.session_state.get(key)
    rows = chosen.selection.rows if chosen else []
    return [str(table["account"][r].as_py()) for r in rows if r < len(table)]


def _members(
    cluster: Cluster, filters: state.Filters, seen: Focus, table: pa.Table, key: str, ticked: list[str]
) -> None:
    in_focus = seen.accounts is not None
    with kit.title_row():
        kit.title("In focus" if in_focus else "All members", words.count(len(table), "account"))
        st.space("stretch")
        if len(ticked) == 1:
            if st.button("Open account", key="open_account", icon=":material/person_search:", shortcut="O"):
                navigation.go("account", account=ticked[0])
        elif ticked:
            st.button(
                f"Keep {len(ticked)}", key="keep", icon=":material/filter_alt:", on_click=_keep, args=(tuple(ticked),),
                help="Make the ticked rows the selection",
            )  # fmt: skip
        kit.html(kit.quiet(words.number(pc.sum(table["requests"]).as_py() or 0, "requests")))
    if filters.selected and "sel" not in state.to_params(filters):
        st.caption("The selection is too large for a link; it stays in this session.")
    if seen.unknown:
        st.caption(f"{words.count(seen.unknown, 'id')} of the link's selection is not in this cluster.")
    column = kit.column
    st.dataframe(
        table,
        key=key,
        height=kit.ROW_HEIGHT * 6 + 3,
        row_height=kit.ROW_HEIGHT,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        alt="Members in focus, highest score first",
        column_config={
            "account": column("Account", width=104),
            "risk": column("Risk", "score", width=80, help="Probability that the account belongs to a campaign"),
            "trend": column("14 days", "bars", width=72),
            "window": column("In window", "number", width=74, help="Requests inside the brushed window"),
            "requests": column("Requests", "compact", width=64),
            "links": column("Links", "number", width=44, help="Shared values that link it to other members"),
            "role": column("Role", width=56, help="core: links of its own in two views; fringe: in one view only"),
            "label": column("Label", width=84),
            "status": column("Status", width=74),
        },
    )


def _keep(accounts: tuple[str, ...]) -> None:
    state.update(selected=accounts)


def _reasons(cluster: Cluster, filters: state.Filters, seen: Focus) -> None:
    with st.container(height=176, border=False, gap="xsmall"):
        _ledger(cluster, filters, seen)


def _ledger(cluster: Cluster, filters: state.Filters, seen: Focus) -> None:
    kit.title("Why these are linked", "rarest first; click to select")
    chosen = next(
        (k for k in cluster.reasons["kind"] if filters.selected and filters.selected == touched_by(cluster, k)), None
    )
    ledger.draw(
        cluster.reasons,
        reasons_in_focus(cluster, seen),
        in_focus=None if seen.accounts is None else len(seen.accounts),
        hidden=filters.hidden,
        chosen=chosen,
        on_chosen=lambda: _chosen(cluster),
        key="ledger",
    )


def _chosen(cluster: Cluster) -> None:
    kind = str((st.session_state["ledger"].chosen or {}).get("kind", ""))
    rests_on = touched_by(cluster, kind)
    state.update(selected=() if rests_on == state.current().selected else rests_on)


def _label(cluster: Cluster, seen: Focus, ticked: list[str]) -> None:
    scopes: dict[str, tuple[TargetType, Any]] = {"The whole cluster": (TargetType.CLUSTER, [cluster.cluster_id])}
    if seen.accounts:
        scopes[f"{words.count(len(seen.accounts), 'account')} in focus"] = (TargetType.ACCOUNT, sorted(seen.accounts))
    if ticked:
        scopes[f"{words.count(len(ticked), 'ticked account')}"] = (TargetType.ACCOUNT, ticked)
    labelling.form(scopes, cluster.run.run_id)


# --- timeline ---------------------------------------------------------------------------------------------------------


def _timeline(cluster: Cluster, filters: state.Filters, seen: Focus) -> None:
    cells, left_out = lanes(cluster, filters.lane)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        who = "all members" if seen.accounts is None else words.count(len(seen.accounts), "account")
        kit.title("Activity", f"top lane: {who}; drag to brush a window")
        st.space("stretch")
        kit.html(
            kit.chip(
                timeline.caption(cells, filters.window, left_out, cluster.bin_hours),
                "info" if filters.window else "quiet",
            )
        )
        st.segmented_control(
            "Lanes", list(_LANE_WORDS), format_func=_LANE_WORDS.__getitem__, default=filters.lane, key=_LANE,
            label_visibility="collapsed", required=True, on_change=_lane, persist_state="session",
        )  # fmt: skip
    if cells.empty:
        kit.html(kit.bullets((), f"This run has no {filters.lane} lanes for the cluster: the source names none."))
        return
    over_time = cluster.bins.over_time(seen.accounts)
    key = f"timeline_{_digest(cluster.cluster_id, filters.lane, st.session_state.get(_NONCE, 0))}"
    first: dict[str, Any] = st.session_state.setdefault(_SHOWN, {})
    window = first.setdefault(key, filters.window)  # the specification must not change under the brush being drawn
    with st.container(key="plain_chart_timeline"):
        st.vega_lite_chart(
            spec=timeline.chart(
                cells, cluster.markers, timeline.top_lane(over_time, cluster.bin_hours), window=window
            ),
            key=key, on_select=lambda: _brushed(cluster, key), selection_mode=timeline.BRUSH,
            alt=f"Requests over time by {filters.lane}; stronger cells for more requests",
        )  # fmt: skip


def _lane() -> None:
    state.update(lane=st.session_state[_LANE] or "group")


def _brushed(cluster: Cluster, key: str) -> None:
    chart = st.session_state[key]
    window = timeline.brushed(dict(chart.selection), cluster.bin_hours, cluster.begin)
    state.update(window=window)
