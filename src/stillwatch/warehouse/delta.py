"""Writing Delta tables: files made by DuckDB, committed as add actions, published together by one snapshot file.

Order of an import: data files into ``warehouse/.staging``, rename into the table folders, one Delta commit per
table, replace ``SNAPSHOT.json``. Whatever is interrupted before the last step is undone by ``recover`` at the start
of the next writer: uncommitted files are removed and unpublished commits are reverted, so the last good state stands.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from stillwatch.domain import TableSpec
from stillwatch.errors import StoreError
from stillwatch.warehouse.schema import PARTITION, WAREHOUSE
from stillwatch.warehouse.store import SNAPSHOT, Snapshot, first_line

STAGING = ".staging"
SMALL_FILES = 16
"""A partition with this many small files is rewritten as one file."""
SMALL_BYTES = 32 * 1024 * 1024
LOOK_UP = "DICTIONARY_SIZE_LIMIT 122880, STRING_DICTIONARY_PAGE_SIZE_LIMIT 8000000"
"""DuckDB adds a Bloom filter where it makes a dictionary: for as many values as a row group has rows, so that one
conversation among forty million requests is found in some ten milliseconds. Prompt text is longer and stays without."""
_KEEP_LOG = {"delta.logRetentionDuration": "interval 36500 days"}  # evidence names old versions


@dataclass(frozen=True)
class DataFile:
    """One Parquet file that lies in staging; ``path`` is relative to the table."""

    path: str
    size: int
    rows: int
    partition: dict[str, str | None]
    stats: str


def write(con: duckdb.DuckDBPyConnection, sql: str, spec: TableSpec, staging: Path, stem: str) -> list[DataFile]:
    """Run a query with the columns of ``spec`` and write its rows under ``staging/<table>``; no rows, no file."""
    folder = staging / spec.name
    folder.mkdir(parents=True, exist_ok=True)
    part = PARTITION.get(spec.name)
    options = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, RETURN_STATS"
    if part:
        target = folder
        options += f", {LOOK_UP}, PARTITION_BY ({part}), FILENAME_PATTERN '{stem}-{{uuid}}', OVERWRITE_OR_IGNORE"
    else:
        target = folder / f"{stem}-{uuid.uuid4().hex[:8]}.parquet"
    rows = con.execute(f"COPY ({sql}) TO '{_escaped(target)}' ({options})").fetchall()
    found = []
    for name, count, size, _footer, columns, keys, *_ in rows:
        path = Path(name).relative_to(folder).as_posix()
        if count:
            found.append(DataFile(path, int(size), int(count), dict(keys or {}), _stats(spec, int(count), columns)))
    return found


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")


def _stats(spec: TableSpec, rows: int, columns: dict[str, dict[str, str]]) -> str:
    """Delta's file statistics from DuckDB's: exact minima and maxima of times, numbers and short text."""
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for column in spec.columns:
        own = columns.get(f'"{column.name}"')
        if own is None or column.type.startswith("list"):
            continue
        if "null_count" in own:
            nulls[column.name] = int(own["null_count"])
        if own.get("min_is_exact") != "true" or own.get("max_is_exact") != "true":
            continue
        a, b = own["min"], own["max"]
        if column.type == "timestamp":
            low[column.name], high[column.name] = a.replace(" ", "T"), b.replace(" ", "T")
        elif column.type in ("int32", "int64"):
            low[column.name], high[column.name] = int(a), int(b)
        elif column.type == "string" and len(a) <= 64 and len(b) <= 64:
            low[column.name], high[column.name] = a, b
    return json.dumps({"numRecords": rows, "minValues": low, "maxValues": high, "nullCount": nulls})


def commit(
    warehouse: Path,
    spec: TableSpec,
    staging: Path,
    files: list[DataFile],
    mode: Literal["append", "overwrite"],
    import_id: str,
) -> int:
    """Move the files into the table and commit them; returns the new version. Nothing is visible to readers yet."""
    folder = warehouse / spec.name
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(staging / spec.name / file.path, target)
        _sync(target)
    now = int(time.time() * 1000)
    adds = [AddAction(f.path, f.size, f.partition, now, True, f.stats) for f in files]
    schema = Schema.from_arrow(spec.schema)
    part = [PARTITION[spec.name]] if spec.name in PARTITION else []
    about = CommitProperties(custom_metadata={"import_id": import_id})
    if (folder / "_delta_log").exists():
        table = DeltaTable(str(folder))
        table.create_write_transaction(adds, mode, schema, part or None, commit_properties=about)
        table.update_incremental()
    else:
        create_table_with_add_actions(
            str(folder), schema, adds, "overwrite", part or None,
            name=spec.name, configuration=_KEEP_LOG, commit_properties=about,
        )  # fmt: skip
        table = DeltaTable(str(folder))
    return _compact(table, spec)


def _compact(table: DeltaTable, spec: TableSpec) -> int:
    """Merge small files, so that many small imports do not become many thousand files; returns the version."""
    small: dict[str | None, int] = {}
    part = PARTITION.get(spec.name)
    actions = table.get_add_actions(flatten=True)
    days = actions.column(f"partition.{part}").to_pylist() if part else [None] * actions.num_rows
    for day, size in zip(days, actions.column("size_bytes").to_pylist(), strict=True):
        small[day] = small.get(day, 0) + (size < SMALL_BYTES)
    crowded = [day for day, count in small.items() if count >= SMALL_FILES]
    if crowded:
        chosen = [(part, "in", [str(day) for day in crowded])] if part else None
        table.optimize.compact(partition_filters=chosen)
    return int(table.version())


def publish(warehouse: Path, snapshot: Snapshot) -> None:
    """Make a snapshot the one that readers see, in one atomic step."""
    note = {
        "versions": snapshot.versions,
        "key_id": snapshot.key_id,
        "published_at": datetime.now(UTC).replace(tzinfo=None).isoformat(),
    }
    draft = warehouse / f".{SNAPSHOT}.{uuid.uuid4().hex[:8]}"
    with draft.open("w") as out:
        json.dump(note, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    for name, version in snapshot.versions.items():
        _sync(warehouse / name / "_delta_log" / f"{version:020}.json")
    os.replace(draft, warehouse / SNAPSHOT)
    _sync(warehouse)


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk, so that a power cut cannot undo what was published."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # an old log entry may have been folded into a checkpoint
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def recover(warehouse: Path) -> bool:
    """Undo what an interrupted writer left behind; call only under the home's lock. True when there was something."""
    snapshot = Snapshot.read(warehouse)
    staging = warehouse / STAGING
    dirty = staging.exists()
    for draft in warehouse.glob(f".{SNAPSHOT}.*"):
        draft.unlink(missing_ok=True)
    versions = dict(snapshot.versions)
    try:
        for name in WAREHOUSE:
            folder = warehouse / name
            if not folder.exists():
                continue
            if name not in versions:
                shutil.rmtree(folder)
                dirty = True
            elif (table := DeltaTable(str(folder))).version() > versions[name]:
                table.restore(versions[name])
                versions[name] = table.version()
                dirty = True
        if versions != snapshot.versions:
            publish(warehouse, replace(snapshot, versions=versions))  # same rows under a new version number
        if dirty:
            for name, version in versions.items():
                _sweep(warehouse / name, version)
    except (DeltaError, OSError) as e:
        raise StoreError(
            f"the warehouse {warehouse} cannot be brought back to its last state ({first_line(e)})."
        ) from e
    shutil.rmtree(staging, ignore_errors=True)
    return dirty


def _sweep(folder: Path, pinned: int) -> None:
    """Remove data files that no published version names."""
    named: set[Path] = {
        folder / p for p in DeltaTable(str(folder)).get_add_actions(flatten=True).column("path").to_pylist()
    }
    for log in (folder / "_delta_log").glob("*.json"):
        if log.stem.isdigit() and int(log.stem) <= pinned:
            named.update(folder / p for p in _added(log.read_text().splitlines()))
    for file in folder.rglob("*.parquet"):
        if file not in named and "_delta_log" not in file.parts:
            file.unlink()


def _added(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        action = json.loads(line)
        if "add" in action:
            yield action["add"]["path"]
