"""Counting: the tallies of all requests (``signals.tallies``), from what an earlier run counted and what is new.

Request files never change, so what was counted over some of them holds for good. It lies on a shelf of the home
(``cache/counts``): a run whose data has those files, and more, counts the new ones only. The tallies are the same
either way, row by row; what is missing, damaged, or made by other code is counted again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
from ibis import Table

from stillwatch import __version__
from stillwatch.config import Settings
from stillwatch.domain import Progress, no_progress
from stillwatch.signals import inputs as inputs_module
from stillwatch.signals import tallies
from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import Inputs, inputs_as_of
from stillwatch.signals.tallies import OWN, TALLIES
from stillwatch.warehouse import shelf
from stillwatch.warehouse.store import Warehouse

BOOK_REQUESTS = 8_000_000
"""About so many requests have their phrases counted at a time: some 100 million phrases, 3 GB."""
BOOKS = 32
"""So many files of the book are put together into one."""
NAMES = (*TALLIES, *(f"{what}:{kind}" for kind in OWN for what in ("spread", "shared")), "book")
"""Every tally."""


def code_fingerprint() -> str:
    """Of the code that counts: tallies of other code are not used."""
    sources = [inspect.getsource(module) for module in (tallies, inputs_module)]
    engines = [importlib.metadata.version(name) for name in ("duckdb", "ibis-framework")]
    return hashlib.sha256("\n".join([__version__, *engines, *sources]).encode()).hexdigest()


def place_of(settings: Settings) -> Path:
    """Folder of the tallies in a home."""
    return settings.cache / "counts"


@dataclass(frozen=True)
class _Pile:
    """Some of the requests' data files."""

    inputs: Inputs
    rows: int
    cut: bool
    """Whether the files have rows of later than the moment that is asked about."""


