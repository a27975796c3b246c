"""The timeline of the cluster page: lanes, the lane of what is in focus, the strip of hours, the brush, the notes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from stillwatch.ui import cluster_chart, cluster_notes, kit, state, timeline, words
from stillwatch.ui.cluster_facts import Cluster, Focus, hours_of_day, lanes
from stillwatch.ui.cluster_lists import digest

_LANE_WORDS = {
    "group": "Groups", "model": "Models", "capability": "Capabilities", "template": "Templates",
    "hours": "Hours of day",
}  # fmt: skip
_LANE, _SHOWN = "lane_choice", "_timeline_first_window"


def draw(cluster: Cluster, filters: state.Filters, seen: Focus) -> None:
    """Title line with the choice of lanes, and the chart."""
    strip = filters.lane == "hours"
    notes = cluster_notes.of(cluster)
    cells, left_out = lanes(cluster, "group" if strip else filters.lane)
    st.session_state[_LANE] = filters.lane  # Back and saved views change it too
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        who = "all members" if seen.accounts is None else words.count(len(seen.accounts), "account")
        kit.title("Activity", f"{'' if strip else 'top lane: '}{who}; drag to brush a window")
        st.space("stretch")
        kit.html(
            kit.chip(
                timeline.caption(cells, filters.window, left_out, cluster.bin_hours),
                "info" if filters.window else "quiet",
            )
        )
        st.segmented_control(
            "Lanes", list(_LANE_WORDS), format_func=_LANE_WORDS.__getitem__, key=_LANE,
            label_visibility="collapsed", required=True, on_change=_lane,
        )  # fmt: skip
        cluster_notes.button(cluster, filters.window)
    _chart(cluster, filters, seen, notes)
    cluster_notes.draw(cluster, notes, filters.window)


def _chart(cluster: Cluster, filters: state.Filters, seen: Focus, notes: pd.DataFrame) -> None:
    strip = filters.lane == "hours"
    cells, _ = lanes(cluster, "group" if strip else filters.lane)
    if cells.empty and not strip:
        kit.html(kit.bullets((), f"This run has no {filters.lane} lanes for the cluster: the source names none."))
        return
    drawn = st.session_state.get(cluster_notes.NONCE, 0)
    key = f"timeline_{digest(cluster.run.run_id, cluster.cluster_id, filters.lane, drawn)}"
    first: dict[str, Any] = st.session_state.setdefault(_SHOWN, {})
    window = first.setdefault(key, filters.window)  # the specification must not change under the brush being drawn
    if strip:
        hours = hours_of_day(cluster, seen.accounts)
        if hours.empty:
            kit.html(kit.bullets((), "No requests were imported for these accounts, so their hours are not known."))
            return
        spec = timeline.strip(hours, cluster.markers, cluster.begin, cluster.end, notes, window=window)
        alt = "Requests by hour of the day and day (UTC); stronger cells for more requests"
    else:
        spec = cluster_chart.spec(cluster, filters.lane, seen.accounts, notes, window)
        alt = f"Requests over time by {filters.lane}; stronger cells for more requests"
    with st.container(key="plain_chart_timeline"):
        st.vega_lite_chart(
            spec=spec, key=key, on_select=lambda: _brushed(cluster, key), selection_mode=timeline.BRUSH, alt=alt
        )


def _lane() -> None:
    state.update(lane=st.session_state[_LANE] or "group")


def _brushed(cluster: Cluster, key: str) -> None:
    chart = st.session_state[key]
    state.update(window=timeline.brushed(dict(chart.selection), cluster.bin_hours, cluster.begin))
