"""The working part of the cluster page: graph, lists, reasons, timeline and label form around one selection.

All of it is one fragment: a click reruns this function alone. The selection (node ids), the brushed window, the hidden
kinds, what does not count, the opened groups and the lanes are the page's filter state (``state``), so they are in the
URL and the parts cannot disagree.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from stillwatch.ui import canvas, cluster_graph, cluster_links, cluster_lists, cluster_time, navigation, state
from stillwatch.ui.cluster_facts import Cluster, drawing, focus, lanes, member_table, reasons_in_focus

HEIGHT = 530
"""Pixels of the graph's row: graph, lists, reasons and the head of the timeline fit a 1280x720 window."""
_CANVAS = HEIGHT - 72


def prepare(cluster: Cluster) -> None:
    """Make what all sessions share of one cluster's page, so that its first visitor does not wait for it."""
    everybody = focus(cluster, (), None)
    member_table(cluster, everybody, pd.DataFrame())
    reasons_in_focus(cluster, everybody)
    cluster_links.what_if(cluster)
    cluster_links.values_table(cluster, everybody, frozenset())
    lanes(cluster, state.Filters().lane)
    drawing(cluster, opened=(), everything=False, height=_CANVAS)
    canvas.components()


@st.fragment
def workspace(cluster: Cluster, labels: pd.DataFrame) -> None:
    """Draw the working part of one cluster's page."""
    wanted = cluster_graph.account_to_open()
    if wanted in cluster.position:
        navigation.go("account", account=wanted)
    filters = state.current()
    seen = focus(cluster, filters.selected, filters.window, filters.hidden | filters.dropped)
    now = cluster_links.what_if(cluster, filters.dropped, filters.out)
    table = member_table(cluster, seen, labels)
    key = cluster_lists.members_key(cluster, filters)
    ticked = cluster_lists.ticked(table, key)
    left, right = st.columns([1.72, 1], gap="small")
    with left.container(border=True, height=HEIGHT, gap="xsmall"):
        cluster_graph.draw(cluster, filters, seen, ticked, now, _CANVAS)
    with right.container(border=True, height=HEIGHT, gap="small"):
        cluster_lists.draw(cluster, filters, seen, table, key, ticked, now)
    with st.container(border=True, gap="xsmall"):
        cluster_time.draw(cluster, filters, seen)
