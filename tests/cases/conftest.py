"""Case files to test on: SQLite, and a real PostgreSQL that lives as long as the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, text

from stillwatch.cases.store import CaseStore
from stillwatch.config import Settings, settings
from stillwatch.warehouse import runs
from stillwatch.warehouse.run_schema import RUN_TABLES

NOT_FOUND = "PostgreSQL's initdb and pg_ctl were not found; install Debian's package: apt-get install postgresql"
RUN_ID = "R-20261122-180000-ab12"
CLUSTERS = {"C-aaaaaa": ["ana-1", "ana-2", "ana-3"], "C-bbbbbb": ["bo-1", "bo-2"]}
HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "../../x",
    "O'Brien; DROP TABLE labels;--",
    "x" * 10_000,
]
_numbers = count()


def make_run(cfg: Settings, run_id: str, clusters: dict[str, list[str]]) -> None:
    """Publish a run that only knows accounts and their clusters."""
    rows = [{"account_id": a, "cluster_id": c} for c, members in clusters.items() for a in members]
    rows += [{"account_id": a} for a in ("alone-1", "alone-2", *HOSTILE)]
    tables = {name: spec.schema.empty_table() for name, spec in RUN_TABLES.items()}
    tables["accounts"] = pa.Table.from_pylist(rows, schema=RUN_TABLES["accounts"].schema)
    runs.publish(cfg.runs, run_id, tables, {})


def _tool(name: str) -> str | None:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or (str(places[0]) if places else None)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a server on a socket of its own; ``{}`` is the schema to work in."""
    initdb, pg_ctl = _tool("initdb"), _tool("pg_ctl")
    if initdb is None or pg_ctl is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NOT_FOUND)
        pytest.skip(NOT_FOUND)
    folder = Path(tempfile.mkdtemp(prefix="stillwatch-pg-", dir="/tmp"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        name = "postgres" if any(p.pw_name == "postgres" for p in pwd.getpwall()) else "nobody"
        user = pwd.getpwnam(name)
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = [shutil.which("runuser", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "runuser", "-u", name, "--"]

    def call(*command: str) -> None:
        done = subprocess.run([*as_user, *command], capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode:
            pytest.fail(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}")

    data = str(folder / "data")
    call(initdb, "-D", data, "-U", "stillwatch", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
    call(pg_ctl, "-D", data, "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield f"postgresql+psycopg://stillwatch@/postgres?host={folder}&options=-csearch_path%3D{{}}"
    finally:
        call(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def cfg(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A home with a published run and an empty case file; once on each engine."""
    cfg = settings(tmp_path / "home")
    make_run(cfg, RUN_ID, CLUSTERS)
    if request.param == "sqlite":
        return cfg
    server: str = request.getfixturevalue("postgresql")
    name = f"cases_{next(_numbers)}"
    admin = create_engine(server.format("public"))
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    admin.dispose()
    return replace(cfg, database_url=server.format(name))


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 18)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(cfg: Settings, clock: Clock) -> Iterator[CaseStore]:
    with CaseStore.open(cfg, clock) as opened:
        yield opened


@pytest.fixture
def republish(cfg: Settings) -> Callable[[str, dict[str, list[str]]], None]:
    """Publish another run in the same home: id, cluster -> accounts."""
    return lambda run_id, clusters: make_run(cfg, run_id, clusters)
