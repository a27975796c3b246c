"""Other people's text stays text; numbers say what they are."""

from __future__ import annotations

from datetime import datetime, timedelta

import fake_run
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from stillwatch.ui import words

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False}).enable("table")


@given(st.text(max_size=80))
def test_escaped_text_makes_no_markup(text: str) -> None:
    tokens = MARKDOWN.parse(words.md(text))
    kinds = {t.type for t in tokens} | {c.type for t in tokens for c in t.children or ()}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak"}


@given(st.text(max_size=80))
def test_escaped_text_reads_as_before(text: str) -> None:
    shown = "".join(
        c.content
        for t in MARKDOWN.parse(words.md(text))
        for c in t.children or ()
        if c.type in ("text", "text_special")
    )
    assert shown.replace("\u2060", "").split() == words.plain(text).split()


@pytest.mark.parametrize("text", fake_run.HOSTILE)
def test_a_code_span_holds_any_text(text: str) -> None:
    tokens = [c for t in MARKDOWN.parse(words.code(text)) for c in t.children or ()]
    assert [t.type for t in tokens] == ["code_inline"]
    assert tokens[0].content == words.plain(text, 120)


def test_no_link_and_no_directive_survives() -> None:
    shown = words.md("see https://evil.example www.evil.example a@evil.example :red[x] $x$ ![i](http://e/x.png)")
    assert "://" not in shown
    assert ":red" not in shown.replace("\\:", "")
    assert "www." not in shown.replace("\\", "")
    assert "$x" not in shown.replace("\\$", "")


def test_invisible_and_reversing_characters_go() -> None:
    assert words.plain("a\u202eb\x00c\u200bd\ne") == "a b c d e"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (0.034, "0.034"), (999, "999"), (1000, "1.0 k"), (14_302_118, "14.3 M"), (38.4e9, "38.4 B"),
     (-2500, "-2.5 k"), (None, "–"), (float("nan"), "–"), (250_000, "250 k"), (999_950, "1.0 M")],
)  # fmt: skip
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert words.number(value) == text


def test_units_and_plurals() -> None:
    assert words.number(14_302_118, "requests") == "14.3 M requests"
    assert words.count(1, "account") == "1 account"
    assert words.count(2310, "account") == "2,310 accounts"
    assert words.count(0, "family", "families") == "0 families"


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "almost no chance (1 %)"), (0.5, "roughly even chance (50 %)"), (0.92, "very likely (92 %)"),
     (1.0, "almost certain (99 %)"), (None, "not scored")],
)  # fmt: skip
def test_likelihood_is_said_in_words_and_never_certain(probability: float | None, text: str) -> None:
    assert words.chance(probability) == text


def test_shares_never_round_a_part_away() -> None:
    assert [words.share(s) for s in (0.0, 0.001, 0.42, 0.999, 1.0, None)] == [
        "0 %",
        "<1 %",
        "42 %",
        ">99 %",
        "100 %",
        "–",
    ]


def test_times_and_spans() -> None:
    at = datetime(2026, 11, 18, 6, 5)
    assert words.when(at) == "18 Nov 2026, 06:05 UTC"
    assert words.span(datetime(2026, 10, 3), at) == "3 Oct to 18 Nov 2026"
    assert words.span(at, at) == "18 Nov 2026"
    assert words.span(datetime(2025, 12, 30), datetime(2026, 1, 2)) == "30 Dec 2025 to 2 Jan 2026"
    assert words.ago(at - timedelta(hours=3), at) == "3 h ago"
    assert words.when(None) == "unknown"


def test_what_changed_says_compared_to_what() -> None:
    assert words.lineage("grown", 522, 640) == "grown, 118 more than 522"
    assert words.lineage("shrunk", 640, 600) == "shrunk, 40 fewer than 640"
    assert words.lineage("new", float("nan"), 12) == "new"


def test_a_long_id_keeps_head_and_tail() -> None:
    assert words.short("a" * 50 + "xyz", 12) == "aaaaaaa…axyz"
    assert words.short("acct_1") == "acct_1"


def test_the_gist_of_a_reason_is_its_first_clause() -> None:
    assert words.gist("5 cards shared; chance would tie 0.03") == "5 cards shared"
