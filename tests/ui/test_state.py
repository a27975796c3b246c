"""The filter state and its URL say the same; a URL that makes no sense leaves a usable state and a clear word."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from stillwatch.domain import EvidenceKind
from stillwatch.ui.state import LANES, MAX_URL_SELECTION, PARAMS, TABS, Filters, parse, to_params

minutes = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda t: t.replace(second=0, microsecond=0))
ids = st.text(min_size=1, max_size=40)
filters = st.builds(
    Filters,
    cluster=st.none() | st.from_regex(r"C-[0-9a-f]{6}", fullmatch=True),
    account=st.none() | ids,
    campaign=st.none() | st.from_regex(r"K-[0-9]{4}", fullmatch=True),
    window=st.none() | st.tuples(minutes, minutes).filter(lambda w: w[0] != w[1]).map(lambda w: (min(w), max(w))),
    hidden=st.frozensets(st.sampled_from(EvidenceKind)),
    lane=st.sampled_from(LANES),
    selected=st.lists(ids, max_size=8, unique=True).map(tuple),
    dropped=st.frozensets(st.sampled_from(EvidenceKind)),
    out=st.lists(ids, max_size=4, unique=True).map(tuple),
    opened=st.frozensets(st.integers(-1, 90)),
    pinned=st.lists(ids, max_size=4, unique=True).map(tuple),
    tab=st.sampled_from(TABS),
)


@given(filters)
def test_the_url_gives_back_the_state(state: Filters) -> None:
    assert parse(to_params(state)) == (state, ())


def test_the_default_state_leaves_the_url_empty() -> None:
    assert to_params(Filters()) == {}


def test_a_selection_too_large_for_a_link_stays_out_of_it() -> None:
    assert "sel" not in to_params(Filters(selected=("x" * (MAX_URL_SELECTION + 1),)))


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"cluster": ["<script>"]}, "cluster is"),
        ({"campaign": ["K-1; DROP"]}, "campaign is"),
        ({"from": ["yesterday"], "to": ["2026-01-01"]}, "time window"),
        ({"from": ["2026-01-02"]}, "time window"),
        ({"from": ["2026-01-02"], "to": ["2026-01-01"]}, "ends before it begins"),
        ({"hide": ["payment,telepathy"]}, "telepathy"),
        ({"lane": ["moon"]}, "lane is"),
        ({"drop": ["luck"]}, "luck"),
        ({"open": ["1e9"]}, "group"),
        ({"tab": ["<b>"]}, "tab is"),
        ({"account": ["x" * 3000]}, "3,000 characters"),
    ],
)
def test_nonsense_is_left_out_and_named(params: dict[str, list[str]], word: str) -> None:
    state, problems = parse(params)
    assert len(problems) == 1
    assert word in problems[0]
    assert state in (Filters(), Filters(hidden=frozenset({EvidenceKind.PAYMENT})))


@given(st.dictionaries(st.sampled_from(PARAMS), st.lists(st.text(max_size=30))))
def test_any_url_can_be_read(params: dict[str, list[str]]) -> None:
    state, problems = parse(params)
    assert parse(to_params(state))[1] == ()
    assert all(len(p) < 400 for p in problems)


def _numbers() -> None:
    """A page of its own: one number in the URL, and a button that adds one."""
    import streamlit as st

    from stillwatch.ui.url_state import UrlState

    def parse(params: dict[str, list[str]]) -> tuple[int, tuple[str, ...]]:
        return (int(params["n"][0]), ()) if params["n"][0].isdigit() else (0, ("want a number",))

    state = UrlState("number", ("n",), int, lambda n: {"n": [str(n)]} if n else {})
    st.text(f"{state.load(parse)} {state.problems()}")
    st.button("add", on_click=lambda: state.put(state.current() + 1))


def test_the_url_counts_when_it_says_something_new_else_the_session() -> None:
    app = AppTest.from_function(_numbers)
    app.query_params["n"] = "4"
    assert app.run().text[0].value == "4 ()"
    assert app.button[0].click().run().text[0].value == "5 ()"
    assert app.query_params["n"] == "5"
    app.query_params["n"] = "x"  # somebody edits the address
    assert app.run().text[0].value == "0 ('want a number',)"
    assert app.run().text[0].value == "0 ()"  # said once; a state at its default stands in no URL
    assert "n" not in app.query_params
    assert app.button[0].click().run().text[0].value == "1 ()"
    del app.query_params["n"]  # another page, another address: the session remembers
    assert app.run().text[0].value == "1 ()"
    assert app.query_params["n"] == "1"
