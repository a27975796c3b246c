"""The sample world, made once for every test that looks at it: by the command line, as people make theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def command(home: Path, *words: str) -> None:
    """Run one command of the program on a home; it must succeed."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("STILLWATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "stillwatch", "--home", str(home), *words],
        capture_output=True, text=True, env={**env, "STILLWATCH_USER": "ada"}, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture(scope="session")
def imported_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home with the sample data imported, without a run. Shared: look at it or copy it, never write to it."""
    home = tmp_path_factory.mktemp("imported") / "home"
    command(home, "import", str(ROOT / "sample_data"))
    return home


@pytest.fixture(scope="session")
def detected_sample(imported_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same home with its first run. Shared: look at it or copy it, never write to it."""
    home = tmp_path_factory.mktemp("detected") / "home"
    shutil.copytree(imported_sample, home)
    command(home, "detect")
    return home
