"""LiteLLM's logs: every trap of the real ones (docs/sources.md), in rows that were made up."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.domain import UNATTRIBUTED, UNKNOWN_MODEL
from stillwatch.errors import MappingError, SourceError
from stillwatch.sources.litellm import LiteLLM
from stillwatch.sources.source import SourceData
from stillwatch.sources.values import content_hash

Row = dict[str, Any]
START = 1_767_323_045.25


def payload(call: str | None = "call-1", **other: Any) -> Row:
    """One StandardLoggingPayload; ``meta`` and ``params`` change the objects inside."""
    meta = {
        "user_api_key_hash": "hash-a", "user_api_key_user_id": "ann", "user_api_key_user_email": "Ann@Example.org",
        "requester_metadata": {},
    } | other.pop("meta", {})  # fmt: skip
    return {
        "id": "up-1", "litellm_call_id": call, "trace_id": "0123456789abcdef" * 2, "call_type": "acompletion",
        "status": "success", "startTime": START, "endTime": START + 1, "model": "openai/mini", "model_group": "fast",
        "custom_llm_provider": "openai", "metadata": meta, "prompt_tokens": 7, "completion_tokens": 9,
        "requester_ip_address": "192.0.2.1", "user_agent": "tool/1", "end_user": "", "cache_hit": None,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}],
        "model_parameters": {"stream": False} | other.pop("params", {}),
        "response": {"choices": [{"finish_reason": "stop"}]}, "error_information": {"error_code": ""},
    } | other  # fmt: skip


def spend(call: str = "call-1", **other: Any) -> Row:
    """One row of LiteLLM_SpendLogs as its CSV export has it; ``meta`` and ``body`` change the JSON inside."""
    meta = {"user_agent": "tool/1", "user_api_key": "hash-a", "error_information": None} | other.pop("meta", {})
    return {
        "request_id": "up-1", "litellm_call_id": call, "call_type": "acompletion", "api_key": "hash-a", "spend": "0.1",
        "startTime": "2026-01-02 03:04:05.25", "endTime": "2026-01-02 03:04:06.25", "model": "openai/mini",
        "model_group": "fast", "custom_llm_provider": "openai", "user": "ann", "metadata": json.dumps(meta),
        "cache_hit": "None", "request_tags": "[]", "team_id": "", "end_user": "", "requester_ip_address": "192.0.2.1",
        "messages": "{}", "response": "{}", "proxy_server_request": json.dumps(other.pop("body", {})),
        "session_id": "0123456789abcdef0123456789abcdef", "status": "success", "prompt_tokens": "7",
        "completion_tokens": "9",
    } | other  # fmt: skip


def write_jsonl(path: Path, rows: list[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def write_csv(path: Path, rows: list[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def tables(folder: Path, users: list[Row] = (), keys: list[Row] = (), teams: list[Row] = ()) -> None:  # type: ignore[assignment]
    """LiteLLM's tables of accounts."""
    made = "2026-01-01 00:00:00.5"
    if users:
        blank = {
            "user_id": "",
            "user_email": "",
            "user_role": "",
            "teams": "{}",
            "organization_id": "",
            "created_at": made,
        }
        write_csv(folder / "LiteLLM_UserTable.csv", [blank | row for row in users])
    if keys:
        blank = {"token": "", "key_name": "", "user_id": "", "team_id": "", "organization_id": "", "blocked": "",
                 "created_at": made}  # fmt: skip
        write_csv(folder / "LiteLLM_VerificationToken.csv", [blank | row for row in keys])
    if teams:
        blank = {"team_id": "", "team_alias": "", "members_with_roles": "[]", "organization_id": "", "blocked": "f"}
        write_csv(folder / "LiteLLM_TeamTable.csv", [blank | row for row in teams])


def read(path: Path) -> tuple[SourceData, dict[str, list[Row]]]:
    data = LiteLLM().read(path)
    return data, {t.name: [r for b in t.batches for r in b.to_pylist()] for t in data.tables}  # type: ignore[union-attr]


def requests(path: Path) -> dict[str, Row]:
    rows = read(path)[1]["requests"]
    found = {row["request_id"]: row for row in rows}
    assert len(found) == len(rows), "a request arrived twice"
    return found


def only(path: Path) -> Row:
    (row,) = requests(path).values()
    return row


