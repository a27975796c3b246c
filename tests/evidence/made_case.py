"""A campaign for evidence tests: two clusters, one of them with hostile names, and the run that it comes from."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from stillwatch.domain import Capability, Hypothesis
from stillwatch.evidence.casefile import TABLES, Campaign, CaseFile, Note, Provenance, Source, conform
from stillwatch.warehouse.run_schema import RUN_TABLES

HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd|'/C calc'!A0",
    "</script><img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "a\u202egnp.exe",
    'href="javascript:alert(1)"',
    "{{7*7}}{% raw %}",
    "x" * 10_000,
)
START = datetime(2026, 10, 1)
RUN_ID = "R-20261122-174000-ab12"
NOW = datetime(2026, 11, 22, 18, 0)


def _cluster(cluster: str, size: int, seed: int, rank: int, hostile: bool) -> dict[str, list[dict[str, object]]]:
    g = np.random.default_rng(seed)
    ids = [f"acct_{seed}{i:05d}" for i in range(size)]
    if hostile:
        ids[: len(HOSTILE)] = HOSTILE
    out: dict[str, list[dict[str, object]]] = {name: [] for name in RUN_TABLES}
    groups = g.integers(0, 3, size)
    centres = [(400, 260), (1150, 300), (760, 680)]
    links: list[tuple[str, str, str, float]] = []
    values = {"payment": 12, "device": 9, "network": 5, "template": 3, "session": 4, "timing": 1}
    bits = {"payment": 13.2, "device": 11.1, "network": 6.4, "template": 9.7, "session": 15.0, "timing": 4.1}
    for i, account in enumerate(ids):
        x, y = centres[groups[i]]
        angle, radius = g.uniform(0, 2 * np.pi), 60 + 210 * np.sqrt(g.uniform())
        out["nodes"].append(
            {
                "cluster_id": cluster,
                "node_id": account,
                "kind": "account",
                "label": account[:20],
                "x": x + radius * np.cos(angle) * 1.3,
                "y": y + radius * np.sin(angle),
                "degree": 3,
                "group": int(groups[i]),
            }
        )
        for kind, count in values.items():
            if g.uniform() < {"payment": 0.85, "device": 0.5, "template": 0.9}.get(kind, 0.25):
                which = int(count * g.uniform() ** 1.6)
                links.append((account, kind, f"{seed}{kind[:2]}{which:04x}{'0f3a9c' * 3}", bits[kind]))
        requests = int(20 + g.pareto(1.6) * 400)
        banned = g.uniform() < 0.2
        out["accounts"].append(
            {
                "account_id": account,
                "cluster_id": cluster,
                "role": "core" if g.uniform() < 0.8 else "fringe",
                "score": 0.99 if account in HOSTILE else float(np.clip(g.beta(9, 2), 0.05, 0.98)),
                "base_score": 0.5,
                "reasons": [
                    f"shares a payment card with {g.integers(2, 40)} accounts of no common owner",
                    "uses a reworded template that 3 accounts outside use",
                ],
                "against": ["no request of this account asks for reasoning"] if g.uniform() < 0.2 else [],
                "requests": requests,
                "input_tokens": requests * 700,
                "output_tokens": requests * 1900,
                "first_seen": START + timedelta(hours=float(g.uniform(0, 400))),
                "last_seen": START + timedelta(days=30 + float(g.uniform(0, 18))),
                "active_days": int(g.integers(5, 40)),
                "created_at": START - timedelta(hours=float(g.uniform(1, 200))),
                "plan": "pro",
                "channel": "first_party",
                "org_id": f"org_{i % 7}",
                "status": "banned" if banned else "active",
                "status_at": START + timedelta(days=31) if banned else None,
                "owner": None,
                "known": True,
            }
        )
    sharers = pd.Series([(k, v) for _, k, v, _ in links]).value_counts()
    for account, kind, value, weight in links:
        out["links"].append(
            {
                "cluster_id": cluster,
                "account_id": account,
                "kind": kind,
                "value": value,
                "bits": weight,
                "sharers": int(sharers[(kind, value)]) + int(kind == "network") * 40,
                "uses": int(g.integers(1, 90)),
                "first_seen": START,
                "last_seen": START + timedelta(days=40),
            }
        )
    for kind, value in sharers.index:
        x, y = centres[int(g.integers(0, 3))]
        out["nodes"].append(
            {
                "cluster_id": cluster,
                "node_id": f"{kind}:{value}",
                "kind": kind,
                "label": f"{kind[:3]} {value[:8]}",
                "x": x + g.normal(0, 60),
                "y": y + g.normal(0, 50),
                "degree": int(sharers[(kind, value)]),
                "group": 0,
            }
        )
    for kind, text, innocent in (
        (
            "payment",
            f"{values['payment']} payment cards are shared by accounts that claim to be strangers",
            "prepaid cards of one series sold in one shop",
        ),
        (
            "template",
            "One template family, reworded, carries 71 % of the requests",
            "a public template that went viral",
        ),
        ("session", "4 session artefacts appear in more than one account", "a tool that copies sessions between seats"),
        ("device", "9 device fingerprints are reused across accounts", "a shared laboratory machine"),
        ("network", "5 subnets are shared, each also by strangers", "carrier NAT or a campus"),
    ):
        out["reasons"].append(
            {
                "cluster_id": cluster,
                "kind": kind,
                "text": text,
                "innocent": innocent,
                "bits": bits[kind] * 3,
                "values": values[kind],
                "accounts": int(size * 0.8),
                "outside": 40 if kind == "network" else 1,
                "p_value": 0.2 if kind == "network" else 2e-7,
            }
        )
    for hour in range(0, 48 * 24, 12):
        at = START + timedelta(hours=hour)
        for lane in range(3):
            n = int(size * (3 + 2 * np.sin(hour / 60 + lane)) * (0.2 if hour < 100 else 1) + g.poisson(20))
            out["timeline"].append(
                {
                    "cluster_id": cluster,
                    "lane_kind": "group",
                    "lane": f"group {lane + 1}",
                    "bin": at,
                    "hours": 12,
                    "requests": n,
                    "tokens": n * 2600,
                    "accounts": size // 3,
                }
            )
        new = 0.1 if hour < 28 * 24 else 0.8
        for lane, part in (("model-old", 1 - new), ("model-new", new)):
            n = int(size * 9 * part)
            out["timeline"].append(
                {
                    "cluster_id": cluster,
                    "lane_kind": "model",
                    "lane": lane,
                    "bin": at,
                    "hours": 12,
                    "requests": n,
                    "tokens": n * 2600,
                    "accounts": size,
                }
            )
    out["markers"] += [
        {
            "cluster_id": None,
            "at": START + timedelta(days=28),
            "kind": "release",
            "text": "model-new released",
            "accounts": None,
        },
        {
            "cluster_id": cluster,
            "at": START + timedelta(days=31),
            "kind": "enforcement",
            "text": "41 accounts banned",
            "accounts": 41,
        },
    ]
    for i in range(3):
        out["templates"].append(
            {
                "cluster_id": cluster,
                "template": f"{seed}te{i:04x}{'0f3a9c' * 3}",
                "accounts": size - 9 * i,
                "outside": i * 4,
                "requests": 9_000 // (i + 1),
                "share": (0.71, 0.18, 0.04)[i],
                "capabilities": ["reasoning", "grading"][: 2 - i % 2],
                "first_seen": START,
                "last_seen": START + timedelta(days=44),
            }
        )
    for i, capability in enumerate(Capability):
        out["capabilities"].append(
            {
                "cluster_id": cluster,
                "capability": str(capability),
                "requests": 4_000 // (i + 1),
                "tokens": 9_000_000 // (i + 1),
                "share": 0.6 / (i + 1),
                "benign_share": 0.03 + 0.01 * i,
            }
        )
    for i, h in enumerate(Hypothesis):
        out["hypotheses"].append(
            {
                "cluster_id": cluster,
                "hypothesis": h.name,
                "fit": float(np.clip(0.9 - 0.17 * i, 0, 1)),
                "speaks_for": ["12 cards across claimed strangers", "one reworded template"][: 2 - i % 2],
                "speaks_against": [] if i == 0 else [f"no sign of {h.value}", "content is one family"][: 1 + i % 2],
            }
        )
    requests = sum(int(r["requests"]) for r in out["accounts"])  # type: ignore[call-overload]
    out["clusters"].append(
        {
            "cluster_id": cluster,
            "rank": rank,
            "tier": "alarm",
            "size": size,
            "core_size": int(size * 0.8),
            "score": 0.93 if rank == 1 else 0.72,
            "base_score": 0.9,
            "requests": requests,
            "input_tokens": requests * 700,
            "output_tokens": requests * 1900,
            "first_seen": START,
            "last_seen": START + timedelta(days=48),
            "kinds": ["payment", "template", "session", "device"],
            "reasons": ["12 shared cards", "one template"],
            "against": ["40 strangers share the same subnets", "8 % of the members have no link in a second view"],
            "title": "shared cards and one reworded template",
            "lookalike": None,
            "stability": 0.91 if rank == 1 else 0.64,
            "daily": [3] * 30,
            "previous_size": size - 9,
            "lineage": "grown",
            "blind": [] if rank == 1 else ["tool schema: the source carries no tools"],
        }
    )
    return out


def run_tables(sizes: tuple[int, ...] = (120, 40)) -> dict[str, pa.Table]:
    """Run tables with one cluster per size; the last cluster has hostile account ids."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in RUN_TABLES}
    for i, size in enumerate(sizes):
        cluster = f"C-{'abcdef'[i] * 6}"
        for name, new in _cluster(cluster, size, i + 1, i + 1, hostile=i == len(sizes) - 1).items():
            rows[name] += new
    tables = {name: pa.Table.from_pylist(rows[name], schema=RUN_TABLES[name].schema) for name in RUN_TABLES}
    tables["signals"] = pa.table({"account_id": tables["accounts"]["account_id"]})
    return tables


