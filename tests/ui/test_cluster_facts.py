"""What a selection means, what the canvas is sent, how a brush becomes a window."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import fake_run
import numpy as np
import pandas as pd
import pytest

from stillwatch.domain import EvidenceKind
from stillwatch.ui import activity, canvas, cluster_facts, cluster_notes, timeline
from stillwatch.ui.cluster_facts import Cluster

FIRST = "C-a1b2c1"


@pytest.fixture
def cluster(home: Path) -> Cluster:
    fake_run.publish(home)
    return cluster_facts.load(FIRST)


def test_nothing_selected_means_everybody(cluster: Cluster) -> None:
    seen = cluster_facts.focus(cluster, (), None)
    assert (seen.accounts, seen.lit, seen.selected) == (None, None, ())


def test_a_shared_value_stands_for_those_who_have_it(cluster: Cluster) -> None:
    link = cluster.links.iloc[0]
    seen = cluster_facts.focus(cluster, (link["node"],), None)
    assert seen.accounts == frozenset(cluster.links.loc[cluster.links["node"] == link["node"], "account_id"])
    assert link["node"] in (seen.lit or ())


def test_an_account_lights_its_values_except_hidden_kinds(cluster: Cluster) -> None:
    account = cluster.links["account_id"].value_counts().index[0]
    own = cluster.links[cluster.links["account_id"] == account]
    seen = cluster_facts.focus(cluster, (account,), None)
    assert seen.lit == {account, *own["node"]}
    hidden = frozenset({EvidenceKind(own["kind"].iat[0])})
    less = cluster_facts.focus(cluster, (account,), None, hidden)
    assert less.lit == {account, *own.loc[~own["kind"].isin(list(hidden)), "node"]}


def test_a_group_stands_for_its_accounts(cluster: Cluster) -> None:
    seen = cluster_facts.focus(cluster, ("group:0",), None)
    assert seen.accounts == {a for a, g in cluster.group_of.items() if g == 0}


def test_ids_that_are_not_here_are_counted_not_shown(cluster: Cluster) -> None:
    seen = cluster_facts.focus(cluster, ("nobody", "payment:none", "acct_100010"), None)
    assert (seen.selected, seen.unknown) == (("acct_100010",), 2)


def test_without_requests_a_window_keeps_accounts_whose_time_spans_it(cluster: Cluster) -> None:
    window = (fake_run.AS_OF - timedelta(hours=30), fake_run.AS_OF)
    seen = cluster_facts.focus(cluster, (), window)
    rows = cluster.accounts[cluster.accounts["last_seen"] >= window[0]]
    assert seen.accounts == frozenset(rows["account_id"])


def test_the_list_twin_is_complete(cluster: Cluster) -> None:
    labels = pd.DataFrame({"target_type": [], "target_id": [], "value": []})
    table = cluster_facts.member_table(cluster, cluster_facts.focus(cluster, (), None), labels)
    assert set(table["account"].to_pylist()) == set(cluster.accounts["account_id"])
    assert table["risk"].to_pylist() == sorted(table["risk"].to_pylist(), reverse=True)


def test_reasons_in_focus_count_accounts(cluster: Cluster) -> None:
    account = cluster.links["account_id"].iat[0]
    seen = cluster_facts.focus(cluster, (account,), None)
    kinds = set(cluster.links.loc[cluster.links["account_id"] == account, "kind"])
    assert cluster_facts.reasons_in_focus(cluster, seen) == dict.fromkeys(kinds, 1)


# --- canvas -----------------------------------------------------------------------------------------------------------


def _document(drawing: canvas.Drawing) -> dict[str, Any]:
    version, _, body = drawing.payload.partition(b"\n")
    assert version.decode() == drawing.version
    found: dict[str, Any] = json.loads(body)
    return found


def _draw(cluster: Cluster, **more: Any) -> canvas.Drawing:
    return canvas.build(cluster.nodes, cluster.links, name="c", family="r/c", height=400, **more)


def test_the_drawing_is_the_same_bytes_every_time(cluster: Cluster) -> None:
    assert _draw(cluster).payload == _draw(cluster).payload


def test_every_node_and_every_link_is_drawn(cluster: Cluster) -> None:
    drawing = _draw(cluster)
    document = _document(drawing)
    assert list(drawing.ids) == cluster.nodes["node_id"].tolist() == document["ids"]
    edges = np.array(document["edges"]).reshape(-1, 2)
    pairs = {(document["ids"][a], document["ids"][b]) for a, b in edges}
    assert pairs == set(zip(cluster.links["account_id"], cluster.links["node"], strict=True))
    assert document["kind"] == [[k["kind"] for k in document["kinds"]].index(k) for k in cluster.nodes["kind"]]


def test_a_large_cluster_is_folded_and_opens_group_by_group(home: Path) -> None:
    fake_run.publish(home, (3300,), run_id="R-20261120-120000-b16b")
    cluster = cluster_facts.load(FIRST)
    folded = _draw(cluster)
    groups = sorted(set(cluster.nodes["group"]))
    assert folded.ids == tuple(f"group:{g}" for g in groups)
    assert sum(_document(folded)["count"]) == 3300
    opened = _draw(cluster, opened=frozenset({0}))
    assert opened.shown == int((cluster.nodes["group"] == 0).sum())
    member = next(a for a, g in cluster.group_of.items() if g == 1)
    assert opened.positions([member]) == [opened.ids.index("group:1")]
    assert len(_draw(cluster, everything=True).ids) == len(cluster.nodes)
    assert len(folded.payload) < 20_000


# --- time -------------------------------------------------------------------------------------------------------------


def _ms(t: datetime) -> float:
    return (t - datetime(1970, 1, 1)).total_seconds() * 1000


def test_a_brush_becomes_a_window_of_whole_cells() -> None:
    begin = datetime(2026, 11, 1)
    pair = [_ms(begin + timedelta(hours=7)), _ms(begin + timedelta(hours=13))]
    assert timeline.brushed({"win": {"bin": pair}}, 6, begin) == (
        begin + timedelta(hours=6),
        begin + timedelta(hours=18),
    )
    assert timeline.brushed({"win": {"bin": pair[::-1]}}, 6, begin) == (
        begin + timedelta(hours=6),
        begin + timedelta(hours=18),
    )
    assert timeline.brushed({"win": {}}, 6, begin) is None
    assert timeline.brushed({}, 6, begin) is None


def test_the_busiest_lanes_are_drawn_and_the_rest_counted(cluster: Cluster) -> None:
    cells = pd.concat(
        [cluster.timeline[cluster.timeline["lane_kind"] == "model"].assign(lane=f"m{i}") for i in range(15)]
    )
    drawn, left_out = timeline.lanes(cells, "model")
    assert (drawn["lane"].nunique(), left_out) == (timeline.MAX_LANES, 3)


def notes(*about: tuple[datetime, datetime | None]) -> pd.DataFrame:
    """Notes as the case file gives them; the fields that a chart reads."""
    frame = pd.DataFrame(about, columns=["begin", "end"], dtype=object)
    return frame.assign(
        begin=pd.to_datetime(frame["begin"]), end=pd.to_datetime(frame["end"]), text="<b>x</b>", by="ana", at=range(
            len(about)
        ),
    )  # fmt: skip


def test_the_charts_are_valid_vega_lite(cluster: Cluster) -> None:
    cells, _ = timeline.lanes(cluster.timeline, "model")
    top = timeline.top_lane(cluster.bins.over_time(None), 6)
    window = (fake_run.AS_OF - timedelta(days=3), fake_run.AS_OF)
    hours = pd.DataFrame({"day": [fake_run.AS_OF], "hour": [3], "requests": [2], "accounts": [1]})
    for spec in (
        timeline.chart(cells, cluster.markers, top, notes((window[0], None)), window=window),
        timeline.strip(hours, cluster.markers, cluster.begin, cluster.end, notes(window), window=window),
    ):
        assert len(spec["datasets"]["notes"]) == 1
        spec["datasets"] = {name: [] for name in spec["datasets"]}
        alt.LayerChart.from_dict(spec, validate=True)


def test_notes_are_cut_to_the_drawn_time_and_never_too_thin(cluster: Cluster) -> None:
    cells, _ = timeline.lanes(cluster.timeline, "group")
    begin, end = cells["bin"].min().to_pydatetime(), cells["end"].max().to_pydatetime()
    day = timedelta(days=1)
    asked = notes(
        (begin + 3 * day, None), (begin + day, begin + day + timedelta(minutes=1)),
        (begin - 9 * day, begin + 2 * day), (end - day, end + 9 * day),
        (begin - 9 * day, None), (end + day, end + 2 * day),
    )  # fmt: skip
    spec = timeline.chart(
        cells, cluster.markers, timeline.top_lane(cluster.bins.over_time(None), 6), asked, window=None
    )
    drawn = spec["datasets"]["notes"].map(lambda v: v.tz_localize(None) if isinstance(v, pd.Timestamp) else v)
    assert len(drawn) == 4
    assert (drawn["at"].min(), drawn["end"].max()) == (begin, end)
    assert (drawn["left"] >= begin).all() and (drawn["right"] <= end).all()  # noqa: PT018
    assert ((drawn["right"] - drawn["left"]) >= (end - begin) / 301).all()
    assert set(drawn["text"]) == {"<b>x</b>"}  # the browser escapes what stands in a tooltip


def test_the_list_of_notes_follows_the_window() -> None:
    noon, hour = datetime(2026, 11, 1, 12), timedelta(hours=1)
    some = notes((noon, None), (noon - 5 * hour, noon), (noon - 5 * hour, noon + hour), (noon + hour, None))
    window = (noon, noon + hour)
    assert cluster_notes.listed(some, None).index.tolist() == [1, 2, 0, 3]
    assert cluster_notes.listed(some, window).index.tolist() == [2, 0]
    many = notes(*((noon + n * hour, None) for n in range(50)))
    assert cluster_notes.listed(many, None).index.tolist() == list(range(30, 50))


def test_the_specification_stays_while_focus_and_notes_change(cluster: Cluster) -> None:
    cells, _ = timeline.lanes(cluster.timeline, "group")
    specs = []
    for requests in (1, 2):
        over_time = pd.DataFrame({"bin": [cells["bin"].min()], "requests": [requests], "accounts": [1]})
        shown = notes((fake_run.AS_OF, None)) if requests == 2 else notes()
        spec = timeline.chart(cells, cluster.markers, timeline.top_lane(over_time, 6), shown, window=None)
        del spec["datasets"]
        specs.append(spec)
    assert specs[0] == specs[1]


def test_bins_count_members_in_time() -> None:
    begin = datetime(2026, 11, 1)
    cells = pd.DataFrame({"account_id": ["a", "a", "b"], "bin": [0, 3, 40], "n": [2, 1, 5]})
    bins = activity.Bins(begin, 12, cells)
    assert bins.between(begin, begin + timedelta(hours=24)) == {"a": 2}
    assert bins.between(begin + timedelta(hours=36), begin + timedelta(days=30)) == {"a": 1, "b": 5}
    assert bins.over_time({"a"})["requests"].tolist() == [2, 1]
    assert bins.sparklines["b"][-1] == 5
    assert len(bins.sparklines["a"]) == activity.SPARK_DAYS
