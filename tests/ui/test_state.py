"""The filter state and its URL say the same; a URL that makes no sense leaves a usable state and a clear word."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
