"""What was taken: two counts of one population, by hand and on populations that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stillwatch.clusters.taken import chapman, estimate


def counted(rng: np.random.Generator, accounts: int, seen_by_a: float, seen_by_b: float) -> tuple[pd.DataFrame, int]:
    """Accounts with 60 requests each, about half of them extraction; each half of the phrases sees some of those."""
    rows, real = [], 0
    for _ in range(accounts):
        work = int(rng.binomial(60, 0.5))
        a, b = rng.random(work) < seen_by_a, rng.random(work) < seen_by_b
        rows.append((60, a.sum(), b.sum(), (a & b).sum(), (a | b).sum()))
        real += work
    return pd.DataFrame(rows, columns=["requests", "a", "b", "both", "either"]).assign(sure=1.0), real


def test_chapman_by_hand() -> None:
    # 9 and 11 were marked, 3 both times: (10 * 12) / 4 - 1
    assert chapman(np.array(9.0), np.array(11.0), np.array(3.0)) == pytest.approx(29.0)


def test_what_both_halves_miss_is_estimated_and_the_interval_holds_the_truth() -> None:
    held = []
    for seed in range(60):
        counts, real = counted(np.random.default_rng(seed), 30, 0.6, 0.5)
        middle, low, high = estimate(counts)
        assert counts["either"].sum() <= low <= middle <= high <= counts["requests"].sum()
        assert middle == pytest.approx(real, rel=0.15)
        held.append(low <= real <= high)
    assert np.mean(held) > 0.85


def test_doubt_whether_accounts_are_members_widens_the_interval() -> None:
    counts, real = counted(np.random.default_rng(2), 20, 1.0, 1.0)
    middle, low, high = estimate(counts.assign(sure=0.8))
    each = counts["either"].to_numpy(float)
    assert middle == pytest.approx(real)
    assert middle - low == pytest.approx(1.96 * np.sqrt(0.16 * (each**2).sum()))
    assert high - middle == pytest.approx(middle - low)


def test_a_population_that_is_seen_whole_has_no_more() -> None:
    counts, real = counted(np.random.default_rng(1), 20, 1.0, 1.0)
    assert estimate(counts) == pytest.approx((real, real, real))
