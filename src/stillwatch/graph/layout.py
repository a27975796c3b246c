"""Layout: where the nodes of a cluster are drawn, stored so that nothing jumps.

Sub-clusters are laid out first, as discs that do not overlap, then the nodes inside each; that is quicker than one
layout of everything, and clearer. Forces: Fruchterman and Reingold 1991, vectorised. Large discs are filled as a
sunflower around their hubs instead.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from stillwatch.graph.world import Floats, Ints

WIDTH, HEIGHT = 1600.0, 900.0
_FORCE_LIMIT = 700
_GOLDEN = np.pi * (3.0 - np.sqrt(5.0))


def sunflower(n: int) -> Floats:
    """n points evenly spread over the unit disc, in order from its centre."""
    i = np.arange(n) + 0.5
    return np.stack([np.sqrt(i / n) * np.cos(i * _GOLDEN), np.sqrt(i / n) * np.sin(i * _GOLDEN)], axis=1)


def force(graph: sparse.csr_matrix, start: Floats, *, steps: int = 80) -> Floats:
    """Positions of a small connected or unconnected graph, within the unit disc."""
    n = graph.shape[0]
    if n < 3:
        return start * 0.5
    edges = sparse.triu(graph, k=1).tocoo()
    weight = np.sqrt(edges.data / max(float(edges.data.max()), 1e-12)) if edges.nnz else edges.data
    pos, k = start.copy(), 1.0 / np.sqrt(n)
    heat = 0.15
    for _ in range(steps):
        across, down = (pos[None, :, side] - pos[:, None, side] for side in (0, 1))
        push = k * k / np.maximum(across**2 + down**2, 1e-6)
        move = np.stack([(across * push).sum(axis=0), (down * push).sum(axis=0)], axis=1)
        if edges.nnz:
            pull = pos[edges.row] - pos[edges.col]
            length = np.sqrt((pull**2).sum(axis=1))
            step = pull * (weight * length / k)[:, None]
            np.add.at(move, edges.row, -step)
            np.add.at(move, edges.col, step)
        move -= pos * k * 2.0
        size = np.maximum(np.sqrt((move**2).sum(axis=1)), 1e-12)
        pos += move / size[:, None] * np.minimum(size, heat)[:, None]
        heat *= 0.96
    pos -= pos.mean(axis=0)
    radius = np.quantile(np.sqrt((pos**2).sum(axis=1)), 0.97)
    pos = pos / max(float(radius), 1e-9)
    far = np.sqrt((pos**2).sum(axis=1))
    return np.asarray(
        pos * np.where(far > 1.0, (1.0 + 0.08 * np.log(np.maximum(far, 1.0))) / np.maximum(far, 1e-9), 1.0)[:, None]
    )


def pack(radii: Floats, pull: Floats, *, steps: int = 300) -> Floats:
    """Centres of discs that do not overlap; ``pull`` (discs x discs) draws related ones together. The box is wide."""
    n = len(radii)
    pos = sunflower(n) * (radii.sum() + 1.0) * 0.5
    if n == 1:
        return np.zeros((1, 2))
    strength = pull / max(float(pull.max()), 1e-12)
    for turn in range(steps):
        ease = 1.0 - turn / steps
        pos -= pos * np.array([0.012, 0.03]) * ease
        delta = pos[:, None, :] - pos[None, :, :]
        far = np.sqrt((delta**2).sum(axis=2)) + np.eye(n)
        pos -= 0.02 * ease * (strength[:, :, None] * delta).sum(axis=1)
        for _ in range(3):
            delta = pos[:, None, :] - pos[None, :, :]
            far = np.sqrt((delta**2).sum(axis=2)) + np.eye(n)
            want = (radii[:, None] + radii[None, :]) * 1.08
            over = np.maximum(want - far, 0.0) * (1 - np.eye(n))
            pos += (delta / far[:, :, None] * (over * 0.5)[:, :, None]).sum(axis=1)
    return np.asarray(pos)


def draw(graph: sparse.csr_matrix, group: Ints) -> Floats:
    """x, y of every node in a box of about 1600 by 900; ``group`` numbers sub-clusters from 0."""
    n = graph.shape[0]
    if not n:
        return np.zeros((0, 2))
    groups = int(group.max()) + 1
    sizes = np.bincount(group, minlength=groups)
    radii = np.sqrt(sizes.astype(np.float64)) + 1.0
    member = sparse.csr_matrix((np.ones(n), (group, np.arange(n))), shape=(groups, n))
    pull = np.asarray((member @ graph @ member.T).todense(), dtype=np.float64)
    np.fill_diagonal(pull, 0.0)
    centres = pack(radii, pull / np.sqrt(np.outer(sizes, sizes)))
    pos = np.zeros((n, 2))
    degree = np.diff(graph.indptr)
    for g in range(groups):
        rows = np.flatnonzero(group == g)
        order = rows[np.lexsort((rows, -degree[rows]))]
        start = np.zeros((len(rows), 2))
        start[np.searchsorted(rows, order)] = sunflower(len(rows))
        inside = force(graph[rows][:, rows].tocsr(), start) if len(rows) <= _FORCE_LIMIT else start
        pos[rows] = centres[g] + inside * radii[g]
    low, high = pos.min(axis=0), pos.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    scale = min(WIDTH / span[0], HEIGHT / span[1]) if n > 1 else 1.0
    stretch = np.minimum(np.array([WIDTH, HEIGHT]) / (span * scale), 1.6)
    pos = (pos - (low + high) / 2) * scale * stretch
    return np.asarray(np.round(pos, 2))
