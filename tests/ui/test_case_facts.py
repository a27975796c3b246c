"""Figures of the Campaigns, Summary and Detector pages against counts made by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest

from stillwatch.cases.campaigns import Campaign
from stillwatch.domain import CampaignStatus
from stillwatch.ui import campaign_facts as facts
from stillwatch.ui import detector_facts, summary_facts

DAY = datetime(2026, 10, 1)


def accounts() -> pd.DataFrame:
    """Six accounts: a, b in C-1; c in C-2; d, e, f in none."""
    return pd.DataFrame(
        {
            "account_id": list("abcdef"),
            "cluster_id": ["C-1", "C-1", "C-2", None, None, None],
            "score": [0.9, 0.8, 0.7, 0.1, 0.1, 0.1],
            "requests": [10, 20, 30, 40, 50, 50],
            "input_tokens": [100, None, 300, 0, 0, 0],
            "output_tokens": [1, 2, 3, 0, 0, 0],
            "first_seen": [DAY + timedelta(days=i) for i in range(6)],
            "last_seen": [DAY + timedelta(days=10 + i) for i in range(6)],
            "active_days": [1, 2, 3, 4, 5, 6],
            "status": ["active", "banned", "active", "active", "active", "active"],
        }
    )


def campaigns() -> pd.DataFrame:
    """K-1 holds C-1 and, by hand, its member b; K-2 holds C-1 and C-2; K-3 holds only d, and was rejected."""
    return pd.DataFrame(
        {
            "campaign_id": ["K-1", "K-2", "K-3"],
            "name": ["one", "two", "three"],
            "status": ["confirmed", "closed", "rejected"],
            "cluster_ids": [["C-1"], ["C-1", "C-2"], []],
            "account_ids": [["b"], [], ["d"]],
            "created_at": [DAY + timedelta(days=20)] * 3,
        }
    )


def test_an_account_counts_once_however_often_it_belongs() -> None:
    pairs = facts.memberships(campaigns(), accounts())
    assert sorted(map(tuple, pairs.to_numpy())) == [
        ("K-1", "a"), ("K-1", "b"), ("K-2", "a"), ("K-2", "b"), ("K-2", "c"), ("K-3", "d"),
    ]  # fmt: skip
    inside = summary_facts.members(campaigns(), accounts())
    upheld = summary_facts.reach(campaigns(), inside, 200, facts.UPHELD)
    assert (upheld.campaigns, upheld.accounts, upheld.requests, upheld.tokens) == (2, 3, 60, 406)
    assert upheld.share == pytest.approx(0.3)
    assert summary_facts.by_status(campaigns(), inside)["accounts"].tolist() == [2, 3, 1]


def test_a_cluster_that_is_gone_counts_with_the_accounts_it_had() -> None:
    empty = pd.DataFrame()
    told = Campaign(
        "K-1", "one", CampaignStatus.OPEN, "why", DAY, "Ada", None, ("C-1", "C-9"), (),
        {"C-1": ("a",), "C-9": ("e", "gone")}, empty, empty, empty,
    )  # fmt: skip
    clusters = pd.DataFrame(
        {
            "cluster_id": ["C-1", "C-2"], "score": [0.9, 0.7], "kinds": [["payment"], ["template"]], "blind": [[], []],
            "reasons": [["one card"], []], "against": [[], []], "lookalike": [None, None], "stability": [0.9, 0.9],
        }
    )  # fmt: skip
    tables = {
        "accounts": accounts(),
        "clusters": clusters,
        "timeline": pd.DataFrame({"cluster_id": [], "lane_kind": [], "bin": pd.to_datetime([]), "requests": []}),
        "markers": pd.DataFrame({"cluster_id": [None], "at": [DAY], "kind": ["release"], "text": ["x"]}),
        "capabilities": pd.DataFrame(
            columns=["cluster_id", "capability", "requests", "tokens", "share", "benign_share"]
        ),
        "hypotheses": pd.DataFrame(columns=["cluster_id", "hypothesis", "fit"]),
    }
    size = facts.extent(told, tables)
    assert set(size.accounts["account_id"]) == {"a", "b", "e"}
    assert (size.gone, size.unseen, size.joined) == (("C-9",), 1, 1)
    assert size.requests == 80
    assert size.tokens == 103
    assert size.share_of_all == pytest.approx(0.4)


def test_what_was_asked_for_is_a_share_of_all_their_requests() -> None:
    table = pd.DataFrame(
        {
            "cluster_id": ["C-1", "C-1", "C-2", "C-2"],
            "capability": ["coding", "maths", "coding", "none seen"],
            "requests": [50, 25, 30, 70],
            "tokens": [5, 2, 3, 7],
            "share": [0.5, 0.25, 0.3, 0.7],
            "benign_share": [0.2, 0.1, 0.2, 0.5],
        }
    )
    asked = facts.asked_for(table, {"C-1", "C-2"}).set_index("capability")
    assert asked["requests"].to_dict() == {"coding": 80, "none seen": 70, "maths": 25}
    assert asked.loc["coding", "share"] == pytest.approx(0.4)
    assert asked.loc["maths", "share"] == pytest.approx(0.125)


def test_time_to_detect_runs_to_the_first_alarm_and_then_to_the_first_word() -> None:
    inside = summary_facts.members(campaigns(), accounts())
    runs = [
        summary_facts.Shown(DAY + timedelta(days=12), DAY + timedelta(days=11), frozenset({"C-2"})),
        summary_facts.Shown(DAY + timedelta(days=15), DAY + timedelta(days=14), frozenset({"C-1", "C-2"})),
    ]
    labels = pd.DataFrame({"target_id": ["C-1"], "labeled_at": [DAY + timedelta(days=16)]})
    table = summary_facts.time_to_detect(campaigns(), inside, runs, labels).set_index("campaign_id")
    assert "K-3" not in table.index
    assert table.loc["K-1", "exposed"] == timedelta(days=14)
    assert table.loc["K-1", "decided_after"] == timedelta(days=1)
    assert table.loc["K-2", "exposed"] == timedelta(days=11)
    assert table.loc["K-2", "decided_after"] == timedelta(days=4)


def test_a_decision_turned_round_is_told_a_repeated_one_is_not() -> None:
    labels = pd.DataFrame(
        {
            "label_id": ["L1", "L2", "L3", "L4"],
            "target_type": "cluster",
            "target_id": ["C-1", "C-1", "C-2", "C-2"],
            "value": ["distillation", "benign", "benign", "benign"],
            "reason": ["r1", "a lab with a contract", "r3", "r4"],
            "labeler": "Ada",
            "labeled_at": [DAY, DAY + timedelta(days=1), DAY, DAY + timedelta(days=1)],
            "source": "human",
            "supersedes": [None, "L1", None, "L3"],
        }
    )
    statuses = pd.DataFrame(
        {
            "at": [DAY, DAY],
            "actor": ["Bo", "Bo"],
            "target_id": ["K-1", "K-2"],
            "reason": ["appeal upheld", "next step"],
            "details": [{"before": "confirmed", "status": "rejected"}, {"before": "open", "status": "confirmed"}],
        }
    )
    verdicts = pd.DataFrame({"agreed": [True, False]})
    told = summary_facts.decisions(labels, verdicts, statuses, DAY + timedelta(days=2))
    assert len(told.reversals) == 2
    assert "a lab with a contract" in told.reversals[0]
    assert "appeal upheld" in told.reversals[1]
    assert told.labels["benign"] == 3
    assert told.disagreements == 1
    later = summary_facts.decisions(labels, verdicts, statuses, DAY + timedelta(days=60))
    assert later.reversals == ()


def test_moves_name_who_rose_and_who_fell() -> None:
    before = pd.DataFrame({"cluster_id": ["A", "B", "C"], "rank": [1, 2, 3], "score": [0.9, 0.5, 0.1]})
    now = pd.DataFrame(
        {"cluster_id": ["A", "B", "C"], "title": "t", "size": 3, "rank": [1, 3, 2], "score": [0.9, 0.1, 0.6]}
    )
    table = detector_facts.moves(now, before)
    assert table[["cluster_id", "before", "now", "moved"]].to_numpy().tolist() == [["C", 3, 2, 1], ["B", 2, 3, -1]]
    assert detector_facts.moved_in_words(now, before).startswith("2 clusters of 3")
    assert detector_facts.moved_in_words(before, before) == "The order of the queue did not change."


@pytest.mark.parametrize(
    ("metrics", "good"),
    [
        ({"candidate": None}, None),
        ({"candidate": {"average_precision": 0.9}, "base": {"average_precision": 0.8}}, True),
        ({"candidate": {"average_precision": 0.7}, "base": {"average_precision": 0.8}}, False),
        (
            {
                "candidate": {"average_precision": 0.85},
                "base": {"average_precision": 0.8},
                "in_use": {"average_precision": 0.95},
            },
            False,
        ),
    ],
)
def test_a_model_is_called_good_only_when_nothing_it_replaces_is_better(
    metrics: dict[str, object], good: bool | None
) -> None:
    assert detector_facts.verdict(metrics)[1] is good
