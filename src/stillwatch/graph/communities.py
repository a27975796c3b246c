"""Communities: seeded Leiden, and how stable they are over seeds.

Leiden (Traag et al. 2019) gives connected communities where Louvain's can be disconnected; graspologic-native is its
Rust implementation. Nodes are numbered in canonical order, so that names change nothing.
"""

from __future__ import annotations

import graspologic_native
import numpy as np
from scipy import sparse

from stillwatch.graph.world import Ints


def leiden(graph: sparse.csr_matrix, *, seed: int, resolution: float = 1.0) -> Ints:
    """Community of each node of a symmetric weighted graph; a node without edges is -1. Numbered by first member."""
    n = graph.shape[0]
    out = np.full(n, -1, dtype=np.int64)
    graph = graph.tocsr()
    used = np.flatnonzero(np.diff(graph.indptr) > 0)
    if not len(used):
        return out
    part = graph[used][:, used].tocsr()
    part.sort_indices()
    _, found = graspologic_native.leiden_csr(
        part.indptr.astype(np.int64),
        part.indices.astype(np.int32),
        part.data.astype(np.float64),
        len(used),
        resolution=resolution,
        iterations=2,
        seed=seed,
    )
    labels = np.array([found[i] for i in range(len(used))], dtype=np.int64)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    out[used] = rank[inverse]
    return out


def groups_of(labels: Ints, *, least: int = 3) -> list[Ints]:
    """Members of every community with at least ``least`` nodes, in order of their first member."""
    order = np.argsort(labels, kind="stable")
    order = order[labels[order] >= 0]
    if not len(order):
        return []
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return [g for g in np.split(order, cuts) if len(g) >= least]


def stability(members: Ints, labellings: list[Ints]) -> float:
    """Mean over seeds of the best Jaccard between a group and a community of that seed; 0 without labellings."""
    return stabilities([members], labellings)[0]


def stabilities(groups: list[Ints], labellings: list[Ints]) -> list[float]:
    """``stability`` of many groups; the sizes of communities are counted once."""
    sizes = [np.bincount(labels[labels >= 0]) for labels in labellings]
    return [_stability(members, labellings, sizes) for members in groups]


def _stability(members: Ints, labellings: list[Ints], sizes: list[Ints]) -> float:
    best: list[float] = []
    for labels, size in zip(labellings, sizes, strict=True):
        inside = labels[members]
        inside = inside[inside >= 0]
        if not len(inside):
            best.append(0.0)
            continue
        found, overlap = np.unique(inside, return_counts=True)
        best.append(float((overlap / (size[found] + len(members) - overlap)).max()))
    return float(np.mean(best)) if best else 0.0
