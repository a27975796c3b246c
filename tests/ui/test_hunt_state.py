"""The hunt's question in the URL: every part survives the way there and back, nonsense is named and left out."""

from __future__ import annotations

from datetime import date

import pytest

from stillwatch.ui.hunt_state import Asked, from_query, parse, to_params, to_query
from stillwatch.warehouse.searching import Search, Term

KINDS = ("card", "ip", "model", "template")
FULL = Asked(
    Search(
        text="acct_<b>&x=1",
        terms=(Term("card", "0f" * 12), Term("ip", "a:b:c"), Term("model", "m&has=ip:1 +%")),
        plans=("free", "<i>pro</i>"),
        channels=("cloud a",),
        statuses=("banned",),
        cluster="C-1a2b3c",
        label="none",
        least=0.45,
        since=date(2026, 11, 1),
        until=date(2026, 11, 3),
        order="matches",
    ),
    show="graph",
    page=3,
)


def test_a_question_survives_the_url_whole() -> None:
    assert parse(to_params(FULL), KINDS) == (FULL, ())
    assert parse({}, KINDS) == (Asked(), ())
    assert to_params(Asked()) == {}


def test_a_saved_question_is_the_same_without_its_page() -> None:
    assert from_query(to_query(FULL), KINDS) == Asked(FULL.search, "graph", 1)
    assert to_query(Asked()) == ""


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"has": ["telepathy:1"]}, "kind “telepathy”, which this run has not"),
        ({"has": ["card"]}, "want kind:value"),
        ({"has": ["card:" + "9" * 500]}, "want kind:value"),
        ({"has": [f"card:{i}" for i in range(99)]}, "asks for 99 values"),
        ({"in": ["<script>"]}, "The link's cluster is “<script>”"),
        ({"label": ["guilty"]}, "label is “guilty”"),
        ({"least": ["nan"]}, "least score"),
        ({"least": ["2"]}, "least score"),
        ({"since": ["yesterday"]}, "since is “yesterday”"),
        ({"since": ["9999-12-31"]}, "since is “9999-12-31”"),
        ({"since": ["2026-02-02"], "until": ["2026-02-01"]}, "ends before it begins"),
        ({"by": ["beauty"]}, "by is “beauty”"),
        ({"show": ["dance"]}, "show is “dance”"),
        ({"p": ["-1"]}, "page is “-1”"),
        ({"p": ["٣"]}, "page is “٣”"),
        ({"find": ["a" * 999]}, "999 characters long"),
        ({"find": ["a\x00b"], "has": ["card:\x00"]}, "NUL character"),
    ],
)
def test_nonsense_is_named_and_the_rest_is_kept(params: dict[str, list[str]], said: str) -> None:
    asked, wrong = parse({"plan": ["free"], **params}, KINDS)
    assert said in " ".join(wrong)
    assert asked.search.plans == ("free",)
    assert parse(to_params(asked), KINDS) == (asked, ())
