"""Growth: from a small clean seed to everyone who speaks and behaves the same way.

Every account of a seed is tied to another owner of its group by a value of its own. What the seed repeats and others
do not is a naive Bayes text classifier; its score and the behaviour signals feed a logistic regression, seeds
against the rest, out of fold, the seed's own community kept out of the negatives. Behaviour is used only where it
finds held-out seeds better than wording alone. Scores become probabilities without labels: P(member | score) = (link
rate at the score - base rate) / (top rate - base rate). Self-training amplifies whatever the seed is, so every grown
cluster is tested again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from stillwatch.clusters.evidence import HARD, SOFT, Evidence, Tested, linked_members, value_bits
from stillwatch.domain import ENFORCED
from stillwatch.graph.world import Floats, Ints

_TOLD = 0.05
"""p-value from which a view marks seeds."""
_PRIOR = 2.0
"""Pseudo-accounts that speak like everybody."""
_NEAR = 3.0
"""What it says, as a log likelihood ratio, when all nearest phrasebooks of an account belong to members."""
_FOLDS = 5
_NEGATIVES = 6_000
"""Most accounts of the rest that a classifier is shown."""


@dataclass(frozen=True)
class Grown:
    """Who belongs with a seed. Members are found by content and behaviour, so that their ties can be tested; once they
    are, each account's own ties count for its score, too.
    """

    membership: Floats
    """Per account, the probability of belonging with the seed by what it writes and does."""
    probability: Floats
    """The same, told the account's own ties as well."""
    wording: Floats
    uses_behaviour: bool

    @property
    def members(self) -> Ints:
        return np.flatnonzero(self.membership >= 0.5).astype(np.int64)


def seed_of(evidence: Evidence, t: Tested) -> Ints:
    """Members that a tested tie marks: shared values of a view that is beyond chance in this group, past enforcement
    where it is. Ties of a view that chance explains mark nobody.
    """
    kinds: tuple[str, ...] = ()
    for view, names in ((t.hard, HARD), (t.soft, SOFT)):
        if view.p_value < _TOLD:
            kinds += names
    marked = linked_members(evidence, t.members, kinds)
    if t.enforced >= 3 and t.enforced_p < _TOLD:
        marked |= evidence.accounts["status"].isin(ENFORCED).to_numpy()[t.members]
    return t.members[marked]


def wording_scores(evidence: Evidence, seed: Ints) -> Floats:
    """How much each account's repeated phrases are those of the seed; seed members are scored by the other members."""
    counts = evidence.content.counts
    n = counts.shape[0]
    if not counts.shape[1] or len(seed) < 2:
        return np.zeros(n)
    everywhere = evidence.content.sharers
    inside = np.asarray(counts[seed].sum(axis=0), dtype=np.float64).ravel()
    rate = (everywhere - inside + 0.5) / (n - len(seed) + 1.0)
    length: Floats = np.asarray(np.sqrt(np.maximum(np.diff(counts.indptr), 1.0)), dtype=np.float64)
    weight, known = np.zeros(len(inside)), np.flatnonzero(inside)
    weight[known] = _weight(inside[known], rate[known], len(seed))
    scores = np.asarray(counts.dot(weight)).ravel() / length
    for i in seed:
        tokens = counts.indices[counts.indptr[i] : counts.indptr[i + 1]]
        scores[i] = float(_weight(inside[tokens] - 1.0, rate[tokens], len(seed) - 1).sum()) / length[i]
    return np.asarray(np.round(scores, 9))


def _weight(inside: Floats, rate: Floats, size: int) -> Floats:
    share = (inside + _PRIOR * rate) / (size + _PRIOR)
    return np.asarray(np.maximum(0.0, np.log(share / rate)) * (inside > 0))


