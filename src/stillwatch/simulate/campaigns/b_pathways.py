"""B: several pathways and varied account types.

Published: hundreds of accounts over several access pathways; agentic reasoning, tools, coding, vision. Innocent twin: an
enterprise that buys through two clouds.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "b_pathways"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(12, 30)),
        intents=(("tools", "reasoning"), ("coding",), ("tools",)),
        body=("coding", "tools", "free"),
        channels={
            "first_party": 0.3,
            "cloud_a": 0.22,
            "cloud_b": 0.2,
            "reseller_x": 0.12,
            "reseller_y": 0.1,
            "marketplace": 0.06,
        },
        per_card=float(rng.uniform(1, 2)),
        paying=0.8,
        series=float(rng.uniform(0.2, 0.8)),
        exits="mixed",
        clients=4,
        tools=int(rng.integers(4, 16)),
        wordings=int(rng.integers(5, 10)),
    )
