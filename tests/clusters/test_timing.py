"""Timing: groups that keep time and groups that only look like it, made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from stillwatch.clusters import scan
from stillwatch.clusters.timing import HANDOVER, LEAST, PIVOT, SMOOTH, Sign, Times, Timing, times_of, timing_of
from stillwatch.graph.world import Ints
from stillwatch.signals.coordination import Activity

DAYS = 60
ZERO = 20_000
"""First day of every world, since 1970."""
RELEASE = 30.25


@dataclass
class World:
    """Requests by account and day, drawn; rows are added group by group."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))
    load: list[np.ndarray] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)
    struck: list[float] = field(default_factory=list)
    client: list[str] = field(default_factory=list)

    def bursty(self, n: int, level: float = 6.0) -> np.ndarray:
        """Requests of ``n`` accounts that skip days and work in bursts, less on weekends."""
        shape = np.exp(0.9 * self.rng.standard_normal((n, DAYS))) * (self.rng.random((n, DAYS)) > 0.4)
        shape *= np.where(np.arange(DAYS) % 7 >= 5, 0.3, 1.0)
        return self.rng.poisson(level * shape)

    def add(
        self,
        load: np.ndarray,
        *,
        owner: int | None = None,
        start: np.ndarray | float = 0.0,
        stop: np.ndarray | float = float(DAYS),
        delay: np.ndarray | float | None = None,
        struck: bool = False,
        client: str = "sdk",
    ) -> Ints:
        """Accounts with this load between start and stop; ``delay``: days from the release to the move."""
        n = len(load)
        start, stop = np.broadcast_to(start, n), np.broadcast_to(stop, n)
        delay = self.rng.exponential(8.0, n) if delay is None else np.broadcast_to(delay, n)
        begin = len(self.owner)
        for i in range(n):
            row = load[i].copy()
            row[: int(start[i])] = 0
            row[int(np.ceil(stop[i])) :] = 0
            row[[int(start[i]), min(int(stop[i]), DAYS - 1)]] += 1
            self.load.append(row)
            self.owner.append(begin + i if owner is None else owner)
            self.first.append(float(start[i]))
            self.last.append(float(min(stop[i], DAYS - 0.01)))
            self.moved.append(RELEASE + float(delay[i]))
            self.struck.append(float(stop[i]) if struck else np.nan)
            self.client.append(client)
        return np.arange(begin, begin + n)

    def strangers(self, n: int = 400) -> Ints:
        """People of every kind: most there all the time, some for a while."""
        start = np.where(self.rng.random(n) < 0.6, 0.0, self.rng.uniform(0, 40, n))
        stop = np.where(self.rng.random(n) < 0.6, DAYS, start + self.rng.uniform(2, 20, n))
        return self.add(self.bursty(n), start=start, stop=stop)

    def activity(self) -> Activity:
        load = np.array(self.load)
        number, day = np.nonzero(load)
        moved, last, first = (np.array(a) for a in (self.moved, self.last, self.first))
        uses = np.flatnonzero((moved < last) & (first < moved))
        week = [load[i, int(moved[i]) : int(moved[i]) + 7].sum() for i in uses]
        return Activity(
            pd.DataFrame({"number": number, "day": day + ZERO, "n": load[number, day]}),
            pd.DataFrame(
                {"number": np.arange(len(load)), "first": first + ZERO, "last": last + ZERO, "client": self.client}
            ),
            pd.DataFrame({"number": uses, "model": "new", "used": moved[uses] + ZERO, "week": week}),
            {"new": ZERO + RELEASE, "long ago": ZERO - 100.0},
        )

    def accounts(self) -> pd.DataFrame:
        when = [None if np.isnan(s) else pd.Timestamp(1970, 1, 1) + pd.Timedelta(days=ZERO + s) for s in self.struck]
        status = ["active" if w is None else "banned" for w in when]
        return pd.DataFrame({"status": status, "status_at": pd.Series(when, dtype="datetime64[us]")})

    def times(self) -> Times:
        return times_of(self.activity(), np.array(self.owner), self.accounts())


def signs(times: Times, members: Ints) -> dict[str, Sign]:
    return {s.name: s for s in timing_of(times, members).signs}


