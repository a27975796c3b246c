"""C: high volume; half of it moves to a new model within a day.

Published: 13 M exchanges on agentic coding; nearly half the traffic followed a release within 24 hours. Innocent twin: an
evaluation vendor on release day.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "c_release_pivot"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(25, 50)),
        lag=float(rng.uniform(0.2, 0.9)),
        intents=(("coding", "reasoning"), ("tools",), ("data_synthesis",)),
        body=("coding", "tools", "maths"),
        exits=str(rng.choice(["cloud", "mixed", "residential"])),
        per_card=float(rng.uniform(1.2, 3)),
        wordings=int(rng.integers(4, 10)),
        tools=int(rng.integers(2, 12)),
    )
