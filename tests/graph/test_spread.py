"""Scores walk to neighbours of other owners only, as a dense walk written down by hand does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from stillwatch.graph.spread import RESTART, Values, spread
from stillwatch.graph.world import Incidence


def world(seed: int, n: int = 30) -> tuple[sparse.csr_matrix, np.ndarray, Incidence, np.ndarray]:
    rng = np.random.default_rng(seed)
    near = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.2), 1)
    held = (rng.random((n, 12)) < 0.15).astype(float)
    part = Incidence("card", "payment", sparse.csr_matrix(held), np.arange(12, dtype=object), held.sum(axis=1))
    return sparse.csr_matrix(near + near.T), rng.integers(0, 20, n), part, rng.random(12) + 0.5


@pytest.mark.parametrize("seed", range(5))
def test_the_walk_is_the_one_on_the_dense_graph(seed: int) -> None:
    near, owner, part, weight = world(seed)
    n = len(owner)
    score = np.random.default_rng(seed).random(n)
    other = owner[:, None] != owner[None, :]
    texts = np.where(other, near.toarray() ** 2, 0.0)
    each = np.where(part.sharers > 1, weight / np.maximum(part.sharers - 1.0, 1.0), 0.0)
    held = part.matrix.toarray()
    shared = np.where(other, held @ np.diag(each) @ held.T, 0.0)

    def mean(graph: np.ndarray, x: np.ndarray) -> np.ndarray:
        total = graph.sum(axis=1)
        return np.where(total > 0, graph @ x / np.where(total > 0, total, 1.0), 0.0)

    walked = score.copy()
    for _ in range(10):
        walked = RESTART * score + (1 - RESTART) * 0.5 * (mean(texts, walked) + mean(shared, walked))
    wanted = (walked - RESTART * score) / (1 - RESTART)
    assert spread(score, near, owner, Values([(part, weight)], owner)) == pytest.approx(wanted, abs=1e-8)


def test_one_owner_tells_itself_nothing() -> None:
    near, _, part, weight = world(1)
    alone = np.zeros(near.shape[0], dtype=np.int64)
    assert not spread(np.ones(near.shape[0]), near, alone, Values([(part, weight)], alone)).any()


def test_nothing_shared_spreads_nothing() -> None:
    empty = sparse.csr_matrix((4, 4))
    assert not spread(np.ones(4), empty, np.arange(4), Values([], np.arange(4))).any()
