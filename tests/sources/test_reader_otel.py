"""OTLP: every trap of the real instrumentations (docs/sources.md), in spans that were made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stillwatch.domain import UNATTRIBUTED, UNKNOWN_MODEL
from stillwatch.errors import MappingError, SourceError
from stillwatch.sources.otel import Otel
from stillwatch.sources.source import SourceData
from stillwatch.sources.values import content_hash

Row = dict[str, Any]
START = 1_767_323_045_000_000_000
OFFICIAL = "opentelemetry.instrumentation.genai.openai"
OLD = "opentelemetry.instrumentation.openai_v2"
ASK = {"role": "user", "parts": [{"type": "text", "content": "Hello?"}]}
RULE = {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]}


def value(given: Any) -> Row:
    """An OTLP AnyValue, whole numbers as text as the Collector writes them."""
    if isinstance(given, bool):
        return {"boolValue": given}
    if isinstance(given, int):
        return {"intValue": str(given)}
    if isinstance(given, list):
        return {"arrayValue": {"values": [value(v) for v in given]}}
    if isinstance(given, dict):
        return {"kvlistValue": {"values": [{"key": k, "value": value(v)} for k, v in given.items()]}}
    return {} if given is None else {"stringValue": given}


def attributes(given: Row) -> list[Row]:
    return [{"key": k, "value": value(v)} for k, v in given.items()]


def span(
    span_id: str, given: Row, *, trace: str = "t1", parent: str = "", kind: int = 3, at: int = 0, **other: Any
) -> Row:
    """One span that starts ``at`` milliseconds after ``START`` and takes 10 ms, if it is not told otherwise."""
    start = START + at * 1_000_000
    return {
        "traceId": trace, "spanId": span_id, "parentSpanId": parent, "name": "chat mini", "kind": kind,
        "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + other.pop("ms", 10) * 1_000_000), "status": {},
        "attributes": attributes(given),
    } | other  # fmt: skip


def chat(**other: Any) -> Row:
    """Attributes of a call, in today's names."""
    return {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "mini",
        "gen_ai.response.model": "mini-2026-01-01", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 9,
    } | {k.replace("__", "."): v for k, v in other.items()}  # fmt: skip


def line(*spans: Row, scope: str = OFFICIAL, resource: Row | None = None) -> Row:
    inside = {"scope": {"name": scope}, "spans": list(spans)}
    return {"resourceSpans": [{"resource": {"attributes": attributes(resource or {})}, "scopeSpans": [inside]}]}


def log(name: str, span_id: str, given: Row, body: Any = None, *, trace: str = "t1") -> Row:
    record = {
        "traceId": trace, "spanId": span_id, "observedTimeUnixNano": str(START), "eventName": name, "body": value(body),
        "attributes": attributes(given),
    }  # fmt: skip
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {"name": OFFICIAL}, "logRecords": [record]}]}]}


def read(folder: Path, lines: Sequence[Row | str], mapping: Path | None = None) -> tuple[SourceData, list[Row]]:
    folder.mkdir(exist_ok=True)
    text = "\n".join(item if isinstance(item, str) else json.dumps(item) for item in lines)
    (folder / "otlp.jsonl").write_text(text)
    data = Otel().read(folder, mapping)
    tables = {t.name: [r for b in t.batches for r in b.to_pylist()] for t in data.tables}  # type: ignore[union-attr]
    return data, tables["requests"]


def rows(folder: Path, *lines: Row | str) -> dict[str, Row]:
    found = read(folder, lines)[1]
    by_id = {row["request_id"]: row for row in found}
    assert len(by_id) == len(found), "a request arrived twice"
    return by_id


def one(folder: Path, *lines: Row | str) -> Row:
    (row,) = rows(folder, *lines).values()
    return row


def test_a_span_becomes_a_request(tmp_path: Path) -> None:
    row = one(
        tmp_path, line(span("s1", chat(gen_ai__response__id="resp-1", user__id="ann", gen_ai__conversation__id="c")))
    )
    assert row == {
        "request_id": "resp-1", "account_id": "ann", "ts": datetime(2026, 1, 2, 3, 4, 5), "model": "mini", "ip": None,
        "asn": None, "client": None, "session_id": "c", "input_tokens": 7, "output_tokens": 9, "tool_count": None,
        "status": "ok", "system_hash": None, "prompt": None, "_file": "otlp.jsonl", "_row": 1, "_bad": None,
        "_bad_column": None,
    }  # fmt: skip


