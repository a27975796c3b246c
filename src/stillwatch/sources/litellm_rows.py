"""One row of LiteLLM's logs -> one request, for the two places where LiteLLM writes the same traffic.

Written against the real output of LiteLLM 1.109 (StandardLoggingPayload as handed to callbacks, table
``LiteLLM_SpendLogs``); docs/sources.md lists every trap that is handled here.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from stillwatch.domain import UNKNOWN_MODEL
from stillwatch.sources.files import Record
from stillwatch.sources.messages import asked, count, status
from stillwatch.sources.spool import SEALED
from stillwatch.sources.values import BadValueError, content_hash, email, moment, text, whole

CALL_COLUMNS: dict[str, pa.DataType] = {
    "call_id": pa.string(),
    "upstream_id": pa.string(),
    "place": pa.int64(),
    "user": pa.string(),
    "key_hash": pa.string(),
    "ts": pa.timestamp("us"),
    "ended": pa.int64(),
    "model": pa.string(),
    "ip": SEALED,
    "client": pa.string(),
    "session_id": pa.string(),
    "session_given": pa.bool_(),
    "input_tokens": pa.int64(),
    "output_tokens": pa.int64(),
    "tool_count": pa.int64(),
    "status": pa.string(),
    "system_hash": pa.string(),
    "prompt": SEALED,
    "email": SEALED,
}

_RANDOM_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_MODEL = "unknown-model"
"""What SpendLogs writes for the name of a model that the proxy does not have."""
_CLAUDE_CODE_USER = re.compile(r"_session_(.+)$")


class Call(NamedTuple):
    """One row of ``CALL_COLUMNS``."""

    call_id: str | None
    upstream_id: str | None
    place: int
    user: str | None
    key_hash: str | None
    ts: int
    ended: int
    model: str
    ip: str | None
    client: str | None
    session_id: str | None
    session_given: bool | None
    input_tokens: int | None
    output_tokens: int | None
    tool_count: int | None
    status: str
    system_hash: str | None
    prompt: str | None
    email: str | None


class BadRowError(ValueError):
    """A row that cannot become a request: the contract column to blame, and why."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


PAYLOAD, SPEND_LOG = 0, 1
"""``Call.place``: where two rows tell of the same call, the lower place wins and the other fills its gaps."""


