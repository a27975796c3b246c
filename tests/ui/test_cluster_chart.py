"""The chart of the lanes as it is sent: the same as made in one piece, and only the lane in focus follows a click."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from stillwatch.ui import cluster_chart, cluster_facts, cluster_notes, session, timeline


def read(data: bytes) -> pd.DataFrame:
    frame: pd.DataFrame = pa.ipc.open_stream(data).read_all().to_pandas()
    return frame.reset_index(drop=True)


def in_one_piece(cluster: cluster_facts.Cluster, accounts: frozenset[str] | None) -> dict[str, Any]:
    top = timeline.top_lane(cluster.bins.over_time(accounts), cluster.bin_hours)
    cells, _ = cluster_facts.lanes(cluster, "group")
    return timeline.chart(cells, cluster.markers, top, cluster_notes.of(cluster), window=None)


def test_the_parts_make_the_whole_chart(detected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLWATCH_HOME", str(detected))
    clusters = session.frame("clusters")
    cluster = cluster_facts.load(str(clusters["cluster_id"].iloc[int(clusters["size"].to_numpy().argmax())]))
    notes = cluster_notes.of(cluster)
    some = frozenset(cluster.accounts["account_id"].head(3))
    charts = {who: cluster_chart.spec(cluster, "group", who, notes, None) for who in (None, some)}
    for who, chart in charts.items():
        whole = in_one_piece(cluster, who)
        assert {k: v for k, v in chart.items() if k != "datasets"} == {
            k: v for k, v in whole.items() if k != "datasets"
        }
        assert chart["datasets"].keys() == whole["datasets"].keys()
        for name, frame in whole["datasets"].items():
            pd.testing.assert_frame_equal(
                read(chart["datasets"][name]), frame.reset_index(drop=True), check_dtype=False, obj=name
            )
    everybody, three = (charts[who]["datasets"] for who in (None, some))
    assert {name for name in three if three[name] != everybody[name]} == {"focus"}
    assert 0 < read(three["focus"])["requests"].sum() < read(everybody["focus"])["requests"].sum()


def test_what_a_page_does_to_its_chart_reaches_no_other(hostile_home: Path) -> None:
    cluster = cluster_facts.load(str(session.frame("clusters")["cluster_id"].iloc[0]))
    notes = cluster_notes.of(cluster)
    one = cluster_chart.spec(cluster, "group", None, notes, None)
    one["layer"].clear()
    one["datasets"].clear()
    assert cluster_chart.spec(cluster, "group", None, notes, None)["layer"]
