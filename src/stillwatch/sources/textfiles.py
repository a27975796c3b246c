"""CSV and JSON lines of contract tables as batches of text, in bounded memory whatever the file holds.

Nothing is interpreted here beyond rows and fields. A line that cannot be a row comes back with the reason in ``_bad``
(too few or too many fields, not JSON, not UTF-8 in a required column), so that import can set it aside.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from stillwatch.domain import TableSpec
from stillwatch.errors import SourceError
from stillwatch.sources.files import Bad, json_records, readable

MAX_LINE = 16 * 1024 * 1024
"""Longest row of a CSV in bytes: the block that is held in memory."""
BATCH_ROWS = 20_000
BATCH_BYTES = 32 * 1024 * 1024
MAX_RAGGED = 1_000_000
SAMPLE = 200
DELIMITERS = (",", ";", "\t", "|")


def text_batches(spec: TableSpec, files: tuple[Path, ...], format: str) -> Iterator[pa.RecordBatch]:
    """Rows of CSV or JSON lines files: every contract column as text, and the ``ROW_COLUMNS``.

    Raises:
        SourceError: a file is damaged, or is not what its name says.
    """
    for path in files:
        yield from csv_batches(spec, path) if format == "csv" else jsonl_batches(spec, path)


def csv_header(path: Path, known: frozenset[str]) -> tuple[list[str], str]:
    """Column names of a CSV file and its delimiter: the one that finds most of the ``known`` columns."""
    with readable(path), _open(path) as file:
        line = file.readline(1 << 20)
    if not line.strip():
        raise SourceError(f"{path.name} is empty; want a header line with column names.")
    if len(line) >= 1 << 20 or b"\0" in line:
        raise SourceError(f"{path.name}: the first line is no CSV header (it is over-long or holds NUL bytes).")
    text = line.decode("utf-8-sig", "replace").strip("\r\n")
    split = {d: [n.strip().strip('"').strip() for n in text.split(d)] for d in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda d: len(known.intersection(split[d])))
    names = split[delimiter]
    for name in names:
        if name in known and names.count(name) > 1:
            raise SourceError(f"{path.name}: the header names column `{name}` twice.")
    return names, delimiter


def jsonl_keys(path: Path) -> list[str]:
    """Keys of the first objects of a JSON lines file, in the order of their appearance."""
    keys: dict[str, None] = {}
    for seen, (_number, record) in enumerate(json_records(path)):
        if seen >= SAMPLE:
            break
        if not isinstance(record, Bad):
            keys.update(dict.fromkeys(record))
    return list(keys)


def csv_batches(spec: TableSpec, path: Path) -> Iterator[pa.RecordBatch]:
    """Rows of a CSV file with a header."""
    names, delimiter = csv_header(path, frozenset(spec.names))
    wanted = [n for n in spec.names if n in names]
    ragged: list[int] = []
    reasons: list[str] = []

    def set_aside(row: Any) -> str:
        if len(ragged) >= MAX_RAGGED:
            return "error"
        ragged.append(row.number - 1)  # the header is row 1 for the parser
        reasons.append(f"has {row.actual_columns} fields; the header has {row.expected_columns}")
        return "skip"

    unique = [n if n in wanted else f"\0{i}" for i, n in enumerate(names)]  # unknown columns may repeat
    read = pyarrow.csv.ReadOptions(use_threads=False, block_size=MAX_LINE, column_names=unique, skip_rows=1)
    parse = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_aside)
    convert = pyarrow.csv.ConvertOptions(
        column_types={n: pa.binary() for n in wanted},
        include_columns=wanted,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        check_utf8=False,
    )
    good = 0
    with readable(path):
        try:
            for batch in pyarrow.csv.open_csv(_stream(path), read, parse, convert):
                numbers = np.arange(good, good + batch.num_rows)
                before = np.searchsorted(
                    np.asarray(ragged, dtype=np.int64) - 1 - np.arange(len(ragged)), numbers, "right"
                )
                good += batch.num_rows
                yield _text_batch(spec, path.name, batch, pa.array(numbers + before + 1, pa.int64()))
        except pa.ArrowInvalid as e:
            if "skip initial" not in str(e):  # a header and nothing else, not even a line end: no rows
                raise SourceError(_csv_trouble(path.name, good, str(e))) from e
    if ragged:
        yield _rows(spec, path.name, wanted, [{}] * len(ragged), ragged, reasons)


def jsonl_batches(spec: TableSpec, path: Path) -> Iterator[pa.RecordBatch]:
    """Objects of a JSON lines file; ``_row`` is the line. Nested values come as their JSON text."""
    required = frozenset(c.name for c in spec.columns if c.required)
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    bad: list[str | None] = []
    blamed: list[str | None] = []
    held = 0
    for number, record in json_records(path, required):
        numbers.append(number)
        broken = isinstance(record, Bad)
        records.append({} if isinstance(record, Bad) else record)
        bad.append(f"is {record.reason}" if isinstance(record, Bad) else None)
        blamed.append(record.column if isinstance(record, Bad) else None)
        prompt = None if broken else records[-1].get("prompt")
        held += len(prompt) if isinstance(prompt, str) else 0
        if len(records) >= BATCH_ROWS or held > BATCH_BYTES:
            yield _rows(spec, path.name, list(spec.names), records, numbers, bad, blamed)
            records, numbers, bad, blamed, held = [], [], [], [], 0
    if records:
        yield _rows(spec, path.name, list(spec.names), records, numbers, bad, blamed)


def _stream(path: Path) -> pa.NativeFile:
    """A file for the parser, which reads ahead in a thread of its own.

    That thread may outlive an import that gave up, so nothing of Python stands between it and the file: a thread that
    waits for an interpreter which is shutting down ends the process. For the same reason nobody closes it: the last
    holder does, when the thread is done.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    return pa.input_stream(str(path), compression="gzip" if packed else None)


