"""What was asked of a model, out of the many shapes in which programs log it.

Shapes: OpenAI chat (``content`` text or parts), OpenAI responses (``input_text`` parts, ``instructions``), Anthropic
messages (``system`` apart), OpenTelemetry GenAI (``parts`` with ``content``; JSON text or values), embeddings
(``input``).

The prompt of a request is the text of its last user message: earlier messages were prompts of earlier requests, and a
conversation that is sent again with every turn would make one prompt look like many. System text (roles ``system`` and
``developer``) is kept apart and only ever hashed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

Status = Literal["ok", "refused", "error", "rate_limited"]

_REDACTED = re.compile(r"redacted[-_]by[-_]litell?m", re.IGNORECASE)
_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
_SYSTEM_ROLES = frozenset({"system", "developer"})
_REFUSALS = re.compile(
    r"content[_ ]?filter|content[_ ]?policy|invalid_prompt|responsible_?ai|guardrail_intervened|safety_block|"
    r"\brefusal\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Asked:
    """Texts of one request; null where the log does not hold them."""

    prompt: str | None = None
    system: str | None = None


def asked(messages: Any, system: Any = None) -> Asked:
    """Prompt and system text of a list of messages, of JSON text of one, or of plain text.

    Args:
        messages: what the log holds under messages, input or prompt.
        system: what it holds apart as system prompt or instructions.
    """
    found = _list(messages)
    systems = [_content(m.get("content", m.get("parts"))) for m in found if m.get("role") in _SYSTEM_ROLES]
    systems += [_content(_parsed(system))]
    prompts = (_content(m.get("content", m.get("parts"))) for m in reversed(found) if m.get("role", "user") == "user")
    return Asked(
        prompt=_shown(next((p for p in prompts if p), "")),
        system=_shown("\n".join(s for s in systems if s)),
    )


def _shown(value: str) -> str | None:
    # A log with message logging off holds one same word for every prompt; taken as text it would link everybody.
    return None if not value or _REDACTED.fullmatch(value.strip()) else value


def _parsed(value: Any) -> Any:
    """A value, or what the JSON text in it says."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _list(messages: Any) -> list[dict[str, Any]]:
    value = _parsed(messages)
    if isinstance(value, dict):
        value = value.get("messages", value.get("input", [value]))
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if not isinstance(value, list):
        return []
    if value and all(isinstance(item, str) for item in value):
        return [{"role": "user", "content": "\n".join(value)}]
    return [item for item in value if isinstance(item, dict)]


def _content(content: Any) -> str:
    return "\n".join(piece for piece in _pieces(content) if piece)


def _pieces(content: Any) -> Iterator[str]:
    # Only one level of parts is looked at, so an attacker gains nothing by nesting.
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict) and part.get("type", "text") in _TEXT_PARTS:
            inner = part.get("text", part.get("content"))
            if isinstance(inner, str):
                yield inner


def count(tools: Any) -> int | None:
    """How many tools a list of tool definitions offers; null when it is no list."""
    value = _parsed(tools)
    return len(value) if isinstance(value, list) else None


def status(failed: bool, code: int | None, words: str) -> Status:
    """Contract status of a request.

    Args:
        failed: whether the log calls it a failure.
        code: HTTP status, where one is known; a success stays ``ok`` whatever the code (499: the client went away).
        words: error class, error code, finish reason and the like. Those that name a content policy mean ``refused``;
            a key or a plan that may not use a model (401, 403) is an ``error``.
    """
    if code == 429 and failed:
        return "rate_limited"
    if _REFUSALS.search(words):
        return "refused"
    if not failed:
        return "ok"
    return "rate_limited" if "ratelimit" in words.lower().replace("_", "") else "error"
