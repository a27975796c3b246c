"""D: a large proxy pool that mixes the campaign with unrelated customers.

Published: more than 20,000 accounts at once, cover traffic, every banned account replaced. Innocent twin: an honest
reseller with mixed users.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "d_proxy_pool"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(10, 25)),
        cover=float(rng.uniform(0.5, 0.75)),
        intents=(("reasoning",), ("data_synthesis",), ("grading",)),
        body=("free", "maths", "knowledge"),
        per_card=float(rng.uniform(1.2, 2.5)),
        exits="residential",
        exits_per_account=float(rng.uniform(0.8, 2)),
        sticky=0.4,
        wordings=int(rng.integers(8, 16)),
        clients=5,
    )
