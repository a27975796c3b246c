"""Splits and merges by people: shown at once, taken back without a trace in the tables, kept by the next detection."""

from __future__ import annotations

import filecmp
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import worlds

from stillwatch.cases.store import CaseStore
from stillwatch.config import Settings, settings
from stillwatch.pipeline import recut
from stillwatch.pipeline.casefile import case_file
from stillwatch.pipeline.detect import detect
from stillwatch.warehouse import runs
from stillwatch.warehouse.lock import home_lock
from stillwatch.warehouse.runs import Run

AT = datetime(2026, 11, 22, 18)


@pytest.fixture(scope="module")
def detected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one run, to be copied."""
    cfg = worlds.write(worlds.make(strangers=250), tmp_path_factory.mktemp("detected") / "home")
    detect(cfg)
    return cfg.home


@pytest.fixture
def home(detected: Path, tmp_path: Path) -> Settings:
    shutil.copytree(detected, tmp_path / "home")
    return settings(tmp_path / "home")


def members(run: Run) -> dict[str, set[str]]:
    frame = run.frame("accounts").dropna(subset=["cluster_id"])
    return {c: set(part) for c, part in frame.groupby("cluster_id")["account_id"]}


def of(run: Run, table: str, cluster: str) -> pd.DataFrame:
    return run.frame(table, filters=[("cluster_id", "=", cluster)])


def same(one: Run, other: Run) -> bool:
    names = [p.name for p in one.folder.glob("*.parquet")]
    return filecmp.cmpfiles(one.folder, other.folder, names, shallow=False)[0] == names


def test_a_split_shows_at_once_and_counts_what_each_part_has(home: Settings) -> None:
    base = runs.current(home.runs)
    first = str(base.frame("clusters")["cluster_id"].iloc[0])
    whole = members(base)[first]
    part = set(sorted(whole)[:15])
    with CaseStore.open(home) as store:
        done = recut.split(home, store, first, part, by="ana", reason="another template")
    run = done.run
    assert run is not None
    assert runs.current(home.runs).run_id == run.run_id
    new = done.cut.other_id
    now = members(run)
    assert (now[new], now[first]) == (part, whole - part)
    assert {c: m for c, m in now.items() if c not in (first, new)} == {
        c: m for c, m in members(base).items() if c != first
    }
    rows = run.frame("clusters").set_index("cluster_id")
    assert (rows.loc[new, "tier"], rows.loc[new, "lineage"], rows.loc[first, "lineage"]) == (
        "review",
        "split",
        "shrunk",
    )
    assert list(rows["rank"]) == list(range(1, len(rows) + 1))
    for cluster in (new, first):
        accounts = of(run, "accounts", cluster)
        assert rows.loc[cluster, "requests"] == accounts["requests"].sum()
        lanes = of(run, "timeline", cluster)
        assert lanes.loc[lanes["lane_kind"] == "group", "requests"].sum() == accounts["requests"].sum()
        links, nodes = of(run, "links", cluster), of(run, "nodes", cluster)
        assert (links.groupby(["kind", "value"])["account_id"].nunique() > 1).all()
        drawn = set(nodes["node_id"])
        assert set(links["account_id"]) <= drawn
        assert set(links["kind"] + ":" + links["value"]) <= drawn
        assert (nodes["kind"] == "account").sum() == len(accounts)
    places = of(base, "nodes", first).set_index("node_id")[["x", "y"]]
    moved = of(run, "nodes", new).set_index("node_id")[["x", "y"]]
    pd.testing.assert_frame_equal(moved, places.loc[moved.index])


def test_taking_everything_back_gives_the_same_bytes(home: Settings) -> None:
    base = runs.current(home.runs)
    first = str(base.frame("clusters")["cluster_id"].iloc[0])
    accounts = sorted(members(base)[first])
    with CaseStore.open(home) as store:
        one = recut.split(home, store, first, accounts[:10], by="ana", reason="r").cut
        two = recut.split(home, store, first, accounts[10:20], by="ana", reason="r").cut
        merge = recut.merge(home, store, one.other_id, two.other_id, by="ana", reason="r")
        assert merge.run is not None
        now = members(merge.run)
        assert two.other_id not in now
        assert now[one.other_id] == set(accounts[:20])
        for cut in (merge.cut, two, one):
            last = recut.undo(home, store, cut.decision_id, by="bo", reason="r")
        assert store.verify_chain() == (True, None)
    assert last.run is not None
    assert same(base, last.run)


def test_a_joined_cluster_adds_up(home: Settings) -> None:
    base = runs.current(home.runs)
    first = str(base.frame("clusters")["cluster_id"].iloc[0])
    with CaseStore.open(home) as store:
        cut = recut.split(home, store, first, sorted(members(base)[first])[:15], by="ana", reason="r").cut
        base = detect(home)  # a run that has both as clusters of their own
        one, two = first, cut.other_id
        run = recut.merge(home, store, two, one, by="ana", reason="one hand").run
    assert run is not None
    before, after = base.frame("clusters").set_index("cluster_id"), run.frame("clusters").set_index("cluster_id")
    for name in ("size", "requests", "input_tokens"):
        assert after.loc[two, name] == before.loc[[one, two], name].sum()
    assert after.loc[two, "score"] == before.loc[[one, two], "score"].max()
    assert (after.loc[two, "tier"], after.loc[two, "lineage"]) == ("alarm", "merged")
    lanes = of(run, "timeline", two)
    assert lanes.loc[lanes["lane_kind"] == "group", "requests"].sum() == after.loc[two, "requests"]
    assert set(of(run, "nodes", two).query("kind == 'account'")["node_id"]) == members(run)[two]


def test_detection_respects_what_stands_and_forgets_what_was_taken_back(home: Settings) -> None:
    base = runs.current(home.runs)
    first = str(base.frame("clusters")["cluster_id"].iloc[0])
    part = set(sorted(members(base)[first])[:15])
    with CaseStore.open(home) as store:
        split = recut.split(home, store, first, part, by="ana", reason="r")
    again = detect(home)
    assert again.manifest["decisions"] == [split.cut.decision_id]
    now = members(again)
    assert now[split.cut.other_id] == part
    assert now[first] == members(base)[first] - part
    with CaseStore.open(home) as store:
        back = recut.undo(home, store, split.cut.decision_id, by="ana", reason="wrong")
        assert back.run is not None
        assert members(back.run) == members(base)  # also where detection had cut already
        split = recut.split(home, store, first, part, by="ana", reason="r")
        recut.merge(home, store, first, split.cut.other_id, by="ana", reason="r")
    assert members(detect(home))[first] == members(base)[first]


def test_a_decision_made_while_another_writes_waits_and_is_not_lost(home: Settings) -> None:
    base = runs.current(home.runs)
    first = str(base.frame("clusters")["cluster_id"].iloc[0])
    with CaseStore.open(home) as store:
        with home_lock(home, "detection"):
            done = recut.split(home, store, first, sorted(members(base)[first])[:9], by="ana", reason="r")
        assert done.run is None
        assert "saved" in done.waits
        assert runs.current(home.runs).run_id == base.run_id
        shown = recut.republish(home, store)
    assert recut.applied(shown) == [done.cut.decision_id]
    assert len(members(shown)[done.cut.other_id]) == 9


def test_a_case_file_that_cannot_be_read_stops_nothing_and_is_told(home: Settings) -> None:
    (home.home / "cases.db").write_bytes(b"no database at all" * 300)
    run = detect(home)
    assert any("splits and merges" in b for b in run.manifest["blind"])


def test_without_requests_a_part_says_that_its_activity_comes_later(home: Settings, tmp_path: Path) -> None:
    base = runs.current(home.runs)
    bare = replace(home, home=tmp_path / "bare")
    runs.publish(bare.runs, base.run_id, {t: base.arrow(t) for t in recut.RUN_TABLES if base.has(t)}, base.manifest)
    first = str(base.frame("clusters")["cluster_id"].iloc[0])
    with CaseStore.open(bare) as store:
        done = recut.split(bare, store, first, sorted(members(base)[first])[:9], by="ana", reason="r")
    assert done.run is not None
    assert of(done.run, "timeline", done.cut.other_id).empty
    row = of(done.run, "clusters", done.cut.other_id).iloc[0]
    assert any("next detection" in b for b in row["blind"])


def test_the_case_file_tells_of_splits_and_of_clusters_that_went_elsewhere(home: Settings) -> None:
    base = runs.current(home.runs)
    first = str(base.frame("clusters")["cluster_id"].iloc[0])
    with CaseStore.open(home) as store:
        split = recut.split(home, store, first, sorted(members(base)[first])[:9], by="ana", reason="other cards").cut
        campaign = store.create_campaign("Rose", [split.other_id], "ana", "same cards")
        recut.merge(home, store, first, split.other_id, by="bo", reason="one hand after all")
        told = case_file(home, store, campaign, bundle_id="B-0001", by="ana", at=AT, tlp="amber", redaction="full")
    decisions = told.frame("decisions")
    assert list(decisions["action"])[:1] == ["cluster split"]
    assert {"other cards", "one hand after all"} <= set(decisions["reason"])
    assert any(f"{split.other_id} was joined to {first} by bo" in gap for gap in told.gaps)
