"""Clusters: identity over runs, families of templates, splitting, judgement and words, by law and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from stillwatch.clusters import evidence as evidence_module
from stillwatch.clusters import joint
from stillwatch.clusters.activity import bin_hours
from stillwatch.clusters.evidence import Evidence, Tested, gather
from stillwatch.clusters.families import family_names
from stillwatch.clusters.identity import identify, new_id
from stillwatch.clusters.judge import Floor, Tier, floor_of, joint_bar, judge
from stillwatch.clusters.splitting import Ties
from stillwatch.clusters.timing import Sign, Timing
from stillwatch.clusters.words import number, percent
from stillwatch.graph.rarity import Excess
from stillwatch.graph.similarity import content_from
from stillwatch.graph.world import Incidence


def people(*numbers: int) -> frozenset[str]:
    return frozenset(f"a{n}" for n in numbers)


def test_a_cluster_keeps_its_id_and_says_how_it_changed() -> None:
    before = {"C-1": people(*range(10)), "C-2": people(*range(20, 30)), "C-3": people(*range(40, 50))}
    now = [people(*range(10)), people(*range(20, 36)), people(*range(40, 47)), people(*range(60, 66))]
    same, grown, shrunk, new = identify(now, before)
    assert (same.cluster_id, same.lineage, same.previous_size) == ("C-1", "same", 10)
    assert (grown.cluster_id, grown.lineage, grown.previous_size) == ("C-2", "grown", 10)
    assert (shrunk.cluster_id, shrunk.lineage) == ("C-3", "shrunk")
    assert (new.lineage, new.previous_size) == ("new", None)
    assert new.cluster_id.startswith("C-")
    assert len(new.cluster_id) == 8


def test_merge_split_and_return() -> None:
    merged = identify([people(*range(20))], {"C-1": people(*range(12)), "C-2": people(*range(12, 20))})[0]
    assert (merged.cluster_id, merged.lineage) == ("C-1", "merged")
    big, small = identify([people(*range(7)), people(*range(7, 12))], {"C-1": people(*range(12))})
    assert big.cluster_id == "C-1"
    assert small.lineage == "split"
    assert small.cluster_id != "C-1"
    back = identify([people(1, 2, 3, 4)], {"C-9": people(50, 51)}, {"C-1": people(1, 2, 3, 4, 5)})[0]
    assert (back.cluster_id, back.lineage) == ("C-1", "returned")


groups = st.lists(
    st.frozensets(st.integers(0, 40).map(lambda n: f"a{n}"), min_size=4, max_size=12), min_size=1, max_size=5
)


@given(groups, groups, st.randoms())
def test_identity_does_not_depend_on_the_order_of_earlier_clusters(now, before, shuffle) -> None:  # type: ignore[no-untyped-def]
    old = {f"C-{i}": g for i, g in enumerate(before)}
    names = list(old)
    shuffle.shuffle(names)
    found = identify(now, old)
    assert found == identify(now, {n: old[n] for n in names})
    assert len({f.cluster_id for f in found}) == len(found)


def test_a_new_id_avoids_those_in_use() -> None:
    first = new_id(people(1, 2), set())
    assert new_id(people(2, 1), set()) == first
    assert new_id(people(1, 2), {first}) != first


def test_families_survive_rewording() -> None:
    frame = list(range(12))
    templates = pd.DataFrame(
        {"template": ["t1", "t2", "t3", "t4"], "phrases": [frame, [*frame[:9], 90, 91, 92], [*range(200, 212)], None]}
    )
    names = family_names(templates)
    assert names["t1"] == names["t2"]
    assert names.nunique() == 3
    assert names.equals(family_names(templates.iloc[::-1])[names.index])


def group_with(*, hard: Excess, content: float = 0.2, owners: int = 12, size: int = 12, lift: float = 40.0) -> Tested:
    none = Excess(0, 0.1, 0, 0, 1.0)
    return Tested(
        np.arange(size),
        "content",
        owners,
        hard,
        hard,
        none,
        Excess(8, 0.1, 20, 10, 1e-12),
        content,
        lift,
        np.ones(size, dtype=bool),
        0,
        0.0,
        1.0,
    )


def test_an_alarm_needs_both_views() -> None:
    floor = Floor(100)
    strong, weak = Excess(8, 0.2, 8, 10, 1e-9), Excess(1, 0.2, 1, 2, 0.2)
    both = judge(group_with(hard=strong), floor, stability=1.0)
    assert both.tier == Tier.ALARM
    assert 0.6 <= both.score < 1.0
    assert not both.short_of
    for group in (
        group_with(hard=weak),
        group_with(hard=strong, content=0.0, lift=1.0),
        group_with(hard=strong, owners=3),
    ):
        verdict = judge(group, floor, stability=1.0)
        assert verdict.tier == Tier.REVIEW
        assert verdict.score < 0.5
        assert verdict.short_of


def test_more_tests_ask_for_more_evidence() -> None:
    group = group_with(hard=Excess(4, 0.4, 4, 8, 1e-6))
    assert judge(group, Floor(5), stability=1.0).tier == Tier.ALARM
    assert judge(group, Floor(50_000), stability=1.0).tier == Tier.REVIEW


def test_two_weak_views_together_are_evidence_and_a_strained_world_asks_for_more() -> None:
    hard, soft = Excess(4, 0.5, 4, 8, 1e-4), Excess(6, 0.8, 6, 8, 1e-4)
    one, both = group_with(hard=hard), replace(group_with(hard=hard), soft=soft)
    floor = Floor(100)
    assert judge(one, floor, stability=1.0).tier == Tier.REVIEW
    assert judge(both, floor, stability=1.0).tier == Tier.ALARM
    assert judge(both, Floor(100, (3.0, 3.0, 1.0)), stability=1.0).tier == Tier.REVIEW


def test_conversations_and_timing_count_as_far_as_something_else_supports_them() -> None:
    floor, strong = Floor(100), Excess(8, 0.2, 8, 10, 1e-9)
    weak, some = Excess(1, 0.2, 1, 2, 0.2), Excess(3, 0.4, 3, 6, 1e-3)
    alone = replace(group_with(hard=strong), firm=weak)
    assert judge(alone, floor, stability=1.0).tier == Tier.REVIEW
    assert judge(replace(alone, firm=some, soft=some), floor, stability=1.0).tier == Tier.ALARM
    step = Timing((Sign("pivot", 9.0, 1.0, 1e-12, 12, "in step"),))
    assert judge(replace(group_with(hard=weak), timing=step), floor, stability=1.0).tier == Tier.REVIEW
    medium = Excess(3, 0.5, 3, 6, 10.0**-3.5)
    assert judge(group_with(hard=medium), floor, stability=1.0).tier == Tier.REVIEW
    assert judge(replace(group_with(hard=medium), timing=step), floor, stability=1.0).tier == Tier.ALARM


def test_a_joint_group_has_to_beat_what_chance_finds_in_its_weaker_view() -> None:
    group = replace(group_with(hard=Excess(8, 0.2, 8, 10, 1e-7), content=0.3), origin="joint")
    ties = Floor(100).ties(group)
    assert judge(group, Floor(100, joint=ties - 0.1), stability=1.0).tier == Tier.ALARM
    assert judge(group, Floor(100, joint=ties + 0.1), stability=1.0).tier == Tier.REVIEW
    assert (
        judge(replace(group, content=Excess(3, 1.0, 6, 5, 0.1)), Floor(100, joint=2.0), stability=1.0).tier == "review"
    )


def test_the_bar_of_joint_groups_lies_beyond_all_that_chance_gave_and_falls_with_more_looking() -> None:
    rng = np.random.default_rng(4)
    strengths = rng.exponential(1.0, 400).tolist()
    assert joint_bar(strengths, 1) >= max(strengths)
    # 400 groups in one data set: exp(-bar) * 400 = 0.1 at 8.3 for an exponential tail.
    assert 6.0 < joint_bar(strengths, 1) < 11.0
    assert joint_bar(strengths, 4) <= joint_bar(strengths, 1)


def two_views(*, coupled: bool) -> Evidence:
    """120 accounts; 12 of them write alike and, where ``coupled``, share devices; else others do."""
    rng = np.random.default_rng(8)
    n, k = 120, 12
    held = np.zeros((n, 60))
    held[:k, :10] = 1
    for i in range(k, n):
        held[i, 10 + rng.choice(50, 6, replace=False)] = 1
    content = content_from(*np.nonzero(held), np.ones(n, dtype=bool), "phrases")
    who = np.arange(k) if coupled else np.arange(50, 50 + k)
    chain = [(a, j) for j in range(11) for a in (who[j], who[j + 1])]
    noise = [(a, 11 + i // 2) for i, a in enumerate(rng.permutation(np.arange(60, 100)))]
    rows, columns = zip(*chain, *noise, strict=True)
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(n, max(columns) + 1))
    degrees = np.asarray(matrix.sum(axis=1)).ravel() + 1.0
    values = np.arange(matrix.shape[1]).astype(object)
    accounts = pd.DataFrame(
        {"account_id": [f"a{i}" for i in range(n)], "status": None, "plan": "pro", "verification": "email"}
    )
    return gather(accounts, np.arange(n), content, {"device": Incidence("device", "device", matrix, values, degrees)})


def test_ties_in_content_are_neighbours_inside_the_group_between_owners() -> None:
    evidence = two_views(coupled=True)
    owner = np.arange(evidence.n)
    owner[1] = 0
    evidence = replace(evidence, owner=owner)
    members = np.array([7, 3, 0, 1, 30, 31, 55])
    near = evidence.neighbours.toarray()[np.ix_(members, members)] > 0
    cross = np.triu(near & (owner[members][:, None] != owner[members][None, :]))
    usual = np.diff(evidence.neighbours.indptr)[members].mean()
    told = evidence_module.content_excess(evidence, members)
    assert near[2, 3]
    assert not cross[2, 3]
    assert (told.values, told.observed) == (cross.sum(), int(cross.sum() / usual))
    assert told.accounts == (cross | cross.T).any(axis=1).sum()


def test_a_joint_group_is_found_where_both_views_agree_and_mixing_the_data_up_undoes_it() -> None:
    evidence = two_views(coupled=True)
    planted = set(range(12))

    def best(groups: list[np.ndarray]) -> float:
        return max((len(planted & set(g)) / len(planted | set(g)) for g in groups), default=0.0)

    assert best(joint.form(evidence, seed=1, least=4)) >= 0.8
    chance, runs = joint.by_chance(evidence, seed=1, least=4, lift=3.0)
    assert runs >= 1
    floor = Floor(20)
    strength = max(
        floor.both_views(evidence_module.test_group(evidence, g, "joint"))
        for g in joint.form(evidence, seed=1, least=4)
    )
    assert strength > max((floor.both_views(t) for t in chance), default=0.0)
    apart = two_views(coupled=False)
    assert all(
        floor.both_views(evidence_module.test_group(apart, g, "joint")) < strength
        for g in joint.form(apart, seed=1, least=4)
    )


def test_what_formed_a_group_is_no_evidence_for_it() -> None:
    by_cards = replace(group_with(hard=Excess(9, 0.2, 9, 12, 1e-12)), origin="identity")
    assert judge(by_cards, Floor(100), stability=1.0).tier == Tier.REVIEW
    enforced = replace(by_cards, enforced=6, enforced_expected=0.3, enforced_p=1e-7)
    assert judge(enforced, Floor(100), stability=1.0).tier == Tier.ALARM


def test_the_floor_comes_from_the_bulk_of_the_groups() -> None:
    calm = [group_with(hard=Excess(1, 0.9, 1, 2, 10.0**-s)) for s in np.linspace(0, 0.8, 40)]
    strained = [group_with(hard=Excess(3, 0.9, 3, 6, 10.0**-s)) for s in np.linspace(0, 4, 40)]
    assert floor_of(calm).scales[0] == 1.0
    assert floor_of(strained).scales[0] > 3.0
    few_campaigns = floor_of([*calm, *[group_with(hard=Excess(9, 0.2, 9, 12, 1e-20)) for _ in range(8)]])
    assert few_campaigns.scales[0] < 1.5


def test_ties_that_respect_parts_are_beyond_chance_and_mixed_ones_are_not() -> None:
    apart = Ties(np.diag([6.0, 6.0]), np.array([14.0, 14.0]), 12)
    mixed = Ties(np.array([[3.0, 3.0], [3.0, 3.0]]), np.array([14.0, 14.0]), 12)
    assert apart.p_value < 0.001
    assert mixed.p_value > 0.3
    whole = apart.merged(0, 1)
    assert whole.inside == pytest.approx(12.0)
    assert whole.chance == 1.0


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1234.0, "1,234"), (12, "12"), (1.26, "1.3"), (0.0042, "0.0042")]
)
def test_figures_as_people_write_them(value: float, text: str) -> None:
    assert number(value) == text


def test_shares_and_bins() -> None:
    assert percent(0.004) == "under 1 %"
    assert percent(0.254) == "25 %"
    start = pd.Timestamp("2026-01-01").to_pydatetime()
    assert bin_hours(start, pd.Timestamp("2026-01-03").to_pydatetime()) == 1
    assert bin_hours(start, pd.Timestamp("2026-02-10").to_pydatetime()) == 12
    assert bin_hours(None, None) == 1