def _open(path: Path) -> BinaryIO:
    raw = path.open("rb")
    packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20) if packed else raw  # type: ignore[arg-type]


def _rows(
    spec: TableSpec,
    file: str,
    columns: list[str],
    records: list[dict[str, Any]],
    numbers: list[int],
    bad: list[str] | list[str | None],
    blamed: list[str | None] | None = None,
) -> pa.RecordBatch:
    made = {c: pa.array([_text(r.get(c)) for r in records], pa.string()) for c in columns}
    return _batch(
        spec,
        file,
        made,
        pa.array(numbers, pa.int64()),
        pa.array(bad, pa.string()),
        None if blamed is None else pa.array(blamed, pa.string()),
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _text_batch(spec: TableSpec, file: str, batch: pa.RecordBatch, numbers: pa.Array) -> pa.RecordBatch:
    """Bytes to text. Optional text that is not UTF-8 is repaired (a client chose it); a required value is not."""
    made: dict[str, pa.Array] = {}
    bad: list[str | None] | None = None
    blamed: list[str | None] = [None] * batch.num_rows
    for name in batch.schema.names:
        column = batch.column(name)
        try:
            made[name] = pc.cast(column, pa.string())
        except pa.ArrowInvalid:
            values = column.to_pylist()
            made[name] = pa.array([None if v is None else v.decode("utf-8", "replace") for v in values], pa.string())
            if spec.column(name).required:
                bad = bad or [None] * batch.num_rows
                for i, value in enumerate(values):
                    if value is not None and bad[i] is None and not _is_utf8(value):
                        bad[i], blamed[i] = "is not UTF-8 text", name
    reasons = pa.nulls(batch.num_rows, pa.string()) if bad is None else pa.array(bad, pa.string())
    return _batch(spec, file, made, numbers, reasons, pa.array(blamed, pa.string()))


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _batch(
    spec: TableSpec, file: str, made: dict[str, pa.Array], numbers: pa.Array, bad: pa.Array, blamed: pa.Array | None
) -> pa.RecordBatch:
    """One batch with every contract column, so that files of one table may differ in their columns."""
    rows = len(numbers)
    arrays = [made[c] if c in made else pa.nulls(rows, pa.string()) for c in spec.names]
    arrays += [pa.repeat(file, rows), numbers, bad, pa.nulls(rows, pa.string()) if blamed is None else blamed]
    return pa.RecordBatch.from_arrays(arrays, [*spec.names, "_file", "_row", "_bad", "_bad_column"])


def _csv_trouble(name: str, good: int, text: str) -> str:
    if "straddl" in text:
        return (
            f"{name}: the row after row {good:,} is longer than {MAX_LINE >> 20} MB; is a quote left open there? "
            "Nothing was loaded."
        )
    return f"{name}: cannot be read as CSV after row {good:,} ({text.splitlines()[0]}). Nothing was loaded."
