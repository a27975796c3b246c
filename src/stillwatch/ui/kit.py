"""Building blocks that every page uses: header, figures, chips, empty states, errors, column settings.

HTML goes through ``st.html`` only (no scripts run there), and every piece of text through ``Markup.format``, which
escapes it. Blocks take plain text; ``Markup`` is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from markupsafe import Markup
from streamlit.delta_generator import DeltaGenerator

from stillwatch.errors import StillwatchError
from stillwatch.ui import look, navigation, session, words
from stillwatch.ui.words import plain

HEADER_DRAWN = "_header_drawn"
ROW_HEIGHT = 28
"""Pixels of a table row: dense, still clickable."""


def stylesheet() -> None:
    """The one stylesheet; takes no room on the page. Called once a script run, by app.py.

    Streamlit says light or dark on the app itself; dialogs and menus hang beside it and need it said on the root.
    """
    scheme = st.context.theme.type
    root = f"<style>:root{{color-scheme:{scheme}}}</style>" if scheme in ("light", "dark") else ""
    st.html(look.STYLESHEET + root)


def icon(name: str) -> Markup:
    """A Material symbol (the font ships with Streamlit); hidden from screen readers, so put words beside it."""
    return Markup('<span class="sw-i" aria-hidden="true">{}</span>').format(name)


def chip(text: str, tone: str = "quiet", symbol: str | None = None, title: str = "") -> Markup:
    """A small coloured word. ``tone`` is one of ``look.TONES``; ``title`` is the hover text."""
    head = icon(symbol) if symbol else Markup("")
    safe_tone = tone if tone in look.TONES else "quiet"
    return Markup('<span class="sw-chip sw-{}" title="{}">{}{}</span>').format(
        safe_tone, plain(title, 300), head, plain(text, 80)
    )


def kind(name: str, text: str | None = None) -> Markup:
    """Shape and word of a kind of evidence in its colour; an unknown or empty kind gets a quiet dot."""
    m = look.mark(name)
    return Markup('<span style="color:{}" title="{}" aria-hidden="true">{}</span> {}').format(
        m.css, plain(m.title, 40), m.glyph, plain(m.title if text is None else text, 300)
    )


def label_chip(value: str, by: str = "") -> Markup:
    """A label value with its icon; ``by`` says who."""
    text = f"{words.label(value)} · {plain(by, 24)}" if by else words.label(value)
    return chip(text, look.LABEL_TONES.get(value, "quiet"), look.LABEL_ICONS.get(value, "label"))


def tier_chip(tier: str | None) -> Markup:
    """Alarm or review."""
    if tier == "alarm":
        return chip("Alarm", "bad", "notifications_active", "Tested evidence in two independent views")
    return chip("Review", "info", "visibility", "Ranked for a look; below the bar of an alarm")


def score_chip(score: float | None) -> Markup:
    """ICD 203 word and score."""
    tone = "quiet" if score is None or score < 0.45 else "warn" if score < 0.8 else "bad"
    return chip(words.chance(score), tone, None, "Probability that this is a campaign of one operator")


def quiet(text: str) -> Markup:
    """Quiet text on one line."""
    return Markup('<span class="sw-q sw-n" style="white-space:nowrap">{}</span>').format(plain(text, 200))


def html(content: Markup) -> None:
    """Draw safe HTML. Only ``Markup`` is taken: text must have been escaped on its way."""
    st.html(str(content))


def header(title: str, *, symbol: str, chips: Sequence[Markup] = (), subtitle: str = "") -> DeltaGenerator:
    """Title line, the first thing on every page. Returns the container on its right for the page's actions."""
    navigation.inside_app()
    st.session_state[HEADER_DRAWN] = True
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="page_header", wrap=False):
        sub = Markup('<span class="sw-sub sw-q">{}</span>').format(plain(subtitle, 300)) if subtitle else Markup("")
        st.html(
            Markup('<div class="sw-head"><h1>{} {}</h1>{}{}</div>').format(
                icon(symbol), plain(title, 120), Markup("").join(chips), sub
            )
        )
        return st.container(
            horizontal=True, gap="small", width="content", horizontal_alignment="right", vertical_alignment="center"
        )


@dataclass(frozen=True)
class Figure:
    """One number of the strip on top: what, how much, compared to what."""

    name: str
    value: str
    note: str = ""
    tone: str = ""
    """Tone of the value, from ``look.TONES``; empty = plain."""
    title: str = ""
    """Hover text: what the number means."""


def figures(items: Sequence[Figure]) -> None:
    """A low strip of numbers."""
    cells = Markup("").join(
        Markup('<div class="sw-kpi" title="{}"><dt>{}</dt><dd{}>{}<small>{}</small></dd></div>').format(
            plain(f.title or f.note, 300),
            plain(f.name, 60),
            Markup(' style="color:light-dark({},{})"').format(*look.TONES[f.tone]) if f.tone in look.TONES else "",
            plain(f.value, 60),
            plain(f.note, 80) or Markup("&nbsp;"),
        )
        for f in items
    )
    html(Markup('<dl class="sw-kpis" style="margin:0">{}</dl>').format(cells))


