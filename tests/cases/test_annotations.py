"""Notes on timelines: written, taken back, never changed; and on which cluster they show after splits and merges."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from stillwatch.errors import InputError, RefusedChange, UnknownTarget

A, B = "C-aaaaaa", "C-bbbbbb"
NOON = datetime(2026, 11, 1, 12)


def texts(store, cluster):
    return store.annotations(cluster)["text"].tolist()


@pytest.fixture
def four(store, republish):
    """A run whose first cluster is large enough to split."""
    republish("R-20261122-190000-ab13", {A: ["ana-1", "ana-2", "ana-3", "ana-4"], B: ["bo-1", "bo-2"]})
    return store


def test_a_note_keeps_text_who_when_and_what_time_it_is_about(store, clock):
    name = store.annotate(A, "  price list leaked  ", "ana", NOON, NOON + timedelta(hours=6))
    store.annotate(A, "banned here", "bo", NOON - timedelta(days=1))
    row = store.annotations(A).set_index("annotation_id").loc[name]
    assert (row["text"], row["by"], row["at"]) == ("price list leaked", "ana", clock.now)
    assert (row["begin"], row["end"]) == (NOON, NOON + timedelta(hours=6))
    assert texts(store, A) == ["banned here", "price list leaked"]
    assert store.annotations(A)["end"].isna().tolist() == [True, False]
    assert store.annotations(B).empty
    logged = store.audit(action="annotate").iloc[-1]
    assert (logged["actor"], logged["target_id"], logged["reason"]) == ("ana", A, "price list leaked")
    assert logged["details"]["begin"] == "2026-11-01 12:00"


def test_taking_back_is_a_statement_of_its_own(store):
    name = store.annotate(A, "price list leaked", "ana", NOON)
    store.take_back_annotation(name, "bo", "it was another product")
    assert store.annotations(A).empty
    whole = store.annotations(A, current=False)
    assert whole["action"].tolist() == ["written", "taken back"]
    assert whole["text"].tolist() == ["price list leaked", "it was another product"]
    assert whole["supersedes"].tolist() == [None, name]
    with pytest.raises(RefusedChange, match="taken back already"):
        store.take_back_annotation(name, "bo", "again")
    with pytest.raises(UnknownTarget, match="no note"):
        store.take_back_annotation("N-0002", "bo", "a taking back cannot be taken back")
    assert store.audit(action="take_back_annotation")["outcome"].tolist() == ["refused", "done"]
    assert store.verify_chain() == (True, None)


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "=cmd()|' /C calc'!A0", "![x](http://198.51.100.9/p.png)", "O'B; DROP TABLE x"],
)
def test_a_hostile_note_is_kept_as_it_came(store, text):
    store.annotate(A, text, text, NOON)
    row = store.annotations(A).iloc[0]
    assert (row["text"], row["by"]) == (text, text)


def test_notes_that_make_no_sense(store):
    with pytest.raises(InputError, match="is empty"):
        store.annotate(A, " \n", "ana", NOON)
    with pytest.raises(InputError, match="10,000 characters"):
        store.annotate(A, "x" * 10_000, "ana", NOON)
    with pytest.raises(InputError, match="NUL"):
        store.annotate(A, "a\x00b", "ana", NOON)
    with pytest.raises(InputError, match="before it begins"):
        store.annotate(A, "x", "ana", NOON, NOON)
    with pytest.raises(InputError, match="between the years"):
        store.annotate(A, "x", "ana", datetime(1, 1, 1))
    with pytest.raises(InputError, match="it must be known who"):
        store.annotate(A, "x", " ", NOON)
    with pytest.raises(UnknownTarget, match="C-none"):
        store.annotate("C-none", "x", "ana", NOON)
    with pytest.raises(InputError, match="a reason is needed"):
        store.take_back_annotation(store.annotate(A, "x", "ana", NOON), "ana", " ")
    assert texts(store, A) == ["x"]


def test_a_later_run_shows_the_notes_of_earlier_ones(store, republish):
    store.annotate(A, "first run", "ana", NOON)
    republish("R-20261123-180000-ab15", {A: ["ana-1", "ana-9"]})
    store.annotate(A, "second run", "ana", NOON)
    store.annotate(B, "of a cluster that the run has lost", "ana", NOON)
    assert texts(store, A) == ["first run", "second run"]
    assert texts(store, B) == ["of a cluster that the run has lost"]
    assert store.annotations(A)["run_id"].tolist() == ["R-20261122-180000-ab12", "R-20261123-180000-ab15"]


def test_a_joined_cluster_brings_its_notes_and_takes_them_back(four):
    four.annotate(A, "of a", "ana", NOON)
    four.annotate(B, "of b", "ana", NOON + timedelta(hours=1))
    joined = four.merge_clusters(A, B, "ana", "one hand")
    assert texts(four, A) == ["of a", "of b"]
    assert four.annotations(A)["cluster_id"].tolist() == [A, B]
    four.undo_decision(joined.decision_id, "ana", "two after all")
    assert texts(four, A) == ["of a"]
    assert texts(four, B) == ["of b"]


def test_a_part_split_off_keeps_what_was_written_before(four, clock, republish):
    early = four.annotate(A, "before the split", "ana", NOON)
    clock.now += timedelta(hours=1)
    cut = four.split_cluster(A, ["ana-1", "ana-2"], "ana", "cards differ")
    republish("R-20261122-200000-ab14", {A: ["ana-3", "ana-4"], cut.other_id: ["ana-1", "ana-2"], B: ["bo-1", "bo-2"]})
    clock.now += timedelta(hours=1)
    four.annotate(A, "of those that stayed", "ana", NOON)
    four.annotate(cut.other_id, "of those that left", "ana", NOON)
    four.annotate(B, "of the neighbour", "ana", NOON)
    assert texts(four, cut.other_id) == ["before the split", "of those that left"]
    assert texts(four, A) == ["before the split", "of those that stayed"]
    clock.now += timedelta(hours=1)
    four.merge_clusters(A, B, "ana", "one hand")  # came after the split: not the affair of the part
    assert texts(four, cut.other_id) == ["before the split", "of those that left"]
    assert texts(four, A) == ["before the split", "of those that stayed", "of the neighbour"]
    four.take_back_annotation(early, "bo", "wrong day")
    assert texts(four, cut.other_id) == ["of those that left"]
    assert four.annotations(cut.other_id, current=False)["action"].tolist() == ["written", "written", "taken back"]


def test_an_undone_split_sends_its_notes_home(four, republish):
    cut = four.split_cluster(A, ["ana-1", "ana-2"], "ana", "cards differ")
    republish("R-20261122-200000-ab14", {A: ["ana-3", "ana-4"], cut.other_id: ["ana-1", "ana-2"]})
    four.annotate(cut.other_id, "of those that left", "ana", NOON)
    assert four.annotations(A).empty
    four.undo_decision(cut.decision_id, "bo", "a prepaid range")
    assert texts(four, A) == ["of those that left"]
