"""Refusals, errors and limits: how often the service says no.

One published operator swept 12,000 prompt variants, most of them refused (2026-09). Innocent twins: red teams,
broken integrations, users in sensitive professions.
"""

from __future__ import annotations

from stillwatch.signals.base import FEBRUARY, Measure, Signal
from stillwatch.signals.tallies import share

_NEEDS = ("requests", "requests.status")


def _share(name: str, status: str, meaning: str, innocent: str) -> Measure:
    return Measure(
        Signal(name, meaning, "share", FEBRUARY, innocent, _NEEDS),
        lambda counts: share(counts[status], counts.outcomes_known),
    )


MEASURES = (
    _share("refused_share", "refused", "share of requests that were refused", "red teams, sensitive professions"),
    _share("error_share", "error", "share of requests that ended in an error", "a broken integration"),
    _share("rate_limited_share", "rate_limited", "share of requests stopped by a rate limit", "a batch job"),
)