def test_a_payload_becomes_a_request(tmp_path: Path) -> None:
    row = only(write_jsonl(tmp_path / "log.jsonl.gz", [payload()]))
    assert row | {"_bad": None} == {
        "request_id": "call-1", "account_id": "ann", "ts": datetime(2026, 1, 2, 3, 4, 5, 250_000), "model": "fast",
        "ip": "192.0.2.1", "client": "tool/1", "session_id": None, "input_tokens": 7, "output_tokens": 9,
        "tool_count": 0, "status": "ok", "system_hash": content_hash("Be brief."), "prompt": "Hello?",
        "_file": "log.jsonl.gz", "_row": 1, "_bad": None, "_bad_column": None,
    }  # fmt: skip


def test_spend_logs_say_the_same_of_the_same_call(tmp_path: Path) -> None:
    body = {"model": "fast", "messages": payload()["messages"]}
    one = only(write_jsonl(tmp_path / "a" / "log.jsonl", [payload()]))
    other = only(write_csv(tmp_path / "b" / "LiteLLM_SpendLogs.csv", [spend(body=body)]))
    assert {k: v for k, v in one.items() if k != "_file"} == {k: v for k, v in other.items() if k != "_file"}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_other_exports_of_spend_logs(tmp_path: Path, kind: str) -> None:
    row = spend() | {"prompt_tokens": 7, "completion_tokens": 9, "startTime": datetime(2026, 1, 2, 3, 4, 5, 250_000)}
    path = tmp_path / f"spend.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist([row]), path)
    else:
        write_jsonl(path, [row | {"startTime": "2026-01-02T03:04:05.250Z", "metadata": json.loads(row["metadata"])}])
    assert only(path)["ts"] == datetime(2026, 1, 2, 3, 4, 5, 250_000)
    assert only(path)["client"] == "tool/1"


def test_upstream_ids_repeat_but_calls_do_not(tmp_path: Path) -> None:
    calls = [payload(f"call-{i}", id="msg_canned") for i in range(4)]
    hits = [payload("call-h", id="up-9_cache_hit17", cache_hit=True), payload("call-g", id="up-9")]
    assert len(requests(write_jsonl(tmp_path / "log.jsonl", calls + hits))) == 6


def test_the_same_call_in_both_logs_arrives_once_with_the_richest_values(tmp_path: Path) -> None:
    refused = payload(
        "call-401", id="call-401", status="failure", requester_ip_address=None, user_agent=None, model_group="",
        model="ghost", custom_llm_provider=None, meta={"user_api_key_user_id": None},
    )  # fmt: skip
    write_jsonl(tmp_path / "log.jsonl", [refused, payload("call-2", id="up-2_cache_hit100")])
    write_csv(
        tmp_path / "LiteLLM_SpendLogs.csv",
        [
            spend("call-401", request_id="call-401", status="failure", user="", model_group="", model="unknown-model"),
            spend("call-2", request_id="up-2_cache_hit999", proxy_server_request="{}"),
            spend("call-3", request_id="up-3"),
        ],
    )
    found = requests(tmp_path)
    assert set(found) == {"call-401", "call-2", "call-3"}
    assert (found["call-401"]["ip"], found["call-401"]["client"]) == ("192.0.2.1", "tool/1")
    assert found["call-401"]["model"] == "ghost"
    assert found["call-2"]["prompt"] == "Hello?"
    assert found["call-3"]["prompt"] is None


def test_old_spend_logs_without_call_ids_meet_their_payload(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "log.jsonl", [payload("call-1", id="up-1"), payload("call-2", id="up-2")])
    old = [{k: v for k, v in spend(request_id=i).items() if k != "litellm_call_id"} for i in ("up-1", "up-2", "up-3")]
    write_csv(tmp_path / "LiteLLM_SpendLogs.csv", old)
    assert set(requests(tmp_path)) == {"call-1", "call-2", "up-3"}


def test_of_several_attempts_of_one_call_the_last_one_counts(tmp_path: Path) -> None:
    attempts = [
        payload(endTime=START + 9, status="success"),
        payload(endTime=START + 1, status="failure", prompt_tokens=0, completion_tokens=0),
    ]
    assert only(write_jsonl(tmp_path / "log.jsonl", attempts))["status"] == "ok"


