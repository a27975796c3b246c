"""Pooled traffic: what the members of a cluster, taken together, ask for, beside a benign reference.

One light account asks too little to tell anything; the pooled requests of many do (field notes: of windows of 1,500
prompts nearly all are told, of windows of 100 hardly any). The share of pooled requests that ask for each capability is
set beside that of as many other owners of equal volume, who ask as unevenly as owners do: requests of one owner stand
or fall together (mean, variance and skewness, as a Pearson curve of type III). The largest departure counts, at the
price of every look. Innocent twins: people with one job.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from stillwatch.graph.world import Floats, Ints

_PREFIX = "asks_"
_CLASSES = 6
"""Most classes of volume that owners are compared within."""
_CLASS = 30
"""Owners of the reference that make a class worth having."""
_LEAST = 4
"""Owners with known requests below which nothing is pooled."""
_FALSE, _POWER = 0.003, 0.95
"""Error rates that the least traffic is said for: false alarms and finds."""


@dataclass(frozen=True)
class Pooled:
    """The capability by which a cluster's pooled requests depart most from the reference."""

    capability: str
    share: float
    """Part of the pooled requests that ask for it."""
    usual: float
    """The same part for owners of equal volume outside."""
    p_value: float
    requests: int
    enough: int
    """Least owners whose requests, pooled, would tell, at 0.3 % false alarms and 95 % power."""
    median: float
    """Requests of the median member."""


@dataclass(frozen=True)
class Reference:
    """What owners outside ask for: mean and variance of each capability's share, by class of volume."""

    names: list[str]
    shares: Floats
    """accounts x capabilities, 0 where nothing is known."""
    volume: Floats
    """Requests of each account."""
    edges: Floats
    """Upper volumes of all classes but the last."""
    moments: tuple[Floats, Floats, Floats]
    """Mean, variance and third central moment of the shares, each classes x capabilities."""

    def test(self, owner: Ints, members: Ints) -> Pooled | None:
        """Pooled requests of ``members`` against the reference; None where too few owners ask anything."""
        volume, shares = _by_owner(owner[members], self.volume[members], self.shares[members])
        if len(volume) < _LEAST:
            return None
        part = volume / volume.sum()
        place = np.searchsorted(self.edges, volume)
        mean, variance, third = (part**power @ m[place] for power, m in enumerate(self.moments, start=1))
        seen = part @ shares
        # Few ask for most things, and those all the time: a sum of such shares is far from normal.
        error = np.sqrt(variance)
        p_values = stats.pearson3.sf((seen - mean) / error, np.clip(third / error**3, 1e-6, None))
        most = int(np.argmin(p_values))
        share, usual = float(seen[most]), float(mean[most])
        if share <= usual:
            return None
        p = min(1.0, len(self.names) * float(p_values[most]))
        requests = self.volume[members]
        uneven = float(np.sqrt(part @ self.moments[1][place][:, most]))
        enough = least(share - usual, uneven)
        return Pooled(self.names[most], share, usual, p, int(requests.sum()), enough, float(np.median(requests)))


def reference_of(signals: pd.DataFrame, owner: Ints, outside: Ints) -> Reference | None:
    """The reference from the accounts ``outside``; None where nothing tells what prompts ask for.

    ``signals`` is one row per account with ``requests`` and the shares of ``signals.capability``.
    """
    columns = [str(c) for c in signals if str(c).startswith(_PREFIX) and signals[c].notna().any()]
    if not columns or "requests" not in signals or not len(outside):
        return None
    shares = signals[columns].apply(pd.to_numeric, errors="coerce")
    known = shares.notna().all(axis=1).to_numpy()
    volume = np.where(known, pd.to_numeric(signals["requests"], errors="coerce").fillna(0.0), 0.0)
    table = shares.fillna(0.0).to_numpy(np.float64)
    total, each = _by_owner(owner[outside], volume[outside], table[outside])
    parts = int(np.clip(len(total) // _CLASS, 1, _CLASSES))
    if len(total) < _CLASS:
        return None
    edges = np.unique(np.quantile(total, np.arange(1, parts) / parts))
    place = np.searchsorted(edges, total)
    count = np.maximum(np.bincount(place, minlength=len(edges) + 1).astype(np.float64), 1.0)[:, None]

    def by_class(values: Floats) -> Floats:
        return np.column_stack([np.bincount(place, column, minlength=len(count)) for column in values.T]) / count

    mean = by_class(each)
    floor = 0.25 / max(float(np.median(total)), 1.0) ** 2  # a capability that nobody outside asks for
    variance = np.maximum(by_class((each - mean[place]) ** 2), floor)
    third = by_class((each - mean[place]) ** 3)
    names = [c.removeprefix(_PREFIX).replace("_", " ") for c in columns]
    return Reference(names, table, volume, edges, (mean, variance, third))


def _by_owner(owner: Ints, volume: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Requests of each owner that asks anything, and its shares, weighted by its accounts' requests."""
    place = np.unique(owner, return_inverse=True)[1]
    total: Floats = np.bincount(place, volume).astype(np.float64)
    asked = np.column_stack([np.bincount(place, volume * column) for column in shares.T])
    return total[total > 0], asked[total > 0] / total[total > 0][:, None]


def least(more: float, uneven: float) -> int:
    """Owners that tell a mean share which is ``more`` above the usual one, where the shares of owners have the standard
    deviation ``uneven``: a one-sided test at the error rates above (Fleiss, Levin and Paik 2003).
    """
    return max(1, int(np.ceil(((stats.norm.isf(_FALSE) + stats.norm.ppf(_POWER)) * uneven / max(more, 1e-6)) ** 2)))