def test_old_names_and_numbers_as_numbers(tmp_path: Path) -> None:
    old = {"gen_ai.system": "openai", "gen_ai.request.model": "mini", "enduser.id": "ann"}
    old_span = span("s1", old)
    old_span["attributes"] += [
        {"key": "gen_ai.usage.prompt_tokens", "value": {"intValue": 5}},
        {"key": "gen_ai.usage.completion_tokens", "value": {"doubleValue": 6.0}},
    ]
    old_span["startTimeUnixNano"] = START
    whole = line(old_span, scope=OLD)
    inner = whole["resourceSpans"][0].pop("scopeSpans")[0]
    whole["resourceSpans"][0]["instrumentationLibrarySpans"] = [
        {"instrumentationLibrary": {"name": OLD}, "spans": inner["spans"]}
    ]
    row = one(tmp_path, whole)
    assert (row["account_id"], row["input_tokens"], row["output_tokens"]) == ("ann", 5, 6)
    assert row["request_id"] == "t1-s1"


def test_absent_tokens_stay_null(tmp_path: Path) -> None:
    stream = {k: v for k, v in chat(gen_ai__request__stream=True).items() if "usage" not in k}
    row = one(tmp_path, line(span("s1", stream)))
    assert (row["input_tokens"], row["output_tokens"]) == (None, None)


def test_who_asked_stands_on_the_server_span_exported_later(tmp_path: Path) -> None:
    server = {"user.id": "ann", "session.id": "s", "client.address": "192.0.2.1", "user_agent.original": "app/1"}
    found = rows(
        tmp_path,
        line(span("call", chat(), parent="srv", at=5)),
        line(span("call", chat(), trace="t2", parent="srv", at=5)),
        line(span("srv", server, kind=2, ms=50), scope="my-app"),
        line(span("srv", server | {"user.id": "bea"}, trace="t2", kind=2, ms=50), scope="my-app"),
    )
    assert {k: v["account_id"] for k, v in found.items()} == {"t1-call": "ann", "t2-call": "bea"}
    assert found["t1-call"]["ip"] == "192.0.2.1"
    assert (found["t1-call"]["client"], found["t1-call"]["session_id"]) == ("app/1", "s")


def test_a_peer_is_the_client_only_at_a_server(tmp_path: Path) -> None:
    peer = {"network.peer.address": "192.0.2.9"}
    row = one(tmp_path, line(span("call", chat() | peer, parent="srv"), span("srv", peer | {"user.id": "ann"}, kind=2)))
    assert row["ip"] == "192.0.2.9"
    assert one(tmp_path / "b", line(span("call", chat() | peer)))["ip"] is None


def test_a_span_further_up_counts_where_the_trace_agrees(tmp_path: Path) -> None:
    top, other = span("srv", {"user.id": "ann"}, kind=2), span("job", {"user.id": "bea"}, kind=2)
    step = span("step", {}, parent="srv", kind=1)
    call = span("call", chat(), parent="step")
    assert one(tmp_path / "a", line(call, step, top))["account_id"] == "ann"
    assert one(tmp_path / "b", line(call, step, top, other))["account_id"] == UNATTRIBUTED


def test_the_spans_own_word_wins(tmp_path: Path) -> None:
    row = one(
        tmp_path, line(span("call", chat(user__id="own"), parent="srv"), span("srv", {"user.id": "above"}, kind=2))
    )
    assert row["account_id"] == "own"


def test_requests_without_an_account_arrive_and_are_counted(tmp_path: Path) -> None:
    data, found = read(tmp_path, [line(span("a", chat()), span("b", chat(user__id="ann"), trace="t2"))])
    assert sorted(row["account_id"] for row in found) == ["ann", UNATTRIBUTED]
    assert any(words.startswith("1 of 2 requests name no account") for words in data.warnings)


