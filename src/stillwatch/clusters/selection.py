"""Selection: from tested candidates to clusters that do not overlap.

Every promising candidate has a seed: the members that a value of their own ties to another owner of the group. The
seed is grown by wording and behaviour, and the grown group is tested again; a growth that loses the evidence is undone.
Growths of one campaign agree by averaging. The one farthest beyond its bar goes first, what overlaps it gives way, an
alarm is listed by its members' own ties, too, and candidates that nothing was grown from follow as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stillwatch.clusters.candidates import LEAST, Candidates
from stillwatch.clusters.evidence import (
    FIRM,
    HARD,
    SOFT,
    Evidence,
    Tested,
    linked_members,
    test_group,
    value_bits,
)
from stillwatch.clusters.growth import Grown, grow, linked_to, seed_of, wording_scores
from stillwatch.clusters.judge import Floor, Judged, Tier, floor_of, judge
from stillwatch.clusters.splitting import split
from stillwatch.domain import ENFORCED
from stillwatch.graph.communities import stabilities
from stillwatch.graph.spread import Values, spread
from stillwatch.graph.world import Floats, Ints

_BANNED = 0.3
"""What past enforcement counts for where scores spread: a weak and noisy label."""
_OLDEST, _LESS = 0.25, 0.8
"""Part of a cluster's accounts that is old beside the others, and what such an account counts for."""
_CLEAR = 2.0
"""How far beyond its bar a group has to grow that was not there before, for every unit that it stood below: its seed
was chosen for its links.
"""
_ALONE = 2.0
"""How far beyond its bar a group stands that raises an alarm although it cannot be grown."""
_FRESH = 10.0**-3.5
"""p-value of the ties of what was not chosen for them that does instead; some sixty growths are tried."""
_SAME = 0.6
"""Part that two growths have in common when they are of one campaign."""
_MANY = 8
"""Members from which an alarm is grown once more from all of them."""
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
    everywhere: Floats
    """Every account's membership."""
    victims: dict[int, str] = field(default_factory=dict)
    """Accounts that seem to carry its traffic with a stolen key, in words; they do not count as members."""
    doubted: dict[int, str] = field(default_factory=dict)
    """Members that may be such, in words."""


@dataclass(frozen=True)
class Selection:
    """Clusters and the bar that they were judged by."""

    found: list[Found]
    floor: Floor


def select(
    evidence: Evidence, candidates: Candidates, behaviour: Floats, *, seed: int = 0, most: int = 100
) -> Selection:
    """Clusters in order of tier and score. ``behaviour`` is accounts x signals; ``most`` bounds the review queue."""
    tested = [test_group(evidence, members, o, timed=o != "joint") for o, members in candidates.groups]
    floor = floor_of(tested, candidates.chance, candidates.chances)
    steady = stabilities([t.members for t in tested], candidates.labellings)
    judged = [judge(t, floor, stability=s) for t, s in zip(tested, steady, strict=True)]
    for i, t in enumerate(tested):
        if t.origin == "joint" and judged[i].promising:
            tested[i] = test_group(evidence, t.members, t.origin)
            judged[i] = judge(tested[i], floor, stability=steady[i])
    order = sorted(
        range(len(tested)), key=lambda i: (-judged[i].score, -len(tested[i].members), int(tested[i].members[0]))
    )
    grown: list[Found] = []
    for i in [i for i in order if judged[i].promising][:_PROMISING]:
        grown += _grown(evidence, behaviour, tested[i], floor, steady[i], seed)
        if tested[i].origin == "joint" and judged[i].tier == Tier.ALARM and floor.stands_alone(tested[i]):
            grown.append(_as_found(evidence, tested[i], judged[i], steady[i]))
    taken = np.zeros(evidence.n, dtype=bool)
    found: list[Found] = []
    grown.sort(
        key=lambda f: (
            f.judged.tier != Tier.ALARM,
            f.tested.origin == "joint",  # as it was found, where no growth of it stood the test
            -floor.beyond(f.tested),
            len(f.members),
            int(f.members[0]),
        )
    )
    for cluster in [_agreed(evidence, f, grown, floor) for f in grown]:
        fresh = ~taken[cluster.members]
        if fresh.mean() >= 0.5 and fresh.sum() >= LEAST:
            cluster = cluster if fresh.all() else _without(evidence, cluster, fresh, floor)
            found.append(_told_by_ties(evidence, behaviour, cluster, taken))
            taken[found[-1].members] = True
    for i in order:
        t = tested[i]
        if len(found) >= most:
            break
        if t.origin == "identity" and t.lift < 3.0 and evidence.content.tokens.size:
            continue  # who shares a card and writes about other things is a household until something else is known
        free = t.members[~taken[t.members]]
        if len(free) < 0.6 * len(t.members) or len(np.unique(evidence.owner[free])) < LEAST:
            continue
        alone = test_group(evidence, free, t.origin)
        verdict = judge(alone, floor, stability=steady[i])
        if floor.beyond(alone) < _ALONE:
            verdict = _reviewed(verdict, _NOT_GROWN)
        found.append(_as_found(evidence, alone, verdict, steady[i]))
        taken[free] = True
    return Selection(in_order(found), floor)


