"""What was taken: frames of the others by hand, and accounts of which the work is known."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from stillwatch.clusters.evidence import Evidence
from stillwatch.clusters.taken import estimate, quarters, shared_tokens
from stillwatch.graph.similarity import Content
from stillwatch.signals.extraction import carried_by_account_expr, carried_requests_expr
from stillwatch.signals.inputs import Inputs


def evidence(books: list[set[int]], owner: list[int]) -> Evidence:
    """Accounts that repeat these tokens."""
    counts = sparse.csr_matrix(np.array([[float(t in book) for t in range(10)] for book in books]))
    tokens = np.arange(10).astype(object)
    content = Content(counts, counts, tokens, "phrases", np.ones(len(books), dtype=bool))
    return Evidence(pd.DataFrame(), np.array(owner), content, counts, 0.0, {}, {}, {})


def worked(rng: np.random.Generator, accounts: int, blind: int = 0) -> tuple[pd.DataFrame, int]:
    """Accounts with 60 requests each, about half of them extraction, of which nine in ten are seen, in the last
    ``blind`` accounts none.
    """
    work = rng.binomial(60, 0.5, accounts)
    seen = rng.binomial(work, 0.9)
    seen[accounts - blind :] = 0
    counts = pd.DataFrame({"requests": 60, "readable": 60, "carried": seen, "owner": np.arange(accounts), "sure": 1.0})
    return counts, int(work.sum())


def test_members_of_one_owner_are_in_one_quarter_and_tokens_are_held_by_the_quarters_that_repeat_them() -> None:
    # members 0 to 5, of owners 3, 3, 4, 5, 6, 7; token 2 is everybody's, token 3 has one member only
    seen = evidence([{0, 1, 2}, {0, 2}, {0, 2}, {1, 2}, {2, 3}, {2}, *[{2}] * 30], [3, 3, 4, 5, 6, 7, *range(8, 38)])
    quarter = quarters(seen, np.arange(6))
    assert quarter.tolist() == [0, 0, 1, 2, 3, 0]
    tokens, held = shared_tokens(seen, np.arange(6), quarter)
    assert sorted(zip(tokens.tolist(), held.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 2)]


def test_a_request_is_carried_by_three_phrases_of_one_other_quarter() -> None:
    asked = [  # account, template, phrases
        ("a1", "frame", [1, 2, 3, 4]),  # a frame of quarter b
        ("a1", "words", [1, 2, 8, 9]),  # two phrases in common
        ("a1", "short", [1, 2]),  # all of its phrases
        ("a1", "mixed", [1, 2, 5, 9]),  # two of b and one of c: nobody's frame
        ("a1", "own", [6, 7, 8]),  # a frame of its own quarter only
        ("a1", "unread", None),
        ("b1", "frame", [1, 2, 3, 4]),  # the same frame in the quarter that has it
    ]
    rows = pd.DataFrame(asked, columns=["account_id", "template", "phrases"])
    schema = {"account_id": "string", "template": "string", "phrases": "array<int32>", "capabilities": "int32"}
    table = ibis.memtable(
        rows.assign(capabilities=0, input_tokens=10, output_tokens=5),
        schema={**schema, "input_tokens": "int64", "output_tokens": "int64"},
    )
    inputs = Inputs(accounts=table, requests=table, identifiers=table, models=table)
    members = pd.DataFrame({"account_id": ["a1", "b1"], "cluster": "C", "side": ["a", "b"]})
    held = {"b": [1, 2, 3, 4], "c": [5], "a": [6, 7, 8]}
    tokens = pd.DataFrame(
        [("C", t, side) for side, own in held.items() for t in own], columns=["cluster", "token", "side"]
    )
    carried = carried_requests_expr(inputs, ibis.memtable(members), ibis.memtable(tokens), "phrases")
    sums = carried_by_account_expr(carried).execute().set_index("account_id")
    assert sums.loc["a1", ["requests", "readable", "carried", "carried_tokens"]].tolist() == [6, 5, 2, 30]
    assert sums.loc["b1", ["requests", "readable", "carried", "carried_tokens"]].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("blind", [0, 3])
def test_the_interval_holds_the_truth_also_where_accounts_are_unseen(blind: int) -> None:
    held, ratio = [], []
    for seed in range(40):
        counts, real = worked(np.random.default_rng(seed), 30, blind)
        middle, low, high = estimate(counts)
        assert low <= middle <= high <= counts["requests"].sum()
        held.append(low <= real <= high)
        ratio.append(middle / real)
    assert np.mean(held) >= 0.95
    # a tenth is seen nowhere, and an account of which nothing was seen counts half
    assert np.median(ratio) == pytest.approx(0.94 - 0.5 * blind / 30, abs=0.03)


def test_what_cannot_be_read_counts_by_the_share_of_the_others() -> None:
    counts, _ = worked(np.random.default_rng(3), 20)
    read = estimate(counts)[0]
    half = counts.assign(requests=120)  # as many requests again, without text
    assert estimate(half)[0] == pytest.approx(2 * read, rel=0.1)


def test_doubt_whether_owners_are_members_lowers_the_estimate_and_widens_the_interval() -> None:
    counts, _ = worked(np.random.default_rng(2), 20)
    middle, low, high = estimate(counts)
    doubted = estimate(counts.assign(sure=0.8))
    assert doubted[0] == pytest.approx(0.8 * middle, rel=0.05)
    assert (doubted[2] - doubted[1]) / doubted[0] > 1.2 * (high - low) / middle
    house = estimate(counts.assign(sure=0.8, owner=np.arange(20) // 10))  # ten accounts belong together, or do not
    assert house[2] - house[1] > 1.5 * (doubted[2] - doubted[1])


def test_nothing_seen_is_nothing_told() -> None:
    counts, _ = worked(np.random.default_rng(1), 12)
    assert estimate(counts.assign(carried=0)) == (0.0, 0.0, 0.0)