def balanced(world: World, n: int) -> np.ndarray:
    """An even demand dealt out over bursty members."""
    shape = world.bursty(n) + 0.05
    demand = np.where(np.arange(DAYS) % 7 >= 5, 60.0, 150.0)
    return np.array([world.rng.multinomial(int(demand[d]), shape[:, d] / shape[:, d].sum()) for d in range(DAYS)]).T


def test_a_load_that_is_dealt_out_is_smooth_and_says_so() -> None:
    world = World()
    world.strangers()
    members = world.add(balanced(world, 25))
    others = world.add(world.bursty(25))
    times = world.times()
    dealt, alone = signs(times, members)[SMOOTH], signs(times, others)[SMOOTH]
    assert dealt.p_value < 1e-4
    assert dealt.observed < 0.7 * dealt.expected
    assert f"varies by {dealt.observed:.0%} from day to day" in dealt.words
    assert alone.p_value > 0.01


def test_work_on_the_same_days_is_no_sign() -> None:
    """A class before its deadline, a weekend: strangers that work on the same days are the contrary of smooth."""
    world = World()
    world.strangers()
    wave = 1.0 + 4.0 * (np.abs(np.arange(DAYS) - 25) < 4)
    members = world.add(world.rng.poisson(world.bursty(30) * wave))
    assert timing_of(world.times(), members).p_value > 0.05


def test_a_house_is_no_sign() -> None:
    """A gateway deals its load out, too, hands keys over and moves on one day; some of its keys were not recognised."""
    world = World()
    world.strangers()
    load = balanced(world, 30)
    house = world.add(load[:22], owner=10_000, delay=0.1)
    loose = world.add(load[22:], delay=0.1)
    assert timing_of(world.times(), np.concatenate([house, loose])) == Timing(())
    assert timing_of(world.times(), house).p_value == 1.0


def test_a_second_pool_takes_over_from_the_first() -> None:
    world = World()
    world.strangers()
    rng = world.rng
    first = world.add(world.bursty(12), start=rng.uniform(0, 15, 12), stop=28 + rng.uniform(0, 0.3, 12), struck=True)
    second = world.add(world.bursty(12), start=28.3 + rng.uniform(0, 0.8, 12))
    sign = signs(world.times(), np.concatenate([first, second]))[HANDOVER]
    assert sign.p_value < 1e-4
    assert sign.owners == 24
    assert "owners stopped within 12 hours, and" in sign.words


@pytest.mark.parametrize("turned", ["starts alone", "stops alone", "starts before stops"])
def test_half_of_a_hand_over_is_none(turned: str) -> None:
    """A hackathon starts together, a course stops together; who starts before others stop replaces nobody."""
    world = World()
    world.strangers()
    rng = world.rng
    apart = rng.uniform(5, 50, 12)
    early, late = apart, np.minimum(apart + rng.uniform(3, 20, 12), DAYS)
    if turned == "starts alone":
        one = world.add(world.bursty(12), start=28.3 + rng.uniform(0, 0.8, 12))
        other = world.add(world.bursty(12), stop=apart)
    elif turned == "stops alone":
        one = world.add(world.bursty(12), stop=28 + rng.uniform(0, 0.3, 12))
        other = world.add(world.bursty(12), start=early, stop=late)
    else:
        one = world.add(world.bursty(12), stop=29.3 + rng.uniform(0, 0.3, 12))
        other = world.add(world.bursty(12), start=28 + rng.uniform(0, 0.8, 12))
    assert signs(world.times(), np.concatenate([one, other]))[HANDOVER].p_value > 0.01


def test_a_break_in_everybodys_data_is_no_hand_over() -> None:
    """When everybody stops and others start, it is the data, and no pool."""
    world = World()
    rng = world.rng
    gone = world.add(world.bursty(150), stop=28 + rng.uniform(0, 0.3, 150))
    come = world.add(world.bursty(150), start=28.3 + rng.uniform(0, 0.8, 150))
    members = np.concatenate([gone[:12], come[:12]])
    assert signs(world.times(), members)[HANDOVER].p_value > 0.01


