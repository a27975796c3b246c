"""The chart of the cluster page's lanes: what everybody sees alike is made once, a click adds the lane of its focus.

Making the whole chart anew was half of the processor time of a click (16 of 35 ms).
"""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from stillwatch.ui import activity, timeline
from stillwatch.ui.cluster_facts import Cluster, lanes

_TOP = ("title", "bin", "end", "requests", "accounts")


def spec(
    cluster: Cluster,
    lane: str,
    accounts: frozenset[str] | None,
    notes: pd.DataFrame,
    window: tuple[datetime, datetime] | None,
) -> dict[str, Any]:
    """``timeline.chart`` of one kind of lanes for some members (None = all), with its data as Arrow streams."""
    noted = repr(notes.to_dict("records")) if len(notes) else ""
    chart, data = _standing(str(cluster.run.folder), cluster, cluster.cluster_id, lane, noted, notes, window)
    if accounts is not None and activity.has_requests():
        data = {**data, "focus": _focus(cluster, accounts)}
    return {**copy.deepcopy(chart), "datasets": dict(data)}


@st.cache_resource(max_entries=64, show_spinner=False)
def _standing(
    folder: str, _cluster: Cluster, cluster_id: str, lane: str, noted: str, _notes: pd.DataFrame,
    window: tuple[datetime, datetime] | None,
) -> tuple[dict[str, Any], dict[str, bytes]]:  # fmt: skip
    del folder, cluster_id, noted  # the cache's key, with lane and window
    top = timeline.top_lane(_cluster.over_time, _cluster.bin_hours)
    chart = timeline.chart(lanes(_cluster, lane)[0], _cluster.markers, top, _notes, window=window)
    data = {name: _stream(pa.Table.from_pandas(frame)) for name, frame in chart.pop("datasets").items()}
    return chart, {**data, "focus": _focus(_cluster, None)}


def _focus(cluster: Cluster, accounts: frozenset[str] | None) -> bytes:
    """The lane of what is in focus; times are marked as UTC, so that no browser shifts them."""
    over_time = cluster.over_time if accounts is None else cluster.bins.over_time(accounts)
    top = timeline.top_lane(over_time, cluster.bin_hours)
    moment = pa.timestamp("ms", "UTC")
    columns = {c: pa.array(top[c], from_pandas=True) for c in _TOP}
    return _stream(pa.table({c: a.cast(moment, safe=False) if c in ("bin", "end") else a for c, a in columns.items()}))


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())
