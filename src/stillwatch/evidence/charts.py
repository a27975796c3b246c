"""Geometry of the report's pictures; the templates turn it into SVG, so that nothing is drawn by a script.

Everything is aggregated: a chart never holds more than ``MOST_BINS`` columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from stillwatch.evidence.wording import clean

MOST_BINS = 96
MOST_LANES = 6
WIDTH = 1000.0
LEFT = 128.0
BARS = 130.0
LANE = 17.0
TOP = 22.0


@dataclass(frozen=True)
class Cell:
    """One bin: a bar, or a cell of a lane; ``part`` is its share of the largest (0-1)."""

    x: float
    y: float
    width: float
    height: float
    part: float
    tip: str


@dataclass(frozen=True)
class Lane:
    name: str
    y: float
    cells: tuple[Cell, ...]
    total: int


@dataclass(frozen=True)
class Tick:
    x: float
    text: str


@dataclass(frozen=True)
class Moment:
    """A release or an enforcement; ``n`` is its number in the legend."""

    n: int
    x: float
    at: datetime
    kind: str
    text: str


@dataclass(frozen=True)
class Timeline:
    width: float
    height: float
    left: float
    base: float
    bars: tuple[Cell, ...]
    grid: tuple[tuple[float, str], ...]
    lanes: tuple[tuple[str, tuple[Lane, ...]], ...]
    ticks: tuple[Tick, ...]
    moments: tuple[Moment, ...]
    hours: int
    """Width of one bin."""


def timeline(rows: pd.DataFrame, markers: pd.DataFrame) -> Timeline | None:
    """Requests over time, in all and per lane; null when the run has no dated request.

    ``rows``: run table ``timeline``; ``markers``: run table ``markers``.
    """
    rows = rows[rows["bin"].notna()]
    if rows.empty:
        return None
    first = rows["bin"].min().floor("D")
    last = (rows["bin"] + pd.to_timedelta(rows["hours"].fillna(1), unit="h")).max()
    span = max((last - first) / timedelta(hours=1), 1.0)
    hours = next((h for h in (1, 2, 3, 6, 12, 24, 48, 168) if span / h <= MOST_BINS), math.ceil(span / MOST_BINS))
    bins = math.ceil(span / hours)
    step = (WIDTH - LEFT) / bins
    rows = rows.assign(at=((rows["bin"] - first) / timedelta(hours=hours)).astype(int))

    def start(i: int) -> str:
        return f"{first + timedelta(hours=hours * i):%Y-%m-%d %H:%M}"

    kinds = list(rows["lane_kind"].unique())
    whole = rows[rows["lane_kind"] == ("group" if "group" in kinds else kinds[0])].groupby("at")["requests"].sum()
    top = _round_up(int(whole.max()) if len(whole) else 1)
    base = TOP + BARS
    bars = tuple(
        Cell(LEFT + step * i, base - BARS * n / top, max(step - 1, 0.6), BARS * n / top, n / top, f"{start(i)}: {n:,}")
        for i, n in _points(whole)
    )
    lanes, y = [], base + 24
    for kind, title in (("group", "Sub-groups"), ("model", "Models")):
        part = rows[rows["lane_kind"] == kind]
        named = part.groupby("lane")["requests"].sum().sort_values(ascending=False, kind="stable").head(MOST_LANES)
        if len(named) < 2:
            continue
        made = []
        y += 16
        for name in sorted(named.index) if kind == "group" else named.index:
            series = part[part["lane"] == name].groupby("at")["requests"].sum()
            peak = max(int(series.max()), 1)
            cells = tuple(
                Cell(
                    LEFT + step * i, y, max(step - 1, 0.6), LANE - 4, n / peak, f"{clean(name, 60)}, {start(i)}: {n:,}"
                )
                for i, n in _points(series)
                if n > 0
            )
            made.append(Lane(clean(name, 18), y, cells, int(series.sum())))
            y += LANE
        lanes.append((title, tuple(made)))
        y += 6
    inside = markers[(markers["at"] >= first) & (markers["at"] <= last)].sort_values("at", kind="stable")
    inside = inside.drop_duplicates(["at", "kind", "text"]).head(20)
    moments = tuple(
        Moment(
            i,
            LEFT + (WIDTH - LEFT) * ((at - first) / timedelta(hours=1)) / (hours * bins),
            at.to_pydatetime(),
            clean(kind, 20),
            clean(text, 160),
        )
        for i, (at, kind, text) in enumerate(zip(inside["at"], inside["kind"], inside["text"], strict=True), start=1)
    )
    every = max(1, math.ceil(bins / 7))
    ticks = tuple(Tick(LEFT + step * i, f"{first + timedelta(hours=hours * i):%d %b}") for i in range(0, bins, every))
    grid = tuple((base - BARS * f, _short(top * f)) for f in (0.5, 1.0))
    return Timeline(WIDTH, y + 4, LEFT, base, bars, grid, tuple(lanes), ticks, moments, hours)


def _points(series: pd.Series) -> list[tuple[int, int]]:
    """Bin number and value."""
    return [(int(i), int(n)) for i, n in zip(series.index.tolist(), series.tolist(), strict=True)]


def _round_up(n: int) -> int:
    """The next round number: at most half as large again as needed."""
    power = int(10 ** (len(str(max(n, 1))) - 1))
    return next(m * power // 10 for m in (10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100) if m * power >= n * 10)


def _short(n: float) -> str:
    for step, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= step:
            return f"{n / step:g} {letter}"
    return f"{n:g}"
