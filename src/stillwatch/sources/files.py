"""Reading foreign files record by record, in bounded memory, with errors that name file and line.

A record that cannot be read is handed on as ``Bad``, so that the import can set it aside with its reason. A file
that cannot be trusted as a whole (a gzip that ends early, a line that never ends, a broken Parquet) raises
``SourceError``: nothing of the source is loaded then.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import SourceError

Record = dict[str, Any]

MAX_LINE = 64 * 1024 * 1024
"""Longest line, and longest CSV cell, in bytes. One request with a million tokens of text takes about 8 MB."""
MAX_DOCUMENT = 64 * 1024 * 1024
"""Largest JSON document that is not one record a line; it has to be held in memory whole."""
_BATCH = 50_000
_PEEK = 1024 * 1024

csv.field_size_limit(MAX_LINE)


@dataclass(frozen=True)
class Bad:
    """A record that cannot be read, and why, in words for a person."""

    reason: str
    column: str | None = None
    """The column to blame, or null for the whole record."""


def kind_of(path: Path) -> str:
    """``jsonl``, ``json``, ``csv``, ``parquet``, ``rda`` or ``""``, by the file's name (``.gz`` is looked through)."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    kinds = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "csv", ".log": "jsonl"}
    return kinds.get(last) or {".parquet": "parquet", ".pq": "parquet", ".rda": "rda", ".rdata": "rda"}.get(last, "")


def belongs(file: Path) -> bool:
    """Whether a file of a folder may be read at all: truth is opened by evaluation alone, dot files by nobody."""
    return not file.name.lower().startswith((".", "truth"))


def files_in(path: Path) -> list[Path]:
    """The file itself, or the readable files of a folder (not of folders below it), in name order.

    Raises:
        SourceError: nothing is there.
    """
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.is_file() and belongs(p))
        if not found:
            raise SourceError(f"{path} is an empty folder. Give the folder that holds the logs, or one file of them.")
        return found
    if not path.exists():
        raise SourceError(f"{path} does not exist. Give a file, or a folder of files.")
    return [path]


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what reading a broken file raises into one ``SourceError``."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as e:
        raise SourceError(
            f"{path}: the gzip stream is cut off or broken ({e}). Nothing was loaded; copy it again."
        ) from e
    except pa.ArrowInvalid as e:
        raise SourceError(f"{path}: not a readable Parquet file ({e}). Nothing was loaded; copy it again.") from e
    except OSError as e:
        raise SourceError(f"{path}: cannot be read ({e.strerror or e}). Nothing was loaded.") from e


def _open(path: Path) -> BinaryIO:
    raw = path.open("rb")
    packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20) if packed else raw  # type: ignore[arg-type]


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines of a file that may be gzipped, with their number (first = 1), blank ones and a leading BOM left out.

    Raises:
        SourceError: unreadable, or a line is longer than ``MAX_LINE``.
    """
    with readable(path), _open(path) as stream:
        number = 0
        while line := stream.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise SourceError(
                    f"{path} line {number} is longer than {MAX_LINE >> 20} MB. One line holds one record; "
                    "is this the right file? Nothing was loaded."
                )
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.isspace():
                yield number, line


def json_records(path: Path, exact: frozenset[str] | None = None) -> Iterator[tuple[int, Record | Bad]]:
    """JSON objects of a file: one a line, or one document that is an object or an array of objects.

    Text that is no Unicode (other bytes than UTF-8, half of a surrogate pair) cannot hide a record: a client may have
    chosen it. It is repaired, with the bytes in view so that different text stays different.

    Args:
        path: the file.
        exact: names of values that are not repaired: the record is handed on as ``Bad``, which blames the value. All
            others then get the usual replacement character.

    Yields:
        Number (line, or place in the array; first = 1) and the object, or why it is none. A line that holds an
        array yields each of its objects.

    Raises:
        SourceError: unreadable; a document that is not one record a line is larger than ``MAX_DOCUMENT``.
    """
    if _is_document(path):
        yield from _document(path)
        return
    for number, line in lines(path):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as e:
            value = _repaired(line, exact)
            if value is None:
                yield number, Bad(f"not JSON: {e.msg}")
                continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict | Bad):
                yield number, item
            else:
                yield number, Bad(f"a JSON {type(item).__name__}; want an object")


def _repaired(line: bytes, exact: frozenset[str] | None) -> Any:
    """What a line says whose text is no Unicode; null when that is not what is wrong with it."""
    try:
        line.decode()
        if b"\\ud" not in line.lower():
            return None
    except UnicodeDecodeError:
        pass
    try:
        value = json.loads(line.decode("utf-8", "surrogateescape"), parse_constant=_refused, parse_int=_whole)
        items = [_mended(item, exact) for item in value] if isinstance(value, list) else _mended(value, exact)
    except (ValueError, RecursionError):
        return None
    return items


def _refused(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _whole(digits: str) -> int | float:
    """A whole number as the fast parser reads it: one that does not fit 64 bits is a float."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(digits)


def _mended(item: Any, exact: frozenset[str] | None) -> Any:
    """A value with all its text repaired, or ``Bad`` when one of the ``exact`` would have to be."""
    if exact and isinstance(item, dict):
        for name in exact & item.keys():
            if not _is_unicode(item[name]):
                return Bad("not UTF-8 text", name)
    return _mend(item, "backslashreplace" if exact is None else "replace")


def _is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _mend(value: Any, errors: str) -> Any:
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape").decode("utf-8", errors)
        except UnicodeEncodeError:  # half of a surrogate pair, which is no byte of the file
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_mend(item, errors) for item in value]
    if isinstance(value, dict):
        return {_mend(name, errors): _mend(item, errors) for name, item in value.items()}
    return value


