"""A published run with one cluster of incident scale: 20,000 accounts, 13 million requests in sums, no requests behind.

    python benchmarks/big_run.py HOME [--accounts N]

Seeded: the same arguments give the same tables. Groups of a few hundred accounts share cards, devices, subnets and
templates of their own; a few subnets and one template tie groups together, so that dropping them takes it apart.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from stillwatch.config import settings
from stillwatch.domain import Capability, Hypothesis
from stillwatch.warehouse import runs
from stillwatch.warehouse.run_schema import RUN_TABLES
from stillwatch.warehouse.runs import Run

AS_OF = datetime(2026, 2, 20)
BIG, SECOND = "C-b16b16", "C-5ec0de"
REQUESTS = 13_000_000
GROUP = 420
"""Accounts of a group, about."""


def publish(home: Path, accounts: int = 20_000, run_id: str = "R-20260220-000000-b16b", seed: int = 11) -> Run:
    """Publish the run in a home; it is the current one afterwards."""
    rng = np.random.default_rng(seed)
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in RUN_TABLES}
    for rank, (cluster, size, total) in enumerate(((BIG, accounts, REQUESTS), (SECOND, 60, 9_000)), start=1):
        for name, frame in _cluster(rng, cluster, rank, size, total).items():
            frames[name].append(frame)
    tables = {n: _arrow(n, pd.concat(f, ignore_index=True)) for n, f in frames.items() if f}
    ids = tables["accounts"]["account_id"]
    tables["signals"] = pa.table({"account_id": ids, "idle_hours": pa.array(rng.random(len(ids)))})
    manifest = {
        "created_at": AS_OF.isoformat(), "as_of": AS_OF.isoformat(), "code_version": "bench", "table_versions": {},
        "parameters": {}, "seed": seed, "counts": {"clusters": 2, "accounts": len(ids)}, "blind": [], "seconds": 1.0,
        "model_id": None,
    }  # fmt: skip
    return runs.publish(settings(home).runs, run_id, tables, manifest)


def _arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    spec = RUN_TABLES[name]
    columns = [
        pa.Array.from_pandas(frame[c.name], type=c.arrow, safe=False)
        if c.name in frame
        else pa.nulls(len(frame), c.arrow)
        for c in spec.columns
    ]
    return pa.Table.from_arrays(columns, schema=spec.schema)


def _cluster(rng: np.random.Generator, cluster: str, rank: int, size: int, total: int) -> dict[str, pd.DataFrame]:
    groups = max(2, size // GROUP)
    group = np.sort(np.minimum((rng.random(size) ** 1.3 * groups).astype(int), groups - 1))
    ids = np.array([f"acct_{rank}{i:06d}" for i in range(size)], dtype=object)
    weight = rng.pareto(1.6, size) + 0.3
    requests = np.maximum(1, (weight / weight.sum() * total).astype(np.int64))
    first = AS_OF - pd.to_timedelta(rng.integers(20, 30, size), unit="D")
    accounts = pd.DataFrame(
        {
            "account_id": ids, "cluster_id": cluster, "role": np.where(rng.random(size) < 0.8, "core", "fringe"),
            "score": np.clip(0.97 - 0.3 * rng.random(size) ** 2, 0.05, 0.99), "requests": requests,
            "input_tokens": requests * 900, "output_tokens": requests * 1500, "first_seen": first,
            "last_seen": AS_OF - pd.to_timedelta(rng.integers(1, 200, size), unit="h"),
            "active_days": rng.integers(4, 20, size), "created_at": first - pd.Timedelta(days=3),
            "plan": rng.choice(["free", "pro"], size), "channel": "first_party", "known": True,
            "status": np.where(rng.random(size) < 0.03, "banned", "active"),
            "reasons": [["shares a card with 4 other owners in this cluster"]] * size, "against": [[]] * size,
        }
    )  # fmt: skip
    accounts["base_score"] = accounts["score"]
    links = _links(rng, cluster, ids, group, groups)
    nodes = _nodes(rng, cluster, ids, group, groups, links)
    kinds = ["template", "payment", "network", "device", "session"]
    reasons = pd.DataFrame(
        [
            {
                "cluster_id": cluster, "kind": k, "bits": 180.0 - 32 * i, "values": 40 + i, "outside": 3 * i,
                "text": f"{40 + i} {k} values, each used by 2 or more separate owners among these accounts "
                f"({size // (i + 2):,} of {size:,} accounts); chance would give {i + 0.4} such ties",
                "innocent": "a firm that pays for several accounts", "accounts": size // (i + 2), "p_value": 1e-9,
            }
            for i, k in enumerate(kinds)
        ]
    )  # fmt: skip
    row = {
        "cluster_id": cluster, "rank": rank, "tier": "alarm", "size": size, "core_size": int(size * 0.8),
        "score": 0.97 - 0.1 * rank, "base_score": 0.97 - 0.1 * rank, "requests": int(requests.sum()),
        "input_tokens": int(requests.sum() * 900), "output_tokens": int(requests.sum() * 1500),
        "first_seen": first.min(), "last_seen": AS_OF, "kinds": kinds, "reasons": list(reasons["text"]),
        "against": ["3 % of its accounts pay by invoice"], "title": "The same rare phrases and shared cards",
        "stability": 0.93, "daily": rng.poisson(total / 30, 30).tolist(), "lineage": "new", "blind": [],
    }  # fmt: skip
    return {
        "accounts": accounts,
        "clusters": pd.DataFrame([row]),
        "reasons": reasons,
        "links": links,
        "nodes": nodes,
        **_content(rng, cluster, size, int(requests.sum()), min(groups, 40)),
    }


def _links(
    rng: np.random.Generator, cluster: str, ids: np.ndarray[Any, Any], group: np.ndarray[Any, Any], groups: int
) -> pd.DataFrame:
    """About three links an account: rare values inside a group, a few common ones across neighbouring groups."""
    parts = []
    for kind, per_value, share in (
        ("payment", 9, 0.8), ("device", 6, 0.55), ("network", 60, 0.7), ("template", 200, 0.85), ("session", 3, 0.1),
    ):  # fmt: skip
        use = np.flatnonzero(rng.random(len(ids)) < share)
        values = np.array([f"{g}_{v}" for g, v in zip(group[use], rng.integers(0, GROUP // per_value, len(use)),
                                                      strict=True)])  # fmt: skip
        parts.append(pd.DataFrame({"row": use, "kind": kind, "value": values}))
    for k in range(groups - 1):  # a subnet between neighbours: what a bridge looks like
        ends = np.concatenate([rng.choice(np.flatnonzero(group == g), 2, replace=False) for g in (k, k + 1)])
        parts.append(pd.DataFrame({"row": ends, "kind": "network", "value": f"between_{k}"}))
    links = pd.concat(parts, ignore_index=True).drop_duplicates()
    links["value"] = links["kind"].str[:3] + "_" + links["value"]
    links["sharers"] = links.groupby("value")["row"].transform("size")
    links = links[links["sharers"] > 1].reset_index(drop=True)
    n = len(links)
    return links.assign(
        cluster_id=cluster, account_id=ids[links["row"]], bits=np.round(np.log2(1_000_000 / links["sharers"]), 2),
        uses=rng.integers(1, 60, n), first_seen=AS_OF - timedelta(days=20), last_seen=AS_OF - timedelta(days=1),
    ).drop(columns="row")  # fmt: skip


def _nodes(
    rng: np.random.Generator, cluster: str, ids: np.ndarray[Any, Any], group: np.ndarray[Any, Any], groups: int,
    links: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Groups on a spiral, members on a disc around each, values where their members are."""
    g = np.arange(groups)
    centre = np.stack([np.cos(g * 2.39996), np.sin(g * 2.39996)], 1) * np.sqrt((g + 0.5) / groups)[:, None] * (700, 390)
    angle, far = rng.random(len(ids)) * 6.2832, np.sqrt(rng.random(len(ids))) * 620 / np.sqrt(groups)
    x = centre[group, 0] + far * np.cos(angle)
    y = centre[group, 1] + far * np.sin(angle) * 0.62
    people = pd.DataFrame({"node_id": ids, "kind": "account", "label": ids, "x": x, "y": y, "group": group})
    people["degree"] = people["node_id"].map(links["account_id"].value_counts()).fillna(0).astype("int64")
    place = people.set_index("node_id")[["x", "y", "group"]]
    spots = links.join(place, on="account_id")
    hubs = spots.groupby(["kind", "value"], as_index=False).agg(
        x=("x", "mean"), y=("y", "mean"), degree=("account_id", "size"), group=("group", "min")
    )
    hubs = hubs.assign(node_id=hubs["kind"] + ":" + hubs["value"], label=hubs["kind"] + " " + hubs["value"])
    columns = ["node_id", "kind", "label", "x", "y", "degree", "group"]
    both = pd.concat([people[columns], hubs[columns]], ignore_index=True)
    return both.assign(cluster_id=cluster, x=both["x"].round(2), y=both["y"].round(2))


