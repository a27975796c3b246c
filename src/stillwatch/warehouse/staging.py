"""One contract table of a source, read, checked and tokenised: what import commits or refuses.

The result is a DuckDB relation with the columns of the warehouse table (without those that import adds) and ``_file``,
``_row``, ``_code``, ``_column``, ``_value``, ``_reason``: a row with a ``_code`` is set aside, all others are good.
Parquet requests without prompt text stay where they are; everything else is written to the staging folder, where
neither prompt text nor an identifier in clear ever arrives (unless the operator keeps prompts).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from threading import Lock

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.domain import Progress, TableSpec
from stillwatch.errors import SourceError
from stillwatch.sources.contract import CONTRACT
from stillwatch.sources.prompts import Sketch, Sketcher
from stillwatch.sources.source import BatchTable, FileTable
from stillwatch.sources.textfiles import text_batches
from stillwatch.sources.tokens import Tokens
from stillwatch.warehouse.parsing import Parsed, parse
from stillwatch.warehouse.schema import WAREHOUSE
from stillwatch.warehouse.store import quote

BATCH_ROWS = 65_536
TEXT_BATCH_BYTES = 16 * 1024 * 1024
_ADDED = ("import_id", "day")
_ROW = {
    "_file": pa.string(),
    "_row": pa.int64(),
    "_code": pa.int32(),
    "_column": pa.string(),
    "_value": pa.string(),
    "_reason": pa.string(),
}
_UNREADABLE = 0
"""``_code`` of a row that the reader itself could not read."""


def source_columns(table: str) -> tuple[str, ...]:
    """Columns of a warehouse table that come from the source (not added by import)."""
    return tuple(c for c in WAREHOUSE[table].names if c not in _ADDED)


@dataclass(frozen=True)
class Staged:
    """One checked table; ``relation`` may be read any number of times."""

    name: str
    relation: str
    rows: int
    set_aside: int
    filled: frozenset[str]
    """Columns with at least one value among the good rows."""
    problems: tuple[str, ...]
    """Why the whole import must be refused, in sentences."""


class _LazySketcher:
    """A sketcher that is made for the first prompt there is: its compiled code takes a moment to load."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._lock = Lock()
        self._made: Sketcher | None = None

    def sketch(self, prompts: pa.Array) -> Sketch:
        if prompts.null_count == len(prompts):
            none = pa.nulls(len(prompts), pa.int32())
            return Sketch(none.cast(pa.string()), pa.nulls(len(prompts), pa.list_(pa.int32())), none, none)
        with self._lock:
            if self._made is None:
                self._made = Sketcher(self._key)
        return self._made.sketch(prompts)


