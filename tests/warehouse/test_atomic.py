"""Whatever interrupts an import, readers see the state before it or after it, and the next import succeeds."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable

from stillwatch.config import Settings
from stillwatch.errors import Busy
from stillwatch.pipeline.ingest import import_path
from stillwatch.warehouse.lock import home_lock
from stillwatch.warehouse.schema import WAREHOUSE
from stillwatch.warehouse.store import Warehouse

from .conftest import make_data

Frames = Callable[..., dict[str, pd.DataFrame]]

KILLED = """
import os, signal, sys
from stillwatch import config
from stillwatch.pipeline.ingest import import_path
home, path, how, at = sys.argv[1:]
seen = 0
def count():
    global seen
    seen += 1
    if seen == int(at):
        os.kill(os.getpid(), signal.SIGKILL)
if how == "rename":  # data files moving into their tables, and the snapshot file at the very end
    sys.addaudithook(lambda event, _args: count() if event == "os.rename" else None)
report = import_path(config.settings(home), path, progress=lambda *_: count() if how == "step" else None)
print(seen)
"""


def run(script: str, *args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script, *map(str, args)], capture_output=True, text=True, check=False)


def stray_files(home: Settings) -> set[Path]:
    """Data files that no version of any table names, and leftovers of staging."""
    found = {p for p in home.warehouse.rglob("*") if p.is_file() and "_delta_log" not in p.parts}
    for name in WAREHOUSE:
        folder = home.warehouse / name
        for log in (folder / "_delta_log").glob("*.json"):
            for line in log.read_text().splitlines():
                found.discard(folder / json.loads(line).get("add", {}).get("path", "/"))
    return {p for p in found if p.name != "SNAPSHOT.json"}


@pytest.fixture
def two_sets(home: Settings, tmp_path: Path) -> tuple[Path, Path]:
    """A home with a first import, and a folder with more of everything."""
    first = make_data(requests=40).write(tmp_path / "a")
    data = make_data(accounts=20, requests=70)
    data.models.append({"model": "model-b", "released_at": data.models[0]["released_at"]})
    return first, data.write(tmp_path / "b")


def test_kill_at_any_moment_leaves_the_last_good_state(
    home: Settings, two_sets: tuple[Path, Path], tmp_path: Path, frames: Frames
) -> None:
    first, second = two_sets
    import_path(home, first)
    before = frames(home, keep_ids=True)
    shutil.copytree(home.home, tmp_path / "whole")
    whole = home.at(tmp_path / "whole")
    renames = int(run(KILLED, whole.home, second, "rename", -1).stdout)
    after = frames(whole)
    assert renames >= 8
    for how, at in (("step", 2), ("step", 9), *(("rename", n) for n in range(1, renames, 3)), ("rename", renames)):
        killed = run(KILLED, home.home, second, how, at)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        now = frames(home, keep_ids=True)
        for name, frame in before.items():
            pd.testing.assert_frame_equal(frame, now[name])
    report = import_path(home, second)
    assert report.rows_new["requests"] == 30
    now = frames(home)
    for name, frame in after.items():
        pd.testing.assert_frame_equal(frame, now[name])
    assert not stray_files(home)
    assert len(Warehouse.open(home).table("imports").execute()) == 2


def test_the_same_files_again_clear_what_a_kill_after_publishing_left(
    home: Settings, two_sets: tuple[Path, Path], frames: Frames
) -> None:
    first, _ = two_sets
    import_path(home, first)
    left = home.warehouse / ".staging" / "I-20261020-000000-aaaaaa" / "requests" / "part.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert stray_files(home)
    assert import_path(home, first).already_known
    assert not stray_files(home)
    assert len(frames(home, "requests")["requests"]) == 40


def test_kill_at_random_times(home: Settings, two_sets: tuple[Path, Path], frames: Frames) -> None:
    first, second = two_sets
    import_path(home, first)
    counts = {40, 70}
    for delay in (0.9, 1.3, 1.6):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(home.home), str(second), "step", "-1"])
        time.sleep(delay)
        child.kill()
        child.wait()
        assert len(frames(home, "requests")["requests"]) in counts
    import_path(home, second)
    assert len(frames(home, "requests")["requests"]) == 70
    assert not stray_files(home)


def test_the_very_first_import_may_be_killed(home: Settings, two_sets: tuple[Path, Path], frames: Frames) -> None:
    for at in (2, 6):
        assert run(KILLED, home.home, two_sets[0], "rename", at).returncode == -signal.SIGKILL
        assert Warehouse.open(home).empty
    import_path(home, two_sets[0])
    assert len(frames(home, "requests")["requests"]) == 40
    assert not stray_files(home)


@pytest.mark.parametrize("word", ["checking requests", "writing requests", "publishing"])
def test_ctrl_c_leaves_nothing_behind(word: str, home: Settings, two_sets: tuple[Path, Path], frames: Frames) -> None:
    first, second = two_sets
    import_path(home, first)
    before = frames(home, keep_ids=True)

    def interrupt(what: str, _done: float | None) -> None:
        if what.startswith(word):
            os.kill(os.getpid(), signal.SIGINT)

    set_up = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started us with it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            import_path(home, second, progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, set_up)
    now = frames(home, keep_ids=True)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, now[name])
    assert not stray_files(home)
    assert import_path(home, second).rows_new["requests"] == 30


WRITER = """
import sys
from pathlib import Path
from stillwatch import config
from stillwatch.pipeline.ingest import import_path
home, *paths = sys.argv[1:]
input()  # the reader has seen the first state
for path in paths:
    import_path(config.settings(home), path)
