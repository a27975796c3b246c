"""While an import is under way, and after one that was killed, no file holds a prompt or an address in clear."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.sources.spool import SEALED, Spool

MARKS = ("why do herons stand on one leg", "198.51.100.77", "grey.heron@example.org")
PROMPT, ADDRESS, EMAIL = MARKS

# Looks into every file of the home and of the temporary folder: at each step, and whenever something is removed.
WATCHED = """
import os, signal, sys
from pathlib import Path
from stillwatch import config
from stillwatch.pipeline.ingest import import_path
sys.path.insert(0, sys.argv[1])
from test_nothing_in_clear import found_in_clear
folder, source, mapping, last = Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5]
looks, found = 0, set()
def look():
    global looks
    looks += 1
    found.update(found_in_clear(folder))
def step(words, _share):
    look()
    if last and words.startswith(last):
        print(looks, sorted(found), sorted({p.suffix for p in folder.rglob("*")}), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(lambda event, _args: look() if event in ("os.remove", "shutil.rmtree") else None)
import_path(config.settings(folder / "home"), source, mapping=Path(mapping) if mapping else None, progress=step)
print(looks, sorted(found), flush=True)
"""


def found_in_clear(folder: Path) -> list[str]:
    """Files below a folder that hold a mark, as bytes or as a value of a Parquet file."""
    found = []
    for file in folder.rglob("*"):
        try:
            raw = file.read_bytes() if file.is_file() else b""
        except OSError:  # gone meanwhile
            continue
        text = raw.decode(errors="replace")
        if len(raw) > 8 and raw[:4] == raw[-4:] == b"PAR1":
            text += str(pq.read_table(pa.BufferReader(raw)).to_pylist())
        found += [f"{file.name}: {mark}" for mark in MARKS if mark in text]
    return found


def payload(n: int) -> dict[str, Any]:
    return {
        "id": f"c{n}", "litellm_call_id": f"c{n}", "call_type": "acompletion", "status": "success",
        "startTime": 1_767_323_045 + n, "model_group": "mini", "requester_ip_address": ADDRESS,
        "metadata": {"user_api_key_user_id": "ann", "user_api_key_user_email": EMAIL}, "model_parameters": {},
        "messages": [{"role": "user", "content": f"{PROMPT} {n}"}],
    }  # fmt: skip


def span(n: int) -> dict[str, Any]:
    given = {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "mini", "user.id": "ann", "user.email": EMAIL,
        "client.address": ADDRESS, "gen_ai.input.messages": json.dumps([{"role": "user", "content": f"{PROMPT} {n}"}]),
    }  # fmt: skip
    attributes = [{"key": key, "value": {"stringValue": text}} for key, text in given.items()]
    when = str(1_767_323_045_000_000_000 + n)
    one = {"traceId": f"t{n}", "spanId": f"s{n}", "startTimeUnixNano": when, "kind": 3, "attributes": attributes}
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "x"}, "spans": [one]}]}]}


def row(n: int) -> dict[str, Any]:
    return {
        "request_id": f"r{n}", "account_id": "ann", "ts": "2026-01-02T03:04:05Z", "model": "m", "ip": ADDRESS,
        "prompt": f"{PROMPT} {n}",
    }  # fmt: skip


MAPPING = {
    "requests": {
        "from": "a.jsonl",
        "join": {"from": "b.jsonl", "as": "b", "by": {"request_id": "rid"}},
        "columns": {c: c for c in ("request_id", "account_id", "ts", "model", "ip")} | {"prompt": "b.said"},
    },
    "identifiers": {
        "from": "b.jsonl",
        "columns": {"account_id": "rid", "kind": {"const": "email"}, "value": "email"},
    },
}


def source(folder: Path, kind: str) -> tuple[Path, str]:
    """A source of 30 requests in a shape, and its mapping file if it has one."""
    folder.mkdir()
    made = {"litellm": payload, "otel": span, "contract": row, "mapping": row}[kind]
    name = {"contract": "requests.jsonl", "mapping": "a.jsonl"}.get(kind, "log.jsonl")
    (folder / name).write_text("".join(json.dumps(made(n)) + "\n" for n in range(30)))
    if kind != "mapping":
        return folder / name, ""
    beside = [{"rid": f"r{n}", "said": f"{PROMPT} {n}", "email": EMAIL} for n in range(30)]
    (folder / "b.jsonl").write_text("".join(json.dumps(one) + "\n" for one in beside))
    rules = folder.parent / "rules.yaml"
    rules.write_text(json.dumps(MAPPING))
    return folder, str(rules)


@pytest.mark.parametrize("last", ["", "reading requests: "], ids=["whole", "killed"])
@pytest.mark.parametrize("kind", ["litellm", "otel", "mapping", "contract"])
def test_no_file_of_an_import_holds_text_in_clear(kind: str, last: str, tmp_path: Path) -> None:
    files, mapping = source(tmp_path / "in", kind)
    there = tmp_path / "there"
    (there / "tmp").mkdir(parents=True)
    run = subprocess.run(
        [sys.executable, "-c", WATCHED, str(Path(__file__).parent), str(there), str(files), mapping, last],
        env=os.environ | {"TMPDIR": str(there / "tmp")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    looks, _, rest = run.stdout.partition(" ")
    assert looks.isdigit(), run.stderr
    assert int(looks) > 4
    assert rest.startswith("[]"), rest
    if last:
        assert ".parquet" in rest
        assert list((there / "tmp").iterdir()) or kind == "contract"  # the spool of the killed reader
    else:
        assert list((there / "tmp").iterdir()) == []
    assert found_in_clear(there) == []


def test_sealed_text_is_compared_and_comes_back_as_text() -> None:
    said = ["a", "b", None, "", "a", "ü" * 100_000]
    spool = Spool()
    sheet = spool.sheet("s", {"n": pa.int64(), "said": SEALED})
    for n, text in enumerate(said):
        sheet.add((n, text, None, None, None, None))
    table = spool.table("s")
    assert spool.count(table.aggregate(n=table.said.nunique()))["n"] == 4
    (batch,) = spool.batches(table.order_by("n"), None)
    assert batch.column("said").to_pylist() == said
    assert batch.schema.field("said").type == pa.string()
    spool.close()
