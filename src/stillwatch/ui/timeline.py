"""The timeline: requests by lane and bin as coloured rectangles, releases and enforcement as lines, notes, a brush.

Written as a Vega-Lite specification with named data sets, which stays the same while the data of the lane in focus
changes: the brush is not redrawn under the hand, and building it costs no time (a test checks it against the schema).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from stillwatch.ui.words import count, day, missing, plain, short

BRUSH = "win"
MAX_LANES = 12
FOCUS_LANE = "in focus"
"""Name of the lane on top: what is selected, or everybody."""
_ACCENT, _RELEASE, _ENFORCEMENT, _FOCUS, _NOTE = "#4f8cff", "#6b7f9f", "#e5484d", "#14a38b", "#c77a12"
"""Readable on both themes."""
_STRIP = 14
"""Pixels between the cells and the axis; the notes stand there, so that no cell is under them."""
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


_FADED = {"condition": {"param": BRUSH, "value": 1}, "value": 0.32}
_AT = {"field": "at", "type": "temporal"}
_KINDS = {
    "field": "kind", "type": "nominal", "legend": None,
    "scale": {"domain": ["release", "enforcement"], "range": [_RELEASE, _ENFORCEMENT]},
}  # fmt: skip
_LINES = {
    "data": {"name": "markers"},
    "mark": {"type": "rule", "strokeWidth": 1.3, "opacity": 0.85},
    "encoding": {
        "x": _AT, "color": _KINDS,
        "strokeDash": {"field": "kind", "type": "nominal", "legend": None,
                       "scale": {"domain": ["release", "enforcement"], "range": [[5, 3], [1, 0]]}},
        "tooltip": [_tip("text", "nominal", "what"), _tip("at", "temporal", "at", _TIME)],
    },
}  # fmt: skip
_NOTE_SPANS = {  # under the cells; a moment has no width, its outline is a line
    "data": {"name": "notes"},
    "mark": {"type": "rect", "fill": _NOTE, "fillOpacity": 0.1, "stroke": _NOTE, "strokeOpacity": 0.55,
             "strokeWidth": 0.8, "strokeDash": [2, 3]},
    "encoding": {"x": _AT, "x2": {"field": "end"}},
}  # fmt: skip


_NOTE_MARKS = {  # in their strip below the cells; the height is that of the chart as the browser fits it
    "data": {"name": "notes"},
    "mark": {"type": "rect", "color": _NOTE, "cornerRadius": 2, "opacity": 0.9},
    "encoding": {
        "x": {"field": "left", "type": "temporal"}, "x2": {"field": "right"},
        "y": {"value": {"expr": "height + 3"}}, "y2": {"value": {"expr": f"height + {_STRIP - 3}"}},
        "tooltip": [_tip(f, "nominal", t) for f, t in (("text", "note"), ("who", "by"), ("when", "about"))],
    },
}  # fmt: skip


def _time(begin: datetime, end: datetime) -> dict[str, Any]:
    return {
        "field": "bin", "type": "temporal", "title": None,
        "scale": {"type": "utc", "domain": [_utc(begin), _utc(end)]},
        "axis": {"format": "%d %b", "grid": False, "tickCount": 12, "labelOverlap": True, "offset": _STRIP},
    }  # fmt: skip


def _brush(window: tuple[datetime, datetime] | None) -> dict[str, Any]:
    brush: dict[str, Any] = {
        "name": BRUSH,
        "select": {
            "type": "interval", "encodings": ["x"],
            "mark": {"fill": _ACCENT, "fillOpacity": 0.08, "stroke": _ACCENT, "strokeWidth": 1.2},
        },
    }  # fmt: skip
    return brush | ({"value": {"x": [_utc(t) for t in window]}} if window else {})


def chart(
    cells: pd.DataFrame,
    markers: pd.DataFrame,
    top: pd.DataFrame,
    notes: pd.DataFrame,
    *,
    window: tuple[datetime, datetime] | None,
    row_height: int = 26,
) -> dict[str, Any]:
    """Vega-Lite specification: rectangles, marker lines and the brush; ``window`` is brushed when it first appears.

    ``top`` is the lane of what is in focus (bin, end, requests, accounts), coloured on a scale of its own; ``notes`` as
    ``CaseStore.annotations`` gives them. The colours of the cells come from the theme in the browser
    (chartSequentialColors), light or dark.
    """
    order = [FOCUS_LANE, *dict.fromkeys(cells["title"])]
    begin, end = cells["bin"].min(), cells["end"].max()
    inside = markers[(markers["at"] >= begin) & (markers["at"] <= end)]
    lane = {
        "field": "title", "type": "nominal", "title": None, "sort": order,
        "axis": {"labelLimit": 130, "ticks": False, "domain": False},
    }  # fmt: skip
    rects = {
        "data": {"name": "cells"},
        "params": [_brush(window)],
        "mark": {"type": "rect", "cornerRadius": 2},
        "encoding": {
            "x": _time(begin, end), "x2": {"field": "end"}, "y": lane, "opacity": _FADED,
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
    flag_words = {
        "data": {"name": "flags"},
        "mark": {"type": "text", "align": "left", "dx": 3, "dy": -7, "fontSize": 10, "limit": 150},
        "encoding": {"x": _AT, "y": {"value": 0}, "text": {"field": "what", "type": "nominal"}, "color": _KINDS},
    }
    return {
        "height": row_height * len(order),
        "padding": {"top": 14, "left": 0, "right": 4, "bottom": 0},
        "layer": [_NOTE_SPANS, rects, focus, _LINES, flag_words, _NOTE_MARKS],
        "resolve": {"scale": {"color": "independent", "opacity": "independent", "strokeDash": "independent"}},
        "datasets": {
            "cells": _plain(cells, "title", "bin", "end", "requests", "tokens", "accounts"),
            "focus": _plain(top, "title", "bin", "end", "requests", "accounts"),
            "markers": _plain(inside.assign(text=[plain(t, 80) for t in inside["text"]]), "at", "kind", "text"),
            "flags": _plain(flags(inside, end - begin), "at", "kind", "what"),
            "notes": _noted(notes, begin, end),
        },
    }


def strip(
    hours: pd.DataFrame,
    markers: pd.DataFrame,
    begin: datetime,
    end: datetime,
    notes: pd.DataFrame,
    *,
    window: tuple[datetime, datetime] | None,
) -> dict[str, Any]:
    """Vega-Lite specification of the hours of the day (rows) by day (columns): who keeps office hours, who never
    sleeps. ``hours``: day, hour, requests, accounts. The brush is the same as that of the lanes.
    """
    low, high = pd.Timestamp(begin).normalize(), pd.Timestamp(end)
    inside = markers[(markers["at"] >= low) & (markers["at"] <= high)]
    cells = hours.assign(
        bin=hours["day"], end=hours["day"] + pd.Timedelta(hours=22.5), next=hours["hour"] + 0.9,
    )[["bin", "end", "hour", "next", "requests", "accounts"]]  # fmt: skip
    rects = {
        "data": {"name": "cells"},
        "params": [_brush(window)],
        "mark": {"type": "rect", "cornerRadius": 1},
        "encoding": {
            "x": _time(low, high),
            "x2": {"field": "end"},
            "y": {
                "field": "hour", "type": "quantitative", "title": None, "scale": {"domain": [24, 0], "nice": False},
                "axis": {
                    "values": [0, 6, 12, 18, 24], "grid": False, "ticks": False, "domain": False,
                    "labelExpr": "pad(datum.value, 2, '0', 'left') + ':00 UTC'",
                },
            },
            "y2": {"field": "next"},
            "opacity": _FADED,
            "color": {"field": "requests", "type": "quantitative", "scale": {"type": "sqrt"}, "legend": None},
            "tooltip": [_tip("bin", "temporal", "day", "%d %b %Y"), _tip("hour", "quantitative", "hour"), *_COUNTS[1:]],
        },
    }  # fmt: skip
    return {
        "height": 216,
        "padding": {"top": 6, "left": 0, "right": 4, "bottom": 0},
        "layer": [_NOTE_SPANS, rects, _LINES, _NOTE_MARKS],
        "resolve": {"scale": {"color": "independent", "opacity": "independent"}},
        "datasets": {
            "cells": _plain(cells, "bin", "end", "hour", "next", "requests", "accounts"),
            "markers": _plain(inside.assign(text=[plain(t, 80) for t in inside["text"]]), "at", "kind", "text"),
            "notes": _noted(notes, low, high),
        },
    }


def flags(markers: pd.DataFrame, span: pd.Timedelta) -> pd.DataFrame:
    """Words above the lines; markers closer than an eighth of the span share one flag, so that none covers another."""
    flags: list[dict[str, Any]] = []
    for m in markers.sort_values("at").to_dict("records"):
        if flags and m["at"] - flags[-1]["at"] < span / 8:
            flags[-1]["more"] += 1
        else:
            sign = "▲" if m["kind"] == "release" else "✕"
            flags.append({"at": m["at"], "kind": m["kind"], "what": f"{sign} {plain(m['text'], 60)}", "more": 0})
    for flag in flags:
        flag["what"] += f", {flag['more']} more" if flag["more"] else ""
    out = pd.DataFrame(flags, columns=["at", "kind", "what"])
    return out.assign(at=pd.to_datetime(out["at"]))


def _noted(notes: pd.DataFrame, begin: datetime, end: datetime) -> pd.DataFrame:
    """The notes that touch [begin, end], cut to it: at, end; left and right of a mark that can be pointed at."""
    low, high = pd.Timestamp(begin), pd.Timestamp(end)
    thin = (high - low) / 300
    rows = []
    for note in notes.to_dict("records"):
        last = note["begin"] if missing(note["end"]) else note["end"]
        if note["begin"] > high or last < low:
            continue
        at, until = max(note["begin"], low), min(last, high)
        wide, middle = until - at >= 2 * thin, at + (until - at) / 2
        left, right = (at, until) if wide else (max(middle - thin, low), min(middle + thin, high))
        words = (plain(note["text"], 300), plain(note["by"], 60), about(note["begin"], note["end"]))
        rows.append((at, until, left, right, *words))
    columns = ["at", "end", "left", "right", "text", "who", "when"]
    return _plain(pd.DataFrame(rows, columns=columns), *columns)


def about(begin: datetime, end: datetime | None) -> str:
    """The moment or window of a note in words (UTC)."""
    if missing(end) or end is None:
        return f"{day(begin)}, {begin:%H:%M}"
    if begin.date() == end.date():
        return f"{day(begin)}, {begin:%H:%M} to {end:%H:%M}"
    return f"{day(begin)}, {begin:%H:%M} to {day(end)}, {end:%H:%M}"


def _plain(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Only what the chart reads, times marked as UTC so that no browser shifts them."""
    out = frame[list(columns)].copy()
    for c in ("bin", "end", "at", "left", "right"):
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
    low, high = (pd.Timestamp(float(v), unit="ms") for v in sorted(pair))
    return whole_bins(low, high, hours, begin)


def whole_bins(low: datetime, high: datetime, hours: int, begin: datetime) -> tuple[datetime, datetime]:
    """The bins of ``hours`` counted from ``begin`` that hold [low, high]; at least one."""
    step = pd.Timedelta(hours=max(hours, 1))
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
