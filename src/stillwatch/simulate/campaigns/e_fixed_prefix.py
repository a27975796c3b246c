"""E: one fixed prefix in every request, two pools, the second takes over after a ban.

Published: above 151 M exchanges, a fixed prompt injected, two account pools. Innocent twin: a popular agent with a
fixed system prompt; a key migration.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "e_fixed_prefix"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(12, 40)),
        intents=(("reasoning",),),
        layouts=("prefix", "shell", "plain"),
        frozen=2,
        change=0.15,
        wordings=int(rng.integers(2, 4)),
        per_card=float(rng.uniform(1.2, 3)),
        cover=float(rng.uniform(0.1, 0.4)),
    )
