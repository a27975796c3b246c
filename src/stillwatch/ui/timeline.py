"""The timeline: requests by lane and bin as coloured rectangles, releases and enforcement as lines, a brush."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd

from stillwatch.ui.words import count, day, plain, short

BRUSH = "win"
MAX_LANES = 12
_ACCENT, _RELEASE, _ENFORCEMENT, _FOCUS = "#4f8cff", "#7f92b2", "#e5484d", "#14a38b"  # readable on both themes


def lanes(timeline: pd.DataFrame, lane_kind: str) -> tuple[pd.DataFrame, int]:
    """Cells of one kind of lane, busiest lanes first, at most ``MAX_LANES``; and how many lanes were left out."""
    cells = timeline[timeline["lane_kind"] == lane_kind]
    if cells.empty:
        return cells.assign(end=cells["bin"], title=cells["lane"]), 0
    totals = cells.groupby("lane")["requests"].sum().sort_values(ascending=False)
    keep = list(totals.index[:MAX_LANES])
    cells = cells[cells["lane"].isin(keep)]
    titles = {lane: _title(lane_kind, str(lane)) for lane in keep}
    for lane, text in titles.items():  # two long names may shorten to the same text
        if list(titles.values()).count(text) > 1:
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


def chart(
    cells: pd.DataFrame,
    markers: pd.DataFrame,
    top: pd.DataFrame,
    *,
    window: tuple[datetime, datetime] | None,
    height: int,
) -> Any:
    """Altair chart: rectangles, marker lines and the brush. ``window`` is brushed when the chart first appears.

    ``top`` is the lane of what is in focus (title, bin, end, requests, accounts), coloured on a scale of its own. The
    colours of the cells come from the theme in the browser (chartSequentialColors), light or dark.
    """
    order = [*dict.fromkeys(top["title"]), *dict.fromkeys(cells["title"])]
    begin, end = cells["bin"].min(), cells["end"].max()
    brush: Any = alt.selection_interval(
        name=BRUSH,
        encodings=["x"],
        mark=alt.BrushConfig(fill=_ACCENT, fillOpacity=0.08, stroke=_ACCENT, strokeWidth=1.2),
        value={"x": [_utc(t) for t in window]} if window else alt.Undefined,
    )
    x = alt.X("bin:T", title=None, scale=alt.Scale(type="utc", domain=[_utc(begin), _utc(end)]),
              axis=alt.Axis(format="%d %b", grid=False, tickCount=12, labelOverlap=True))  # fmt: skip
    lane = alt.Y("title:N", title=None, sort=order, axis=alt.Axis(labelLimit=130, ticks=False, domain=False))
    rects = (
        alt.Chart(_plain(cells))
        .mark_rect(cornerRadius=2)
        .encode(
            x=x,
            x2="end:T",
            y=lane,
            color=alt.Color("requests:Q", scale=alt.Scale(type="sqrt"), legend=None),
            opacity=alt.condition(brush, alt.value(1), alt.value(0.32)),
            tooltip=[
                alt.Tooltip("title:N", title="lane"),
                alt.Tooltip("bin:T", title="from", format="%d %b %Y, %H:%M"),
                alt.Tooltip("requests:Q", format=","),
                alt.Tooltip("tokens:Q", format=".3s"),
                alt.Tooltip("accounts:Q", format=","),
            ],
        )
        .add_params(brush)
    )
    layers: list[Any] = [rects]
    if not top.empty:
        layers.append(
            alt.Chart(_plain(top))
            .mark_rect(cornerRadius=2, color=_FOCUS)
            .encode(
                x=x,
                x2="end:T",
                y=lane,
                opacity=alt.Opacity("requests:Q", scale=alt.Scale(type="sqrt", range=[0.12, 1]), legend=None),
                tooltip=[
                    alt.Tooltip("title:N", title="lane"),
                    alt.Tooltip("bin:T", title="from", format="%d %b %Y, %H:%M"),
                    alt.Tooltip("requests:Q", format=","),
                    alt.Tooltip("accounts:Q", format=","),
                ],
            )
        )
    inside = markers[(markers["at"] >= begin) & (markers["at"] <= end)]
    for kind, dash, colour in (("release", [5, 3], _RELEASE), ("enforcement", [1, 0], _ENFORCEMENT)):
        some = inside[inside["kind"] == kind]
        if some.empty:
            continue
        data = pd.DataFrame({"at": some["at"], "what": [_marker(kind, t) for t in some["text"]]})
        lines = alt.Chart(_plain(data)).mark_rule(strokeDash=dash, strokeWidth=1.3, color=colour, opacity=0.85)
        tip = [alt.Tooltip("what:N", title=kind), alt.Tooltip("at:T", title="at", format="%d %b %Y, %H:%M")]
        layers.append(lines.encode(x="at:T", tooltip=tip))
    flags = _flags(inside, end - begin)
    for kind, colour in (("release", _RELEASE), ("enforcement", _ENFORCEMENT)):
        text = alt.Chart(_plain(flags[flags["kind"] == kind])).mark_text(
            align="left", dx=3, dy=-7, fontSize=10, color=colour, limit=150
        )
        layers.append(text.encode(x="at:T", y=alt.value(0), text="what:N"))
    return alt.layer(*layers).properties(height=height, padding={"top": 14, "left": 0, "right": 4, "bottom": 0})


def _flags(markers: pd.DataFrame, span: pd.Timedelta) -> pd.DataFrame:
    """Words above the lines; markers closer than a tenth of the span share one flag, so that none covers another."""
    flags: list[dict[str, Any]] = []
    for m in markers.sort_values("at").to_dict("records"):
        if flags and m["at"] - flags[-1]["at"] < span / 10:
            flags[-1]["more"] += 1
        else:
            flags.append({"at": m["at"], "kind": m["kind"], "text": _marker(m["kind"], m["text"]), "more": 0})
    out = pd.DataFrame(flags, columns=["at", "kind", "text", "more"])
    return out.assign(
        at=pd.to_datetime(out["at"]),
        what=[t if not n else f"{t}, {n} more" for t, n in zip(out["text"], out["more"], strict=True)],
    )


def _marker(kind: str, text: str) -> str:
    return ("▲ " if kind == "release" else "✕ ") + plain(text, 60)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Only what the chart reads, times marked as UTC so that no browser shifts them."""
    wanted = [c for c in ("title", "bin", "end", "requests", "tokens", "accounts", "at", "what") if c in frame]
    out = frame[wanted].copy()
    for c in ("bin", "end", "at"):
        if c in out:
            out[c] = out[c].dt.tz_localize("UTC")
    return out


def _utc(t: datetime) -> alt.DateTime:
    return alt.DateTime(year=t.year, month=t.month, date=t.day, hours=t.hour, minutes=t.minute, utc=True)


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


def top_lane(over_time: pd.DataFrame, title: str, hours: int) -> pd.DataFrame:
    """The lane of what is in focus, from ``activity.Bins.over_time``."""
    width = pd.to_timedelta(hours * 0.94, unit="h")
    return over_time.assign(title=title, end=over_time["bin"] + width)


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
