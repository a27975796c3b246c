"""G: few accounts at a high rate that clean what others have taken.

Published: a cleaner of reasoning traces with 273 accounts. Innocent twins: a data-labelling firm, a busy developer.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "g_cleaner"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=(("rewriting", "grading"), ("extraction", "reasoning")),
        body=("free", "knowledge", "maths"),
        per_day=float(rng.uniform(60, 180)),
        lifetime=float(rng.uniform(4, 12)),
        spread=1.3,
        cover=float(rng.uniform(0.05, 0.25)),
        wordings=int(rng.integers(2, 6)),
    )
