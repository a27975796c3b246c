"""All evidence about all accounts, made ready for testing groups: one null per kind of link, hubs explained away.

Two views are independent here: what accounts are tied by (identity) and what they say (content). Network addresses and
identity are one view, for resellers pass both on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.clusters.conduct import departure
from stillwatch.clusters.timing import Times, Timing, timing_of
from stillwatch.domain import ENFORCED, EvidenceKind
from stillwatch.graph.owners import is_promotion
from stillwatch.graph.rarity import (
    DegreeNull,
    Excess,
    at_least,
    bits,
    by_owner,
    coherence,
    cross_owner,
    explained_hubs,
)
from stillwatch.graph.similarity import Content, background_similarity, nearest
from stillwatch.graph.world import Floats, Incidence, Ints

HARD = (EvidenceKind.PAYMENT.value, EvidenceKind.DEVICE.value, EvidenceKind.CONTACT.value, EvidenceKind.SESSION.value)
"""Kinds that take intent to share. Sign-up addresses and networks are institutions as often as networks of accounts."""
FIRM = (EvidenceKind.PAYMENT.value, EvidenceKind.DEVICE.value, EvidenceKind.CONTACT.value)
"""Hard kinds that one client program cannot bring to strangers: a popular agent hands conversations around."""
ALIKE = 3.0
"""How many times more alike than strangers a group has to write for its timing to be looked at: looking costs."""
_STRATUM = ("plan", "verification")
SOFT = (EvidenceKind.SIGNUP.value, EvidenceKind.NETWORK.value)


@dataclass(frozen=True)
class Evidence:
    """What tests need. Rows are accounts in canonical order."""

    accounts: pd.DataFrame
    owner: Ints
    content: Content
    neighbours: sparse.csr_matrix
    background: float
    """Mean cosine of two strangers' phrasebooks."""
    identity: dict[str, Incidence]
    """Source kind -> values that two or more owners share, hubs removed."""
    hubs: dict[str, Incidence]
    """Source kind -> values that explain themselves."""
    usual: dict[str, float]
    """Source kind -> accounts that one value has on average."""
    nulls: dict[str, DegreeNull] = field(default_factory=dict)
    times: Times | None = None
    """When accounts were active; None leaves timing out."""
    conduct: Floats | None = None
    """Per account, how much it works like an operator's (``conduct_of``); None leaves conduct out."""

    @property
    def n(self) -> int:
        return len(self.owner)

    @property
    def owners(self) -> int:
        return int(self.owner.max()) + 1 if len(self.owner) else 0

    @cached_property
    def worth(self) -> dict[str, Floats]:
        """What ``value_bits`` has worked out already."""
        return {}

    @cached_property
    def strata(self) -> tuple[NDArray[np.bool_], Ints, Floats]:
        """Per account: banned or suspended, and its stratum (plan and verification); the rate of each stratum."""
        bad = self.accounts["status"].isin(ENFORCED).to_numpy()
        plan, checked = (self.accounts[c].astype("object").fillna("unknown").astype(str) for c in _STRATUM)
        stratum = pd.factorize(plan + "|" + checked)[0]
        size, hit = np.bincount(stratum), np.bincount(stratum, weights=bad)
        return bad, stratum, (hit + bad.mean()) / (size + 1.0)

    @cached_property
    def together(self) -> dict[tuple[str, ...], sparse.csr_matrix]:
        """What ``holding`` has put together already."""
        return {}

    def of_kinds(self, evidence: tuple[str, ...]) -> list[Incidence]:
        return [i for i in self.identity.values() if i.evidence in evidence]


