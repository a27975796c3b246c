"""G: few accounts at a high rate that clean what others have taken.

Published: a cleaner of reasoning traces with 273 accounts. Innocent twin: a data-labelling firm.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "g_cleaner"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(60, 200)),
        intents=(("rewriting", "grading"), ("extraction",)),
        body=("free", "knowledge"),
        per_card=float(rng.uniform(2, 5)),
        clock=str(rng.choice(["wavy", "flat", "two_shifts"])),
        cover=0.1,
        wordings=int(rng.integers(2, 5)),
    )
