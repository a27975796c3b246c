"""Stolen keys: two hands in one account, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import sparse

from stillwatch.clusters.evidence import Evidence, test_group
from stillwatch.clusters.judge import Floor, Judged, Tier
from stillwatch.clusters.selection import Found, account_scores
from stillwatch.clusters.takeover import find_victims, without_victims
from stillwatch.graph.similarity import Content
from stillwatch.graph.world import Incidence

DAY = pd.Timestamp("2026-03-01")
test_group.__test__ = False  # type: ignore[attr-defined]


def cluster(created: list[int], card: list[int] | None = None) -> tuple[Evidence, Found]:
    """Eight accounts that all repeat two phrases that nobody else has; ``created`` in days, ``card`` has one card."""
    n = 40
    held = np.zeros((n, 2))
    held[:8] = 1
    accounts = pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(n)],
            "created_at": [DAY + pd.Timedelta(days=d) for d in [*created, *[0] * (n - 8)]],
            "status": None,
            "plan": "pro",
            "verification": "email",
        }
    )
    counts = sparse.csr_matrix(held)
    content = Content(counts, counts, np.array([7, 8], dtype=object), "phrases", np.ones(n, dtype=bool))
    cards = {}
    if card:
        matrix = sparse.csr_matrix((np.ones(len(card)), (card, [0] * len(card))), shape=(n, 1))
        cards["card"] = Incidence("card", "payment", matrix, np.array(["c"], dtype=object), np.ones(n))
    evidence = Evidence(accounts, np.arange(n), content, sparse.csr_matrix((n, n)), 0.0, cards, {}, {})
    members = np.arange(8)
    tested = test_group(evidence, members, "content")
    judged = Judged(Tier.REVIEW, 0.4, ())
    whole = np.ones(8, dtype=bool)
    return evidence, Found(members, whole, whole * 1.0, tested, judged, 1.0, np.zeros(n), np.zeros(n), np.zeros(n))


def looked_up(overlap: dict[str, float], own: int = 20, settled: float = 1.0) -> object:
    """Every member carries 30 of the cluster's prompts and has ``own`` others, with so many places in common."""

    def look_up(members: pd.DataFrame, tokens: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        assert set(tokens["token"]) == {7, 8}
        common = [overlap.get(a, 1.0) for a in members["account_id"]]
        places = members.assign(carried=30, own=own, overlap=common, settled=settled)
        times = {"before": 3, "after": 47, "marked": 30, "first": DAY, "turn": DAY + pd.Timedelta(days=2)}
        return places, members.assign(**times)

    return look_up


def names(evidence: Evidence, found: Found, look_up: object) -> list[str]:
    return [f"a{v.row}" for v in find_victims(evidence, [found], look_up) if v.sure]  # type: ignore[arg-type]


def test_other_places_tell_another_hand() -> None:
    evidence, found = cluster([0] * 8)
    assert names(evidence, found, looked_up({"a3": 0.1})) == ["a3"]
    assert names(evidence, found, looked_up({"a3": 0.1}, own=2)) == []
    assert names(evidence, found, looked_up({})) == []


def test_an_account_older_than_the_others_needs_less() -> None:
    evidence, found = cluster([0, 0, 0, -400, 0, 0, 0, 0])
    assert names(evidence, found, looked_up({"a3": 0.5})) == ["a3"]
    young, same = cluster([-400, -400, -400, 0, -400, -400, -400, -400])
    assert names(young, same, looked_up({"a3": 0.5})) == []


def test_who_shares_the_clusters_card_is_a_victim_only_where_no_place_is_shared() -> None:
    evidence, found = cluster([0] * 8, card=[2, 3])
    assert names(evidence, found, looked_up({"a3": 0.2, "a5": 0.2})) == ["a5"]
    assert names(evidence, found, looked_up({"a3": 0.0, "a5": 0.0})) == ["a3", "a5"]
    told = [v.words for v in find_victims(evidence, [found], looked_up({"a3": 0.0, "a5": 0.0}))]  # type: ignore[arg-type]
    assert "although it shares a card" in told[0]
    assert "it shares no card" in told[1]


def test_who_changes_exits_all_the_time_has_no_place_that_could_tell() -> None:
    evidence, found = cluster([0] * 8, card=[2, 3])
    assert names(evidence, found, looked_up({"a3": 0.0, "a5": 0.0}, settled=0.2)) == []


def test_an_old_member_of_an_alarm_without_ties_of_its_own_counts_less() -> None:
    evidence, found = cluster([-900, -800, *range(6)], card=[1, 5, 6])
    sure = replace(found, judged=Judged(Tier.ALARM, 0.9, ()), probability=np.where(np.arange(40) < 8, 0.9, 0.0))
    scores = account_scores(evidence, [sure])
    assert scores[0] < scores[2] == scores[3]
    tied, found = cluster([-900, -800, *range(6)], card=[0, 5, 6])
    scores = account_scores(tied, [replace(sure, tested=found.tested)])
    assert scores[0] >= scores[2]


def test_who_may_be_a_victim_stays_a_member_and_counts_a_little_less() -> None:
    evidence, found = cluster([0, 0, 0, -400, 0, 0, 0, 0], card=[2, 3])
    in_doubt = find_victims(evidence, [found], looked_up({"a3": 0.3}))  # type: ignore[arg-type]
    assert [(v.row, v.sure) for v in in_doubt] == [(3, False)]
    assert "this may be a stolen key" in in_doubt[0].words
    sure = replace(found, judged=Judged(Tier.ALARM, 0.9, ()), probability=np.where(np.arange(40) < 8, 0.9, 0.0))
    (kept,) = without_victims(evidence, [sure], Floor(1), in_doubt)
    assert 3 in kept.members
    assert kept.victims == {}
    assert kept.doubted == {3: in_doubt[0].words}
    scores = account_scores(evidence, [kept])
    assert scores[3] < scores[2]


def test_a_victim_of_one_cluster_does_not_rank_high_for_its_sister() -> None:
    evidence, found = cluster([0] * 8)
    alarm = Judged(Tier.ALARM, 0.9, ())
    one = replace(found, judged=alarm, probability=np.where(np.arange(40) < 8, 0.9, 0.0))
    sister = replace(one, members=np.arange(8, 16), probability=np.where(np.arange(40) < 16, 0.9, 0.0))
    victims = [
        v
        for v in find_victims(evidence, [one, sister], looked_up({"a3": 0.0}))  # type: ignore[arg-type]
        if v.cluster == 0
    ]
    assert [v.row for v in victims] == [3]
    scores = account_scores(evidence, without_victims(evidence, [one, sister], Floor(1), victims))
    assert scores[3] < 0.2 < scores[2]
