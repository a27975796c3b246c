"""A small world of everything that two engines may read differently: nulls, empty text, ties, odd letters, odd times.

It keeps the laws of the warehouse and no more: types of ``warehouse.schema``, one row per key, and one phrase list per
template.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain import UNATTRIBUTED, Capability
from stillwatch.warehouse.schema import WAREHOUSE

START = datetime(2026, 3, 23)
"""A Monday; the last Sunday of March, when clocks change in Europe, lies in the first week."""
AS_OF = START + timedelta(days=24, hours=11, minutes=30, microseconds=1)
ACCOUNTS = 120
ODD_NAMES = (
    'o\'neil "quoted"; --',
    "a\\b%_",
    "été",  # composed
    "e\u0301te\u0301",  # the same letters, decomposed: another account
    "ΟΔΥΣΣΕΥΣ",
    "İstanbul",
    "東京🗼",
    "\u202eltr",
    " leading",
    "leading",
    "NULL",
    "nan",
    "tab\tnew\nline",
    "",
    "=1+1",
    "nul\x00byte",
    "A00001",  # another account than a00001
)
EVERYTHING = sum(c.bit for c in Capability)
WORDS = (None, "", " ", "null", "наука", "straße", "STRASSE", "💳", "x' OR '1'='1")
KINDS = ("payment", "PAYMENT", "Device", "phone", "", "E-Mail", "Straße", "телефон", "ТЕЛЕФОН", "ÉTUDE", "étude")

Rows = list[dict[str, Any]]


def make(seed: int = 11) -> dict[str, Rows]:
    """Rows of accounts, requests, identifiers and models, in no particular order."""
    rng = np.random.default_rng(seed)
    names = [f"a{i:05d}" for i in range(ACCOUNTS - len(ODD_NAMES))] + list(ODD_NAMES)
    tables: dict[str, Rows] = {
        "accounts": [_account(rng, name) for name in [*names, "never-asked", UNATTRIBUTED]],
        "requests": _requests(rng, [*names, "signed-up-nowhere", UNATTRIBUTED]),
        "identifiers": _identifiers(rng, [*names, "only-seen", UNATTRIBUTED]),
        "models": [
            {"model": "m1", "released_at": START - timedelta(days=200)},
            {"model": "m2", "released_at": START - timedelta(days=13)},
            {"model": "модель", "released_at": START + timedelta(days=9, microseconds=1)},
            {"model": "unused", "released_at": AS_OF + timedelta(days=1)},
        ],
    }
    for rows in tables.values():
        rng.shuffle(rows)  # type: ignore[arg-type]
    return tables


def write(tables: dict[str, Rows], folder: Path, parts: int = 2) -> dict[str, Path]:
    """Each table as a folder of Parquet files, typed as the warehouse types it."""
    places = {}
    for name, rows in tables.items():
        schema = WAREHOUSE[name].schema
        places[name] = folder / name
        places[name].mkdir()
        for part in range(parts):
            table = pa.Table.from_pylist([{"import_id": "i", **row} for row in rows[part::parts]], schema=schema)
            pq.write_table(table, places[name] / f"part-{part}.parquet")
    return places


def _one(rng: np.random.Generator, values: tuple[Any, ...]) -> Any:
    return values[int(rng.integers(0, len(values)))]


def _account(rng: np.random.Generator, name: str) -> dict[str, Any]:
    # sign-up at the edges of the six-hour slots, before 1970, and after the first request
    born = START - timedelta(days=int(rng.integers(-20, 3)), hours=int(rng.integers(0, 3)) * 6)
    evening = datetime(1969, 12, 31, 18)
    born = _one(
        rng, (born, born, born, born - timedelta(microseconds=1), evening, evening - timedelta(milliseconds=500))
    )
    changed = _one(rng, (None, None, AS_OF, AS_OF + timedelta(microseconds=1), START + timedelta(days=3)))
    return {
        "account_id": name,
        "created_at": born,
        "org_id": _one(rng, WORDS),
        "plan": _one(rng, ("free", "pro", "", "ünï", None)),
        "channel": _one(rng, ("first_party", "first_party", None)),
        "email_domain": _one(rng, ("mail.example", "bücher.example", "", None)),
        "country": None,
        "verification": _one(rng, WORDS),
        "status": "banned" if changed else _one(rng, ("active", None)),
        "status_at": changed,
    }


def _moment(rng: np.random.Generator) -> datetime:
    """Ties, ends of hours, days and weeks, and the hours that some time zones do not have."""
    day = START + timedelta(days=int(rng.integers(0, 28)))
    ends = (
        day,
        day - timedelta(microseconds=1),
        day + timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999),
        START + timedelta(days=6, hours=int(rng.integers(0, 4)), minutes=30),
        AS_OF,
        AS_OF + timedelta(microseconds=1),
        datetime(2024, 2, 29, 12),
        datetime(1969, 12, 28, 5, 59, 59, 500_000),
    )
    if rng.random() < 0.25:
        return ends[int(rng.integers(0, len(ends)))]
    return day + timedelta(microseconds=int(rng.integers(0, 86_400_000_000)))


def _phrases(rng: np.random.Generator, template: int) -> list[int] | None:
    if template < 3:
        return [None, [], [7, 7, 7]][template]
    own = [int(v) for v in rng.integers(-(2**31), 2**31 - 1, 3)]
    return [int(v) for v in rng.integers(0, 25, 4)] + own + [2**31 - 1, -(2**31), own[0]]


def _requests(rng: np.random.Generator, names: list[str]) -> Rows:
    sketches = [_phrases(rng, t) for t in range(60)]
    rows = _clockwork()
    for i, name in enumerate(names):
        silent = i % 11 == 0  # a source that tells no more than who asked when
        favourite = int(rng.integers(0, 60))
        for j in range((1, 2, 5, 40, 90)[i % 5]):
            at, t = _moment(rng), int(_one(rng, (favourite, rng.integers(0, 60), 60)))
            rows.append(
                {
                    "request_id": f"{i}/{j}",
                    "account_id": name,
                    "ts": at,
                    "model": _one(rng, ("m1", "m1", "m2", "модель", "not listed", "")),
                    "day": at.date(),
                }
            )
            if silent:
                continue
            rows[-1] |= {
                "ip": _one(rng, (*WORDS, *(f"ip{n}" for n in range(30)))),
                "subnet": _one(rng, (None, "", *(f"net{n}" for n in range(20)))),
                "asn": _one(rng, WORDS),
                "client": _one(rng, WORDS),
                "session_id": _one(rng, (None, "", f"{name}/{j // 3}", f"shared{rng.integers(0, 15)}")),
                "input_tokens": _one(rng, (None, 0, 1, 977, 2**40)),
                "output_tokens": _one(rng, (None, 0, 3, 4096)),
                "tool_count": _one(rng, (None, 0, 1, 12)),
                "status": _one(rng, (None, "ok", "ok", "refused", "error", "rate_limited", "REFUSED")),
                "system_hash": _one(rng, WORDS),
                "template": None if t == 60 else "" if t == 59 else f"t{t}",
                "phrases": None if t == 60 else sketches[t],
                "prompt_chars": _one(rng, (None, 0, 17, 2**31 - 1)),
                "capabilities": _one(rng, (None, 0, 1, 2, 5, EVERYTHING, *(c.bit for c in Capability))),
            }
    return rows


def _clockwork() -> Rows:
    """A request in each hour of a day: every share is exactly 1/24, every pause the same."""
    first = START + timedelta(days=2, seconds=3)
    moments = (first + timedelta(hours=h) for h in range(24))
    return [
        {"request_id": f"clock/{h}", "account_id": "clockwork", "ts": at, "model": "m1", "day": at.date()}
        for h, at in enumerate(moments)
    ]


def _identifiers(rng: np.random.Generator, names: list[str]) -> Rows:
    times = (None, START, START - timedelta(days=90, microseconds=3), AS_OF, AS_OF + timedelta(days=1))
    rows: dict[tuple[str, str, Any], dict[str, Any]] = {}
    for name in names:
        for _ in range(int(rng.integers(0, 7))):
            kind, value = _one(rng, KINDS), _one(rng, (*WORDS, *(f"v{n}" for n in range(25))))
            rows[name, kind, value] = {
                "account_id": name,
                "kind": kind,
                "value": value,
                "first_seen": _one(rng, times),
                "last_seen": _one(rng, times),
            }
    return list(rows.values())
