"""A tiny hand-made world: one obvious network, one campus, many strangers. Written straight into a warehouse."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from stillwatch.config import Settings, settings
from stillwatch.domain import Capability
from stillwatch.warehouse.schema import WAREHOUSE

START = datetime(2026, 3, 2)
NETWORK, CAMPUS = 40, 60


@dataclass
class World:
    """Warehouse tables as pandas; a test may change them before they are written."""

    accounts: pd.DataFrame
    requests: pd.DataFrame
    identifiers: pd.DataFrame
    models: pd.DataFrame

    def renamed(self) -> World:
        """The same world with other account names, in another order of names."""
        ids = self.accounts["account_id"]
        new = {a: f"z{zlib.crc32(a.encode()):08x}" for a in ids}
        return World(
            *(f.assign(account_id=f["account_id"].map(new)) if "account_id" in f else f for f in self.tables())
        )

    def shuffled(self, seed: int = 1) -> World:
        """The same rows in another order."""
        return World(*(f.sample(frac=1.0, random_state=seed).reset_index(drop=True) for f in self.tables()))

    def tables(self) -> tuple[pd.DataFrame, ...]:
        return self.accounts, self.requests, self.identifiers, self.models


def phrases(words: str) -> list[int]:
    """Hashes of all word 4-grams."""
    w = words.split()
    return [int(np.int32(zlib.crc32(" ".join(w[i : i + 4]).encode()) & 0x7FFFFFFF)) for i in range(max(1, len(w) - 3))]


def _text(rng: np.random.Generator, n: int, vocabulary: int = 4000) -> str:
    return " ".join(f"w{v}" for v in rng.integers(0, vocabulary, n))


def make(*, strangers: int = 500, seed: int = 7, network: bool = True) -> World:
    """Strangers chat; the campus (60 students, one domain, one network, one assignment); the network (40 accounts,
    12 cards, three reworded frames, proxies).
    """
    rng = np.random.default_rng(seed)
    accounts, requests, identifiers = [], [], []
    frames = [_text(rng, 30) for _ in range(3)]
    shared = _text(rng, 14)
    assignment = _text(rng, 30)
    kinds = ["person"] * strangers + ["student"] * CAMPUS + (["network"] * NETWORK if network else [])
    for i, kind in enumerate(kinds):
        name = f"a{i:05d}"
        born = (
            START - timedelta(days=float(rng.uniform(5, 300)))
            if kind == "person"
            else START + timedelta(hours=float(rng.uniform(0, 60)))
        )
        plan = {
            "person": rng.choice(["free", "pro"], p=[0.6, 0.4]),
            "student": "edu",
            "network": rng.choice(["free", "pro"]),
        }[kind]
        accounts.append(
            {
                "account_id": name,
                "created_at": born,
                "org_id": "university" if kind == "student" else None,
                "plan": plan,
                "channel": "first_party",
                "email_domain": "uni.example" if kind == "student" else rng.choice(["mail.example", "post.example"]),
                "country": None,
                "verification": "email",
                "status": "active",
                "status_at": None,
            }
        )
        own = [_text(rng, 20) for _ in range(2)]
        count = int(rng.integers(20, 60))
        home = f"net{rng.integers(0, strangers * 2)}"
        for j in range(count):
            at = START + timedelta(days=float(rng.uniform(0.2 if kind != "person" else 0, 20)))
            place, words, flags, session = home, _text(rng, 18), Capability.KNOWLEDGE.bit, f"{name}-{j // 4}"
            if kind == "person" and j % 3 == 0:
                words = own[j % 2] + " " + _text(rng, 6)
            if kind == "student":
                place = "campus"
                words = (assignment if j % 2 else _text(rng, 10)) + " " + _text(rng, 5)
            if kind == "network":
                place = f"proxy{rng.integers(0, 400)}"
                if j % 4:
                    words = f"{frames[(i + j) % 3]} {shared} {_text(rng, 6)}"
                    flags = Capability.REASONING.bit | Capability.GRADING.bit
            requests.append(
                {
                    "request_id": f"{name}-{j}",
                    "account_id": name,
                    "ts": at,
                    "model": rng.choice(["m1", "m2"]),
                    "ip": None,
                    "asn": None,
                    "client": "sdk",
                    "session_id": session,
                    "input_tokens": 200,
                    "output_tokens": 400,
                    "tool_count": 0,
                    "status": "ok",
                    "system_hash": None,
                    "subnet": place,
                    "template": f"t{zlib.crc32(words.encode()):08x}",
                    "phrases": phrases(words),
                    "prompt_chars": len(words),
                    "capabilities": flags,
                    "prompt": None,
                    "day": at.date(),
                    "import_id": "i",
                }
            )
        card = f"card{i}" if kind != "network" else f"ring{i % 12}"
        identifiers.append((name, "payment", card))
        identifiers.append((name, "device", f"laboratory{i % 5}" if kind == "student" else f"device{i}"))
    named = pd.DataFrame(identifiers, columns=["account_id", "kind", "value"])
    named = named.assign(first_seen=START, last_seen=START, import_id="i")
    released = pd.DataFrame(
        {
            "model": ["m1", "m2"],
            "released_at": [START - timedelta(days=90), START + timedelta(days=8)],
            "import_id": "i",
        }
    )
    return World(pd.DataFrame(accounts).assign(import_id="i"), pd.DataFrame(requests), named, released)


def write(world: World, home: Path) -> Settings:
    """Put a world into the warehouse of a home."""
    place = settings(home)
    versions = {}
    for name, frame in zip(("accounts", "requests", "identifiers", "models"), world.tables(), strict=True):
        if not len(frame):
            continue
        _put(place, name, frame, "error")
        versions[name] = 0
    place.warehouse.mkdir(parents=True, exist_ok=True)
    note = {"versions": versions, "key_id": "k", "published_at": "2026-04-01T00:00:00"}
    (place.warehouse / "SNAPSHOT.json").write_text(json.dumps(note))
    return place


def add(world: World, place: Settings) -> None:
    """Add the requests of a world to those of a home, as an import does: in files of their own."""
    if len(world.requests):
        _put(place, "requests", world.requests, "append")
    publish(place, "requests", DeltaTable(str(place.warehouse / "requests")).version())


def publish(place: Settings, name: str, version: int) -> None:
    """Make a version of a table the one that readers see."""
    snapshot = place.warehouse / "SNAPSHOT.json"
    note = json.loads(snapshot.read_text())
    note["versions"][name] = version
    snapshot.write_text(json.dumps(note))


def _put(place: Settings, name: str, frame: pd.DataFrame, mode: Literal["error", "append"]) -> None:
    schema = WAREHOUSE[name].schema
    columns = [pa.Array.from_pandas(frame[c], type=schema.field(c).type) for c in schema.names]
    table = pa.Table.from_arrays(columns, schema=schema)
    part = ["day"] if name == "requests" else None
    write_deltalake(str(place.warehouse / name), table, partition_by=part, mode=mode)
