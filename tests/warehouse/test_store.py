"""What a reader sees of the warehouse: typed tables on an empty home too, many threads, older states, broken files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from stillwatch.config import Settings
from stillwatch.errors import StoreError
from stillwatch.pipeline.ingest import import_path
from stillwatch.warehouse.schema import WAREHOUSE
from stillwatch.warehouse.store import Snapshot, Warehouse, quote

from .conftest import DataSet, make_data


def test_an_empty_home_has_typed_empty_tables(home: Settings) -> None:
    store = Warehouse.open(home)
    assert store.empty
    assert store.versions == {}
    for name, spec in WAREHOUSE.items():
        assert store.table(name).to_pyarrow().schema.names == list(spec.names)
        assert store.table(name).count().execute() == 0
    assert not home.home.exists() or not list(home.home.iterdir())  # reading writes nothing


def test_threads_share_one_warehouse(home: Settings, tmp_path: Path) -> None:
    import_path(home, make_data(accounts=50, requests=1000).write(tmp_path / "in"))
    store = Warehouse.open(home)

    def work(_n: int) -> list[int]:
        requests = store.table("requests")
        by_account = requests.group_by("account_id").aggregate(n=requests.count(), first=requests.ts.min())
        return [len(by_account.execute()) + int(store.table("accounts").count().execute()) for _ in range(6)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == [[100] * 6] * 8


def test_a_look_up_passes_over_files_that_cannot_hold_the_value(home: Settings, tmp_path: Path) -> None:
    data = make_data(accounts=50, requests=400, text=True)
    data.requests = [{**r, "session_id": f"conversation {i}"} for i, r in enumerate(data.requests)]
    import_path(replace(home, keep_prompts=True), data.write(tmp_path / "in"))
    filters = {}
    for file in Warehouse.open(home).files("requests"):
        rows = duckdb.execute(
            f"SELECT path_in_schema, bloom_filter_offset FROM parquet_metadata({quote(file)})"
        ).fetchall()
        for column, offset in rows:
            filters.setdefault(column, set()).add(offset is not None)
    assert filters["session_id"] == filters["template"] == {True}  # each conversation has a name of its own


def test_an_older_state_can_be_read_again(home: Settings, data: DataSet, tmp_path: Path) -> None:
    import_path(home, data.write(tmp_path / "a"))
    then = Warehouse.open(home).versions
    import_path(home, make_data(accounts=30, requests=80).write(tmp_path / "b"))
    old = Warehouse(home, Snapshot(then))
    assert old.table("requests").count().execute() == 60
    assert old.table("accounts").count().execute() == 12


def test_a_file_that_cannot_be_read_is_told_with_what_the_engine_says(
    home: Settings, data: DataSet, tmp_path: Path
) -> None:
    import_path(home, data.write(tmp_path / "in"))
    file = Path(Warehouse.open(home).files("models")[0])
    whole = file.read_bytes()
    file.write_bytes(b"\xff" * len(whole))
    with pytest.raises(
        StoreError, match=r"table models of .* cannot be read \(.*[Pp]arquet.*stillwatch doctor"
    ) as told:
        Warehouse.open(home).table("models")
    assert "\n" not in str(told.value)
    file.unlink()
    with pytest.raises(StoreError, match=f"cannot be read .*{file.name}") as told:
        Warehouse.open(home).table("models")
    assert "is damaged" not in str(told.value)
    file.write_bytes(whole)
    assert Warehouse.open(home).table("models").count().execute() == 1