@dataclass(frozen=True)
class Stager:
    """Reads tables into one DuckDB connection."""

    con: duckdb.DuckDBPyConnection
    tokens: Tokens
    folder: Path
    """Staging folder of this import."""
    now: datetime
    """Naive UTC; times far ahead of it are wrong."""
    keep_prompts: bool
    threads: int
    progress: Progress

    def stage(self, table: FileTable | BatchTable) -> Staged:
        """Read and check one table. ``SourceError`` when it cannot be read; wrong columns are collected."""
        spec = CONTRACT[table.name]
        try:
            if isinstance(table, FileTable) and table.format == "parquet":
                return self._parquet(spec, table.files)
            if isinstance(table, FileTable):
                staged = self._batches(spec, text_batches(spec, table.files, table.format))
                return self._mostly_readable(staged, _names(table.files))
            return self._batches(spec, table.batches)
        except duckdb.Error as e:
            what = str(e).splitlines()[0]
            raise SourceError(f"{table.name}: cannot be read ({what}); nothing was imported.") from e

    def _parquet(self, spec: TableSpec, files: tuple[Path, ...]) -> Staged:
        scan = _scan_parquet(spec, files)
        types = self._types(scan)
        parsed = parse(spec, types, self.now)
        if parsed.wrong_types:
            return _wrong(spec, _names(files), parsed)
        sql = _checked_sql(spec, parsed, types, scan)
        if spec.name == "requests" and "prompt" not in types:
            self.con.execute(f"CREATE OR REPLACE TEMP VIEW s_requests_checked AS {sql}")
            return self._in_place(spec, parsed)
        reader = self.con.sql(sql).to_arrow_reader(_text_rows(files) if "prompt" in types else BATCH_ROWS)
        self._collect(spec.name, (pa.Table.from_batches([b]) for b in reader))
        return self._profile(spec, parsed, f"s_{spec.name}")

    def _batches(self, spec: TableSpec, batches: Iterator[pa.RecordBatch]) -> Staged:
        first = next(batches, None)
        if first is None:
            parsed = parse(spec, {}, self.now)
            self._collect(spec.name, iter(()))
            return self._profile(spec, parsed, f"s_{spec.name}")
        self.con.register("raw_batch", first.slice(0, 0))
        types = self._types("raw_batch")
        parsed = parse(spec, types, self.now)
        if parsed.wrong_types:
            return _wrong(spec, spec.name, parsed)
        sql = _checked_sql(spec, parsed, types, "raw_batch")

        def checked() -> Iterator[pa.Table]:
            for batch in chain((first,), batches):
                for start in range(0, batch.num_rows, BATCH_ROWS):
                    self.con.register("raw_batch", batch.slice(start, BATCH_ROWS))
                    yield self.con.sql(sql).to_arrow_table()

        self._collect(spec.name, checked())
        self.con.unregister("raw_batch")
        return self._profile(spec, parsed, f"s_{spec.name}")

    def _types(self, relation: str) -> dict[str, str]:
        return {name: kind for name, kind, *_ in self.con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}

    def _in_place(self, spec: TableSpec, parsed: Parsed) -> Staged:
        """Requests that stay in their Parquet files: addresses become tokens by a join with the distinct ones."""
        staged = self._profile(spec, parsed, "s_requests_checked")
        filled = set(staged.filled)
        self.progress("making tokens of addresses", None)
        distinct = "SELECT DISTINCT ip FROM s_requests_checked WHERE ip IS NOT NULL"
        ips = self.con.sql(distinct).to_arrow_table().column("ip").combine_chunks()
        addresses, subnets = self.tokens.address_columns(ips)
        self.con.register("ip_tokens", pa.table({"ip": ips, "token": addresses, "subnet": subnets}))
        if subnets.null_count < len(subnets):
            filled.add("subnet")
        if "prompt_hash" in filled:
            filled.add("template")
        made = {
            "ip": "t.token",
            "subnet": "t.subnet",
            "template": "c.prompt_hash",
            "phrases": "NULL::INTEGER[]",
            "prompt_chars": "NULL::INTEGER",
            "capabilities": "NULL::INTEGER",
        }
        columns = ", ".join(f'{made.get(c, f"c.{c}")} AS "{c}"' for c in (*source_columns("requests"), *_ROW))
        self.con.execute(
            f"CREATE OR REPLACE TEMP VIEW s_requests AS SELECT {columns} "
            "FROM s_requests_checked c LEFT JOIN ip_tokens t ON c.ip = t.ip"
        )
        return Staged("requests", "s_requests", staged.rows, staged.set_aside, frozenset(filled), staged.problems)

    def _collect(self, name: str, tables: Iterator[pa.Table]) -> None:
        """Tokenise, sketch and write checked rows to staging; makes the view ``s_<name>``."""
        target = WAREHOUSE[name]
        fields = [(c, target.column(c).arrow) for c in source_columns(name)]
        out = pa.schema([*fields, *_ROW.items()])
        path = self.folder / f"{name}.staged.parquet"
        done = 0
        self.progress(f"reading {name}", None)
        with pq.ParquetWriter(path, out, compression="snappy") as writer, ThreadPoolExecutor(self.threads) as pool:
            for table in _ahead(pool, self.threads + 1, self._door(name), tables):
                writer.write_table(table.select(out.names).cast(out))
                done += table.num_rows
                self.progress(f"reading {name}: {done:,} rows", None)
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW s_{name} AS SELECT * FROM read_parquet({quote(str(path))})")

    def _door(self, name: str) -> Callable[[pa.Table], pa.Table]:
        """What happens to checked rows of a table before they may be written."""
        if name == "identifiers":
            return self._tokenised
        if name == "requests":
            sketcher = _LazySketcher(self.tokens.derived_key("phrases"))
            return lambda table: self._sketched(table, sketcher)
        return lambda table: table

    def _tokenised(self, table: pa.Table) -> pa.Table:
        kinds = pc.utf8_lower(pc.utf8_trim_whitespace(table.column("kind")))
        values = self.tokens.identifier_column(kinds, table.column("value"))
        return _set(_set(table, "kind", kinds), "value", values)

    def _sketched(self, table: pa.Table, sketcher: _LazySketcher) -> pa.Table:
        ips = table.column("ip")
        prompts = table.column("prompt").combine_chunks()
        sketch = sketcher.sketch(prompts)
        template = pc.coalesce(sketch.template, table.column("prompt_hash"))
        addresses, subnets = self.tokens.address_columns(ips)
        table = _set(_set(table, "ip", addresses), "subnet", subnets)
        table = _set(table, "template", template)
        table = _set(table, "phrases", sketch.phrases)
        table = _set(table, "prompt_chars", sketch.chars)
        table = _set(table, "capabilities", sketch.capabilities)
        return table if self.keep_prompts else _set(table, "prompt", pa.nulls(table.num_rows, pa.string()))

    def _profile(self, spec: TableSpec, parsed: Parsed, relation: str) -> Staged:
        """Count rows, set-aside rows and values; find columns that are wrong more often than right."""
        self.progress(f"checking {spec.name}", None)
        names = [c for c in self._types(relation) if c not in _ROW]
        counts = ", ".join(f'count("{c}")' for c in names)
        found = self.con.execute(f"SELECT _code, count(*), {counts} FROM {relation} GROUP BY _code").fetchall()
        rows = sum(r[1] for r in found)
        by_code = {r[0]: r[1] for r in found if r[0] is not None}
        good = next((dict(zip(names, r[2:], strict=True)) for r in found if r[0] is None), {})
        filled = frozenset(n for n, count in good.items() if count)
        problems = []
        for column in {c.column: None for c in parsed.checks}:
            codes = [i for i, c in enumerate(parsed.checks, 1) if c.column == column]
            wrong = [i for i in codes if not parsed.checks[i - 1].missing]
            missing = [i for i in codes if parsed.checks[i - 1].missing]
            bad = sum(by_code.get(i, 0) for i in wrong)
            present = rows - sum(by_code.get(i, 0) for i in missing)
            if column in names:
                at = names.index(column)
                present = sum(r[2 + at] if r[0] not in wrong else r[1] for r in found)
            if bad and bad * 2 > present:
                problems.append(self._first(spec, relation, wrong, bad, present))
            elif rows and missing and sum(by_code.get(i, 0) for i in missing) == rows:
                problems.append(f"{spec.name}: column `{column}` has no value in any of {rows:,} rows; it is required.")
        return Staged(spec.name, relation, rows, sum(by_code.values()), filled, tuple(problems))

    def _mostly_readable(self, staged: Staged, where: str) -> Staged:
        """A text file of which most lines are no rows is not what its name says."""
        sql = f"SELECT _file, _row, _reason, count(*) OVER () FROM {staged.relation} WHERE _code = {_UNREADABLE} "
        found = self.con.execute(f"{sql} ORDER BY _file, _row LIMIT 1").fetchall() if staged.set_aside else []
        if not found or found[0][3] * 2 <= staged.rows:
            return staged
        file, row, reason, bad = found[0]
        problem = f"{place(where, file, row)} {reason}. So are {bad:,} of {staged.rows:,} rows: wrong kind of file?"
        return replace(staged, problems=(*staged.problems, problem))

    def _first(self, spec: TableSpec, relation: str, codes: list[int], bad: int, present: int) -> str:
        listed = ", ".join(map(str, codes))
        found = self.con.execute(
            f"SELECT _file, _row, _column, _value, _reason FROM {relation} WHERE _code IN ({listed}) "
            "ORDER BY _file, _row LIMIT 1"
        ).fetchall()
        file, row, column, value, reason = found[0]
        return (
            f"{place(spec.name, file, row)}: `{column}` is {value!r}, which {reason}. "
            f"So are {bad:,} of its {present:,} values: the column has the wrong type."
        )


