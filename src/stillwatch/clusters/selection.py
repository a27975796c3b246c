"""Selection: from tested candidates to clusters that do not overlap.

The strongest candidate goes first; what overlaps it gives way. Its seed, the members that a value of their own ties to
another owner of the group, is grown by wording, and the grown group is tested again. A growth that loses the evidence is
undone.
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


def select(evidence: Evidence, candidates: Candidates, *, most: int = 400) -> list[Found]:
    """Clusters in order of their score. ``most`` bounds the review queue."""
    tested = [test_group(evidence, members, origin) for origin, members in candidates.groups]
    floor = floor_of(tested)
    steady = [stability(t.members, candidates.labellings) for t in tested]
    judged = [judge(t, floor, stability=s) for t, s in zip(tested, steady, strict=True)]
    order = sorted(
        range(len(tested)), key=lambda i: (-judged[i].score, -len(tested[i].members), int(tested[i].members[0]))
    )
    taken = np.zeros(evidence.n, dtype=bool)
    found: list[Found] = []
    for i in order:
        if len(found) >= most:
            break
        free = tested[i].members[~taken[tested[i].members]]
        if len(free) < 0.6 * len(tested[i].members) or len(np.unique(evidence.owner[free])) < LEAST:
            continue
        cluster = _settle(evidence, test_group(evidence, free, tested[i].origin), floor, steady[i], taken)
        taken[cluster.members] = True
        found.append(cluster)
    return sorted(
        found, key=lambda f: (f.judged.tier != Tier.ALARM, -f.judged.score, -len(f.members), int(f.members[0]))
    )


def _settle(evidence: Evidence, t: Tested, floor: Floor, steady: float, taken: NDArray[np.bool_]) -> Found:
    """Grow a group that has a seed; keep the growth when its evidence holds."""
    best = judge(t, floor, stability=steady)
    seed = t.members[t.linked]
    if best.tier == Tier.ALARM and len(seed) >= LEAST:
        grown = grow(evidence, seed)
        members = grown.members[~taken[grown.members]]
        if len(members) >= LEAST:
            again = test_group(evidence, members, t.origin)
            verdict = judge(again, floor, stability=steady)
            if verdict.tier == Tier.ALARM:
                t, best = again, verdict
    return found_of(evidence, t, best, steady)


def found_of(evidence: Evidence, t: Tested, judged: Judged, steady: float) -> Found:
    """Membership and core of a settled group. Core: tied by a value of its own and alike in wording."""
    seed = t.members[t.linked] if t.linked.sum() >= LEAST else t.members
    scores = wording_scores(evidence, seed)
    own = scores[t.members]
    middle = max(float(np.median(own)), 1e-9)
    wording = np.clip(own / middle, 0.0, 1.0) if own.any() else np.full(len(own), 0.5)
    membership = np.round(0.15 + 0.55 * wording + 0.3 * t.linked, 6)
    return Found(t.members, t.linked & (wording >= 0.5), membership, t, judged, steady, scores)


def account_scores(evidence: Evidence, found: list[Found]) -> Floats:
    """A score in [0, 1] for every account: its cluster's probability times its membership, or, outside clusters, at most a
    fifth for wording like that of a cluster. Outside the fringe nobody is scored by association alone."""
    score = np.zeros(evidence.n)
    for f in found:
        own = f.wording[f.members]
        middle = max(float(np.median(own)), 1e-9)
        near = 0.2 * f.judged.score * np.clip(f.wording / middle, 0.0, 1.0)
        score = np.maximum(score, near)
    for f in found:
        score[f.members] = np.maximum(score[f.members], f.judged.score * f.membership)
    return np.asarray(np.round(np.clip(score, 0.0, 0.99), 6))
