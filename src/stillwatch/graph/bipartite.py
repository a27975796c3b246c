"""Bipartite evidence as one graph: accounts and the values that tie them, weighted by bits."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from stillwatch.graph.world import Floats, Incidence


def value_graph(parts: list[tuple[Incidence, Floats]], n: int) -> sparse.csr_matrix:
    """Symmetric graph of n account nodes followed by one node per value; weight = bits of the value.

    A value's weight is divided by the square root of its users, so that one popular value does not outweigh many
    rare ones.
    """
    matrices = []
    for evidence, weight in parts:
        users = np.maximum(evidence.sharers, 1)
        matrices.append(sparse.csr_matrix(evidence.matrix @ sparse.diags(weight / np.sqrt(users))))
    if not matrices:
        return sparse.csr_matrix((n, n))
    wide = sparse.csr_matrix(sparse.hstack(matrices))
    left = sparse.csr_matrix((n, n))
    right = sparse.csr_matrix((wide.shape[1], wide.shape[1]))
    top, bottom = sparse.hstack([left, wide]), sparse.hstack([wide.T, right])
    return sparse.csr_matrix(sparse.vstack([top, bottom]))
