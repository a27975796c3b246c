"""Homes for the page tests: nothing at all, data without a run, a hand-made run, the sample world."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).parent))
import fake_run
from page_reading import Open

from stillwatch.config import settings
from stillwatch.domain import no_progress

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home that the app uses."""
    monkeypatch.setenv("STILLWATCH_HOME", str(tmp_path))
    monkeypatch.setenv("STILLWATCH_USER", "ana")
    monkeypatch.delenv("STILLWATCH_DATABASE_URL", raising=False)
    return tmp_path


@pytest.fixture
def hostile_home(home: Path) -> Path:
    """A hand-made run with three clusters and ids that attack."""
    fake_run.publish(home)
    return home


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample world, imported, without a run."""
    from stillwatch.pipeline.ingest import import_path

    place = tmp_path_factory.mktemp("imported")
    import_path(settings(place), ROOT / "sample_data", progress=no_progress)
    return place


@pytest.fixture(scope="session")
def detected(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample world with its first run."""
    from stillwatch.pipeline.detect import detect

    place = tmp_path_factory.mktemp("detected") / "home"
    shutil.copytree(imported, place)
    detect(settings(place), progress=no_progress)
    return place


@pytest.fixture
def open_page(home: Path) -> Open:
    """``open_page("cluster", cluster="C-1")``: the app at one page with these query parameters."""

    def opened(page: str = "", **params: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in params.items():
            app.query_params[name.rstrip("_")] = value
        app.run()
        return app.switch_page(f"pages/{page}.py").run() if page else app

    return opened
