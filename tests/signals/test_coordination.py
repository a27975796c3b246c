"""Coordination tables against pandas."""

from __future__ import annotations

import sys
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import odd_world

from stillwatch.signals.coordination import WEEK, Activity, activity_of, days_since_1970
from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import inputs_as_of

ACCOUNTS = pd.Series([f"a{i:05d}" for i in range(60)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Activity, pd.DataFrame, pd.DataFrame]:
    """The activity of sixty accounts of the odd world, their requests and the models."""
    tables = odd_world.make()
    places = odd_world.write(tables, tmp_path_factory.mktemp("world"))
    backend = ibis.duckdb.connect()
    read = {n: backend.read_parquet(f"{place}/*.parquet", table_name=n) for n, place in places.items()}
    activity = activity_of(inputs_as_of(read.__getitem__, odd_world.AS_OF), Engine(backend), ACCOUNTS)
    requests = pd.DataFrame(tables["requests"]).astype({"ts": "datetime64[us]"})
    known = requests[requests["account_id"].isin(ACCOUNTS) & (requests["ts"] <= pd.Timestamp(odd_world.AS_OF))]
    days = (known["ts"] - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(days=1)
    known = known.assign(number=known["account_id"].str[1:].astype(int), at=days, day=np.floor(days).astype(int))
    return activity, known, pd.DataFrame(tables["models"])


def test_load_counts_requests_by_day(made: tuple[Activity, pd.DataFrame, pd.DataFrame]) -> None:
    activity, requests, _ = made
    want = requests.groupby(["number", "day"]).size()
    assert activity.load.set_index(["number", "day"])["n"].sort_index().to_dict() == want.to_dict()
    assert activity.load["day"].min() < 0, "a request before 1970 belongs to a day below zero"


def test_lives_are_from_the_first_to_the_last_request(made: tuple[Activity, pd.DataFrame, pd.DataFrame]) -> None:
    activity, requests, _ = made
    lives = activity.lives.set_index("number").sort_index()
    want = requests.groupby("number")["at"].agg(["min", "max"])
    assert list(lives.index) == list(want.index)
    assert np.allclose(lives["first"], want["min"], rtol=0, atol=1e-9)
    assert np.allclose(lives["last"], want["max"], rtol=0, atol=1e-9)
    for number, own in requests.groupby("number"):
        counts = own["client"].value_counts()
        top = sorted(counts[counts == counts.max()].index) if len(counts) else [None]
        client = lives.loc[number, "client"]
        assert (None if pd.isna(client) else client) == top[-1]


def test_uses_are_first_uses_of_models_with_a_release(made: tuple[Activity, pd.DataFrame, pd.DataFrame]) -> None:
    activity, requests, models = made
    released = models[models["released_at"] <= odd_world.AS_OF]
    assert activity.releases == {
        m: days_since_1970(t) for m, t in zip(released["model"], released["released_at"], strict=True)
    }
    uses = activity.uses.set_index(["number", "model"]).sort_index()
    own = requests[requests["model"].isin(released["model"])]
    first = own.groupby(["number", "model"])["at"].min()
    assert list(uses.index) == list(first.index)
    assert np.allclose(uses["used"], first, rtol=0, atol=1e-9)
    for (number, model), row in uses.iterrows():
        mine = own[(own["number"] == number) & (own["model"] == model)]
        assert row["week"] == (mine["day"] < mine["day"].min() + WEEK).sum()
    assert len(uses) > 60


def test_models_from_before_the_data_can_be_left_out(tmp_path: Path) -> None:
    places = odd_world.write(odd_world.make(), tmp_path)
    backend = ibis.duckdb.connect()
    read = {n: backend.read_parquet(f"{place}/*.parquet", table_name=n) for n, place in places.items()}
    inputs, execute = inputs_as_of(read.__getitem__, odd_world.AS_OF), Engine(backend)
    ever, lately = (activity_of(inputs, execute, ACCOUNTS, since).uses for since in (None, odd_world.START))
    assert set(lately["model"]) == {"модель"} < set(ever["model"])
    both = lately.merge(ever, on=["number", "model", "used", "week"])
    assert len(both) == len(lately) == (ever["model"] == "модель").sum()


def test_a_day_is_whole_or_a_part() -> None:
    assert days_since_1970(pd.Timestamp("1970-01-03 12:00")) == 2.5
    assert days_since_1970(pd.Timestamp("1969-12-31 18:00")) == -0.25
