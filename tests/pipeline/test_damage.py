"""A home in which something is damaged or gone: one clear message that says what, and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stillwatch.cli import main
from stillwatch.config import Settings, settings
from stillwatch.errors import StoreError
from stillwatch.pipeline.detect import detect
from stillwatch.pipeline.doctor import examine
from stillwatch.pipeline.ingest import import_path
from stillwatch.warehouse import runs

DAYS = 12


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a little data and one run."""
    home, data = tmp_path_factory.mktemp("sound") / "home", tmp_path_factory.mktemp("data")
    names = [f"a{i}" for i in range(30)]
    (data / "accounts.csv").write_text("account_id,created_at\n" + "".join(f"{n},2026-01-01\n" for n in names))
    rows = [f"r{n}-{d},{n},2026-02-{d + 1:02},m,10.0.{i}.1\n" for i, n in enumerate(names) for d in range(DAYS)]
    (data / "requests.csv").write_text("request_id,account_id,ts,model,ip\n" + "".join(rows))
    import_path(settings(home), data)
    detect(settings(home))
    return home


@pytest.fixture
def home(sound: Path, tmp_path: Path) -> Settings:
    shutil.copytree(sound, tmp_path / "home")
    return settings(tmp_path / "home")


def _run(home: Settings) -> Path:
    return home.runs / (home.runs / "CURRENT").read_text().strip()


def _data(home: Settings, table: str) -> Path:
    return min((home.warehouse / table).rglob("*.parquet"))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


DAMAGE: dict[str, Callable[[Settings], object]] = {
    "CURRENT is no text": lambda home: (home.runs / "CURRENT").write_bytes(b"R-\xff"),
    "CURRENT is empty": lambda home: (home.runs / "CURRENT").write_text(""),
    "CURRENT leads elsewhere": lambda home: (home.runs / "CURRENT").write_text("../../etc"),
    "the run is gone": lambda home: shutil.rmtree(_run(home)),
    "the run's manifest is none": lambda home: (_run(home) / "manifest.json").write_text("[1]"),
    "a table of the run is cut": lambda home: _cut(_run(home) / "links.parquet"),
    "a data file is gone": lambda home: _data(home, "requests").unlink(),
    "a data file is cut": lambda home: _cut(_data(home, "accounts")),
    "the log is no log": lambda home: next((home.warehouse / "requests" / "_delta_log").glob("*.json")).write_text("{"),
    "the snapshot is none": lambda home: (home.warehouse / "SNAPSHOT.json").write_text("{"),
    "the token key is gone": lambda home: (home.keys / "tokens.key").unlink(),
    "the token key is cut": lambda home: (home.keys / "tokens.key").write_bytes(b"x"),
    "the case file is none": lambda home: (home.home / "cases.db").write_bytes(b"x" * 9000),
}


def test_a_sound_home_passes(home: Settings) -> None:
    assert [c for c in examine(home) if not c.ok and c.name != "packages"] == []


@pytest.mark.parametrize("damage", DAMAGE)
def test_doctor_finds_it_and_nothing_crashes(
    damage: str, home: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DAMAGE[damage](home)
    wrong = [c for c in examine(home) if not c.ok and c.name != "packages"]
    assert wrong
    assert all("\n" not in c.detail and "Traceback" not in c.detail for c in wrong)
    for words in (["clusters"], ["accounts", "--out", str(tmp_path / "a.parquet")], ["label", "a1", "benign",
                  "--reason", "r"], ["detect"]):  # fmt: skip
        code = main(["--home", str(home.home), "--json", *words])
        told = json.loads(capsys.readouterr().out)
        assert (code, "error" in told) in ((0, False), (2, True))


@pytest.mark.parametrize("damage", [d for d in DAMAGE if "CURRENT" in d or "run is gone" in d])
def test_a_lost_run_is_told_and_the_next_detection_mends_it(damage: str, home: Settings) -> None:
    DAMAGE[damage](home)
    with pytest.raises(StoreError, match=r"run `stillwatch detect` to publish a new one"):
        runs.current(home.runs)
    new = detect(home)
    assert runs.current(home.runs).run_id == new.run_id


def test_a_data_file_that_is_damaged_inside_is_told(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (home.warehouse / "requests").rglob("*.parquet"):
        content = bytearray(file.read_bytes())
        content[4:300] = b"\xee" * 296
        file.write_bytes(content)
    assert main(["--home", str(home.home), "--json", "detect"]) == 2
    assert "doctor" in json.loads(capsys.readouterr().out)["error"]
