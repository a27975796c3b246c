"""The timeline: requests by lane and bin as coloured rectangles, releases and enforcement as lines, a brush.

Written as a Vega-Lite specification with named data sets, which stays the same while the data of the lane in focus
changes: the brush is not redrawn under the hand, and building it costs no time (a test checks it against the schema).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from stillwatch.ui.words import count, day, plain, short

BRUSH = "win"
MAX_LANES = 12
FOCUS_LANE = "in focus"
"""Name of the lane on top: what is selected, or everybody."""
_ACCENT, _RELEASE, _ENFORCEMENT, _FOCUS = "#4f8cff", "#7f92b2", "#e5484d", "#14a38b"  # readable on both themes
_TIME = "%d %b %Y, %H:%M"


def lanes(timeline: pd.DataFrame, lane_kind: str) -> tuple[pd.DataFrame, int]:
    """Cells of one kind of lane, busiest lanes first, at most ``MAX_LANES``; and how many lanes were left out."""
    cells = timeline[timeline["lane_kind"] == lane_kind]
    if cells.empty:
        return cells.assign(end=cells["bin"], title=cells["lane"]), 0
    totals = cells.groupby("lane")["requests"].sum().sort_values(ascending=False)
    keep = [str(lane) for lane in totals.index[:MAX_LANES]]
    cells = cells[cells["lane"].isin(keep)]
    titles = {lane: _title(lane_kind, lane) for lane in keep}
    for lane, text in list(titles.items()):  # two long names may shorten to the same text
        if list(titles.values()).count(text) > 1 or text == FOCUS_LANE:
            titles[lane] = f"{text} ({keep.index(lane) + 1})"
    cells = cells.assign(
        title=cells["lane"].map(titles), end=cells["bin"] + pd.to_timedelta(cells["hours"] * 0.94, unit="h")
    )
    order = {t: i for i, t in enumerate(titles.values())}
    return cells.sort_values("title", key=lambda s: s.map(order), kind="stable"), len(totals) - len(keep)


def _title(lane_kind: str, lane: str) -> str:
    if lane_kind == "group" and lane.isascii() and lane.isdigit():
        return f"group {int(lane) + 1}"
    return short(plain(lane).replace("_", " "), 18)


def _tip(field: str, kind: str, title: str, form: str | None = None) -> dict[str, Any]:
    return {"field": field, "type": kind, "title": title, **({"format": form} if form else {})}


_COUNTS = [
    _tip("bin", "temporal", "from", _TIME),
    _tip("requests", "quantitative", "requests", ","),
    _tip("accounts", "quantitative", "accounts", ","),
]


def chart(
    cells: pd.DataFrame,
    markers: pd.DataFrame,
    top: pd.DataFrame,
    *,
    window: tuple[datetime, datetime] | None,
    row_height: int = 26,
) -> dict[str, Any]:
    """Vega-Lite specification: rectangles, marker lines and the brush; ``window`` is brushed when it first appears.

    ``top`` is the lane of what is in focus (bin, end, requests, accounts), coloured on a scale of its own. The colours
    of the cells come from the theme in the browser (chartSequentialColors), light or dark.
    """
    order = [FOCUS_LANE, *dict.fromkeys(cells["title"])]
    begin, end = cells["bin"].min(), cells["end"].max()
    inside = markers[(markers["at"] >= begin) & (markers["at"] <= end)]
    x = {
        "field": "bin", "type": "temporal", "title": None,
        "scale": {"type": "utc", "domain": [_utc(begin), _utc(end)]},
        "axis": {"format": "%d %b", "grid": False, "tickCount": 12, "labelOverlap": True},
    }  # fmt: skip
    lane = {
        "field": "title", "type": "nominal", "title": None, "sort": order,
        "axis": {"labelLimit": 130, "ticks": False, "domain": False},
    }  # fmt: skip
    faded = {"condition": {"param": BRUSH, "value": 1}, "value": 0.32}
    brush: dict[str, Any] = {
        "name": BRUSH,
        "select": {
            "type": "interval", "encodings": ["x"],
            "mark": {"fill": _ACCENT, "fillOpacity": 0.08, "stroke": _ACCENT, "strokeWidth": 1.2},
        },
    }  # fmt: skip
    if window:
        brush["value"] = {"x": [_utc(t) for t in window]}
    rects = {
        "data": {"name": "cells"},
        "params": [brush],
        "mark": {"type": "rect", "cornerRadius": 2},
        "encoding": {
            "x": x, "x2": {"field": "end"}, "y": lane, "opacity": faded,
            "color": {"field": "requests", "type": "quantitative", "scale": {"type": "sqrt"}, "legend": None},
            "tooltip": [_tip("title", "nominal", "lane"), *_COUNTS, _tip("tokens", "quantitative", "tokens", ".3s")],
        },
    }  # fmt: skip
    focus = {
        "data": {"name": "focus"},
        "mark": {"type": "rect", "cornerRadius": 2, "color": _FOCUS},
        "encoding": {
            "x": {"field": "bin", "type": "temporal"}, "x2": {"field": "end"}, "y": lane,
            "opacity": {
                "field": "requests", "type": "quantitative", "legend": None,
                "scale": {"type": "sqrt", "range": [0.12, 1]},
            },
            "tooltip": _COUNTS,
        },
    }  # fmt: skip
    when = {"field": "at", "type": "temporal"}
    colour = {
        "field": "kind", "type": "nominal", "legend": None,
        "scale": {"domain": ["release", "enforcement"], "range": [_RELEASE, _ENFORCEMENT]},
    }  # fmt: skip
    lines = {
        "data": {"name": "markers"},
        "mark": {"type": "rule", "strokeWidth": 1.3, "opacity": 0.85},
        "encoding": {
            "x": when, "color": colour,
            "strokeDash": {"field": "kind", "type": "nominal", "legend": None,
                           "scale": {"domain": ["release", "enforcement"], "range": [[5, 3], [1, 0]]}},
            "tooltip": [_tip("text", "nominal", "what"), _tip("at", "temporal", "at", _TIME)],
        },
    }  # fmt: skip
    flag_words = {
        "data": {"name": "flags"},
        "mark": {"type": "text", "align": "left", "dx": 3, "dy": -7, "fontSize": 10, "limit": 150},
        "encoding": {"x": when, "y": {"value": 0}, "text": {"field": "what", "type": "nominal"}, "color": colour},
    }
    return {
        "height": row_height * len(order),
        "padding": {"top": 14, "left": 0, "right": 4, "bottom": 0},
        "layer": [rects, focus, lines, flag_words],
        "resolve": {"scale": {"color": "independent", "opacity": "independent", "strokeDash": "independent"}},
        "datasets": {
            "cells": _plain(cells, "title", "bin", "end", "requests", "tokens", "accounts"),
            "focus": _plain(top, "title", "bin", "end", "requests", "accounts"),
            "markers": _plain(inside.assign(text=[plain(t, 80) for t in inside["text"]]), "at", "kind", "text"),
            "flags": _plain(flags(inside, end - begin), "at", "kind", "what"),
        },
    }


def strip(
    hours: pd.DataFrame,
    markers: pd.DataFrame,
    begin: datetime,
    end: datetime,
    *,
    window: tuple[datetime, datetime] | None,
) -> dict[str, Any]:
    """Vega-Lite specification of the hours of the day (rows) by day (columns): who keeps office hours, who never
    sleeps. ``hours``: day, hour, requests, accounts. The brush is the same as that of the lanes.
    """
    low, high = pd.Timestamp(begin).normalize(), pd.Timestamp(end)
    inside = markers[(markers["at"] >= low) & (markers["at"] <= high)]
    brush: dict[str, Any] = {
        "name": BRUSH,
        "select": {
            "type": "interval", "encodings": ["x"],
            "mark": {"fill": _ACCENT, "fillOpacity": 0.08, "stroke": _ACCENT, "strokeWidth": 1.2},
        },
    }  # fmt: skip
    if window:
        brush["value"] = {"x": [_utc(t) for t in window]}
    cells = hours.assign(
        bin=hours["day"], end=hours["day"] + pd.Timedelta(hours=22.5), next=hours["hour"] + 0.9,
    )[["bin", "end", "hour", "next", "requests", "accounts"]]  # fmt: skip
    rects = {
        "data": {"name": "cells"},
        "params": [brush],
        "mark": {"type": "rect", "cornerRadius": 1},
        "encoding": {
            "x": {
                "field": "bin", "type": "temporal", "title": None,
                "scale": {"type": "utc", "domain": [_utc(low), _utc(high)]},
                "axis": {"format": "%d %b", "grid": False, "tickCount": 12, "labelOverlap": True},
            },
            "x2": {"field": "end"},
            "y": {
                "field": "hour", "type": "quantitative", "title": None, "scale": {"domain": [24, 0], "nice": False},
                "axis": {
                    "values": [0, 6, 12, 18, 24], "grid": False, "ticks": False, "domain": False,
                    "labelExpr": "pad(datum.value, 2, '0', 'left') + ':00 UTC'",
                },
            },
            "y2": {"field": "next"},
            "opacity": {"condition": {"param": BRUSH, "value": 1}, "value": 0.32},
            "color": {"field": "requests", "type": "quantitative", "scale": {"type": "sqrt"}, "legend": None},
            "tooltip": [_tip("bin", "temporal", "day", "%d %b %Y"), _tip("hour", "quantitative", "hour"), *_COUNTS[1:]],
        },
    }  # fmt: skip
    lines = {
        "data": {"name": "markers"},
        "mark": {"type": "rule", "strokeWidth": 1.3, "opacity": 0.85},
        "encoding": {
            "x": {"field": "at", "type": "temporal"},
            "color": {
                "field": "kind", "type": "nominal", "legend": None,
                "scale": {"domain": ["release", "enforcement"], "range": [_RELEASE, _ENFORCEMENT]},
            },
            "tooltip": [_tip("text", "nominal", "what"), _tip("at", "temporal", "at", _TIME)],
        },
    }  # fmt: skip
    return {
        "height": 216,
        "padding": {"top": 6, "left": 0, "right": 4, "bottom": 0},
        "layer": [rects, lines],
        "resolve": {"scale": {"color": "independent", "opacity": "independent"}},
        "datasets": {
            "cells": _plain(cells, "bin", "end", "hour", "next", "requests", "accounts"),
            "markers": _plain(inside.assign(text=[plain(t, 80) for t in inside["text"]]), "at", "kind", "text"),
        },
    }


def flags(markers: pd.DataFrame, span: pd.Timedelta) -> pd.DataFrame:
    """Words above the lines; markers closer than a tenth of the span share one flag, so that none covers another."""
    flags: list[dict[str, Any]] = []
    for m in markers.sort_values("at").to_dict("records"):
        if flags and m["at"] - flags[-1]["at"] < span / 10:
            flags[-1]["more"] += 1
        else:
            sign = "▲" if m["kind"] == "release" else "✕"
            flags.append({"at": m["at"], "kind": m["kind"], "what": f"{sign} {plain(m['text'], 60)}", "more": 0})
    for flag in flags:
        flag["what"] += f", {flag['more']} more" if flag["more"] else ""
    out = pd.DataFrame(flags, columns=["at", "kind", "what"])
    return out.assign(at=pd.to_datetime(out["at"]))


def _plain(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Only what the chart reads, times marked as UTC so that no browser shifts them."""
    out = frame[list(columns)].copy()
    for c in ("bin", "end", "at"):
        if c in out:
            out[c] = pd.to_datetime(out[c]).dt.tz_localize("UTC")
    return out


