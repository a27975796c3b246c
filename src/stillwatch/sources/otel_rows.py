"""One OTLP span or log record -> what it says of a request, in every spelling that real programs use.

Written against the output of the official OpenAI instrumentation (package openai-v2 and its successor genai-openai,
content on and off) and of LiteLLM's two exporters; names as in the GenAI semantic conventions up to v1.41 and in the
repository that they moved to. docs/sources.md lists every trap that is handled here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from stillwatch.sources.messages import Asked, asked, count, status
from stillwatch.sources.spool import SEALED
from stillwatch.sources.values import BadValueError, content_hash, email, moment, text, whole

Names = Mapping[str, tuple[str, ...]]

NAMES: Names = {
    "user": (
        "metadata.user_api_key_user_id",
        "litellm.metadata.user_api_key_user_id",
        "user.id",
        "enduser.id",
        "enduser.pseudo.id",
        "user.hash",
    ),
    "key_hash": ("metadata.user_api_key_hash", "litellm.api_key.hash"),
    "email": ("metadata.user_api_key_user_email", "user.email"),
    "model": ("litellm.model_group", "gen_ai.request.model", "gen_ai.response.model"),
    "ip": ("metadata.requester_ip_address", "client.address", "http.client_ip"),
    "asn": (),
    "client": ("metadata.user_agent", "user_agent.original", "http.user_agent"),
    "session_id": ("gen_ai.conversation.id", "session.id"),
}
"""Attributes that feed a column, best first. A mapping file puts others before them."""

MAPPABLE = {
    "account_id": "user",
    "ip": "ip",
    "asn": "asn",
    "client": "client",
    "session_id": "session_id",
    "model": "model",
}
"""Contract columns that a mapping file may name attributes for."""

_WORD = pa.string()
PLACE_COLUMNS = {"trace_id": _WORD, "span_id": _WORD, "parent_id": _WORD, "ts": pa.timestamp("us")}
WHO_COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys(("user", "key_hash", "model"), _WORD),
    "ip": SEALED,
    **dict.fromkeys(("asn", "client", "session_id"), _WORD),
}
CALL_COLUMNS: dict[str, pa.DataType] = {
    **PLACE_COLUMNS,
    **WHO_COLUMNS,
    "event": pa.bool_(),
    "call_id": _WORD,
    "response_id": _WORD,
    "email": SEALED,
    "input_tokens": pa.int64(),
    "output_tokens": pa.int64(),
    "tool_count": pa.int64(),
    "status": _WORD,
    "system_hash": _WORD,
    "prompt": SEALED,
}
CONTEXT_COLUMNS: dict[str, pa.DataType] = {
    **PLACE_COLUMNS,
    **WHO_COLUMNS,
    "door": pa.bool_(),
    "ended": pa.timestamp("us"),
    "status": _WORD,
}
DOOR = list(CONTEXT_COLUMNS).index("door")
TEXT_COLUMNS: dict[str, pa.DataType] = {"trace_id": _WORD, "span_id": _WORD, "prompt": SEALED, "system_hash": _WORD}

_OTHER_OPERATIONS = frozenset({
    "create_agent", "invoke_agent", "invoke_workflow", "execute_tool", "plan", "retrieval", "rerank",
})  # fmt: skip
_DETAILS = "gen_ai.client.inference.operation.details"
_MESSAGE_EVENTS = {"gen_ai.user.message": "user", "gen_ai.system.message": "system"}
_LLM_ROUTE = re.compile(
    r"/(chat/completions|completions|messages|responses|embeddings)/?$|:(stream)?[gG]enerateContent$"
)
_TOOL_NAME = re.compile(r"(llm\.request\.functions|gen_ai\.tool)\.\d+\.name")
_SESSION_OF_USER = re.compile(r"_session_(.+)$")
_CODE_IN_TEXT = re.compile(r"['\"]code['\"]: ['\"](\w{1,60})['\"]")
_HTTP_IN_TEXT = re.compile(r"\bError code: (\d{3})\b")


@dataclass(frozen=True)
class Attributes:
    """Attributes of one span, decoded when asked for; names with ``resource.`` in front are those of its resource."""

    own: Mapping[str, Any]
    resource: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(items: Sequence[Mapping[str, Any]] | None, resource: Mapping[str, Any] | None = None) -> Attributes:
        return Attributes(raw_attributes(items), resource or {})

    def get(self, name: str) -> Any:
        """Decoded value, or null."""
        raw = self.own.get(name)
        if raw is None and name.startswith("resource."):
            raw = self.resource.get(name.removeprefix("resource."))
        return decoded(raw)

    def first(self, names: tuple[str, ...]) -> str | None:
        """Text of the first attribute that has any."""
        for name in names:
            if name in self.own or name.startswith("resource."):
                value = text(self.get(name))
                if value is not None:
                    return value
        return None


class Place(NamedTuple):
    """Where a span lies: ``PLACE_COLUMNS``."""

    trace_id: str | None
    span_id: str | None
    parent_id: str | None
    ts: int


def raw_attributes(items: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Names to undecoded values."""
    return {item["key"]: item.get("value") for item in items or ()}


