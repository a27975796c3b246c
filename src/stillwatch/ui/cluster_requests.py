"""The requests behind a selection or a reason: paged, newest first, without their text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import ibis
import pandas as pd
import streamlit as st

from stillwatch.signals.links import REQUEST_VALUES
from stillwatch.ui import activity, kit, session, words
from stillwatch.ui.account_facts import capabilities
from stillwatch.ui.cluster_facts import Cluster

PAGE = 100
_COLUMNS = ("ts", "account_id", "model", "input_tokens", "output_tokens", "status", "template", "capabilities")


def behind_expr(
    cluster: Cluster, nodes: Sequence[str], accounts: frozenset[str] | None, window: tuple[datetime, datetime] | None
) -> Any:
    """Requests of some members (None = all) in a window (None = ever), newest first.

    ``nodes`` (``kind:value``) that requests carry themselves narrow it to those; cards and devices mean all requests of
    their accounts.
    """
    begin, end = window or (cluster.begin, cluster.end + timedelta(days=1))
    found = activity.requests_between_expr(begin, end)
    if accounts is None:
        found = found.semi_join(activity.members_expr(cluster.run, cluster.cluster_id), "account_id")
    else:
        members = ibis.memtable(pd.DataFrame({"account_id": pd.Series(sorted(accounts), dtype="str")}))
        found = found.semi_join(members, "account_id")
    carried = []
    for node in nodes:
        kind, _, value = node.partition(":")
        if (
            kind in REQUEST_VALUES and kind != "template"
        ):  # template nodes are families, requests carry single templates
            columns = [found[c] for c in REQUEST_VALUES[kind]]
            carried.append(ibis.coalesce(*columns) == value)
    if carried and len(carried) == len(nodes):
        found = found.filter(ibis.or_(*carried))
    return found.select(*_COLUMNS).order_by(ibis.desc("ts"), "account_id")


@st.dialog("Requests behind it", width="large")
def dialog(
    cluster: Cluster, nodes: Sequence[str], accounts: frozenset[str] | None, window: tuple[datetime, datetime] | None
) -> None:
    """A page of requests; the text of prompts stays hidden (the Account page reveals it, with a logged reason)."""
    if "requests" not in session.warehouse().versions:
        st.info("No requests were imported behind this run, so there is nothing to list.", icon=":material/info:")
        return
    page = int(st.session_state.get("_requests_page", 0))
    expr = behind_expr(cluster, nodes, accounts, window)
    frame = expr.limit(PAGE + 1, offset=page * PAGE).to_pandas()
    more, frame = len(frame) > PAGE, frame.head(PAGE)
    who = "all members" if accounts is None else words.count(len(accounts), "account")
    kit.html(kit.quiet(f"{who}, {words.count(len(nodes), 'shared value')}; newest first, prompt text hidden"))
    asks = pd.Series([capabilities(int(v)) for v in frame["capabilities"].fillna(0)], index=frame.index, dtype=object)
    column = kit.column
    st.dataframe(
        frame.drop(columns="capabilities").assign(asks=asks), hide_index=True, row_height=kit.ROW_HEIGHT, height=420,
        alt="Requests behind the selection, newest first",
        column_config={
            "ts": column("Time (UTC)", "time", width=130), "account_id": column("Account", width=130),
            "model": column("Model", width=110), "input_tokens": column("In", "number", width=64),
            "output_tokens": column("Out", "number", width=64), "status": column("Status", width=74),
            "template": column("Template", width=110), "asks": column("Asks for", "list", width=150),
        },
    )  # fmt: skip
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button("Newer", key="requests_newer", icon=":material/chevron_left:", disabled=page == 0,
                  on_click=_turn, args=(page - 1,))  # fmt: skip
        st.button("Older", key="requests_older", icon=":material/chevron_right:", disabled=not more,
                  on_click=_turn, args=(page + 1,))  # fmt: skip
        kit.html(kit.quiet(f"{page * PAGE + 1:,} to {page * PAGE + len(frame):,}" if len(frame) else "none"))


def _turn(page: int) -> None:
    st.session_state["_requests_page"] = page


def show(
    cluster: Cluster, nodes: Sequence[str], accounts: frozenset[str] | None, window: tuple[datetime, datetime] | None
) -> None:
    """Open the dialog at its first page."""
    _turn(0)
    dialog(cluster, nodes, accounts, window)