def test_agents_tools_caches_and_metrics_are_no_requests(tmp_path: Path) -> None:
    found = rows(
        tmp_path,
        line(
            span("agent", chat(gen_ai__operation__name="invoke_agent")),
            span("tool", chat(gen_ai__operation__name="execute_tool")),
            span("cache", {"gen_ai.request.model": "mini"}, kind=1),
            span("http", {"http.request.method": "POST", "url.path": "/other"}, kind=2),
            span("embed", chat(gen_ai__operation__name="embeddings"), trace="t2"),
        ),
        {"resourceMetrics": []},
    )
    assert set(found) == {"t2-embed"}


def test_a_call_counts_once_for_span_and_details_event(tmp_path: Path) -> None:
    details = chat(gen_ai__response__id="resp-1") | {"gen_ai.input.messages": [RULE, ASK]}
    lines = [
        line(span("s1", chat(gen_ai__response__id="resp-1"))),
        log("gen_ai.client.inference.operation.details", "s1", details),
        line(span("s2", chat(error__type="500"), at=9)),
        log("gen_ai.client.inference.operation.details", "s2", chat(error__type="500")),
        log("gen_ai.client.inference.operation.details", "s3", chat(gen_ai__response__id="no-span")),
    ]
    found = rows(tmp_path, *lines)
    assert set(found) == {"resp-1", "t1-s2", "no-span"}
    assert (found["resp-1"]["prompt"], found["resp-1"]["system_hash"]) == ("Hello?", content_hash("Be brief."))


def test_message_events_give_the_text_and_are_no_requests(tmp_path: Path) -> None:
    found = rows(
        tmp_path,
        line(span("s1", chat()), span("s2", chat(), trace="t2"), scope=OLD),
        log("gen_ai.system.message", "s1", {}, {"content": "Be brief."}),
        log("gen_ai.user.message", "s1", {}, {"content": "first"}),
        log("gen_ai.user.message", "s1", {}, {"content": "last"}),
        log("gen_ai.choice", "s1", {}, {"index": 0, "message": {"content": "answer"}}),
        log("gen_ai.user.message", "s2", {}, None, trace="t2"),
    )
    assert (found["t1-s1"]["prompt"], found["t1-s1"]["system_hash"]) == ("last", content_hash("Be brief."))
    assert found["t2-s2"]["prompt"] is None


def test_every_spelling_of_content(tmp_path: Path) -> None:
    spellings: list[Row] = [
        {"gen_ai.input.messages": json.dumps([RULE, ASK])},
        {"gen_ai.input.messages": [RULE, ASK]},
        {
            "gen_ai.input.messages": json.dumps([ASK]),
            "gen_ai.system_instructions": '[{"type":"text","content":"Be brief."}]',
        },
        {"gen_ai.input.messages": json.dumps([ASK]), "gen_ai.system_instructions": "Be brief."},
        {
            "gen_ai.prompt": json.dumps(
                [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]
            )
        },
        {
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be brief.",
            "gen_ai.prompt.1.content": "Hello?",
        },
    ]
    found = rows(tmp_path, line(*(span("s", chat() | content, trace=f"t{i}") for i, content in enumerate(spellings))))
    for row in found.values():
        assert (row["prompt"], row["system_hash"]) == ("Hello?", content_hash("Be brief.")), row["request_id"]
    assert len(found) == len(spellings)


def test_content_in_events_of_the_span(tmp_path: Path) -> None:
    events = [
        {"name": "gen_ai.system.message", "attributes": attributes({"content": "Be brief."})},
        {"name": "gen_ai.user.message", "attributes": attributes({"content": "Hello?"})},
    ]
    assert one(tmp_path, line(span("s1", chat(), events=events)))["prompt"] == "Hello?"


def test_tools_are_null_where_the_instrumentation_would_not_say(tmp_path: Path) -> None:
    content = {"gen_ai.input.messages": json.dumps([ASK])}
    found = rows(
        tmp_path,
        line(span("off", chat())),
        line(span("none", chat() | content)),
        line(span("two", chat() | content | {"gen_ai.tool.definitions": '[{"name":"a"},{"name":"b"}]'})),
        line(span("old", chat() | content), scope=OLD),
    )
    counts = {k.removeprefix("t1-"): v["tool_count"] for k, v in found.items()}
    assert counts == {"off": None, "none": 0, "two": 2, "old": None}


