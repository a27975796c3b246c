"""Judgement: ranking and alarm are two things.

Everything is ranked, so that groups just below the bar are a review queue. An alarm needs tested evidence in two
independent views (content, and what ties accounts together), each beyond multiple testing, and more of it than the
other groups of the same data show: permutation nulls break households and campuses, so the bulk of groups is the
floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

import numpy as np
from scipy import special

from stillwatch.clusters.conduct import Usual, usual_of
from stillwatch.clusters.evidence import ALIKE, Tested

_UNSEEN = 8.0
"""What a joint group has to reach where there are too few mixed-up groups to tell."""


class Tier(StrEnum):
    ALARM = "alarm"
    REVIEW = "review"


@dataclass(frozen=True)
class Judged:
    """Tier, probability and the missing pieces of one tested group."""

    tier: Tier
    score: float
    short_of: tuple[str, ...]
    """What keeps it from an alarm, in words; empty for an alarm."""
    promising: bool = False
    """Ties between separate owners beyond the ordinary: worth growing."""
    conduct: float = 0.0
    """-log10 of the p-value of how the group works, beside the other groups of the same data."""


@dataclass(frozen=True)
class Floor:
    """What ordinary groups of this data set reach, by view; what an alarm has to stand out from."""

    tests: int
    """Groups whose content alone lets them come into question, which tells nothing of their ties: only these are tests
    (independent filtering, Bourgon, Gentleman and Huber 2010).
    """
    scales: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """How many times stronger than chance the bulk of the groups is tied: hard, soft, enforcement (1 or more)."""

    joint: float = _UNSEEN
    """What a joint group has to reach; see ``both_views`` and ``joint_bar``."""
    usual: Usual | None = None
    """How groups that content formed usually work; None when that cannot be told, and conduct is left out."""

    @property
    def bar(self) -> float:
        """-log10 of the combined p-value that an alarm needs: one false alarm in ten data sets."""
        return 1.0 + float(np.log10(max(self.tests, 1)))

    def beyond(self, t: Tested) -> float:
        """How far above (or, negative, below) its bar a group stands, on the scale of ``bar``."""
        if t.origin != "joint":
            return self.ties(t) - self.bar + min(0.0, t.content.strength - self.bar)
        return (self.both_views(t) / self.joint - 1.0) * self.bar

    def stands_alone(self, t: Tested) -> bool:
        """Whether a joint group is an alarm as it was found, where no growth confirms it: it stands clearly beyond its
        bar.
        """
        return self.beyond(t) >= 1.0

    def doubts(self, t: Tested) -> dict[str, float]:
        """What makes an innocent group likely, in words, and how many bars of evidence more each asks for."""
        out = {}
        if t.venue > _VENUE:
            out[_AT_ONE_PLACE] = 1.0
        if self.usual is not None and t.conduct is not None and self.conduct(t) < _ORDINARY:
            out[_LIKE_OTHERS] = 0.5
        return out

    def ties(self, t: Tested) -> float:
        """-log10 of the combined p-value (Fisher 1932) of what ties a group together, content apart.

        Each view's strength is measured against the bulk of the groups of the same data (an empirical null, Efron
        2004): households and campuses break the independence that the exact null assumes. A group that was formed by
        identity is tested by past enforcement alone: what a group was chosen for proves nothing.
        """
        if t.origin == "identity":
            return _fisher(self._told(t))
        return _with_more(self._told(t), [self.timing(t), self.conduct(t)])

    def both_views(self, t: Tested) -> float:
        """-log10 of the p-value of a joint group: the weaker of the two views that formed it, and its conduct, which
        did not.
        """
        weaker = min(_with_more(self._told(t), [self.timing(t)]), t.content.strength)
        return _with_more([weaker], [self.conduct(t)]) if weaker > 0.0 else 0.0

    def _told(self, t: Tested) -> list[float]:
        """Strength of each view that ties the group together, beside that of the bulk of the groups."""
        views = [_enforced(t)] if t.origin == "identity" else [hard_ties(t), t.soft.strength, _enforced(t)]
        scales = self.scales[-len(views) :]
        return [min(max(v, 0.0), _MOST) / s for v, s in zip(views, scales, strict=True)]

    def timing(self, t: Tested) -> float:
        """-log10 of the p-value of a group's timing; 0 when it says nothing."""
        return t.timing.strength if t.timing.signs else 0.0

    def conduct(self, t: Tested) -> float:
        """-log10 of the p-value of how a group works, beside the other groups of the same data."""
        return min(self.usual.strength(t.conduct), _MOST) if self.usual is not None else 0.0


AGREES = 5.0
"""How many times more alike than strangers a group writes to come into question by its content."""
_VENUE = 0.5
"""Share of the owners in one place from which the place may explain what they have in common."""
_ORDINARY = 0.5
"""Strength of a group's conduct below which it works like the other groups of the same data: a third of them reach it.
"""
_AT_ONE_PLACE = (
    "more than half of them signed up or work at one address or network, as guests of an event, a course or an office "
    "do: it takes twice the evidence"
)
_LIKE_OTHERS = "they pause and change networks as other groups of this data do: it takes half as much evidence again"
_COHERENT = 0.03
"""Least mean cosine between the phrasebooks of two members of an alarm."""
_MOST = 30.0
_CHANCE = 0.6
"""-log10 p that a quarter of all groups passes by chance."""


