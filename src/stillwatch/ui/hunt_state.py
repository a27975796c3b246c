"""The hunt's question and view in the URL: a link says all of it, and says it to a colleague too.

``parse`` and ``to_params`` are pure and each other's inverse. Values are tokens or names: what somebody typed in clear
was made into a token before it came here. What a link says wrongly is left out and named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlencode

from stillwatch.domain import LabelValue
from stillwatch.ui.url_state import UrlState
from stillwatch.ui.words import plain
from stillwatch.warehouse.searching import ORDERS, Search, Term

PARAMS = ("find", "has", "plan", "path", "state", "in", "label", "least", "since", "until", "by", "show", "p")
VIEWS = ("table", "shared", "graph", "timeline")
LABELS = ("some", "none", *(v.value for v in LabelValue))
MAX_TERMS, MAX_VALUE, MAX_TEXT = 40, 400, 200
_CLUSTER = re.compile(r"C-[0-9A-Za-z]{1,24}")


@dataclass(frozen=True)
class Asked:
    """What is asked for and how it is shown. ``page`` counts from 1."""

    search: Search = field(default_factory=Search)
    show: str = "table"
    page: int = 1


def parse(params: Mapping[str, Sequence[str]], kinds: Sequence[str]) -> tuple[Asked, tuple[str, ...]]:
    """State from query parameters (all values of each), and one sentence for each that made no sense."""
    wrong: list[str] = []
    if any("\x00" in v for values in params.values() for v in values):
        wrong.append("The link has a NUL character in it; left out.")
        params = {name: [v.replace("\x00", "") for v in values] for name, values in params.items()}

    def first(name: str) -> str:
        return next(iter(params.get(name, ())), "")

    def one_of(name: str, wanted: Sequence[str], default: str) -> str:
        value = first(name) or default
        if value in wanted or value == default:
            return value
        wrong.append(f"The link's {name} is “{plain(value, 40)}”; want {', '.join(wanted)}.")
        return default

    cluster = first("in")
    if cluster and cluster not in ("in", "out") and not _CLUSTER.fullmatch(cluster):
        wrong.append(f"The link's cluster is “{plain(cluster, 40)}”; want in, out, or an id such as C-1a2b3c.")
        cluster = ""
    text = first("find")
    if len(text) > MAX_TEXT:
        wrong.append(f"The link's text is {len(text):,} characters long; the first {MAX_TEXT} are looked for.")
    since, until = (_day(name, first(name), wrong) for name in ("since", "until"))
    if since and until and since > until:
        wrong.append("The link's window ends before it begins; left out.")
        since = until = None
    search = Search(
        text=text[:MAX_TEXT].strip(),
        terms=_terms(params.get("has", ()), kinds, wrong),
        plans=_words(params.get("plan", ())),
        channels=_words(params.get("path", ())),
        statuses=_words(params.get("state", ())),
        cluster=cluster,
        label=one_of("label", LABELS, ""),
        least=_share(first("least"), wrong),
        since=since,
        until=until,
        order=one_of("by", tuple(ORDERS), "score"),
    )
    page = first("p") or "1"
    if not (page.isascii() and page.isdigit() and 0 < len(page) < 7 and int(page) > 0):
        wrong.append(f"The link's page is “{plain(page, 20)}”; the first is shown.")
        page = "1"
    return Asked(search, one_of("show", VIEWS, "table"), int(page)), tuple(wrong)


def _terms(texts: Sequence[str], kinds: Sequence[str], wrong: list[str]) -> tuple[Term, ...]:
    out: list[Term] = []
    for text in texts:
        kind, colon, value = text.partition(":")
        if not colon or not value or len(value) > MAX_VALUE:
            wrong.append(f"The link's value “{plain(text, 40)}” cannot be read; want kind:value.")
        elif kind not in kinds:
            wrong.append(f"The link asks for the kind “{plain(kind, 30)}”, which this run has not.")
        else:
            out.append(Term(kind, value))
    if len(out) > MAX_TERMS:
        wrong.append(f"The link asks for {len(out)} values; the first {MAX_TERMS} are taken.")
    return tuple(dict.fromkeys(out))[:MAX_TERMS]


def _words(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t[:MAX_VALUE] for t in texts if t))[:MAX_TERMS]


def _day(name: str, text: str, wrong: list[str]) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not 1970 < found.year < 2200:
        wrong.append(f"The link's {name} is “{plain(text, 30)}”; want a day such as 2026-11-18.")
        return None
    return found


def _share(text: str, wrong: list[str]) -> float:
    if not text:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        wrong.append(f"The link's least score is “{plain(text, 20)}”; want a number from 0 to 1.")
        return 0.0
    return value


def to_params(asked: Asked) -> dict[str, list[str]]:
    """Query parameters that ``parse`` reads back; only what differs from the default."""
    s = asked.search
    out: dict[str, list[str]] = {
        "find": [s.text] if s.text else [],
        "has": [f"{t.kind}:{t.value}" for t in s.terms],
        "plan": list(s.plans),
        "path": list(s.channels),
        "state": list(s.statuses),
        "in": [s.cluster] if s.cluster else [],
        "label": [s.label] if s.label else [],
        "least": [f"{s.least:g}"] if s.least else [],
        "since": [s.since.isoformat()] if s.since else [],
        "until": [s.until.isoformat()] if s.until else [],
        "by": [s.order] if s.order != "score" else [],
        "show": [asked.show] if asked.show != "table" else [],
        "p": [str(asked.page)] if asked.page != 1 else [],
    }
    return {name: values for name, values in out.items() if values}


def to_query(asked: Asked) -> str:
    """The question as the text behind a link's question mark; without the page number."""
    return urlencode(to_params(replace(asked, page=1)), doseq=True)


def from_query(query: str, kinds: Sequence[str]) -> Asked:
    """The question of a saved link; parts that make no sense any more are left out."""
    return parse(parse_qs(query), kinds)[0]


_URL = UrlState("hunt", PARAMS, Asked, to_params)


def load(kinds: Sequence[str]) -> Asked:
    """Take the URL as the truth where it says something new; a URL that says nothing keeps the session's question."""
    return _URL.load(lambda params: parse(params, kinds))


def current() -> Asked:
    """What this session asks."""
    return _URL.current()


def problems() -> tuple[str, ...]:
    """What the link said wrongly, one sentence each."""
    return _URL.problems()


def ask(**changes: Any) -> None:
    """Change the question; back to the first page of its answer."""
    old = current()
    put(replace(old, search=replace(old.search, **changes), page=1))


def put(asked: Asked) -> None:
    """Ask something else, or look at it in another way."""
    _URL.put(asked)
