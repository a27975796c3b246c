"""Bundles, models, prompt texts: who made, used, looked at what."""

from __future__ import annotations

import pytest

from stillwatch.errors import InputError, RefusedChange, UnknownTarget


def test_a_bundle_and_everyone_who_touched_it(store, clock):
    campaign = store.create_campaign("Rose", ["C-aaaaaa"], "ana", "r")
    reserved = store.reserve_id("B", "ana")
    made = store.record_bundle(
        campaign,
        "bundles/rose",
        "ab" * 32,
        "ana",
        "for legal",
        bundle_id=reserved,
        run_id="R-1",
        details={"tlp": "amber"},
    )
    assert made == reserved == "B-0001"
    assert store.record_bundle(campaign, "x", "cd" * 32, "ana", "again") == "B-0002"
    store.record_custody(made, "downloaded", "bo", method="browser", sha256="ab" * 32, note="for the court")
    first = store.bundles().set_index("bundle_id").loc[made]
    assert (first["sha256"], first["details"], first["made_at"]) == ("ab" * 32, {"tlp": "amber"}, clock.now)
    log = store.custody(made)
    assert list(log["action"]) == ["made", "downloaded"]
    assert list(log["by"]) == ["ana", "bo"]
    assert len(store.custody()) == 3
    with pytest.raises(UnknownTarget):
        store.record_custody("B-0009", "downloaded", "bo")
    with pytest.raises(UnknownTarget):
        store.record_bundle("K-0009", "x", "cd" * 32, "ana", "r")
    with pytest.raises(InputError):
        store.record_custody(made, "", "bo")


def test_which_model_is_in_use(store):
    assert store.model_in_use() is None
    for name in ("M-0001", "M-0002"):
        store.record_model(name, "R-1", "0" * 64, {"candidate": {"brier": 0.1}}, "ana")
    store.record_promotion("M-0001", "promote", "ana", "first")
    store.record_promotion("M-0002", "promote", "bo", "better")
    with pytest.raises(RefusedChange, match="M-0002 is in use already"):
        store.record_promotion("M-0002", "promote", "bo", "better")
    models = store.models().set_index("model_id")
    assert list(models.loc[["M-0001", "M-0002"], "in_use"]) == [False, True]
    assert models.loc["M-0001", "metrics"] == {"candidate": {"brier": 0.1}}
    store.record_promotion(None, "rollback", "ana", "worse")
    assert store.model_in_use() is None
    assert not store.models()["in_use"].any()
    with pytest.raises(UnknownTarget):
        store.record_promotion("M-0009", "promote", "ana", "r")


def test_a_look_at_prompt_text_is_on_record_with_its_reason(store):
    store.record_reveal("cluster", "C-aaaaaa", 12, "ana", "checking the template")
    row = store.audit(action="reveal_prompts").iloc[0]
    assert (row["target_id"], row["reason"], row["details"]) == ("C-aaaaaa", "checking the template", {"rows": 12})
    with pytest.raises(InputError, match="a reason is needed"):
        store.record_reveal("cluster", "C-aaaaaa", 12, "ana", "")
