"""Tables that a reader translates batch by batch: the same checks, its own words for bad rows and blind signals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from stillwatch.config import Settings
from stillwatch.errors import SourceError, StoreError
from stillwatch.sources.source import BatchTable, SourceData
from stillwatch.warehouse import delta, importing
from stillwatch.warehouse.importing import import_source, known_import
from stillwatch.warehouse.store import SNAPSHOT, Warehouse

NOW = datetime(2024, 6, 1)


def batch(start: int, rows: int, **columns: list[object]) -> pa.RecordBatch:
    """Requests of a log, numbered on from start."""
    numbers = range(start, start + rows)
    made = {
        "request_id": [f"r{i}" for i in numbers],
        "account_id": ["a"] * rows,
        "ts": ["2024-05-01T10:00:00+02:00"] * rows,
        "model": ["m"] * rows,
        "_file": ["gateway.log"] * rows,
        "_row": [i + 1 for i in numbers],
        **columns,
    }
    return pa.RecordBatch.from_pydict(made)


def source(*batches: pa.RecordBatch, **fields: object) -> SourceData:
    return SourceData("some_log", "gateway.log", (BatchTable("requests", iter(batches)),), **fields)  # type: ignore[arg-type]


def test_batches_arrive(home: Settings) -> None:
    report = import_source(home, source(batch(0, 5), batch(5, 3)), "f1", now=NOW)
    assert (report.format, report.source, report.rows_new) == ("some_log", "gateway.log", {"requests": 8})
    assert any("no accounts" in b for b in report.blind)
    got = Warehouse.open(home).table("requests").execute()
    assert sorted(got["request_id"]) == [f"r{i}" for i in range(8)]
    assert set(got["ts"]) == {datetime(2024, 5, 1, 8)}
    again = known_import(home, "f1")
    assert again is not None
    assert again.already_known
    assert again.rows_new == {"requests": 0}
    assert again.rows_in == report.rows_in
    assert known_import(home, "f2") is None


def test_no_batch_at_all(home: Settings) -> None:
    assert import_source(home, source(), "f", now=NOW).rows_in == {"requests": 0}


def test_rows_that_the_reader_could_not_read(home: Settings) -> None:
    bad = [None, "is a metric, not a span", None, None]
    report = import_source(home, source(batch(0, 4, _bad=bad, account_id=["a", None, "a", None])), "f", now=NOW)
    assert report.rows_set_aside == {"requests": 2}
    got = Warehouse.open(home).table("rejects").execute().sort_values("row")
    assert got["reason"].tolist() == ["is a metric, not a span", "is missing; it is required"]
    assert got["file"].tolist() == ["gateway.log"] * 2
    assert "gateway.log row 2" in report.reject_examples[0]


def test_a_log_that_is_delivered_twice(home: Settings) -> None:
    twice = source(batch(0, 5), batch(3, 5), repeats="skip")
    report = import_source(home, twice, "f1", now=NOW)
    assert (report.rows_in, report.rows_new) == ({"requests": 10}, {"requests": 8})
    more = import_source(home, source(batch(6, 4), repeats="skip"), "f2", now=NOW)
    assert more.rows_new == {"requests": 2}
    with pytest.raises(SourceError, match=r"gateway.log row 4: key 'r3' was there before"):
        import_source(home, source(batch(0, 5), batch(3, 5)), "f3", now=NOW)
    assert Warehouse.open(home).table("requests").count().execute() == 10


def test_a_reader_that_fails_half_way(home: Settings) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield batch(0, 5)
        raise SourceError("gateway.log: ends in the middle of a record.")

    data = SourceData("some_log", "gateway.log", (BatchTable("requests", broken()),))
    with pytest.raises(SourceError, match="in the middle"):
        import_source(home, data, "f", now=NOW)
    assert Warehouse.open(home).empty
    assert not list(home.warehouse.glob("*"))


def test_what_the_reader_says_is_blind_is_said_once(home: Settings) -> None:
    declared = ("requests.asn: the proxy does not log networks", "models: nobody knows")
    report = import_source(home, source(batch(0, 5), blind=declared), "f", now=NOW)
    assert report.blind[:2] == declared
    assert not any("(asn)" in b or "release pivot" in b for b in report.blind)
    assert any("client address" in b for b in report.blind)


def test_addresses_and_address_identifiers_are_equal(home: Settings) -> None:
    identifiers = pa.RecordBatch.from_pydict(
        {"account_id": ["a", "a", "a"], "kind": ["ip", "Signup_IP", "device"], "value": ["2001:DB8::1"] * 3}
    )
    tables = (
        BatchTable("requests", iter([batch(0, 2, ip=["2001:db8:0::1", "203.0.113.5"])])),
        BatchTable("identifiers", iter([identifiers])),
    )
    import_source(home, SourceData("some_log", "x", tables), "f", now=NOW)
    store = Warehouse.open(home)
    address = store.table("requests").order_by("request_id").execute()["ip"][0]
    values = store.table("identifiers").execute().set_index("kind")["value"]
    assert values["ip"] == values["signup_ip"] == address != values["device"]


def test_a_table_is_handed_over_once(home: Settings) -> None:
    table = BatchTable("requests", iter([batch(0, 2)]))
    with pytest.raises(ValueError, match="once"):
        import_source(home, SourceData("some_log", "x", (table, table)), "f", now=NOW)


def test_a_clock_that_is_behind_says_so(home: Settings) -> None:
    with pytest.raises(SourceError, match=r"`ts` is '2024-05-01.*outside 2000-01-01 to 2024-02-03.*clock"):
        import_source(home, source(batch(0, 5)), "f", now=datetime(2024, 2, 1))


def test_a_damaged_snapshot_is_told(home: Settings, tmp_path: Path) -> None:
    import_source(home, source(batch(0, 5)), "f", now=NOW)
    (home.warehouse / SNAPSHOT).write_text("{")
    with pytest.raises(StoreError, match=SNAPSHOT):
        Warehouse.open(home)
    with pytest.raises(StoreError, match=SNAPSHOT):
        import_source(home, source(batch(5, 5)), "f2", now=NOW)
    assert list((home.warehouse / "requests").rglob("*.parquet"))


def test_recovery_may_be_repeated_and_leaves_good_data_alone(home: Settings) -> None:
    import_source(home, source(batch(0, 5)), "f", now=NOW)
    assert not delta.recover(home.warehouse)
    before = Warehouse.open(home).versions
    (home.warehouse / delta.STAGING / "I-x").mkdir(parents=True)
    stray = next((home.warehouse / "requests").glob("day=*")) / "stray.parquet"
    stray.write_bytes(b"x")
    assert delta.recover(home.warehouse)
    assert not stray.exists()
    assert not delta.recover(home.warehouse)
    assert Warehouse.open(home).versions == before
    assert Warehouse.open(home).table("requests").count().execute() == 5


def test_requests_on_very_many_days_get_a_word(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert importing.MANY_DAYS > 366  # two years of traffic are nothing odd
    monkeypatch.setattr(importing, "MANY_DAYS", 100)  # every day is a file: a thousand of them take half a minute
    times: list[object] = [f"{2020 + i // 30}-{i % 30 // 28 + 1:02}-{i % 28 + 1:02}" for i in range(150)]
    report = import_source(home, source(batch(0, 150, ts=times)), "f1", now=NOW)
    days = len(set(times))
    assert days > 100
    assert any(f"lie on {days:,} days from 2020-01-01 to 2024-" in words for words in report.warnings)
    again = import_source(home, source(batch(2_000, 5)), "f2", now=NOW)
    assert not any("days" in words for words in again.warnings)