_NOT_GROWN = "its members cannot be told from everybody else by what they write and do"
_UNCONFIRMED = "accounts that only their wording brought in are not tied to the others more often than strangers are"


def _reviewed(judged: Judged, why: str) -> Judged:
    """The same verdict as a review, with what keeps it from an alarm."""
    if judged.tier != Tier.ALARM:
        return judged
    return replace(judged, tier=Tier.REVIEW, score=min(judged.score, 0.45), short_of=(why,))


def _without(evidence: Evidence, cluster: Found, keep: NDArray[np.bool_], floor: Floor) -> Found:
    """A cluster without the members that a stronger one has, tested again; it gains nothing by the loss."""
    t = test_group(evidence, cluster.members[keep], cluster.tested.origin)
    judged = judge(t, floor, stability=cluster.stability)
    if judged.score > cluster.judged.score:
        judged = cluster.judged
    return replace(
        cluster,
        members=cluster.members[keep],
        core=cluster.core[keep] & t.linked,
        membership=cluster.membership[keep],
        tested=t,
        judged=judged,
    )


def in_order(found: list[Found]) -> list[Found]:
    """Alarms first, then by score; ties by size and by first member."""
    return sorted(
        found, key=lambda f: (f.judged.tier != Tier.ALARM, -f.judged.score, -len(f.members), int(f.members[0]))
    )


def _agreed(evidence: Evidence, cluster: Found, others: list[Found], floor: Floor) -> Found:
    """What the growths of one campaign from several seeds agree on (bagging, Breiman 1996), where it stands the test.

    The same campaign: ``_SAME`` of the larger cluster is in the smaller; of a mixture of two it is less.
    """
    if cluster.judged.tier != Tier.ALARM or cluster.tested.origin == "joint":
        return cluster
    near = [
        f
        for f in others
        if f.judged.tier == Tier.ALARM
        and f.tested.origin != "joint"
        and len(np.intersect1d(f.members, cluster.members)) >= _SAME * max(len(f.members), len(cluster.members))
    ]
    if len(near) < 2:
        return cluster
    everywhere = np.mean([f.everywhere for f in near], axis=0)
    members = np.flatnonzero(everywhere >= 0.5).astype(np.int64)
    if len(members) < LEAST:
        return cluster
    tested = test_group(evidence, members, cluster.tested.origin)
    judged = judge(tested, floor, stability=cluster.stability)
    if judged.tier != Tier.ALARM or floor.beyond(tested) < 0.5 * floor.beyond(cluster.tested):
        return cluster
    return replace(
        cluster,
        members=members,
        core=tested.linked,
        membership=everywhere[members],
        tested=tested,
        judged=judged,
        wording=np.mean([f.wording for f in near], axis=0),
        probability=np.mean([f.probability for f in near], axis=0),
        everywhere=everywhere,
    )


def _told_by_ties(evidence: Evidence, behaviour: Floats, cluster: Found, taken: NDArray[np.bool_]) -> Found:
    """An alarm once its test is passed: its accounts are ranked by a growth from all of its members, too, and who
    belongs is told by what each writes and does and, for as much, by its own ties. The verdict stays that of the test,
    whose members no tie had chosen.
    """
    if cluster.judged.tier != Tier.ALARM or cluster.tested.origin == "joint" or len(cluster.members) < _MANY:
        return cluster
    again = grow(evidence, behaviour, cluster.members, cluster.members, rounds=1)
    probability = np.round((cluster.probability + again.probability) / 2.0, 6)
    both = (cluster.everywhere + probability) / 2.0
    members = np.flatnonzero((both >= 0.5) & ~taken).astype(np.int64)
    if len(np.unique(evidence.owner[members])) < LEAST:
        return replace(cluster, probability=probability)
    tested = test_group(evidence, members, cluster.tested.origin)
    return replace(
        cluster, members=members, core=tested.linked, membership=both[members], tested=tested, probability=probability
    )


