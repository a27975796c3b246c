"""The evidence graph in memory: accounts in an order that does not depend on their names, and two bipartite graphs.

Everything after this stage works on numbers: row i is an account, column j a value or a phrase. The order of rows comes
from what the accounts did, never from what they are called, so that renaming changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.domain import evidence_kind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Incidence:
    """Which account has which value of one kind. ``matrix`` is accounts x values, 1 where it has it."""

    kind: str
    """The source's word: payment, device, network, session, template, …"""
    evidence: str
    """``domain.EvidenceKind``."""
    matrix: sparse.csr_matrix
    values: NDArray[np.object_]
    degrees: Floats
    """Values of each account, those that nobody shares included."""

    @cached_property
    def by_value(self) -> sparse.csc_matrix:
        """``matrix`` once more, stored by columns: taking a few values out of many is quick."""
        return self.matrix.tocsc()

    @cached_property
    def sharers(self) -> Ints:
        """Accounts per value."""
        return np.asarray(self.matrix.sum(axis=0)).ravel().astype(np.int64)

    def keep(self, columns: NDArray[np.bool_]) -> Incidence:
        """The same, with some of the values only."""
        return Incidence(self.kind, self.evidence, self.matrix[:, columns].tocsr(), self.values[columns], self.degrees)

    @property
    def usual(self) -> float:
        """Accounts that a value of this kind has on average, those that nobody shares included."""
        pairs = float(self.degrees.sum())
        distinct = pairs - float(self.matrix.nnz) + self.matrix.shape[1]
        return pairs / distinct if distinct > 0 else 0.0


def canonical_order(accounts: pd.DataFrame) -> pd.DataFrame:
    """Accounts ordered by what they did; the name breaks ties only between accounts that look alike in everything."""
    keys = ["created_at", "first_seen", "last_seen", "requests", "input_tokens", "output_tokens", "account_id"]
    return accounts.sort_values([k for k in keys if k in accounts], na_position="last", kind="stable").reset_index(
        drop=True
    )


def incidence(links: pd.DataFrame, degrees: pd.DataFrame, kind: str, row_of: pd.Series) -> Incidence:
    """Bipartite graph of one kind from columns account_id and value; values are ordered by who has them.

    ``degrees`` (account_id, values) counts each account's values, those that nobody shares included.
    """
    rows = row_of.reindex(links["account_id"]).to_numpy()
    known = ~np.isnan(rows)
    rows = rows[known].astype(np.int64)
    codes, values = pd.factorize(links["value"].to_numpy(dtype=object)[known], sort=True)
    if len(values):
        first = np.full(len(values), np.iinfo(np.int64).max)
        np.minimum.at(first, codes, rows)
        size = np.bincount(codes, minlength=len(values))
        order = np.lexsort((np.arange(len(values)), -size, first))
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        codes, values = rank[codes], np.asarray(values, dtype=object)[order]
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, codes)), shape=(len(row_of), len(values)))
    matrix.data[:] = 1.0
    evidence = kind if kind in ("network", "session", "template", "system") else evidence_kind(kind).value
    all_values = degrees.set_index("account_id")["values"].reindex(row_of.index).fillna(0.0).to_numpy(np.float64)
    return Incidence(kind, evidence, matrix, np.asarray(values, dtype=object), all_values)


def compiled(function: Any) -> Any:
    """A loop as machine code that lets other threads run; kept in numba's cache where there is a folder for it."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


def components(n: int, left: Ints, right: Ints) -> Ints:
    """Labels of connected components of n nodes, numbered by their first node."""
    labels: Ints = _joined(n, np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64))
    return labels


@compiled
def _joined(n, left, right):  # type: ignore[no-untyped-def]
    """Union and find: the root of a component is its first node (Tarjan 1975, halving paths)."""
    root = np.arange(n)
    for i in range(len(left)):
        a, b = left[i], right[i]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        root[max(a, b)] = min(a, b)
    labels = np.empty(n, np.int64)
    found = 0
    for node in range(n):
        if root[node] == node:
            labels[node] = found
            found += 1
        else:
            labels[node] = labels[root[node]]
    return labels
