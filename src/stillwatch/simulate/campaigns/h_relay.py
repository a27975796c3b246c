"""H: a relay of the operator's own users: varied content, tagged by its harness.

Published: shell resellers that relay their users and keep the transcripts. Innocent twins: an honest reseller or
aggregator, a popular agent.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "h_relay"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=((), ()),
        body=("free",),
        layouts=tuple(str(x) for x in rng.choice(["prefix", "headings", "tags", "json", "shell"], 2, replace=False)),
        frozen=1.5,
        change=float(rng.uniform(0.1, 0.3)),
        wordings=int(rng.integers(2, 6)),
        system=0.8,
        clock="day",
        cover=float(rng.uniform(0.2, 0.5)),
    )