def decoded(value: Any) -> Any:
    """Python value of an OTLP AnyValue; an empty one is null."""
    if not isinstance(value, dict):
        return None
    for kind, inner in value.items():
        if kind == "arrayValue":
            return [decoded(item) for item in inner.get("values") or ()]
        if kind == "kvlistValue":
            return {item["key"]: decoded(item.get("value")) for item in inner.get("values") or ()}
        return inner
    return None


def place(record: Mapping[str, Any]) -> Place:
    """Ids and start of a span, or the time of a log record."""
    started = record.get("startTimeUnixNano") or record.get("timeUnixNano") or record.get("observedTimeUnixNano")
    return Place(
        text(record.get("traceId")), text(record.get("spanId")), text(record.get("parentSpanId")), moment(started, "ns")
    )


def who(attributes: Attributes, names: Names) -> tuple[str | None, ...]:
    """``WHO_COLUMNS`` of a span, as far as it carries them."""
    session = attributes.first(names["session_id"]) or _litellm_session(attributes)
    return (*(attributes.first(names[column]) for column in WHO_COLUMNS if column != "session_id"), session)


def _litellm_session(attributes: Attributes) -> str | None:
    """Session that LiteLLM's classic exporter hides in a Python dictionary printed as text."""
    printed = text(attributes.get("metadata.requester_metadata"))
    if not printed or "session" not in printed or len(printed) > 65_536:
        return None
    try:
        requester = ast.literal_eval(printed)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(requester, dict):
        return None
    named = text(requester.get("session_id"))
    claude_code = _SESSION_OF_USER.search(text(requester.get("user_id")) or "")
    return named or (claude_code[1] if claude_code else None)


def is_call(attributes: Attributes) -> bool:
    """Whether a span is one request to a model: not an agent, a tool, a cache look-up or a proxy's own step."""
    own = attributes.own
    if "gen_ai.request.model" not in own and "gen_ai.response.model" not in own:
        return False
    operation = text(attributes.get("gen_ai.operation.name"))
    if operation:
        return operation not in _OTHER_OPERATIONS
    return "gen_ai.system" in own or "gen_ai.provider.name" in own


