"""F: session artefacts of one account turn up in others.

Published: thinking signatures replayed across sessions. Innocent twins: a team that shares a conversation, a gateway
that goes on with the next key of its pool, a migrated key, a client that sends one id for everybody.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "f_session_replay"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=(("reasoning",), ("rewriting",)),
        cover=float(rng.uniform(0.25, 0.5)),
        alike=5.0,
        exits=int(rng.integers(2, 6)),
        replay=float(rng.uniform(0.04, 0.1)),
        ways=("shop", "crowd", "virtual"),
    )