def gather(accounts: pd.DataFrame, owner: Ints, content: Content, incidences: dict[str, Incidence]) -> Evidence:
    """Evidence from raw incidences: cross-owner values only, hubs set apart, nulls prepared."""
    background = background_similarity(content)
    population = int(owner.max()) + 1 if len(owner) else 0
    identity, hubs = {}, {}
    for kind, raw in incidences.items():
        if is_promotion(kind):
            hubs[kind] = raw
            continue
        shared, owners = cross_owner(raw, owner)
        hub = explained_hubs(shared, owners, population, content.weights, background)
        identity[kind], hubs[kind] = shared.keep(~hub), shared.keep(hub)
    neighbours = nearest(content)
    usual = {kind: raw.usual for kind, raw in incidences.items()}
    evidence = Evidence(accounts, owner, content, neighbours, background, identity, hubs, usual)
    for name, kinds in (("hard", HARD), ("firm", FIRM), ("soft", SOFT)):
        parts = [p for p in evidence.of_kinds(kinds) if p.matrix.nnz]
        if parts:
            evidence.nulls[name] = DegreeNull(parts, owner)
    for kind, part in identity.items():
        if part.matrix.nnz:
            evidence.nulls[kind] = DegreeNull([part], owner)
    return evidence


@dataclass(frozen=True)
class Tested:
    """A group of accounts and what each view says of it."""

    members: Ints
    origin: str
    """Which view formed it: content or identity."""
    owners: int
    hard: Excess
    firm: Excess
    """Hard ties without conversations."""
    soft: Excess
    content: Excess
    coherence: float
    lift: float
    """Coherence over that of strangers."""
    linked: NDArray[np.bool_]
    """Per member: tied to another owner of the group by a value of its own."""
    enforced: int
    enforced_expected: float
    enforced_p: float
    timing: Timing = field(default_factory=lambda: Timing(()))
    conduct: float | None = None
    """Standard errors by which its owners work more like an operator's accounts than others of equal volume."""
    venue: float = 0.0
    """Largest share of its owners that one sign-up address or network holds."""

    @property
    def coverage(self) -> float:
        """Share of owners that are tied to another owner of the group by hard or soft values."""
        return float(self.linked.mean()) if len(self.linked) else 0.0


def test_group(evidence: Evidence, members: Ints, origin: str, *, timed: bool = True) -> Tested:
    """Test one group in both views, against past enforcement and, unless told not to (it costs), by its timing."""
    none = Excess(0, 0.0, 0, 0, 1.0)
    hard = evidence.nulls["hard"].test(members) if "hard" in evidence.nulls else none
    firm = evidence.nulls["firm"].test(members) if "firm" in evidence.nulls else none
    soft = evidence.nulls["soft"].test(members) if "soft" in evidence.nulls else none
    one = sparse.csr_matrix(np.ones((1, len(members))))
    weights = evidence.content.weights
    alike = float(coherence(weights[members], one)[0]) if weights.shape[1] else 0.0
    enforced, expected, p = enforcement(evidence, members)
    lift = alike / max(evidence.background, 1e-4)
    times = evidence.times if timed and lift >= ALIKE else None
    return Tested(
        members=members,
        origin=origin,
        owners=len(np.unique(evidence.owner[members])),
        hard=hard,
        firm=firm,
        soft=soft,
        content=content_excess(evidence, members),
        coherence=alike,
        lift=lift,
        linked=linked_members(evidence, members),
        enforced=enforced,
        enforced_expected=expected,
        enforced_p=p,
        timing=timing_of(times, members) if times is not None else Timing(()),
        conduct=departure(evidence.conduct, evidence.owner, members),
        venue=venue_share(evidence, members),
    )


def holding(evidence: Evidence, kinds: tuple[str, ...], *, hubs: bool = False) -> sparse.csr_matrix:
    """Accounts x values of several kinds of evidence, with hubs where asked for; put together once."""
    key = (*kinds, "hubs") if hubs else kinds
    if key not in evidence.together:
        parts = [*evidence.identity.values(), *(evidence.hubs.values() if hubs else ())]
        held = [p.matrix for p in parts if p.evidence in kinds and p.matrix.nnz]
        evidence.together[key] = sparse.hstack(held).tocsr() if held else sparse.csr_matrix((evidence.n, 0))
    return evidence.together[key]


