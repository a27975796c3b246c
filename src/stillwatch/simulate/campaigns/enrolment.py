"""How a campaign's accounts come to be: when they live, who follows whom after a ban, and what they are seen with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate import people
from stillwatch.simulate.campaigns.habits import Habits
from stillwatch.simulate.people import Crowd
from stillwatch.simulate.world import DAY, World

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


@dataclass
class Lives:
    """Days (fractions) since the world's first day, one entry per account."""

    born: Array
    start: Array
    stop: Array
    struck_at: Array
    """Day of a ban or suspension, or -1."""
    heir_of: Ints
    """The banned account whose work this one takes over, or -1."""
    pool: Ints
    bought: Array
    """Had another owner before."""

    @classmethod
    def draw(cls, world: World, rng: np.random.Generator, habits: Habits, n: int) -> Lives:
        """Sign-ups in batches, in a trickle or long ago; bans and their successors; a swept first pool."""
        last = float(world.days)
        if habits.sign_up == "batches":
            waves = rng.uniform(-25, last - 6, max(1, round(n / rng.uniform(5, 20))))
            born = rng.choice(waves, n) + rng.exponential(rng.uniform(0.003, 0.2), n)
        elif habits.sign_up == "aged":
            born = -rng.uniform(15, 400, n)
        else:
            born = rng.uniform(-60, (last - 4) * habits.joined_by, n)
        bought = rng.random(n) < habits.bought
        born = np.where(bought, -np.minimum(rng.exponential(220, n), 720), born)
        start = np.where(
            born > 0, born + rng.exponential(0.8, n) * (rng.random(n) < 0.7), rng.uniform(-10, last * 0.8, n)
        )
        life = habits.lifetime * np.exp(0.8 * rng.standard_normal(n))
        nobody = np.full(n, -1)
        lives = cls(born, start, start + life, nobody.astype(float), nobody, np.zeros(n, np.int64), bought)
        if habits.pools == 2:
            lives._sweep(rng, last)
        lives._ban(rng, habits.banned, last)
        lives.start = np.clip(lives.start, 0, last - 1)
        lives.stop = np.clip(lives.stop, lives.start + 0.2, last)
        lives.born = np.minimum(lives.born, lives.start - 0.002)
        return lives

    def _sweep(self, rng: np.random.Generator, last: float) -> None:
        """The first pool is found out on one day: many are banned, the rest is dropped, the second pool takes over."""
        n = len(self.born)
        day = float(rng.uniform(0.35, 0.65) * last)
        self.pool = (rng.random(n) < rng.uniform(0.4, 0.6)).astype(np.int64)
        first = self.pool == 0
        self.start = np.where(first, rng.uniform(-10, day - 4, n), day + rng.exponential(0.5, n))
        self.born = np.where(first, np.minimum(self.born, self.start), self.born)
        fresh = ~first & (self.born > day - 30)
        self.born = np.where(fresh, day + rng.uniform(-12, 0.3, n), self.born)
        self.stop = np.where(first, day + rng.normal(0.1, 0.1, n), self.stop + np.maximum(day - self.start, 0) + 10)
        hit = first & (rng.random(n) < rng.uniform(0.25, 0.45))
        self.struck_at[hit] = self.stop[hit]

    def _ban(self, rng: np.random.Generator, share: float, last: float) -> None:
        """A few are banned; within hours another account goes on with the work of half of them."""
        n = len(self.born)
        free = np.flatnonzero((self.struck_at < 0) & (self.start < last - 5))
        banned = rng.permutation(free)[: round(share * n + 0.4 * rng.random())]
        for account in banned:
            low = max(self.start[account], 0.0) + 1
            day = float(rng.uniform(low, max(low + 0.5, min(self.stop[account], last - 1))))
            self.struck_at[account] = self.stop[account] = day
        waiting = [int(i) for i in rng.permutation(n) if self.struck_at[i] < 0 and self.pool[i] == self.pool.max()]
        for account, heir in zip(banned[: (len(banned) + 1) // 2], waiting, strict=False):
            life = self.stop[heir] - self.start[heir]
            self.start[heir] = self.struck_at[account] + rng.exponential(0.15)
            self.stop[heir] = self.start[heir] + life
            if self.born[heir] > -15:
                self.born[heir] = self.start[heir] - rng.exponential(0.1)
            self.heir_of[heir] = account


def bundles(rng: np.random.Generator, n: int, size: float) -> Ints:
    """Group numbers for ``n`` things in bundles of about ``size`` on average, in random order."""
    if size <= 1:
        return np.arange(n)
    sizes = rng.geometric(1 / size, n)
    return np.repeat(np.arange(n), sizes)[:n][rng.permutation(n)]


def enrol(world: World, rng: np.random.Generator, habits: Habits, lives: Lives, name: str, archetype: str) -> Crowd:
    """Add the accounts and everything they were seen with, except addresses."""
    n = len(lives.born)
    org = np.where(rng.random(n) < habits.fake_org, int(world.mint(1)[0]), -1)
    loose = rng.random(n) < 0.06  # the share of strangers that names an organisation too
    org = np.where((org < 0) & loose, world.mint(n), org)
    crowd = people.join(
        world,
        rng,
        n,
        archetype,
        focus=habits.focus,
        created=(np.clip(lives.born, -720, world.days - 0.5) * DAY).astype(np.int64),
        domain=_domains(rng, habits, n),
        org=org,
        plan=people.choose(rng, habits.plans, n),
        channel=people.choose(rng, habits.channels, n),
        status=np.where(lives.struck_at < 0, "active", np.where(rng.random(n) < 0.6, "banned", "suspended")),
        status_at=np.where(lives.struck_at < 0, -1, lives.struck_at * DAY).astype(np.int64),
        campaign=name,
    )
    pays = rng.random(n) < habits.paying
    tie = _Ties(world, rng, habits, lives.pool)
    ranges = world.notes.setdefault("series", world.mint(400))
    odd = pays & (rng.random(n) < habits.series)
    few = ranges[rng.integers(15, 400, int(rng.integers(1, 4)))]
    people.card_series(world, crowd.part(odd), rng, rng.choice(few, int(odd.sum())))
    people.card_series(world, crowd.part(pays & ~odd), rng)
    shown = {
        "payment": (pays, habits.per_card),
        "device": (rng.random(n) < habits.device_known, habits.per_device),
        "phone": (rng.random(n) < habits.phone_known, habits.per_phone),
        "address": (rng.random(n) < habits.address_known, habits.per_address),
    }
    for kind, (known, size) in shown.items():
        codes = np.where(known, tie.codes(kind, size), -1)
        world.identify(crowd.rows, kind, people.or_by_chance(world, rng, kind, codes))
    world.identify(crowd.rows, "device", np.where(rng.random(n) < 0.15, world.mint(n), -1))
    world.identify(crowd.rows, "email", world.mint(n))
    return crowd


@dataclass
class _Ties:
    """Hands out shared tokens; campaigns of one stock meet on some of them."""

    world: World
    rng: np.random.Generator
    habits: Habits
    pool: Ints

    def codes(self, kind: str, size: float) -> Ints:
        n = len(self.pool)
        fresh = self.world.mint(2 * n).reshape(2, n)
        group = bundles(self.rng, n, size)
        codes = fresh[self.pool, group]  # the two pools of a campaign have nothing in common
        if self.habits.stock:
            stock = self.world.notes.setdefault(("stock", self.habits.stock, kind), codes)
            if stock is not codes:
                codes = np.where(self.rng.random(n) < 0.35, self.rng.choice(stock, n), codes)
        return codes


def _domains(rng: np.random.Generator, habits: Habits, n: int) -> Array:
    free = np.array(people.MAIL)[(len(people.MAIL) * rng.random(n) ** 2).astype(int)]
    throw = rng.choice(rng.choice(np.array(people.THROWAWAY), 3, replace=False), n)
    houses = np.array([people.company_domain(rng) for _ in range(max(1, n // 5))])
    own = houses[rng.integers(0, len(houses), n)]
    weights = {"free": (1, 0, 0), "throwaway": (0.5, 0.5, 0), "own": (0.6, 0, 0.4), "mixed": (0.75, 0.15, 0.1)}[
        habits.mail
    ]
    return np.choose(rng.choice(3, n, p=weights), [free, throw, own])
