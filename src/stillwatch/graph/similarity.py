"""Similarity of phrasebooks: which accounts repeat the same rare phrases.

An account's own repeated phrases are its phrasebook (slot fillers drop out by themselves). Phrases weigh by rarity,
rows are scaled to length 1, and each account keeps its few nearest neighbours. Whole texts are never compared:
whole-text MinHash groups by topic (pair precision 0.12-0.21 on real templated prompts), frames group by who wrote
them. Innocent twins: a course assignment, a public template, one owner's product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.graph.world import Floats

_BLOCK = 2_000


@dataclass(frozen=True)
class Content:
    """What accounts repeat. ``weights`` has rows of length 1 (or 0 for an account that repeats nothing shared)."""

    counts: sparse.csr_matrix
    """accounts x tokens, 1 where the account repeats the token."""
    weights: sparse.csr_matrix
    tokens: NDArray[np.object_]
    source: str
    """phrases, templates or nothing."""
    speaks: NDArray[np.bool_]
    """Accounts that repeat anything at all, shared or not: the population that strangers come from."""

    @cached_property
    def sharers(self) -> Floats:
        return np.asarray(self.counts.sum(axis=0), dtype=np.float64).ravel()


def content_of(
    book: pd.DataFrame, speakers: pd.DataFrame, row_of: pd.Series, source: str, *, longest: int = 400
) -> Content:
    """Content from columns account_id, token; each account keeps its ``longest`` rarest tokens, the cost of a pair
    is bounded.
    """
    n = len(row_of)
    rows = row_of.reindex(book["account_id"]).to_numpy()
    known = ~np.isnan(rows)
    rows = rows[known].astype(np.int64)
    codes, tokens = pd.factorize(book["token"].to_numpy()[known], sort=True)
    counts = sparse.csr_matrix((np.ones(len(rows)), (rows, codes)), shape=(n, len(tokens)))
    counts.data[:] = 1.0
    sharers = np.asarray(counts.sum(axis=0)).ravel()
    speaks = row_of.index.isin(speakers["account_id"])
    population = max(int(speaks.sum()), 1)
    idf = np.log(np.maximum(population / np.maximum(sharers, 1.0), 1.0))
    idf[sharers < 2] = 0.0
    weighted = sparse.csr_matrix(counts @ sparse.diags(idf))
    weighted.eliminate_zeros()
    weighted = _rarest(weighted, longest)
    return Content(counts, _unit_rows(weighted), np.asarray(tokens, dtype=object), source, speaks)


def _rarest(matrix: sparse.csr_matrix, longest: int) -> sparse.csr_matrix:
    matrix.sort_indices()
    if not matrix.nnz or np.diff(matrix.indptr).max() <= longest:
        return matrix
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order)) - matrix.indptr[rows[order]]
    keep = place < longest
    return sparse.csr_matrix((matrix.data[keep], (rows[keep], matrix.indices[keep])), shape=matrix.shape)


def _unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
    return sparse.csr_matrix(sparse.diags(scale) @ matrix)


def background_similarity(content: Content) -> float:
    """What strangers have in common: the median over accounts of the mean cosine to everyone else who repeats
    anything.
    """
    rows = content.weights[np.flatnonzero(content.speaks)]
    n = rows.shape[0]
    if n < 2 or not rows.shape[1]:
        return 0.0
    total = np.asarray(rows.sum(axis=0)).ravel()
    own = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    return float(np.median(np.maximum(0.0, (rows @ total - own) / (n - 1.0))))


def nearest(content: Content, *, neighbours: int = 15, least: float = 0.1) -> sparse.csr_matrix:
    """Symmetric graph of each account's nearest neighbours by cosine (at least ``least``); no pair twice, no loop."""
    weights = content.weights
    n = weights.shape[0]
    other = weights.T.tocsc()
    rows, cols, data = [], [], []
    for start in range(0, n, _BLOCK):
        block = (weights[start : start + _BLOCK] @ other).tocsr()
        block.setdiag(0.0, k=start)
        block.data[block.data < least] = 0.0
        block.data = np.round(block.data, 9)
        block.eliminate_zeros()
        block = _rarest(block, neighbours).tocoo()
        rows.append(block.row + start)
        cols.append(block.col)
        data.append(block.data)
    if not rows:
        return sparse.csr_matrix((n, n))
    graph = sparse.csr_matrix((np.concatenate(data), (np.concatenate(rows), np.concatenate(cols))), shape=(n, n))
    return graph.maximum(graph.T).tocsr()
