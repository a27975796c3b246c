"""I: a sweep of techniques, most of them refused.

Published: 12,000 prompt variants swept, most refused. Part of the accounts probes, the rest works with what got
through. Innocent twins: a red team under contract, the curious, professions whose questions sound bad.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "i_sweep"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=(("safety", "reasoning"), ("safety",), ("reasoning", "rewriting")),
        refused=float(rng.uniform(0.4, 0.65)),
        probing=float(rng.uniform(0.5, 0.75)),
        wordings=int(rng.integers(14, 28)),
        change=float(rng.uniform(0.45, 0.65)),
        lifetime=float(rng.uniform(5, 12)),
        cover=float(rng.uniform(0.45, 0.7)),
        alike=6.0,
        exits=int(rng.integers(2, 6)),
    )