def _utc(t: datetime) -> dict[str, int | bool]:
    return {"year": t.year, "month": t.month, "date": t.day, "hours": t.hour, "minutes": t.minute, "utc": True}


def brushed(selection: dict[str, Any], hours: int, begin: datetime) -> tuple[datetime, datetime] | None:
    """The brushed window, widened to whole bins; None when nothing is brushed. The browser sends epoch ms of UTC."""
    ranges = selection.get(BRUSH) or {}
    pair = next((v for v in ranges.values() if isinstance(v, list | tuple) and len(v) == 2), None)
    if pair is None:
        return None
    step = pd.Timedelta(hours=max(hours, 1))
    low, high = (pd.Timestamp(float(v), unit="ms") for v in sorted(pair))
    first = begin + ((low - begin) // step) * step
    last = begin + -(-(high - begin) // step) * step
    if last <= first:
        last = first + step
    return pd.Timestamp(first).to_pydatetime(), pd.Timestamp(last).to_pydatetime()


def top_lane(over_time: pd.DataFrame, hours: int) -> pd.DataFrame:
    """The lane of what is in focus, from ``activity.Bins.over_time``."""
    width = pd.to_timedelta(hours * 0.94, unit="h")
    return over_time.assign(title=FOCUS_LANE, end=over_time["bin"] + width)


def caption(cells: pd.DataFrame, window: tuple[datetime, datetime] | None, left_out: int, hours: int) -> str:
    """What the chart shows: bins, lanes left out, what is inside the brush."""
    if window is None:
        more = f" · {count(left_out, 'quieter lane')} not drawn" if left_out else ""
        return f"{count(hours, 'hour')} a cell{more}"
    inside = cells[(cells["bin"] >= window[0]) & (cells["bin"] < window[1])]
    total = inside["requests"].sum()
    peak = inside.groupby("title")["requests"].sum().idxmax() if total else "none"
    times = f"{day(window[0])} {window[0]:%H:%M} to {day(window[1])} {window[1]:%H:%M}"
    return f"{times} · {count(total, 'request')} · peak {peak}"
