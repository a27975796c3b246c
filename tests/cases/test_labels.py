"""Labels: append-only, one voice each, a person beats a rule, all or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.cases.labels import Accept, Keep, Refuse, Statement, decide
from stillwatch.cases.models import LabelRow
from stillwatch.errors import InputError, RefusedChange, UnknownTarget

HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "../../x",
    "O'Brien; DROP TABLE labels;--",
    "x" * 10_000,
]


def test_a_correction_supersedes_and_nothing_is_lost(store, clock):
    first = store.add_label("cluster", "C-aaaaaa", "distillation", "same cards", "ana")
    clock.now += timedelta(hours=1)
    second = store.add_label("cluster", "C-aaaaaa", "benign", "it is a course", "ana")
    assert second.supersedes == first.label_id
    assert list(store.labels()["label_id"]) == [second.label_id]
    history = store.history("cluster", "C-aaaaaa")
    assert list(history["value"]) == ["benign", "distillation"]
    assert list(history["stands"]) == [True, False]
    assert list(history["labeled_at"]) == [clock.now, clock.now - timedelta(hours=1)]


def test_two_people_stand_side_by_side_and_are_counted(store):
    store.add_label("account", "ana-1", "benign", "a customer", "ana")
    store.add_label("account", "ana-1", "distillation", "the same card", "bo")
    assert len(store.labels()) == 2
    tie = store.verdicts().iloc[0]
    assert (tie["value"], tie["labelers"], tie["agreed"]) == ("unsure", 2, False)
    store.add_label("account", "ana-1", "distillation", "a shared device", "cy")
    settled = store.verdicts().iloc[0]
    assert (settled["value"], settled["votes"], settled["labelers"], settled["agreed"]) == ("distillation", 2, 3, False)


def test_the_same_statement_again_adds_nothing(store):
    first = store.add_label("account", "bo-1", "benign", "a customer", "ana")
    assert store.add_label("account", "bo-1", "benign", " a customer ", "ana") == first
    assert len(store.labels(current=False)) == 1
    assert len(store.audit()) == 1


def test_a_person_beats_a_rule_and_the_refusal_is_on_record(store):
    ruled = store.add_label("account", "bo-1", "distillation", "rule 7", "rule-7", source="rule")
    said = store.add_label("account", "bo-1", "benign", "called them", "ana")
    assert said.supersedes == ruled.label_id
    with pytest.raises(RefusedChange, match="ana has already said benign of account bo-1"):
        store.add_label("account", "bo-1", "distillation", "rule 7 again", "rule-7", source="rule")
    assert list(store.labels()["labeler"]) == ["ana"]
    refused = store.audit(outcome="refused").iloc[0]
    assert refused["action"] == "label"
    assert "a person beats a rule" in refused["reason"]
    assert refused["details"] == {"labeler": "rule-7", "value": "distillation"}


def test_an_import_is_people_s_word(store):
    store.add_label("account", "bo-1", "benign", "partner says so", "partner", source="import")
    with pytest.raises(RefusedChange):
        store.add_label("account", "bo-1", "distillation", "rule 7", "rule-7", source="rule")


def test_an_expired_label_stands_no_more_and_a_rule_may_speak_again(store, clock):
    store.add_label("account", "bo-1", "benign", "pen test", "ana", expires_at=clock.now + timedelta(days=1))
    assert len(store.labels()) == 1
    clock.now += timedelta(days=2)
    assert len(store.labels()) == 0
    store.add_label("account", "bo-1", "distillation", "rule 7", "rule-7", source="rule")
    assert list(store.labels()["source"]) == ["rule"]


@pytest.mark.parametrize("reason", ["", "   ", "\n\t"])
def test_a_reason_is_required(store, reason):
    with pytest.raises(InputError, match="a reason is needed"):
        store.add_label("account", "bo-1", "benign", reason, "ana")
    assert len(store.labels(current=False)) == 0


def test_a_long_reason_is_cut(store):
    assert len(store.add_label("account", "bo-1", "benign", "y" * 9_000, "ana").reason) == 4_000


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_stored_as_it_is(store, text):
    store.add_label("account", text, "benign", text, text[:200])
    row = store.labels().iloc[0]
    assert (row["target_id"], row["reason"], row["labeler"]) == (text, text[:4_000], text[:200])
    assert store.verify_chain() == (True, None)


@pytest.mark.parametrize("text", ["nul\x00", "half \ud800 pair"])
def test_text_that_no_database_can_keep_is_refused_in_words(store, text):
    with pytest.raises(InputError, match=r"NUL|Unicode"):
        store.add_label("account", "bo-1", "benign", text, "ana")
    with pytest.raises(InputError, match=r"NUL|Unicode"):
        store.add_label("account", text, "benign", "reason", "ana")


def test_unknown_targets(store):
    for kind, name in (("account", "nobody"), ("cluster", "C-zzzzzz"), ("campaign", "K-9999")):
        with pytest.raises(UnknownTarget, match=f"there is no {kind}"):
            store.add_label(kind, name, "benign", "reason", "ana")
    with pytest.raises(InputError, match="want one of account, cluster, campaign"):
        store.add_label("planet", "bo-1", "benign", "reason", "ana")
    with pytest.raises(InputError, match="want one of distillation, benign, other_abuse, unsure"):
        store.add_label("account", "bo-1", "guilty", "reason", "ana")


def test_a_cluster_label_keeps_the_members_of_its_day(store, republish):
    store.add_label("cluster", "C-aaaaaa", "distillation", "same cards", "ana")
    republish("R-20261123-180000-cd34", {"C-aaaaaa": ["ana-1", "bo-2"]})
    store.add_label("cluster", "C-aaaaaa", "distillation", "still", "bo")
    store.add_label("cluster", "C-bbbbbb", "benign", "gone since, but known", "ana")
    labels = store.labels(members=True).set_index("labeler")
    assert list(labels.loc["bo", "members"]) == ["ana-1", "bo-2"]
    assert labels.loc["bo", "run_id"] == "R-20261123-180000-cd34"
    of_ana = labels.loc["ana"].set_index("target_id")
    assert list(of_ana.loc["C-aaaaaa", "members"]) == ["ana-1", "ana-2", "ana-3"]
    assert list(of_ana.loc["C-bbbbbb", "members"]) == ["bo-1", "bo-2"]
    assert set(of_ana["run_id"]) == {"R-20261122-180000-ab12"}


def test_a_campaign_label_keeps_the_accounts_of_its_day(store):
    campaign = store.create_campaign("Rose", ["C-bbbbbb"], "ana", "same cards", ["alone-1"])
    store.add_label("campaign", campaign, "distillation", "sure", "ana")
    store.add_to_campaign(campaign, "ana", "more of it", ["C-aaaaaa"])
    assert list(store.labels(members=True)["members"].iloc[0]) == ["alone-1", "bo-1", "bo-2"]


def test_many_labels_at_once_all_or_nothing(store):
    good = Statement("account", "bo-1", "benign", "r", "ana", row=1)
    bad = [
        Statement("account", "bo-2", "guilty", "r", "ana", row=2),
        Statement("account", "nobody", "benign", "r", "ana", row=3),
        Statement("cluster", "C-aaaaaa", "benign", "", "ana", row=4),
        Statement("account", "bo-1", "distillation", "r", "ana", row=5),
    ]
    with pytest.raises(InputError) as error:
        store.add_labels([good, *bad], "ana")
    lines = str(error.value).splitlines()
    assert lines[0] == "4 of 5 labels cannot be taken; nothing was written:"
    assert [line.split(":")[0] for line in lines[1:]] == ["row 2", "row 3", "row 4", "row 5"]
    assert "row 1 says benign" in lines[4]
    assert len(store.labels(current=False)) == 0
    assert len(store.audit()) == 0


def test_many_labels_twice_add_nothing(store):
    statements = [Statement("account", a, "benign", "r", "ana", row=i) for i, a in enumerate(["bo-1", "bo-2", "bo-1"])]
    saved = store.add_labels(statements, "importer")
    assert (saved.added, saved.unchanged) == (2, 1)
    again = store.add_labels(statements, "importer")
    assert (again.added, again.unchanged) == (0, 3)
    assert set(store.audit()["actor"]) == {"importer"}
    assert {d["labeler"] for d in store.audit()["details"]} == {"ana"}


def test_one_refused_rule_refuses_the_whole_list(store):
    store.add_label("account", "bo-1", "benign", "called them", "ana")
    rules = [Statement("account", a, "distillation", "r", "rule-7", source="rule") for a in ("bo-2", "bo-1")]
    with pytest.raises(RefusedChange):
        store.add_labels(rules, "rule-7")
    assert list(store.labels()["labeler"]) == ["ana"]


def row(value: str, labeler: str, source: str) -> LabelRow:
    return LabelRow(label_id="L-1", value=value, labeler=labeler, source=source, reason="r", expires_at=None)


votes = st.lists(
    st.builds(
        row,
        st.sampled_from(["benign", "distillation", "unsure"]),
        st.sampled_from(["ana", "bo"]),
        st.sampled_from(["human", "import", "rule"]),
    ),
    max_size=4,
)


@given(votes, st.sampled_from(["human", "import", "rule"]), st.sampled_from(["ana", "bo"]))
def test_the_law_a_rule_never_takes_the_place_of_a_person(standing, source, labeler):
    statement = Statement("account", "x", "benign", "r", labeler, source, expires_at=None)
    decision = decide(statement, standing)
    people = [r for r in standing if r.source != "rule"]
    if source == "rule":
        assert isinstance(decision, Refuse) == bool(people)
    else:
        assert not isinstance(decision, Refuse)
    if isinstance(decision, Accept) and decision.supersedes is not None:
        assert decision.supersedes.source == "rule" or (source != "rule" and decision.supersedes.labeler == labeler)
    if isinstance(decision, Keep):
        assert (decision.label.value, decision.label.labeler, decision.label.source) == ("benign", labeler, source)


def test_an_end_that_makes_no_sense_is_refused(store, clock):
    with pytest.raises(InputError, match="which has passed"):
        store.add_label("account", "bo-1", "benign", "r", "ana", expires_at=clock.now)
    with pytest.raises(InputError, match="time zone"):
        store.add_label("account", "bo-1", "benign", "r", "ana", expires_at=datetime(2030, 1, 1, tzinfo=UTC))


def test_what_else_a_label_can_carry(store):
    full = Statement("account", "bo-1", "benign", "r", "ana", confidence="High", evidence_request_ids=("r-1", "r-2"))
    store.add_labels([full], "ana")
    assert store.labels()["confidence"].iloc[0] == "high"
    for wrong, said in (
        (replace(full, confidence="sure"), "want one of high"),
        (replace(full, run_id="x" * 99), "run_id"),
    ):
        with pytest.raises(InputError, match=said):
            store.add_labels([wrong], "ana")


def test_times_are_naive_utc(store):
    store.add_label("account", "bo-1", "benign", "r", "ana", expires_at=datetime(2030, 1, 1))
    labels = store.labels()
    assert str(labels["labeled_at"].dtype) == str(labels["expires_at"].dtype) == "datetime64[us]"
    assert labels["supersedes"].iloc[0] is None
