"""Pooled traffic: many light accounts tell together what none tells alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stillwatch.clusters.pooled import Reference, least, reference_of

ACCOUNTS = 1200


def signals(rng: np.random.Generator, heavy: float = 1.0) -> pd.DataFrame:
    """Accounts with habits of their own: a tenth of them code all the time, the others hardly ever."""
    volume = np.maximum(rng.lognormal(3.0, 1.0, ACCOUNTS) * heavy, 3).astype(int)
    coder = rng.random(ACCOUNTS) < 0.1
    return pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(ACCOUNTS)],
            "requests": volume,
            "asks_coding": rng.binomial(volume, np.where(coder, 0.9, 0.05)) / volume,
            "asks_maths": rng.binomial(volume, rng.beta(1, 9, ACCOUNTS)) / volume,
        }
    )


def reference(frame: pd.DataFrame, owner: np.ndarray | None = None) -> Reference:
    made = reference_of(frame, np.arange(len(frame)) if owner is None else owner, np.arange(100, len(frame)))
    assert made is not None
    return made


def test_a_slight_leaning_of_each_shows_in_the_pool() -> None:
    rng = np.random.default_rng(1)
    frame = signals(rng)
    ours = np.arange(60)
    volume = frame["requests"].to_numpy()[ours]
    frame.loc[ours, "asks_maths"] = rng.binomial(volume, 0.3) / volume
    told = reference(frame).test(np.arange(ACCOUNTS), ours)
    assert told is not None
    assert (told.capability, told.requests) == ("maths", int(volume.sum()))
    assert told.share == pytest.approx((frame["asks_maths"][ours] * volume).sum() / volume.sum())
    assert told.usual < 0.15 < told.share
    assert told.p_value < 1e-4
    assert 1 < told.enough < len(ours)


def test_strangers_are_not_told_more_often_than_the_price_allows() -> None:
    rng = np.random.default_rng(2)
    below = []
    for _ in range(20):
        frame = signals(rng)
        made = reference(frame)
        for start in range(0, 100, 20):
            told = made.test(np.arange(ACCOUNTS), np.arange(start, start + 20))
            below.append(told is not None and told.p_value < 0.01)
    assert sum(below) <= 4, "of 100 groups of strangers one in a hundred is expected"


def test_requests_of_one_owner_stand_or_fall_together() -> None:
    rng = np.random.default_rng(3)
    frame = signals(rng)
    ours = np.arange(12)
    frame.loc[ours, "asks_coding"] = 0.9
    apart = reference(frame).test(np.arange(ACCOUNTS), ours)
    owner = np.arange(ACCOUNTS)
    owner[ours] = ours % 5
    together = reference(frame, owner).test(owner, ours)
    assert apart is not None
    assert together is not None
    assert apart.p_value < together.p_value
    owner[ours] = 0
    assert reference(frame, owner).test(owner, ours) is None


def test_without_capabilities_or_a_reference_nothing_is_said() -> None:
    frame = signals(np.random.default_rng(4))
    everyone = np.arange(ACCOUNTS)
    unknown = frame.assign(asks_coding=np.nan, asks_maths=np.nan)
    assert reference_of(unknown, everyone, everyone) is None
    assert reference_of(frame.drop(columns=["asks_coding", "asks_maths"]), everyone, everyone) is None
    assert reference_of(frame, everyone, everyone[:0]) is None
    assert reference_of(frame, everyone, everyone[:10]) is None
    silent = frame.assign(requests=np.where(everyone < 8, 0, frame["requests"]))
    assert reference(silent).test(everyone, everyone[:8]) is None


def test_the_least_traffic_finds_what_it_promises() -> None:
    rng = np.random.default_rng(5)
    enough = least(0.1, 0.2)
    usual, more = rng.normal(0.3, 0.2, (4000, enough)).mean(axis=1), rng.normal(0.4, 0.2, (4000, enough)).mean(axis=1)
    bar = np.quantile(usual, 0.997)
    assert (more > bar).mean() == pytest.approx(0.95, abs=0.03)
    assert least(0.01, 0.2) > 90 * enough
    assert least(0.9, 0.01) == 1