def _enforced(t: Tested) -> float:
    """Strength of past enforcement; one account is an accident."""
    return _strength(t.enforced_p) if t.enforced >= 2 else 0.0


def hard_ties(t: Tested) -> float:
    """Strength of a group's hard ties. Conversations count as far as something else supports them: users of one
    program that hands them around write alike and share them, and nothing more.
    """
    return max(t.firm.strength, min(t.hard.strength, t.firm.strength + t.soft.strength + _enforced(t)))


def joint_bar(strengths: list[float], runs: int) -> float:
    """What one joint group in ten data sets reaches by chance.

    The tail of ``strengths``, found in ``runs`` mixed-up data sets, is taken as exponential beyond its 90 % quantile
    (peaks over a threshold, Davison and Smith 1990).
    """
    if len(strengths) < 20 or not runs:
        return _UNSEEN
    start = float(np.quantile(strengths, 0.9))
    beyond = np.array([s - start for s in strengths if s > start])
    return (
        max(start + float(beyond.mean() * np.log(len(beyond) / (0.1 * runs))), max(strengths))
        if len(beyond)
        else _UNSEEN
    )


def floor_of(tested: list[Tested], chance: Sequence[Tested] = (), chances: int = 0) -> Floor:
    """The floor from all tested groups. Those that content formed are the sample: nothing chose them for their ties.
    ``chance`` are joint groups of ``chances`` mixed-up data sets.
    """
    content = [t for t in tested if t.origin == "content"]

    def scale(values: list[float]) -> float:
        return max(1.0, float(np.quantile(values, 0.75)) / _CHANCE) if len(values) >= 8 else 1.0

    floor = Floor(
        max(1, sum(t.origin == "content" and t.lift >= AGREES for t in tested)),
        (
            scale([hard_ties(t) for t in content]),
            scale([t.soft.strength for t in content]),
            scale([_strength(t.enforced_p) for t in content]),
        ),
        usual=usual_of([t.conduct for t in content if t.conduct is not None and t.lift >= ALIKE]),
    )
    return replace(floor, joint=joint_bar([floor.both_views(t) for t in chance], chances))


def _fisher(strengths: list[float]) -> float:
    """-log10 of the combined p-value of independent strengths."""
    x, freedom = 2.0 * np.log(10.0) * sum(strengths), 2 * len(strengths)
    if x > special.chdtri(freedom, 0.5):  # as scipy.stats has it, without its wrapping
        return float(-np.log(special.chdtrc(freedom, x)) / np.log(10.0))
    return float(-np.log1p(-special.chdtr(freedom, x)) / np.log(10.0))


def _with_more(told: list[float], more: list[float]) -> float:
    """Combined strength with or without views that most groups say nothing by, whichever is more, at the price of
    every look. They count as far as something else supports them: a viral prompt keeps time, and a popular agent
    never sleeps.
    """
    more = [min(v, max(told)) for v in more if v > 0.0]
    looks = [[*told, *some] for n in range(1, len(more) + 1) for some in combinations(more, n)]
    price = float(np.log10(1 + len(looks)))
    return max([_fisher(told), *(_fisher(look) - price for look in looks)])


def _strength(p: float) -> float:
    return float(-np.log10(max(p, 1e-300)))


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def judge(t: Tested, floor: Floor, *, stability: float) -> Judged:
    """Tier and probability of one group."""
    beyond, ties = floor.beyond(t), floor.ties(t)
    short = []
    if not (
        t.lift >= ALIKE and t.coherence >= _COHERENT and (t.origin != "identity" or t.content.strength >= floor.bar)
    ):
        short.append("what they write agrees too little to be tested evidence of one hand")
    if beyond < 0.0 or t.coverage < 0.15:
        short.append("too few ties between separate owners (cards, devices, contacts, conversations) beyond chance")
    elif beyond < floor.bar * sum(floor.doubts(t).values()):
        short += floor.doubts(t)
    if t.owners < 5:
        short.append("fewer than five separate owners")
    content = _ramp(np.log10(max(t.lift, 1.0)), 0.3, 1.5) * _ramp(t.coherence, 0.02, 0.25)
    told = (0.2 + 0.8 * content) * (0.7 + 0.3 * stability) * _ramp(t.coverage, 0.0, 0.3)
    promising = t.origin != "identity" and t.lift >= 3.0 and ties >= 0.7 and beyond >= -2.5
    if short:
        if t.origin == "identity":  # chosen for its ties: worth a look, never more
            beyond = max(beyond, 0.3 * min(t.hard.strength, floor.bar) - floor.bar)
        # No group is raised to an alarm by its conduct alone; what to look at first it may tell in full.
        near = 1.0 / (1.0 + np.exp(-1.5 * (beyond + floor.conduct(t) - 1.0)))
        return Judged(
            Tier.REVIEW, round(0.01 + 0.44 * (0.4 + 0.6 * told) * near, 6), tuple(short), promising, floor.conduct(t)
        )
    return Judged(Tier.ALARM, round(0.6 + 0.37 * told * _ramp(beyond, -2.0, 8.0), 6), (), True, floor.conduct(t))
