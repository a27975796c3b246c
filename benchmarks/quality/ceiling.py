"""What the data holds: a classifier that is told the truth, scored out of fold. Never part of the product.

Folds are over accounts, so every campaign is both learned and tested: the question is whether its accounts can be told
from innocents at all, not whether a new campaign looks like an old one. Features: the run's signals, and how many of
the labelled accounts that share a value or a rare phrase with the account are members. Those shares are taken from
other folds only, in training too.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from quality.world import World

FOLDS = 5


def ceiling(world: World, seed: int = 0) -> np.ndarray | None:
    """Out-of-fold probability of every account; null where a fold would have no member."""
    y = world.positive.astype(float)
    if y.sum() < 2 * FOLDS:
        return None
    views = {k: p.matrix for k, p in world.identifiers.items()} | {"template": world.templates.matrix} | world.behind
    weighted = [informative(m) for m in views.values() if m.nnz]
    score = np.zeros(len(y))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(y, y):
        known = np.zeros((len(y), 3 * len(weighted)))
        inner = StratifiedKFold(FOLDS, shuffle=True, random_state=seed + 1)
        for kept, held in inner.split(train, y[train]):
            known[train[held]] = neighbours(weighted, y, train[kept], train[held])
        known[test] = neighbours(weighted, y, train, test)
        features = np.hstack([world.signals.to_numpy(), known])
        model = HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.08, l2_regularization=1.0, random_state=seed
        )
        score[test] = model.fit(features[train], y[train]).predict_proba(features[test])[:, 1]
    return score


def informative(matrix: sparse.csr_matrix) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Columns weighted by the square root of how rare they are among accounts."""
    sharers = np.maximum(np.asarray(matrix.sum(axis=0)).ravel(), 1.0)
    return matrix, np.sqrt(np.log2(matrix.shape[0] / sharers) + 1.0)


def neighbours(
    views: list[tuple[sparse.csr_matrix, np.ndarray]], y: np.ndarray, known: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """Per view: mean and maximum over the account's values of the members' share among known sharers; values known."""
    base, columns = float(y[known].mean()), []
    for matrix, weight in views:
        part, wanted = matrix[known], matrix[asked]
        members, sharers = part.T @ y[known], np.asarray(part.sum(axis=0)).ravel()
        share = (members + base) / (sharers + 1.0)
        seen = weight * (sharers > 0)
        total = wanted @ seen
        mean = np.where(total > 0, (wanted @ (seen * share)) / np.maximum(total, 1e-9), np.nan)
        most = np.asarray((wanted @ sparse.diags(share * (sharers > 0))).max(axis=1).todense()).ravel()
        columns += [mean, most, total]
    return np.column_stack(columns)
