"""One more day: a run that counts only what is new gives the very bytes of a run that counts everything."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable

sys.path.insert(0, str(Path(__file__).parent))
import worlds

from stillwatch.config import Settings, settings
from stillwatch.pipeline import counting
from stillwatch.pipeline.detect import detect
from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import Inputs, inputs_as_of
from stillwatch.warehouse.run_schema import RUN_TABLES
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.store import Warehouse

LAST = worlds.START + timedelta(days=19)


@pytest.fixture(scope="module")
def world() -> worlds.World:
    return worlds.make(strangers=300)


def cut(world: worlds.World, keep: Callable[[pd.Series], pd.Series]) -> worlds.World:
    """The same world with some of its requests."""
    times = pd.to_datetime(world.requests["ts"])
    return worlds.World(world.accounts, world.requests[keep(times)], world.identifiers, world.models)


def without_cache(home: Settings, place: Path) -> Settings:
    """A copy of a home that remembers its runs, but nothing that was counted."""
    shutil.copytree(home.home, place, ignore=shutil.ignore_patterns("cache"))
    return settings(place)


def assert_same_bytes(one: Run, other: Run) -> None:
    for name in RUN_TABLES:
        assert one.file(name).read_bytes() == other.file(name).read_bytes(), name


def said(home: Settings, as_of: datetime | None = None) -> tuple[Run, list[str]]:
    """A detection and what it said on the way about counting."""
    words: list[str] = []
    run = detect(home, as_of=as_of, progress=lambda text, _: words.append(text))
    return run, [w for w in words if w.startswith(("counting", "what was counted"))]


@pytest.fixture(scope="module")
def earlier(world: worlds.World, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that has all days but the last, and a run."""
    home = worlds.write(cut(world, lambda t: t < LAST), tmp_path_factory.mktemp("earlier") / "home")
    assert len(said(home)[1]) == 1
    return home


def with_last_day(earlier: Settings, world: worlds.World, place: Path) -> tuple[Settings, int]:
    shutil.copytree(earlier.home, place)
    later = cut(world, lambda t: t >= LAST)
    worlds.add(later, settings(place))
    return settings(place), len(later.requests)


def test_one_more_day_gives_the_bytes_of_a_full_run(earlier: Settings, world: worlds.World, tmp_path: Path) -> None:
    home, rows = with_last_day(earlier, world, tmp_path / "home")
    full = without_cache(home, tmp_path / "full")
    (again, words), (whole, other_words) = said(home), said(full)
    assert words == [f"counting {rows:,} new requests"]
    assert other_words == [f"counting {len(world.requests):,} requests"]
    assert_same_bytes(again, whole)
    third, words = said(home)
    assert words == []
    assert third.frame("signals").equals(again.frame("signals"))


def test_a_moment_within_a_day_is_counted_and_not_kept(earlier: Settings, world: worlds.World, tmp_path: Path) -> None:
    home, _ = with_last_day(earlier, world, tmp_path / "home")
    full = without_cache(home, tmp_path / "full")
    noon = LAST + timedelta(hours=12)
    before = sorted(p.name for p in counting.place_of(home).iterdir())
    (again, words), (whole, _) = said(home, noon), said(full, noon)
    assert "new" in words[0]
    assert_same_bytes(again, whole)
    assert sorted(p.name for p in counting.place_of(home).iterdir()) == before
    assert not counting.place_of(full).exists()
    past = LAST - timedelta(days=5, hours=3)
    assert_same_bytes(said(home, past)[0], said(full, past)[0])


@pytest.mark.parametrize("harm", ["bytes", "cut short", "gone", "other code", "other files", "no note", "a file"])
def test_what_cannot_be_trusted_is_counted_again(earlier: Settings, tmp_path: Path, harm: str) -> None:
    home = settings(tmp_path / "home")
    shutil.copytree(earlier.home, home.home)
    [kept] = counting.place_of(home).iterdir()
    victim, note = kept / "book-0000.parquet", kept / "note.json"
    told = json.loads(note.read_text())
    if harm == "bytes":
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    elif harm == "cut short":
        victim.write_bytes(victim.read_bytes()[:100])
    elif harm == "gone":
        victim.unlink()
    elif harm == "other code":
        note.write_text(json.dumps({**told, "code": "0" * 64}))
    elif harm == "other files":
        note.write_text(json.dumps({**told, "covers": [*told["covers"], "requests/day=2026-01-01/x.parquet|7"]}))
    elif harm == "no note":
        note.write_text("{")
    else:
        shutil.rmtree(kept)
        kept.write_text("not a folder")
    again, words = said(home)
    assert "again" in words[0]
    assert words[1].startswith("counting")
    assert "new" not in words[1]
    assert [p for p in counting.place_of(home).iterdir() if p.name == kept.name] == []
    full = without_cache(earlier, tmp_path / "full")
    assert_same_bytes(again, said(full)[0])


def test_every_tally_of_two_piles_is_that_of_one(world: worlds.World, tmp_path: Path) -> None:
    """Late rows of old days, on the days of others, with values and phrases of both piles."""
    r = world.requests
    number = np.arange(len(r))
    r = r.assign(
        asn=[f"as{n % 9}" for n in number],
        ip=[f"ip{n % 800}" if n % 5 else None for n in number],
        subnet=[None if n % 3 else place for n, place in zip(number, r["subnet"], strict=True)],
        system_hash=[f"s{n % 70}" if n % 2 else None for n in number],
        session_id=[f"c{n % 900}" if n % 4 else own for n, own in zip(number, r["session_id"], strict=True)],
        template=[f"t{n % 1100}" if n % 7 == 0 else own for n, own in zip(number, r["template"], strict=True)],
    )
    world = replace(world, requests=r)
    late = pd.to_datetime(r["ts"]).dt.hour % 6 == 0
    one = worlds.write(cut(world, lambda t: ~late), tmp_path / "one")
    tables(one)
    worlds.add(cut(world, lambda t: late), one)
    whole = worlds.write(world, tmp_path / "whole")
    added, counted = tables(one), tables(whole)
    assert set(added) == set(counting.NAMES)
    for name, frame in counted.items():
        pd.testing.assert_frame_equal(added[name], frame, obj=name)
        assert len(frame), name


def test_compacted_files_are_counted_again(world: worlds.World, tmp_path: Path) -> None:
    home = worlds.write(cut(world, lambda t: t < LAST), tmp_path / "home")
    first = tables(home)
    worlds.add(cut(world, lambda t: (t >= LAST) & (t < LAST)), home)
    log = DeltaTable(str(home.warehouse / "requests"))
    log.optimize.z_order(["account_id"])
    worlds.publish(home, "requests", log.version())
    for name, frame in tables(home).items():
        pd.testing.assert_frame_equal(first[name], frame, obj=name)


def tables(home: Settings) -> dict[str, pd.DataFrame]:
    """Every tally as detection has it, in one order of rows."""
    warehouse = Warehouse.open(home)
    inputs, execute = inputs_as_of(warehouse.table, None), Engine(warehouse.backend())
    room = home.home / "room"
    room.mkdir()
    found: Inputs = counting.counted(warehouse, inputs, execute, room)
    shutil.rmtree(room)
    assert replace(found, counted={}) == inputs
    out = {}
    for name, table in found.counted.items():
        frame = execute(table)
        keys = [
            c for c in frame if c in ("account_id", "value", "token", "day", "hour", "model", "uses", "ip", "subnet")
        ]
        out[name] = frame.sort_values(keys, ignore_index=True) if keys else frame
    return out
