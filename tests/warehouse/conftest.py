"""A small data set of the contract, in any of its shapes, and a home of its own for every test."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch import config
from stillwatch.config import Settings
from stillwatch.sources.contract import CONTRACT
from stillwatch.warehouse.store import Warehouse

START = datetime(2024, 3, 1)
Row = dict[str, Any]


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """Settings of an empty home."""
    return replace(config.settings(tmp_path / "home"), keep_prompts=False, threads=2, memory_gb=2.0)


@dataclass
class DataSet:
    """Rows of contract tables, to be changed by a test before they are written."""

    accounts: list[Row]
    requests: list[Row]
    identifiers: list[Row]
    models: list[Row]

    def rows(self, table: str) -> list[Row]:
        return list(getattr(self, table))

    def arrow(self, table: str) -> pa.Table:
        """Typed as the contract says; only the columns that some row has."""
        rows = self.rows(table)
        used = {name for row in rows for name in row}
        fields = [pa.field(c.name, c.arrow) for c in CONTRACT[table].columns if c.name in used or c.required]
        return pa.Table.from_pylist(rows, schema=pa.schema(fields))

    def write(self, folder: Path, shape: str = "parquet", tables: tuple[str, ...] = tuple(CONTRACT)) -> Path:
        """Write it as ``parquet``, ``parts`` (folders of Parquet), ``csv``, ``csv.gz``, ``jsonl`` or ``jsonl.gz``."""
        folder.mkdir(parents=True, exist_ok=True)
        for table in tables:
            if shape == "parquet":
                pq.write_table(self.arrow(table), folder / f"{table}.parquet")
            elif shape == "parts":
                (folder / table).mkdir()
                whole, half = self.arrow(table), len(self.rows(table)) // 2
                pq.write_table(whole.slice(0, half), folder / table / "a.parquet")
                pq.write_table(whole.slice(half), folder / table / "b.parquet")
            else:
                write_text(folder / f"{table}.{shape}", self.rows(table), list(self.arrow(table).schema.names))
        return folder


def write_text(path: Path, rows: list[Row], columns: list[str]) -> Path:
    """CSV or JSON lines by the file's name; times as ISO 8601 with a Z."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as out:
        if ".csv" in path.name:
            writer = csv.writer(out)
            writer.writerow(columns)
            writer.writerows([[as_text(row.get(c)) for c in columns] for row in rows])
        else:
            for row in rows:
                values = {c: as_text(v) if isinstance(v, datetime) else v for c, v in row.items()}
                out.write(json.dumps(values, ensure_ascii=False) + "\n")
    return path


def as_text(value: Any) -> Any:
    return value.isoformat() + "Z" if isinstance(value, datetime) else "" if value is None else value


def make_data(accounts: int = 12, requests: int = 60, text: bool = False) -> DataSet:
    """Every column filled, a few nulls; three days of traffic; text prompts share a frame per account."""
    return DataSet(
        accounts=[
            {
                "account_id": f"acct-{i}", "created_at": START - timedelta(days=i, seconds=1), "org_id": f"org-{i % 3}",
                "plan": "free" if i % 2 else "pro", "channel": "first_party", "email_domain": f"mail{i % 4}.example",
                "country": None if i == 3 else "DE", "verification": "email",
                "status": "banned" if i == 5 else "active",
                "status_at": START if i == 5 else None,
            }
            for i in range(accounts)
        ],
        requests=[
            {
                "request_id": f"req-{i:05d}", "account_id": f"acct-{i % accounts}",
                "ts": START + timedelta(minutes=70 * i, microseconds=i), "model": "model-a" if i % 3 else "model-b",
                "ip": f"203.0.113.{i % 7}" if i % 10 else None, "asn": "AS64500", "client": f"sdk-{i % 4}",
                "session_id": f"s-{i // 4}", "input_tokens": 10 + i, "output_tokens": None if i == 9 else 3 * i,
                "tool_count": i % 3, "status": "ok", "system_hash": f"sys-{i % 5}",
                **(
                    {"prompt": f"Please solve exercise {i} of the book and explain it step by step: item {i * 7}"}
                    if text
                    else {"prompt_hash": f"tpl-{i % 6}"}
                ),
            }
            for i in range(requests)
        ],
        identifiers=[
            {
                "account_id": f"acct-{i % accounts}", "kind": ("payment", "device", "email")[i % 3],
                "value": f"value-{i % 9}", "first_seen": START - timedelta(days=1),
                "last_seen": START + timedelta(days=i),
            }
            for i in range(2 * accounts)
        ],
        models=[{"model": "model-a", "released_at": START - timedelta(days=90)}],
    )  # fmt: skip


@pytest.fixture
def data() -> DataSet:
    return make_data()


@pytest.fixture
def frames() -> Callable[..., dict[str, pd.DataFrame]]:
    """Every table of a home, sorted, without what differs between two imports of the same rows."""

    def read(settings: Settings, *names: str, keep_ids: bool = False) -> dict[str, pd.DataFrame]:
        store = Warehouse.open(settings)
        found = {}
        for name in names or tuple(CONTRACT):
            frame = store.table(name).to_pyarrow().to_pandas()
            if not keep_ids:
                frame = frame.drop(columns="import_id")
            order = [c for c in ("request_id", "account_id", "kind", "value", "model") if c in frame]
            found[name] = frame.sort_values(order, ignore_index=True)
        return found

    return read