def link_strength(evidence: Evidence, seed: Ints, kinds: tuple[str, ...]) -> Floats:
    """Per account, bits of the values that tie it to a seed account of another owner; the rarest value of a kind counts
    whole, the next half, then a third (one relationship shows in many values).
    """
    out = np.zeros(evidence.n)
    for name, part in evidence.identity.items():
        if part.evidence not in kinds or not part.matrix.nnz:
            continue
        inside = part.matrix[seed]
        columns = np.unique(inside.indices)
        if not len(columns):
            continue
        wide = part.by_value[:, columns].tocoo()
        held = inside[:, columns].tocoo()
        # A value with seeds of two owners ties everybody who has it; with one owner, everybody else.
        low = np.full(len(columns), np.iinfo(np.int64).max)
        high = np.full(len(columns), -1)
        owners = evidence.owner[seed[held.row]]
        np.minimum.at(low, held.col, owners)
        np.maximum.at(high, held.col, owners)
        mine = evidence.owner[wide.row]
        tied = (low[wide.col] != mine) | (high[wide.col] != mine)
        rows, worth = wide.row[tied], value_bits(evidence, name)[columns][wide.col[tied]]
        order = np.lexsort((-worth, rows))
        rows, worth = rows[order], worth[order]
        first = np.concatenate([[0], np.flatnonzero(np.diff(rows)) + 1]) if len(rows) else np.zeros(0, np.int64)
        place = np.arange(len(rows)) - np.repeat(first, np.diff(np.append(first, len(rows))))
        np.add.at(out, rows, worth / (1.0 + place))
    return np.asarray(np.round(out, 9))


def linked_to(evidence: Evidence, seed: Ints, kinds: tuple[str, ...] = HARD + SOFT) -> NDArray[np.bool_]:
    """Per account, whether a value of its own ties it to a seed account of another owner."""
    return np.asarray(link_strength(evidence, seed, kinds) > 0)


def link_odds(evidence: Evidence, community: Ints) -> Floats:
    """Log likelihood ratio of every account's ties to a community that content alone formed.

    Nothing chose its members for their ties, so they show how members are tied, and everybody else how strangers are.
    """
    ties = np.column_stack([np.log1p(link_strength(evidence, community, kinds)) for kinds in (HARD, SOFT)])
    inside = np.zeros(evidence.n, dtype=bool)
    inside[community] = True
    model = LogisticRegression(C=1.0, class_weight="balanced", solver="newton-cholesky").fit(ties, inside)
    model.coef_ = np.maximum(model.coef_, 0.0)  # a tie never speaks for innocence
    return np.asarray(np.round(np.clip(model.decision_function(ties), -1.5, 4.0), 6))


def grow(evidence: Evidence, behaviour: Floats, seed: Ints, community: Ints, *, rounds: int = 2) -> Grown:
    """Grow a seed. ``behaviour`` is accounts x signals, scaled to [-0.5, 0.5]; ``community`` is the group the seed
    is from.
    """
    ties = link_odds(evidence, community)
    grown = _fit(evidence, behaviour, seed, community, ties)
    for _ in range(rounds - 1):
        linked = linked_to(evidence, seed)
        again = np.union1d(seed[grown.membership[seed] >= 0.2], np.flatnonzero((grown.membership >= 0.5) & linked))
        if len(again) < 4 or len(again) > 5 * len(seed) or np.array_equal(again, seed):
            break
        seed = again.astype(np.int64)
        grown = _fit(evidence, behaviour, seed, np.union1d(community, grown.members), ties)
    return grown