def test_the_model_is_the_one_asked_for_without_the_providers_prefix(tmp_path: Path) -> None:
    rows = [
        payload("alias", model="openai/mini", model_group="fast"),
        payload("ghost", model="ghost", model_group="", custom_llm_provider=None),
        payload("plain", model="hosted_vllm/llama/3", model_group=None, custom_llm_provider="hosted_vllm"),
        payload("none", model=None, model_group=None),
    ]
    found = requests(write_jsonl(tmp_path / "log.jsonl", rows))
    assert {k: v["model"] for k, v in found.items()} == {
        "alias": "fast", "ghost": "ghost", "plain": "llama/3", "none": UNKNOWN_MODEL,
    }  # fmt: skip


def test_status_of_both_logs(tmp_path: Path) -> None:
    cases = [
        ("429", "ProxyRateLimitError", "failure", "rate_limited"),
        ("499", "ClientDisconnected", "success", "ok"),
        ("invalid_prompt", "BadRequestError", "failure", "refused"),
        ("400", "BadRequestError", "failure", "error"),
        ("403", "ModelAccessDeniedProxyException", "failure", "error"),
        ("", "DBLookupDeadlineExceeded", "failure", "error"),
        ("", "", "success", "ok"),
    ]
    logged, spent = [], []
    for i, (code, word, status, _) in enumerate(cases):
        error = {"error_code": code, "error_class": word}
        logged.append(payload(f"c{i}", id=f"u{i}", status=status, error_information=error))
        spent.append(
            spend(f"c{i}", request_id=f"u{i}", status=status, meta={"error_information": error if word else None})
        )
    wanted = {f"c{i}": case[3] for i, case in enumerate(cases)}
    one = requests(write_jsonl(tmp_path / "a" / "log.jsonl", logged))
    other = requests(write_csv(tmp_path / "b" / "LiteLLM_SpendLogs.csv", spent))
    assert {k: v["status"] for k, v in one.items()} == wanted
    assert {k: v["status"] for k, v in other.items()} == wanted


def test_an_answer_that_a_filter_ended_is_a_refusal(tmp_path: Path) -> None:
    answer = {"choices": [{"finish_reason": "content_filter"}]}
    assert only(write_jsonl(tmp_path / "a" / "log.jsonl", [payload(response=answer)]))["status"] == "refused"
    path = write_csv(tmp_path / "b" / "LiteLLM_SpendLogs.csv", [spend(response=json.dumps(answer))])
    assert only(path)["status"] == "refused"


def test_tokens_of_failures_are_unknown_and_those_of_disconnects_are_kept(tmp_path: Path) -> None:
    rows = [
        payload("failed", status="failure", prompt_tokens=0, completion_tokens=0),
        payload("gone", error_information={"error_code": "499", "error_class": "ClientDisconnected"}),
        payload("empty", prompt_tokens=5, completion_tokens=0),
    ]
    found = requests(write_jsonl(tmp_path / "log.jsonl", rows))
    assert (found["failed"]["input_tokens"], found["failed"]["output_tokens"]) == (None, None)
    assert found["gone"]["output_tokens"] == 9
    assert (found["empty"]["input_tokens"], found["empty"]["output_tokens"]) == (5, 0)


def test_tools_are_counted_or_unknown_but_never_guessed(tmp_path: Path) -> None:
    rows = [
        payload("three", params={"tools": [{}, {}, {}]}),
        payload("none"),
        payload("canned", model_parameters={}),
        payload("door", status="failure", requester_ip_address=None, params={"stream": True}),
    ]
    found = requests(write_jsonl(tmp_path / "a" / "log.jsonl", rows))
    assert {k: v["tool_count"] for k, v in found.items()} == {"three": 3, "none": 0, "canned": None, "door": None}
    spent = [spend("off", request_id="1"), spend("on", request_id="2", body={"messages": [], "tools": [{}]})]
    found = requests(write_csv(tmp_path / "b" / "LiteLLM_SpendLogs.csv", spent))
    assert {k: v["tool_count"] for k, v in found.items()} == {"off": None, "on": 1}


