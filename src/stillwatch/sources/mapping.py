"""Any other table, by a mapping file: CSV, JSON lines, JSON, Parquet, R data; one file or two joined by a key.

Foreign rows are translated record by record into sheets of contract columns; a value that its column cannot hold sets
the row aside with the reason. Identifiers are gathered to one row for each account, kind and value, with the first and
last time. Accounts can be made from another table of the mapping where the source has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from stillwatch.domain import IDENTIFIER_KINDS, UNATTRIBUTED, evidence_kind
from stillwatch.errors import MappingError
from stillwatch.sources import mapping_values as values
from stillwatch.sources.contract import CONTRACT, PRIVATE
from stillwatch.sources.files import Bad, Record, belongs, files_in, records
from stillwatch.sources.joins import batch_schema, places, settled
from stillwatch.sources.mapping_file import Entry, Join, Mapped, load, unknown
from stillwatch.sources.source import BatchTable, SourceData
from stillwatch.sources.spool import SEALED, Sheet, Spool
from stillwatch.sources.values import BadValueError, text

_FIRST_SEEN = "sign-up times: the source has none; accounts are taken to be as old as their first row"
_PLACES = ("_file", "_row", "_bad", "_bad_column")


class Mapping:
    """Reads what a mapping file names, in a folder or as the one file that is given."""

    name = "mapping"
    title = "any table, by a mapping file (--mapping)"

    def recognises(self, path: Path) -> bool:
        """Never: only a person can say what a foreign table means."""
        return False

    def read(self, path: Path, mapping: Path | None) -> SourceData:
        """Translate everything the mapping names.

        Raises:
            MappingError: the mapping file is missing or wrong, or names columns that the files do not have.
            SourceError: a file is missing or broken.
        """
        if mapping is None:
            raise MappingError(
                "--format mapping needs --mapping FILE. See docs/sources.md and docs/mappings/ for examples."
            )
        mapped = load(mapping)
        spool = Spool()
        try:
            warnings = _read(spool, path, mapped)
            return _hand_on(spool, path, mapped, warnings)
        except BaseException:
            spool.close()
            raise


@dataclass(frozen=True)
class _Way:
    """One entry made ready: where its rows go and how each column is made."""

    entry: Entry
    sheet: Sheet
    getters: tuple[tuple[int, str, Callable[[Record], Any]], ...]
    width: int
    only: tuple[tuple[Callable[[Record], Any], frozenset[str]], ...]
    """What a record must hold to be taken."""
    several: tuple[int, Callable[[Record], list[str]]] | None
    """Place and function of ``identifiers.value``, which may hold several."""
    long: int | None
    """Place of the prompt."""


def _read(spool: Spool, path: Path, mapped: Mapped) -> list[str]:
    """Every file once, whatever the number of entries that use it."""
    entries = [entry for entry in mapped.entries if not entry.derived]
    sheets = {
        name: spool.sheet(name, {"n": pa.int64(), **{c: _type(name, c) for c in _fed(mapped, name)}})
        for name in {entry.table.name for entry in entries}
    }
    ways = [_way(entry, sheets[entry.table.name], _fed(mapped, entry.table.name)) for entry in entries]
    warnings: list[str] = []
    for source in dict.fromkeys((w.entry.pattern, w.entry.delimiter, w.entry.join) for w in ways):
        here = [w for w in ways if (w.entry.pattern, w.entry.delimiter, w.entry.join) == source]
        entry = here[0].entry
        files = _files(path, mapped, entry, entry.pattern)
        needed = {p.split(".", 1)[0] for w in here for p in w.entry.paths} | {p for w in here for p in w.entry.paths}
        needed |= {w.entry.each.split(".", 1)[0] for w in here if w.entry.each}
        found: Iterable[tuple[str, int, Record | Bad]]
        if entry.join:
            found = _joined(spool, path, mapped, entry, entry.join, files, needed, warnings)
        else:
            found = _plain(files, entry.delimiter, needed)
        _translate(mapped, here, found)
    return warnings


def _type(table: str, column: str) -> pa.DataType:
    return SEALED if (table, column) in PRIVATE else CONTRACT[table].column(column).arrow


def _fed(mapped: Mapped, table: str) -> tuple[str, ...]:
    """Contract columns of a table that any entry feeds, in the contract's order."""
    fed = {c for entry in mapped.entries if entry.table.name == table for c in entry.columns}
    return tuple(c for c in CONTRACT[table].names if c in fed)


def _way(entry: Entry, sheet: Sheet, columns: tuple[str, ...]) -> _Way:
    several = None
    getters = []
    for name, value in entry.columns.items():
        if entry.table.name == "identifiers" and name == "value":
            several = (columns.index(name), values.listed(value))
        else:
            getters.append((columns.index(name), name, values.compiled(entry.table.column(name), value)))
    only = tuple((values.getter(path), kept) for path, kept in entry.only.items())
    long = columns.index("prompt") if "prompt" in columns else None
    return _Way(entry, sheet, tuple(getters), len(columns), only, several, long)


