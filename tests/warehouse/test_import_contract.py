"""Contract data of every shape arrives whole, once, and with the same meaning."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.config import Settings
from stillwatch.errors import StoreError
from stillwatch.pipeline.ingest import import_path
from stillwatch.sources.tokens import KEY_FILE, Tokens
from stillwatch.warehouse.schema import WAREHOUSE
from stillwatch.warehouse.store import Warehouse

from .conftest import START, DataSet, make_data

Frames = Callable[..., dict[str, pd.DataFrame]]
SHAPES = ("parquet", "parts", "csv", "csv.gz", "jsonl", "jsonl.gz")


@pytest.fixture
def fixed_key(home: Settings) -> Tokens:
    """A known key, so that two homes make the same tokens."""
    give_key(home)
    return Tokens.open(home.keys)


def give_key(home: Settings) -> None:
    home.keys.mkdir(parents=True)
    (home.keys / KEY_FILE).write_bytes(bytes(range(32)))
    (home.keys / KEY_FILE).chmod(0o600)


def test_every_column_arrives(home: Settings, data: DataSet, tmp_path: Path, frames: Frames, fixed_key: Tokens) -> None:
    report = import_path(home, data.write(tmp_path / "in"))

    assert report.rows_in == {"accounts": 12, "requests": 60, "identifiers": 24, "models": 1}
    assert report.rows_new == report.rows_in
    assert not report.rows_set_aside
    assert not report.warnings
    got = frames(home)
    for name, columns in (("accounts", None), ("models", None), ("requests", None)):
        for column in columns or [c for c in got[name].columns if c in data.rows(name)[0] and c != "ip"]:
            order = "request_id" if name == "requests" else "account_id" if name == "accounts" else "model"
            want = pd.DataFrame(data.rows(name)).sort_values(order, ignore_index=True)[column]
            assert got[name][column].astype(object).where(got[name][column].notna(), None).tolist() == (
                want.astype(object).where(want.notna(), None).tolist()
            ), f"{name}.{column}"
    requests = got["requests"]
    assert requests["template"].tolist() == [r["prompt_hash"] for r in data.requests]
    assert requests["ip"].tolist()[1] == fixed_key.of("ip", "203.0.113.1")
    assert requests["ip"].isna().sum() == 6
    assert requests["subnet"].dropna().unique().tolist() == [fixed_key.subnet("203.0.113.77")]
    assert requests["day"].astype(str).tolist() == [f"{r['ts']:%Y-%m-%d}" for r in data.requests]
    identifiers = got["identifiers"]
    want_values = {(r["account_id"], r["kind"], fixed_key.of(r["kind"], r["value"])) for r in data.identifiers}
    assert set(identifiers[["account_id", "kind", "value"]].itertuples(index=False, name=None)) == want_values
    assert Warehouse.open(home).table("requests").schema().names == WAREHOUSE["requests"].names


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_mean_the_same(
    shape: str, home: Settings, data: DataSet, tmp_path: Path, frames: Frames, fixed_key: Tokens
) -> None:
    other = home.at(tmp_path / "other")
    give_key(other)
    import_path(home, data.write(tmp_path / "reference"))
    import_path(other, data.write(tmp_path / "in", shape))
    first, second = frames(home), frames(other)
    for name, frame in first.items():
        pd.testing.assert_frame_equal(frame, second[name])


@pytest.mark.parametrize("shape", ["parquet", "jsonl", "csv"])
def test_text_becomes_a_sketch_and_is_dropped(shape: str, home: Settings, tmp_path: Path, frames: Frames) -> None:
    report = import_path(home, make_data(text=True).write(tmp_path / "in", shape))
    requests = frames(home, "requests")["requests"]
    assert requests["template"].nunique() == 1  # the numbers are slots
    assert requests["prompt"].isna().all()
    assert requests["prompt_chars"].min() > 60
    assert (requests["phrases"].map(len) > 3).all()
    assert (requests["capabilities"] & 1 == 1).all()  # "step by step"
    assert not any("phrases" in b for b in report.blind)
    for file in home.home.rglob("*"):
        assert not file.is_file() or b"Please solve" not in file.read_bytes(), file


def test_text_is_kept_where_the_operator_asks(home: Settings, tmp_path: Path, frames: Frames) -> None:
    data = make_data(text=True)
    import_path(replace(home, keep_prompts=True), data.write(tmp_path / "in"))
    assert frames(home, "requests")["requests"]["prompt"].tolist() == [r["prompt"] for r in data.requests]


def test_the_same_files_twice_add_nothing(home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "in")
    first = import_path(home, folder)
    versions = Warehouse.open(home).versions
    again = import_path(home, folder)
    assert again.already_known
    assert again.import_id == first.import_id
    assert Warehouse.open(home).versions == versions


def test_an_overlapping_export_adds_only_what_is_new(
    home: Settings, data: DataSet, tmp_path: Path, frames: Frames
) -> None:
    whole = make_data(requests=90)
    import_path(home, data.write(tmp_path / "a"))
    before = frames(home)
    report = import_path(home, whole.write(tmp_path / "b"))
    assert report.rows_in["requests"] == 90
    assert report.rows_new == {"accounts": 0, "requests": 30, "identifiers": 0, "models": 0}
    after = frames(home)
    assert after["requests"]["request_id"].is_unique
    assert len(after["requests"]) == 90
    pd.testing.assert_frame_equal(before["accounts"], after["accounts"])
    pd.testing.assert_frame_equal(before["identifiers"], after["identifiers"])


def test_the_order_of_rows_changes_nothing(
    home: Settings, data: DataSet, tmp_path: Path, frames: Frames, fixed_key: Tokens
) -> None:
    other = home.at(tmp_path / "other")
    give_key(other)
    import_path(home, data.write(tmp_path / "a"))
    for table in ("accounts", "requests", "identifiers"):
        random.Random(1).shuffle(getattr(data, table))
    import_path(other, data.write(tmp_path / "b"))
    first, second = frames(home), frames(other)
    for name, frame in first.items():
        pd.testing.assert_frame_equal(frame, second[name])


def test_newer_accounts_win_where_they_have_values(home: Settings, tmp_path: Path, frames: Frames) -> None:
    data = make_data()
    import_path(home, data.write(tmp_path / "a"))
    update = DataSet([dict(a) for a in data.accounts[:4]], [], [], [])
    for account in update.accounts:
        account |= {"status": "suspended", "status_at": START + timedelta(days=30), "plan": None}
        del account["org_id"]
    file = update.write(tmp_path / "b", tables=("accounts",)) / "accounts.parquet"
    report = import_path(home, file)
    assert report.rows_new == {"accounts": 4}
    accounts = frames(home)["accounts"].set_index("account_id")
    assert accounts.loc["acct-1", "status"] == "suspended"
    assert accounts.loc["acct-1", "org_id"] == "org-1"  # the update has no such column
    assert accounts.loc["acct-1", "plan"] == "free"  # nor any value in this one
    assert accounts.loc["acct-5", "status"] == "banned"
    assert len(accounts) == 12


def test_an_old_export_does_not_undo_a_dated_ban(home: Settings, tmp_path: Path, frames: Frames) -> None:
    data = make_data()
    import_path(home, data.write(tmp_path / "a"))
    data.accounts[5] |= {"status": "active", "status_at": START - timedelta(days=50), "plan": "team"}
    import_path(home, data.write(tmp_path / "b", tables=("accounts",)) / "accounts.parquet")
    account = frames(home)["accounts"].set_index("account_id").loc["acct-5"]
    assert (account["status"], account["status_at"], account["plan"]) == ("banned", pd.Timestamp(START), "team")


def test_spans_of_identifiers_only_grow(home: Settings, tmp_path: Path, frames: Frames) -> None:
    data = make_data()
    import_path(home, data.write(tmp_path / "a"))
    old = frames(home)["identifiers"]
    data.identifiers[0] |= {"first_seen": START - timedelta(days=9), "last_seen": START - timedelta(days=8)}
    data.identifiers.append(
        {"account_id": "acct-0", "kind": "Phone", "value": "n", "first_seen": None, "last_seen": None}
    )
    report = import_path(home, data.write(tmp_path / "b"))
    assert report.rows_new["identifiers"] == 2
    new = frames(home)["identifiers"]
    assert len(new) == len(old) + 1
    assert new["first_seen"].min() == pd.Timestamp(START - timedelta(days=9))
    assert new["last_seen"].max() == old["last_seen"].max()
    assert "phone" in set(new["kind"])


def test_tables_may_be_missing(home: Settings, tmp_path: Path, frames: Frames) -> None:
    data = make_data()
    no_requests = import_path(home, data.write(tmp_path / "a", tables=("accounts", "identifiers")))
    assert any("no requests" in b for b in no_requests.blind)
    no_identifiers = import_path(home, data.write(tmp_path / "b", tables=("accounts", "requests")))
    assert any("no identifiers" in b for b in no_identifiers.blind)
    assert any("no models" in b for b in no_identifiers.blind)
    got = frames(home)
    assert len(got["requests"]) == 60
    assert len(got["models"]) == 0


def test_an_empty_requests_table_is_fine(home: Settings, tmp_path: Path) -> None:
    data = make_data(requests=0)
    report = import_path(home, data.write(tmp_path / "in"))
    assert report.rows_in["requests"] == 0
    assert Warehouse.open(home).table("requests").count().execute() == 0


def test_unknown_accounts_are_kept_and_reported(home: Settings, data: DataSet, tmp_path: Path, frames: Frames) -> None:
    data.requests[7]["account_id"] = "acct-unheard-of"
    report = import_path(home, data.write(tmp_path / "in"))
    assert "acct-unheard-of" in set(frames(home)["requests"]["account_id"])
    assert any("1 accounts that the accounts table lacks" in w and "acct-unheard-of" in w for w in report.warnings)


def test_truth_is_never_opened(home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "in")
    (folder / "truth.parquet").symlink_to(tmp_path / "nowhere")  # opening it would fail
    (folder / "truth").mkdir(mode=0)
    (folder / "README.md").write_text("about")
    report = import_path(home, folder)
    assert not report.warnings
    assert report.rows_new["requests"] == 60


def test_unknown_files_and_columns_are_named(home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "in")
    (folder / "notes.txt").write_text("hello")
    table = data.arrow("accounts")
    pq.write_table(table.append_column("favourite", pa.array(["x"] * len(table))), folder / "accounts.parquet")
    report = import_path(home, folder)
    assert any("notes.txt" in w for w in report.warnings)
    assert any("`favourite`" in w and "accounts.parquet" in w for w in report.warnings)
    assert "favourite" not in Warehouse.open(home).table("accounts").columns


def test_blind_columns_are_told(home: Settings, data: DataSet, tmp_path: Path) -> None:
    for request in data.requests:
        request["ip"] = None
        request["session_id"] = f"s-{request['request_id']}"
        del request["asn"], request["prompt_hash"]
    report = import_path(home, data.write(tmp_path / "in"))
    told = " ".join(report.blind)
    assert "no client address" in told
    assert "asn" in told
    assert "no prompt text and no prompt hash" in told
    assert "no session" not in told


@pytest.mark.parametrize("damage", ["gone", "another", "cut"])
def test_another_key_is_refused(damage: str, home: Settings, data: DataSet, tmp_path: Path) -> None:
    import_path(home, data.write(tmp_path / "a"))
    key = home.keys / KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600
    if damage == "gone":
        key.unlink()
    else:
        key.chmod(0o600)
        key.write_bytes(b"x" * (32 if damage == "another" else 31))
    with pytest.raises(StoreError, match=KEY_FILE):
        import_path(home, make_data(requests=70).write(tmp_path / "b"))
    assert Warehouse.open(home).table("requests").count().execute() == 60
