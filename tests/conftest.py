"""The sample world, made once for every test that looks at it: by the command line, as people make theirs.

It is begun when the tests begin, beside those that do not need it: half a minute of work that nobody waits for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


class Sample:
    """Two homes in the making: the sample data imported, and the same with its first run."""

    def __init__(self, place: Path) -> None:
        self._env = {k: v for k, v in os.environ.items() if not k.startswith("STILLWATCH_")}  # tests change it later
        self._pool = ThreadPoolExecutor(1)
        self.imported: Future[Path] = self._pool.submit(self._import, place / "imported")
        self.detected: Future[Path] = self._pool.submit(self._detect, place / "imported", place / "detected")

    def _import(self, home: Path) -> Path:
        self._command(home, "import", str(ROOT / "sample_data"))
        return home

    def _detect(self, imported: Path, home: Path) -> Path:
        shutil.copytree(imported, home)
        self._command(home, "detect")
        return home

    def _command(self, home: Path, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "stillwatch", "--home", str(home), *words],
            capture_output=True, text=True, cwd=ROOT, env={**self._env, "STILLWATCH_USER": "ada"}, timeout=600,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session", autouse=True)
def sample_in_the_making(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sample | None]:
    """Begun with the first test, if any test of this session looks at it."""
    names = {"imported_sample", "detected_sample"}
    if not any(names & set(getattr(item, "fixturenames", ())) for item in request.session.items):
        yield None
        return
    making = Sample(tmp_path_factory.mktemp("sample"))
    yield making
    making.close()


@pytest.fixture(scope="session")
def imported_sample(sample_in_the_making: Sample) -> Path:
    """Home with the sample data imported, without a run. Shared: look at it or copy it, never write to it."""
    return sample_in_the_making.imported.result()


@pytest.fixture(scope="session")
def detected_sample(sample_in_the_making: Sample) -> Path:
    """The same home with its first run. Shared: look at it or copy it, never write to it."""
    return sample_in_the_making.detected.result()
