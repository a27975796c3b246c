"""How good scores and groups are, measured: the figures that training and evaluation share.

Sources: average precision as scikit-learn defines it; BCubed (Bagga and Baldwin 1998; Amigó et al. 2009); Brier
score; calibration by bins of equal width. A figure that cannot be computed is null, never 0.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve

from stillwatch.detector.fit import Floats

TAKEN = "taken_requests"
"""Column of truth that not every truth has: requests of an account that were a campaign's own work."""

BINS = 10


@dataclass(frozen=True)
class Rates:
    """Of what was flagged, how much was right (precision); of what there was, how much was flagged (recall)."""

    precision: float | None
    recall: float | None
    f1: float | None
    flagged: int


@dataclass(frozen=True)
class Scores:
    """How good probabilities are on labelled accounts; every figure weighs accounts as training does."""

    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    brier: float | None
    calibration: tuple[dict[str, Any], ...]
    """Bins of the probability: from, to, mean (of the predictions), share (truly positive), accounts."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def rates(flagged: np.ndarray, positive: np.ndarray, weight: Floats | None = None) -> Rates:
    """Precision, recall and F1 of flags against truth, both boolean."""
    w = np.ones(len(flagged)) if weight is None else weight
    hit, said, there = (float(w[m].sum()) for m in (flagged & positive, flagged, positive))
    precision = hit / said if said else None
    recall = hit / there if there else None
    f1 = 2 * hit / (said + there) if said + there else None
    return Rates(precision, recall, f1, int(flagged.sum()))


def average_precision(score: Floats, positive: np.ndarray, weight: Floats | None = None) -> float | None:
    """Area under precision over recall, as a sum of steps; null without a positive."""
    if not positive.any():
        return None
    return float(average_precision_score(positive, score, sample_weight=weight))


def recall_at_precision(score: Floats, positive: np.ndarray, floor: float) -> float | None:
    """The most recall that any threshold gives at a precision of at least ``floor``; null without a positive."""
    if not positive.any():
        return None
    precision, recall, _ = precision_recall_curve(positive, score)
    return float(recall[:-1][precision[:-1] >= floor].max(initial=0.0))


def scores(probability: Floats, target: Floats, weight: Floats) -> Scores:
    """All figures of probabilities against targets of 0 and 1."""
    positive = target == 1
    at_half = rates(probability >= 0.5, positive, weight)
    brier = float(np.average((probability - target) ** 2, weights=weight)) if len(target) else None
    both = positive.any() and not positive.all()
    return Scores(
        average_precision=average_precision(probability, positive, weight) if both else None,
        precision=at_half.precision,
        recall=at_half.recall,
        f1=at_half.f1,
        brier=brier,
        calibration=calibration(probability, target, weight),
    )


def calibration(probability: Floats, target: Floats, weight: Floats) -> tuple[dict[str, Any], ...]:
    """Per bin of width 0.1 that holds any account: what was predicted and what was true."""
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    out = []
    for b in np.unique(place):
        inside = place == b
        out.append(
            {
                "from": float(b / BINS),
                "to": float((b + 1) / BINS),
                "mean": float(np.average(probability[inside], weights=weight[inside])),
                "share": float(np.average(target[inside], weights=weight[inside])),
                "accounts": int(inside.sum()),
            }
        )
    return tuple(out)


@dataclass(frozen=True)
class BCubed:
    """How well groups match true groups, account by account."""

    precision: float | None
    recall: float | None
    f: float | None


def bcubed(found: Sequence[Hashable | None], true: Sequence[Hashable | None]) -> BCubed:
    """BCubed of groups against true groups; null = in no group.

    Precision is averaged over accounts in a found group: the share of that group that is of the account's own true
    group (an account of none is alone with itself). Recall is averaged over accounts in a true group: the share of
    that group that stands with the account (an account in no found group stands with itself). Both count the
    account itself.
    """
    frame = pd.DataFrame({"found": pd.Series(list(found), dtype=object), "true": pd.Series(list(true), dtype=object)})
    in_found, in_true = frame["found"].notna(), frame["true"].notna()
    both = frame[in_found & in_true].groupby(["found", "true"]).size().rename("both").reset_index()
    found_size, true_size = frame["found"].value_counts(), frame["true"].value_counts()
    squares = both["both"].astype("float64") ** 2
    lone = frame[in_found & ~in_true]["found"]
    precise = float((squares / both["found"].map(found_size)).sum()) + float((1 / lone.map(found_size)).sum())
    missed = frame[in_true & ~in_found]["true"]
    recalled = float((squares / both["true"].map(true_size)).sum()) + float((1 / missed.map(true_size)).sum())
    precision = precise / in_found.sum() if in_found.any() else None
    recall = recalled / in_true.sum() if in_true.any() else None
    f = 2 * precision * recall / (precision + recall) if precision and recall else None
    return BCubed(*(None if v is None else float(v) for v in (precision, recall, f)))
