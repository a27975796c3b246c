"""Growth: from a small clean seed to everyone who speaks the same way.

Every account of a seed is tied to another by a value of its own. What the seed repeats and others do not becomes a naive
Bayes text classifier; each seed member is scored by the others (leave one out), so that the scores of seeds and of
strangers can be compared. Self-training was the largest step in both prototypes; it amplifies whatever the seed is, so
every grown cluster is tested again before it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillwatch.clusters.evidence import Evidence
from stillwatch.graph.world import Floats, Ints

_PRIOR = 2.0
"""Pseudo-accounts that speak like everybody."""


@dataclass(frozen=True)
class Grown:
    """A cluster after growth: members, their probability of belonging, and every account's wording score."""

    members: Ints
    membership: Floats
    scores: Floats


def wording_scores(evidence: Evidence, seed: Ints) -> Floats:
    """How much each account's repeated phrases are those of the seed; seed members are scored by the other members."""
    counts = evidence.content.counts
    n = counts.shape[0]
    if not counts.shape[1]:
        return np.zeros(n)
    everywhere = evidence.content.sharers
    inside = np.asarray(counts[seed].sum(axis=0)).ravel()
    rate = (everywhere - inside + 0.5) / (n - len(seed) + 1.0)
    weight = _weight(inside, rate, len(seed))
    length = np.sqrt(np.maximum(np.diff(counts.indptr), 1.0))
    scores = np.asarray(counts @ weight).ravel() / length
    for i in seed:
        tokens = counts.indices[counts.indptr[i] : counts.indptr[i + 1]]
        scores[i] = _weight(inside[tokens] - 1.0, rate[tokens], len(seed) - 1).sum() / length[i]
    return np.asarray(np.round(scores, 9))


def _weight(inside: Floats, rate: Floats, size: int) -> Floats:
    share = (inside + _PRIOR * rate) / (size + _PRIOR)
    return np.asarray(np.maximum(0.0, np.log(share / rate)) * (inside > 0))


def grow(evidence: Evidence, seed: Ints, *, rounds: int = 3, most: float = 3.0) -> Grown:
    """Members that speak like the seed, in rounds; a round may at most multiply the seed by ``most``."""
    members = seed
    scores = wording_scores(evidence, seed)
    for _ in range(rounds):
        own = scores[members]
        bar = float(np.quantile(own, 0.2)) if len(own) else np.inf
        outside = np.delete(np.arange(evidence.n), members)
        noise = float(np.quantile(scores[outside], 0.9)) if len(outside) else 0.0
        bar = max(bar, 0.25 * float(np.median(own)), 1.5 * noise, 1e-6)
        found = np.flatnonzero(scores >= bar)
        room = int(most * len(members))
        if len(found) > room:
            found = np.sort(found[np.argsort(-scores[found], kind="stable")[:room]])
        grown = np.union1d(members, found)
        if len(grown) == len(members):
            break
        members = grown
        scores = wording_scores(evidence, members)
    own = scores[members]
    middle = max(float(np.median(own)), 1e-9)
    return Grown(members, np.clip(own / middle, 0.0, 1.5) / 1.5, scores)
