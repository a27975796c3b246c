"""Long work as a process: one at a time, its words kept, a stop that leaves the home as it was."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from stillwatch.config import Settings, settings
from stillwatch.errors import Busy
from stillwatch.ui.jobs import Job, Jobs


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("STILLWATCH_DATABASE_URL", raising=False)
    return settings(tmp_path / "home")


def ended(job: Job) -> Job:
    until = time.monotonic() + 60
    while job.running and time.monotonic() < until:
        time.sleep(0.05)
    assert not job.running
    return job


def test_the_words_of_a_command_are_kept_and_a_failure_says_why(home: Settings, tmp_path: Path) -> None:
    board = Jobs(home)
    cleared: list[bool] = []
    job = ended(board.start("Two steps", [("doctor", "--json"), ("import", str(tmp_path / "nowhere"))],
                            afterwards=lambda: cleared.append(True)))  # fmt: skip
    assert job.state == "failed"
    assert "nowhere" in job.error
    assert cleared == [True]


def test_one_at_a_time_and_a_stop_ends_the_rest(home: Settings) -> None:
    board = Jobs(home)
    job = board.start("Slow", [("simulate", "--scenario", "list"), ("simulate", "--scenario", "list")])
    with pytest.raises(Busy, match="Slow"):
        board.start("Another", [("doctor",)])
    board.stop()
    assert ended(job).state == "stopped"
    assert job.finished < 2
    again = ended(board.start("Again", [("simulate", "--scenario", "list")]))
    assert again.state == "done"
    assert again.words