def _ahead(
    pool: ThreadPoolExecutor, depth: int, work: Callable[[pa.Table], pa.Table], items: Iterator[pa.Table]
) -> Iterator[pa.Table]:
    """``map(work, items)`` in order, with at most ``depth`` items in the air, so that memory stays bounded."""
    waiting: deque[Future[pa.Table]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def place(table: str, file: str | None, row: int | None) -> str:
    """Where a row is, for messages."""
    return f"{file or table}" + (f" row {row:,}" if row is not None else "")


def _wrong(spec: TableSpec, where: str, parsed: Parsed) -> Staged:
    return Staged(spec.name, "", 0, 0, frozenset(), tuple(f"{where}: {w}" for w in parsed.wrong_types))


def _names(files: tuple[Path, ...]) -> str:
    return files[0].name if len(files) == 1 else f"{files[0].parent.name}/ ({len(files)} files)"


def _scan_parquet(spec: TableSpec, files: tuple[Path, ...]) -> str:
    """The contract columns of Parquet files that have them, with ``_file`` and ``_row``; others are not looked at."""
    present = {name.lower() for file in files for name in pq.read_schema(file).names}
    columns = ", ".join(f'"{c}"' for c in spec.names if c in present)
    path = "_path"
    while path in present:  # the engine adds this column; a file may have one of that name
        path += "_"
    row = "NULL::BIGINT" if "file_row_number" in present else "file_row_number + 1"
    listed = ", ".join(quote(str(f)) for f in files)
    return (
        f"(SELECT {columns}, parse_filename({path}) AS _file, {row} AS _row FROM read_parquet([{listed}], "
        f"filename = '{path}', union_by_name = true, hive_partitioning = false, binary_as_string = true))"
    )


def _text_rows(files: tuple[Path, ...]) -> int:
    """Rows of a batch whose prompts take about ``TEXT_BATCH_BYTES``; the engine works in steps of 2,048."""
    rows, size = 1, 0
    for file in files:
        meta = pq.read_metadata(file)
        rows += meta.num_rows
        at = meta.schema.names.index("prompt") if "prompt" in meta.schema.names else None
        for group in range(meta.num_row_groups) if at is not None else ():
            size += meta.row_group(group).column(at).total_uncompressed_size
    return max(2_048, min(BATCH_ROWS, rows * TEXT_BATCH_BYTES // max(size, 1)) // 2_048 * 2_048)


def _checked_sql(spec: TableSpec, parsed: Parsed, types: dict[str, str], relation: str) -> str:
    """Contract columns with contract types, and what is wrong with the row, if anything."""
    values = ", ".join(f'{sql} AS "{name}"' for name, sql in parsed.values.items())
    bad = "_bad" in types
    code = f"CASE WHEN _bad IS NOT NULL THEN {_UNREADABLE} ELSE {parsed.code} END" if bad else parsed.code
    row = ", ".join(f"{name} AS {name}" if name in types else f"NULL AS {name}" for name in ("_file", "_row"))
    reader_column = "_bad_column" if "_bad_column" in types else "NULL"

    def pick(own: str, texts: list[str]) -> str:
        cases = " ".join(f"WHEN {i} THEN {text}" for i, text in enumerate(texts, 1))
        return f"CASE _code WHEN {_UNREADABLE} THEN {own} {cases} END"

    column = pick(reader_column, [quote(c.column) for c in parsed.checks])
    value = pick("NULL", [c.raw for c in parsed.checks])
    reason = pick("_bad" if bad else "NULL", [quote(c.reason) for c in parsed.checks])
    return (
        f"SELECT {values}, {row}, _code, {column} AS _column, {value} AS _value, {reason} AS _reason "
        f"FROM (SELECT *, ({code})::INTEGER AS _code FROM {relation})"
    )


def _set(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.append_column(name, values) if at < 0 else table.set_column(at, name, values)
