"""D: a large proxy pool that mixes the campaign with unrelated customers.

Published: a proxy network with more than 20,000 accounts at once, cover traffic, every banned account replaced;
pools shared by several operators. Innocent twin: an honest reseller with mixed users.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "d_proxy_pool"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=tuple(
            [("reasoning",), ("data_synthesis",), ("grading",), ("rewriting",)][i] for i in rng.permutation(4)[:2]
        ),
        cover=float(rng.uniform(0.5, 0.7)),
        per_day=float(rng.uniform(12, 25)),
        wordings=int(rng.integers(8, 16)),
        banned=float(rng.uniform(0.05, 0.1)),
        provider=int(rng.integers(0, 2)),
        exits_per_account=float(rng.uniform(1, 2)),
        sticky=float(rng.uniform(0.3, 0.6)),
        stock="broker",
    )
