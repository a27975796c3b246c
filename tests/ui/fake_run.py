"""A small published run, made by hand: every run table filled, ids that attack. Seeded: same arguments, same run.

Pages must show such a run without a warehouse behind it; the sample world is tested elsewhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.domain import Capability, Hypothesis
from stillwatch.warehouse import runs
from stillwatch.warehouse.run_schema import RUN_TABLES
from stillwatch.warehouse.runs import Run

AS_OF = datetime(2026, 11, 20, 12)
HOSTILE = (
    "<script>window.__hacked=1</script>",
    "=cmd|'/c calc'!A1",
    "../../etc/passwd",
    "![x](http://198.51.100.9/p.png)",
    "[click](javascript:alert(1)) `code` $x$ :red[no]",
    "</style><img src=x onerror=window.__hacked=1>",
    "a" * 900,
)
KINDS = ("payment", "device", "network", "template", "session", "signup", "contact", "system")
MODELS = ("aurora-2", "aurora-2-mini", "aurora-3", "<b>aurora</b>")


def publish(
    home: Path, sizes: tuple[int, ...] = (220, 60, 24), run_id: str = "R-20261120-120000-fa4e", seed: int = 7
) -> Run:
    """Publish a run with clusters of these sizes and some accounts in no cluster."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in RUN_TABLES}
    for rank, size in enumerate(sizes, 1):
        _cluster(rng, rows, rank, size)
    for i in range(40):
        rows["accounts"].append(_account(rng, f"quiet_{i:04d}", None, None, 0.02 + 0.2 * float(rng.random())))
    rows["accounts"][-1]["account_id"] = "quiet <i>one</i>"
    for at, name in ((AS_OF - timedelta(days=12), "aurora-3"), (AS_OF - timedelta(days=33), MODELS[-1])):
        rows["markers"].append(
            {"cluster_id": None, "at": at, "kind": "release", "text": f"{name} released", "accounts": None}
        )
    for account in rows["accounts"]:
        rows["signals"].append({"account_id": account["account_id"]})
    tables = {n: pa.Table.from_pylist(r, schema=RUN_TABLES[n].schema) for n, r in rows.items()}
    signals = tables["signals"]
    for name in ("idle_hours", "ramp", "topic_entropy"):
        signals = signals.append_column(name, pa.array(rng.random(len(signals)), pa.float64()))
    tables["signals"] = signals
    return runs.publish(
        home / "runs",
        run_id,
        tables,
        {
            "created_at": AS_OF.isoformat(),
            "as_of": AS_OF.isoformat(),
            "code_version": "test",
            "table_versions": {},
            "parameters": {},
            "seed": seed,
            "counts": {"clusters": len(sizes), "accounts": len(rows["accounts"])},
            "blind": ["device: this source has no device identifiers"],
            "seconds": 1.0,
            "model_id": None,
        },
    )


def _account(
    rng: np.random.Generator, name: str, cluster: str | None, role: str | None, score: float
) -> dict[str, Any]:
    requests = int(rng.pareto(1.4) * 90 + 25)
    created = AS_OF - timedelta(days=int(rng.integers(20, 60)), minutes=int(rng.integers(0, 1440)))
    return {
        "account_id": name,
        "cluster_id": cluster,
        "role": role,
        "score": score,
        "base_score": score,
        "reasons": ["shares a payment card with 12 accounts", f"uses template <b>{name[:20]}</b>"] if cluster else [],
        "against": ["has a verified phone of its own"],
        "requests": requests,
        "input_tokens": requests * 900,
        "output_tokens": requests * 1700,
        "first_seen": created + timedelta(hours=2),
        "last_seen": AS_OF - timedelta(hours=int(rng.integers(1, 90))),
        "active_days": int(rng.integers(3, 20)),
        "created_at": created,
        "plan": str(rng.choice(["free", "pro", "edu"])),
        "channel": "first_party",
        "org_id": None,
        "status": "banned" if rng.random() < 0.05 else "active",
        "status_at": None,
        "owner": None,
        "known": True,
    }


