"""Named reads answer what their name says, on an empty home too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pandas as pd

from stillwatch.config import Settings
from stillwatch.pipeline.ingest import import_path
from stillwatch.warehouse import reads
from stillwatch.warehouse.schema import WAREHOUSE
from stillwatch.warehouse.store import Snapshot, Warehouse

from .conftest import START, DataSet, make_data


def test_an_empty_home_has_typed_empty_tables(home: Settings) -> None:
    store = Warehouse.open(home)
    assert store.empty
    assert store.versions == {}
    for name, spec in WAREHOUSE.items():
        assert store.table(name).to_pyarrow().schema.names == list(spec.names)
        assert store.table(name).count().execute() == 0
    assert reads.freshness_expr(store).execute()["requests"].tolist() == [0]
    assert len(reads.daily_requests_expr(store).execute()) == 0
    assert not home.home.exists() or not list(home.home.iterdir())  # reading writes nothing


def test_requests_of_an_account(home: Settings, data: DataSet, tmp_path: Path) -> None:
    import_path(home, data.write(tmp_path / "in"))
    got = reads.requests_of_account_expr(Warehouse.open(home), "acct-3").execute()
    want = [r["request_id"] for r in data.requests if r["account_id"] == "acct-3"]
    assert got["request_id"].tolist() == want[::-1]
    assert len(reads.requests_of_account_expr(Warehouse.open(home), "' OR 1=1 --").execute()) == 0


def test_daily_requests(home: Settings, data: DataSet, tmp_path: Path) -> None:
    import_path(home, data.write(tmp_path / "in"))
    store = Warehouse.open(home)
    frame = pd.DataFrame(data.requests)
    frame["day"] = frame["ts"].dt.normalize()
    frame["tokens"] = frame["input_tokens"].fillna(0) + frame["output_tokens"].fillna(0)
    want = frame.groupby("day").agg(
        requests=("ts", "size"), accounts=("account_id", "nunique"), tokens=("tokens", "sum")
    )
    got = reads.daily_requests_expr(store).execute().set_index("day")
    assert got.to_numpy().tolist() == want.to_numpy().tolist()
    some = reads.daily_requests_expr(store, ["acct-1", "acct-2"]).execute()
    assert some["requests"].sum() == sum(r["account_id"] in ("acct-1", "acct-2") for r in data.requests)


def test_identifiers_and_their_sharers(home: Settings, data: DataSet, tmp_path: Path) -> None:
    import_path(home, data.write(tmp_path / "in"))
    got = reads.identifiers_of_account_expr(Warehouse.open(home), "acct-4").execute()
    own = {(i["kind"], i["value"]) for i in data.identifiers if i["account_id"] == "acct-4"}
    want = sorted(len({i["account_id"] for i in data.identifiers if (i["kind"], i["value"]) == pair}) for pair in own)
    assert sorted(got["sharers"].tolist()) == want


def test_imports_rejects_freshness_and_strangers(home: Settings, data: DataSet, tmp_path: Path) -> None:
    data.requests[5]["input_tokens"] = -1
    data.requests[6]["account_id"] = "acct-new"
    first = import_path(home, data.write(tmp_path / "a"))
    second = import_path(home, make_data(requests=80).write(tmp_path / "b"))
    store = Warehouse.open(home)
    assert sorted(reads.imports_expr(store).execute()["import_id"]) == sorted([first.import_id, second.import_id])
    assert reads.rejects_of_import_expr(store, first.import_id).execute()["row"].tolist() == [6]
    assert len(reads.rejects_of_import_expr(store, second.import_id).execute()) == 0
    [fresh] = reads.freshness_expr(store).execute().to_dict("records")
    assert fresh["requests"] == 80
    assert fresh["last_ts"] == START + timedelta(minutes=70 * 79, microseconds=79)
    assert reads.unknown_accounts_expr(store).execute().to_dict("records") == [
        {"account_id": "acct-new", "requests": 1}
    ]


def test_threads_share_one_warehouse(home: Settings, tmp_path: Path) -> None:
    import_path(home, make_data(accounts=50, requests=4000).write(tmp_path / "in"))
    store = Warehouse.open(home)

    def work(_n: int) -> list[int]:
        requests = store.table("requests")
        by_account = requests.group_by("account_id").aggregate(n=requests.count(), first=requests.ts.min())
        return [len(by_account.execute()) + int(store.table("accounts").count().execute()) for _ in range(6)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == [[100] * 6] * 8


def test_an_older_state_can_be_read_again(home: Settings, data: DataSet, tmp_path: Path) -> None:
    import_path(home, data.write(tmp_path / "a"))
    then = Warehouse.open(home).versions
    import_path(home, make_data(accounts=30, requests=80).write(tmp_path / "b"))
    old = Warehouse(home, Snapshot(then))
    assert old.table("requests").count().execute() == 60
    assert old.table("accounts").count().execute() == 12
