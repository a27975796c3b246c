"""Splitting: sister campaigns that share pools are told apart by what they write.

Two layers: account pools belong to proxies, template families to operators. A cluster falls into parts by wording;
it is split only where its cards, devices and contacts agree with the parts far more often than by chance. One
campaign whose task list is cut into shards shares its cards across them and stays whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from stillwatch.clusters.evidence import HARD, Evidence
from stillwatch.graph.communities import leiden
from stillwatch.graph.world import Floats, Ints

LEAST_PART = 5


def parts_by_wording(evidence: Evidence, members: Ints, *, seed: int, resolution: float = 1.0) -> Ints:
    """Part of each member by nearest phrasebooks inside the cluster; small parts and silent members join the
    nearest, or -1.
    """
    graph = evidence.neighbours[members][:, members].tocsr()
    labels = leiden(graph, seed=seed, resolution=resolution)
    sizes = np.bincount(labels[labels >= 0]) if (labels >= 0).any() else np.zeros(0, dtype=np.int64)
    big = np.flatnonzero(sizes >= LEAST_PART)
    if len(big) < 2:
        return np.zeros(len(members), dtype=np.int64)
    named = np.searchsorted(big, labels)
    known = np.isin(labels, big)
    out = np.where(known, named, -1)
    centre = np.zeros((len(big), evidence.content.weights.shape[1]))
    for g in range(len(big)):
        centre[g] = np.asarray(evidence.content.weights[members[out == g]].mean(axis=0)).ravel()
    near: Floats = np.asarray(evidence.content.weights[members[~known]] @ centre.T)
    out[~known] = np.where(near.max(axis=1) > 0, near.argmax(axis=1), -1)
    return np.asarray(out, dtype=np.int64)


@dataclass(frozen=True)
class Ties:
    """Hard ties between parts: ``pairs[p, q]`` sums, over values, the share of its tied pairs that lie in p and q."""

    pairs: Floats
    stubs: Floats
    """Member-value links of each part."""
    values: int

    def merged(self, p: int, q: int) -> Ties:
        """The same with part q joined to part p."""
        pairs, stubs = self.pairs.copy(), self.stubs.copy()
        pairs[p] += pairs[q]
        pairs[:, p] += pairs[:, q]
        stubs[p] += stubs[q]
        keep = np.arange(len(stubs)) != q
        return Ties(pairs[keep][:, keep], stubs[keep], self.values)

    @property
    def inside(self) -> float:
        """Values whose ties stay inside a part (a value may count in part)."""
        return float(np.trace(self.pairs))

    @property
    def chance(self) -> float:
        """Share of ties that would stay inside a part if identity knew nothing of the parts."""
        share = self.stubs / max(self.stubs.sum(), 1.0)
        return float((share**2).sum())

    @property
    def p_value(self) -> float:
        """Chance of so many values inside."""
        if not self.values:
            return 1.0
        return float(stats.binom.sf(np.floor(self.inside + 1e-9) - 1, self.values, min(self.chance, 1.0)))


def ties_between(evidence: Evidence, members: Ints, parts: Ints) -> Ties:
    """Hard ties among the members that have a part."""
    k = int(parts.max()) + 1
    pairs, stubs, values = np.zeros((k, k)), np.zeros(k), 0
    owner = evidence.owner[members]
    for kind in evidence.of_kinds(HARD):
        block = kind.matrix[members].tocsc()
        for j in np.flatnonzero(np.diff(block.indptr) > 1):
            rows = block.indices[block.indptr[j] : block.indptr[j + 1]]
            rows = rows[parts[rows] >= 0]
            if len(np.unique(owner[rows])) < 2:
                continue
            sizes = np.bincount(parts[rows], minlength=k).astype(np.float64)
            both = np.outer(sizes, sizes) - np.diag(sizes)
            pairs += both / both.sum()
            stubs += sizes
            values += 1
    return Ties(pairs, stubs, values)


def split(evidence: Evidence, members: Ints, *, seed: int) -> list[Ints]:
    """The cluster as one group, or as several where identity agrees with wording.

    Starting from fine parts, the two that identity ties most (beside chance) are joined, until what is left between
    parts is less than half of what chance would tie.
    """
    parts = parts_by_wording(evidence, members, seed=seed)
    if parts.max() < 1:
        return [members]
    ties = ties_between(evidence, members, parts)
    groups = [np.flatnonzero(parts == g) for g in range(len(ties.stubs))]
    silent = [g for g in range(len(groups)) if ties.stubs[g] == 0]
    apart = [groups[g] for g in silent if _too_silent(len(groups[g]), ties)]
    while len(groups) > 1:
        total = ties.stubs.sum()
        usual = 2.0 * ties.values * np.outer(ties.stubs, ties.stubs) / max(total * total, 1.0)
        lift = np.where(usual > 0, (ties.pairs + ties.pairs.T) / np.maximum(usual, 1e-9), 0.0)
        np.fill_diagonal(lift, -1.0)
        p, q = sorted(divmod(int(lift.argmax()), len(groups)))
        if lift[p, q] < 0.5:
            break
        ties = ties.merged(p, q)
        groups = [g if i != p else np.concatenate([groups[p], groups[q]]) for i, g in enumerate(groups) if i != q]
    tied = [g for g, stubs in zip(groups, ties.stubs, strict=True) if stubs > 0]
    named = tied if len(tied) > 1 and ties.p_value <= 0.01 and ties.inside >= 0.8 * ties.values else []
    if not named:
        rest = np.setdiff1d(np.arange(len(members)), np.concatenate(apart) if apart else [])
        named = [rest] if len(rest) else []
    else:
        left = np.setdiff1d(np.arange(len(members)), np.concatenate([*named, *apart]))
        largest = int(np.argmax([len(g) for g in named]))
        named[largest] = np.concatenate([named[largest], left])
    return [members[np.sort(g)] for g in [*named, *apart] if len(g)]


def _too_silent(size: int, ties: Ties) -> bool:
    """Whether a part without any hard tie is beyond chance, given how many the others have per member."""
    rate = ties.stubs.sum() / max(ties.values, 1)
    return ties.values >= 3 and size >= 2 * LEAST_PART and rate > 0
