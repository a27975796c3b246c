"""The warm-up: what it opens, and that nothing it meets keeps the server from answering."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from streamlit.web.server.app_discovery import discover_asgi_app

from stillwatch.ui import cluster_facts, session, warmup

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    warmup.visited()  # nobody comes here, and nobody shall wait for it
    yield
    gc.unfreeze()


def test_however_the_app_is_started_its_server_runs_the_warm_up() -> None:
    found = discover_asgi_app(ROOT / "app.py")
    assert found.import_string == "app:app"
    code = (
        "import sys; sys.path.insert(0, '.'); import app\n"
        "assert 'stillwatch.ui.frame' not in sys.modules, 'the server must not wait for the pages to load the file'\n"
        "from stillwatch.ui import warmup; assert app.app._user_lifespan is warmup.lifespan"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_home_without_a_run_is_no_obstacle(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    ready = Event()
    warmup._warm(ready)
    assert ready.is_set()
    assert not [r for r in caplog.records if r.name == warmup.__name__ and r.levelname == "WARNING"]
    assert "stillwatch.ui.detector_view" in sys.modules


def test_a_damaged_run_is_left_to_the_pages(hostile_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = session.current_run()
    run.file("clusters").write_bytes(b"no parquet")
    ready = Event()
    warmup._warm(ready)
    assert ready.is_set()
    assert "Traceback" not in caplog.text


def test_the_first_visitor_finds_the_clusters_open(hostile_home: Path) -> None:
    warmup.open_run()
    clusters = session.frame("clusters")
    largest = clusters["cluster_id"].iloc[int(clusters["size"].to_numpy().argmax())]
    made = vars(cluster_facts.load(largest))
    assert {"members", "values_of", "position", "everybody_touched"} <= set(made)


def test_the_server_answers_once_the_first_pages_are_warm(hostile_home: Path) -> None:
    async def life() -> bool:
        async with warmup.lifespan(None):
            return warmup.start().is_set()

    with ThreadPoolExecutor(1) as alone:  # the browser tests leave a loop running in this thread
        assert alone.submit(asyncio.run, life()).result()
    assert warmup.start() is warmup.start()
