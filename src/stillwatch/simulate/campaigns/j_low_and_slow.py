"""J: low and slow: the campaign is a twentieth to a tenth of each account's traffic.

Field notes: 5 to 10 % of its accounts' traffic, reworded templates; no payment in common. Innocent twin: anybody
who uses a template of his own now and then.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "j_low_and_slow"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=(("reasoning",),),
        cover=float(rng.uniform(0.9, 0.95)),
        per_day=float(rng.uniform(7, 12)),
        lifetime=50.0,
        spread=0.9,
        exits=4,
        sticky=0.85,
        pacing="steady",
        wordings=int(rng.integers(3, 5)),
        bodies=2,
        followers=0.0,
        change=float(rng.uniform(0.2, 0.35)),
        frozen=3.0,
        ways=("farm", "crowd"),
        per_card=1.0,
        per_sign_up_ip=1.2,
        series=0.05,
        bought=0.5,
        sign_up="trickle",
        banned=0.0,
        joined_by=0.6,
        clients=0,
    )
