"""Which reader a path gets, and gateway logs through the whole import."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stillwatch.config import settings
from stillwatch.domain import UNATTRIBUTED
from stillwatch.errors import SourceError, StillwatchError
from stillwatch.pipeline.ingest import import_path
from stillwatch.sources import spool
from stillwatch.sources.registry import READERS, pick
from stillwatch.warehouse.store import Warehouse

Row = dict[str, Any]
SPAN = {
    "traceId": "t", "spanId": "s", "startTimeUnixNano": "1767323045000000000", "kind": 3,
    "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.request.model", "value": {"stringValue": "mini"}},
    ],
}  # fmt: skip
OTLP = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "x"}, "spans": [SPAN]}]}]}


def payload(call: str, **other: Any) -> Row:
    return {
        "id": call, "litellm_call_id": call, "call_type": "acompletion", "status": "success",
        "startTime": 1_767_323_045, "model_group": "mini",
        "metadata": {"user_api_key_user_id": "ann", "user_api_key_user_email": "ann@example.org"},
        "requester_ip_address": "192.0.2.1", "model_parameters": {"stream": True},
        "messages": [{"role": "user", "content": f"Explain the tides of {call} to me."}],
    } | other  # fmt: skip


def lines(path: Path, *rows: Row) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_order_and_the_words_of_the_readers() -> None:
    assert list(READERS) == ["contract", "litellm", "otel", "mapping"]
    assert all(reader.title for reader in READERS.values())


def test_a_path_gets_the_first_reader_that_recognises_it(tmp_path: Path) -> None:
    lines(tmp_path / "c" / "requests.jsonl", {"request_id": "1"})
    lines(tmp_path / "l" / "callback.jsonl", payload("1"))
    lines(tmp_path / "o" / "traces.jsonl", OTLP)
    lines(tmp_path / "both" / "traces.jsonl", OTLP)
    lines(tmp_path / "both" / "callback.jsonl", payload("1"))
    found = {name: pick(tmp_path / name).name for name in ("c", "l", "o", "both")}
    assert found == {"c": "contract", "l": "litellm", "o": "otel", "both": "litellm"}
    assert pick(tmp_path / "o" / "traces.jsonl").name == "otel"


def test_a_named_format_wins_and_a_mapping_file_implies_its_reader(tmp_path: Path) -> None:
    path = lines(tmp_path / "callback.jsonl", payload("1"))
    assert pick(path, "otel").name == "otel"
    assert pick(path, None, tmp_path / "m.yaml").name == "mapping"
    assert pick(path, "otel", tmp_path / "m.yaml").name == "otel"


def test_what_nobody_recognises_says_what_was_seen_and_what_there_is(tmp_path: Path) -> None:
    lines(tmp_path / "in" / "notes.jsonl", {"a": 1})
    with pytest.raises(SourceError) as caught:
        pick(tmp_path / "in")
    message = str(caught.value)
    assert "notes.jsonl" in message
    assert all(name in message for name in READERS)
    with pytest.raises(SourceError, match="There is no format 'litelm'"):
        pick(tmp_path / "in", "litelm")
    with pytest.raises(SourceError, match="does not exist"):
        pick(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="empty folder"):
        pick(tmp_path / "empty")


def test_a_file_that_is_broken_from_the_start_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:20])
    with pytest.raises(SourceError, match="cut off or broken"):
        pick(tmp_path)


def test_a_callback_log_through_the_whole_import_twice(tmp_path: Path) -> None:
    home = settings(tmp_path / "home")
    log = lines(
        tmp_path / "in" / "callback.jsonl", *(payload(f"call-{i}") for i in range(50)), payload("x", startTime="no")
    )
    first = import_path(home, log)
    assert (first.format, first.rows_new["requests"], first.rows_set_aside["requests"]) == ("litellm", 50, 1)
    assert any("startTime is 'no'" in example for example in first.reject_examples)
    assert import_path(home, log).already_known
    # The next delivery overlaps: what is known stays as it is.
    lines(log, *(payload(f"call-{i}") for i in range(40, 60)))
    assert import_path(home, log).rows_new["requests"] == 10
    stored = Warehouse.open(home).table("requests").to_pandas()
    assert (len(stored), stored["account_id"].unique().tolist()) == (60, ["ann"])
    raw = b"".join(p.read_bytes() for p in home.home.rglob("*.parquet"))
    assert b"192.0.2.1" not in raw
    assert b"ann@example.org" not in raw
    assert b"Explain the tides" not in raw


def test_what_a_client_wrote_cannot_hide_its_request(tmp_path: Path) -> None:
    home = settings(tmp_path / "home")
    log = lines(tmp_path / "in" / "callback.jsonl", *(payload(f"call-{i}") for i in range(3)))
    log.write_bytes(
        log.read_bytes().replace(b"tides of call-1", b"tides \xff").replace(b"tides of call-2", b"tides \\ud83d")
    )
    report = import_path(home, log)
    assert report.rows_new["requests"] == 3
    assert not report.rows_set_aside
    templates = Warehouse.open(home).table("requests").template.to_pyarrow().to_pylist()
    assert all(templates)


def test_traces_without_an_account_arrive_under_the_placeholder(tmp_path: Path) -> None:
    home = settings(tmp_path / "home")
    report = import_path(home, lines(tmp_path / "traces.jsonl", OTLP))
    assert report.rows_new["requests"] == 1
    assert any(UNATTRIBUTED in words for words in report.warnings)
    assert Warehouse.open(home).table("requests").account_id.to_pyarrow().to_pylist() == [UNATTRIBUTED]


def test_a_source_that_breaks_half_way_leaves_nothing(tmp_path: Path) -> None:
    home = settings(tmp_path / "home")
    rows = "".join(json.dumps(payload(f"call-{i}", api_base=os.urandom(40).hex())) + "\n" for i in range(20_000))
    whole = gzip.compress(rows.encode(), 1)
    path = tmp_path / "callback.jsonl.gz"
    path.write_bytes(whole[:-100])
    with pytest.raises(StillwatchError, match="cut off or broken"):
        import_path(home, path)
    assert Warehouse.open(home).versions == {}
    path.write_bytes(whole)
    assert import_path(home, path).rows_new["requests"] == 20_000


def test_spools_are_private_and_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    log = lines(tmp_path / "in" / "callback.jsonl", payload("1"))
    data = READERS["litellm"].read(log, None)
    (folder,) = (tmp_path / "tmp").iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    for table in data.tables:
        assert sum(batch.num_rows for batch in table.batches) > 0  # type: ignore[union-attr]
    del data, table
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_spool_of_a_killed_process_is_swept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = "import os, stillwatch.sources.spool as s; held = s.Spool(); os._exit(9)"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(tmp_path)}, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    made = spool.Spool()
    assert list(tmp_path.iterdir()) == [made.folder]
    made.close()
    assert list(tmp_path.iterdir()) == []
