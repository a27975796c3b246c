"""Mapping files: what they can say, what they are told when they are wrong, and the real ones of docs/mappings."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from stillwatch.domain import UNATTRIBUTED
from stillwatch.errors import MappingError, SourceError
from stillwatch.sources.mapping import Mapping
from stillwatch.sources.mapping_file import load
from stillwatch.sources.source import SourceData

Row = dict[str, Any]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "mappings"
COLUMNS = {"request_id": "id", "account_id": "who", "ts": "at", "model": {"const": "m"}}
AT = "2026-01-02T03:04:05Z"
NOON = datetime(2026, 1, 2, 3, 4, 5)


def read(folder: Path, mapping: Row | Path, source: Path | None = None) -> tuple[SourceData, dict[str, list[Row]]]:
    if isinstance(mapping, dict):
        path = folder.parent / f"{folder.name}.yaml"
        path.write_text(yaml.safe_dump(mapping, sort_keys=False))
        mapping = path
    data = Mapping().read(source or folder, mapping)
    return data, {t.name: [r for b in t.batches for r in b.to_pylist()] for t in data.tables}  # type: ignore[union-attr]


def requests(folder: Path, **entry: Any) -> list[Row]:
    return read(folder, {"requests": {"from": "*", "columns": COLUMNS} | entry})[1]["requests"]


def values(folder: Path, column: str, spec: Any, source: Any) -> Any:
    """What a column becomes for one source record ``{"x": source}``."""
    folder.mkdir(exist_ok=True)
    (folder / "a.jsonl").write_text(json.dumps({"id": "r", "who": "ann", "at": AT, "x": source, "y": 2}))
    (row,) = requests(folder, columns=COLUMNS | {column: spec})
    return row["_bad"] or row[column]


def folder(tmp_path: Path, name: str, text: str | bytes) -> Path:
    made = tmp_path / "in"
    made.mkdir(exist_ok=True)
    (made / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return made


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "jsonl", "json", "parquet"])
def test_the_same_table_in_every_format(tmp_path: Path, kind: str) -> None:
    rows = [{"id": "1", "who": "ann", "at": AT}, {"id": "2", "who": "bea", "at": AT}]
    if kind == "parquet":
        (tmp_path / "in").mkdir()
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in" / "a.parquet")
        there = tmp_path / "in"
    else:
        lines = "\n".join(json.dumps(row) for row in rows)
        text = {
            "jsonl": lines,
            "json": json.dumps(rows, indent=1),
            "csv": "id,who,at\n" + "".join(f"{r['id']},{r['who']},{r['at']}\n" for r in rows),
        }[kind.split(".")[0]].encode()
        there = folder(tmp_path, f"a.{kind}", gzip.compress(text) if kind.endswith("gz") else text)
    found = requests(there)
    assert [(r["request_id"], r["account_id"], r["ts"], r["model"], r["_row"]) for r in found] == [
        ("1", "ann", NOON, "m", 1), ("2", "bea", NOON, "m", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "source", "wanted"),
    [
        ({"column": "x", "unit": "s"}, 1767323045, NOON),
        ({"column": "x", "unit": "ms"}, "1767323045000", NOON),
        ({"column": "x", "unit": "s", "minus": "y"}, 1767323047, NOON),
        ({"column": "x", "unit": "ms", "minus": "y", "minus_unit": "s"}, 1767323047000, NOON),
        ({"column": "x", "layout": "%d/%b/%Y:%H:%M:%S %z"}, "02/Jan/2026:04:04:05 +0100", NOON),
        ({"column": "x", "layout": "%d.%m.%Y %H:%M:%S", "zone": "Europe/Berlin"}, "02.01.2026 04:04:05", NOON),
        ({"column": "x", "zone": "Europe/Berlin"}, "2026-01-02T04:04:05", NOON),
        ({"column": "x", "zone": "Europe/Berlin"}, AT, NOON),
        ({"const": datetime(2026, 1, 2, 3, 4, 5)}, None, NOON),
        ("x", "13/40/2026", "x is '13/40/2026'; want ISO 8601"),
        ({"column": "x", "unit": "s"}, "soon", "x is 'soon'; want s since 1970"),
        (
            {"column": "at", "minus": "x", "minus_unit": "s"},
            "long",
            "at, x less 'long'; want a number of s to take off",
        ),
        ("x", None, None),
    ],
)
def test_times(tmp_path: Path, spec: Any, source: Any, wanted: Any) -> None:
    assert values(tmp_path / "in", "ts", spec, source) == wanted


@pytest.mark.parametrize(
    ("column", "spec", "source", "wanted"),
    [
        ("input_tokens", "x", "12", 12),
        ("input_tokens", "x", "12.0", 12),
        ("input_tokens", "x", 0, 0),
        ("input_tokens", "x", "many", "x is 'many'; want a whole number of at most 2^63 - 1"),
        ("input_tokens", "x", 1.5, "x is 1.5; want a whole number of at most 2^63 - 1"),
        ("tool_count", {"count": "x"}, [{}, {}], 2),
        ("tool_count", {"count": "x"}, {"a": 1}, 1),
        ("tool_count", {"count": "x"}, None, None),
        ("ip", {"first_of": ["x.a", "x.b.0"]}, {"a": "", "b": ["192.0.2.1"]}, "192.0.2.1"),
        ("ip", {"column": "x", "extract": "^([^, ]+)"}, "192.0.2.1, 10.0.0.1", "192.0.2.1"),
        ("ip", "x.deep.er", '{"deep": {"er": "text in text"}}', "text in text"),
        ("client", {"column": "x", "otherwise": "none"}, None, "none"),
        ("status", {"column": "x", "values": {429: "rate_limited"}, "otherwise": "ok"}, 429, "rate_limited"),
        ("status", {"column": "x", "values": {429: "rate_limited"}, "otherwise": "ok"}, "200", "ok"),
        ("status", {"column": "x", "values": {429: "rate_limited"}}, 200, None),
        ("prompt", {"prompt_of": "x"}, [{"role": "user", "content": "Hello?"}], "Hello?"),
        ("system_hash", {"hash": "x"}, None, None),
    ],
)
def test_what_a_column_can_be_made_of(tmp_path: Path, column: str, spec: Any, source: Any, wanted: Any) -> None:
    assert values(tmp_path / "in", column, spec, source) == wanted


def test_system_prompts_are_only_hashed(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "Be brief."}]
    by_text = values(tmp_path / "a", "system_hash", {"hash": "x"}, "Be brief.")
    assert values(tmp_path / "b", "system_hash", {"system_of": "x"}, messages) == by_text != "Be brief."


def test_two_files_are_joined_by_a_key(tmp_path: Path) -> None:
    there = folder(tmp_path, "access.jsonl", "".join(
        json.dumps({"rid": i, "who": "t", "at": AT}) + "\n" for i in ("a", "b", "c", None)
    ))  # fmt: skip
    folder(tmp_path, "app.csv", "req,user\na,ann\nb,bea\nb,again\n,nobody\nz,zoe\n")
    join = {"from": "app*", "as": "app", "by": {"rid": "req"}}
    columns = COLUMNS | {"request_id": "rid", "account_id": {"first_of": ["app.user", "who"]}}
    entry = {"from": "access*", "join": join, "columns": columns}
    data, found = read(there, {"requests": entry})
    assert [r["account_id"] for r in found["requests"]] == ["ann", "bea", "t", "t"]
    assert [r["_row"] for r in found["requests"]] == [1, 2, 3, 4]
    assert data.warnings == ("1 rows of app* repeat a req; the first of each was joined",)
    both = read(there, {"requests": entry | {"join": join | {"keep": "both"}}})[1]["requests"]
    assert [r["account_id"] for r in both] == ["ann", "bea"]


def test_lists_inside_records_and_rows_to_keep(tmp_path: Path) -> None:
    trace = {"user": "ann", "steps": [{"id": 1, "t": "A", "at": AT}, {"id": 2, "t": "B", "at": AT}, "odd"]}
    there = folder(tmp_path, "a.jsonl", json.dumps(trace) + "\n" + json.dumps({"user": "bea", "steps": None}))
    found = requests(there, each="steps", where={"t": ["A"]}, columns=COLUMNS | {"account_id": "^.user"})
    assert [(r["request_id"], r["account_id"]) for r in found] == [("1", "ann")]


def test_one_record_feeds_several_identifiers_that_are_gathered(tmp_path: Path) -> None:
    there = folder(
        tmp_path,
        "a.csv",
        "who,at,phone,tags\nann,2026-01-02,1,a;b\nann,2026-01-05,1,b\nbea,2026-01-03,,\nann,bad,2,c\n",
    )
    seen = {"account_id": "who", "first_seen": "at", "last_seen": "at"}
    data, found = read(there, {
        "identifiers": [
            {"from": "*.csv", "columns": seen | {"kind": {"const": "phone"}, "value": "phone"}},
            {"from": "*.csv", "columns": seen | {"kind": {"const": "tag"}, "value": {"column": "tags", "split": ";"}}},
        ],
        "accounts": {"from": "identifiers"},
    })  # fmt: skip
    good = {(r["kind"], r["value"]): r for r in found["identifiers"] if not r["_bad"]}
    assert set(good) == {("phone", "1"), ("tag", "a"), ("tag", "b")}
    phone = good["phone", "1"]
    assert (phone["first_seen"], phone["last_seen"]) == (datetime(2026, 1, 2), datetime(2026, 1, 5))
    assert sorted(r["_row"] for r in found["identifiers"] if r["_bad"]) == [4, 4]
    assert [(r["account_id"], r["created_at"]) for r in found["accounts"]] == [("ann", datetime(2026, 1, 2))]
    assert any(words.startswith("identifier kind 'tag' is not a usual one") for words in data.warnings)


def test_accounts_out_of_requests_are_as_old_as_their_first_one(tmp_path: Path) -> None:
    there = folder(tmp_path, "a.csv", f"id,who,at\n1,ann,2026-02-01\n2,ann,{AT}\n3,{UNATTRIBUTED},{AT}\n4,,{AT}\n")
    data, found = read(there, {"requests": {"from": "*", "columns": COLUMNS}, "accounts": {"from": "requests"}})
    assert [(r["account_id"], r["created_at"]) for r in found["accounts"]] == [("ann", NOON)]
    assert any(words.startswith("sign-up times: the source has none") for words in data.blind)


def test_accounts_of_a_table_of_events_take_the_earliest(tmp_path: Path) -> None:
    there = folder(tmp_path, "a.csv", "who,at,org\nann,2026-02-01,late\nann,2026-01-01,early\nbea,2026-03-01,b\n")
    columns = {"account_id": "who", "created_at": "at", "org_id": "org"}
    _, found = read(there, {"accounts": {"from": "*", "earliest": True, "columns": columns}})
    assert {r["account_id"]: r["org_id"] for r in found["accounts"]} == {"ann": "early", "bea": "b"}


def test_broken_records_are_one_rejected_row_each(tmp_path: Path) -> None:
    there = folder(tmp_path, "a.jsonl", json.dumps({"id": 1, "who": "ann", "at": AT}) + '\n{"id"\n')
    _, found = read(there, {
        "requests": {"from": "*", "columns": COLUMNS},
        "identifiers": {"from": "*", "columns": {"account_id": "who", "kind": {"const": "email"}, "value": "who"}},
    })  # fmt: skip
    bad = [(name, r["_row"], r["_bad"]) for name, rows in found.items() for r in rows if r["_bad"]]
    assert len(bad) == 1
    assert bad[0][:2] == ("requests", 2)
    assert bad[0][2].startswith("not JSON")


def test_one_file_may_be_given_instead_of_its_folder(tmp_path: Path) -> None:
    there = folder(tmp_path, "other-name.csv", f"id,who,at\n1,ann,{AT}\n")
    _, found = read(there, {"requests": {"from": "a*.csv", "columns": COLUMNS}}, there / "other-name.csv")
    assert len(found["requests"]) == 1


def one_column(name: str, spec: Any) -> Row:
    return {"requests": {"from": "a.csv", "columns": COLUMNS | {name: spec}}}


def joined(**join: Any) -> Row:
    return {"requests": {"from": "a.csv", "columns": COLUMNS, "join": {"from": "a.csv", "as": "b"} | join}}


WRONG: list[tuple[Any, str]] = [
    ({"request": {}}, "no entry 'request'. Did you mean 'requests'"),
    ({}, "feeds no table"),
    ({"truth": {"from": "*"}}, "no entry 'truth'"),
    (one_column("tokens", "x"), "no column of requests 'tokens'"),
    ({"requests": {"from": "*", "columns": {"request_id": "id"}}}, "'account_id' is not fed, and requests needs it"),
    ({"requests": {"from": "*", "columns": COLUMNS, "filter": 1}}, "requests: there is no key 'filter'"),
    ({"requests": {"from": "../other.csv", "columns": COLUMNS}}, "leads out of the folder"),
    ({"requests": {"from": "/etc/passwd", "columns": COLUMNS}}, "leads out of the folder"),
    ({"requests": {"from": "b*.csv", "columns": COLUMNS}}, "no file matches 'b*.csv'"),
    ({"requests": {"from": "truth*", "columns": COLUMNS}}, "no file matches 'truth*'"),
    (one_column("ip", "adress"), "requests: there is no source column 'adress'. There are: at, id, who"),
    (one_column("ip", {"column": "id", "const": 1}), "requests.ip: want exactly one of column"),
    (one_column("ts", {"column": "at", "unit": "min"}), "no unit 'min'"),
    (one_column("ts", {"column": "at", "zone": "Mars/A"}), "is no time zone"),
    (one_column("ip", {"column": "id", "extract": "a"}), "exactly one group"),
    (one_column("ip", {"column": "id", "extract": "("}), "not a regular expression"),
    (joined(by="nope"), "'nope'"),
    (joined(**{"True": "id"}), "there is no key 'True'"),
    (
        {
            "identifiers": {
                "from": "a.csv",
                "columns": {"account_id": "who", "kind": {"const": "E Mail"}, "value": "id"},
            }
        },
        "identifiers: kind 'E Mail': want small letters",
    ),
    ({"accounts": {"from": "requests"}}, "Only accounts can do without"),
    ({"repeats": "maybe", "requests": {"from": "a.csv", "columns": COLUMNS}}, "repeats: want refuse or skip"),
    ({"attributes": {"account_id": "x"}}, "belongs to --format otel"),
]


def test_the_word_on_that_yaml_takes_for_yes_is_explained(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("requests: {from: a.csv, columns: {}, join: {from: b.csv, as: b, on: id}}")
    with pytest.raises(MappingError, match="named with by:"):
        load(tmp_path / "m.yaml")


@pytest.mark.parametrize(("mapping", "words"), WRONG)
def test_a_wrong_mapping_says_file_entry_and_what_exists(tmp_path: Path, mapping: Any, words: str) -> None:
    there = folder(tmp_path, "a.csv", f"id,who,at\n1,ann,{AT}\n")
    folder(tmp_path, "truth.csv", "id\n1\n")
    with pytest.raises(MappingError, match=r"in\.yaml") as caught:
        read(there, mapping)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["- a list", "a: [", "\x00", "!!python/object/apply:os.system [ls]", ""])
def test_what_is_no_mapping_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(MappingError, match=r"m\.yaml"):
        load(tmp_path / "m.yaml")


def test_a_broken_file_ends_the_read(tmp_path: Path) -> None:
    there = folder(tmp_path, "a.csv.gz", gzip.compress(b"id,who,at\n" * 9)[:12])
    with pytest.raises(SourceError, match=r"a\.csv\.gz"):
        requests(there)
    with pytest.raises(MappingError, match="needs --mapping"):
        Mapping().read(there, None)


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.yaml")), ids=lambda p: p.stem)
def test_mapping_files_of_the_documentation_are_right(path: Path) -> None:
    assert load(path).title


def test_the_nginx_mapping(tmp_path: Path) -> None:
    line = {"request_id": "r1", "msec": "1767323047.500", "request_time": 2.5, "remote_addr": "192.0.2.1",
            "status": 429, "user_agent": 'odd "agent" \\ ü', "tenant": "t"}  # fmt: skip
    there = folder(tmp_path, "nginx_access.jsonl", json.dumps(line) + "\n" + json.dumps(line | {"request_id": "r2"}))
    app = {"request_id": "r1", "model": "mini", "user": "ann", "tokens_in": 4, "tokens_out": 5}
    folder(tmp_path, "stub_app.jsonl", json.dumps(app))
    first, second = read(there, DOCS / "nginx.yaml")[1]["requests"]
    assert (first["ts"], first["status"], first["account_id"], first["input_tokens"]) == (
        NOON,
        "rate_limited",
        "ann",
        4,
    )
    assert first["client"] == 'odd "agent" \\ ü'
    assert (second["account_id"], second["model"], second["input_tokens"]) == ("t", "unknown", None)


def test_the_langfuse_mapping(tmp_path: Path) -> None:
    step = {"id": "o1", "type": "GENERATION", "startTime": AT, "model": "mini", "level": "ERROR", "traceId": "t1",
            "usageDetails": {"input": 3, "output": 4}, "input": '[{"role":"user","content":"Hello?"}]',
            "toolDefinitions": {"a": "{}"}, "internalModel": None, "inputUsage": 3, "outputUsage": 4}  # fmt: skip
    trace = {"trace": {"userId": None, "sessionId": "s"}, "observations": [step, step | {"id": "o2", "type": "SPAN"}]}
    there = folder(tmp_path, "a.trace.json", json.dumps(trace, indent=1))
    (row,) = read(there, DOCS / "langfuse.yaml")[1]["requests"]
    assert (row["account_id"], row["session_id"], row["prompt"], row["tool_count"]) == (UNATTRIBUTED, "s", "Hello?", 1)
    assert (row["status"], row["input_tokens"], row["output_tokens"]) == ("error", 3, 4)