def test_a_crowd_that_one_event_brings_replaces_nobody() -> None:
    """Accounts that come for a day, some on the first evening, some on the next: each start is nearly its own stop."""
    world = World()
    world.strangers()
    come = 28 + np.sort(world.rng.uniform(0, 1.5, 40))
    crowd = world.add(world.bursty(40), start=come, stop=come + world.rng.uniform(0.01, 0.2, 40))
    regulars = world.add(world.bursty(10))
    assert signs(world.times(), np.concatenate([crowd, regulars]))[HANDOVER].p_value == 1.0


def test_members_move_to_a_new_model_in_step() -> None:
    world = World()
    world.strangers()
    members = world.add(world.bursty(20), delay=world.rng.uniform(0.2, 0.8, 20))
    slow = world.add(world.bursty(20), delay=world.rng.uniform(9.0, 12.0, 20))
    others = world.add(world.bursty(20))
    times = world.times()
    assert times.models == ("new",)
    sign = signs(times, members)[PIVOT]
    assert sign.p_value < 1e-6
    assert "owners who moved to new did so between 0.2 and 0.8 days after its release" in sign.words
    assert signs(times, slow)[PIVOT].p_value < 1e-4, "late, and in step all the same"
    assert signs(times, others)[PIVOT].p_value > 0.01


def test_a_tool_that_changes_its_default_moves_all_its_users() -> None:
    world = World()
    world.strangers()
    users = world.add(world.bursty(120), delay=world.rng.uniform(2.0, 2.5, 120), client="agent-kit")
    assert signs(world.times(), users[:30])[PIVOT].p_value > 0.01


def test_new_work_that_brings_a_new_model_is_no_pivot() -> None:
    """A prompt goes viral: quiet accounts begin to work, with whatever model is new."""
    world = World()
    world.strangers()
    load = world.bursty(20)
    load[:, 3:33] = 0
    members = world.add(load, delay=world.rng.uniform(2.8, 3.6, 20))
    assert PIVOT not in signs(world.times(), members)


def test_strangers_pass_by_chance_alone() -> None:
    """p-values of random groups are those of chance or larger."""
    world = World()
    people = world.strangers(600)
    times = world.times()
    found = [timing_of(times, np.sort(world.rng.choice(people, 30, replace=False))) for _ in range(80)]
    for name in (SMOOTH, HANDOVER, PIVOT):
        p = np.array([s.p_value for t in found for s in t.signs if s.name == name])
        assert len(p) == 80
        assert (p < 0.1).mean() < 0.2, name
        assert p.min() > 1e-4, name


def test_nothing_to_look_at_is_no_sign() -> None:
    world = World()
    people = world.strangers(30)
    times = world.times()
    assert timing_of(times, people[: LEAST - 1]) == Timing(())
    assert Timing(()).p_value == 1.0
    assert Timing(()).best is None
    nothing = Activity(
        pd.DataFrame({"number": [], "day": [], "n": []}),
        pd.DataFrame({"number": [], "first": [], "last": [], "client": []}),
        pd.DataFrame({"number": [], "model": [], "used": [], "week": []}),
        {},
    )
    empty = times_of(nothing, np.arange(30), world.accounts())
    assert timing_of(empty, people).p_value == 1.0


def test_the_order_of_rows_changes_nothing() -> None:
    world = World()
    world.strangers(200)
    members = world.add(balanced(world, 12), delay=world.rng.uniform(0.2, 0.8, 12))
    a = world.activity()
    mixed = Activity(*(f.sample(frac=1.0, random_state=1) for f in (a.load, a.lives, a.uses)), a.releases)
    other = times_of(mixed, np.array(world.owner), world.accounts())
    assert timing_of(other, members[::-1]) == timing_of(world.times(), members)


@pytest.mark.parametrize("size", [5, 40, 399])
def test_the_fullest_windows_give_what_all_windows_give(size: int) -> None:
    """The null of a pivot looks at one window of each width; an observed group looks at all."""
    cells = np.random.default_rng(size).multinomial(size, np.full(scan.CELLS, 1 / scan.CELLS), 300)
    assert np.array_equal(scan.greatest(cells, size), scan.scan(cells)[0])
