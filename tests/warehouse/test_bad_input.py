"""Broken and hostile input: one clear message or a row set aside with its reason, and never half an import."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.config import Settings
from stillwatch.errors import SourceError
from stillwatch.pipeline.ingest import import_path
from stillwatch.warehouse.store import Warehouse

from .conftest import DataSet, as_text, make_data, write_text

Frames = Callable[..., dict[str, pd.DataFrame]]


def refused(home: Settings, path: Path, *words: str) -> str:
    """The import is refused in these words, and the home holds what it held before."""
    before = Warehouse.open(home).versions
    with pytest.raises(SourceError) as caught:
        import_path(home, path)
    text = str(caught.value)
    for word in words:
        assert word in text, text
    assert Warehouse.open(home).versions == before
    assert not (home.warehouse / ".staging").exists()
    return text


def rejects(home: Settings) -> pd.DataFrame:
    return Warehouse.open(home).table("rejects").to_pyarrow().to_pandas()


def with_requests(data: DataSet, folder: Path, lines: str | bytes, name: str = "requests.csv") -> Path:
    """The data set with its requests replaced by the bytes of one file."""
    data.write(folder, tables=("accounts", "identifiers", "models"))
    raw = lines.encode() if isinstance(lines, str) else lines
    (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return folder


def typed(data: DataSet, folder: Path, column: str, values: pa.Array) -> Path:
    """The data set with one column of requests.parquet of another type."""
    data.write(folder)
    table = data.arrow("requests")
    table = table.set_column(table.schema.get_field_index(column), column, values)
    pq.write_table(table, folder / "requests.parquet")
    return folder


# ------------------------------------------------------------------------------------------- files that are no files


def test_truncated_parquet(home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "in")
    file = folder / "requests.parquet"
    whole = file.read_bytes()
    for cut in (0, 3, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:cut])
        refused(home, folder, "requests.parquet")


def test_parquet_with_damaged_pages(home: Settings, tmp_path: Path) -> None:
    folder = make_data(requests=3000).write(tmp_path / "in")
    file = folder / "requests.parquet"
    whole = bytearray(file.read_bytes())
    whole[20:2000] = b"\xff" * 1980
    file.write_bytes(whole)
    refused(home, folder, "requests")


def test_an_empty_folder(home: Settings, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    refused(home, tmp_path / "in", "empty")


def test_nothing_there(home: Settings, tmp_path: Path) -> None:
    refused(home, tmp_path / "gone", "does not exist")


@pytest.mark.parametrize("name", ["requests.csv", "requests.csv.gz", "requests.parquet"])
def test_an_empty_file(name: str, home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = with_requests(data, tmp_path / "in", b"", name)
    refused(home, folder, name, "empty") if name != "requests.parquet" else refused(home, folder, name)


def test_a_header_and_no_row(home: Settings, data: DataSet, tmp_path: Path) -> None:
    for i, end in enumerate(("", "\n")):
        folder = with_requests(data, tmp_path / f"in{i}", "request_id,account_id,ts,model" + end)
        assert import_path(home, folder).rows_in["requests"] == 0


def test_a_gzip_that_ends_early(home: Settings, tmp_path: Path) -> None:
    folder = make_data(requests=2000).write(tmp_path / "in", "csv.gz")
    file = folder / "requests.csv.gz"
    file.write_bytes(file.read_bytes()[:-500])
    refused(home, folder, "requests.csv.gz")


@pytest.mark.parametrize(
    ("table", "column"), [("requests", "ts"), ("accounts", "created_at"), ("identifiers", "value")]
)
@pytest.mark.parametrize("shape", ["parquet", "csv", "jsonl"])
def test_a_missing_required_column(
    table: str, column: str, shape: str, home: Settings, data: DataSet, tmp_path: Path
) -> None:
    folder = data.write(tmp_path / "in", shape)
    rows = [{k: v for k, v in row.items() if k != column} for row in data.rows(table)]
    if shape == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{table}.parquet")
    else:
        write_text(folder / f"{table}.{shape}", rows, [c for c in data.arrow(table).schema.names if c != column])
    refused(home, folder, f"{table}.{shape}", f"`{column}`", "missing")


def test_accounts_are_required_in_a_folder(home: Settings, data: DataSet, tmp_path: Path) -> None:
    refused(home, data.write(tmp_path / "a", tables=("requests",)), "`accounts`")
    refused(home, data.write(tmp_path / "b", tables=("accounts", "models")), "`requests`", "`identifiers`")


def test_a_table_in_two_shapes(home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "in")
    data.write(folder, "csv", ("requests",))
    refused(home, folder, "requests.csv", "requests.parquet")


def test_all_problems_are_told_at_once(home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "in")
    pq.write_table(data.arrow("requests").drop_columns(["model"]), folder / "requests.parquet")
    pq.write_table(data.arrow("accounts").drop_columns(["created_at"]), folder / "accounts.parquet")
    refused(home, folder, "requests.parquet", "`model`", "accounts.parquet", "`created_at`")


# ------------------------------------------------------------------------------------------------------ wrong types


@pytest.mark.parametrize(
    ("column", "value"), [("ts", "noon"), ("input_tokens", "many"), ("output_tokens", "1.5"), ("tool_count", "x")]
)
@pytest.mark.parametrize("shape", ["csv", "jsonl"])
def test_a_text_column_of_a_wrong_type(
    shape: str, column: str, value: str, home: Settings, data: DataSet, tmp_path: Path
) -> None:
    folder = data.write(tmp_path / "in", shape)
    for row in data.requests[2:]:
        row[column] = value
    write_text(
        folder / f"requests.{shape}", data.requests, data.arrow("accounts").schema.names[:0] or list(data.requests[0])
    )
    refused(home, folder, f"requests.{shape} row 3", f"`{column}`", repr(value), "wrong type")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("ts", [True]), ("account_id", [["a"]]), ("input_tokens", [datetime(2024, 3, 1)]), ("model", [{"name": "m"}]),
        ("output_tokens", [True]), ("ip", [datetime(2024, 3, 1)]),
    ],
)  # fmt: skip
def test_a_parquet_column_of_a_wrong_type(
    column: str, values: list[Any], home: Settings, data: DataSet, tmp_path: Path
) -> None:
    folder = typed(data, tmp_path / "in", column, pa.array(values * 60))
    refused(home, folder, "requests.parquet", f"`{column}`", "want")


@pytest.mark.parametrize(
    ("column", "values", "want"),
    [
        ("account_id", pa.array(range(60), pa.int32()), [str(i) for i in range(60)]),
        ("account_id", pa.array([float(i) for i in range(60)]), [str(i) for i in range(60)]),
        (
            "account_id",
            pa.array([f"a{i % 3}" for i in range(60)]).dictionary_encode(),
            [f"a{i % 3}" for i in range(60)],
        ),
        ("account_id", pa.array([f"a{i}" for i in range(60)], pa.large_string()), [f"a{i}" for i in range(60)]),
        ("account_id", pa.array([f"a{i}".encode() for i in range(60)]), [f"a{i}" for i in range(60)]),
        ("input_tokens", pa.array(range(60), pa.uint64()), list(range(60))),
        ("input_tokens", pa.array([Decimal(f"{i}.00") for i in range(60)]), list(range(60))),
        ("input_tokens", pa.array([float(i) if i else float("nan") for i in range(60)]), [None, *range(1, 60)]),
        ("input_tokens", pa.array([f" {i} " for i in range(60)]), list(range(60))),
        ("input_tokens", pa.nulls(60), [None] * 60),
    ],
)
def test_odd_types_that_mean_the_same(
    column: str, values: pa.Array, want: list[Any], home: Settings, data: DataSet, tmp_path: Path, frames: Frames
) -> None:
    report = import_path(home, typed(data, tmp_path / "in", column, values))
    assert not report.rows_set_aside
    got = frames(home, "requests")["requests"][column]
    assert got.astype(object).where(got.notna(), None).tolist() == want


NOON = datetime(2024, 3, 1, 12, 30, 5, 250_000)
EPOCH = int((NOON - datetime(1970, 1, 1)).total_seconds() * 1_000_000)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([NOON] * 60, pa.timestamp("ns")),
        pa.array([NOON] * 60, pa.timestamp("ms")),
        pa.array([NOON] * 60, pa.timestamp("us", "UTC")),
        pa.array([NOON] * 60, pa.timestamp("ns", "Asia/Tokyo")),
        pa.array([EPOCH / 1e6] * 60),
        pa.array([EPOCH // 1_000] * 60),
        pa.array([EPOCH] * 60),
        pa.array([EPOCH * 1_000] * 60),
        pa.array([str(EPOCH // 1_000)] * 60),
        pa.array(["2024-03-01T12:30:05.250Z"] * 60),
        pa.array(["2024-03-01 12:30:05.25"] * 60),
        pa.array(["2024-03-01T21:30:05.250+09:00"] * 60),
        pa.array(["2024-03-01T09:00:05.250-03:30"] * 60),
        pa.array(["2024-03-01t12:30:05.250z"] * 60),
    ],
    ids=lambda v: f"{v.type} {v[0]}",
)
def test_every_way_to_write_a_moment(
    values: pa.Array, home: Settings, data: DataSet, tmp_path: Path, frames: Frames
) -> None:
    import_path(home, typed(data, tmp_path / "in", "ts", values))
    assert set(frames(home, "requests")["requests"]["ts"]) == {pd.Timestamp(NOON)}


# ------------------------------------------------------------------------------------------------------ rows set aside

BAD_VALUES = [
    ("ts", "13/40/2026", "not a time"),
    ("ts", "2026-02-30T00:00:00Z", "not a time"),
    ("ts", "1999-12-31T23:59:59Z", "outside"),
    ("ts", "infinity", "outside"),
    ("ts", as_text((datetime.now(UTC) + timedelta(days=4)).replace(tzinfo=None)), "outside"),
    ("ts", "", "missing"),
    ("account_id", "", "missing"),
    ("request_id", "", "missing"),
    ("model", "", "missing"),
    ("account_id", "x" * 10_240, "longer than 1,000"),
    ("request_id", "ü" * 1_001, "longer than 1,000"),
    ("input_tokens", "-1", "below 0"),
    ("output_tokens", "12.5", "not a whole number"),
    ("output_tokens", "9" * 30, "not a whole number"),
    ("tool_count", "three", "not a whole number"),
]


@pytest.mark.parametrize(("column", "value", "reason"), BAD_VALUES, ids=lambda v: str(v)[:24])
@pytest.mark.parametrize("shape", ["csv", "jsonl"])
def test_a_bad_row_is_set_aside(
    shape: str, column: str, value: str, reason: str, home: Settings, data: DataSet, tmp_path: Path
) -> None:
    folder = data.write(tmp_path / "in", shape)
    data.requests[41][column] = value
    write_text(folder / f"requests.{shape}", data.requests, list(data.requests[0]))
    report = import_path(home, folder)
    assert report.rows_set_aside == {"requests": 1}
    assert report.rows_new["requests"] == 59
    [row] = rejects(home).to_dict("records")
    assert (row["table"], row["file"], row["row"], row["column"]) == ("requests", f"requests.{shape}", 42, column)
    assert reason in row["reason"]
    assert row["import_id"] == report.import_id
    assert reason == "missing" or value.startswith(row["value"])
    assert f"requests.{shape} row 42" in report.reject_examples[0]
    kept = pq.read_table(report.rejects_file).to_pylist()
    assert [r["row"] for r in kept] == [42]


def test_bad_rows_of_parquet_are_set_aside(home: Settings, data: DataSet, tmp_path: Path) -> None:
    data.requests[3]["input_tokens"] = -7
    data.requests[4]["account_id"] = None
    data.requests[5]["ts"] = datetime(1970, 1, 1)
    data.requests[6]["request_id"] = "a\0b"
    data.accounts[2]["created_at"] = None
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("accounts", "requests", "identifiers", "models"):
        pq.write_table(pa.Table.from_pylist(data.rows(name)), folder / f"{name}.parquet")
    report = import_path(home, folder)
    assert report.rows_set_aside == {"accounts": 1, "requests": 4}
    found = rejects(home).sort_values(["table", "row"])
    assert found[["table", "row", "column"]].values.tolist() == [
        ["accounts", 3, "created_at"], ["requests", 4, "input_tokens"], ["requests", 5, "account_id"],
        ["requests", 6, "ts"], ["requests", 7, "request_id"],
    ]  # fmt: skip


def test_what_a_client_chooses_cannot_hide_a_request(
    home: Settings, data: DataSet, tmp_path: Path, frames: Frames
) -> None:
    data.requests[1]["client"] = "x" * 50_000
    data.requests[2]["session_id"] = "a\0b"
    report = import_path(home, data.write(tmp_path / "in"))
    assert not report.rows_set_aside
    got = frames(home, "requests")["requests"]
    assert got["client"][1] == "x" * 1_000
    assert got["session_id"][2] == "ab"


def test_identifiers_in_clear_are_not_kept_when_they_are_wrong(home: Settings, data: DataSet, tmp_path: Path) -> None:
    secret = "card-4111-" + "1" * 2_000
    data.identifiers[0]["value"] = secret
    import_path(home, data.write(tmp_path / "in"))
    [row] = rejects(home).to_dict("records")
    assert row["column"] == "value"
    assert "4111" not in json.dumps(row)
    for file in home.home.rglob("*"):
        assert not file.is_file() or b"card-4111" not in file.read_bytes()


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "=cmd()|'/c calc'!A1", "../../x", "a'; DROP TABLE x; --", '"', "%s{0}"]
)
def test_hostile_ids_are_only_text(hostile: str, home: Settings, data: DataSet, tmp_path: Path, frames: Frames) -> None:
    data.accounts[1]["account_id"] = data.requests[1]["account_id"] = data.identifiers[1]["account_id"] = hostile
    data.requests[2]["request_id"] = data.requests[2]["model"] = data.identifiers[2]["kind"] = hostile
    report = import_path(home, data.write(tmp_path / "in", "jsonl"))
    assert not report.rows_set_aside
    got = frames(home)
    assert hostile in set(got["accounts"]["account_id"])
    assert hostile in set(got["requests"]["request_id"])
    assert {p.name for p in tmp_path.iterdir()} == {"home", "in"}


@pytest.mark.parametrize("shape", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize(
    ("table", "key"), [("requests", "request_id"), ("accounts", "account_id"), ("models", "model")]
)
def test_duplicate_keys(table: str, key: str, shape: str, home: Settings, data: DataSet, tmp_path: Path) -> None:
    rows = getattr(data, table)
    rows.append(dict(rows[0]))
    row = len(rows)
    refused(home, data.write(tmp_path / "in", shape), f"{table}.{shape} row {row}", repr(rows[0][key]), "row 1")


def test_lines_that_are_no_json(home: Settings, data: DataSet, tmp_path: Path) -> None:
    lines = [json.dumps({k: as_text(v) for k, v in r.items()}) for r in data.requests]
    lines[10:10] = ["{not json", "[1]", '"text"']
    report = import_path(home, with_requests(data, tmp_path / "in", "\n".join(lines), "requests.jsonl"))
    assert report.rows_set_aside == {"requests": 3}
    assert rejects(home)["row"].tolist() == [11, 12, 13]
    refused(
        home, with_requests(data, tmp_path / "b", "\n".join(["{not json"] * 9 + lines[:2]), "requests.jsonl"), "row 1"
    )


def test_ragged_rows_of_a_csv(home: Settings, data: DataSet, tmp_path: Path, frames: Frames) -> None:
    lines = ["request_id,account_id,ts,model", *(f"r{i},acct-1,2024-03-01T00:00:00Z,m" for i in range(20))]
    lines[3] += ",more"
    lines[8] = "r7,acct-1"
    lines[12] = 'r11,"acct\n1",2024-03-01T00:00:00Z,m'
    report = import_path(home, with_requests(data, tmp_path / "in", "\n".join(lines)))
    assert report.rows_set_aside == {"requests": 2}
    found = rejects(home)
    assert sorted(found["row"]) == [3, 8]
    assert "has 5 fields; the header has 4" in set(found["reason"])
    assert "acct\n1" in set(frames(home, "requests")["requests"]["account_id"])


def test_rows_after_a_ragged_one_keep_their_number(home: Settings, data: DataSet, tmp_path: Path) -> None:
    lines = ["request_id,account_id,ts,model", *(f"r{i},acct-1,2024-03-01T00:00:00Z,m" for i in range(20))]
    lines[2] = "r1"
    lines[3] = "r2"
    lines[15] = "r14,acct-1,yesterday,m"
    import_path(home, with_requests(data, tmp_path / "in", "\n".join(lines)))
    assert sorted(rejects(home)["row"]) == [2, 3, 15]


def test_bytes_that_are_not_utf8(home: Settings, data: DataSet, tmp_path: Path, frames: Frames) -> None:
    lines = [b"request_id,account_id,ts,model,client", *(b"r%d,acct-1,2024-03-01T00:00:00Z,m,c" % i for i in range(20))]
    lines[4] = lines[4].replace(b"acct-1", b"acct-\xff")
    lines[9] = lines[9][:-1] + b"caf\xe9"
    report = import_path(home, with_requests(data, tmp_path / "in", b"\n".join(lines)))
    assert report.rows_set_aside == {"requests": 1}
    [row] = rejects(home).to_dict("records")
    assert (row["row"], row["column"]) == (4, "account_id")
    assert "UTF-8" in row["reason"]
    assert "caf\ufffd" in set(frames(home, "requests")["requests"]["client"])  # a client chose it: kept


def test_json_lines_that_are_not_unicode(home: Settings, data: DataSet, tmp_path: Path, frames: Frames) -> None:
    lines = [json.dumps({k: as_text(v) for k, v in r.items()}).encode() for r in data.requests]
    lines[1] = (
        lines[1]
        .replace(b"sdk-1", b"caf\xe9")
        .replace(b"}", b', "prompt": "why \xff \xe2\x82", "more": {"a": ["\xff"]}}')
    )
    lines[2] = lines[2].replace(b"sdk-2", b"half \\ud83d").replace(b"}", b', "prompt": "\\uD83D\\uDE00 \\udc00"}')
    lines[3] = lines[3].replace(b"acct-3", b"acct-\xff")
    lines[4] = lines[4].replace(b"req-00004", b"req-\\ud83d")
    lines[5] = lines[5].replace(b"sdk-1", b"\xff").replace(b"acct", b'"')
    lines[6] = lines[6].replace(b"sdk-2", b"\xff").replace(b"}", b', "a": NaN}')
    lines[7] = lines[7].replace(b"sdk-3", b"\xff").replace(b"}", b', "prompt": ' + b"9" * 40 + b"}")
    folder = with_requests(data, tmp_path / "in", b"\n".join(lines), "requests.jsonl")
    report = import_path(replace(home, keep_prompts=True), folder)
    assert report.rows_set_aside == {"requests": 4}
    found = rejects(home).sort_values("row")
    assert found["row"].tolist() == [4, 5, 6, 7]
    assert found["column"].tolist()[:2] == ["account_id", "request_id"]
    assert found["reason"].str.startswith("is not UTF-8 text").tolist() == [True, True, False, False]
    assert found["reason"].str.contains("not JSON").tolist() == [False, False, True, True]
    got = frames(home, "requests")["requests"].set_index("request_id")
    assert (got["client"]["req-00001"], got["prompt"]["req-00001"]) == ("caf\ufffd", "why \ufffd \ufffd")
    assert (got["client"]["req-00002"], got["prompt"]["req-00002"]) == ("half \ufffd", "\U0001f600 \ufffd")
    assert "req-00007" in got.index


def test_a_number_above_what_a_column_holds(home: Settings, data: DataSet, tmp_path: Path) -> None:
    odd = 2**63 + 5
    report = import_path(home, typed(data, tmp_path / "a", "input_tokens", pa.array([odd, *range(59)], pa.uint64())))
    assert report.rows_set_aside == {"requests": 1}
    assert f"`input_tokens` '{odd}' is not a whole number (of at most 2^63 - 1)" in report.reject_examples[0]
    refused(home, typed(data, tmp_path / "b", "input_tokens", pa.array([odd] * 60, pa.uint64())), str(odd), "2^63 - 1")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_and_a_byte_order_mark(delimiter: str, home: Settings, data: DataSet, tmp_path: Path) -> None:
    rows = ["request_id,account_id,ts,model", "r1,acct-1,2024-03-01T00:00:00Z,m"]
    text = "\ufeff" + "\r\n".join(rows).replace(",", delimiter)
    assert import_path(home, with_requests(data, tmp_path / "in", text)).rows_new["requests"] == 1


def test_a_csv_header_with_a_column_twice(home: Settings, data: DataSet, tmp_path: Path) -> None:
    refused(home, with_requests(data, tmp_path / "in", "request_id,account_id,ts,ts,model\n"), "`ts` twice")


def test_a_column_without_any_value(home: Settings, data: DataSet, tmp_path: Path) -> None:
    refused(
        home, with_requests(data, tmp_path / "in", "request_id,account_id,ts,model\nr1,,2024-03-01,m\n"), "`account_id`"
    )


def test_parquet_columns_that_look_like_ours(home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "in")
    table = data.arrow("requests")
    for name in ("_bad", "_row", "_code", "filename", "file_row_number", "Ts"):
        table = table.append_column(name, pa.array(["x"] * 60))
    pq.write_table(table, folder / "requests.parquet")
    report = import_path(home, folder)
    assert report.rows_new["requests"] == 60
    assert not report.rows_set_aside


def test_a_parquet_column_that_is_there_twice(home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "in")
    table = data.arrow("requests")
    pq.write_table(table.append_column("model", pa.array(["x"] * 60)), folder / "requests.parquet")
    refused(home, folder, "column `model` is there 2 times")


LIMITED = """
import sys
from pathlib import Path
from stillwatch import config
from stillwatch.errors import StillwatchError
from stillwatch.pipeline.ingest import import_path
home, path = sys.argv[1:]
import stillwatch.sources.prompts, stillwatch.sources.registry
try:
    import_path(config.settings(home), path)