def test_status(tmp_path: Path) -> None:
    cases: list[tuple[Row, Row, str]] = [
        ({}, {}, "ok"),
        ({"error.type": "RateLimitError"}, {"code": 2}, "rate_limited"),
        (
            {"error.type": "openai.RateLimitError"},
            {"code": 2, "message": "Error code: 429 - slow down"},
            "rate_limited",
        ),
        ({"error.type": "429"}, {"code": 2}, "rate_limited"),
        ({"error.type": "openai.BadRequestError"}, {"code": 2, "message": "Error code: 400 - no"}, "error"),
        (
            {"error.type": "x.BadRequestError"},
            {"code": 2, "message": "{'error': {'code': 'invalid_prompt'}}"},
            "refused",
        ),
        ({}, {"code": "STATUS_CODE_ERROR"}, "error"),
        ({"gen_ai.response.finish_reasons": ["content_filter"]}, {}, "refused"),
        ({"http.response.status_code": 503}, {}, "error"),
    ]
    spans = (span("s", chat() | given, status=state, trace=f"t{i}") for i, (given, state, _) in enumerate(cases))
    found = rows(tmp_path, line(*spans))
    assert [found[f"t{i}-s"]["status"] for i in range(len(cases))] == [wanted for _, _, wanted in cases]


def test_two_instrumentations_of_one_call_are_one_request(tmp_path: Path) -> None:
    outer = {k: v for k, v in chat(user__id="ann").items() if "usage" not in k}
    found = rows(
        tmp_path,
        line(span("outer", outer), span("inner", chat(gen_ai__response__id="r"), parent="outer", at=1)),
        # An agent's span around several calls is not the same request as any of them.
        line(span("around", chat(), trace="t2"), span("one", chat(), trace="t2", parent="around", at=1),
             span("two", chat(), trace="t2", parent="around", at=2)),
    )  # fmt: skip
    assert set(found) == {"r", "t2-around", "t2-one", "t2-two"}
    assert (found["r"]["account_id"], found["r"]["input_tokens"]) == ("ann", 7)


def test_a_response_id_in_several_traces_is_several_requests(tmp_path: Path) -> None:
    same = chat(gen_ai__response__id="canned")
    found = rows(
        tmp_path,
        line(*(span("s", same, trace=t) for t in ("t1", "t2")), span("s", chat(gen_ai__response__id="x"), trace="t3")),
    )
    assert set(found) == {"t1-s", "t2-s", "x"}


def test_a_span_that_is_delivered_twice_is_one_request(tmp_path: Path) -> None:
    lines = [line(span("s1", chat(user__id="ann"))), line(span("s2", chat(user__id="bea"), trace="t2"))]
    assert set(rows(tmp_path, *lines, *lines)) == {"t1-s1", "t2-s2"}


LITELLM = {
    "litellm.call_id": "call-1", "gen_ai.operation.name": "acompletion", "gen_ai.request.model": "upstream-name",
    "litellm.model_group": "fast", "metadata.user_api_key_user_id": "ann", "metadata.user_api_key_hash": "hash-a",
    "metadata.requester_ip_address": "192.0.2.1", "metadata.user_agent": "tool/1", "gen_ai.usage.input_tokens": 7,
    "metadata.user_api_key_user_email": "Ann@Example.org", "metadata.requester_metadata": "",
}  # fmt: skip


