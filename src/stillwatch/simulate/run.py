"""``simulate``: build the plan of a world, then write it out as a contract data set."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain import Progress, TableSpec, no_progress
from stillwatch.errors import InputError
from stillwatch.simulate import authors, campaigns, enforcement, hardcases, lookalikes, ordinary
from stillwatch.simulate.emit import Emitter
from stillwatch.simulate.networks import Networks
from stillwatch.simulate.scenarios import SCENARIOS, Scenario
from stillwatch.simulate.tokens import Namer
from stillwatch.simulate.world import DAY, Release, World
from stillwatch.sources.contract import ACCOUNTS, IDENTIFIERS, MODELS, REQUESTS, TRUTH

LAST_DAY = np.datetime64("2026-10-31")
"""Every world ends on this day."""
_PART_ROWS = 2_000_000


@dataclass(frozen=True)
class SimulationReport:
    """What was written."""

    scenario: str
    scale: float
    seed: int
    out: Path
    rows: dict[str, int]
    campaigns: dict[str, int]
    """Campaign -> accounts."""
    archetypes: dict[str, int]
    """Archetype or look-alike -> accounts."""
    seconds: float
    rows_per_second: float
    features: dict[str, float] = field(default_factory=dict)
    """Single simple feature -> AUC of campaign against the rest (0.5 tells nothing); empty without a campaign."""

    @property
    def best_feature(self) -> tuple[str, float] | None:
        """The feature that alone tells most, and its AUC."""
        return max(self.features.items(), key=lambda kv: kv[1]) if self.features else None

    def __str__(self) -> str:
        """What was written, in a few lines for people."""
        members = sum(self.campaigns.values())
        lines = [
            f"{self.scenario}, scale {self.scale:g}, seed {self.seed}: "
            + ", ".join(f"{n:,} {table}" for table, n in self.rows.items()),
            f"{members:,} accounts in {len(self.campaigns)} campaigns, {len(self.archetypes)} kinds of account",
        ]
        if self.best_feature:
            name, auc = self.best_feature
            lines.append(f"best single feature: {name}, AUC {auc:.3f} (0.5 tells nothing, 1 gives the answer away)")
        lines.append(f"{self.rows_per_second:,.0f} requests a second. Next: stillwatch import {self.out}")
        return "\n".join(lines)


def simulate(
    scenario: str, *, scale: float = 1.0, seed: int = 0, out: Path, progress: Progress = no_progress
) -> SimulationReport:
    """Write the named world as contract Parquet under ``out``.

    Same scenario, scale and seed: same bytes. Raises InputError for an unknown scenario, a scale that is not positive,
    or a folder that already holds something else.
    """
    if scenario not in SCENARIOS:
        raise InputError(f"there is no scenario {scenario!r}; choose one of: {', '.join(SCENARIOS)}")
    if not 0 < scale <= 100:
        raise InputError(f"the scale is {scale:g}; want a number above 0 and at most 100")
    spec = SCENARIOS[scenario]
    began = time.perf_counter()
    progress("planning the world", 0.0)
    world = plan(spec, scale, seed)
    rows, features = write(world, spec, out, progress)
    accounts = world.accounts()
    seconds = time.perf_counter() - began
    names, sizes = np.unique(accounts["campaign"][accounts["campaign"] != ""], return_counts=True)
    kinds, counts = np.unique(accounts["archetype"], return_counts=True)
    progress("done", 1.0)
    return SimulationReport(
        scenario=scenario,
        scale=scale,
        seed=seed,
        out=out,
        rows=rows,
        campaigns={str(k): int(v) for k, v in zip(names, sizes, strict=True)},
        archetypes={str(k): int(v) for k, v in zip(kinds, counts, strict=True)},
        seconds=seconds,
        rows_per_second=rows["requests"] / seconds,
        features=features,
    )


def plan(spec: Scenario, scale: float, seed: int) -> World:
    """The whole world as arrays; nothing is written."""
    n = max(150, round(spec.accounts * scale))
    rng = np.random.default_rng([seed, 1])
    world = World(
        seed=seed,
        size=n,
        first_day=LAST_DAY - np.timedelta64(spec.days - 1, "D"),
        days=spec.days,
        mean_requests=spec.mean_requests,
        brevity=spec.brevity,
        campaign_load=spec.campaign_load,
        releases=_releases(spec, rng),
        text=authors.new_textbook(rng),
        networks=Networks(np.random.default_rng([seed, 2])),
        rng=rng,
    )
    for number, (archetype, share) in enumerate(spec.campaigns):
        campaigns.BUILDERS[archetype](world, number, max(5, round(share * n)))
    for kind in lookalikes.BUILDERS.values():
        _groups(world, kind, max(3, round(spec.lookalikes * kind.share * n)), rng)
    ordinary.everyday(world, max(10, n - world.n_accounts))
    enforcement.apply(world)
    hardcases.apply(world, spec.lacks)
    return world


def _groups(world: World, kind: lookalikes.LookAlike, accounts: int, rng: np.random.Generator) -> None:
    """Groups of uneven size until there are that many accounts of the kind."""
    number = 0
    while accounts > 0:
        low, high = np.log([kind.smallest, kind.largest + 1])
        size = int(np.exp(rng.uniform(low, high)))
        if accounts - size < kind.smallest:
            size = accounts
        kind.build(world, number, size)
        accounts -= size
        number += 1


def _releases(spec: Scenario, rng: np.random.Generator) -> tuple[Release, ...]:
    first, second = rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8)
    return (
        Release("aster-2", -260.0, True),
        Release("aster-mini", -190.0, False),
        Release("aster-3", -75.0, True),
        Release("aster-3.5", round(first * spec.days) + 0.6, True),
        Release("aster-mini-2", round((first + second) / 2 * spec.days) + 0.6, False),
        Release("aster-4", round(second * spec.days) + 0.7, True),
    )


def write(world: World, spec: Scenario, out: Path, progress: Progress) -> tuple[dict[str, int], dict[str, float]]:
    """All tables; the number of rows of each, and what single features give away."""
    out.mkdir(parents=True, exist_ok=True)
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
        "truth": (TRUTH, [ids, words(a["campaign"]), words(a["archetype"])]),
        "models": (
            MODELS,
            [pa.array([r.name for r in world.releases]), when(released)],
        ),
    }  # fmt: skip
    rows = {}
    for table, (spec_, columns) in tables.items():
        made = pa.table(columns, schema=spec_.schema)
        if table != "models":
            made = made.take(pa.array(order))
        pq.write_table(made, out / f"{table}.parquet", compression="zstd", compression_level=9)
        rows[table] = made.num_rows
    if "identifiers" not in spec.lacks:
        made = _identifiers(world, ids, name, when)
        pq.write_table(made, out / "identifiers.parquet", compression="zstd", compression_level=9)
        rows["identifiers"] = made.num_rows
    emitter = Emitter(world, ids, compact=spec.compact)
    rows["requests"] = _requests(emitter, spec, out, progress)
    progress("testing what single columns give away", None)
    return rows, emitter.watch.auc()


def _identifiers(world: World, ids: pa.Array, name: Namer, when: Any) -> pa.Table:
    accounts = world.accounts()
    rng = np.random.default_rng([world.seed, 4])
    parts = []
    for kind, (rows, codes) in world.seen_with().items():
        first = accounts["created"][rows] + (rng.exponential(0.02, len(rows)) * 86_400_000_000).astype(np.int64)
        last = np.maximum(first, (rng.uniform(0, world.days, len(rows)) * 86_400_000_000).astype(np.int64))
        parts.append((rows, pa.array([kind] * len(rows)), name.tokens(codes, kind[:3], 10), first, last))
    rows = np.concatenate([p[0] for p in parts])
    order = rng.permutation(len(rows))
    table = pa.table(
        [
            ids.take(pa.array(rows)),
            pa.concat_arrays([p[1] for p in parts]),
            pa.concat_arrays([p[2] for p in parts]),
            when(np.concatenate([p[3] for p in parts])),
            when(np.concatenate([p[4] for p in parts])),
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