except StillwatchError as e:
    print(e)
# Not getrusage: its ru_maxrss starts from what the parent held when it forked.
(peak,) = [int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print("peak MB", peak // 1024, flush=True)
"""


@pytest.mark.parametrize("name", ["requests.csv", "requests.jsonl", "requests.csv.gz", "requests.jsonl.gz"])
def test_a_line_that_never_ends(name: str, home: Settings, data: DataSet, tmp_path: Path) -> None:
    folder = data.write(tmp_path / "in", tables=("accounts",))
    packed = name.endswith(".gz")
    size = (2 << 30) if packed else (1 << 29)  # unpacked, a quarter is enough to tell: its bytes are also fingerprinted
    if packed:
        member = gzip.compress(b"x" * (64 << 20), 1)  # members follow each other and unpack as one line
        start = b"request_id,account_id,ts,model\n" if "csv" in name else b'{"request_id": "'
        (folder / name).write_bytes(gzip.compress(start) + member * (size // (64 << 20)))
    else:
        with (folder / name).open("wb") as out:
            out.write(b"request_id,account_id,ts,model\n" if "csv" in name else b'{"request_id": "')
            out.truncate(size)  # a hole in the file reads as NUL bytes
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(home.home), str(folder)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr  # the parser's thread, which is still reading, does not end the process
    message, _, peak = run.stdout.strip().rpartition("peak MB ")
    assert name in message
    assert "longer than" in message
    assert int(peak) < 640
    assert Warehouse.open(home).empty
