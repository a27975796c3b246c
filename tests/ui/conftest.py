"""Homes for the page tests: nothing at all, data without a run, a hand-made run, the sample world."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).parent))
import fake_run
from page_reading import Open

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
def imported(imported_sample: Path) -> Path:
    """The sample world, imported, without a run."""
    return imported_sample


@pytest.fixture(scope="session")
def detected(detected_sample: Path) -> Path:
    """The sample world with its first run."""
    return detected_sample


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
