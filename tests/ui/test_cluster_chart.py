"""The chart of the lanes as it is sent: the same as made in one piece, and only the lane in focus follows a click."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from stillwatch.ui import activity, cluster_chart, cluster_facts, cluster_notes, session, timeline


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


def test_the_run_s_own_sums_are_what_its_requests_say(detected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLWATCH_HOME", str(detected))
    for cluster_id in session.frame("clusters")["cluster_id"].head(12):
        cluster = cluster_facts.load(str(cluster_id))
        pd.testing.assert_frame_equal(
            cluster.over_time, cluster.bins.over_time(None), check_dtype=False, obj=str(cluster_id)
        )


def test_a_list_is_shown_before_its_days_are_counted_and_has_them_afterwards(
    detected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLWATCH_HOME", str(detected))
    cluster = cluster_facts.load(str(session.frame("clusters")["cluster_id"].iloc[0]))
    everybody, counted = cluster_facts.focus(cluster, (), None), cluster.bins.sparklines
    waits: Future[activity.Bins] = Future()
    with monkeypatch.context() as slow:
        slow.setattr(activity, "PATIENCE", 0.0)
        slow.setattr(activity, "_counting", lambda *_: waits)
        before = cluster_facts.member_table(cluster, everybody, pd.DataFrame())
        assert before["trend"].null_count == len(before)
    after = cluster_facts.member_table(cluster, everybody, pd.DataFrame())
    assert after.drop(["trend"]).equals(before.drop(["trend"]))
    assert dict(zip(after["account"].to_pylist(), after["trend"].to_pylist(), strict=True)) == counted


def test_what_a_page_does_to_its_chart_reaches_no_other(hostile_home: Path) -> None:
    cluster = cluster_facts.load(str(session.frame("clusters")["cluster_id"].iloc[0]))
    notes = cluster_notes.of(cluster)
    one = cluster_chart.spec(cluster, "group", None, notes, None)
    one["layer"].clear()
    one["datasets"].clear()
    assert cluster_chart.spec(cluster, "group", None, notes, None)["layer"]