def call_row(
    record: Mapping[str, Any], attributes: Attributes, names: Names, scope: str, *, event: bool
) -> tuple[Any, ...]:
    """``CALL_COLUMNS`` of a span that is a call, or of the details event of one. Tokens that are absent stay null."""
    said = _asked(record, attributes)
    return (
        *place(record),
        *who(attributes, names),
        event,
        text(attributes.get("litellm.call_id")),
        text(attributes.get("gen_ai.response.id")),
        email(attributes.first(names["email"])),
        _tokens(attributes, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        _tokens(attributes, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        _tool_count(record, attributes, scope),
        _status(record, attributes),
        content_hash(said.system),
        said.prompt,
    )


def context_row(record: Mapping[str, Any], attributes: Attributes, names: Names, scope: str) -> tuple[Any, ...] | None:
    """``CONTEXT_COLUMNS`` of any other span, or null when it says nothing of a request.

    A door is a server's span of a model route. LiteLLM's classic exporter opens a second one inside the real one.
    """
    server = record.get("kind") in (2, "SPAN_KIND_SERVER")
    found = who(attributes, names)
    if server:
        # Only at a server is the peer the client; at a client it would be the model's own address.
        ip = found[3] or attributes.first(("network.peer.address", "net.sock.peer.addr", "net.peer.ip"))
        found = (*found[:3], ip, *found[4:])
    route = attributes.first(("url.path", "http.target", "http.route")) or ""
    method = attributes.first(("http.request.method", "http.method")) or "POST"
    door = server and scope != "litellm" and method == "POST" and bool(_LLM_ROUTE.search(route.split("?", 1)[0]))
    if not door and not any(found):
        return None
    here = place(record)
    try:
        ended = moment(record.get("endTimeUnixNano"), "ns")
    except BadValueError:
        ended = here.ts
    return (*here, *found, door, ended, _status(record, attributes))


def text_row(record: Mapping[str, Any], name: str) -> tuple[Any, ...] | None:
    """``TEXT_COLUMNS`` of a log record that holds one message of a call, or null."""
    role = _MESSAGE_EVENTS.get(name)
    body = decoded(record.get("body"))
    if role is None or not isinstance(body, dict):
        return None
    said = asked([{"role": role, "content": body.get("content")}])
    if said == Asked():
        return None
    return text(record.get("traceId")), text(record.get("spanId")), said.prompt, content_hash(said.system)


def is_details(name: str) -> bool:
    """Whether a log record repeats a whole call."""
    return name == _DETAILS


def _asked(record: Mapping[str, Any], attributes: Attributes) -> Asked:
    messages = attributes.get("gen_ai.input.messages")
    system = attributes.get("gen_ai.system_instructions")
    if messages is None:
        messages = attributes.get("gen_ai.prompt")
    if messages is None and "gen_ai.prompt.0.content" in attributes.own:
        numbers = sorted(
            {int(n) for key in attributes.own if (n := key.removeprefix("gen_ai.prompt.").split(".")[0]).isdecimal()}
        )
        messages = [
            {
                "role": attributes.get(f"gen_ai.prompt.{n}.role") or "user",
                "content": attributes.get(f"gen_ai.prompt.{n}.content"),
            }
            for n in numbers
        ]
    if messages is None and record.get("events"):
        messages, system = _from_span_events(record["events"], system)
    return asked(messages, system)


def _from_span_events(events: Sequence[Mapping[str, Any]], system: Any) -> tuple[Any, Any]:
    """Old spelling: messages as events of the span itself."""
    messages: list[dict[str, Any]] = []
    for event in events:
        inside = Attributes.of(event.get("attributes"))
        name = event.get("name")
        if name in ("gen_ai.content.prompt", _DETAILS):
            whole_list = inside.get("gen_ai.prompt") or inside.get("gen_ai.input.messages")
            return whole_list, system or inside.get("gen_ai.system_instructions")
        if name in _MESSAGE_EVENTS:
            messages.append({"role": _MESSAGE_EVENTS[name], "content": inside.get("content")})
    return messages, system


def _tokens(attributes: Attributes, name: str, old: str) -> int | None:
    found = whole(attributes.get(name))
    return found if found is not None else whole(attributes.get(old))


def _tool_count(record: Mapping[str, Any], attributes: Attributes, scope: str) -> int | None:
    """Tools offered; null where this exporter would not have said so, 0 only where it would."""
    declared = count(attributes.get("gen_ai.tool.definitions"))
    if declared is None:
        declared = whole(attributes.get("litellm.request.tools.declared"))
    if declared is not None:
        return declared
    named = len(
        {m[0] for key in attributes.own if (m := _TOOL_NAME.fullmatch(key)) and m[1] == "llm.request.functions"}
    )
    named = named or sum(1 for key in attributes.own if _TOOL_NAME.fullmatch(key))
    if named:
        return named
    if "litellm.call_id" in attributes.own:
        if "litellm.call_type" in attributes.own:
            return 0
        chat = text(attributes.get("gen_ai.operation.name")) in ("acompletion", "completion", "aembedding", "embedding")
        return 0 if chat and record.get("name") == "litellm_request" else None
    writes_tools = scope.startswith("opentelemetry.instrumentation.genai.")
    return 0 if writes_tools and "gen_ai.input.messages" in attributes.own else None


def _status(record: Mapping[str, Any], attributes: Attributes) -> str:
    state = record.get("status") or {}
    kind = text(attributes.get("error.type")) or ""
    code = attributes.first(
        ("http.response.status_code", "http.status_code", "error.code", "litellm.provider.error.code")
    )
    message = str(state.get("message") or "")[:4000]
    spoken = _HTTP_IN_TEXT.search(message)
    number = next((int(c) for c in (code, kind, spoken and spoken[1]) if c and c.isdecimal() and len(c) == 3), None)
    failed = state.get("code") in (2, "STATUS_CODE_ERROR") or bool(kind) or (number or 0) >= 400
    inner = _CODE_IN_TEXT.search(message)
    finish = text(attributes.get("gen_ai.response.finish_reasons")) or ""
    return status(failed, number, f"{kind} {code or ''} {inner[1] if inner else ''} {finish}")
