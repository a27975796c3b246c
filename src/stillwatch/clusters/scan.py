"""The best window of a row of counts (scan statistic, Kulldorff 1997) and how great it gets by chance.

Counts stand in ``CELLS`` cells of equal chance; windows are runs of cells up to a width. Used where members do one
thing at one time: ``clusters.timing``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stillwatch.graph.world import Floats, Ints, compiled

CELLS = 50
_WIDEST = 0.36
"""Widest window of ranks that is called in step."""
_NULL = 2000
_SEED = 20260223


def _windows() -> tuple[Ints, Ints]:
    low, high = (side.astype(np.int64) for side in np.triu_indices(CELLS + 1, k=1))
    return low[high - low <= _WIDEST * CELLS], high[high - low <= _WIDEST * CELLS]


_LOW, _HIGH = _windows()


def scan(cells: NDArray[np.int64]) -> tuple[Floats, Ints, Ints]:
    """Per row of counts, the greatest log likelihood ratio of a window with more than its share, and the window."""
    sums = np.concatenate([np.zeros((len(cells), 1), dtype=np.int64), np.cumsum(cells, axis=1)], axis=1)
    n = sums[:, -1:].astype(np.float64)
    k = (sums[:, _HIGH] - sums[:, _LOW]).astype(np.float64)
    ratio = _ratio(k, n, (_HIGH - _LOW) / CELLS)
    best = np.argmax(ratio, axis=1)
    return ratio[np.arange(len(cells)), best], _LOW[best], _HIGH[best]


@lru_cache(maxsize=4096)
def scan_null(size: int, turn: int) -> Floats:
    """The greatest ratios of groups of strangers with so many movers."""
    rng = np.random.default_rng([_SEED, size, turn])
    even = np.full(CELLS, 1.0 / CELLS)
    return np.concatenate([greatest(rng.multinomial(size, even, 250), size) for _ in range(_NULL // 250)])


def greatest(cells: NDArray[np.int64], size: int) -> Floats:
    """The ratio that ``scan`` finds in rows of one sum: of windows of one width the fullest has the greatest."""
    counts = np.arange(size + 1.0)
    told = np.stack([_ratio(counts, float(size), width / CELLS) for width in range(1, int((_HIGH - _LOW).max()) + 1)])
    best: Floats = _best_of_widths(cells, told)
    return best


@compiled
def _best_of_widths(cells, told):  # type: ignore[no-untyped-def]
    """Per row, the greatest of what ``told`` (width less one, count) says of the fullest window of each width."""
    best = np.zeros(len(cells))
    sums = np.zeros(cells.shape[1] + 1, np.int64)
    for row in range(len(cells)):
        for cell in range(cells.shape[1]):
            sums[cell + 1] = sums[cell] + cells[row, cell]
        for width in range(1, len(told) + 1):
            fullest = np.int64(0)
            for low in range(cells.shape[1] + 1 - width):
                fullest = max(fullest, sums[low + width] - sums[low])
            best[row] = max(best[row], told[width - 1, fullest])
    return best


def _ratio(k: Floats, n: Floats | float, share: Floats | float) -> Floats:
    """Log likelihood ratio of k of n in a window with this share; 0 where there are no more than the share."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = k * np.log(k / (n * share)) + np.where(k < n, (n - k) * np.log((n - k) / (n * (1.0 - share))), 0.0)
    return np.asarray(np.where(k > n * share, ratio, 0.0))


def tail(value: float, null: Floats) -> float:
    """p-value among sorted draws; beyond the top twentieth by the exponential tail that a ratio has."""
    above = len(null) - int(np.searchsorted(null, value, "left"))
    start = float(null[int(0.95 * len(null))])
    if value <= start:
        return (above + 1.0) / (len(null) + 1.0)
    mean = float((null[null > start] - start).mean())
    return max(0.05 * float(np.exp(-(value - start) / max(mean, 1e-9))), 1e-300)