def _cluster(rng: np.random.Generator, rows: dict[str, list[dict[str, Any]]], rank: int, size: int) -> None:
    cid = f"C-{0xA1B2C0 + rank:06x}"
    ids = [f"acct_{rank}{i:05d}" for i in range(size)]
    if rank == 1:
        ids[: len(HOSTILE)] = HOSTILE
    score = max(0.97 - 0.22 * (rank - 1), 0.05)
    groups = max(1, min(size // 30, 12))
    group = np.sort(rng.integers(0, groups, size))
    accounts = [
        _account(
            rng,
            a,
            cid,
            "core" if rng.random() < 0.7 else "fringe",
            float(np.clip(score - 0.3 * rng.random(), 0.03, 0.99)),
        )
        for a in ids
    ]
    rows["accounts"] += accounts
    centre = np.column_stack(
        [np.cos(np.arange(groups) * 6.283 / groups) * 560, np.sin(np.arange(groups) * 6.283 / groups) * 300]
    )
    nodes: dict[str, dict[str, Any]] = {}
    for a, g in zip(ids, group, strict=True):
        x, y = centre[g] + rng.normal(0, (105, 70))
        nodes[a] = {
            "cluster_id": cid,
            "node_id": a,
            "kind": "account",
            "label": a[:14],
            "x": x,
            "y": y,
            "degree": 0,
            "group": int(g),
        }
    for g in range(groups):
        members = [a for a, k in zip(ids, group, strict=True) if k == g]
        for kind in KINDS:
            for n in range(max(1, len(members) // 14)):
                value = f"{kind[:3]}_{rng.integers(16**8):08x}"
                node = f"{kind}:{value}"
                x, y = centre[g] + rng.normal(0, (80, 52))
                chosen = [a for a in members if rng.random() < 0.25] or members[:2]
                nodes[node] = {
                    "cluster_id": cid,
                    "node_id": node,
                    "kind": kind,
                    "label": value,
                    "x": x,
                    "y": y,
                    "degree": len(chosen),
                    "group": g,
                }
                for a in chosen:
                    nodes[a]["degree"] += 1
                    first = AS_OF - timedelta(days=int(rng.integers(5, 30)))
                    rows["links"].append(
                        {
                            "cluster_id": cid,
                            "account_id": a,
                            "kind": kind,
                            "value": value,
                            "bits": float(8 + 6 * rng.random()),
                            "sharers": len(chosen) + int(rng.integers(0, 3)),
                            "uses": int(rng.integers(1, 40)),
                            "first_seen": first,
                            "last_seen": first + timedelta(days=3),
                        }
                    )
                if n == 0 and kind == "payment":
                    nodes[node]["label"] = "<b>card</b>"
    rows["nodes"] += nodes.values()
    requests = sum(a["requests"] for a in accounts)
    kinds = list(KINDS[: 8 - 2 * (rank - 1)])
    for i, kind in enumerate(kinds):
        rows["reasons"].append(
            {
                "cluster_id": cid,
                "kind": kind,
                "text": f"{size // (i + 2)} accounts share {3 + i} {kind} values <i>seen</i> nowhere else",
                "innocent": "one household or one employer paying for several people",
                "bits": 31.0 - 3.2 * i,
                "values": 3 + i,
                "accounts": size // (i + 2),
                "outside": i,
                "p_value": None if i == 3 else 10.0 ** -(9 - i),
            }
        )
    rows["clusters"].append(
        {
            "cluster_id": cid,
            "rank": rank,
            "tier": "alarm" if rank == 1 else "review",
            "size": size,
            "core_size": int(size * 0.7),
            "score": score,
            "base_score": score,
            "requests": requests,
            "input_tokens": requests * 900,
            "output_tokens": requests * 1700,
            "first_seen": AS_OF - timedelta(days=32),
            "last_seen": AS_OF - timedelta(hours=2),
            "kinds": kinds,
            "reasons": [r["text"] for r in rows["reasons"] if r["cluster_id"] == cid],
            "against": [
                "9 accounts have a verified phone of their own",
                "<img src=x> no hand-over after a ban was seen",
            ],
            "title": "shared cards and one reworded template" if rank == 1 else "similar prompts, one network",
            "lookalike": None if rank == 1 else "H5",
            "stability": 0.94,
            "daily": rng.poisson(90, 30).tolist(),
            "previous_size": None if rank == 2 else int(size * 0.82),
            "lineage": ("grown", "new", "returned")[(rank - 1) % 3],
            "blind": ["session: this source has no session ids"],
        }
    )
    _content(rng, rows, cid, ids, groups, requests)


def _content(
    rng: np.random.Generator, rows: dict[str, list[dict[str, Any]]], cid: str, ids: list[str], groups: int, total: int
) -> None:
    begin = AS_OF - timedelta(days=30)
    lanes = {
        "group": [str(g) for g in range(groups)],
        "model": list(MODELS),
        "capability": ["reasoning", "grading", "coding", "tools"],
        "template": ["tf_91ab", "tf_7712", "tf_<u>x</u>"],
    }
    for lane_kind, names in lanes.items():
        for k, lane in enumerate(names):
            for b in range(120):
                value = int(rng.poisson(6 + 25 * ((b // 8 + k) % 5 == 0)))
                if value:
                    rows["timeline"].append(
                        {
                            "cluster_id": cid,
                            "lane_kind": lane_kind,
                            "lane": lane,
                            "bin": begin + timedelta(hours=6 * b),
                            "hours": 6,
                            "requests": value,
                            "tokens": value * 2600,
                            "accounts": min(value, len(ids)),
                        }
                    )
    rows["markers"].append(
        {
            "cluster_id": cid,
            "at": AS_OF - timedelta(days=9),
            "kind": "enforcement",
            "text": "14 accounts banned",
            "accounts": 14,
        }
    )
    shares = rng.dirichlet(np.ones(6) * 0.8)
    for k, s in enumerate(shares):
        rows["templates"].append(
            {
                "cluster_id": cid,
                "template": f"tf_{k:04x}",
                "accounts": int(len(ids) * s) + 1,
                "outside": int(rng.integers(0, 4)),
                "requests": int(total * s),
                "share": float(s),
                "capabilities": ["reasoning", "grading"][: 1 + k % 2],
                "first_seen": begin,
                "last_seen": AS_OF,
            }
        )
    for c, s in zip(list(Capability)[:7], rng.dirichlet(np.ones(7)), strict=True):
        rows["capabilities"].append(
            {
                "cluster_id": cid,
                "capability": c.value,
                "requests": int(total * s),
                "tokens": int(total * s * 2600),
                "share": float(s),
                "benign_share": float(rng.random() * 0.15),
            }
        )
    for k, h in enumerate(Hypothesis):
        rows["hypotheses"].append(
            {
                "cluster_id": cid,
                "hypothesis": h.name,
                "fit": float(max(0.9 - 0.17 * k, 0.02)),
                "speaks_for": [f"cards are shared across owners <{h.name}>"][: 1 if k < 4 else 0],
                "speaks_against": ["no organisation or domain joins them"] if k else [],
            }
        )
