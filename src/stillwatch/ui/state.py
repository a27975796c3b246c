"""One filter state for all pages, kept in the URL: cluster, account, campaign, time window, kinds, selection.

``parse`` and ``to_params`` are pure and each other's inverse. ``load`` (once a script run, in app.py) reads the URL,
``current`` returns the state, ``update`` changes it and the URL together. What a URL says wrongly is left out and
named in ``problems()``; the page stays usable. A selection too large for a URL lives in the session only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import streamlit as st

from stillwatch.domain import EvidenceKind
from stillwatch.ui.url_state import UrlState
from stillwatch.ui.words import plain

PARAMS = (
    "cluster", "account", "campaign", "from", "to", "hide", "lane", "sel", "drop", "out", "open", "pin", "tab",
)  # fmt: skip
LANES = ("group", "model", "capability", "template", "hours")
"""Lanes of the timeline; ``hours`` is the strip of hours of the day by day."""
TABS = ("members", "values", "parts", "bridges")
EVERYTHING = -1
"""In ``opened``: every group is drawn node by node."""
MAX_URL_SELECTION = 3000
"""Characters of selected ids that still go into the URL."""
_KINDS = frozenset(k.value for k in EvidenceKind)
_CLUSTER = re.compile(r"C-[0-9A-Za-z]{1,24}")
_CAMPAIGN = re.compile(r"K-[0-9]{1,9}")
_PAST, _STEPS = "_filters_before", 10
_OF_CLUSTER = ("selected", "window", "dropped", "out", "opened", "pinned")
"""What belongs to one cluster and goes with it."""


@dataclass(frozen=True)
class Filters:
    """What the analyst is looking at. Times are naive UTC, ``window`` is half-open [from, to)."""

    cluster: str | None = None
    account: str | None = None
    campaign: str | None = None
    window: tuple[datetime, datetime] | None = None
    hidden: frozenset[EvidenceKind] = frozenset()
    """Kinds of evidence switched off in graph, reasons and tables."""
    lane: str = "group"
    """What the lanes of the timeline stand for."""
    selected: tuple[str, ...] = ()
    """Node ids: account ids, or ``kind:value`` for a shared value."""
    dropped: frozenset[EvidenceKind] = frozenset()
    """Kinds of evidence that do not count: the cluster is taken apart without them."""
    out: tuple[str, ...] = ()
    """Node ids that do not count."""
    opened: frozenset[int] = frozenset()
    """Groups of a large drawing that are drawn node by node."""
    pinned: tuple[str, ...] = ()
    """Node ids that stay lit and labelled whatever is selected."""
    tab: str = "members"
    """Which list stands beside the graph."""


def parse(params: Mapping[str, Sequence[str]]) -> tuple[Filters, tuple[str, ...]]:
    """State from query parameters (all values of each), and one sentence for each that made no sense."""
    wrong: list[str] = []

    def one(name: str, pattern: re.Pattern[str], want: str) -> str | None:
        text = next(iter(params.get(name, ())), "")
        if text and not pattern.fullmatch(text):
            wrong.append(f"The link's {name} is “{plain(text, 40)}”; want {want}.")
            return None
        return text or None

    account = next(iter(params.get("account", ())), "") or None
    if account is not None and len(account) > 2000:
        wrong.append(f"The link's account id is {len(account):,} characters long; left out.")
        account = None
    hidden = _kinds(params, "hide", "hides", wrong)
    dropped = _kinds(params, "drop", "drops", wrong)
    opened = set()
    for text in ",".join(params.get("open", ())).split(","):
        if text == "all":
            opened.add(EVERYTHING)
        elif text.isascii() and text.isdigit() and len(text) < 7:
            opened.add(int(text))
        elif text:
            wrong.append(f"The link opens the group “{plain(text, 40)}”; want numbers such as 0,3 or the word all.")
    tab = next(iter(params.get("tab", ())), "") or "members"
    if tab not in TABS:
        wrong.append(f"The link's tab is “{plain(tab, 40)}”; want {', '.join(TABS)}.")
        tab = "members"
    lane = next(iter(params.get("lane", ())), "") or "group"
    if lane not in LANES:
        wrong.append(f"The link's lane is “{plain(lane, 40)}”; want {', '.join(LANES)}.")
        lane = "group"
    filters = Filters(
        cluster=one("cluster", _CLUSTER, "an id such as C-1a2b3c"),
        account=account,
        campaign=one("campaign", _CAMPAIGN, "an id such as K-0001"),
        window=_window(params, wrong),
        hidden=hidden,
        lane=lane,
        selected=tuple(dict.fromkeys(s for s in params.get("sel", ()) if s)),
        dropped=dropped,
        out=tuple(dict.fromkeys(s for s in params.get("out", ()) if s)),
        opened=frozenset(opened),
        pinned=tuple(dict.fromkeys(s for s in params.get("pin", ()) if s)),
        tab=tab,
    )
    return filters, tuple(wrong)


def _kinds(params: Mapping[str, Sequence[str]], name: str, verb: str, wrong: list[str]) -> frozenset[EvidenceKind]:
    found = set()
    for text in ",".join(params.get(name, ())).split(","):
        if text and text not in _KINDS:
            wrong.append(f"The link {verb} the kind “{plain(text, 40)}”; kinds are {', '.join(sorted(_KINDS))}.")
        elif text:
            found.add(EvidenceKind(text))
    return frozenset(found)


def _window(params: Mapping[str, Sequence[str]], wrong: list[str]) -> tuple[datetime, datetime] | None:
    texts = [next(iter(params.get(name, ())), "") for name in ("from", "to")]
    if not any(texts):
        return None
    try:
        begin, end = (datetime.fromisoformat(t).replace(tzinfo=None) for t in texts)
    except ValueError:
        wrong.append(
            f"The link's time window “{plain(texts[0], 30)}” to “{plain(texts[1], 30)}” cannot be read; "
            "want times such as 2026-11-18T06:00."
        )
        return None
    if begin >= end:
        wrong.append("The link's time window ends before it begins; left out.")
        return None
    return begin, end


def to_params(filters: Filters) -> dict[str, list[str]]:
    """Query parameters that ``parse`` reads back; only what differs from the default."""
    out: dict[str, list[str]] = {}
    for name in ("cluster", "account", "campaign"):
        if value := getattr(filters, name):
            out[name] = [value]
    if filters.window:
        out["from"], out["to"] = ([t.isoformat(timespec="minutes")] for t in filters.window)
    if filters.hidden:
        out["hide"] = [",".join(k for k in EvidenceKind if k in filters.hidden)]
    if filters.lane != "group":
        out["lane"] = [filters.lane]
    for name, ids in (("sel", filters.selected), ("out", filters.out), ("pin", filters.pinned)):
        if ids and sum(map(len, ids)) <= MAX_URL_SELECTION:
            out[name] = list(ids)
    if filters.dropped:
        out["drop"] = [",".join(k for k in EvidenceKind if k in filters.dropped)]
    if filters.opened:
        out["open"] = [",".join("all" if g == EVERYTHING else str(g) for g in sorted(filters.opened))]
    if filters.tab != "members":
        out["tab"] = [filters.tab]
    return out


_URL = UrlState("filters", PARAMS, Filters, to_params)


def load() -> Filters:
    """Take the URL as the truth where it says something new; a URL that says nothing keeps the session's state."""
    return _URL.load(parse)


def current() -> Filters:
    """The state of this session."""
    return _URL.current()


def problems() -> tuple[str, ...]:
    """What the URL said wrongly, one sentence each."""
    return _URL.problems()


def update(**changes: Any) -> Filters:
    """Change the state and the URL. Another cluster drops selection and window: they belong to the old one."""
    old = current()
    if "cluster" in changes and changes["cluster"] != old.cluster:
        fresh = Filters()
        changes = {**{name: getattr(fresh, name) for name in _OF_CLUSTER}, **changes}
    new = replace(old, **changes)
    if new != old:
        if new.cluster == old.cluster:
            st.session_state[_PAST] = [*st.session_state.get(_PAST, []), old][-_STEPS:]
        _URL.put(new)
    return new


def steps_back() -> int:
    """How many steps on the present cluster can be taken back, at most ten."""
    return sum(f.cluster == current().cluster for f in st.session_state.get(_PAST, []))


def back() -> None:
    """Take the last change of the state on this cluster back."""
    past: list[Filters] = [f for f in st.session_state.get(_PAST, []) if f.cluster == current().cluster]
    if past:
        _URL.put(past.pop())
        st.session_state[_PAST] = past
