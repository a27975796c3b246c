"""The report: complete, honest in its words, inert whatever the accounts are called."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from made_case import HOSTILE, case_file

from stillwatch.domain import LIKELIHOOD_WORDS
from stillwatch.evidence import wording
from stillwatch.evidence.casefile import CaseFile, conform
from stillwatch.evidence.look import MARKS
from stillwatch.evidence.payload import Sealed
from stillwatch.evidence.redaction import redacted
from stillwatch.evidence.report import report
from stillwatch.ui.look import MARKS as PAGE_MARKS


class Page(HTMLParser):
    """Tags with their attributes, and the text block by block."""

    BLOCKS = frozenset({"p", "li", "td", "th", "h1", "h2", "h3", "caption", "div", "dd", "dt", "title"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: list[str] = [""]
        self.silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.silent += tag in ("style", "script")
        if tag in self.BLOCKS:
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("style", "script")
        if tag in self.BLOCKS:
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.blocks[-1] += data

    @property
    def text(self) -> str:
        return "\n".join(" ".join(b.split()) for b in self.blocks if b.strip())


@pytest.fixture(scope="session")
def html(made: Sealed) -> str:
    return made.files["data/report.html"].decode()


@pytest.fixture(scope="session")
def page(html: str) -> Page:
    return Page(html)


def test_nothing_in_it_runs_or_asks_another_host(html: str, page: Page) -> None:
    names = {t for t, _ in page.tags}
    assert not names & {"script", "iframe", "object", "embed", "link", "img", "form", "base", "video", "audio"}
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
    links = [
        v or "" for _, attrs in page.tags for a, v in attrs.items() if a in ("href", "src", "action", "xlink:href")
    ]
    assert not links
    assert not re.search(r"(https?:)?//[\w.-]+\.\w", html)
    assert "@import" not in html
    assert "url(" not in html
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy


def test_hostile_names_are_shown_as_text(html: str, page: Page) -> None:
    for name in HOSTILE[:4]:
        assert name not in html or "<" not in name
    assert "alert(1)" in page.text  # the text is there, and harmless
    assert "\u202e" not in html
    assert "x" * 201 not in html
    assert "{{7*7}}" in page.text


def test_a_likelihood_and_a_confidence_never_share_a_sentence(page: Page) -> None:
    likely = re.compile("|".join((*LIKELIHOOD_WORDS, "probable", "improbable")), re.IGNORECASE)
    sure = re.compile(
        r"\b(high|moderate|low)\b.{0,30}\bconfidence\b|\bconfidence\b.{0,40}\b(high|moderate|low)\b", re.I
    )
    sentences = [s for block in page.text.split("\n") for s in re.split(r"(?<=[.!?;:])\s", block)]
    assert any(likely.search(s) for s in sentences)
    assert any(sure.search(b) for b in page.text.split("\n"))
    both = [b for b in page.text.split("\n") if likely.search(b) and sure.search(b)]
    assert not both  # stricter than the rule: not even a paragraph


def test_facts_inferences_and_what_speaks_against_stand_apart(page: Page) -> None:
    order = ["Judgement", "What speaks against it", "1 Facts", "2 Inferences", "3 Competing explanations",
             "4 Sources and their quality", "5 What is not known", "6 Accounts", "7 What people said and decided",
             "8 How it was made, and who handled it", "9 How to check it, and the words used"]  # fmt: skip
    places = [page.text.index(o) for o in order]
    assert places == sorted(places)
    assert "40 strangers share the same subnets" in page.text
    assert "a public template that went viral" in page.text
    for h in ("Distillation by one operator", "Reseller with mixed customers", "Data artefact"):
        assert h in page.text


def test_figures_are_those_of_the_tables(page: Page, case: CaseFile) -> None:
    accounts = case.frame("accounts")
    assert f"{len(accounts):,}" in page.text
    assert f"{accounts['requests'].sum():,}" in page.text
    links = case.frame("links")
    cards = links[links["kind"] == "payment"].groupby("value")["account_id"].nunique()
    row = next(b for b in page.text.split("1 Facts")[1].split("2 Inferences")[0].split("Payment\n")[1:])
    assert row.split("\n")[0] == str((cards >= 2).sum())


def test_every_exhibit_is_named_with_the_digest_that_the_manifest_has(page: Page, made: Sealed) -> None:
    manifest = dict(reversed(line.split("  ", 1)) for line in made.files["manifest-sha256.txt"].decode().splitlines())
    for name, digest in manifest.items():
        if name != "data/report.html":
            assert name.removeprefix("data/") in page.text
            assert digest in page.text


def test_likelihood_words_follow_the_score_and_never_say_certain() -> None:
    full = case_file()
    for score, word in (
        (0.0, "almost no chance"),
        (0.5, "roughly even chance"),
        (0.8, "likely"),
        (1.0, "almost certain"),
    ):
        clusters = full.frame("clusters").assign(score=score)
        case = redacted(replace(full, tables={**full.tables, "clusters": conform("clusters", clusters)}), None)
        text = Page(report(case, [], "00" * 32).decode()).text
        assert f"It is {word} (" in text
        assert "100 %" not in text.split("What speaks against")[0].replace("0 or 100 %", "")


def test_blind_signals_gaps_and_left_out_fields_are_said(page: Page) -> None:
    assert "tool schema: the source carries no tools" in page.text
    assert "prompt and answer text (never part of a bundle)" in page.text
    gap = redacted(case_file(gaps=("run R-1 does not know 1 cluster",)), None)
    assert "does not know 1 cluster" in Page(report(gap, [], "00" * 32).decode()).text


def test_every_marking_is_written_as_the_standard_writes_it() -> None:
    for word, (label, colour, _) in wording.TLP.items():
        html = report(redacted(case_file(tlp=word), None), [], "00" * 32).decode()
        assert html.count(label) >= 4  # head, foot, and both on every printed page
        assert f"background: #000; color: {colour}" in html
    assert {label for label, _, _ in wording.TLP.values()} == {
        "TLP:RED", "TLP:AMBER+STRICT", "TLP:AMBER", "TLP:GREEN", "TLP:CLEAR",
    }  # fmt: skip


def test_an_empty_campaign_says_what_there_is_not() -> None:
    full = case_file()
    empty = {n: t.slice(0, 0) for n, t in full.tables.items()}
    text = Page(
        report(redacted(replace(full, tables=empty, nodes=full.nodes.slice(0, 0)), None), [], "0" * 64).decode()
    ).text
    for words in ("No dated request", "No value is shared", "Nobody has labelled", "No decision is on record"):
        assert words in text


def test_confidence_grades_the_basis() -> None:
    kinds = ("payment", "template", "session")
    assert wording.confidence(kinds, 0.9, 2, ()).level == "High"
    assert wording.confidence(kinds, 0.9, 1, ()).level == "Moderate"
    assert wording.confidence(kinds, 0.9, 2, ("x",)).level == "Moderate"
    assert wording.confidence(("payment", "network", "device"), 0.9, 5, ()).level == "Low"  # one view only
    assert wording.confidence(kinds, None, 5, ()).level == "Low"


def test_bundle_and_pages_draw_a_kind_in_the_same_way() -> None:
    for kind, mark in MARKS.items():
        page = PAGE_MARKS[kind]
        assert (mark.shape, mark.glyph, mark.light, mark.dark) == (page.shape, page.glyph, page.light, page.dark)


def test_text_from_outside_is_one_line_without_hidden_characters() -> None:
    assert wording.clean("a\u202eb\u0000c\nd\u200be\ud800") == "a b c d e?"
    assert wording.clean("x" * 500, 10) == "x" * 9 + "…"