def test_litellms_classic_exporter(tmp_path: Path) -> None:
    printed = "{'session_id': 'chat 7', 'headers': {'a': None}}"
    door = {"url.path": "/v1/chat/completions", "http.request.method": "POST", "http.response.status_code": 200}
    refused = LITELLM | {
        "litellm.call_id": "call-2", "metadata.user_api_key_user_id": "", "metadata.requester_ip_address": "",
        "error.code": "401", "gen_ai.operation.name": "anthropic_messages",
    }  # fmt: skip
    lines = [
        line(span("recv", {"url.path": "/v1/chat/completions"}, parent="step", kind=2, at=1), scope="litellm"),
        line(span("req", LITELLM | {"metadata.requester_metadata": printed}, parent="recv", kind=1, at=2,
                  name="litellm_request"), scope="litellm"),
        line(span("raw", {"llm.openai.model": "mini"}, parent="req", kind=1, at=3), scope="litellm"),
        line(span("post", door, kind=2, ms=90), span("post", door, kind=2, trace="t2"), scope="fastapi"),
        line(span("deps", refused, parent="post", kind=1, trace="t2", name="fastapi.dependencies"), scope="fastapi"),
    ]  # fmt: skip
    found = rows(tmp_path, *lines)
    assert set(found) == {"call-1", "call-2"}
    first, second = found["call-1"], found["call-2"]
    assert (first["model"], first["session_id"], first["tool_count"], first["client"]) == (
        "fast",
        "chat 7",
        0,
        "tool/1",
    )
    # The key belongs to ann, as the other call tells; tools are unknown for /v1/messages.
    assert (second["account_id"], second["ip"], second["tool_count"], second["status"]) == ("ann", None, None, "error")


def test_printed_dictionaries_are_never_run_and_never_stop_the_import(tmp_path: Path) -> None:
    printed = ("{'session_id': " + "[" * 5000, "__import__('os').system('x session')", "{'session'", "session" * 20_000)
    spans = (
        span("req", LITELLM | {"litellm.call_id": f"c{i}", "metadata.requester_metadata": text}, trace=f"t{i}")
        for i, text in enumerate(printed)
    )
    found = rows(tmp_path, line(*spans, scope="litellm"))
    assert [row["session_id"] for row in found.values()] == [None] * len(printed)


def test_litellms_new_exporter_and_refusals_at_its_door(tmp_path: Path) -> None:
    call = {
        "litellm.call_id": "call-1", "litellm.call_type": "acompletion", "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "fast", "litellm.metadata.user_api_key_user_id": "ann",
        "litellm.api_key.hash": "hash-a", "litellm.request.tools.declared": 2,
    }  # fmt: skip
    door = {"url.path": "/v1/chat/completions", "http.request.method": "POST"}
    who = {"litellm.api_key.hash": "hash-a", "gen_ai.request.model": "ghost"}
    found = rows(
        tmp_path,
        line(
            span("chat", call, parent="post"), span("cache", {"gen_ai.request.model": "fast"}, kind=1), scope="litellm"
        ),
        line(span("post", door | {"http.response.status_code": 200}, kind=2), scope="fastapi"),
        line(span("deps", who, trace="t2", parent="post", kind=1), scope="fastapi"),
        line(span("post", door | {"http.response.status_code": 429}, trace="t2", kind=2, at=7), scope="fastapi"),
        line(span("post", door | {"http.response.status_code": 503}, trace="t3", kind=2), scope="fastapi"),
        line(
            span("get", {"url.path": "/v1/models", "http.request.method": "GET"}, trace="t4", kind=2), scope="fastapi"
        ),
    )
    assert set(found) == {"call-1", "t2-post", "t3-post"}
    limited, cold = found["t2-post"], found["t3-post"]
    assert (limited["account_id"], limited["model"], limited["status"]) == ("ann", "ghost", "rate_limited")
    assert limited["ts"] == datetime(2026, 1, 2, 3, 4, 5, 7_000)
    assert (cold["account_id"], cold["model"], cold["status"]) == (UNATTRIBUTED, UNKNOWN_MODEL, "error")
    assert found["call-1"]["tool_count"] == 2


def test_a_gateway_before_a_gateway_is_one_request(tmp_path: Path) -> None:
    door = {"url.path": "/v1/chat/completions", "http.request.method": "POST"}
    outer = span("outer", door, kind=2, ms=100)
    inner = span("inner", door, kind=2, parent="client", at=5, ms=50)
    called = span("call", chat(), parent="inner", at=10)
    assert set(rows(tmp_path / "a", line(outer, inner, called))) == {"t1-call"}
    assert set(rows(tmp_path / "b", line(outer, inner))) == {"t1-outer"}


