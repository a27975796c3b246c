"""What was imported, what was set aside, what the data cannot tell, and which runs were made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from stillwatch.ui import words
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.schema import WAREHOUSE
from stillwatch.warehouse.store import Warehouse

SHOWN_REJECTS = 1_000
"""Rows set aside that the page shows; the download holds up to ``DOWNLOADED_REJECTS``."""
DOWNLOADED_REJECTS = 1_000_000


@dataclass(frozen=True)
class Holdings:
    """What the warehouse holds, counted once per published state."""

    rows: Mapping[str, int]
    """table -> rows"""
    versions: Mapping[str, int]
    published_at: datetime | None
    first_request: datetime | None
    last_request: datetime | None
    imports: pd.DataFrame
    """one row an import, newest first: import_id, imported_at, source, format, rows_in, rows_new, set_aside, known,
    seconds, report (dict)"""
    reasons: pd.DataFrame
    """why rows were set aside: table, column, reason, rows, imports; most rows first"""

    @property
    def empty(self) -> bool:
        return not self.versions

    @property
    def set_aside(self) -> int:
        return self.rows.get("rejects", 0)


def holdings(warehouse: Warehouse) -> Holdings:
    """Count everything. Reads the Parquet footers and two columns; milliseconds for millions of rows."""
    rows = {name: int(warehouse.table(name).count().execute()) for name in WAREHOUSE if name in warehouse.versions}
    first = last = None
    if rows.get("requests"):
        requests = warehouse.table("requests")
        times = requests.aggregate(first=requests.ts.min(), last=requests.ts.max()).execute().iloc[0]
        first, last = times["first"].to_pydatetime(), times["last"].to_pydatetime()
    rejects = warehouse.table("rejects")
    reasons = (
        rejects.group_by(["table", "column", "reason"])
        .aggregate(rows=rejects.count(), imports=rejects.import_id.nunique())
        .order_by([rejects.table, rejects.column])
        .execute()
    )
    return Holdings(
        rows=rows,
        versions=warehouse.versions,
        published_at=warehouse.snapshot.published_at,
        first_request=first,
        last_request=last,
        imports=_imports(warehouse.table("imports").execute()),
        reasons=reasons.sort_values(["rows", "reason"], ascending=[False, True], ignore_index=True),
    )


def _imports(table: pd.DataFrame) -> pd.DataFrame:
    reports: list[dict[str, Any]] = [json.loads(text) for text in table["report"]]

    def total(name: str) -> list[int]:
        return [sum((r.get(name) or {}).values()) for r in reports]

    out = table[["import_id", "imported_at", "source", "format"]].assign(
        rows_in=total("rows_in"),
        rows_new=total("rows_new"),
        set_aside=total("rows_set_aside"),
        seconds=[float(r.get("seconds") or 0) for r in reports],
    )
    out["report"] = pd.Series(reports, index=out.index, dtype=object)
    out["known"] = out["rows_in"] - out["rows_new"] - out["set_aside"]
    return out.sort_values("imported_at", ascending=False, ignore_index=True)


def rejected(warehouse: Warehouse, limit: int, import_id: str | None = None) -> pd.DataFrame:
    """Rows that were set aside, in order of their files: import_id, table, file, row, column, value, reason."""
    table = warehouse.table("rejects")
    if import_id is not None:
        table = table.filter(table.import_id == import_id)
    frame: pd.DataFrame = table.order_by(["import_id", "table", "file", "row"]).limit(limit).execute()
    return frame


def by_table(report: Mapping[str, Any]) -> list[tuple[str, int, int, int, int]]:
    """One line a table of one import: table, rows in, new, set aside, already known."""
    out = []
    for name, rows in (report.get("rows_in") or {}).items():
        new = (report.get("rows_new") or {}).get(name, 0)
        aside = (report.get("rows_set_aside") or {}).get(name, 0)
        out.append((str(name), int(rows), int(new), int(aside), int(rows - new - aside)))
    return out


def blind_signals(imports: pd.DataFrame, run: Run | None) -> list[tuple[str, list[str]]]:
    """Signals that have no data: the words, and the sources that lack them; what the whole run lacks comes first."""
    found: dict[str, list[str]] = {}
    for text in (run.manifest.get("blind") or []) if run else []:
        found.setdefault(str(text), []).insert(0, "the whole run")
    for row in imports.to_dict("records"):
        for text in row["report"].get("blind") or []:
            sources = found.setdefault(str(text), [])
            if row["source"] not in sources:
                sources.append(str(row["source"]))
    return sorted(found.items(), key=lambda item: ("the whole run" not in item[1], item[0]))


def freshness(holding: Holdings, run: Run | None, now: datetime) -> list[str]:
    """How old the data is and whether the run has seen all of it, in sentences."""
    out = []
    if holding.last_request is not None:
        out.append(
            f"The newest request is of {words.when(holding.last_request)}, {words.ago(holding.last_request, now)}; "
            f"the oldest of {words.day(holding.first_request)}."
        )
    elif not holding.empty:
        out.append("No requests were imported: only identifiers and accounts can be compared.")
    if run is None:
        if not holding.empty:
            out.append("No detection run yet, so the other pages have nothing to show.")
    elif behind(holding, run):
        out.append(f"Data came in after the run shown ({run.run_id}) was made: run detection again to see it.")
    else:
        out.append(f"The run shown ({run.run_id}) has seen all of it.")
    return out


def behind(holding: Holdings, run: Run) -> bool:
    """Whether tables that a run reads have changed since it was made."""
    seen = {str(k): int(v) for k, v in (run.manifest.get("table_versions") or {}).items()}
    read = ("accounts", "requests", "identifiers", "models")
    return any(holding.versions.get(name) != seen.get(name) for name in read)


def run_list(published: list[Run], current: str | None) -> pd.DataFrame:
    """Published runs, newest first: run_id, shown, created_at, as_of, clusters, alarms, accounts, requests, model,
    seconds, versions (words).
    """
    rows = []
    for run in reversed(published):
        m = run.manifest
        counts = m.get("counts") or {}
        versions = ", ".join(f"{k} {v}" for k, v in sorted((m.get("table_versions") or {}).items()))
        rows.append(
            {
                "run_id": run.run_id,
                "shown": run.run_id == current,
                "created_at": moment(m.get("created_at")),
                "as_of": moment(m.get("as_of")),
                "clusters": counts.get("clusters"),
                "alarms": counts.get("alarms"),
                "accounts": counts.get("accounts"),
                "requests": counts.get("requests"),
                "model": m.get("model_id") or "none",
                "seconds": m.get("seconds"),
                "versions": versions,
            }
        )
    columns = [
        "run_id",
        "shown",
        "created_at",
        "as_of",
        "clusters",
        "alarms",
        "accounts",
        "requests",
        "model",
        "seconds",
    ]
    return pd.DataFrame(rows, columns=[*columns, "versions"])


def moment(text: object) -> datetime | None:
    """Naive UTC of a time as manifests hold it (ISO 8601, with or without a zone); None when there is none."""
    if not text:
        return None
    at = datetime.fromisoformat(str(text))
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
