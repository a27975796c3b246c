"""The command line as other programs rely on it (docs/cli.md): real processes, exit codes, JSON, one clear message."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.cli import main
from stillwatch.config import settings
from stillwatch.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def stillwatch(home: Path, *words: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    """Run one command; ``code`` is the exit code that is wanted, None for any."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("STILLWATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "stillwatch", "--home", str(home), *words],
        capture_output=True, text=True, env={**env, "STILLWATCH_USER": "ada"}, cwd=home.parent, timeout=300,
        check=False,
    )  # fmt: skip
    if code is not None:
        assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return done


def answer(home: Path, *words: str, code: int = 0) -> object:
    return json.loads(stillwatch(home, *words, "--json", code=code).stdout)


def refused_here(
    home: Path, *words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, str]:
    """What the same program answers as JSON without a process of its own (a second start would double the time)."""
    monkeypatch.setenv("STILLWATCH_USER", "ada")
    monkeypatch.chdir(home.parent)
    capsys.readouterr()
    assert main(["--home", str(home), *words]) == 2
    return dict(json.loads(capsys.readouterr().out))


@pytest.fixture(scope="module")
def home(detected_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample data imported and one run published, by two commands."""
    home = tmp_path_factory.mktemp("cli") / "home"
    shutil.copytree(detected_sample, home)
    return home


def test_the_whole_path_from_queue_to_verified_bundle(home: Path, tmp_path: Path) -> None:
    queue = answer(home, "clusters", "--limit", "5")
    assert isinstance(queue, list)
    assert [row["rank"] for row in queue] == sorted(row["rank"] for row in queue)
    assert all(row["reasons"] for row in queue[:1])
    first, last = queue[0]["cluster_id"], queue[-1]["cluster_id"]

    labelled = answer(home, "label", first, "distillation", "--reason", "one operator's cards and words")
    assert labelled["label"]["labeler"] == "ada"
    campaign = labelled["campaign_id"]
    answer(home, "label", last, "benign", "--reason", "a course", "--by", "grace")
    again = answer(home, "label", first, "distillation", "--reason", "one operator's cards and words")
    assert again["label"]["label_id"] == labelled["label"]["label_id"]

    before = (home / "runs" / "CURRENT").read_text()
    assert stillwatch(home, "train", "--promote").stdout.startswith("Trained M-0001")
    assert (home / "runs" / "CURRENT").read_text() != before

    bundle = tmp_path / "bundle"
    answer(home, "evidence", "export", campaign, "--out", str(bundle))
    assert answer(home, "evidence", "verify", str(bundle))["ok"] is True
    report = next(bundle.rglob("report.html"))
    report.write_text(report.read_text() + " ")
    assert answer(home, "evidence", "verify", str(bundle), code=1)["ok"] is False
    assert all(check["ok"] for check in answer(home, "doctor"))


def test_accounts_file_has_exactly_the_columns_of_the_contract(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "accounts.parquet"
    assert answer(home, "accounts", "--out", str(out))["accounts"] == 3000
    table = pq.read_table(out)
    assert table.column_names == ["account_id", "cluster_id", "score"]
    scores = table["score"].to_pylist()
    assert all(0 <= s <= 1 for s in scores)
    assert len(set(table["account_id"].to_pylist())) == table.num_rows


def test_import_of_the_same_files_adds_nothing(home: Path) -> None:
    report = answer(home, "import", str(ROOT / "sample_data"))
    assert report["already_known"] is True
    assert sum(report["rows_new"].values()) == 0


def test_evaluate_scores_the_run_against_truth(home: Path) -> None:
    found = answer(home, "evaluate", "--truth", str(ROOT / "sample_data" / "truth.parquet"))
    assert 0 <= found["average_precision"] <= 1
    assert "stillwatch" not in stillwatch(home, "evaluate", "--truth", str(ROOT / "README.md"), code=2).stdout


def test_labels_from_a_file_are_all_or_nothing(home: Path, tmp_path: Path) -> None:
    accounts = pq.read_table(ROOT / "sample_data" / "accounts.parquet")["account_id"].to_pylist()[:2]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    head = "target_type,target_id,label,reason,labeler\n"
    good.write_text(head + f"account,{accounts[0]},benign,known customer,grace\n")
    bad.write_text(head + f"account,{accounts[1]},benign,fine,grace\naccount,{accounts[1]},guilty,hunch,grace\n")
    assert answer(home, "label", "--from", str(good))["added"] == 1
    assert answer(home, "label", "--from", str(good))["added"] == 0
    assert "row 2" in stillwatch(home, "label", "--from", str(bad), code=2).stderr
    assert answer(home, "label", "--from", str(good))["added"] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("import", "/nowhere/at/all"),
        ("import", ".", "--format", "telegraph"),
        ("label", "nobody", "benign", "--reason", "x"),
        ("label", "nobody", "benign"),
        ("label", "--from", "no.csv"),
        ("evidence", "export", "K-9999", "--out", "somewhere"),
        ("evidence", "verify", "no-bundle"),
        ("evaluate", "--truth", "none.parquet"),
        ("accounts", "--out", "/nowhere/at/all/a.parquet"),
        ("simulate", "--scenario", "unheard-of", "--out", "x"),
        ("simulate", "--scenario", "sample"),
    ],
    ids=" ".join,
)
def test_bad_input_gets_one_message_and_exit_code_2(
    home: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = stillwatch(home, *words, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("stillwatch: ")
    assert list(refused_here(home, *words, "--json", monkeypatch=monkeypatch, capsys=capsys)) == ["error"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("fly",),
        ("clusters", "--limit", "none"),
        ("detect", "--as-of", "soon"),
        ("clusters", "--limit", "²"),
        ("clusters", "--limit", "9" * 5000),
        ("detect", "--as-of", "9999-12-31T23:59:59-12:00"),
        ("serve", "--port", "99999"),
        ("serve", "--port", "-1"),
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_bad_usage_is_exit_code_2(
    tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = stillwatch(tmp_path / "home", *words, code=2).stderr
    assert told.startswith("stillwatch: ")
    assert "usage: stillwatch" in told
    found = refused_here(tmp_path / "home", "--json", *words, monkeypatch=monkeypatch, capsys=capsys)
    assert list(found) == ["error"]


@pytest.mark.parametrize("command", ["detect", "clusters", "train"])
def test_a_step_that_comes_too_early_says_what_comes_first(tmp_path: Path, command: str) -> None:
    done = stillwatch(tmp_path / "home", command, code=2)
    assert "stillwatch " in done.stderr.removeprefix("stillwatch: ")


def test_hostile_names_cannot_drive_the_terminal(home: Path) -> None:
    done = stillwatch(home, "label", "\x1b]0;owned\x07<script>", "benign", "--reason", "x", code=2)
    assert "\x1b" not in done.stderr
    assert "\x07" not in done.stderr
    extra = stillwatch(home, "label", "a", "benign", "\x1b[31m\x9b31m\u202e", code=2)
    assert "unrecognized arguments" in extra.stderr
    assert not set(extra.stderr) & set("\x1b\x9b\u202e")
    machine = stillwatch(home, "--json", "label", "\x9b31m\u202e", "benign", "--reason", "x", code=2)
    assert machine.stdout.isascii()


@pytest.mark.parametrize(
    "words",
    [
        (b"label", b"ab\xff", b"benign", b"--reason", b"x"),
        (b"label", b"a", b"benign", b"--reason", b"x\xff"),
        (b"label", b"a", b"benign", b"--reason", b"x", b"--by", b"\xff"),
        (b"import", b"no\xff\x1b[31m"),
        (b"import", b"~nobody-of-this-name/x"),
        (b"evidence", b"export", b"K\xff", b"--out", b"x"),
        (b"--home", b"~nobody-of-this-name/x", b"doctor"),
        (b"--home", b"circle/x", b"doctor"),
    ],
    ids=str,
)
def test_words_that_are_no_text_and_places_that_are_none(home: Path, words: tuple[bytes, ...]) -> None:
    circle = home.parent / "circle"
    if not circle.is_symlink():
        circle.symlink_to("circle")
    done = subprocess.run(
        [sys.executable, "-m", "stillwatch", "--home", str(home), "--json", *words],
        capture_output=True, cwd=home.parent, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert list(json.loads(done.stdout)) == ["error"]
    assert done.stderr.startswith(b"stillwatch: ")
    assert b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stderr


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "much"])
def test_a_memory_limit_that_is_none_is_refused(tmp_path: Path, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLWATCH_MEMORY_GB", value)
    with pytest.raises(InputError, match="STILLWATCH_MEMORY_GB"):
        settings(tmp_path)


def test_simulate_writes_a_world_that_imports_and_detects(tmp_path: Path) -> None:
    home, world = tmp_path / "home", tmp_path / "world"
    answer(home, "simulate", "--scenario", "none", "--scale", "0.02", "--seed", "3", "--out", str(world))
    assert {p.stem for p in world.iterdir()} >= {"accounts", "requests", "identifiers", "models", "truth"}
    answer(home, "import", str(world))
    answer(home, "detect", "--as-of", "2026-10-20T00:00:00Z")
    assert isinstance(answer(home, "clusters"), list)


INTERRUPTED = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started the tests with it ignored
import duckdb
from stillwatch import cli

def computing(*_):
    duckdb.connect().execute("SELECT count(*) FROM range(10000000000) a, range(10000000) b WHERE a.range = -b.range")

def deaf(*_):  # as an engine that waits for its own threads for good
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass

def interrupted(*_):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    WORK()

cli._doctor = interrupted
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("work", ["computing", "deaf"])
def test_ctrl_c_is_one_sentence_even_where_the_engine_never_comes_back(tmp_path: Path, work: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.replace("WORK", work), "--home", str(tmp_path / "home"), "--json", "doctor"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert "interrupted" in json.loads(done.stdout)["error"]
    assert "Traceback" not in done.stderr
