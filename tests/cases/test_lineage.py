"""Clusters split and joined by hand: reasons, undo, what is refused, where an old id went; saved views."""

from __future__ import annotations

import pytest

from stillwatch.clusters.identity import new_id
from stillwatch.errors import InputError, RefusedChange, UnknownTarget

A, B = "C-aaaaaa", "C-bbbbbb"


@pytest.fixture
def four(store, republish):
    """A run whose first cluster is large enough to split."""
    republish("R-20261122-190000-ab13", {A: ["ana-1", "ana-2", "ana-3", "ana-4"], B: ["bo-1", "bo-2"]})
    return store


def test_a_split_keeps_who_left_who_stayed_and_why(four):
    cut = four.split_cluster(A, ["ana-2", "ana-1"], "ana", "cards differ")
    assert (cut.action, cut.cluster_id, cut.other_id) == ("split", A, new_id(frozenset({"ana-1", "ana-2"}), set()))
    assert (cut.moved, cut.stayed) == (frozenset({"ana-1", "ana-2"}), frozenset({"ana-3", "ana-4"}))
    assert four.standing_cuts() == [cut]
    assert four.standing_decisions() == [cut.decision_id]
    row = four.cluster_decisions(A).iloc[0]
    assert (row["reason"], row["decided_by"], row["accounts"], row["stands"]) == ("cards differ", "ana", 2, True)
    logged = four.audit(action="split_cluster").iloc[0]
    assert (logged["target_id"], logged["reason"]) == (A, "cards differ")
    assert logged["details"]["decision_id"] == cut.decision_id
    assert four.verify_chain() == (True, None)


def test_undo_is_a_statement_of_its_own_and_nothing_is_deleted(four):
    cut = four.split_cluster(A, ["ana-1", "ana-2"], "ana", "cards differ")
    assert four.undo_decision(cut.decision_id, "bo", "one billing address after all") == cut
    assert four.standing_cuts() == []
    assert four.standing_decisions() == []
    assert list(four.cluster_decisions(A)["action"]) == ["undo", "split"]
    assert not four.cluster_decisions(A)["stands"].any()
    assert four.all_cuts() == {cut.decision_id: cut}
    with pytest.raises(RefusedChange, match="does not stand"):
        four.undo_decision(cut.decision_id, "bo", "again")
    assert four.audit(outcome="refused").iloc[0]["action"] == "undo_cluster_decision"


def test_what_builds_on_a_decision_is_taken_back_first(four, republish):
    cut = four.split_cluster(A, ["ana-1", "ana-2"], "ana", "r")
    republish("R-20261122-200000-ab14", {A: ["ana-3", "ana-4"], cut.other_id: ["ana-1", "ana-2"], B: ["bo-1", "bo-2"]})
    joined = four.merge_clusters(B, cut.other_id, "ana", "r")
    with pytest.raises(RefusedChange, match=f"{joined.decision_id} came later"):
        four.undo_decision(cut.decision_id, "ana", "r")
    four.undo_decision(joined.decision_id, "ana", "r")
    four.undo_decision(cut.decision_id, "ana", "r")
    assert four.standing_cuts() == []


def test_an_old_id_says_where_it_went(four):
    assert four.forwarded(B) == (B, [])
    four.merge_clusters(A, B, "ana", "same template")
    now, steps = four.forwarded(B)
    assert now == A
    assert steps == [f"{B} was joined to {A} by ana on 2026-11-22 (D-0001)"]
    four.undo_decision("D-0001", "bo", "no")
    assert four.forwarded(B) == (B, [])
    cut = four.split_cluster(A, ["ana-1", "ana-2"], "ana", "r")
    four.undo_decision(cut.decision_id, "bo", "no")
    assert four.forwarded(cut.other_id)[0] == A
    four.split_cluster(A, ["ana-1", "ana-2"], "ana", "r")
    assert four.forwarded(cut.other_id) == (cut.other_id, [])


@pytest.mark.parametrize(
    ("accounts", "words"),
    [
        (["ana-1"], "at least 2"),
        (["ana-1", "ana-2", "ana-3"], "at least 2"),
        (["ana-1", "bo-1"], "not in C-aaaaaa"),
        ([], "at least 2"),
    ],
)
def test_splits_that_make_no_sense(four, accounts, words):
    with pytest.raises(InputError, match=words):
        four.split_cluster(A, accounts, "ana", "r")
    assert four.standing_cuts() == []


def test_merges_that_make_no_sense(four):
    with pytest.raises(InputError, match="itself"):
        four.merge_clusters(A, A, "ana", "r")
    with pytest.raises(UnknownTarget, match="C-none"):
        four.merge_clusters(A, "C-none", "ana", "r")
    with pytest.raises(InputError, match="a reason is needed"):
        four.merge_clusters(A, B, "ana", "  ")
    with pytest.raises(UnknownTarget, match="no decision"):
        four.undo_decision("D-0099", "ana", "r")


def test_views_are_kept_by_name_replaced_and_removed(store):
    store.save_view(A, " cards ", "hide=device", "ana")
    store.save_view(A, "cards", "hide=network", "bo")
    store.save_view(A, "<b>x</b>", "sel=%3Cscript%3E", "bo")
    store.save_view(B, "cards", "lane=model", "bo")
    views = store.saved_views(A)
    assert list(zip(views["name"], views["query"], strict=True)) == [
        ("<b>x</b>", "sel=%3Cscript%3E"),
        ("cards", "hide=network"),
    ]
    store.save_view(A, "cards", "", "ana")
    assert list(store.saved_views(A)["name"]) == ["<b>x</b>"]
    with pytest.raises(InputError, match="needs a name"):
        store.save_view(A, "  ", "x", "ana")
    with pytest.raises(InputError, match="select less"):
        store.save_view(A, "big", "x" * 9000, "ana")
    assert list(store.audit(target_id=A)["action"]) == ["remove_view", "save_view", "save_view", "save_view"]