def _is_document(path: Path) -> bool:
    """Whether a file holds one JSON document over several lines: its first line opens something and says no more."""
    with readable(path), _open(path) as stream:
        head = stream.read(_PEEK).removeprefix(b"\xef\xbb\xbf").lstrip()
    first, newline, _rest = head.partition(b"\n")
    if not newline or first[:1] not in (b"{", b"["):
        return False
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return first.rstrip()[-1:] in (b"{", b"[", b",", b":")
    return False


def _document(path: Path) -> Iterator[tuple[int, Record | Bad]]:
    with readable(path), _open(path) as stream:
        whole = stream.read(MAX_DOCUMENT + 1)
    if len(whole) > MAX_DOCUMENT:
        raise SourceError(
            f"{path} is one JSON document of more than {MAX_DOCUMENT >> 20} MB. "
            "Write it as one record a line (for example with: jq -c '.[]')."
        )
    try:
        value = orjson.loads(whole.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as e:
        raise SourceError(f"{path}: not valid JSON ({e.msg}, line {e.lineno}). Nothing was loaded.") from e
    for number, item in enumerate(value if isinstance(value, list) else [value], start=1):
        yield number, item if isinstance(item, dict) else Bad(f"a JSON {type(item).__name__}; want an object")


def csv_header(path: Path, delimiter: str = ",") -> list[str]:
    """Column names of a CSV; empty when the file is."""
    with readable(path):
        return next(csv.reader(_text(path), delimiter=delimiter), [])


def _text(path: Path) -> Iterator[str]:
    # A byte that is not UTF-8 keeps its value in view instead of ending the import or colliding with another one.
    for _number, line in lines(path):
        yield line.decode("utf-8", errors="backslashreplace")


def csv_records(path: Path, delimiter: str = ",") -> Iterator[tuple[int, Record | Bad]]:
    """Rows of a CSV with a header, all values text; the first row below the header is 1.

    Raises:
        SourceError: unreadable, no header, a column name twice, or a quote that is never closed.
    """
    rows = csv.reader(_text(path), delimiter=delimiter)
    header = next(rows, [])
    if not header:
        raise SourceError(f"{path} is empty; want a CSV with a header line.")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise SourceError(f"{path}: column {twice[0]!r} occurs twice in the header. Nothing was loaded.")
    number = 0
    while True:
        try:
            row = next(rows, None)
        except csv.Error as e:
            raise SourceError(f"{path} line {rows.line_num}: {e}. Is a quote left open? Nothing was loaded.") from e
        if row is None:
            return
        number += 1
        if len(row) == len(header):
            yield number, dict(zip(header, row, strict=True))
        else:
            yield number, Bad(f"{len(row)} cells; the header has {len(header)}")


def parquet_records(path: Path, columns: Iterable[str] | None = None) -> Iterator[tuple[int, Record | Bad]]:
    """Rows of a Parquet file as Python values; the first row is 1.

    Raises:
        SourceError: unreadable.
    """
    with readable(path):
        file = pq.ParquetFile(path)
        wanted = None if columns is None else [c for c in columns if c in file.schema_arrow.names]
        number = 0
        for batch in file.iter_batches(batch_size=_BATCH, columns=wanted):
            for row in batch.to_pylist():
                number += 1
                yield number, row


def rda_records(path: Path) -> Iterator[tuple[int, Record | Bad]]:
    """Rows of the one data frame in an R data file; the first row is 1. Needs the package ``rdata`` (MIT).

    Raises:
        SourceError: unreadable, not exactly one data frame, or the package is not installed.
    """
    try:
        import pandas as pd
        import rdata
    except ImportError as e:
        raise SourceError(
            f"{path}: reading R data needs the Python package rdata: pip install rdata. Or write it as CSV in R: "
            f'load("{path.name}"); write.csv(NAME, "table.csv", row.names=FALSE, na="")'
        ) from e
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = rdata.read_rda(path)
    except Exception as e:
        # A parser of a foreign binary format has no error of its own to catch; whatever it raises means the same.
        raise SourceError(f"{path}: not a readable R data file ({type(e).__name__}: {e}). Nothing was loaded.") from e
    frames = [frame for frame in found.values() if isinstance(frame, pd.DataFrame)]
    if len(frames) != 1:
        raise SourceError(f"{path} holds {', '.join(found) or 'nothing'}; want exactly one data frame in a file.")
    number = 0
    for batch in pa.Table.from_pandas(frames[0], preserve_index=False).to_batches(max_chunksize=_BATCH):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def columns_of(path: Path, delimiter: str = ",") -> list[str]:
    """Column names of a table file, or the keys of the first object of a JSON file; empty when there are none."""
    kind = kind_of(path)
    if kind == "parquet":
        with readable(path):
            return list(pq.read_schema(path).names)
    if kind == "csv":
        return csv_header(path, delimiter)
    if kind in ("jsonl", "json"):
        first = next((record for _n, record in json_records(path) if isinstance(record, dict)), {})
        return list(first)
    return []


def records(
    path: Path, delimiter: str = ",", columns: Iterable[str] | None = None
) -> Iterator[tuple[int, Record | Bad]]:
    """Records of a CSV, JSON, JSON lines, Parquet or R data file, by its name.

    Args:
        path: the file.
        delimiter: of a CSV.
        columns: the ones that are needed; Parquet reads no others.

    Raises:
        SourceError: unreadable, or none of these.
    """
    kind = kind_of(path)
    if kind == "parquet":
        return parquet_records(path, columns)
    if kind == "rda":
        return rda_records(path)
    if kind == "csv":
        return csv_records(path, delimiter)
    if kind in ("jsonl", "json"):
        return json_records(path)
    raise SourceError(f"{path}: unknown kind of file; want .csv, .jsonl, .json, .parquet (.gz allowed) or .rda.")