def obj(value: Any) -> Record:
    """A dictionary, or the one that JSON text holds, or an empty one."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return value if isinstance(value, dict) else {}


def from_payload(row: Record) -> Call:
    """A StandardLoggingPayload.

    ``id`` is the upstream's and repeats; ``trace_id`` is the session when the client named one; address and user agent
    are null on authentication failures; ``model`` carries a provider prefix and ``model_group`` is what was asked for.

    Raises:
        BadRowError: no id or no time.
    """
    meta = obj(row.get("metadata"))
    requester = obj(meta.get("requester_metadata"))
    error = obj(row.get("error_information") or meta.get("error_information"))
    parameters = obj(row.get("model_parameters"))
    failed = row.get("status") == "failure"
    end_user = text(row.get("end_user")) or text(meta.get("user_api_key_end_user_id"))
    said = asked(row.get("messages"), parameters.get("system", parameters.get("instructions")))
    tools = count(parameters.get("tools", parameters.get("functions")))
    started = _time(row.get("startTime"), "startTime")
    address = text(row.get("requester_ip_address")) or text(meta.get("requester_ip_address"))
    return Call(
        call_id=text(row.get("litellm_call_id")),
        upstream_id=text(row.get("id")),
        place=PAYLOAD,
        user=text(meta.get("user_api_key_user_id")),
        key_hash=text(meta.get("user_api_key_hash")),
        ts=started,
        ended=_ended(row.get("endTime"), started),
        model=_model(row),
        ip=address,
        client=text(row.get("user_agent")) or text(meta.get("user_agent")),
        **_session(text(row.get("trace_id")), requester, end_user),
        **_tokens(row, failed),
        # Parameters are not looked at before authentication (then the address is null too) nor by LiteLLM's own
        # canned answers: without any, nothing is known of tools, which is not "no tools".
        tool_count=tools if tools is not None else 0 if parameters and address else None,
        status=_status(row, failed, error),
        system_hash=content_hash(said.system),
        prompt=said.prompt,
        email=email(meta.get("user_api_key_user_email")),
    )


def from_spend_log(row: Record) -> Call:
    """A row of LiteLLM_SpendLogs; nested JSON is text, null is '' or the word None, times have no zone and are UTC.

    The prompt lies in ``proxy_server_request`` (``messages`` is always empty); with prompts off that is empty as well
    and tools, system prompt and prompt are unknown. ``session_id`` is a random one when the client named none.

    Raises:
        BadRowError: no id or no time.
    """
    meta = obj(row.get("metadata"))
    error = obj(meta.get("error_information"))
    body = obj(row.get("proxy_server_request"))
    failed = row.get("status") == "failure" or meta.get("status") == "failure"
    said = asked(
        body.get("messages", body.get("input", body.get("prompt"))), body.get("system", body.get("instructions"))
    )
    if said.prompt is None:
        said = asked(row.get("messages"))
    tools = count(body.get("tools", body.get("functions")))
    started = _time(row.get("startTime"), "startTime")
    requester = obj(obj(body.get("metadata")).get("requester_metadata"))
    return Call(
        call_id=text(row.get("litellm_call_id")) or text(meta.get("litellm_call_id")),
        upstream_id=text(row.get("request_id")),
        place=SPEND_LOG,
        user=text(row.get("user")) or text(meta.get("user_api_key_user_id")),
        key_hash=text(row.get("api_key")) or text(meta.get("user_api_key")),
        ts=started,
        ended=_ended(row.get("endTime"), started),
        model=_model(row, asked_for=text(body.get("model"))),
        ip=text(row.get("requester_ip_address")) or text(meta.get("requester_ip_address")),
        client=text(meta.get("user_agent")) or _tagged_agent(row.get("request_tags")),
        **_session(text(row.get("session_id")), requester, text(row.get("end_user"))),
        **_tokens(row, failed),
        tool_count=tools if tools is not None else 0 if body else None,
        status=_status(row, failed, error),
        system_hash=content_hash(said.system),
        prompt=said.prompt,
        email=email(meta.get("user_api_key_user_email")),
    )


def _time(value: Any, name: str) -> int:
    try:
        return moment(value, "s" if isinstance(value, int | float) else None)
    except BadValueError as e:
        raise BadRowError("ts", f"{name} {e}") from None


def _ended(value: Any, started: int) -> int:
    try:
        return _time(value, "endTime")
    except BadRowError:
        return started


def _model(row: Record, asked_for: str | None = None) -> str:
    """The name that was asked for; without one (unknown model) the upstream's, its provider prefix taken off."""
    for name in (text(row.get("model_group")), asked_for):
        if name and name != _NO_MODEL:
            return name
    name, provider = text(row.get("model")), text(row.get("custom_llm_provider"))
    if not name or name == _NO_MODEL:
        return UNKNOWN_MODEL
    return name.removeprefix(f"{provider}/") if provider else name


def _tokens(row: Record, failed: bool) -> dict[str, Any]:
    """A failure counts 0 and 0 because nothing was counted: unknown, not none."""
    tokens_in, tokens_out = whole(row.get("prompt_tokens")), whole(row.get("completion_tokens"))
    if failed and not tokens_in and not tokens_out:
        tokens_in = tokens_out = None
    return {"input_tokens": tokens_in, "output_tokens": tokens_out}


def _session(session: str | None, requester: Record, end_user: str | None) -> dict[str, Any]:
    """A session, and whether the client is known to have named it.

    LiteLLM makes up a random one for a request without; such an id is only kept if several requests carry it.
    """
    named = text(requester.get("session_id"))
    if not named and end_user and (claude_code := _CLAUDE_CODE_USER.search(end_user)):
        named = claude_code[1]
    if named:
        return {"session_id": named, "session_given": True}
    return {"session_id": session, "session_given": None if session is None else not _RANDOM_ID.fullmatch(session)}


def _tagged_agent(tags: Any) -> str | None:
    """User agent out of request tags, which hold it twice: the family, then the whole."""
    if isinstance(tags, str):
        try:
            tags = orjson.loads(tags)
        except orjson.JSONDecodeError:
            return None
    marked = [t.removeprefix("User-Agent: ") for t in tags or [] if isinstance(t, str) and t.startswith("User-Agent: ")]
    return text(marked[-1]) if marked else None


def _status(row: Record, failed: bool, error: Record) -> str:
    code = text(error.get("error_code")) or ""
    guardrail = text(obj(row.get("status_fields")).get("guardrail_status")) or ""
    words = f"{code} {text(error.get('error_class')) or ''} {guardrail} {_finish(row.get('response'))}"
    return status(failed, int(code) if code.isdecimal() and len(code) == 3 else None, words)


def _finish(response: Any) -> str:
    """Why the answers ended. Text is only parsed where it may say that a filter ended one."""
    if isinstance(response, str):
        if "content_filter" not in response and "refusal" not in response:
            return ""
        response = obj(response)
    choices = response.get("choices") if isinstance(response, dict) else None
    if not isinstance(choices, list):
        return ""
    return " ".join(str(c.get("finish_reason"))[:40] for c in choices if isinstance(c, dict))