def _held(matrix: sparse.csr_matrix, owner: Ints, members: Ints) -> tuple[Ints, Ints, Ints]:
    """Of a group: rows (places in ``members``) and columns (0, 1, ...) of what they hold, owners per column."""
    start = matrix.indptr[members].astype(np.int64)
    count = matrix.indptr[members + 1].astype(np.int64) - start
    at = np.arange(count.sum()) + np.repeat(start - np.cumsum(count) + count, count)
    row = np.repeat(np.arange(len(members)), count)
    values, column = np.unique(matrix.indices[at], return_inverse=True)
    local = np.unique(owner[members], return_inverse=True)[1]
    pairs = np.unique(local[row].astype(np.int64) * max(len(values), 1) + column)
    return row, column, np.bincount(pairs % max(len(values), 1), minlength=len(values))


def venue_share(evidence: Evidence, members: Ints) -> float:
    """Largest share of the owners of a group that one sign-up address or network holds, hubs included."""
    _, _, owners = _held(holding(evidence, SOFT, hubs=True), evidence.owner, members)
    return float(owners.max(initial=0)) / max(len(np.unique(evidence.owner[members])), 1)


def content_excess(evidence: Evidence, members: Ints) -> Excess:
    """Relationships in content: nearest neighbours inside the group, between owners, over random neighbours."""
    graph = evidence.neighbours
    if not graph.nnz:
        return Excess(0, 0.0, 0, 0, 1.0)
    start, degree = graph.indptr[members].astype(np.int64), np.diff(graph.indptr)[members]
    at = np.arange(degree.sum()) + np.repeat(start - np.cumsum(degree) + degree, degree)
    order = np.argsort(members, kind="stable")
    row = np.repeat(np.arange(len(members)), degree)
    near = np.searchsorted(members, graph.indices[at], sorter=order)
    column = order[np.minimum(near, len(members) - 1)]
    inside = (members[column] == graph.indices[at]) & (row < column)
    row, column = row[inside], column[inside]
    cross = evidence.owner[members[row]] != evidence.owner[members[column]]
    touched = np.zeros(len(members), dtype=bool)
    touched[row[cross]] = touched[column[cross]] = True
    usual = max(float(degree.mean()), 1.0)
    speaking = int(evidence.content.speaks.sum())
    # Neighbours of one account come together or not at all: what counts is lists of neighbours, not single edges.
    expected = float(degree.sum()) * (len(members) - 1.0) / max(speaking - 1.0, 1.0) / 2.0 / usual
    observed = int(cross.sum() / usual)
    return Excess(observed, expected, int(cross.sum()), int(touched.sum()), at_least(observed, expected))


def linked_members(evidence: Evidence, members: Ints, kinds: tuple[str, ...] = HARD + SOFT) -> NDArray[np.bool_]:
    """Per member, whether a value of its own ties it to another owner of the group."""
    row, column, owners = _held(holding(evidence, kinds), evidence.owner, members)
    out = np.zeros(len(members), dtype=bool)
    out[row[owners[column] > 1]] = True
    return out


def enforcement(evidence: Evidence, members: Ints) -> tuple[int, float, float]:
    """Members already banned or suspended, how many accounts of the same plan and verification would be, and the
    p-value.
    """
    bad, stratum, rate = evidence.strata
    if not bad.any():
        return 0, 0.0, 1.0
    inside = np.bincount(stratum[members], minlength=len(rate))
    expected = float((inside * rate).sum())
    k = int(bad[members].sum())
    return k, expected, at_least(k, expected)


def value_bits(evidence: Evidence, kind: str) -> Floats:
    """Rarity in bits of each value of a kind, over owners."""
    if kind not in evidence.worth:
        held = np.asarray(by_owner(evidence.identity[kind].matrix, evidence.owner).sum(axis=0)).ravel()
        evidence.worth[kind] = bits(held.astype(np.int64), evidence.owners)
    return evidence.worth[kind]