def _content(rng: np.random.Generator, cluster: str, size: int, total: int, groups: int) -> dict[str, pd.DataFrame]:
    begin = AS_OF - timedelta(days=30)
    lanes = {
        "group": [f"group {i + 1}" for i in range(groups)], "model": ["aurora-2", "aurora-3"],
        "capability": ["reasoning", "coding", "tools", "grading"], "template": [f"T-{i:04x}" for i in range(8)],
    }  # fmt: skip
    cells = []
    for kind, names in lanes.items():
        wave = rng.dirichlet(np.full(len(names) * 120, 0.7)).reshape(len(names), 120)
        grid = (wave * total).astype(np.int64)
        lane, bin_ = np.nonzero(grid)
        cells.append(
            pd.DataFrame(
                {
                    "cluster_id": cluster, "lane_kind": kind, "lane": np.array(names, dtype=object)[lane],
                    "bin": begin + pd.to_timedelta(bin_ * 6, unit="h"), "hours": 6, "requests": grid[lane, bin_],
                    "tokens": grid[lane, bin_] * 2400, "accounts": np.minimum(grid[lane, bin_], size),
                }
            )
        )  # fmt: skip
    shares = rng.dirichlet(np.ones(8))
    names = list(Capability)[:6]
    return {
        "timeline": pd.concat(cells, ignore_index=True),
        "markers": pd.DataFrame(
            [
                {"cluster_id": cluster, "at": AS_OF - timedelta(days=8), "kind": "enforcement",
                 "text": "600 accounts were banned", "accounts": 600.0},
                {"cluster_id": None, "at": AS_OF - timedelta(days=14), "kind": "release",
                 "text": "aurora-3 was released", "accounts": None},
            ]
        ),
        "templates": pd.DataFrame(
            [
                {"cluster_id": cluster, "template": f"T-{i:04x}", "accounts": int(size * s) + 2, "outside": i,
                 "requests": int(total * s), "share": s, "capabilities": ["reasoning"], "first_seen": begin,
                 "last_seen": AS_OF}
                for i, s in enumerate(shares)
            ]
        ),
        "capabilities": pd.DataFrame(
            [
                {"cluster_id": cluster, "capability": c.value, "requests": int(total * s), "tokens": int(total * s * 9),
                 "share": s, "benign_share": 0.1}
                for c, s in zip(names, rng.dirichlet(np.ones(6)), strict=True)
            ]
        ),
        "hypotheses": pd.DataFrame(
            [
                {"cluster_id": cluster, "hypothesis": h.name, "fit": max(0.9 - 0.2 * i, 0.05),
                 "speaks_for": ["cards are shared across owners"], "speaks_against": []}
                for i, h in enumerate(Hypothesis)
            ]
        ),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--accounts", type=int, default=20_000)
    options = parser.parse_args()
    print(publish(options.home, options.accounts).folder)


if __name__ == "__main__":
    main()
