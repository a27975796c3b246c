"""A tiny data set whose identifiers are in clear, imported and detected: what a typed value is compared with."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.config import Settings, settings
from stillwatch.pipeline.detect import detect
from stillwatch.pipeline.ingest import import_path

DAY = datetime(2026, 11, 2, 8)


def detected(place: Path) -> Settings:
    """Accounts a to f; a and b share a device, a mail address, an address and a client."""
    data = place / "data"
    data.mkdir()
    names = list("abcdef")
    pq.write_table(pa.table({"account_id": names, "created_at": [DAY] * 6}), data / "accounts.parquet")
    requests = [
        {"request_id": f"{n}{i}", "account_id": n, "ts": DAY + timedelta(hours=i), "model": "m",
         "ip": "203.0.113.7" if n in "ab" else f"198.51.{ord(n)}.1", "client": "curl/8" if n in "ab" else f"sdk/{n}"}
        for n in names for i in range(3)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(requests), data / "requests.parquet")
    identifiers = [
        {"account_id": n, "kind": kind, "value": value if n in "ab" else f"{value}-{n}", "first_seen": DAY}
        for n in names for kind, value in (("device", "DEV-1"), ("email", "x@y.example"))
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(identifiers), data / "identifiers.parquet")
    cfg = settings(place / "home")
    import_path(cfg, data)
    detect(cfg)
    return cfg
