"""Rarity: how surprising it is that accounts share a value, against a null that keeps all degrees.

A value that d of N owners have is worth log2(N / d) bits: that is how much less likely a stranger is to have it. A
group is judged by relationships: in each connected part of it, the owners tied (less one) or the distinct values
that tie them, whichever is fewer. One pair counts once however many things it shares, one voucher counts once
however many use it; pairs would grow with the square, and a household or a hackathon would look like a ring.
Expected under the null where every account keeps its number of values and every value its number of accounts
(Newman's configuration model; validated projections, Tumminello et al. 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from stillwatch.graph.world import Floats, Incidence, Ints, components

_BODY = 3
"""Owners that make a body of people around one value."""
_CLOSED = ("payment", "session")
"""Kinds of evidence that nobody shares in the open: a card series or a conversation in many hands is no venue."""


def bits(sharers: Ints, population: int) -> Floats:
    """Surprise in bits of having a value that ``sharers`` of ``population`` have; never below 0."""
    return np.maximum(0.0, np.log2(max(population, 1) / np.maximum(sharers, 1)))


def by_owner(matrix: sparse.csr_matrix, owner: Ints) -> sparse.csr_matrix:
    """Owners x values (1 where any account of the owner has it) from accounts x values."""
    n = int(owner.max()) + 1 if len(owner) else 0
    row, column = _pairs(np.repeat(owner, np.diff(matrix.indptr)), matrix.indices.astype(np.int64), matrix.shape[1])
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
    return sparse.csr_matrix((np.ones(len(column)), column, ends), shape=(n, matrix.shape[1]))


def _pairs(owner: Ints, value: Ints, values: int) -> tuple[Ints, Ints]:
    """Which owner has which value, each pair once, from entries of both; ``values`` is how many there are."""
    pair = np.unique(owner.astype(np.int64) * values + value)
    return pair // max(values, 1), pair % max(values, 1)


def narrow(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same rows without the columns that are empty in all of them: a small group touches few of many values."""
    used, place = np.unique(matrix.indices, return_inverse=True)
    return sparse.csr_matrix((matrix.data, place, matrix.indptr), shape=(matrix.shape[0], len(used)))


def cross_owner(evidence: Incidence, owner: Ints) -> tuple[Incidence, Ints]:
    """Values that two or more owners have, and how many owners have each."""
    owners = np.asarray(by_owner(evidence.matrix, owner).sum(axis=0)).ravel().astype(np.int64)
    keep = owners > 1
    return evidence.keep(keep), owners[keep]


@dataclass(frozen=True)
class Excess:
    """How many relationships a group has in one kind of evidence, and how many chance would give."""

    observed: int
    expected: float
    values: int
    accounts: int
    p_value: float

    @property
    def strength(self) -> float:
        """-log10 of the p-value, at most 300."""
        return float(min(300.0, -np.log10(max(self.p_value, 1e-300))))


