"""A short-lived place on disk where a reader gathers translated rows before it hands them on.

Logs tell one request in several places: a proxy's callback and its database, a span and its parent that is exported
later, an access log and an application log. A spool keeps what was read as compressed Parquet and joins it with
DuckDB (which spills), so memory stays bounded whatever the size of the logs, and a source that breaks half-way is
found out before anything is handed to the import. The folder is readable by its owner only and is removed when the
batches were taken, or by the next reader when a process died in between.

Prompts, addresses and identifiers never reach the disk in clear, nor what the engine spills: such columns are
``SEALED`` before they are written and opened in memory when they are handed on. The cipher is AES-SIV (RFC 5297) with a
key that is made for each spool and lives in this process alone. It gives equal text equal bytes, so that sealed
columns can still be compared, grouped and joined.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from stillwatch.errors import SourceError

SEALED = pa.binary()
"""Type of a sheet's column of text that is sealed while it is on the disk; it goes in and comes out as text."""
_PREFIX = "stillwatch-spool-"
_ROWS = 10_000
_BATCH = 50_000
_TEXT = 64 * 1024 * 1024
_MEMORY = "1GB"
_WHERE = {"_file": pa.string(), "_row": pa.int64(), "_bad": pa.string(), "_bad_column": pa.string()}


class Sheet:
    """One table of a spool while it is written: row after row, on disk every 10,000 rows or 64 MB of prompts."""

    def __init__(self, path: Path, schema: pa.Schema, cipher: AESSIV) -> None:
        self.name = path.stem
        self._cipher = cipher
        self.schema = schema
        self.rows = 0
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._held: list[tuple[Any, ...]] = []
        self._text = 0

    def add(self, row: tuple[Any, ...], length: int = 0) -> None:
        """Append a row: one value a column, in the order of the schema.

        Args:
            row: the values; those of ``SEALED`` columns as text.
            length: characters of its long text, if it has any.
        """
        self._held.append(row)
        self._text += length
        self.rows += 1
        if len(self._held) == _ROWS or self._text > _TEXT:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            columns = zip(*self._held, strict=True)
            arrays = [
                _seal(column, self._cipher) if field.type == SEALED else pa.array(column, field.type)
                for column, field in zip(columns, self.schema, strict=True)
            ]
            self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        self._held, self._text = [], 0

    def close(self) -> None:
        self._flush()
        self._writer.close()


class Spool:
    """Sheets of one read, then Ibis tables over them. Used as a context, or closed by the last batch taken."""

    def __init__(self) -> None:
        _sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        handle = _claim(self.folder)
        if handle is None:
            raise SourceError(f"{self.folder} was taken away while it was made. Try again.")
        self._cipher = AESSIV(AESSIV.generate_key(256))
        self._sheets: dict[str, Sheet] = {}
        self._parts = 0
        self._remove = weakref.finalize(self, _remove, str(self.folder), handle)
        self._engine = ibis.duckdb.connect(memory_limit=_MEMORY, temp_directory=str(self.folder / "spill"))

    def sheet(self, name: str, columns: dict[str, pa.DataType]) -> Sheet:
        """A new table. Columns that say where a row came from (``_file``, ``_row``, ``_bad``) are added."""
        made = Sheet(self.folder / f"{name}.parquet", pa.schema({**columns, **_WHERE}), self._cipher)
        self._sheets[name] = made
        return made

    @property
    def names(self) -> frozenset[str]:
        """Names of all sheets so far."""
        return frozenset(self._sheets)

    def table(self, name: str) -> ibis.Table:
        """What was written to a sheet; it is closed by this."""
        sheet = self._sheets[name]
        path = self.folder / f"{name}.parquet"
        sheet.close()
        return self._engine.read_parquet(path, table_name=name)

    def keep(self, name: str, expr: ibis.Table) -> ibis.Table:
        """Carry an expression out once and keep its rows, so that several questions can be asked of them."""
        path = self.folder / f"{name}.parquet"
        self._carry_out(expr, path)
        return self._engine.read_parquet(path, table_name=name)

    def count(self, expr: ibis.Table) -> dict[str, Any]:
        """The first row of an expression, as a dictionary."""
        return dict(self._engine.to_pyarrow(expr).to_pylist()[0])

    def batches(self, expr: ibis.Table, schema: pa.Schema | None) -> Iterator[pa.RecordBatch]:
        """Rows of an expression, sealed columns as text again, cast to a schema if one is given.

        The spool lives as long as any of its iterators.
        """
        self._parts += 1
        path = self.folder / f"out-{self._parts}.parquet"
        self._carry_out(expr, path)
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                opened = _opened(batch, self._cipher)
                yield opened if schema is None else opened.cast(schema)
        path.unlink()

    def _carry_out(self, expr: ibis.Table, path: Path) -> None:
        try:
            expr.to_parquet(path)
        except (duckdb.OutOfMemoryException, duckdb.IOException) as e:
            raise SourceError(
                f"joining the rows of this source ran out of memory or of room in {self.folder.parent} ({e}). "
                "Give TMPDIR a folder with more room, or import the logs in parts, such as day by day."
            ) from e

    def close(self) -> None:
        """Remove everything at once."""
        self._engine.disconnect()
        self._remove()


def _seal(values: Sequence[str | None], cipher: AESSIV) -> pa.Array:
    """Text as ``SEALED``; a value that repeats is sealed once."""
    found = pa.array(values, pa.string()).dictionary_encode()
    clear = found.dictionary.cast(pa.binary()).to_pylist()
    return pa.array([cipher.encrypt(value, None) for value in clear], SEALED).take(found.indices)


def _opened(batch: pa.RecordBatch, cipher: AESSIV) -> pa.RecordBatch:
    """The batch with text in place of what was sealed."""
    for i, name in enumerate(batch.schema.names):
        if batch.column(i).type == SEALED:
            found = batch.column(i).dictionary_encode()
            clear = [cipher.decrypt(value, None) for value in found.dictionary.to_pylist()]
            batch = batch.set_column(i, name, pa.array(clear, pa.binary()).cast(pa.string()).take(found.indices))
    return batch


def _claim(folder: Path) -> int | None:
    """The operating system's lock on a spool, which ends with the process that holds it; null if somebody has it."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _sweep() -> None:
    """Remove what readers left behind whose process is gone (killed in the middle of an import)."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            # A spool without a lock is being made at this moment.
            if not (folder / "lock").exists() or (handle := _claim(folder)) is None:
                continue
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _remove(folder: str, handle: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(handle)
