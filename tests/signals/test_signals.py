"""Signals against pandas, their documents, and what happens when a source cannot feed them."""

from __future__ import annotations

import sys
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "pipeline"))
import worlds

from stillwatch.domain import Capability
from stillwatch.signals import compute, links
from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import Coverage, Inputs, coverage_expr, inputs_as_of
from stillwatch.warehouse.store import Warehouse


@pytest.fixture(scope="module")
def world() -> worlds.World:
    return worlds.make(strangers=60)


@pytest.fixture(scope="module")
def made(
    world: worlds.World, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Inputs, Engine, Coverage, pd.DataFrame]:
    warehouse = Warehouse.open(worlds.write(world, tmp_path_factory.mktemp("home")))
    inputs, engine = inputs_as_of(warehouse.table, None), Engine(warehouse.backend())
    coverage = compute.read_coverage(engine(coverage_expr(inputs)).iloc[0])
    return inputs, engine, coverage, compute.signal_frame(inputs, coverage, engine).set_index("account_id")


def test_values_are_those_of_pandas(made: tuple[Inputs, Engine, Coverage, pd.DataFrame], world: worlds.World) -> None:
    signals = made[3]
    r = world.requests.assign(ts=pd.to_datetime(world.requests["ts"]))
    for account, own in r.groupby("account_id"):
        got = signals.loc[account]
        share = own["ts"].dt.hour.value_counts(normalize=True)
        assert got["requests"] == len(own)
        assert got["active_days"] == own["ts"].dt.date.nunique()
        assert got["hours_of_day"] == len(share)
        assert got["hour_entropy"] == pytest.approx(-(share * np.log2(share)).sum())
        assert got["subnets"] == own["subnet"].nunique()
        assert got["templates"] == own["template"].nunique()
        assert got["weekend_share"] == pytest.approx((own["ts"].dt.dayofweek >= 5).mean())
        flags = own["capabilities"]
        assert got["asks_reasoning"] == pytest.approx(((flags & Capability.REASONING.bit) > 0).mean())
        gaps = own["ts"].sort_values().astype("datetime64[s]").diff().dt.total_seconds().dropna()
        assert got["longest_gap_hours"] == pytest.approx(gaps.max() / 3600, rel=1e-3)
        assert got["median_gap_minutes"] == pytest.approx(gaps.median() / 60, rel=1e-2, abs=0.05)


def test_what_a_source_cannot_feed_is_null_with_a_reason(made: tuple[Inputs, Engine, Coverage, pd.DataFrame]) -> None:
    _, _, coverage, signals = made
    reasons = {s.name: reason for s, reason in compute.computable(coverage)}
    assert set(reasons) == set(compute.SIGNALS)
    assert reasons["addresses"] == "the source gives no ip with its requests"
    assert signals["addresses"].isna().all()
    assert reasons["subnets"] is None
    assert signals["subnets"].notna().all()


def test_every_signal_is_documented_where_the_page_says(made: tuple[Inputs, Engine, Coverage, pd.DataFrame]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "signals.md").read_text()
    assert page == compute.render_markdown()
    assert list(made[3].columns) == list(compute.SIGNALS)
    for signal in compute.SIGNALS.values():
        assert signal.meaning
        assert signal.innocent
        assert signal.source
        assert f"`{signal.name}`" in page
    assert not any("country" in " ".join(s.needs) for s in compute.SIGNALS.values())


def test_phrasebook_keeps_what_an_account_repeats() -> None:
    rows = [
        ("a", "t1", [1, 2, 3]),
        ("a", "t2", [2, 3, 4]),
        ("a", "t2", [2, 3, 4]),
        ("b", "t9", [3, 5]),
        ("b", "t9", [3, 5]),
        ("c", "t8", [5]),
    ]
    table = ibis.memtable(pd.DataFrame(rows, columns=["account_id", "template", "phrases"]))
    inputs = Inputs(table, table, table, table)
    engine = Engine(ibis.duckdb.connect())
    numbers = pd.DataFrame({"account_id": ["a", "b", "c"], "number": [7, 3, 5]})
    got = {(r.number, r.token) for r in engine(links.phrasebook_expr(inputs, ibis.memtable(numbers))).itertuples()}
    assert got == {(7, 2), (7, 3), (7, 4), (3, 3), (3, 5)}
    parts = [engine(links.phrasebook_expr(inputs, ibis.memtable(numbers.iloc[[k]]))) for k in range(3)]
    assert {(r.number, r.token) for part in parts for r in part.itertuples()} == got


def test_links_keep_only_what_two_accounts_have(
    made: tuple[Inputs, Engine, Coverage, pd.DataFrame], world: worlds.World
) -> None:
    inputs, engine = made[0], made[1]
    found = engine(links.identifier_links_expr(inputs))
    assert (found["sharers"] > 1).all()
    cards = world.identifiers[world.identifiers["kind"] == "payment"].groupby("value")["account_id"].nunique()
    assert set(found.loc[found["kind"] == "payment", "value"]) == {f"payment:{v}" for v in cards.index[cards > 1]}
    held = engine(links.identifier_degrees_expr(inputs))
    assert (held["values"] == 1).all()


def test_rounding_hides_the_order_of_addition() -> None:
    values = np.array([0.1 + 0.2, 0.3, 1e-17, -2e-16, 123456789.123, np.nan])
    rounded = compute.round_significant(values)
    assert rounded[0] == rounded[1]
    assert list(rounded[2:4]) == [0.0, 0.0]
    assert rounded[4] == 123456789.0
    assert np.isnan(rounded[5])
