"""B: several pathways and varied account types.

Published: hundreds of accounts over several access pathways and account types; agentic reasoning, tool use, coding.
Innocent twin: an enterprise that buys through two clouds.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "b_pathways"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=(("tools", "reasoning"), ("coding",), ("tools",)),
        body=("coding", "tools", "free"),
        channels={
            "first_party": 0.36,
            "cloud_a": 0.22,
            "cloud_b": 0.18,
            "reseller_x": 0.1,
            "reseller_y": 0.08,
            "marketplace": 0.06,
        },
        plans={
            "free": 0.3,
            "pro": 0.38,
            "team": 0.16,
            "startup": 0.08,
            "enterprise": 0.03,
            "research": 0.03,
            "edu": 0.02,
        },
        provider=int(rng.integers(0, 4)),
        clients=int(rng.integers(4, 9)),
        tools=int(rng.integers(3, 14)),
    )
