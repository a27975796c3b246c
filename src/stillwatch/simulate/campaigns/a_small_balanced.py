"""A: a small campaign, load balanced over its accounts.

Published: 150,000 exchanges, synchronised traffic, identical patterns, shared payment methods; reasoning
elicitation, rubric grading, rewrites safe for a censor. Innocent twins: a small team with one card and one tool, a
labelling firm.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "a_small_balanced"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=tuple(
            [("reasoning",), ("grading",), ("rewriting",)][i] for i in rng.permutation(3)[: int(rng.integers(1, 4))]
        ),
        per_day=float(rng.uniform(13, 35)),
        pacing="balanced",
        ways=("cards", "shop", "farm"),
        wordings=int(rng.integers(3, 8)),
    )
