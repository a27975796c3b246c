"""Splitting: sister campaigns that share pools are told apart by what they write.

Two layers: account pools belong to proxies, template families to operators. A cluster falls into parts by wording; it is
split only where its cards, devices and contacts agree with the parts far more often than by chance. One campaign whose
task list is cut into shards shares its cards across them and stays whole.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from stillwatch.clusters.evidence import HARD, Evidence
from stillwatch.graph.communities import leiden
from stillwatch.graph.world import Floats, Ints

LEAST_PART = 5


def parts_by_wording(evidence: Evidence, members: Ints, *, seed: int, resolution: float = 0.7) -> Ints:
    """Part of each member by nearest phrasebooks inside the cluster; small parts and silent members join the nearest, or -1."""
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


def agreement(evidence: Evidence, members: Ints, parts: Ints) -> tuple[float, float, float]:
    """Share of tied pairs that stay inside a part, the share by chance, and the p-value; each value counts once."""
    inside, count = 0.0, 0
    for part in evidence.of_kinds(HARD):
        block = part.matrix[members].tocsc()
        for j in np.flatnonzero(np.diff(block.indptr) > 1):
            rows = block.indices[block.indptr[j] : block.indptr[j + 1]]
            where = parts[rows][parts[rows] >= 0]
            if len(where) > 1:
                sizes = np.bincount(where)
                inside += float((sizes * (sizes - 1)).sum() / (len(where) * (len(where) - 1)))
                count += 1
    share = np.bincount(parts[parts >= 0]) / max((parts >= 0).sum(), 1)
    chance = float((share**2).sum())
    p = float(stats.binom.sf(np.floor(inside + 1e-9) - 1, count, chance)) if count else 1.0
    return (inside / count if count else 0.0), chance, p


def split(evidence: Evidence, members: Ints, *, seed: int) -> list[Ints]:
    """The cluster as one group, or as several where identity agrees with wording."""
    parts = parts_by_wording(evidence, members, seed=seed)
    if parts.max() < 1:
        return [members]
    kept, chance, p = agreement(evidence, members, parts)
    if p > 0.01 or kept < max(0.8, chance + 0.2):
        return [members]
    parts = np.where(parts < 0, int(np.bincount(parts[parts >= 0]).argmax()), parts)
    return [members[parts == g] for g in range(int(parts.max()) + 1)]
