"""Spread: what an account's neighbours show, in both views.

Scores walk to the nearest phrasebooks and to the sharers of rare values, always to another owner, and fall off with
each step (random walk with restart; SybilRank, Cao et al. 2012, and the label spreading of Zhou et al. 2004 are of
this family). An account's own score never comes back to it. Innocent twin: everybody who stands beside a campaign, so
the result orders accounts and is no evidence of its own.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from stillwatch.graph.world import Floats, Incidence, Ints

RESTART = 0.5
_STEPS = 10
_CROWD = 50
"""Sharers above which a value carries nothing: a crowd is nobody's neighbour."""


class Values:
    """Steps over shared values: an account to the other owners that share a value with it, rare values first."""

    def __init__(self, parts: list[tuple[Incidence, Floats]], owner: Ints) -> None:
        """``parts``: values of a kind and the weight of each."""
        blocks, weights = [], []
        for part, weight in parts:
            keep = (part.sharers > 1) & (part.sharers <= _CROWD)
            blocks.append(part.matrix[:, keep])
            weights.append(weight[keep] / np.maximum(part.sharers[keep] - 1.0, 1.0))
        n = len(owner)
        self.matrix = sparse.hstack(blocks).tocsr() if blocks else sparse.csr_matrix((n, 0))
        self.weights = np.concatenate(weights) if weights else np.zeros(0)
        held = self.matrix.tocoo()
        self._rows, self._columns = held.row.astype(np.int64), held.col.astype(np.int64)
        # Which owner has which value: an owner may have ten thousand accounts, so only what is held is looked at.
        _, self._place = np.unique(owner[self._rows] * self.matrix.shape[1] + self._columns, return_inverse=True)
        self.reach = self._step(np.ones(n))

    def _step(self, score: Floats) -> Floats:
        everybody = np.asarray(self.matrix.T @ score).ravel() * self.weights
        total = np.asarray(self.matrix @ everybody).ravel()
        same = np.bincount(self._place, weights=score[self._rows])[self._place] if len(self._place) else np.zeros(0)
        own = np.bincount(self._rows, weights=same * self.weights[self._columns], minlength=len(score))
        return np.asarray(np.maximum(total - own, 0.0))

    def mean(self, score: Floats) -> Floats:
        """Weighted mean of the score over the sharers; 0 where there are none."""
        return np.divide(self._step(score), self.reach, out=np.zeros(len(score)), where=self.reach > 1e-12)


def spread(score: Floats, neighbours: sparse.csr_matrix, owner: Ints, values: Values) -> Floats:
    """What the neighbours of each account show, 0 to 1 like ``score``: half from phrasebooks, half from values."""
    graph = neighbours.tocoo()
    cross = owner[graph.row] != owner[graph.col]
    content = sparse.csr_matrix((graph.data[cross] ** 2, (graph.row[cross], graph.col[cross])), shape=graph.shape)
    weight = np.asarray(content.sum(axis=1)).ravel()
    walked: Floats = score.copy()
    for _ in range(_STEPS):
        texts = np.divide(content @ walked, weight, out=np.zeros(len(score)), where=weight > 0)
        walked = RESTART * score + (1.0 - RESTART) * 0.5 * (texts + values.mean(walked))
    return np.asarray(np.round(np.clip((walked - RESTART * score) / (1.0 - RESTART), 0.0, 1.0), 9))
