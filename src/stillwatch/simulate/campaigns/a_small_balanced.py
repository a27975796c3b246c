"""A: a small campaign, load balanced over its accounts.

Published: 150,000 exchanges, identical patterns, shared payment methods, coordinated timing. Innocent twin: a small team
with one card and one tool.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "a_small_balanced"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(10, 30)),
        intents=(("reasoning",), ("grading",)),
        per_card=float(rng.uniform(2, 4)),
        per_device=float(rng.uniform(1.2, 3)),
        wordings=int(rng.integers(3, 8)),
        cover=float(rng.uniform(0.05, 0.4)),
        clock=str(rng.choice(["two_shifts", "wavy", "flat"])),
    )
