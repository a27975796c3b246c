"""Conduct: do the accounts of a group, taken together, work the way an operator's accounts do?

A government advisory (AA26-251A) names round-the-clock use without idle and one account from many networks. In one
light account each is weak, and who asks much or often shows both: an account is compared with accounts of equal volume
on equally many days only (which leaves the advisory's third sign, throughput, out), and a group by the mean of its
owners, where what is weak in one adds up. Groups that write alike also live alike (a fleet, a course), so a group has
to stand out from the other groups of the same data, not from accounts drawn at random (an empirical null, Efron 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from stillwatch.graph.world import Floats, Ints

INDICATORS: tuple[tuple[tuple[str, ...], float], ...] = ((("longest_gap_hours",), -1.0), (("networks", "subnets"), 1.0))
"""Signals and the direction in which an operator's accounts differ; the first that the data can tell stands for the
others.
"""
_CLASSES = 5
"""Most classes of active days, and of requests within each, that accounts are compared within."""
_CLASS = 50
"""Accounts that make a class worth having."""
_LEAST = 8
"""Fewest groups that tell how groups of this data usually behave."""


def conduct_of(signals: pd.DataFrame) -> Floats | None:
    """One index per account, mean 0 and deviation 1: the mean of its ranks among accounts of equal volume.

    ``signals`` is one row per account with the columns of ``INDICATORS``, ``requests`` and ``active_days``. An account
    without requests has 0. None when no indicator can be computed.
    """
    if not {"requests", "active_days"} <= set(signals):
        return None
    volume, days = (pd.to_numeric(signals[c], errors="coerce").fillna(0.0) for c in ("requests", "active_days"))
    if not (volume > 0).any():
        return None
    parts = int(np.clip(np.sqrt(len(signals) / _CLASS), 1, _CLASSES))
    long = np.ceil(days.rank(method="first", pct=True) * parts)
    often = np.ceil(volume.groupby(long).rank(method="first", pct=True) * parts)
    classes = (long * (parts + 1) + often).to_numpy()
    ranks = []
    for names, direction in INDICATORS:
        told = [n for n in names if n in signals and signals[n].notna().any()]
        if told:
            values = pd.to_numeric(signals[told[0]], errors="coerce").where(volume > 0)
            ranks.append(direction * (values.groupby(classes).rank(pct=True) - 0.5).fillna(0.0).to_numpy())
    if not ranks:
        return None
    total = np.sum(ranks, axis=0)
    spread = float(total.std())
    return np.asarray(np.round((total - total.mean()) / spread, 9)) if spread > 0 else None


def departure(index: Floats | None, owner: Ints, members: Ints) -> float | None:
    """How many standard errors the owners of a group lie above the mean of all accounts; None without an index."""
    if index is None:
        return None
    owners, place = np.unique(owner[members], return_inverse=True)
    means = np.bincount(place, weights=index[members]) / np.bincount(place)
    return round(float(means.mean() * np.sqrt(len(owners))), 9)


@dataclass(frozen=True)
class Usual:
    """How the groups of a data set usually depart: median and robust spread (at least 1) of ``departure``."""

    middle: float = 0.0
    spread: float = 1.0

    def strength(self, z: float | None) -> float:
        """-log10 of the p-value of a group's departure beside that of the others; 0 when it cannot be told."""
        if z is None:
            return 0.0
        return float(-special.log_ndtr(-(z - self.middle) / self.spread) / np.log(10.0))  # as scipy.stats has it


def usual_of(departures: list[float]) -> Usual | None:
    """What is usual, from the groups that content alone formed; None when they are too few to tell."""
    if len(departures) < _LEAST:
        return None
    middle, upper = np.quantile(departures, [0.5, 0.75])
    return Usual(float(middle), max(1.0, float(upper - middle) / float(stats.norm.ppf(0.75))))
