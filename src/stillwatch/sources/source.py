"""What every reader hands to import: the tables of the telemetry contract, translated but not yet checked.

A reader decides what a file means; import alone checks rows, tokenises values and writes. So a reader never needs
to know the warehouse, and a new source is one module and one line in the registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

ROW_COLUMNS: dict[str, pa.DataType] = {
    "_file": pa.string(),
    "_row": pa.int64(),
    "_bad": pa.string(),
    "_bad_column": pa.string(),
}
"""Columns a reader may add to its batches, never stored as data.

``_file``: file name without folders; ``_row``: row in that file, the first data row is 1; ``_bad``: why this row
cannot be read (the row is set aside with this reason, its other values are not looked at), null for a good row;
``_bad_column``: the contract column to blame, or null for the whole row.
"""


@dataclass(frozen=True)
class FileTable:
    """A contract table that lies in files which need no translation."""

    name: str
    files: tuple[Path, ...]
    format: Literal["parquet", "csv", "jsonl"]


@dataclass(frozen=True)
class BatchTable:
    """A contract table that a reader translates while it is read, batch by batch (some 10,000 rows each is good).

    Batches hold contract columns only (``sources/contract.py``), missing ones left out, all batches with one schema,
    plus the ``ROW_COLUMNS``. Text as string; times as timestamp[us] naive UTC or as ISO 8601 text (with any offset);
    whole numbers as int64 or text. The iterator may raise ``SourceError``: nothing of the import is then kept.
    """

    name: str
    batches: Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class SourceData:
    """Everything one import takes from one place."""

    format: str
    """Name of the reader."""
    source: str
    """File or folder name as given, without parents."""
    tables: tuple[FileTable | BatchTable, ...]
    blind: tuple[str, ...] = ()
    """Signals that this kind of source can never feed, each with the reason, in words."""
    warnings: tuple[str, ...] = ()
    repeats: Literal["refuse", "skip"] = "refuse"
    """What a request_id that occurs twice in the source means: ``refuse`` the import (the contract), or ``skip`` the
    later row and count it as already known (logs that are delivered at least once)."""


class Reader(Protocol):
    """One kind of source; ``sources/registry.py`` lists them."""

    name: str
    """Word for ``--format``."""
    title: str
    """A few words for people."""

    def recognises(self, path: Path) -> bool:
        """Whether the file or folder looks like this source; quick, never raises for odd content."""
        ...

    def read(self, path: Path, mapping: Path | None) -> SourceData:
        """Open it; rows are read later, while the batches are taken. Raises ``SourceError``, ``MappingError``."""
        ...