def _files(path: Path, mapped: Mapped, entry: Entry, pattern: str) -> list[Path]:
    if path.is_dir():
        return _beside(path, mapped, entry, pattern)
    patterns = {e.pattern for e in mapped.entries if not e.derived} | {e.join.pattern for e in mapped.entries if e.join}
    if len(patterns) == 1 or fnmatch(path.name, pattern):
        return files_in(path)
    return _beside(path.parent, mapped, entry, pattern)


def _beside(folder: Path, mapped: Mapped, entry: Entry, pattern: str) -> list[Path]:
    found = sorted(p for p in folder.glob(pattern) if p.is_file() and belongs(p))
    if not found:
        there = [p.name for p in files_in(folder)]
        raise mapped.error(entry, f"from: no file matches {pattern!r} in {folder}. There are: {', '.join(there[:20])}.")
    return found


def _plain(files: list[Path], delimiter: str, needed: set[str]) -> Iterator[tuple[str, int, Record | Bad]]:
    for file in files:
        for number, record in records(file, delimiter, needed):
            yield file.name, number, record


def _joined(
    spool: Spool,
    path: Path,
    mapped: Mapped,
    entry: Entry,
    join: Join,
    files: list[Path],
    needed: set[str],
    warnings: list[str],
) -> Iterator[tuple[str, int, Record | Bad]]:
    """Records of the first file, those of the second beside them under the join's name."""
    theirs = {p.split(".")[1] for p in needed if p.startswith(f"{join.name}.")} | {join.right}
    ours = {p.split(".", 1)[0] for p in needed} - {join.name} | {join.left}
    others = _files(path, mapped, entry, join.pattern)
    sides = []
    for side, columns, where, delimiter in ((0, ours, files, entry.delimiter), (1, theirs, others, join.delimiter)):
        names = sorted(columns)
        # What a column means is not known here, so all are sealed; the keys are still equal where they were.
        sealed = {f"c{i}": SEALED for i in range(len(names))}
        sheet = spool.sheet(f"side{side}-{len(spool.names)}", {"n": pa.int64(), **sealed})
        seen: set[str] = set()
        for file, number, record in _plain(where, delimiter, columns):
            if isinstance(record, Bad):
                sheet.add((sheet.rows, *(None,) * len(names), file, number, record.reason, None))
                continue
            seen.update(record)
            sheet.add((sheet.rows, *(text(record.get(name)) for name in names), file, number, None, None))
        absent = sorted(columns - seen)
        if absent and seen:
            raise mapped.error(entry, unknown(f"column in {where[0].name}", absent[0], sorted(seen)))
        sides.append((spool.table(sheet.name), names))
    (left, left_names), (right, right_names) = sides
    key, their_key = f"c{left_names.index(join.left)}", f"c{right_names.index(join.right)}"

    right = right.filter(right._bad.isnull() & right[their_key].notnull())
    first = right.group_by(their_key).agg(n=lambda t: t.n.min())
    partners = right.semi_join(first, "n")
    twice = spool.count(right.aggregate(rows=right.count(), keys=right[their_key].nunique()))
    if twice["rows"] > twice["keys"]:
        repeated = twice["rows"] - twice["keys"]
        warnings.append(f"{repeated} rows of {join.pattern} repeat a {join.right}; the first of each was joined")
    partners = partners.select(partner=their_key, **{f"d{i}": f"c{i}" for i in range(len(right_names))})
    how = "inner" if join.inner else "left"
    both = left.join(partners, [(key, "partner")], how=how).order_by("n")
    for batch in spool.batches(both, None):
        for row in batch.to_pylist():
            if row["_bad"]:
                yield row["_file"], row["_row"], Bad(row["_bad"])
                continue
            both_sides: Record = {name: row[f"c{i}"] for i, name in enumerate(left_names)}
            both_sides[join.name] = {name: row[f"d{i}"] for i, name in enumerate(right_names)}
            yield row["_file"], row["_row"], both_sides


def _translate(mapped: Mapped, ways: list[_Way], found: Iterable[tuple[str, int, Record | Bad]]) -> None:
    """Records of one source through all entries that use it."""
    unseen = {id(w): set(w.entry.paths) for w in ways}
    last: dict[int, Record] = {}
    for file, number, record in found:
        if isinstance(record, Bad):
            # One broken record is one rejected row, whatever the number of tables it would have fed.
            way = ways[0]
            way.sheet.add((way.sheet.rows, *(None,) * way.width, file, number, record.reason, None))
            continue
        for way in ways:
            for item in _items(way.entry, record):
                if unseen[id(way)]:
                    last[id(way)] = item
                    unseen[id(way)] = {p for p in unseen[id(way)] if not _has(item, p)}
                if all((text(get(item)) or "") in kept for get, kept in way.only):
                    _add(way, item, file, number)
    for way in ways:
        if unseen[id(way)] and id(way) in last:
            absent = min(unseen[id(way)])
            raise mapped.error(way.entry, unknown("source column", absent, sorted(last[id(way)])))