input()  # the reader has seen the last state
"""


def test_a_second_process_reads_while_an_import_writes(home: Settings, tmp_path: Path) -> None:
    folders = [make_data(accounts=10 * n, requests=50 * n).write(tmp_path / f"in{n}") for n in range(1, 6)]
    import_path(home, folders[0])
    command = [sys.executable, "-c", WRITER, str(home.home), *map(str, folders)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    assert writer.stdin is not None
    states: set[int] = set()
    while writer.poll() is None and 5 not in states:
        store = Warehouse.open(home)
        imports = store.table("imports").count().execute()
        requests = store.table("requests").count().execute()
        accounts = store.table("accounts").count().execute()
        identifiers = store.table("identifiers").count().execute()
        assert requests == 5 * accounts == 50 * imports
        assert identifiers == store.table("identifiers").distinct().count().execute()
        if not states:
            print(file=writer.stdin, flush=True)
        states.add(imports)
    writer.communicate("\n")
    assert writer.returncode == 0
    assert {1, 5} <= states
    assert Warehouse.open(home).table("imports").count().execute() == 5


def test_an_open_reader_keeps_its_state(home: Settings, two_sets: tuple[Path, Path]) -> None:
    import_path(home, two_sets[0])
    reader = Warehouse.open(home)
    assert reader.table("requests").count().execute() == 40
    import_path(home, two_sets[1])
    assert reader.table("requests").count().execute() == 40
    assert reader.table("accounts").count().execute() == 12  # opened after the import, but of the reader's state
    assert Warehouse.open(home).table("requests").count().execute() == 70


HOLDER = """
import sys, time
from stillwatch import config
from stillwatch.warehouse.lock import home_lock
with home_lock(config.settings(sys.argv[1]), "import of logs"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_told_who_is_busy(home: Settings, two_sets: tuple[Path, Path]) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(home.home)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Busy, match=f"import of logs .process {holder.pid}"):
        import_path(home, two_sets[0])
    holder.kill()  # a killed holder leaves no lock
    holder.wait()
    holder.stdout.close()
    assert import_path(home, two_sets[0]).rows_new["requests"] == 40


def test_the_lock_is_given_back_after_an_error(home: Settings) -> None:
    with pytest.raises(ZeroDivisionError), home_lock(home, "a job that fails"):
        1 / 0  # noqa: B018
    with home_lock(home, "the next"), pytest.raises(Busy, match="the next"), home_lock(home):
        pass


def test_many_small_imports_do_not_become_many_files(home: Settings, tmp_path: Path, frames: Frames) -> None:
    data = make_data(requests=18)
    for n in range(18):
        part = make_data()
        part.requests = [data.requests[n]]
        part.requests[0]["ts"] = data.requests[0]["ts"]
        import_path(home, part.write(tmp_path / f"in{n}", tables=("requests",)) / "requests.parquet")
    store = Warehouse.open(home)
    assert len(store.files("requests")) < 4
    assert len(store.files("imports")) < 4
    assert sorted(frames(home, "requests")["requests"]["request_id"]) == [r["request_id"] for r in data.requests]
    assert not stray_files(home)


def test_other_engines_read_the_tables(home: Settings, two_sets: tuple[Path, Path], frames: Frames) -> None:
    import_path(home, two_sets[1])
    for name in ("accounts", "requests", "identifiers"):
        table = DeltaTable(str(home.warehouse / name))
        theirs = table.to_pyarrow_table().to_pandas()
        ours = frames(home, name, keep_ids=True)[name]
        order = [c for c in ("request_id", "account_id", "kind", "value") if c in ours]
        theirs = theirs.sort_values(order, ignore_index=True)[list(ours.columns)]
        pd.testing.assert_frame_equal(theirs, ours, check_dtype=False)
        assert sum(table.get_add_actions(flatten=True).column("num_records").to_pylist()) == len(ours)
