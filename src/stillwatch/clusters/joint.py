"""Joint groups: formed by both views at once, and measured against the same search where the views have nothing to do
with each other.

Small campaigns show too little in either view to be formed by it. A graph of both finds them, but what a group was
chosen for is no evidence. So the same search runs again on data in which every account's texts are given to another
account: each view keeps its own communities, and whatever the two have in common is chance. A joint group counts by
its weaker view (an intersection-union test, Berger 1982), and has to be stronger in it than the best that chance finds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from stillwatch.clusters.evidence import HARD, SOFT, Evidence, Tested, test_group, value_bits
from stillwatch.graph.bipartite import value_graph
from stillwatch.graph.communities import groups_of, leiden
from stillwatch.graph.rarity import coherence
from stillwatch.graph.world import Ints

ACCOUNTS = 300
"""Accounts for which the resolution of modularity rises by one, so that groups keep their size in larger data."""
_SHARE = 0.6
"""Part of all weight that lies in texts; the rest lies in shared values."""
_SOFT = 0.7
"""What a bit of a sign-up address or network counts beside one of a card, device, contact or conversation."""
_CROWD = 50
"""Accounts above which a value forms no group."""
NULL_GROUPS = 400
"""About so many groups of mixed-up data are wanted."""
_MOST_RUNS = 4


def joint_graph(evidence: Evidence) -> sparse.csr_matrix:
    """Accounts, then values: nearest phrasebooks of other owners, and values that owners share, in one graph."""
    parts = []
    for kind, part in evidence.identity.items():
        few = part.sharers <= _CROWD
        if part.evidence in HARD + SOFT and few.any():
            parts.append((part.keep(few), value_bits(evidence, kind)[few] * (1.0 if part.evidence in HARD else _SOFT)))
    values = value_graph(parts, evidence.n)
    near = evidence.neighbours.tocoo()
    cross = evidence.owner[near.row] != evidence.owner[near.col]
    row, col, weight = near.row[cross], near.col[cross], near.data[cross]
    if not len(weight) or not values.nnz:
        return sparse.csr_matrix((evidence.n, evidence.n))
    weight = weight * (_SHARE / (1.0 - _SHARE) * float(values.sum()) / float(weight.sum()))
    return sparse.csr_matrix(sparse.csr_matrix((weight, (row, col)), shape=values.shape) + values)


def form(evidence: Evidence, *, seed: int, least: int) -> list[Ints]:
    """Joint groups of at least ``least`` owners; none where one view is missing."""
    graph = joint_graph(evidence)
    if not graph.nnz:
        return []
    linked = int((np.diff(graph.indptr)[: evidence.n] > 0).sum())
    labels = leiden(graph, seed=seed, resolution=max(1.0, linked / ACCOUNTS))[: evidence.n]
    groups = [np.sort(g) for g in groups_of(labels, least=least)]
    return [g for g in groups if len(np.unique(evidence.owner[g])) >= least]


def by_chance(evidence: Evidence, *, seed: int, least: int, lift: float) -> tuple[list[Tested], int]:
    """Tested joint groups of mixed-up data whose texts agree ``lift`` times more than strangers' do, and how often the
    data were mixed.
    """
    random = np.random.default_rng(seed)
    out: list[Tested] = []
    runs = 0
    while runs < _MOST_RUNS and len(out) < NULL_GROUPS:
        mixed = mixed_up(evidence, random)
        groups = form(mixed, seed=seed, least=least)
        if not groups:
            break
        runs += 1
        rows = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
        members = sparse.csr_matrix(
            (np.ones(len(rows)), (rows, np.concatenate(groups))), shape=(len(groups), evidence.n)
        )
        alike = coherence(mixed.content.weights, members) / max(evidence.background, 1e-4)
        out += [test_group(mixed, g, "joint") for g, a in zip(groups, alike, strict=True) if a >= lift]
    return out, runs


def mixed_up(evidence: Evidence, random: np.random.Generator) -> Evidence:
    """The same data with the texts of every account that has any given to another such account."""
    speaking = np.flatnonzero(evidence.content.speaks)
    given = np.arange(evidence.n)
    given[speaking] = speaking[random.permutation(len(speaking))]
    content = replace(evidence.content, weights=evidence.content.weights[given])
    return replace(evidence, content=content, neighbours=evidence.neighbours[given][:, given].tocsr(), times=None)
