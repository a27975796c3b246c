"""Logistic regression around a prior: few labels bend the base score, they do not replace it.

The model is ``sigmoid(base log-odds + x b)`` with ``b`` normal around 0: no labels, no change. How far labels may
bend it (the width of that normal) is chosen by the evidence of the labels themselves (MacKay 1992, Laplace
approximation), so no label has to be held back for it. Convex, solved by Newton's method: the same data give the
same numbers. scikit-learn's LogisticRegression cannot hold an offset, hence these few lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillwatch.detector.features import expit

Floats = NDArray[np.float64]

WIDTHS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Candidate standard deviations of a coefficient, in log-odds per standard deviation of its feature."""
_STEPS = 50


@dataclass(frozen=True)
class Fit:
    """Coefficients, the width that the evidence chose, and the log evidence of that width."""

    coefficients: Floats
    width: float
    evidence: float


def fit(x: Floats, offset: Floats, target: Floats, weight: Floats) -> Fit:
    """Fit coefficients of ``x`` (n, d) to targets in [0, 1] with weights, beside a fixed offset in log-odds."""
    fits = [_at_width(x, offset, target, weight, width) for width in WIDTHS]
    return max(fits, key=lambda f: f.evidence)


def _at_width(x: Floats, offset: Floats, target: Floats, weight: Floats, width: float) -> Fit:
    precision = 1 / width**2
    b = np.zeros(x.shape[1])
    loss = _loss(b, x, offset, target, weight, precision)
    for _ in range(_STEPS):
        p = expit(offset + x @ b)
        gradient = x.T @ (weight * (p - target)) + precision * b
        step = np.linalg.solve(_curvature(x, p, weight, precision), gradient)
        size = 1.0
        while (tried := _loss(b - size * step, x, offset, target, weight, precision)) > loss and size > 1e-6:
            size /= 2
        b, before, loss = b - size * step, loss, tried
        if before - loss < 1e-10 * (1 + abs(loss)):
            break
    curvature = _curvature(x, expit(offset + x @ b), weight, precision)
    evidence = -loss + 0.5 * (x.shape[1] * np.log(precision) - np.linalg.slogdet(curvature)[1])
    return Fit(np.round(b, 9), width, float(evidence))


def _curvature(x: Floats, p: Floats, weight: Floats, precision: float) -> Any:
    return (x * (weight * p * (1 - p))[:, None]).T @ x + precision * np.eye(x.shape[1])


def _loss(b: Floats, x: Floats, offset: Floats, target: Floats, weight: Floats, precision: float) -> float:
    odds = offset + x @ b
    return float(np.sum(weight * (np.logaddexp(0, odds) - target * odds)) + 0.5 * precision * b @ b)
