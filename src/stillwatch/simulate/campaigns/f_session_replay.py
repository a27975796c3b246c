"""F: session artefacts of one account are replayed in others.

Published: thinking signatures replayed across sessions. Innocent twin: a team that shares a conversation link, a client
that reuses ids by mistake.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "f_session_replay"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(10, 25)),
        intents=(("reasoning",), ("rewriting",)),
        replay=float(rng.uniform(0.05, 0.2)),
        per_card=float(rng.uniform(1, 1.6)),
        wordings=int(rng.integers(5, 10)),
    )