def _fit(evidence: Evidence, behaviour: Floats, seed: Ints, community: Ints, ties: Floats) -> Grown:
    wording = wording_scores(evidence, seed)
    usual = max(float(np.median(wording[seed])), 1e-9)
    word = np.log1p(10.0 * np.maximum(wording, 0.0) / usual)
    positive = np.zeros(evidence.n, dtype=bool)
    positive[seed] = True
    negative = ~positive
    negative[community] = False
    rest = np.flatnonzero(negative)
    if len(rest) > _NEGATIVES:
        rest = rest[np.linspace(0, len(rest) - 1, _NEGATIVES).astype(np.int64)]
    judged = np.concatenate([seed, rest])
    score, used = word, False
    if len(rest) >= 20 and len(seed) >= 8:
        both = _out_of_fold(np.column_stack([word, behaviour]), seed, rest)
        better = average_precision_score(positive[judged], both[judged])
        if better > average_precision_score(positive[judged], word[judged]):
            score, used = both, True
    linked = linked_to(evidence, seed)
    rates = _rates(score, linked, rest)
    odds = _odds_of(score, *rates)
    odds = odds + _NEAR * (_near(evidence, odds) - 0.3)
    silent = word <= 0

    def told(more: Floats) -> Floats:
        return np.asarray(np.round(_logistic(np.where(silent, np.minimum(odds + more, -2.0), odds + more)), 6))

    return Grown(told(_own_link(linked, *rates[1:])), told(ties), wording, used)


def _near(evidence: Evidence, odds: Floats) -> Floats:
    """Per account, the share of its nearest phrasebooks that belong to members; few and far neighbours count little."""
    graph = evidence.neighbours
    if not graph.nnz:
        return np.zeros(evidence.n)
    inside = np.asarray(graph @ (odds >= 0).astype(np.float64)).ravel()
    return np.asarray(inside / (np.asarray(graph.sum(axis=1)).ravel() + 0.5))


def _logistic(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def _out_of_fold(features: Floats, seed: Ints, rest: Ints) -> Floats:
    """Decision values of every account from models that did not see it."""
    n = len(features)
    out = np.zeros(n)
    place = np.zeros(n, dtype=np.int64)
    place[seed] = np.arange(len(seed)) % _FOLDS
    rows = np.delete(np.arange(n), seed)
    place[rows] = np.arange(len(rows)) % _FOLDS
    for fold in range(_FOLDS):
        train = np.concatenate([seed[place[seed] != fold], rest[place[rest] != fold]])
        label = np.isin(train, seed)
        model = LogisticRegression(C=0.5, class_weight="balanced", solver="newton-cholesky")
        model.fit(features[train], label)
        held = place == fold
        out[held] = model.decision_function(features[held])
    return np.asarray(np.round(out, 6))


def _rates(score: Floats, linked: NDArray[np.bool_], rest: Ints) -> tuple[Floats, float, float]:
    """Link rate at every account's score, that of the rest, and that of the highest scores."""
    base = float(linked[rest].mean()) if len(rest) else 0.0
    rate = IsotonicRegression(out_of_bounds="clip").fit(score, linked.astype(np.float64)).predict(score)
    top = max(float(np.quantile(rate, 1.0 - min(0.5, 10.0 / len(rate)))), base + 0.1)
    return np.asarray(rate), base, top


def _odds_of(score: Floats, rate: Floats, base: float, top: float) -> Floats:
    """Log odds of membership from the link rate at the score (``_rates``)."""
    p = np.clip((rate - base) / (top - base), 0.0, 0.98)
    # Isotonic steps are flat: the score itself orders accounts inside a step.
    order = np.empty(len(score))
    order[np.argsort(score, kind="stable")] = np.arange(len(score)) / max(len(score), 1)
    p = np.clip(p * 0.98 + 0.02 * order, 1e-4, 0.98)
    return np.asarray(np.log(p / (1.0 - p)))


def _own_link(linked: NDArray[np.bool_], base: float, top: float) -> Floats:
    """What having a link of one's own, or none, adds to the log odds; half of it, for the test of ties comes later."""
    yes = np.log(max(top, 0.05) / max(base, 1e-3))
    no = np.log(max(1.0 - top, 0.1) / max(1.0 - base, 0.1))
    return np.asarray(np.where(linked, 0.5 * yes, 0.5 * no))
