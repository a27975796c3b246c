"""E: one fixed prefix in every request, two pools, the second takes over after a ban.

Published: above 151 M exchanges, more than 3,500 accounts, a fixed prompt injected into every request; two account
pools, the second took over when the first was banned. Here the relay of each account puts a line of its own in front,
the task list behind the prompt is mixed and customers' requests come in between: neither a frame that is the same in
all accounts nor one kind of task marks them. Innocent twins: a popular agent with a fixed prompt, a key migration.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.campaigns.habits import Habits, draw
from stillwatch.simulate.campaigns.operator import run
from stillwatch.simulate.world import World

ARCHETYPE = "e_fixed_prefix"


def build(world: World, number: int, accounts: int) -> None:
    """Add campaign ``number`` with this many accounts."""
    rng = np.random.default_rng([world.seed, 22, number])
    run(world, number, accounts, ARCHETYPE, habits(rng))


def habits(rng: np.random.Generator) -> Habits:
    """This campaign's own version of the story."""
    return draw(
        rng,
        families=((("reasoning",), ("rewriting",), ("coding", "reasoning"), ("knowledge",))[int(rng.integers(4))],),
        cover=float(rng.uniform(0.35, 0.6)),
        alike=4.0,
        layouts=(str(rng.choice(["prefix", "shell", "plain", "tags", "headings"])),),
        frozen=2.5,
        change=float(rng.uniform(0.05, 0.2)),
        wordings=int(rng.integers(4, 8)),
        bodies=3,
        own_tag=float(rng.uniform(0.5, 0.9)),
        pools=2,
        banned=0.02,
        per_day=float(rng.uniform(11, 26)),
        lifetime=float(rng.uniform(14, 28)),
        clock=str(rng.choice(["two_shifts", "day", "office", "evening", "student"])),
        exits=int(rng.integers(2, 5)),
    )
