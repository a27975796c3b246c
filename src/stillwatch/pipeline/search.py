"""Hunting: a question over accounts and what they were seen with, answered page by page from one published run.

Answers come from the run's tables (made once by ``detect``); only values that a single account has, and days inside a
longer use, are looked up in the requests. Nothing here loads requests, and no answer holds more than a page of accounts
unless ``ids`` is asked for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import ibis
import pandas as pd

from stillwatch.config import Settings
from stillwatch.errors import NothingYet
from stillwatch.signals.sightings import REQUEST_KINDS, SHARED_ONLY
from stillwatch.sources.tokens import Tokens, context_of
from stillwatch.warehouse import searching
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.searching import Search, Term
from stillwatch.warehouse.store import Warehouse

TOKEN = re.compile(r"[0-9a-f]{24}")
"""What import makes of a value (sources/tokens.py)."""
TOKENISED = ("ip", "subnet")
"""Kinds of request values that import replaces by tokens; models, clients and networks stay as they are."""


@dataclass(frozen=True)
class Page:
    """One page of found accounts. ``total`` counts all of them, exactly."""

    total: int
    rows: pd.DataFrame


class Hunt:
    """Answers over one run and one published state of the warehouse; for one thread at a time."""

    def __init__(self, settings: Settings, run: Run, warehouse: Warehouse) -> None:
        self._settings = settings
        self._run = run
        self._warehouse = warehouse
        self._looked_up: dict[tuple[str, tuple[str, ...]], pd.DataFrame] = {}

    @property
    def indexed(self) -> bool:
        """Whether the run has sightings; runs of earlier versions do not."""
        return self._run.has("sightings")

    # --- answers -----------------------------------------------------------------------------------------------------

    def page(self, search: Search, labels: Mapping[str, str], offset: int = 0, limit: int = 100) -> Page:
        """Accounts found, ``limit`` from ``offset`` on; ``labels`` maps account to the label that stands on it."""
        rows = self._rows(searching.page_expr(self._found(search, labels), _order(search), offset, limit))
        if rows.empty and offset:
            return replace(self.page(search, labels, 0, 1), rows=rows.drop(columns="found"))
        total = int(rows["found"].iloc[0]) if len(rows) else 0
        return Page(total, rows.drop(columns="found"))

    def totals(self, search: Search, labels: Mapping[str, str]) -> dict[str, Any]:
        """Figures over everything found: accounts, requests, clusters, clustered, enforced, first, last."""
        row = self._rows(searching.totals_expr(self._found(search, labels))).iloc[0]
        return {str(k): None if pd.isna(v) else v for k, v in row.items()}

    def ids(self, search: Search, labels: Mapping[str, str], limit: int) -> list[str]:
        """Ids of the found accounts in order, at most ``limit``."""
        found = self._rows(searching.ids_expr(self._found(search, labels), _order(search), limit))
        return [str(a) for a in found["account_id"]]

    def shared(self, search: Search, labels: Mapping[str, str], limit: int = 200) -> pd.DataFrame:
        """What the found accounts have in common: kind, value, here, everywhere, uses, first, last."""
        execute = self._warehouse.backend().execute
        found, everybody = (int(execute(t.count())) for t in (self._found(search, labels), self._table("accounts")))
        base = max(found, 1) / max(everybody, 1)
        sightings = self._table("sightings")
        return self._rows(searching.shared_values_expr(self._found(search, labels), sightings, base, limit))

    def links(self, accounts: Sequence[str], values: pd.DataFrame) -> pd.DataFrame:
        """Lines between some accounts and values (kind, value): account_id, kind, value, uses, sharers."""
        ids = ibis.memtable(pd.DataFrame({"account_id": pd.Series(list(accounts), dtype="str")}))
        pairs = ibis.memtable(values[["kind", "value"]].astype("str"))
        return self._rows(searching.links_expr(self._table("sightings"), ids, pairs))

    def activity(self, search: Search, labels: Mapping[str, str]) -> pd.DataFrame:
        """Requests a day of everything found: day (ISO), cluster_id, requests, accounts."""
        return self._rows(searching.activity_expr(self._found(search, labels), self._table("sightings")))

    def known(self, kind: str, limit: int = 300) -> pd.DataFrame:
        """Values of a kind that most accounts have: value, sharers, uses."""
        if not self.indexed:
            return pd.DataFrame({"value": pd.Series(dtype="str"), "sharers": [], "uses": []})
        return self._rows(searching.known_values_expr(self._table("sightings"), kind, limit))

    # --- from what somebody typed to a term ---------------------------------------------------------------------------

    def recognise(self, typed: str, kind: str | None, kinds: Sequence[str]) -> list[Term]:
        """Terms that a typed value stands for: a name or token as it is, or a value in clear that becomes its token.

        ``kind`` null tries all ``kinds``; then only terms that the run's sightings hold are given (a conversation or a
        template of one account is not among them: name its kind). A value in clear goes no further than this
        function: what it returns holds tokens.
        """
        text = typed.strip()
        if not text:
            return []
        if kind is not None:
            candidates = self._candidates(text, kind)
            return self._held(candidates)[:1] or candidates[-1:]
        return self._held([t for k in kinds for t in self._candidates(text, k)])

    def _candidates(self, text: str, kind: str) -> list[Term]:
        if kind in REQUEST_KINDS and kind not in TOKENISED:
            return [Term(kind, text)]
        as_is = [Term(kind, text)] if TOKEN.fullmatch(text) else []
        tokens = Tokens.open(self._settings.keys, self._warehouse.snapshot.key_id)
        if kind == "subnet":
            token = tokens.subnet(text.partition("/")[0])
            return [*as_is, *([Term(kind, token)] if token else [])]
        return [*as_is, Term(kind, tokens.of(context_of(kind), text))]

    def _held(self, candidates: Sequence[Term]) -> list[Term]:
        """Those terms that some account has."""
        wanted = set(candidates)
        if not wanted or not self.indexed:
            return []
        values = sorted({t.value for t in wanted})
        found = self._rows(searching.kinds_with_expr(self._table("sightings"), values))
        held = [Term(str(k), str(v)) for k, v in zip(found["kind"], found["value"], strict=True)]
        return [t for t in candidates if t in held]

    # --- inside ------------------------------------------------------------------------------------------------------

    def _found(self, search: Search, labels: Mapping[str, str]) -> Any:
        if (search.terms or search.windowed) and not self.indexed:
            raise NothingYet(
                f"run {self._run.run_id} was made by an earlier version and lists no values to search for: "
                "press Run detection on the Data page; accounts can be searched meanwhile."
            )
        accounts = self._table("accounts")
        matches = active = labelled = None
        if search.terms:
            parts = {kind: self._seen(kind, values, search) for kind, values in search.kinds.items()}
            matches = searching.matches_expr(parts, {k for k, values in search.kinds.items() if len(values) > 1})
        elif search.windowed:
            active = searching.active_expr(self._table("sightings"), search)
        if search.label:
            ids = [a for a, v in labels.items() if search.label in ("none", "some", v)]
            labelled = ibis.memtable(pd.DataFrame({"account_id": pd.Series(ids, dtype="str")}))
        return searching.accounts_expr(accounts, search, matches, active, labelled)

    def _seen(self, kind: str, values: tuple[str, ...], search: Search) -> Any:
        seen = searching.sightings_of_expr(self._table("sightings"), kind, values)
        columns = ("account_id", "value", "uses", "first_seen", "last_seen")
        seen = seen.select(*columns)
        if kind in SHARED_ONLY:
            held = set(self._rows(seen.select("value").distinct())["value"])
            lone = tuple(v for v in values if v not in held)
            if lone:
                seen = seen.union(ibis.memtable(self._lone(kind, lone), schema=seen.schema()))
        if search.windowed:
            seen = searching.in_window_expr(seen, self._warehouse.table("requests"), kind, search)
        return seen

    def _lone(self, kind: str, values: tuple[str, ...]) -> pd.DataFrame:
        """Sightings of values that only one account has, out of the requests."""
        if "requests" not in self._warehouse.versions:
            return pd.DataFrame(columns=["account_id", "value", "uses", "first_seen", "last_seen"])
        if (kind, values) not in self._looked_up:  # every part of a page asks for the same
            found = searching.requests_with_expr(
                self._warehouse.table("requests"), REQUEST_KINDS[kind], values, _moment(self._run)
            )
            rows = self._rows(found.select("account_id", "value", "uses", "first_seen", "last_seen"))
            self._looked_up[kind, values] = rows
        return self._looked_up[kind, values]

    def _table(self, name: str) -> Any:
        backend = self._warehouse.backend()
        return backend.read_parquet(self._run.file(name), table_name=f"{name}_{_word(self._run.run_id)}")

    def _rows(self, expression: Any) -> pd.DataFrame:
        frame: pd.DataFrame = self._warehouse.backend().to_pyarrow(expression).to_pandas()
        return frame


def _order(search: Search) -> str:
    return search.order if search.order != "matches" or search.terms else "score"


def _word(text: str) -> str:
    return re.sub(r"\W", "_", text)


def _moment(run: Run) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(run.manifest.get("as_of")))
    except ValueError:
        return None
    return found.replace(tzinfo=None)
