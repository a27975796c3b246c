"""C: high volume; half of it moves to a new model within a day.

Published: 13 M exchanges on agentic coding and orchestration; nearly half of the traffic followed a release within
24 hours. Innocent twins: an evaluation vendor on release day, early adopters.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "c_release_pivot"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=(("coding", "reasoning"), ("tools",), ("data_synthesis",)),
        body=("coding", "tools", "maths"),
        per_day=float(rng.uniform(20, 34)),
        lag=float(rng.uniform(0.15, 0.6)),
        followers=0.95,
        lifetime=float(rng.uniform(14, 30)),
        tools=int(rng.integers(0, 10)),
    )
