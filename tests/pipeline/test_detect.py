"""Detection end to end on a tiny hand-made world: one network, one campus, many strangers."""

from __future__ import annotations

import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import worlds

from stillwatch.domain import UNATTRIBUTED
from stillwatch.errors import NothingYet
from stillwatch.pipeline.detect import detect, rescore
from stillwatch.warehouse import runs
from stillwatch.warehouse.run_schema import RUN_TABLES
from stillwatch.warehouse.runs import Run


@pytest.fixture(scope="module")
def world() -> worlds.World:
    return worlds.make()


@pytest.fixture(scope="module")
def run(world: worlds.World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return detect(worlds.write(world, tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def again(world: worlds.World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same once more, in a home where a run was killed before."""
    home = worlds.write(world, tmp_path_factory.mktemp("again") / "home")
    draft = home.runs / ".draft-R-1"
    draft.mkdir(parents=True)
    (draft / "accounts.parquet").write_text("half")
    return detect(home)


def members(run: Run) -> dict[str, set[str]]:
    frame = run.frame("accounts").dropna(subset=["cluster_id"])
    return {c: set(part) for c, part in frame.groupby("cluster_id")["account_id"]}


def alarms(run: Run) -> list[set[str]]:
    clusters = run.frame("clusters")
    return [members(run)[c] for c in clusters.loc[clusters["tier"] == "alarm", "cluster_id"]]


def names(world: worlds.World, kind: str) -> set[str]:
    n = len(world.accounts)
    first = {"network": n - worlds.NETWORK, "campus": n - worlds.NETWORK - worlds.CAMPUS}[kind]
    return set(world.accounts["account_id"][first : first + getattr(worlds, kind.upper())])


def test_the_network_raises_the_only_alarm(run: Run, world: worlds.World) -> None:
    found = alarms(run)
    assert len(found) == 1
    assert len(found[0] & names(world, "network")) >= 0.9 * worlds.NETWORK
    assert not found[0] & names(world, "campus")


def test_every_account_has_a_score_and_the_network_is_on_top(run: Run, world: worlds.World) -> None:
    accounts = run.frame("accounts")
    assert set(accounts["account_id"]) == set(world.accounts["account_id"])
    assert accounts["score"].between(0, 1).all()
    top = accounts.sort_values("score", ascending=False).head(worlds.NETWORK)
    assert len(set(top["account_id"]) & names(world, "network")) >= 0.95 * worlds.NETWORK


def test_campus_is_one_open_owner(run: Run, world: worlds.World) -> None:
    accounts = run.frame("accounts").set_index("account_id")
    assert set(accounts.loc[sorted(names(world, "campus")), "owner"]) == {"organisation university"}


def test_every_table_is_filled_and_keeps_its_promises(run: Run) -> None:
    for name, spec in RUN_TABLES.items():
        table = run.arrow(name)
        assert set(spec.names) <= set(table.column_names)
        assert table.num_rows, name
    clusters, nodes, links = run.frame("clusters"), run.frame("nodes"), run.frame("links")
    assert list(clusters["rank"]) == list(range(1, len(clusters) + 1))
    assert clusters[["title", "tier", "lineage"]].notna().all().all()
    for c in clusters.itertuples():
        own = nodes[nodes["cluster_id"] == c.cluster_id]
        assert own["node_id"].is_unique
        assert (own["kind"] == "account").sum() == c.size
        mine = links[links["cluster_id"] == c.cluster_id]
        assert set(mine["account_id"]) <= set(own["node_id"])
        assert set(mine["kind"] + ":" + mine["value"]) <= set(own["node_id"])
        assert own["x"].between(-820, 820).all()
        assert own["y"].between(-470, 470).all()
        assert sum(c.daily) <= c.requests
        assert len(run.frame("hypotheses", filters=[("cluster_id", "=", c.cluster_id)])) == 9


def test_reasons_say_numbers_and_what_is_usual(run: Run) -> None:
    reasons = run.frame("reasons")
    card = reasons[reasons["kind"] == "payment"].iloc[0]
    assert card["text"].startswith("12 cards")
    assert "on average" in card["text"]
    assert card["values"] == 12
    assert card["outside"] == 0
    assert card["bits"] > 10


def test_same_data_and_seed_same_bytes(run: Run, again: Run) -> None:
    for name in RUN_TABLES:
        assert again.file(name).read_bytes() == run.file(name).read_bytes(), name


def test_order_of_rows_changes_nothing(world: worlds.World, run: Run, tmp_path: Path) -> None:
    other = detect(worlds.write(world.shuffled(), tmp_path))
    pd.testing.assert_frame_equal(other.frame("accounts"), run.frame("accounts"))
    pd.testing.assert_frame_equal(other.frame("nodes"), run.frame("nodes"))


def test_names_of_accounts_change_nothing(world: worlds.World, run: Run, tmp_path: Path) -> None:
    renamed = world.renamed()
    other = detect(worlds.write(renamed, tmp_path)).frame("accounts").set_index("account_id")
    before = run.frame("accounts").set_index("account_id")
    new = dict(zip(world.accounts["account_id"], renamed.accounts["account_id"], strict=True))
    moved = other.loc[[new[a] for a in before.index]]
    assert list(moved["score"]) == list(before["score"])
    assert list(moved["role"].fillna("")) == list(before["role"].fillna(""))


def test_a_world_without_a_network_raises_no_alarm(tmp_path: Path) -> None:
    assert not alarms(detect(worlds.write(worlds.make(network=False, seed=3), tmp_path)))


def test_empty_warehouse_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NothingYet, match="stillwatch import"):
        detect(worlds.settings(tmp_path))


@pytest.mark.parametrize("lacks", ["identifiers", "requests", "prompts", "repeats", "accounts"])
def test_worlds_that_lack_something_complete_and_say_so(world: worlds.World, tmp_path: Path, lacks: str) -> None:
    accounts, requests, identifiers, models = world.tables()
    if lacks == "identifiers":
        identifiers = identifiers.head(0)
    elif lacks == "requests":
        requests = requests.head(0)
    elif lacks == "prompts":
        requests = requests.assign(phrases=None, template=None, capabilities=None, prompt_chars=None)
    elif lacks == "repeats":
        requests = requests.drop_duplicates("account_id")
    else:
        accounts = accounts.head(0)
    run = detect(worlds.write(worlds.World(accounts, requests, identifiers, models), tmp_path))
    if lacks == "accounts":
        assert not run.frame("accounts")["known"].any()
        return
    assert not alarms(run)
    assert lacks == "repeats" or run.manifest["blind"]


def test_as_of_knows_only_what_was_known(world: worlds.World, tmp_path: Path) -> None:
    day = worlds.START + timedelta(days=10)
    late = world.accounts["account_id"].isin(names(world, "network"))
    accounts = world.accounts.copy()
    accounts["status"] = accounts["status"].where(~late, "banned")
    accounts["status_at"] = pd.Series(pd.NaT, index=accounts.index).where(~late, day + timedelta(days=3))
    run = detect(
        worlds.write(worlds.World(accounts, world.requests, world.identifiers, world.models), tmp_path), as_of=day
    )
    assert run.frame("accounts")["last_seen"].max() <= pd.Timestamp(day)
    assert set(run.frame("accounts")["status"]) == {"active"}
    assert not (run.frame("markers")["kind"] == "enforcement").any()
    assert run.frame("timeline")["bin"].max() <= pd.Timestamp(day)
    assert len(alarms(run)) == 1


def test_clusters_keep_their_id_while_they_grow(world: worlds.World, tmp_path: Path) -> None:
    place = worlds.write(world, tmp_path)
    first = detect(place, as_of=worlds.START + timedelta(days=6))
    second = detect(place)
    name = next(c for c, m in members(first).items() if len(m & names(world, "network")) > 20)
    after = second.frame("clusters").set_index("cluster_id")
    assert name in after.index
    assert after.loc[name, "lineage"] in ("same", "grown")
    assert after.loc[name, "previous_size"] == len(members(first)[name])


def test_rescore_without_a_model_is_a_new_run_with_base_scores(again: Run, tmp_path: Path) -> None:
    shutil.copytree(again.folder.parents[1], tmp_path / "home")
    place = worlds.settings(tmp_path / "home")
    first = runs.current(place.runs)
    second = rescore(place, None)
    assert second.run_id != first.run_id
    assert runs.current(place.runs).run_id == second.run_id
    assert second.manifest["model_id"] is None
    frame = second.frame("accounts")
    assert list(frame["score"]) == list(frame["base_score"])


def test_drafts_of_a_killed_run_are_swept(again: Run) -> None:
    assert [p.name for p in again.folder.parent.iterdir() if p.name.startswith(".draft")] == []


def test_requests_that_name_nobody_are_no_account(world: worlds.World, run: Run, tmp_path: Path) -> None:
    stray = world.requests.sample(200, random_state=1).assign(account_id=UNATTRIBUTED)
    stray["request_id"] = [f"stray-{n}" for n in range(len(stray))]
    requests = pd.concat([world.requests, stray], ignore_index=True)
    other = detect(worlds.write(worlds.World(world.accounts, requests, world.identifiers, world.models), tmp_path))
    assert UNATTRIBUTED not in set(other.frame("accounts")["account_id"])
    assert alarms(other) == alarms(run)
    assert other.manifest["blind"][0].startswith("200 requests name no account")


def test_accounts_of_unknown_plan_beside_a_ban(world: worlds.World, run: Run, tmp_path: Path) -> None:
    accounts = world.accounts.assign(status="active")
    accounts.loc[accounts.index[:3], "status"] = "banned"
    accounts.loc[accounts.index[::2], ["plan", "verification"]] = None
    settings = worlds.write(worlds.World(accounts, world.requests, world.identifiers, world.models), tmp_path)
    first = detect(settings)
    assert len(first.frame("accounts")) == len(run.frame("accounts"))
    first.file("accounts").write_bytes(b"damaged")
    assert detect(settings).frame("clusters")["size"].tolist() == first.frame("clusters")["size"].tolist()
