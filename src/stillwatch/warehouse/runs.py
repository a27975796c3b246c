"""Published runs: immutable folders, one of them current.

A run is written into a hidden folder beside the others, renamed into place, and made current by replacing the
one-line file ``CURRENT``. A reader sees the run before or the run after, never half of one.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import NothingYet, StoreError, UnknownTarget
from stillwatch.warehouse.run_schema import LATER_TABLES, RUN_TABLES


@dataclass(frozen=True)
class Run:
    """One published run; tables are read when asked for."""

    run_id: str
    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Facts about the run: run_id, created_at, as_of, code_version, table_versions, parameters, seed, counts,
        blind, seconds, model_id."""
        try:
            return dict(json.loads((self.folder / "manifest.json").read_text()))
        except (OSError, ValueError, TypeError) as e:
            raise StoreError(f"run {self.run_id} has no readable manifest ({e}); run `stillwatch detect` again.") from e

    def file(self, table: str) -> Path:
        """Path of one table, for engines that read Parquet themselves."""
        return self.folder / f"{table}.parquet"

    def has(self, table: str) -> bool:
        """Whether the run has a table: runs of an earlier version lack ``run_schema.LATER_TABLES``."""
        return self.file(table).exists()

    def arrow(self, table: str, *, filters: Any = None, columns: list[str] | None = None) -> pa.Table:
        """One table; ``filters`` as in ``pyarrow.parquet.read_table``, e.g. ``[("cluster_id", "=", "C-1")]``."""
        try:
            return pq.read_table(self.file(table), filters=filters, columns=columns)
        except (OSError, pa.ArrowInvalid) as e:
            raise StoreError(f"table {table} of run {self.run_id} cannot be read ({e}).") from e

    def frame(self, table: str, *, filters: Any = None, columns: list[str] | None = None) -> pd.DataFrame:
        """One table as pandas."""
        frame: pd.DataFrame = self.arrow(table, filters=filters, columns=columns).to_pandas()
        return frame


def publish(
    runs: Path,
    run_id: str,
    tables: dict[str, pa.Table],
    manifest: dict[str, Any],
    *,
    kept: Mapping[str, Path] = MappingProxyType({}),
) -> Run:
    """Write one run and make it current.

    ``tables`` holds every table of ``RUN_TABLES``; columns are cast to their schema, missing tables are an error.
    ``kept`` names files of an earlier run that stay as they are; ``LATER_TABLES`` may be missing from both.
    ``signals`` may carry more columns than its schema names. Tables are sorted by cluster where they have one, in
    small row groups, so that a page reads only its cluster.
    """
    missing = set(RUN_TABLES) - set(tables) - set(kept) - LATER_TABLES
    if missing:
        raise ValueError(f"a run needs the tables {sorted(missing)} too")
    runs.mkdir(parents=True, exist_ok=True)
    draft = runs / f".draft-{run_id}-{uuid.uuid4().hex[:6]}"
    draft.mkdir()
    try:
        for name, source in kept.items():
            shutil.copyfile(source, draft / f"{name}.parquet")
        for name, spec in RUN_TABLES.items():
            if name not in tables:
                continue
            table = tables[name]
            if name != "signals":
                table = table.select(list(spec.names)).cast(spec.schema)
            if name != "clusters" and "cluster_id" in table.column_names:
                table = table.take(pc.sort_indices(table["cluster_id"]))  # stable: order inside a cluster stays
            pq.write_table(table, draft / f"{name}.parquet", compression="zstd", row_group_size=20_000)
        (draft / "manifest.json").write_text(json.dumps({**manifest, "run_id": run_id}, indent=1, default=str))
        target = runs / run_id
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    make_current(runs, run_id)
    return Run(run_id, target)


@contextmanager
def workroom(runs: Path) -> Iterator[Path]:
    """A hidden folder for what a run in the making cannot hold in memory; after a kill, ``sweep_drafts`` removes it."""
    room = runs / f".draft-room-{uuid.uuid4().hex[:6]}"
    room.mkdir(parents=True)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def make_current(runs: Path, run_id: str) -> None:
    """Publish a run that lies in its folder, in one atomic step."""
    note = runs / f".current-{uuid.uuid4().hex[:6]}"
    note.write_text(run_id + "\n")
    os.replace(note, runs / "CURRENT")


def current(runs: Path) -> Run:
    """The published run; ``NothingYet`` when there is none, ``StoreError`` when it is damaged or gone."""
    cure = "run `stillwatch detect` to publish a new one."
    try:
        run_id = (runs / "CURRENT").read_text().strip()
    except FileNotFoundError:
        raise NothingYet(
            "no detection run yet: run `stillwatch detect` (or press Run detection on the Data page)."
        ) from None
    except (OSError, UnicodeDecodeError) as e:
        raise StoreError(f"{runs / 'CURRENT'} cannot be read ({getattr(e, 'strerror', None) or e}); {cure}") from e
    try:
        return open_run(runs, run_id)
    except UnknownTarget:
        raise StoreError(f"the published run {run_id[:60]!a} is gone from {runs}; {cure}") from None


def open_run(runs: Path, run_id: str) -> Run:
    """A run by its id."""
    folder = runs / run_id
    if not run_id or "/" in run_id or run_id.startswith(".") or not folder.is_dir():
        raise UnknownTarget(f"there is no run {run_id[:60]!a} in {runs}.")
    return Run(run_id, folder)


def all_runs(runs: Path) -> list[Run]:
    """Every published run, oldest first."""
    return [Run(p.name, p) for p in sorted(runs.glob("R-*")) if p.is_dir()]


def sweep_drafts(runs: Path) -> None:
    """Remove what an interrupted run left behind; call only while holding the home's lock."""
    for p in runs.glob(".draft-*"):
        shutil.rmtree(p, ignore_errors=True)
    for p in runs.glob(".current-*"):
        p.unlink(missing_ok=True)
