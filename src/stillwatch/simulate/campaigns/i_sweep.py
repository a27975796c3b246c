"""I: a sweep of techniques, most of them refused.

Published: 12,000 prompt variants swept, most refused. Innocent twin: a red team, a curious hobbyist.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "i_sweep"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(10, 30)),
        intents=(("safety", "reasoning"), ("safety",), ("reasoning", "rewriting")),
        refuse=float(rng.uniform(0.2, 0.5)),
        wordings=int(rng.integers(15, 30)),
        change=0.6,
        lifetime=7.0,
        per_card=float(rng.uniform(1, 2.5)),
        paying=0.4,
    )