def _grown(
    evidence: Evidence, behaviour: Floats, t: Tested, floor: Floor, steady: float, seed: int, whole: bool = False
) -> list[Found]:
    """A grown and re-tested cluster, in parts where sisters can be told apart; nothing when growth loses the
    evidence.
    """
    tied = seed_of(evidence, t)
    if len(tied) < LEAST and t.lift >= 10.0:
        tied = t.members
    if len(tied) < LEAST:
        return []
    result = grow(evidence, behaviour, tied, t.members)
    members = result.members
    if len(members) < LEAST or len(np.intersect1d(members, t.members)) < 0.3 * len(tied):
        return []
    # Whatever formed the seed, texts and behaviour found these members.
    before, again = judge(t, floor, stability=steady), test_group(evidence, members, "content")
    after = judge(again, floor, stability=steady)
    if after.tier != Tier.ALARM and after.score < before.score:
        return []
    clear = before.tier == Tier.ALARM or floor.beyond(again) >= _clearance(floor, t)
    if after.tier == Tier.ALARM and not clear and not _confirmed(evidence, t, tied, members):
        # The seed was chosen for its links: it takes more, or ties of what was not chosen, before there is an alarm.
        after = _reviewed(after, _UNCONFIRMED)
    pieces = [members] if whole else split(evidence, members, seed=seed)
    if len(pieces) == 1:
        return [_settled(members, result, again, after, steady)]
    out = []
    for piece in pieces:
        part = test_group(evidence, piece, "content")
        verdict = judge(part, floor, stability=steady)
        if after.tier != Tier.ALARM and verdict.tier == Tier.ALARM:
            verdict = after
        mine = np.zeros(evidence.n, dtype=bool)
        mine[piece] = True
        own = Grown(
            np.where(mine, result.membership, 0.0),
            np.where(mine, result.probability, 0.0),
            wording_scores(evidence, piece),
            result.uses_behaviour,
        )
        out.append(_settled(piece, own, part, verdict, steady))
        if verdict.tier == Tier.ALARM:  # its own growth may find what the mixture hid
            out += _grown(evidence, behaviour, part, floor, steady, seed, whole=True)
    return out


def _clearance(floor: Floor, t: Tested) -> float:
    """How far beyond its bar the growth of a group has to stand that did not reach the bar itself."""
    return max(1.0, -_CLEAR * floor.beyond(t))


def _settled(members: Ints, result: Grown, t: Tested, judged: Judged, steady: float) -> Found:
    membership = result.membership[members]
    core = t.linked & (membership >= 0.5)
    return Found(members, core, membership, t, judged, steady, result.wording, result.probability, result.membership)


def _confirmed(evidence: Evidence, t: Tested, seed: Ints, members: Ints) -> bool:
    """Whether accounts that only wording and behaviour brought in are tied to the seed more often than others are."""
    fresh = np.setdiff1d(members, t.members)
    if len(fresh) < 3:
        return False
    others = np.setdiff1d(np.arange(evidence.n), np.union1d(members, t.members))
    p_values = []
    for kinds in (FIRM, SOFT):
        linked = linked_to(evidence, seed, kinds)
        base = (float(linked[others].sum()) + 1.0) / (len(others) + 1.0)
        p_values.append(float(stats.binom.sf(int(linked[fresh].sum()) - 1, len(fresh), base)))
    return bool(stats.combine_pvalues(p_values).pvalue <= _FRESH)


def _as_found(evidence: Evidence, t: Tested, judged: Judged, steady: float) -> Found:
    """A group as it is: membership from wording and own links."""
    seed = t.members[t.linked] if t.linked.sum() >= LEAST else t.members
    scores = wording_scores(evidence, seed)
    own = scores[t.members]
    middle = max(float(np.median(own)), 1e-9)
    fit = np.clip(own / middle, 0.0, 1.0) if own.any() else np.full(len(own), 0.5)
    membership: Floats = np.asarray(np.round(0.15 + 0.5 * fit + 0.3 * t.linked, 6), dtype=np.float64)
    near = np.zeros(evidence.n)
    near[t.members] = membership
    return Found(t.members, t.linked & (fit >= 0.5), membership, t, judged, steady, scores, near, near)


def _perhaps_stolen(evidence: Evidence, f: Found) -> Floats:
    """A factor for every account: members of an alarm that may be stolen keys count a little less, and so do those that
    are old beside the others and have no card, device or contact in common with them, for stolen keys look like that
    where nothing else tells them.
    """
    out = np.ones(evidence.n)
    if f.judged.tier == Tier.ALARM:
        out[list(f.doubted)] = _LESS
        created = evidence.accounts["created_at"].iloc[f.members]
        old = (created <= created.quantile(_OLDEST)).to_numpy()
        out[f.members[old & ~linked_members(evidence, f.members, FIRM)]] = _LESS
    return out


def account_scores(evidence: Evidence, found: list[Found]) -> Floats:
    """A score in [0, 1] for every account: two thirds what it shows itself, one third what its neighbours show.

    Its own part is the probability of belonging to a cluster, told by what it writes and does and by its own ties,
    times how sure the cluster is; among alarms the account's own evidence decides. The neighbours' part starts from
    those scores and from past enforcement; alone it never reaches 0.5.
    """
    score = np.zeros(evidence.n)
    for f in found:
        sure = 0.75 + 0.25 * f.judged.score if f.judged.tier == Tier.ALARM else f.judged.score
        score = np.maximum(score, sure * f.probability * _perhaps_stolen(evidence, f))
    enforced = evidence.accounts["status"].isin(ENFORCED).to_numpy()
    parts = [
        (part, value_bits(evidence, kind) * (1.0 if part.evidence in HARD else 0.5))
        for kind, part in evidence.identity.items()
        if part.evidence in HARD + SOFT and part.matrix.nnz
    ]
    near = spread(
        np.maximum(score, _BANNED * enforced), evidence.neighbours, evidence.owner, Values(parts, evidence.owner)
    )
    return np.asarray(np.round(np.clip((2.0 * score + near) / 3.0, 0.0, 0.99), 6))