def counted(
    warehouse: Warehouse, inputs: Inputs, execute: Engine, room: Path, progress: Progress = no_progress
) -> Inputs:
    """``inputs`` with every tally worked out. ``room`` takes tables that are of no use to a later run."""
    files = shelf.data_files(warehouse, "requests")
    code, place = code_fingerprint(), place_of(warehouse.settings)
    had = place.is_dir() and any(place.iterdir())
    known = shelf.find(place, code, files)
    if had and known is None:
        progress("what was counted before is of no use any more; everything is counted again", None)
    new = [path for name, path in files.items() if known is None or name not in known.covers]
    target = room / "counts"
    if known is not None:
        base = _loaded(known, execute)
        size, last = (execute(base["filled"]).iloc[0][c] for c in ("requests", "last_ts"))
        fits = inputs.as_of is None or pd.isna(last) or last <= inputs.as_of
        if fits and not new:
            return replace(inputs, counted=base)
        later = _pile(warehouse, inputs, execute, new)
        if fits and later.rows <= min(BOOK_REQUESTS, int(size) // 4):
            progress(f"counting {later.rows:,} new requests", None)
            target.mkdir()
            earlier = _pile(warehouse, inputs, execute, [p for n, p in files.items() if n in known.covers])
            _add(known, base, earlier.inputs, later.inputs, execute, target)
            return replace(inputs, counted=_kept(place, target, code, files, later.cut, execute))
    whole = _pile(warehouse, inputs, execute, list(files.values()))
    progress(f"counting {whole.rows:,} requests", None)
    target.mkdir()
    _count(whole, execute, target)
    return replace(inputs, counted=_kept(place, target, code, files, whole.cut, execute))


def _pile(warehouse: Warehouse, inputs: Inputs, execute: Engine, files: list[str]) -> _Pile:
    table = warehouse.part("requests", files)
    everything = inputs_as_of(lambda name: table if name == "requests" else warehouse.table(name), None)
    some = replace(inputs, requests=everything.requests)
    if inputs.as_of is not None:
        some = replace(some, requests=some.requests.filter(some.requests.ts <= ibis.timestamp(inputs.as_of)))
    rows = int(execute(some.requests.aggregate(n=some.requests.count()))["n"].iloc[0])
    all_rows = int(execute(everything.requests.aggregate(n=everything.requests.count()))["n"].iloc[0])
    return _Pile(some, rows, rows < all_rows)


def _kept(
    place: Path, target: Path, code: str, files: Mapping[str, str], cut: bool, execute: Engine
) -> dict[str, Table]:
    """The new tallies, on the shelf where a later run can use them."""
    made = shelf.Shelved(target, frozenset(files)) if cut or not files else shelf.put(place, target, code, files)
    return _loaded(made, execute)


def _file(name: str) -> str:
    return name.replace(":", "_")


def _loaded(made: shelf.Shelved, execute: Engine) -> dict[str, Table]:
    return {name: execute.load(made.tables(_file(name))) for name in NAMES}


def _count(pile: _Pile, execute: Engine, target: Path) -> None:
    """Every tally of one pile into Parquet files of a folder."""
    requests = pile.inputs.requests
    for name, one in TALLIES.items():
        execute.save(one.build(requests), target / f"{name}.parquet")
    for kind in OWN:
        own = tallies.own_values_expr(requests, kind)
        execute.save(tallies.spread_expr(own), target / f"spread_{kind}.parquet")
        execute.save(tallies.shared_values_expr(own), target / f"shared_{kind}.parquet")
    ids = np.sort(execute(execute.load([target / "sums.parquet"]).select("account_id"))["account_id"].to_numpy())
    numbers = pd.DataFrame({"account_id": ids, "number": np.arange(len(ids), dtype=np.int32)})
    numbers = numbers.astype({"account_id": "str"})
    parts = 1 + pile.rows // BOOK_REQUESTS
    for part in range(parts):
        some = ibis.memtable(numbers[numbers["number"] % parts == part])
        execute.save(tallies.repeated_expr(requests, some), target / f"book-{part:04}.parquet")


def _add(
    known: shelf.Shelved, base: Mapping[str, Table], earlier: Inputs, later: Inputs, execute: Engine, target: Path
) -> None:
    """Every tally of two piles into Parquet files of a folder, from the tallies of the earlier one."""

    def aside(expression: Table, name: str) -> Table:
        place = target.with_name(f"{name}.parquet")
        execute.save(expression, place)
        return execute.load([place])

    for name, one in TALLIES.items():
        columns = (*one.keys, *one.adds)
        both = ibis.union(base[name].select(*columns), one.build(later.requests).select(*columns))
        execute.save(tallies.added_expr(both, one.keys, one.adds), target / f"{name}.parquet")
    for kind in OWN:
        late = aside(tallies.pairs_expr(tallies.own_values_expr(later.requests, kind)), f"late_{kind}")
        own = tallies.own_values_expr(earlier.requests, kind)
        before = aside(tallies.met_pairs_expr(own, late), f"before_{kind}")
        both = tallies.added_expr(ibis.union(before, late), (*tallies.ACCOUNT, "value"), tallies.SEEN)
        after = aside(both, f"after_{kind}")
        spread = tallies.spread_added_expr(base[f"spread:{kind}"], before, after)
        execute.save(spread, target / f"spread_{kind}.parquet")
        execute.save(tallies.shared_added_expr(base[f"shared:{kind}"], after), target / f"shared_{kind}.parquet")
    missing = aside(tallies.unrepeated_expr(tallies.account_tokens_expr(later.requests), base["book"]), "missing")
    more = tallies.repeated_at_last_expr(earlier.requests, missing)
    old = known.tables("book")
    if len(old) < BOOKS:
        for number, path in enumerate(old):
            os.link(path, target / f"book-{number:04}.parquet")
        execute.save(more, target / f"book-{len(old):04}.parquet")
    else:
        execute.save(ibis.union(base["book"].select("account_id", "token"), more), target / "book-0000.parquet")