def _items(entry: Entry, record: Record) -> Iterable[Record]:
    """The record, or the objects of the list in it that ``each`` names, each with the record around it."""
    if entry.each is None:
        return (record,)
    inside = values.unpacked(values.getter(entry.each)(record))
    return [{**i, values.PARENT: record} for i in inside if isinstance(i, dict)] if isinstance(inside, list) else ()


def _has(record: Record, path: str) -> bool:
    """Whether a record has the column that a path starts with; deeper steps may be absent in any one record."""
    if path in record:
        return True
    head, dot, rest = path.partition(".")
    if head == values.PARENT and dot:
        return _has(record.get(head) or {}, rest)
    return head in record


def _add(way: _Way, item: Record, file: str, number: int) -> None:
    many = None if way.several is None else way.several[1](item)
    if many is not None and not many:
        return
    row: list[Any] = [None] * way.width
    bad: tuple[str | None, str | None] = (None, None)
    for place, name, get in way.getters:
        try:
            row[place] = get(item)
        except BadValueError as e:
            bad = (f"{', '.join(way.entry.columns[name].paths)} {e}", name)
    if many is None or way.several is None:
        length = len(row[way.long] or "") if way.long is not None else 0
        way.sheet.add((way.sheet.rows, *row, file, number, *bad), length)
        return
    for value in many:
        row[way.several[0]] = value
        way.sheet.add((way.sheet.rows, *row, file, number, *bad))


def _hand_on(spool: Spool, path: Path, mapped: Mapped, warnings: list[str]) -> SourceData:
    given = {name: spool.table(name) for name in CONTRACT if name in spool.names}
    handed = []
    for name, spec in CONTRACT.items():
        table = given.get(name)
        derived = [entry for entry in mapped.entries if entry.table.name == name and entry.derived]
        if table is not None and name == "identifiers":
            table = _gathered_expr(table)
        if table is not None and any(e.earliest for e in mapped.entries if e.table.name == name):
            table = _earliest_expr(table)
        for entry in derived:
            made = _first_seen_expr(given[entry.pattern], entry.pattern)
            table = made if table is None else _with_missing_expr(table, made)
        if table is not None:
            names = tuple(c for c in spec.names if c in table.columns)
            rows = table.select(*names, *_PLACES)
            handed.append(BatchTable(name, spool.batches(rows, batch_schema(names, spec.schema))))
    kinds = {
        str(e.columns["kind"].given)
        for e in mapped.entries
        if "kind" in e.columns and e.columns["kind"].source == "const"
    }
    for kind in sorted(kinds - IDENTIFIER_KINDS.keys()):
        warnings.append(f"identifier kind {kind!r} is not a usual one; it is weighed as {evidence_kind(kind).value}")
    return SourceData(
        Mapping.name,
        path.name,
        tuple(handed),
        (*mapped.blind, *(_FIRST_SEEN for entry in mapped.entries if entry.derived)),
        tuple(warnings),
        repeats="skip" if mapped.repeats == "skip" else "refuse",
    )


def _gathered_expr(rows: ibis.Table) -> ibis.Table:
    """One row for each account, kind and value, from the first time to the last."""
    good = rows.filter(rows._bad.isnull())
    times = [good[c] for c in ("first_seen", "last_seen") if c in rows.columns]
    ends = {"first_seen": times[0].min(), "last_seen": times[-1].max()} if times else {}
    seen = good.group_by("account_id", "kind", "value").agg(n=good.n.min(), **ends)
    where = good.select("n", "_file", "_row", "_bad", "_bad_column")
    placed = settled(seen.left_join(where, "n").drop("n", "n_right"))
    broken = rows.filter(rows._bad.notnull())
    for name in ("first_seen", "last_seen"):
        if name in placed.columns and name not in broken.columns:
            broken = broken.mutate(**{name: ibis.null("timestamp(6)")})
    return placed.union(broken.select(*placed.columns))


def _earliest_expr(rows: ibis.Table) -> ibis.Table:
    """Of several rows of one account the one with the earliest sign-up."""
    good = rows.filter(rows._bad.isnull())
    first = good.group_by("account_id").agg(n=good.n.argmin(good.created_at))
    return good.semi_join(first, "n").union(rows.filter(rows._bad.notnull()))


def _first_seen_expr(rows: ibis.Table, name: str) -> ibis.Table:
    """Accounts of another table, taken to be as old as their first row in it."""
    good = rows.filter(rows._bad.isnull() & rows.account_id.notnull() & (rows.account_id != UNATTRIBUTED))
    when = (
        good.ts
        if name == "requests"
        else ibis.coalesce(*(good[c] for c in ("first_seen", "last_seen") if c in good.columns))
    )
    return good.group_by("account_id").agg(created_at=when.min()).mutate(**places(*_PLACES))


def _with_missing_expr(accounts: ibis.Table, made: ibis.Table) -> ibis.Table:
    """Accounts, and of another table those that are not among them."""
    new = made.anti_join(accounts, "account_id")
    other = {c: ibis.null(accounts[c].type()) for c in accounts.columns if c not in new.columns}
    return accounts.union(new.mutate(**other).select(*accounts.columns))
