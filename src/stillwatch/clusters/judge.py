"""Judgement: ranking and alarm are two things.

Everything is ranked, so that groups just below the bar are a review queue. An alarm needs tested evidence in two
independent views (content, and what ties accounts together), each beyond multiple testing, and more of it than the
other groups of the same data show: permutation nulls break households and campuses, so the bulk of groups is the
floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from stillwatch.clusters.evidence import Tested
from stillwatch.graph.rarity import Excess


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


@dataclass(frozen=True)
class Floor:
    """What ordinary groups of this data set reach: strength per view and coverage that an alarm must exceed."""

    tests: int
    hard: float
    soft: float

    @property
    def bar(self) -> float:
        """-log10 p that one test must reach, for one false alarm in ten data sets."""
        return 1.0 + float(np.log10(max(self.tests, 1)))


def floor_of(tested: list[Tested]) -> Floor:
    """Median plus six robust standard deviations of the strengths of all candidate groups."""

    def high(values: list[float]) -> float:
        if len(values) < 8:
            return 0.0
        a = np.asarray(values)
        middle = float(np.median(a))
        return middle + 6.0 * 1.4826 * float(np.median(np.abs(a - middle)))

    content = [t for t in tested if t.origin == "content"]
    # Groups of several resolutions overlap: about half of them are tests of their own.
    return Floor(
        max(1, len(tested)), high([t.hard.strength for t in content]), high([t.soft.strength for t in content])
    )


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def _lift(e: Excess) -> float:
    return (e.observed + 0.5) / (e.expected + 0.5)


def judge(t: Tested, floor: Floor, *, stability: float) -> Judged:
    """Tier and probability of one group."""
    bar = floor.bar
    short = []
    by_content = t.origin == "content"
    content_ok = t.lift >= 5.0 and t.coherence >= 0.05 and (by_content or t.content.strength >= bar + 1.5)
    hard_cover = t.hard.accounts / max(len(t.members), 1)
    soft_cover = t.soft.accounts / max(len(t.members), 1)
    hard_ok = (
        t.hard.strength >= max(bar, floor.hard) and t.hard.observed >= 3 and _lift(t.hard) >= 3.0 and hard_cover >= 0.15
    )
    soft_ok = (
        t.soft.strength >= max(bar, floor.soft) and t.soft.observed >= 5 and _lift(t.soft) >= 3.0 and soft_cover >= 0.3
    )
    enforced_ok = t.enforced >= 4 and t.enforced_p < 10.0**-bar and t.enforced >= 4 * t.enforced_expected
    if not content_ok:
        short.append("what they write agrees too little to be tested evidence of one hand")
    if not (hard_ok or (soft_ok and enforced_ok)):
        short.append("too few ties between separate owners (cards, devices, contacts, conversations) beyond chance")
    if t.owners < 5:
        short.append("fewer than five separate owners")
    content = _ramp(np.log10(max(t.lift, 1.0)), 0.3, 1.5) * _ramp(t.coherence, 0.02, 0.25)
    hard = _ramp(t.hard.strength, 1.0, 10.0) * _ramp(hard_cover, 0.05, 0.5) * _ramp(_lift(t.hard), 1.5, 6.0)
    soft = _ramp(t.soft.strength, 2.0, 12.0) * _ramp(soft_cover, 0.1, 0.7) * _ramp(_lift(t.soft), 1.5, 6.0)
    banned = _ramp(-np.log10(max(t.enforced_p, 1e-30)), 2.0, 8.0)
    ties = 1.0 - (1.0 - hard) * (1.0 - 0.5 * soft) * (1.0 - 0.6 * banned)
    raw = (0.15 + 0.85 * content) * (0.05 + 0.95 * ties) * (0.6 + 0.4 * stability)
    promising = (
        by_content and t.lift >= 3.0 and (t.hard.strength >= 2.0 or t.soft.strength >= 4.0 or t.enforced_p < 1e-3)
    )
    if short:
        return Judged(Tier.REVIEW, round(0.02 + 0.43 * raw, 6), tuple(short), promising)
    return Judged(Tier.ALARM, round(0.6 + 0.37 * raw, 6), (), True)
