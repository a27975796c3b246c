"""What is asked of the published run from outside: the accounts file and the queue."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillwatch.config import Settings
from stillwatch.errors import InputError
from stillwatch.warehouse import runs


def write_accounts(cfg: Settings, out: Path) -> int:
    """Write account_id, cluster_id (null if none) and score (0-1) of the published run; returns the rows.

    The file appears whole or not at all.
    """
    if not out.parent.is_dir():
        raise InputError(f"{out.parent} is not a folder; make it first or choose another --out.")
    if out.is_dir():
        raise InputError(f"{out} is a folder; --out wants a file name such as accounts.parquet.")
    table = runs.current(cfg.runs).arrow("accounts", columns=["account_id", "cluster_id", "score"])
    draft = out.with_name(f".{out.name}.{uuid.uuid4().hex[:6]}")
    try:
        pq.write_table(table, draft)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return int(table.num_rows)


QUEUE_COLUMNS = [
    "cluster_id", "rank", "tier", "size", "score", "requests", "first_seen", "last_seen", "reasons", "against",
    "title", "lookalike", "lineage",
]  # fmt: skip


def queue(cfg: Settings, *, limit: int) -> tuple[str, list[dict[str, Any]]]:
    """Run id and the first ``limit`` clusters of the published run, best first; times as ISO text."""
    run = runs.current(cfg.runs)
    rows = run.arrow("clusters", columns=QUEUE_COLUMNS).sort_by("rank").slice(0, limit).to_pylist()
    for row in rows:
        for name in ("first_seen", "last_seen"):
            row[name] = row[name].isoformat() if row[name] else ""
    return run.run_id, rows