MANIFEST = {
    "created_at": "2026-11-22T17:40:00",
    "as_of": "2026-11-21T00:00:00",
    "code_version": "0.1.0",
    "table_versions": {"accounts": 3, "requests": 7, "identifiers": 3},
    "parameters": {"resolution": 0.4},
    "seed": 11,
    "counts": {"accounts": 160, "clusters": 2},
    "blind": ["tool schema: the source carries no tools"],
    "model_id": None,
}


def case_file(sizes: tuple[int, ...] = (120, 40), **changes: object) -> CaseFile:
    """A case file over ``run_tables``; ``changes`` replace its fields."""
    tables = run_tables(sizes)
    clusters = tuple(tables["clusters"]["cluster_id"].to_pylist())
    own = {
        "labels": pd.DataFrame(
            [
                {
                    "label_id": "L-000001",
                    "target_type": "cluster",
                    "target_id": clusters[0],
                    "label": "unsure",
                    "reason": "want to see the billing records",
                    "labeler": "ada",
                    "labeled_at": NOW - timedelta(days=2),
                    "source": "human",
                },
                {
                    "label_id": "L-000002",
                    "target_type": "cluster",
                    "target_id": clusters[0],
                    "label": "distillation",
                    "reason": "one card series, one reworded template; <b>see note</b>",
                    "labeler": "ada",
                    "labeled_at": NOW - timedelta(days=1),
                    "source": "human",
                    "supersedes": "L-000001",
                },
                {
                    "label_id": "L-000003",
                    "target_type": "account",
                    "target_id": HOSTILE[0],
                    "label": "benign",
                    "reason": "a customer whose key was stolen",
                    "labeler": "grace",
                    "labeled_at": NOW - timedelta(hours=9),
                    "source": "human",
                },
            ]
        ),
        "decisions": pd.DataFrame(
            [
                {
                    "at": NOW - timedelta(days=1),
                    "person": "ada",
                    "action": "opened",
                    "target": "K-0001",
                    "detail": "open",
                    "reason": "two clusters with one card series",
                },
                {
                    "at": NOW - timedelta(hours=5),
                    "person": "grace",
                    "action": "status",
                    "target": "K-0001",
                    "detail": "confirmed",
                    "reason": "second review agrees",
                },
            ]
        ),
        "custody": pd.DataFrame(
            [
                {
                    "at": NOW - timedelta(days=3),
                    "person": "stillwatch",
                    "action": "collected",
                    "item": "export-2026-11",
                    "method": "import, contract",
                    "sha256": "ab" * 32,
                },
                {
                    "at": NOW - timedelta(minutes=20),
                    "person": "stillwatch",
                    "action": "computed",
                    "item": "run R-20261122-174000-ab12",
                    "method": "detect",
                },
                {
                    "at": NOW,
                    "person": "ada",
                    "action": "exported",
                    "item": "B-0001",
                    "method": "stillwatch evidence export",
                },
            ]
        ),
    }
    facts: dict[str, object] = {
        "bundle_id": "B-0001",
        "created_at": NOW,
        "by": "ada",
        "organisation": "Northwind Models, trust and safety",
        "code_version": "0.1.0",
        "tlp": "amber+strict",
        "redaction": "full",
        "campaign": Campaign(
            campaign_id="K-0001",
            name="Card series 41 <script>alert(2)</script>",
            status="confirmed",
            opened_at=NOW - timedelta(days=1),
            opened_by="ada",
            reason="two clusters with one card series",
            cluster_ids=clusters,
            notes=(Note(NOW - timedelta(hours=6), "ada", "Billing confirms the card series."),),
        ),
        "provenance": Provenance(
            RUN_ID,
            MANIFEST,
            (
                Source(
                    "export-2026-11",
                    "contract",
                    NOW - timedelta(days=3),
                    "ab" * 32,
                    {"accounts": 3_000, "requests": 120_000},
                    ("tool schema: the source carries no tools",),
                ),
            ),
            "cd" * 32,
        ),
        "tables": {n: conform(n, own[n] if n in own else tables[n]) for n in TABLES},
        "nodes": tables["nodes"],
    }
    return CaseFile(**{**facts, **changes})  # type: ignore[arg-type]
