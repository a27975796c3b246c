"""Candidates: groups formed in one view only, so that the other view can test them.

Content groups come from phrasebooks alone, at a coarse and a fine resolution; identity groups from shared values alone.
Joint groups come from both, and are tested against joint groups of data where the two are mixed up (``joint``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stillwatch.clusters import joint
from stillwatch.clusters.evidence import HARD, Evidence, Tested, value_bits
from stillwatch.clusters.judge import AGREES
from stillwatch.graph.bipartite import value_graph
from stillwatch.graph.communities import groups_of, leiden
from stillwatch.graph.world import Ints

RESOLUTIONS = (1.0, 4.0, 12.0)
LEAST = 4
"""Smallest group that is looked at."""


@dataclass(frozen=True)
class Candidates:
    groups: list[tuple[str, Ints]]
    labellings: list[Ints]
    """Content communities over other seeds, for stability."""
    chance: list[Tested] = field(default_factory=list)
    """Joint groups that were found where chance alone could make them."""
    chances: int = 0
    """How often the data were mixed up to find those."""


def form(evidence: Evidence, *, seed: int, seeds: int = 5) -> Candidates:
    """Candidate groups of both views; the same group found twice is kept once."""
    groups: list[tuple[str, Ints]] = []
    labellings = [leiden(evidence.neighbours, seed=seed + s, resolution=r) for r in RESOLUTIONS for s in range(seeds)]
    for turn in range(len(RESOLUTIONS)):
        groups += [("content", g) for g in groups_of(labellings[turn * seeds], least=LEAST)]
    parts = [(i, value_bits(evidence, k)) for k, i in evidence.identity.items() if i.evidence in HARD and i.matrix.nnz]
    if parts:
        labels = leiden(value_graph(parts, evidence.n), seed=seed)[: evidence.n]
        groups += [("identity", g) for g in groups_of(labels, least=LEAST)]
    groups += [("joint", g) for g in joint.form(evidence, seed=seed, least=LEAST)]
    chance, chances = joint.by_chance(evidence, seed=seed, least=LEAST, lift=AGREES)
    seen: set[bytes] = set()
    unique = []
    for origin, members in groups:
        key = np.sort(members).tobytes()
        if key not in seen and len(np.unique(evidence.owner[members])) >= LEAST:
            seen.add(key)
            unique.append((origin, np.sort(members)))
    return Candidates(unique, labellings, chance, chances)
