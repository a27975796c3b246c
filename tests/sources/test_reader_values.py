"""Times, numbers and texts of foreign logs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from stillwatch.sources.messages import Asked, asked, count, status
from stillwatch.sources.values import BadValueError, content_hash, moment, text, whole

AT = 1_767_323_045_067_000  # 2026-01-02 03:04:05.067 UTC


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("2026-01-02 03:04:05.067", None),
        ("2026-01-02T03:04:05.067Z", None),
        ("2026-01-02T04:04:05.067+01:00", None),
        ("2026-01-02 03:04:05.067+00", None),
        (datetime(2026, 1, 2, 3, 4, 5, 67_000), None),
        (1_767_323_045.067, "s"),
        ("1767323045.067", "s"),
        (1_767_323_045_067, "ms"),
        ("1767323045067000123", "ns"),
    ],
)
def test_one_moment_in_every_spelling(value: Any, unit: str | None) -> None:
    assert moment(value, unit) == AT


def test_a_day_is_its_midnight() -> None:
    assert moment(date(2026, 1, 2)) == moment("2026-01-02T00:00:00Z")


@pytest.mark.parametrize(
    ("value", "unit"),
    [("13/40/2026", None), (None, None), ("", None), ("NaN", "s"), ("1e400", "s"), (True, "s"), (1e18, "s"), (-5, "s")],
)
def test_what_is_no_moment_says_so(value: Any, unit: str | None) -> None:
    with pytest.raises(BadValueError, match=r"^is "):
        moment(value, unit)


@pytest.mark.parametrize("nothing", ["", "None", "null", None])
def test_words_for_nothing_are_null(nothing: str | None) -> None:
    assert text(nothing) is None


@pytest.mark.parametrize(
    ("value", "number"), [("12", 12), (0, 0), (True, None), ("x", None), (2**70, None), ("1e3", None)]
)
def test_whole_numbers(value: Any, number: int | None) -> None:
    assert whole(value) == number


@pytest.mark.parametrize(
    ("messages", "system", "prompt", "set_up"),
    [
        ([{"role": "system", "content": "S"}, {"role": "user", "content": "1"}, {"role": "user", "content": "2"}], None,
         "2", "S"),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}, "b"]}],
         [{"type": "text", "text": "S"}], "a\nb", "S"),
        # The answer of a tool is not what the user said.
        ([{"role": "user", "content": "ask"}, {"role": "assistant", "content": "call"},
          {"role": "user", "content": [{"type": "tool_result", "content": "42"}]}], None, "ask", None),
        ('[{"role":"user","parts":[{"type":"text","content":"p"}]}]', '[{"type":"text","content":"S"}]', "p", "S"),
        ([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "p"}]}], "S", "p", "S"),
        (["a", "b"], None, "a\nb", None),
        ("plain [text", None, "plain [text", None),
        ([{"role": "developer", "content": "S"}], None, None, "S"),
        ([{"role": "user", "content": "redacted-by-litellm"}], None, None, None),
        ({"nothing": [[[1]]]}, 7, None, None),
        ([None, 3, {"role": "user", "content": {"text": {"text": "deep"}}}], None, None, None),
    ],
)  # fmt: skip
def test_what_was_asked(messages: Any, system: Any, prompt: str | None, set_up: str | None) -> None:
    assert asked(messages, system) == Asked(prompt, set_up)


def test_tools_are_counted_only_where_there_is_a_list() -> None:
    assert (count([{}, {}]), count("[1]"), count(None), count("x"), count([])) == (2, 1, None, None, 0)


@pytest.mark.parametrize(
    ("failed", "code", "words", "wanted"),
    [
        (False, None, "", "ok"),
        (False, 499, "499 ClientDisconnected", "ok"),
        (True, 429, "RateLimitError", "rate_limited"),
        (True, None, "openai.RateLimitError", "rate_limited"),
        (True, 500, "InternalServerError", "error"),
        (True, 403, "ModelAccessDenied", "error"),
        (True, 400, "invalid_prompt BadRequestError", "refused"),
        (True, 400, "ContentPolicyViolationError", "refused"),
        (False, None, "['content_filter']", "refused"),
    ],
)
def test_status(failed: bool, code: int | None, words: str, wanted: str) -> None:
    assert status(failed, code, words) == wanted


def test_a_content_hash_is_the_same_for_the_same_text_only() -> None:
    assert content_hash("a") == content_hash("a") != content_hash("b")
    assert content_hash(None) is None
    assert content_hash("\ud800") is not None