def test_refusals_in_a_trace_that_the_client_never_changes(tmp_path: Path) -> None:
    door = {"url.path": "/v1/chat/completions", "http.response.status_code": 429}
    spans = [span(f"d{i}", door, kind=2, parent="client", at=100 * i) for i in range(4)]
    found = rows(tmp_path, line(*spans, span("call", chat(), parent="d1", at=101)))
    assert set(found) == {"t1-d0", "t1-call", "t1-d2", "t1-d3"}


def test_addresses_of_litellms_users_become_identifiers(tmp_path: Path) -> None:
    (tmp_path / "otlp.jsonl").write_text(json.dumps(line(span("req", LITELLM), scope="litellm")))
    tables = {t.name: [r for b in t.batches for r in b.to_pylist()] for t in Otel().read(tmp_path).tables}  # type: ignore[union-attr]
    assert [(r["account_id"], r["kind"], r["value"]) for r in tables["identifiers"]] == [
        ("ann", "email", "ann@example.org")
    ]


def test_a_mapping_file_names_the_attributes(tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text("attributes:\n  account_id: [resource.tenant, app.customer]\n  asn: net.as\n")
    spans = line(span("a", chat(app__customer="c1", net__as="AS64500", user__id="not this")))
    tenant = line(span("b", chat(), trace="t2"), resource={"tenant": "acme"})
    found = {r["request_id"]: r for r in read(tmp_path / "in", [spans, tenant], mapping)[1]}
    assert (found["t1-a"]["account_id"], found["t1-a"]["asn"]) == ("c1", "AS64500")
    assert found["t2-b"]["account_id"] == "acme"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("attributes: {acount_id: x}", "no column 'acount_id'. Did you mean 'account_id'"),
        ("attributes: {account_id: 7}", "want the name of an attribute"),
        ("requests: {}", "has one entry, attributes"),
    ],
)
def test_a_wrong_mapping_file(tmp_path: Path, text: str, words: str) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text(text)
    with pytest.raises(MappingError, match=r"m\.yaml") as caught:
        read(tmp_path / "in", [line(span("a", chat()))], mapping)
    assert words in str(caught.value)


def test_what_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    broken = span("x", chat())
    broken["startTimeUnixNano"] = "soon"
    odd = line(span("y", chat()))
    odd["resourceSpans"][0]["scopeSpans"][0]["spans"].append("word")
    _, found = read(
        tmp_path, [line(span("good", chat())), '{"a', {"other": 1}, line(broken), odd, {"resourceSpans": [7]}]
    )
    bad = {row["_row"]: (row["_bad"], row["_bad_column"]) for row in found if row["_bad"]}
    assert sorted(row["request_id"] for row in found if not row["_bad"]) == ["t1-good", "t1-y"]
    assert bad[2][0].startswith("not JSON")
    assert bad[3][0].startswith("no resourceSpans")
    assert bad[4] == ("startTimeUnixNano is 'soon'; want ns since 1970", "ts")
    assert set(bad) == {2, 3, 4, 5, 6}


def test_hostile_ids_stay_what_they_are(tmp_path: Path) -> None:
    hostile = ("<script>alert(1)</script>", "=cmd()", "../../x", "y" * 10_000, "a\u0000b", "';--")
    spans = (span("s", chat(user__id=h, gen_ai__response__id=h), trace=f"t{i}") for i, h in enumerate(hostile))
    found = rows(tmp_path, line(*spans))
    assert {(row["request_id"], row["account_id"]) for row in found.values()} == {(h, h) for h in hostile}


def test_errors_for_the_whole_source(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n')
    assert not Otel().recognises(tmp_path)
    with pytest.raises(SourceError, match="no OTLP JSON there"):
        Otel().read(tmp_path)


def test_what_is_not_captured_is_said_with_its_reason(tmp_path: Path) -> None:
    data, _ = read(tmp_path, [line(span("s1", chat()))])
    assert any("content capture is off" in words for words in data.blind)
    assert any("does not record tool definitions" in words for words in data.blind)
