"""Selection: from tested candidates to clusters that do not overlap.

The strongest candidate goes first. Its seed, the members that a value of their own ties to another owner of the group, is
grown by wording and behaviour, and the grown group is tested again; a growth that loses the evidence is undone. What
overlaps a settled cluster gives way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.clusters.candidates import LEAST, Candidates
from stillwatch.clusters.evidence import Evidence, Tested, test_group
from stillwatch.clusters.growth import grow, wording_scores
from stillwatch.clusters.judge import Floor, Judged, Tier, floor_of, judge
from stillwatch.graph.communities import stability
from stillwatch.graph.world import Floats, Ints

_PROMISING = 60
"""Most candidates that are grown."""


@dataclass(frozen=True)
class Found:
    """One cluster: who, how sure, and what was tested."""

    members: Ints
    core: NDArray[np.bool_]
    membership: Floats
    """Per member, 0-1: how well it fits the others."""
    tested: Tested
    judged: Judged
    stability: float
    wording: Floats
    """Every account's wording score for this cluster."""
    probability: Floats
    """Every account's probability of belonging to it."""


def select(evidence: Evidence, candidates: Candidates, behaviour: Floats, *, most: int = 150) -> list[Found]:
    """Clusters in order of tier and score. ``behaviour`` is accounts x signals; ``most`` bounds the review queue."""
    tested = [test_group(evidence, members, origin) for origin, members in candidates.groups]
    floor = floor_of(tested)
    steady = [stability(t.members, candidates.labellings) for t in tested]
    judged = [judge(t, floor, stability=s) for t, s in zip(tested, steady, strict=True)]
    order = sorted(range(len(tested)), key=lambda i: (-judged[i].score, -len(tested[i].members), int(tested[i].members[0])))
    taken = np.zeros(evidence.n, dtype=bool)
    found: list[Found] = []
    grown = 0
    for i in order:
        t = tested[i]
        seed = t.members[t.linked]
        if len(found) >= most:
            break
        if grown < _PROMISING and len(seed) >= LEAST and judged[i].promising and taken[seed].mean() < 0.5:
            grown += 1
            cluster = _grown(evidence, behaviour, t, floor, steady[i], taken)
            if cluster is not None:
                taken[cluster.members] = True
                found.append(cluster)
                continue
        free = t.members[~taken[t.members]]
        if len(free) < 0.6 * len(t.members) or len(np.unique(evidence.owner[free])) < LEAST:
            continue
        alone = test_group(evidence, free, t.origin)
        cluster = _as_found(evidence, alone, judge(alone, floor, stability=steady[i]), steady[i])
        taken[free] = True
        found.append(cluster)
    return sorted(found, key=lambda f: (f.judged.tier != Tier.ALARM, -f.judged.score, -len(f.members), int(f.members[0])))


def _grown(
    evidence: Evidence, behaviour: Floats, t: Tested, floor: Floor, steady: float, taken: NDArray[np.bool_]
) -> Found | None:
    """A grown and re-tested cluster; None when growth loses the evidence."""
    result = grow(evidence, behaviour, t.members[t.linked], t.members)
    members = result.members[~taken[result.members]]
    if len(members) < LEAST or len(np.intersect1d(members, t.members)) < 0.3 * t.linked.sum():
        return None
    before, again = judge(t, floor, stability=steady), test_group(evidence, members, t.origin)
    after = judge(again, floor, stability=steady)
    if after.tier != Tier.ALARM and after.score < before.score:
        return None
    if before.tier != Tier.ALARM and after.tier == Tier.ALARM:
        # The seed was chosen for its links: only the group that was not chosen may raise an alarm.
        after = Judged(Tier.REVIEW, min(after.score, 0.45), before.short_of, after.promising)
    membership = result.probability[members]
    core = again.linked & (membership >= 0.5)
    return Found(members, core, membership, again, after, steady, result.wording, result.probability)


def _as_found(evidence: Evidence, t: Tested, judged: Judged, steady: float) -> Found:
    """A group as it is: membership from wording and own links."""
    seed = t.members[t.linked] if t.linked.sum() >= LEAST else t.members
    scores = wording_scores(evidence, seed)
    own = scores[t.members]
    middle = max(float(np.median(own)), 1e-9)
    fit = np.clip(own / middle, 0.0, 1.0) if own.any() else np.full(len(own), 0.5)
    membership = np.round(0.15 + 0.5 * fit + 0.3 * t.linked, 6)
    near = np.zeros(evidence.n)
    near[t.members] = membership
    return Found(t.members, t.linked & (fit >= 0.5), membership, t, judged, steady, scores, near)


def account_scores(evidence: Evidence, found: list[Found]) -> Floats:
    """A score in [0, 1] for every account: a cluster's probability times the account's probability of belonging to it.

    Outside a cluster the same product counts, at half: wording and own links may place an account near a cluster, but
    nobody is scored by association alone.
    """
    score = np.zeros(evidence.n)
    for f in found:
        inside = np.zeros(evidence.n, dtype=bool)
        inside[f.members] = True
        score = np.maximum(score, f.judged.score * f.probability * np.where(inside, 1.0, 0.5))
    return np.asarray(np.round(np.clip(score, 0.0, 0.99), 6))
