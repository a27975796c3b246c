"""What the audit page shows, as data: its filters in the URL, the log in words, the log as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa

from stillwatch.cases.audit import canonical
from stillwatch.cases.trail import Wanted
from stillwatch.evidence.tables import csv_bytes
from stillwatch.ui.url_state import UrlState
from stillwatch.ui.words import plain

PAGE = 100
"""Rows of the log on one page."""
EXPORT_LIMIT = 500_000
"""Rows of one file; a larger answer is narrowed first."""
PARAMS = ("who", "did", "ended", "on", "words", "since", "until", "p")
ACTIONS: dict[str, str] = {
    "label": "labelled", "create_campaign": "opened a campaign", "set_status": "changed a status",
    "add_to_campaign": "added to a campaign", "remove_from_campaign": "took out of a campaign",
    "add_note": "wrote a note", "claim": "took a cluster", "release": "gave a cluster back",
    "hand_over": "handed a cluster over", "snooze": "put a cluster aside", "make_bundle": "made a bundle",
    "custody": "handled a bundle", "train": "trained a model", "promote": "put a model to use",
    "rollback": "took a model out of use", "reveal_prompts": "read prompt text", "split_cluster": "split a cluster",
    "merge_cluster": "joined clusters", "undo_cluster_decision": "took a split or join back",
    "annotate": "wrote on a timeline", "take_back_annotation": "took a timeline note back",
    "save_view": "kept a view", "remove_view": "removed a view", "save_search": "kept a search",
    "remove_search": "removed a search", "export": "took rows out",
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """Which rows of the log, and which page of them (from 1). Days count whole, both ends included."""

    actor: str = ""
    action: str = ""
    outcome: str = ""
    target_type: str = ""
    search: str = ""
    since: date | None = None
    until: date | None = None
    page: int = 1

    def wanted(self) -> Wanted:
        """The same for the case file."""
        return Wanted(
            actor=self.actor,
            action=self.action,
            outcome=self.outcome,
            target_type=self.target_type,
            search=self.search,
            since=datetime.combine(self.since, time()) if self.since else None,
            before=datetime.combine(self.until, time()) + timedelta(days=1) if self.until else None,
        )


_TEXTS = {"who": "actor", "did": "action", "ended": "outcome", "on": "target_type", "words": "search"}


def parse(params: Mapping[str, Sequence[str]]) -> tuple[Shown, tuple[str, ...]]:
    """Filters from query parameters, and one sentence for each that made no sense."""
    wrong: list[str] = []

    def first(name: str) -> str:
        return next(iter(params.get(name, ())), "")

    texts = {name: first(param)[:200] for param, name in _TEXTS.items()}
    if texts["outcome"] not in ("", "done", "refused"):
        wrong.append(f"The link's outcome is “{plain(texts['outcome'], 30)}”; want done or refused.")
        texts["outcome"] = ""
    if "\x00" in "".join(texts.values()):
        wrong.append("The link has a NUL character in it; left out.")
        texts = {name: text.replace("\x00", "") for name, text in texts.items()}
    days: dict[str, date | None] = {}
    for name in ("since", "until"):
        text = first(name)
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            days[name] = None
            wrong.append(f"The link's {name} is “{plain(text, 30)}”; want a day such as 2026-11-18.")
    since, until = days["since"], days["until"]
    if since and until and since > until:
        wrong.append("The link's window ends before it begins; left out.")
        since = until = None
    if until and until.year > 9000:
        until = None
    page = first("p") or "1"
    if not (page.isascii() and page.isdigit() and len(page) < 8 and int(page) > 0):
        wrong.append(f"The link's page is “{plain(page, 20)}”; the first is shown.")
        page = "1"
    return Shown(**texts, since=since, until=until, page=int(page)), tuple(wrong)


def to_params(shown: Shown) -> dict[str, list[str]]:
    """Query parameters that ``parse`` reads back."""
    out = {param: [value] for param, name in _TEXTS.items() if (value := getattr(shown, name))}
    for name in ("since", "until"):
        if day := getattr(shown, name):
            out[name] = [day.isoformat()]
    return out | ({"p": [str(shown.page)]} if shown.page != 1 else {})


_URL = UrlState("audit", PARAMS, Shown, to_params)


def load() -> Shown:
    """Take the URL as the truth where it says something new; else keep the session's filters."""
    return _URL.load(parse)


def current() -> Shown:
    """Filters of this session."""
    return _URL.current()


def problems() -> tuple[str, ...]:
    """What the link said wrongly."""
    return _URL.problems()


def change(**changes: Any) -> None:
    """Other filters; back to the first page unless a page is named."""
    _URL.put(replace(current(), **{"page": 1, **changes}))


# --- words ----------------------------------------------------------------------------------------------------------


def action_words(action: str) -> str:
    """What somebody did, in words; an unknown action by its own name."""
    return ACTIONS.get(action) or plain(action.replace("_", " "), 40)


def detail_pairs(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Details of a row as names and values that fit a line."""
    return [
        (plain(str(name).replace("_", " "), 40), plain(value if isinstance(value, str) else canonical(value), 400))
        for name, value in details.items()
        if value not in (None, "", [], {})
    ]


def in_brief(details: Mapping[str, Any]) -> str:
    """The details on one line."""
    return " · ".join(f"{name}: {value}" for name, value in detail_pairs(details))[:300]


def chain_words(whole: bool, broken: int | None, length: int, head: str) -> str:
    """What checking the chain came to."""
    if not length and whole:
        return "The log is empty; there is nothing to check yet."
    if whole:
        return (
            f"The chain is whole: all {length:,} rows follow from one another and the last is {head[:12]}…. No row was "
            "changed, taken out, put in or cut off. Somebody who rewrote the whole log and its head would not show "
            "here: compare the head with one in an evidence bundle of an earlier day."
        )
    return (
        f"The chain breaks at row {broken:,}: that row was changed, taken out or put in after it was written, or the "
        "end was cut off. Rows before it are as they were written. Keep a copy of the case file, take no decision that "
        "rests on later rows, and compare with a backup."
    )


@dataclass(frozen=True)
class Checked:
    """What a check of the chain found, and when it was made."""

    whole: bool
    text: str
    length: int = 0
    at: datetime = field(default_factory=lambda: datetime(1970, 1, 1))


def to_csv(rows: pd.DataFrame) -> bytes:
    """Rows of the log as CSV that no spreadsheet runs; details as JSON."""
    flat = pd.DataFrame({c: rows[c] for c in rows.columns if c != "details"})
    flat["details"] = [canonical(d) for d in rows["details"]]
    text = [c for c in flat.columns if c not in ("seq", "at")]
    table = pa.table(
        {
            "seq": pa.array(flat["seq"], pa.int64()),
            "at": pa.array(flat["at"], pa.timestamp("us")),
            **{c: pa.array([str(v) for v in flat[c]], pa.string()) for c in text},
        }
    )
    return csv_bytes(table)
