"""A planned world written as contract Parquet: accounts, truth, models, identifiers, requests."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain import Progress, TableSpec
from stillwatch.errors import InputError
from stillwatch.simulate.emit import Emitter
from stillwatch.simulate.scenarios import Scenario
from stillwatch.simulate.tokens import Namer
from stillwatch.simulate.world import DAY, World
from stillwatch.sources.contract import ACCOUNTS, IDENTIFIERS, MODELS, REQUESTS, TRUTH

_PART_ROWS = 2_000_000
"""Requests beyond which they become a folder with one file a day."""
_OURS = ("accounts", "requests", "identifiers", "models", "truth")


def clear(out: Path) -> None:
    """Make the folder, or take an earlier world out of it. InputError when it holds anything else."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; want a folder to write to")
    out.mkdir(parents=True, exist_ok=True)
    ours = {out / "requests", *(out / f"{name}.parquet" for name in _OURS)}
    strange = sorted(p.name for p in out.iterdir() if p not in ours and p.name != "README.md")
    if strange:
        raise InputError(f"{out} already holds something else ({strange[0]}); choose an empty folder")
    for path in ours:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write(world: World, spec: Scenario, out: Path, progress: Progress) -> tuple[dict[str, int], dict[str, float]]:
    """All tables; the number of rows of each, and what single features give away."""
    accounts = world.accounts()
    n = world.n_accounts
    name = Namer(world.seed, compact=spec.compact)
    order = np.random.default_rng([world.seed, 3]).permutation(n)
    ids = name.tokens(np.arange(n), "acct", 12)
    start = world.first_day.astype("datetime64[us]").astype(np.int64)

    def when(micros: Any, missing: Any = None) -> pa.Array:
        return pa.array(
            (start + micros // 1_000_000 * 1_000_000).astype("datetime64[us]"), pa.timestamp("us"), mask=missing
        )

    def words(values: Any) -> pa.Array:
        return pa.array(values.astype(object), pa.string(), mask=values == "")

    a = accounts
    released = np.array([int(r.day * 24) for r in world.releases]) * (DAY // 24)
    tables: dict[str, tuple[TableSpec, list[pa.Array]]] = {
        "accounts": (
            ACCOUNTS,
            [
                ids, when(a["created"]), name.tokens(np.where(a["org"] < 0, -(1 << 62), a["org"]), "org", 8),
                words(a["plan"]), words(a["channel"]), words(a["domain"]), words(a["country"]),
                words(a["verification"]), words(a["status"]), when(a["status_at"], a["status_at"] < 0),
            ],
        ),
        "models": (
            MODELS,
            [pa.array([r.name for r in world.releases]), when(released)],
        ),
    }  # fmt: skip
    rows = {}

    def put(table: str, spec_: TableSpec, columns: list[pa.Array]) -> None:
        made = pa.table(columns, schema=spec_.schema)
        if table != "models":
            made = made.take(pa.array(order))
        pq.write_table(made, out / f"{table}.parquet", compression="zstd", compression_level=9)
        rows[table] = made.num_rows

    for table, (spec_, columns) in tables.items():
        put(table, spec_, columns)
    if "identifiers" not in spec.lacks:
        made = _identifiers(world, ids, name, when, hours=spec.compact)
        pq.write_table(made, out / "identifiers.parquet", compression="zstd", compression_level=9)
        rows["identifiers"] = made.num_rows
    emitter = Emitter(world, ids, compact=spec.compact)
    rows["requests"] = _requests(emitter, spec, out, progress)
    put("truth", TRUTH, [ids, words(a["campaign"]), words(a["archetype"]), *map(pa.array, emitter.taken)])
    progress("testing what single columns give away", None)
    return rows, emitter.watch.auc()


def _identifiers(world: World, ids: pa.Array, name: Namer, when: Any, *, hours: bool) -> pa.Table:
    accounts = world.accounts()
    rng = np.random.default_rng([world.seed, 4])
    parts = []
    for kind, (rows, codes) in world.seen_with().items():
        first = accounts["created"][rows] + (rng.exponential(0.02, len(rows)) * 86_400_000_000).astype(np.int64)
        last = np.maximum(first, (rng.uniform(0, world.days, len(rows)) * 86_400_000_000).astype(np.int64))
        parts.append((rows, pa.array([kind] * len(rows)), name.tokens(codes, kind[:3], 10), first, last))
    rows = np.concatenate([p[0] for p in parts])
    step = DAY // 24 if hours else np.int64(1)
    order = rng.permutation(len(rows))
    table = pa.table(
        [
            ids.take(pa.array(rows)),
            pa.concat_arrays([p[1] for p in parts]),
            pa.concat_arrays([p[2] for p in parts]),
            when(np.concatenate([p[3] for p in parts]) // step * step),
            when(np.concatenate([p[4] for p in parts]) // step * step),
        ],
        schema=IDENTIFIERS.schema,
    )
    return table.take(pa.array(order))


def _encoding(spec: Scenario) -> dict[str, Any]:
    """Parquet options: fast, or for the committed sample as small as can be (one page per column)."""
    if not spec.compact:
        return {"compression": "zstd", "compression_level": 3}
    plain = {"request_id": "DELTA_BYTE_ARRAY", "ts": "DELTA_BINARY_PACKED", "prompt": "PLAIN"}
    return {
        "compression": "zstd",
        "compression_level": 19,
        "use_dictionary": [c for c in REQUESTS.names if c not in plain],
        "column_encoding": plain,
        "data_page_size": 1 << 26,
    }


def _requests(emitter: Emitter, spec: Scenario, out: Path, progress: Progress) -> int:
    total = max(1, emitter.total)
    single = total <= _PART_ROWS
    folder = out / "requests"
    if not single:
        folder.mkdir(exist_ok=True)
    writer: pq.ParquetWriter | None = None
    done = 0
    held: list[pa.Table] = []
    for day, tables in emitter.days():
        if single:
            held += tables
            done += sum(t.num_rows for t in tables)
            progress("writing requests", min(1.0, done / total))
            continue
        for table in tables:
            if writer is None:
                path = folder / f"day-{day:03d}.parquet"
                writer = pq.ParquetWriter(path, table.schema, **_encoding(spec))
            writer.write_table(table)
            done += table.num_rows
        if writer is not None:
            writer.close()
            writer = None
        progress("writing requests", min(1.0, done / total))
    if single:
        whole = pa.concat_tables(held) if held else REQUESTS.schema.empty_table()
        pq.write_table(whole, out / "requests.parquet", **_encoding(spec))
    return done