class DegreeNull:
    """Null of one or several kinds of evidence; answers for any group of accounts.

    Every kind keeps its own degrees: a thousand conversations do not make a shared card more likely. Where one place,
    device or contact holds three quarters of three or more owners that are tied together, they are openly together (an
    event with its venue, a laboratory): one relationship, whatever else they share.
    """

    def __init__(self, parts: list[Incidence], owner: Ints) -> None:
        self.parts = parts
        self.owner = owner
        self.matrix = sparse.hstack([p.matrix for p in parts]).tocsr()
        self._open = np.concatenate([np.full(p.matrix.shape[1], p.evidence not in _CLOSED) for p in parts])
        self._sizes = []
        for part in parts:
            sharers = np.asarray(by_owner(part.matrix, owner).sum(axis=0)).ravel().astype(np.int64)
            # Values that one owner has alone are stubs of the null, too: they say how easily a value is shared at all.
            self._sizes.append((*np.unique(sharers, return_counts=True), float(part.degrees.sum())))

    def expected(self, accounts: Ints) -> float:
        """Relationships that a group of these accounts would have by chance."""
        out = 0.0
        for part, (sizes, count, total) in zip(self.parts, self._sizes, strict=True):
            if total:
                mu = sizes * (part.degrees[accounts].sum() / total)
                out += float((count * (mu - 1.0 + np.exp(-mu))).sum())
        return out

    def test(self, accounts: Ints) -> Excess:
        """Excess of relationships inside a group of accounts."""
        expected = self.expected(accounts)
        _, local = np.unique(self.owner[accounts], return_inverse=True)
        start, end = self.matrix.indptr[accounts], self.matrix.indptr[accounts + 1]
        held = (end - start).astype(np.int64)
        place = np.arange(held.sum()) + np.repeat(start - np.cumsum(held) + held, held)
        row, value = _pairs(np.repeat(local, held), self.matrix.indices[place].astype(np.int64), self.matrix.shape[1])
        values, column, sharers = np.unique(value, return_inverse=True, return_counts=True)
        common = sharers[column] > 1
        if not common.any():
            return Excess(0, expected, 0, 0, 1.0)
        tied, row, column = values[sharers > 1], row[common], (np.cumsum(sharers > 1) - 1)[column[common]]
        owners = int(local.max()) + 1
        labels = components(owners + len(tied), row, column + owners)
        touched = np.zeros(owners, dtype=bool)
        touched[row] = True
        people = np.bincount(labels[:owners][touched], minlength=int(labels.max()) + 1)
        things = np.bincount(labels[owners:], minlength=len(people))
        largest = np.zeros(len(people), dtype=np.int64)
        np.maximum.at(largest, labels[owners:], np.bincount(column, minlength=len(tied)) * self._open[tied])
        things = np.where((people >= _BODY) & (4 * largest >= 3 * people), 1, things)
        ties = int(np.minimum(np.maximum(people - 1, 0), things).sum())
        return Excess(ties, expected, len(tied), int(touched[local].sum()), at_least(ties, expected))


def at_least(observed: int, expected: float) -> float:
    """Chance of so many or more where ``expected`` are usual: the mid-p-value of a Poisson count (Lancaster 1961), for
    counts are small and a plain one would be far too careful.
    """
    if observed <= 0:
        return 1.0
    here = np.exp(special.xlogy(observed, expected) - special.gammaln(observed + 1.0) - expected)
    return float(special.pdtrc(observed, expected) + 0.5 * here)  # as scipy.stats has it, without its wrapping


def coherence(matrix: sparse.csr_matrix, members: sparse.csr_matrix) -> Floats:
    """Mean cosine between two members, for many groups at once.

    ``matrix`` accounts x tokens with rows of length 1 (or 0), ``members`` groups x accounts. Groups below two
    members give 0.
    """
    if members.shape[0] == 1 and members.nnz == matrix.shape[0] and (members.data == 1.0).all():
        return _coherence_of_all(matrix)
    size = np.asarray(members.sum(axis=1)).ravel()
    norms = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    total = members @ matrix
    squares = np.asarray(total.multiply(total).sum(axis=1)).ravel()
    pairs = size * (size - 1.0)
    return np.where(pairs > 0, (squares - members @ norms) / np.maximum(pairs, 1.0), 0.0)


def _coherence_of_all(matrix: sparse.csr_matrix) -> Floats:
    """``coherence`` of one group that is all of the rows; most groups are small, and building matrices would cost."""
    n = matrix.shape[0]
    if n < 2:
        return np.zeros(1)
    if 10 * matrix.nnz < matrix.shape[1]:
        _, column = np.unique(matrix.indices, return_inverse=True)
        total = np.bincount(column, weights=matrix.data)
    else:
        total = np.bincount(matrix.indices, weights=matrix.data)
        total = total[np.bincount(matrix.indices) > 0]
    return np.array([((total * total).sum() - (matrix.data * matrix.data).sum()) / (n * (n - 1.0))])


def explained_hubs(
    evidence: Incidence, owners: Ints, population: int, content: sparse.csr_matrix, background: float
) -> NDArray[np.bool_]:
    """Values that many owners share and whose users have nothing else in common: carriers, campuses, card ranges.

    Many means more than the square root of the population (half of the possible bits are gone). Such a value is kept
    where its users' phrasebooks agree far more than strangers' do (ten times the background).
    """
    many = owners > np.sqrt(max(population, 1))
    hub: NDArray[np.bool_] = many.copy()
    if many.any() and content.shape[1]:
        alike = coherence(content, evidence.matrix[:, many].T.tocsr())
        hub[np.flatnonzero(many)] = alike < max(10.0 * background, 0.02)
    return hub
