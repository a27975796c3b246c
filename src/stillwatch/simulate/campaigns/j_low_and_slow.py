"""J: low and slow: the campaign is a twentieth of each account's traffic.

Field notes: 5 to 10 % of its accounts' traffic, reworded templates, no shared payment. Innocent twin: anybody who uses a
popular template now and then.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "j_low_and_slow"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(8, 16)),
        cover=float(rng.uniform(0.9, 0.95)),
        lifetime=45.0,
        intents=(("reasoning",),),
        wordings=int(rng.integers(4, 8)),
        change=0.5,
        per_card=1.0,
        series=0.0,
        per_device=float(rng.uniform(1.5, 2.5)),
        device_known=0.6,
        per_phone=1.5,
        sign_up="trickle",
    )
