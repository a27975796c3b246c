"""``simulate``: plan a world, write it out as a contract data set, and say what single columns give away."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stillwatch.domain import Progress, no_progress
from stillwatch.errors import InputError
from stillwatch.simulate import authors, campaigns, enforcement, hardcases, lookalikes, ordinary, tables
from stillwatch.simulate.networks import Networks
from stillwatch.simulate.scenarios import SCENARIOS, Scenario
from stillwatch.simulate.world import Release, World

LAST_DAY = np.datetime64("2026-10-31")
"""Every world ends on this day."""


@dataclass(frozen=True)
class SimulationReport:
    """What was written."""

    scenario: str
    scale: float
    seed: int
    out: Path
    rows: dict[str, int]
    campaigns: dict[str, int]
    """Campaign -> accounts."""
    archetypes: dict[str, int]
    """Archetype or look-alike -> accounts."""
    seconds: float
    rows_per_second: float
    features: dict[str, float] = field(default_factory=dict)
    """Single simple feature -> AUC of campaign against the rest (0.5 tells nothing); empty without a campaign."""

    @property
    def best_feature(self) -> tuple[str, float] | None:
        """The feature that alone tells most, and its AUC."""
        return max(self.features.items(), key=lambda kv: kv[1]) if self.features else None

    def __str__(self) -> str:
        """What was written, in a few lines for people."""
        members = sum(self.campaigns.values())
        lines = [
            f"{self.scenario}, scale {self.scale:g}, seed {self.seed}: "
            + ", ".join(f"{n:,} {table}" for table, n in self.rows.items()),
            f"{members:,} accounts in {len(self.campaigns)} campaigns, {len(self.archetypes)} kinds of account",
        ]
        if self.best_feature:
            name, auc = self.best_feature
            lines.append(f"best single feature: {name}, AUC {auc:.3f} (0.5 tells nothing, 1 gives the answer away)")
        lines.append(f"{self.rows_per_second:,.0f} requests a second. Next: stillwatch import {self.out}")
        return "\n".join(lines)


def simulate(
    scenario: str, *, scale: float = 1.0, seed: int = 0, out: Path, progress: Progress = no_progress
) -> SimulationReport:
    """Write the named world as contract Parquet under ``out``.

    Same scenario, scale and seed: same bytes. Raises InputError for an unknown scenario, a scale that is not positive,
    or a folder that already holds something else.
    """
    if scenario not in SCENARIOS:
        raise InputError(f"there is no scenario {scenario!r}; choose one of: {', '.join(SCENARIOS)}")
    if not 0 < scale <= 100:
        raise InputError(f"the scale is {scale:g}; want a number above 0 and at most 100")
    if seed < 0:
        raise InputError(f"the seed is {seed}; want a whole number from 0 on")
    spec = SCENARIOS[scenario]
    tables.clear(out)
    began = time.perf_counter()
    progress("planning the world", 0.0)
    world = plan(spec, scale, seed)
    rows, features = tables.write(world, spec, out, progress)
    accounts = world.accounts()
    seconds = time.perf_counter() - began
    names, sizes = np.unique(accounts["campaign"][accounts["campaign"] != ""], return_counts=True)
    kinds, counts = np.unique(accounts["archetype"], return_counts=True)
    progress("done", 1.0)
    return SimulationReport(
        scenario=scenario,
        scale=scale,
        seed=seed,
        out=out,
        rows=rows,
        campaigns={str(k): int(v) for k, v in zip(names, sizes, strict=True)},
        archetypes={str(k): int(v) for k, v in zip(kinds, counts, strict=True)},
        seconds=seconds,
        rows_per_second=rows["requests"] / seconds,
        features=features,
    )


def plan(spec: Scenario, scale: float, seed: int) -> World:
    """The whole world as arrays; nothing is written."""
    n = max(150, round(spec.accounts * scale))
    rng = np.random.default_rng([seed, 1])
    world = World(
        seed=seed,
        size=n,
        first_day=LAST_DAY - np.timedelta64(spec.days - 1, "D"),
        days=spec.days,
        mean_requests=spec.mean_requests,
        brevity=spec.brevity,
        campaign_load=spec.campaign_load,
        releases=_releases(spec, rng),
        text=authors.new_textbook(rng, spec.brevity),
        networks=Networks(np.random.default_rng([seed, 2])),
        rng=rng,
    )
    for number, (archetype, share) in enumerate(spec.campaigns):
        campaigns.BUILDERS[archetype](world, number, max(5, round(share * n)))
    for kind in lookalikes.BUILDERS.values():
        _groups(world, kind, max(3, round(spec.lookalikes * kind.share * n)), rng)
    ordinary.everyday(world, max(10, n - world.n_accounts))
    enforcement.apply(world, spec.unkept)
    hardcases.apply(world, spec.lacks)
    return world


def _groups(world: World, kind: lookalikes.LookAlike, accounts: int, rng: np.random.Generator) -> None:
    """Groups of uneven size until there are that many accounts of the kind."""
    number = 0
    while accounts > 0:
        low, high = np.log([kind.smallest, kind.largest + 1])
        size = int(np.exp(rng.uniform(low, high)))
        if accounts - size < kind.smallest:
            size = accounts
        kind.build(world, number, size)
        accounts -= size
        number += 1


def _releases(spec: Scenario, rng: np.random.Generator) -> tuple[Release, ...]:
    first, second = rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8)
    return (
        Release("aster-2", -260.0, True),
        Release("aster-mini", -190.0, False),
        Release("aster-3", -75.0, True),
        Release("aster-3.5", round(first * spec.days) + 0.6, True),
        Release("aster-mini-2", round((first + second) / 2 * spec.days) + 0.6, False),
        Release("aster-4", round(second * spec.days) + 0.7, True),
    )
