"""H: a relay of the operator's own users: varied content, tagged by its harness.

Published: shell resellers that relay users and keep the transcripts. Innocent twin: an honest reseller or aggregator.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.operator import Habits, run
from stillwatch.simulate.world import World

ARCHETYPE = "h_relay"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return Habits(
        per_day=float(rng.uniform(12, 30)),
        intents=((), ()),
        body=("free",),
        frozen=2,
        layouts=("prefix", "headings", "tags"),
        change=0.2,
        wordings=int(rng.integers(2, 5)),
        cover=float(rng.uniform(0.2, 0.5)),
        clock="day",
        system=0.8,
        per_card=float(rng.uniform(1.5, 3)),
    )
