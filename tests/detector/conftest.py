"""A tiny made-up run: campaigns and look-alikes that the base score cannot tell apart, but their signals can."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from stillwatch.cases.store import CaseStore
from stillwatch.config import Settings, settings
from stillwatch.warehouse import runs
from stillwatch.warehouse.run_schema import RUN_TABLES
from stillwatch.warehouse.runs import Run

MEMBERS = 12
CLUSTERS = 6
RUN_ID = "R-20261122-180000-ab12"


def guilty(n: int) -> str:
    """Cluster id of a campaign."""
    return f"C-bad{n:03d}"


def innocent(n: int) -> str:
    """Cluster id of a look-alike."""
    return f"C-good{n:02d}"


def frames(seed: int = 0, alone: int = 200) -> dict[str, pd.DataFrame]:
    """accounts, clusters, reasons, links, hypotheses, signals; the other tables of a run are empty."""
    rng = np.random.default_rng(seed)
    accounts, signals, clusters, reasons, links, fits = [], [], [], [], [], []
    for n in range(CLUSTERS):
        for name, bad in ((guilty(n), True), (innocent(n), False)):
            base = float(np.round(rng.uniform(0.55, 0.75), 6))
            clusters.append(
                {"cluster_id": name, "tier": "alarm" if n % 2 else "review", "size": MEMBERS, "core_size": 6,
                 "score": base, "base_score": base, "requests": 1000, "kinds": ["payment"], "stability": 0.9,
                 "reasons": ["one card"], "title": f"cluster {name}"}
            )  # fmt: skip
            for kind, bits in (("payment", 20.0), ("template", 25.0 if bad else 3.0)):
                reasons.append(
                    {"cluster_id": name, "kind": kind, "text": "shared", "bits": bits + rng.normal(), "values": 3,
                     "accounts": 10, "outside": 1 if bad else 9}
                )  # fmt: skip
            fits.append({"cluster_id": name, "hypothesis": "H4", "fit": 0.1 if bad else 0.8})
            for m in range(MEMBERS):
                account = f"{name}-{m:02d}"
                accounts.append({"account_id": account, "cluster_id": name, "base_score": base, "score": base,
                                 "role": "core" if m < 6 else "fringe"})  # fmt: skip
                signals.append({"account_id": account, "elicitation": rng.normal(3 if bad else 0, 1),
                                "noise": rng.normal(), "rarely": None if m % 3 else rng.normal()})  # fmt: skip
                links.append({"cluster_id": name, "account_id": account, "kind": "payment", "value": "v",
                              "bits": 10.0 + rng.normal()})  # fmt: skip
    for n in range(alone):
        base = float(np.round(rng.uniform(0.001, 0.05), 6))
        accounts.append({"account_id": f"alone-{n:03d}", "base_score": base, "score": base})
        signals.append({"account_id": f"alone-{n:03d}", "elicitation": rng.normal(1, 1), "noise": rng.normal(),
                        "rarely": rng.normal()})  # fmt: skip
    table = pd.DataFrame(clusters).sort_values("score", ascending=False, ignore_index=True)
    table["rank"] = table.index + 1
    return {
        "accounts": pd.DataFrame(accounts), "clusters": table, "reasons": pd.DataFrame(reasons),
        "links": pd.DataFrame(links), "hypotheses": pd.DataFrame(fits), "signals": pd.DataFrame(signals),
    }  # fmt: skip


def tables(made: dict[str, pd.DataFrame]) -> dict[str, pa.Table]:
    """All tables of a run, columns that the frames lack are null."""
    out = {name: spec.schema.empty_table() for name, spec in RUN_TABLES.items()}
    for name, frame in made.items():
        schema = RUN_TABLES[name].schema
        if name == "signals":
            out[name] = pa.Table.from_pandas(frame, preserve_index=False)
        else:
            out[name] = pa.Table.from_pylist(frame.replace({np.nan: None}).to_dict("records"), schema=schema)
    return out


def publish(folder: Path, made: dict[str, pd.DataFrame] | None = None, run_id: str = RUN_ID) -> Run:
    """Publish the tiny run (or some other frames) and make it current."""
    manifest = {"created_at": datetime(2026, 11, 22, 18), "as_of": datetime(2026, 11, 22), "model_id": None}
    return runs.publish(folder, run_id, tables(made or frames()), manifest)


@pytest.fixture
def tiny() -> SimpleNamespace:
    """The functions above."""
    return SimpleNamespace(frames=frames, tables=tables, publish=publish, guilty=guilty, innocent=innocent)


@pytest.fixture
def cfg(tmp_path: Path) -> Settings:
    """A home with the tiny run published and no labels."""
    cfg = settings(tmp_path / "home")
    publish(cfg.runs)
    return cfg


@pytest.fixture
def store(cfg: Settings):
    with CaseStore.open(cfg) as opened:
        yield opened
