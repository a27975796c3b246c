"""Layout: where the nodes of a cluster are drawn, stored so that nothing jumps.

Sub-clusters are laid out first, as discs that do not overlap, then the nodes inside each; that is quicker than one
layout of everything, and clearer. Forces: Fruchterman and Reingold 1991. Large discs are filled as a sunflower
around their hubs instead.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from stillwatch.graph.world import Floats, Ints, compiled

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
    pos = start.astype(np.float64)
    _settle(pos, edges.row.astype(np.int64), edges.col.astype(np.int64), weight.astype(np.float64), steps)
    pos -= pos.mean(axis=0)
    radius = np.quantile(np.sqrt((pos**2).sum(axis=1)), 0.97)
    pos = pos / max(float(radius), 1e-9)
    far = np.sqrt((pos**2).sum(axis=1))
    return np.asarray(
        pos * np.where(far > 1.0, (1.0 + 0.08 * np.log(np.maximum(far, 1.0))) / np.maximum(far, 1e-9), 1.0)[:, None]
    )


@compiled
def _settle(pos, left, right, weight, steps):  # type: ignore[no-untyped-def]
    """Moves points in place: all push each other away, edges pull, the middle draws a little."""
    n = len(pos)
    k = 1.0 / np.sqrt(n)
    heat = 0.15
    for _ in range(steps):
        move = np.zeros((n, 2))
        for i in range(n):
            for j in range(i + 1, n):
                across, down = pos[i, 0] - pos[j, 0], pos[i, 1] - pos[j, 1]
                push = k * k / max(across * across + down * down, 1e-6)
                move[i, 0] += across * push
                move[i, 1] += down * push
                move[j, 0] -= across * push
                move[j, 1] -= down * push
        for e in range(len(left)):
            across, down = pos[left[e], 0] - pos[right[e], 0], pos[left[e], 1] - pos[right[e], 1]
            pull = weight[e] * np.sqrt(across * across + down * down) / k
            move[left[e], 0] -= across * pull
            move[left[e], 1] -= down * pull
            move[right[e], 0] += across * pull
            move[right[e], 1] += down * pull
        for i in range(n):
            x, y = move[i, 0] - pos[i, 0] * k * 2.0, move[i, 1] - pos[i, 1] * k * 2.0
            size = max(np.sqrt(x * x + y * y), 1e-12)
            pos[i, 0] += x / size * min(size, heat)
            pos[i, 1] += y / size * min(size, heat)
        heat *= 0.96


def pack(radii: Floats, pull: Floats, *, steps: int = 300) -> Floats:
    """Centres of discs that do not overlap; ``pull`` (discs x discs) draws related ones together. The box is wide."""
    n = len(radii)
    pos = sunflower(n) * (radii.sum() + 1.0) * 0.5
    if n == 1:
        return np.zeros((1, 2))
    _push_apart(pos, radii.astype(np.float64), pull / max(float(pull.max()), 1e-12), steps)
    return np.asarray(pos)


@compiled
def _push_apart(pos, radii, strength, steps):  # type: ignore[no-untyped-def]
    """Moves the centres of discs in place, until they hardly overlap."""
    n = len(pos)
    for turn in range(steps):
        ease = 1.0 - turn / steps
        move = np.zeros((n, 2))
        for i in range(n):
            pos[i, 0] -= pos[i, 0] * 0.012 * ease
            pos[i, 1] -= pos[i, 1] * 0.03 * ease
        for i in range(n):
            for j in range(n):
                move[i, 0] += strength[i, j] * (pos[i, 0] - pos[j, 0])
                move[i, 1] += strength[i, j] * (pos[i, 1] - pos[j, 1])
        pos -= 0.02 * ease * move
        for _ in range(3):
            move[:] = 0.0
            for i in range(n):
                for j in range(i + 1, n):
                    across, down = pos[i, 0] - pos[j, 0], pos[i, 1] - pos[j, 1]
                    far = np.sqrt(across * across + down * down)
                    over = (radii[i] + radii[j]) * 1.08 - far
                    if over > 0.0 and far > 0.0:
                        move[i, 0] += across / far * over * 0.5
                        move[i, 1] += down / far * over * 0.5
                        move[j, 0] -= across / far * over * 0.5
                        move[j, 1] -= down / far * over * 0.5
            pos += move


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