def test_sessions_are_those_that_a_client_named_or_several_requests_share(tmp_path: Path) -> None:
    lone, shared = "a" * 32, "b" * 32
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    rows = [
        payload("lone", trace_id=lone),
        *(payload(f"shared-{i}", trace_id=shared) for i in range(3)),
        payload("named", trace_id="chat 7"),
        payload("said", trace_id=lone.replace("a", "c"), meta={"requester_metadata": {"session_id": uuid}}),
        payload("claude", trace_id=uuid, end_user=f"user_x_account__session_{uuid}", call_type="anthropic_messages"),
    ]
    found = requests(write_jsonl(tmp_path / "log.jsonl", rows))
    assert {k: v["session_id"] for k, v in found.items()} == {
        "lone": None, "shared-0": shared, "shared-1": shared, "shared-2": shared, "named": "chat 7", "said": uuid,
        "claude": uuid,
    }  # fmt: skip


def test_end_users_are_not_accounts(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "log.jsonl", [payload(end_user="customer-1"), payload("call-2", end_user="customer-2")]
    )
    assert {row["account_id"] for row in requests(path).values()} == {"ann"}


def test_without_a_user_the_key_tells_whose_request_it_is(tmp_path: Path) -> None:
    nobody = {"user_api_key_user_id": None, "user_api_key_user_email": None}
    rows = [
        payload("known", meta=nobody | {"user_api_key_hash": "hash-b"}),
        payload("seen", meta=nobody),
        payload("seen-before"),
        payload("service", meta=nobody | {"user_api_key_hash": "hash-s"}),
        payload("bad key", meta=nobody | {"user_api_key_hash": "hash-z"}),
        payload("nobody", meta=nobody | {"user_api_key_hash": "None"}),
    ]
    write_jsonl(tmp_path / "run" / "log.jsonl", rows)
    tables(tmp_path, users=[{"user_id": "bea"}], keys=[{"token": "hash-b", "user_id": "bea"}, {"token": "hash-s"}])
    data, found = read(tmp_path / "run")
    assert {r["request_id"]: r["account_id"] for r in found["requests"]} == {
        "known": "bea", "seen": "ann", "seen-before": "ann", "service": "hash-s", "bad key": "hash-z",
        "nobody": UNATTRIBUTED,
    }  # fmt: skip
    assert {r["account_id"] for r in found["accounts"]} == {"bea", "hash-s"}
    assert any(UNATTRIBUTED in warning for warning in data.warnings)


def test_a_key_that_two_users_had_is_not_attributed_to_either(tmp_path: Path) -> None:
    rows = [
        payload("1", meta={"user_api_key_user_id": "ann"}),
        payload("2", meta={"user_api_key_user_id": "bea"}),
        payload("3", meta={"user_api_key_user_id": None}),
    ]
    assert requests(write_jsonl(tmp_path / "log.jsonl", rows))["3"]["account_id"] == "hash-a"


def test_accounts_from_the_tables_beside_or_above(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "run" / "log.jsonl", [payload()])
    tables(
        tmp_path,
        users=[
            {"user_id": "ann", "user_email": "Ann@Example.org", "teams": '{"t-1",t-2}'},
            {"user_id": "bea", "organization_id": "org-b", "created_at": "2025-12-31 23:59:59+00"},
            {"user_id": "cy"},
        ],
        keys=[{"token": "k1", "user_id": "cy", "team_id": "t-2", "blocked": "t"}, {"token": "k2", "user_id": "dan"}],
        teams=[{"team_id": "t-1", "organization_id": "org-1"}, {"team_id": "t-2"}],
    )
    accounts = {row["account_id"]: row for row in read(tmp_path / "run")[1]["accounts"]}
    assert {k: v["org_id"] for k, v in accounts.items()} == {"ann": "org-1", "bea": "org-b", "cy": "t-2", "dan": None}
    assert {k for k, v in accounts.items() if v["status"] == "suspended"} == {"cy"}
    assert accounts["ann"]["email_domain"] == "example.org"
    assert accounts["bea"]["created_at"] == datetime(2025, 12, 31, 23, 59, 59)


def test_the_nearer_table_wins(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "run" / "log.jsonl", [payload()])
    tables(tmp_path, users=[{"user_id": "old"}])
    tables(tmp_path / "run", users=[{"user_id": "ann"}])
    assert [row["account_id"] for row in read(tmp_path / "run")[1]["accounts"]] == ["ann"]


