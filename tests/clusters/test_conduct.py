"""Conduct: who works like an operator's accounts, beside accounts of equal volume and the other groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stillwatch.clusters.conduct import Usual, conduct_of, departure, usual_of
from stillwatch.clusters.evidence import Tested
from stillwatch.clusters.judge import Floor, Tier, floor_of, judge
from stillwatch.graph.rarity import Excess


def signals(n: int = 2000) -> pd.DataFrame:
    """Ordinary accounts: who asks more pauses less and roams more."""
    rng = np.random.default_rng(3)
    requests = rng.integers(20, 2000, n)
    return pd.DataFrame(
        {
            "requests": requests,
            "active_days": rng.integers(1, 60, n),
            "longest_gap_hours": 4000.0 / np.sqrt(requests) * rng.uniform(0.5, 1.5, n),
            "networks": 1 + np.sqrt(requests) * rng.uniform(0.05, 0.2, n),
        }
    )


def test_heavy_users_are_compared_with_heavy_users() -> None:
    frame = signals()
    index = conduct_of(frame)
    assert index is not None
    heavy = np.flatnonzero(frame["requests"] > 1500)
    alone = departure(index, np.arange(len(frame)), heavy)
    assert alone is not None
    assert abs(alone) < 3.0  # by raw ranks it is far beyond
    frame.loc[heavy[:40], "longest_gap_hours"] *= 0.5
    restless = departure(conduct_of(frame), np.arange(len(frame)), heavy[:40])
    assert restless is not None
    assert restless > 4.0


def test_accounts_of_one_owner_count_once_and_silent_ones_not_at_all() -> None:
    frame = signals(400)
    frame.loc[:19, ["longest_gap_hours", "networks"]] = [1.0, 50.0]
    index = conduct_of(frame)
    members, apart = np.arange(20), np.arange(400)
    together = np.where(apart < 20, 0, apart)
    one, many = departure(index, together, members), departure(index, apart, members)
    assert one is not None
    assert many is not None
    assert many == pytest.approx(one * np.sqrt(20), rel=1e-6)
    frame.loc[:19, "requests"] = 0
    silent = conduct_of(frame)
    assert silent is not None
    assert len(set(silent[:20])) == 1


@pytest.mark.parametrize("gone", [["requests"], ["active_days"], ["longest_gap_hours", "networks"]])
def test_what_the_data_cannot_tell_is_left_out(gone: list[str]) -> None:
    frame = signals(200)
    assert conduct_of(frame.drop(columns=gone)) is None
    assert departure(None, np.arange(5), np.arange(3)) is None
    assert conduct_of(frame.assign(requests=0)) is None
    assert conduct_of(frame.drop(columns="networks").assign(subnets=frame["networks"])) is not None


def group(conduct: float | None, hard: Excess, lift: float = 40.0) -> Tested:
    none = Excess(0, 0.0, 0, 0, 1.0)
    content = Excess(8, 0.1, 20, 10, 1e-12)
    every = np.ones(10, dtype=bool)
    return Tested(
        np.arange(10), "content", 10, hard, hard, none, content, 0.4, lift, every, 0, 0.0, 1.0, conduct=conduct
    )


def test_conduct_counts_beside_that_of_other_groups_and_as_far_as_a_tie_supports_it() -> None:
    some, nothing = Excess(3, 0.5, 3, 6, 10.0**-3.5), Excess(1, 0.8, 1, 2, 0.4)
    calm = [group(z, nothing) for z in np.linspace(-1.0, 1.0, 20)]
    restless = [group(z, nothing) for z in np.linspace(-9.0, 9.0, 20)]
    ours = group(8.0, some)
    assert judge(replace(ours, conduct=None), Floor(100), stability=1.0).tier == Tier.REVIEW
    told = replace(floor_of(calm), tests=100)
    assert judge(ours, told, stability=1.0).tier == Tier.ALARM
    assert judge(ours, replace(floor_of(restless), tests=100), stability=1.0).tier == Tier.REVIEW
    assert judge(group(30.0, nothing), told, stability=1.0).tier == Tier.REVIEW
    assert floor_of(calm[:5]).usual is None
    assert Usual(1.0, 2.0).strength(3.0) == pytest.approx(0.7995, abs=1e-3)
    assert usual_of([0.0] * 20) == Usual(0.0, 1.0)


def test_a_joint_group_at_its_bar_stands_alone_only_with_more_which_conduct_can_be() -> None:
    strong = Excess(8, 0.2, 8, 10, 1e-9)
    at_the_bar = replace(group(0.0, strong), origin="joint")
    calm = Usual(0.0, 1.0)
    bar = Floor(100, usual=calm).both_views(at_the_bar)
    floor = Floor(100, joint=0.95 * bar, usual=calm)
    assert 0.0 <= floor.beyond(at_the_bar) < 1.0
    assert not floor.stands_alone(at_the_bar)
    assert floor.stands_alone(replace(at_the_bar, conduct=4.0))
    assert replace(floor, joint=0.5 * bar).stands_alone(at_the_bar)


def test_who_works_like_everybody_needs_half_as_much_evidence_again_and_a_place_of_theirs_as_much_again() -> None:
    tied = group(0.0, Excess(6, 0.2, 6, 10, 1e-9))
    alone = Floor(100)
    told = Floor(100, usual=Usual(0.0, 1.0))
    assert judge(tied, alone, stability=1.0).tier == Tier.ALARM
    assert told.doubts(tied) == {next(iter(told.doubts(tied))): 0.5}
    least = replace(tied, hard=Excess(4, 0.5, 4, 8, 1e-6), firm=Excess(4, 0.5, 4, 8, 1e-6))
    assert 0.0 <= told.beyond(least) < 0.5 * told.bar
    assert judge(least, alone, stability=1.0).tier == Tier.ALARM
    quiet = judge(least, told, stability=1.0)
    assert (quiet.tier, quiet.short_of) == (Tier.REVIEW, tuple(told.doubts(least)))
    assert judge(replace(least, conduct=3.0), told, stability=1.0).tier == Tier.ALARM
    assert judge(replace(least, conduct=None), told, stability=1.0).tier == Tier.ALARM
    at_one_place = replace(tied, venue=0.7)
    assert sum(told.doubts(at_one_place).values()) == 1.5
    assert judge(at_one_place, told, stability=1.0).tier == (
        Tier.ALARM if told.beyond(tied) >= 1.5 * told.bar else Tier.REVIEW
    )