def bullets(texts: Sequence[str], empty: str = "") -> Markup:
    """A list with dots, or a quiet line when there is nothing."""
    if not texts:
        return Markup('<p class="sw-q" style="margin:0">{}</p>').format(empty) if empty else Markup("")
    return Markup('<ul class="sw-list sw-dots">{}</ul>').format(words.lines(list(texts)))


def facts(pairs: Sequence[tuple[str, str | Markup]]) -> Markup:
    """Names and values in two columns."""
    rows = Markup("").join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(name, v if isinstance(v, Markup) else plain(v, 400))
        for name, v in pairs
    )
    return Markup('<dl class="sw-grid">{}</dl>').format(rows)


def bar(fraction: float, tone_css: str | None = None) -> Markup:
    """A thin horizontal bar for a share in [0, 1]; put the number beside it."""
    width = round(min(max(fraction, 0.0), 1.0) * 100, 1)
    colour = Markup(";background:{}").format(tone_css) if tone_css else Markup("")
    return Markup(
        '<span class="sw-track" aria-hidden="true"><span class="sw-bar" style="width:{}%{}"></span></span>'
    ).format(width, colour)


def title(text: str, note: str = "") -> None:
    """Heading of a panel with a quiet note behind it."""
    tail = Markup(' <span class="sw-q" style="font-weight:400">{}</span>').format(plain(note, 200)) if note else ""
    html(
        Markup('<div class="sw-t" style="margin:0" role="heading" aria-level="2">{}{}</div>').format(
            plain(text, 80), tail
        )
    )


def title_row() -> DeltaGenerator:
    """Line for a panel's title and its buttons; as high with buttons as without, so that nothing jumps."""
    return st.container(horizontal=True, vertical_alignment="center", gap="small", height=36, border=False, wrap=False)


def empty(
    heading: str,
    explanation: str,
    *,
    symbol: str = "inbox",
    button: str | None = None,
    page: str = "data",
    key: str = "empty_go",
) -> None:
    """An empty state: what is missing, what to do next, and a button that goes there."""
    html(
        Markup('<div class="sw-empty">{}<h2>{}</h2><p class="sw-q">{}</p></div>').format(
            icon(symbol), plain(heading, 120), plain(explanation, 500)
        )
    )
    if button:
        with st.container(horizontal=True, horizontal_alignment="center"):
            if st.button(button, key=key, type="primary", icon=navigation.PAGES[page].icon):
                navigation.go(page)


def error(e: StillwatchError) -> None:
    """An error that a person can mend: its own words say what, where, what to do."""
    st.error(words.md(words.sentence(str(e)), 1500), icon=":material/error:")


def attempt(action: Callable[[], Any], done: str | Callable[[Any], str]) -> bool:
    """Do something to a store: a toast when it worked, an error box when not. True when it worked."""
    try:
        result = action()
    except StillwatchError as e:
        error(e)
        return False
    st.toast(words.md(done(result) if callable(done) else done, 300), icon=":material/check_circle:")
    return True


def nothing_yet(text: str) -> None:
    """No data or no run: say which, and offer the Data page."""
    imported = False
    try:
        imported = session.has_data()
    except StillwatchError as e:
        error(e)
    if imported:
        empty(
            "Data is there, but no detection run yet",
            "Detection reads what was imported, groups the accounts and ranks the groups. "
            "On sample data it takes under a minute. Start it on the Data page, or run: stillwatch detect",
            symbol="manage_search",
            button="Go to Data and run detection",
        )
    else:
        empty(
            "Nothing imported yet",
            "Import a folder of telemetry (accounts, requests, identifiers) or gateway logs on the Data page, "
            "or run: stillwatch import PATH. Sample data lies in the folder sample_data.",
            symbol="upload_file",
            button="Go to Data and import",
        )
    if text and not text.startswith("no detection run"):
        st.caption(words.md(text, 400))


def column(title: str, kind_: str = "text", *, width: int | None = None, help: str | None = None, **more: Any) -> Any:
    """Column settings by what a column holds: text, number, compact, score, share, day, time, bars, bits, list."""
    cc = st.column_config
    common: dict[str, Any] = {"label": title, "width": width, "help": help, **more}
    makers: dict[str, Callable[[], Any]] = {
        "text": lambda: cc.TextColumn(**common),
        "number": lambda: cc.NumberColumn(**{"format": "localized", **common}),
        "compact": lambda: cc.NumberColumn(**{"format": "compact", **common}),
        "bits": lambda: cc.NumberColumn(**{"format": "%.1f", **common}),
        "share": lambda: cc.NumberColumn(**{"format": "percent", **common}),
        "score": lambda: cc.ProgressColumn(**{"format": "%.2f", "min_value": 0.0, "max_value": 1.0, **common}),
        "day": lambda: cc.DatetimeColumn(**{"format": "D MMM YYYY", "timezone": "UTC", **common}),
        "time": lambda: cc.DatetimeColumn(**{"format": "D MMM YYYY, HH:mm", "timezone": "UTC", **common}),
        "bars": lambda: cc.BarChartColumn(**{"y_min": 0, **common}),
        "list": lambda: cc.ListColumn(**common),
        "check": lambda: cc.CheckboxColumn(**common),
    }
    return makers[kind_]()


def problems(texts: Sequence[str]) -> None:
    """What the link said wrongly, in one calm line; the page below works without it."""
    if texts:
        st.warning(words.md(" ".join(texts), 600), icon=":material/link_off:")