def test_addresses_become_identifiers_once(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "log.jsonl", [payload("1"), payload("2", startTime=START + 60)])
    tables(tmp_path, users=[{"user_id": "ann", "user_email": "ann@example.org"}, {"user_id": "bea", "user_email": "b"}])
    (row,) = read(tmp_path)[1]["identifiers"]
    assert (row["account_id"], row["kind"], row["value"]) == ("ann", "email", "ann@example.org")
    assert row["first_seen"] == datetime(2026, 1, 1, 0, 0, 0, 500_000)
    assert row["last_seen"] == datetime(2026, 1, 2, 3, 5, 5, 250_000)


def test_tables_alone_can_be_read(tmp_path: Path) -> None:
    tables(tmp_path, users=[{"user_id": "ann"}])
    assert LiteLLM().recognises(tmp_path)
    assert set(read(tmp_path)[1]) == {"accounts", "identifiers"}


def test_rows_that_cannot_be_read_are_set_aside_with_file_row_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines = [json.dumps(payload("good")), '{"id": ', json.dumps(payload("late", startTime="13/40/2026")),
             json.dumps(payload(None, id=None))]  # fmt: skip
    path.write_text("\n".join(lines))
    rows = read(path)[1]["requests"]
    bad = {row["_row"]: (row["_bad"], row["_bad_column"]) for row in rows if row["_bad"]}
    assert [row["request_id"] for row in rows if not row["_bad"]] == ["good"]
    assert bad[2][0].startswith("not JSON")
    assert bad[3] == ("startTime is '13/40/2026'; want ISO 8601", "ts")
    assert bad[4][1] == "request_id"
    assert {row["_file"] for row in rows} == {"log.jsonl"}


def test_what_is_not_logged_is_said_with_its_reason(tmp_path: Path) -> None:
    data, _ = read(write_csv(tmp_path / "LiteLLM_SpendLogs.csv", [spend()]))
    assert any("store_prompts_in_spend_logs is off" in words for words in data.blind)
    assert any(words.startswith("accounts: no LiteLLM_UserTable") for words in data.blind)


def test_other_files_of_the_folder_are_named_and_truth_is_not_opened(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "log.jsonl", [payload()])
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "truth.csv").write_text("user_id,user_email,user_role\nann,a@b,c\n")
    data, found = read(tmp_path)
    assert data.warnings == ("not read, since no LiteLLM log or table: notes.txt",)
    assert "accounts" not in found


def test_hostile_ids_stay_what_they_are(tmp_path: Path) -> None:
    hostile = ("<script>alert(1)</script>", "=cmd()", "../../x", "x" * 10_000, "a\u0000b", "';--")
    rows = [payload(h, meta={"user_api_key_user_id": h, "user_api_key_hash": h[:3]}) for h in hostile]
    found = requests(write_jsonl(tmp_path / "log.jsonl", rows))
    assert {(row["request_id"], row["account_id"]) for row in found.values()} == {(h, h) for h in hostile}


def test_odd_shapes_never_stop_the_import(tmp_path: Path) -> None:
    odd: list[Row] = [
        {"metadata": None}, {"metadata": "x"}, {"messages": {"a": 1}}, {"model_parameters": []}, {"response": "text"},
        {"prompt_tokens": 2**60}, {"status": 7}, {"error_information": "boom"}, {"trace_id": ["x"]}, {"endTime": None},
        {"prompt_tokens": 1e300}, {"end_user": {"a": 1}}, {"messages": [[]]}, {"user_agent": 5},
    ]  # fmt: skip
    rows = [payload(f"c{i}") | change for i, change in enumerate(odd)]
    found = requests(write_jsonl(tmp_path / "log.jsonl", rows))
    assert [row["_bad"] for row in found.values()] == [None] * len(odd)


def test_errors_for_the_whole_source(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert not LiteLLM().recognises(tmp_path)
    with pytest.raises(SourceError, match=r"nothing of LiteLLM among x\.csv"):
        LiteLLM().read(tmp_path)
    with pytest.raises(MappingError, match="takes no mapping file"):
        LiteLLM().read(tmp_path, tmp_path / "m.yaml")
    whole = gzip.compress("".join(json.dumps(payload(str(i))) + "\n" for i in range(2000)).encode())
    (tmp_path / "log.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="cut off or broken"):
        LiteLLM().read(tmp_path)
