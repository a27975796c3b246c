"""How many requests on which day, and at what hours.

Shapes of a day follow what production traces show (calibration.py): diurnal by time zone for people, flat or
stepped for machines. Day-to-day variation is over-dispersed: nobody works by a Poisson clock.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate import calibration
from stillwatch.simulate.world import World

Array = npt.NDArray[Any]

CLOCKS: dict[str, tuple[float, ...]] = {
    "office": (1, 0.5, 0.3, 0.3, 0.3, 0.6, 2, 6, 14, 20, 21, 18, 12, 17, 20, 19, 16, 11, 6, 4, 3, 3, 2, 1.5),
    "evening": (6, 3, 1.5, 1, 0.5, 0.5, 1, 3, 4, 5, 5, 6, 7, 6, 6, 7, 8, 10, 13, 17, 19, 19, 15, 10),
    "student": (9, 6, 3, 1, 0.5, 0.4, 0.5, 1, 4, 8, 11, 11, 9, 11, 13, 13, 12, 10, 10, 12, 14, 15, 14, 12),
    "owl": (18, 20, 18, 14, 9, 4, 2, 1, 1, 1.5, 2, 3, 4, 4, 4, 4, 5, 5, 6, 7, 9, 11, 14, 16),
    "day": (3, 2, 1, 0.7, 0.6, 1, 3, 6, 10, 13, 14, 13, 12, 12, 13, 13, 12, 11, 10, 10, 9, 8, 7, 5),
    "flat": (1,) * 24,
    "wavy": (9, 8, 8, 7, 7, 8, 9, 10, 11, 12, 12, 12, 11, 12, 12, 12, 12, 11, 11, 10, 10, 10, 9, 9),
    "two_shifts": (2, 1, 1, 1, 1, 2, 5, 12, 16, 17, 17, 15, 10, 15, 17, 17, 15, 12, 13, 15, 15, 13, 9, 4),
}
"""Share of a day's requests per local hour (any scale)."""

WEEKDAYS: dict[str, tuple[float, ...]] = {
    "work": (1.05, 1.15, 1.15, 1.1, 0.95, 0.25, 0.2),
    "home": (0.95, 0.95, 0.95, 0.95, 0.95, 1.1, 1.15),
    "all": (1.0,) * 7,
    "soft": (1.02, 1.06, 1.06, 1.04, 0.98, 0.75, 0.7),
}


def clock(world: World, name: str, rng: np.random.Generator, jitter: float = 0.25) -> int:
    """Register one person's (or machine's) version of a named day."""
    shape = np.array(CLOCKS[name], np.float64)
    return world.clock(shape * np.exp(rng.normal(0, jitter, 24)))


def shared_clocks(world: World, name: str, count: int = 12) -> Array:
    """A handful of versions of a named day for a crowd to choose from; made once a world."""
    made = world.notes.setdefault("clocks", {})
    if name not in made:
        made[name] = np.array([clock(world, name, world.rng) for _ in range(count)])
    return np.asarray(made[name])


def daily(
    world: World,
    rng: np.random.Generator,
    total: Array,
    *,
    start: Array | float = 0,
    stop: Array | float | None = None,
    week: str = "soft",
    spread: Array | float = 0.9,
    skip: Array | float = 0.25,
    ramp: Array | float = 0.0,
    duty: tuple[float, float] | None = None,
    balance: bool = False,
) -> Array:
    """Requests per stream and day, shape (n, days).

    ``total``: mean requests while active (per stream); ``start``/``stop``: first and last active day, fractions and
    days outside the world allowed; ``spread``: lognormal sigma between days; ``skip``: share of idle days; ``ramp``:
    days to reach full load; ``duty``: mean days in use and at rest, taken in turns; ``balance``: a smooth sum is dealt
    out over the streams of the day (load balancing), so that members are bursty and their sum is not.
    """
    n, days = len(total), world.days
    stop = days if stop is None else stop
    first = np.clip(np.broadcast_to(start, n), 0, days)[:, None]
    last = np.clip(np.broadcast_to(stop, n), 0, days)[:, None]
    day = np.arange(days)[None, :]
    active = np.clip(np.minimum(day + 1, last) - np.maximum(day, first), 0, 1)
    weekday = (np.arange(days) + _weekday(world)) % 7
    load = active * np.array(WEEKDAYS[week])[weekday][None, :]
    sigma = np.broadcast_to(spread, n)[:, None]
    load = load * np.exp(sigma * rng.standard_normal((n, days)))
    load *= rng.random((n, days)) >= np.broadcast_to(skip, n)[:, None]
    rise = np.broadcast_to(ramp, n)[:, None]
    load *= np.where(
        rise > 0, np.clip((day - np.broadcast_to(start, n)[:, None] + 1) / np.maximum(rise, 1e-9), 0, 1), 1
    )
    if duty is not None:
        load *= _turns(rng, n, days, *duty)
    if balance:
        level = np.asarray(total, np.float64) / np.maximum((last - first)[:, 0], 1.0)
        demand = (
            (active * level[:, None]).sum(0) * np.array(WEEKDAYS[week])[weekday] * rng.normal(1, 0.08, days).clip(0.5)
        )
        load *= level[:, None]
        column = load.sum(0, keepdims=True)
        share = np.divide(load, column, out=np.zeros_like(load), where=column > 0)
        dealt: Array = rng.poisson(share * demand[None, :]).astype(np.int32)
        return dealt
    mass = load.sum(1, keepdims=True)
    share = np.divide(load, mass, out=np.zeros_like(load), where=mass > 0)
    drawn: Array = rng.poisson(share * np.asarray(total, np.float64)[:, None]).astype(np.int32)
    return drawn


def _turns(rng: np.random.Generator, n: int, days: int, on: float, off: float) -> Array:
    """0/1 per day: spells in use and at rest with the given mean lengths."""
    state = rng.random(n) < on / (on + off)
    out = np.zeros((n, days))
    for day in range(days):
        out[:, day] = state
        state = np.where(rng.random(n) < np.where(state, 1 / on, 1 / off), ~state, state)
    return out


def volumes(rng: np.random.Generator, n: int, mean: float, sigma: float = calibration.VOLUME_SIGMA) -> Array:
    """Heavy-tailed requests per account with the given mean, cut at sixty times the mean."""
    drawn = mean * np.exp(sigma * rng.standard_normal(n) - sigma**2 / 2)
    return np.minimum(drawn, 60 * mean)


def _weekday(world: World) -> int:
    """Monday = 0, of the world's first day."""
    return int((world.first_day.astype("datetime64[D]").astype(int) + 3) % 7)
