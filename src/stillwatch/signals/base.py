"""A signal: one measure of one account, with its meaning, its source and its innocent twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ibis import Table, Value

from stillwatch.signals.inputs import Inputs


@dataclass(frozen=True)
class Signal:
    """What a measure means. The family that computes it is a ``Family``."""

    name: str
    meaning: str
    unit: str
    source: str
    innocent: str
    needs: tuple[str, ...] = ("requests",)


@dataclass(frozen=True)
class Measure:
    """A signal that an account's counts give: ``build(counts)`` is a column of ``tallies.account_counts_expr``."""

    signal: Signal
    build: Callable[[Table], Value]


@dataclass(frozen=True)
class Family:
    """Signals that one expression gives together: ``build(inputs)`` has account_id and one column per signal."""

    signals: tuple[Signal, ...]
    build: Callable[[Inputs], Table]


ADVISORY = "joint government advisory AA26-251A (2026-09)"
FEBRUARY = "Anthropic, Detecting and preventing distillation attacks (2026-02-23)"
OWN = "prototype on simulated worlds (see docs/signals.md)"
