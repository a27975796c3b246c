"""The warehouse as readers see it: Delta tables pinned to one published snapshot.

``warehouse/SNAPSHOT.json`` names one Delta version per table. A writer commits its tables one after the other and
then replaces that file in one step, so a reader sees all tables before an import or all tables after it. Versions
that the snapshot does not name do not exist for readers.

DuckDB reads the data files itself: ``deltalake`` says which files a version has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from threading import Lock, local
from typing import Any

import duckdb
import ibis
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from stillwatch.config import Settings
from stillwatch.domain import TableSpec
from stillwatch.errors import StoreError
from stillwatch.warehouse.schema import PARTITION, WAREHOUSE

SNAPSHOT = "SNAPSHOT.json"
_DUCKDB_TYPE = {
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "list<string>": "VARCHAR[]",
    "list<int32>": "INTEGER[]",
    "list<double>": "DOUBLE[]",
}


def duckdb_type(column_type: str) -> str:
    """DuckDB's name of a ``domain.ColumnType``."""
    return _DUCKDB_TYPE[column_type]


@dataclass(frozen=True)
class Snapshot:
    """The published state: Delta version of each table that has data, and the key its tokens were made with."""

    versions: dict[str, int] = field(default_factory=dict)
    key_id: str | None = None
    published_at: datetime | None = None

    @classmethod
    def read(cls, folder: Path) -> Snapshot:
        """Snapshot of a warehouse folder; empty when nothing was ever published."""
        try:
            raw = json.loads((folder / SNAPSHOT).read_text())
            return cls(
                {name: int(version) for name, version in raw["versions"].items() if name in WAREHOUSE},
                raw["key_id"],
                datetime.fromisoformat(raw["published_at"]),
            )
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            raise StoreError(f"{folder / SNAPSHOT} cannot be read ({e}); restore it from a backup of the home.") from e


class Warehouse:
    """One reader's view, fixed when opened. Threads may share it: each gets a connection of its own.

    An Ibis expression belongs to the thread that made it.
    """

    def __init__(self, settings: Settings, snapshot: Snapshot) -> None:
        self.settings = settings
        self.snapshot = snapshot
        self._made: set[str] = set()
        self._lock = Lock()
        self._own = local()

    @classmethod
    def open(cls, settings: Settings) -> Warehouse:
        """The state published last; an empty one when nothing was imported yet."""
        return cls(settings, Snapshot.read(settings.warehouse))

    @property
    def versions(self) -> dict[str, int]:
        """Delta version of each table that has data; what a run or a bundle was computed from."""
        return dict(self.snapshot.versions)

    @property
    def empty(self) -> bool:
        """Whether nothing was ever imported."""
        return not self.snapshot.versions

    def files(self, name: str) -> list[str]:
        """Absolute paths of the data files of a table, in path order; ``StoreError`` when the log is damaged."""
        version = self.snapshot.versions.get(name)
        if version is None:
            return []
        folder = self.settings.warehouse / name
        try:
            table = DeltaTable(str(folder), version=version)
            return sorted(str(folder / p) for p in table.get_add_actions(flatten=True).column("path").to_pylist())
        except (DeltaError, OSError) as e:
            raise StoreError(
                f"table {name} of {self.settings.warehouse} cannot be opened at version {version} "
                f"({first_line(e)}); restore it from a backup of the home."
            ) from e

    @cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect(config={"threads": self.settings.threads, "memory_limit": f"{self.settings.memory_gb}GB"})
        con.execute("SET GLOBAL TimeZone = 'UTC'")
        return con

    def spill_into(self, folder: Path, memory_gb: float) -> None:
        """Give the engine so much memory; what does not fit goes into a folder, which the caller removes."""
        self._engine.execute(f"SET temp_directory = {quote(str(folder))}")
        self._engine.execute(f"SET memory_limit = '{memory_gb}GB'")

    def backend(self) -> Any:
        """This thread's Ibis backend: one DuckDB in this process, in memory, on which the tables live.

        An engine that is busy with one thread refuses another on the same connection, so each has a cursor.
        """
        if not hasattr(self._own, "backend"):
            with self._lock:
                cursor = self._engine.cursor()
            cursor.execute("SET enable_progress_bar = false")
            self._own.backend = ibis.duckdb.from_connection(cursor)
        return self._own.backend

    def part(self, name: str, files: list[str]) -> Any:
        """The Ibis table ``name`` as if it had some of its data files only."""
        spec = WAREHOUSE[name]
        view = f"{name}_{sha256(chr(10).join(files).encode()).hexdigest()[:12]}"
        with self._lock:
            self._engine.execute(f'CREATE OR REPLACE VIEW "{view}" AS {scan_sql(spec, files)}')
        return self.backend().table(view)

    def table(self, name: str) -> Any:
        """An Ibis table with the columns of ``warehouse/schema.py``; typed and empty when nothing was imported."""
        spec = WAREHOUSE[name]
        with self._lock:
            if name not in self._made:
                try:
                    self._engine.execute(f'CREATE OR REPLACE VIEW "{name}" AS {scan_sql(spec, self.files(name))}')
                except duckdb.Error as e:
                    raise StoreError(
                        f"table {name} of {self.settings.warehouse} cannot be read ({first_line(e)}). "
                        "`stillwatch doctor` looks at everything; a data file that is gone or damaged comes back from "
                        "a backup of the home."
                    ) from e
                self._made.add(name)
        return self.backend().table(name)


def scan_sql(spec: TableSpec, files: list[str]) -> str:
    """DuckDB SQL that reads a warehouse table from its files."""
    if not files:
        empty = ", ".join(f'NULL::{duckdb_type(c.type)} AS "{c.name}"' for c in spec.columns)
        return f"SELECT {empty} WHERE false"
    listed = ", ".join(quote(f) for f in files)
    part = PARTITION.get(spec.name)
    hive = f"hive_partitioning = true, hive_types = {{'{part}': DATE}}" if part else "hive_partitioning = false"
    columns = ", ".join(f'"{c.name}"' for c in spec.columns)
    return f"SELECT {columns} FROM read_parquet([{listed}], {hive})"


def first_line(e: BaseException) -> str:
    """What an error of a library says; the lines below the first are its inner workings."""
    return (str(e).splitlines() or [type(e).__name__])[0]


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
