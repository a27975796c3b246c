"""Campaigns: made of events, never overwritten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stillwatch.errors import InputError, RefusedChange, UnknownTarget


def test_a_campaign_s_story(store, clock):
    campaign = store.create_campaign(" Rose ", ["C-aaaaaa"], "ana", "same cards", ["alone-1"])
    assert campaign == "K-0001"
    clock.now += timedelta(days=1)
    store.set_status(campaign, "confirmed", "bo", "payment records agree")
    store.add_note(campaign, "=HYPERLINK(1) <b>note</b>", "bo")
    found = store.campaign(campaign)
    assert (found.name, found.status, found.cluster_ids, found.account_ids) == (
        "Rose", "confirmed", ("C-aaaaaa",), ("alone-1",),
    )  # fmt: skip
    assert found.accounts_when_added == {"C-aaaaaa": ("ana-1", "ana-2", "ana-3")}
    assert list(found.statuses["status"]) == ["open", "confirmed"]
    assert list(found.statuses["reason"]) == ["same cards", "payment records agree"]
    assert list(found.notes["text"]) == ["=HYPERLINK(1) <b>note</b>"]
    listed = store.campaigns().iloc[0]
    assert (listed["status"], listed["status_by"], listed["clusters"], listed["accounts"], listed["notes"]) == (
        "confirmed", "bo", 1, 1, 1,
    )  # fmt: skip


def test_members_come_and_go_and_their_history_stays(store):
    campaign = store.create_campaign("Rose", ["C-aaaaaa"], "ana", "same cards")
    assert store.add_to_campaign(campaign, "bo", "same template", ["C-aaaaaa", "C-bbbbbb"], ["alone-1"]) == 2
    assert store.remove_from_campaign(campaign, "ana", "a customer", ["C-aaaaaa"], ["alone-2"]) == 1
    found = store.campaign(campaign)
    assert (found.cluster_ids, found.account_ids) == (("C-bbbbbb",), ("alone-1",))
    assert list(found.members["action"]) == ["added", "added", "added", "removed"]
    assert store.add_to_campaign(campaign, "ana", "it was theirs after all", ["C-aaaaaa"]) == 1
    assert store.campaign(campaign).cluster_ids == ("C-bbbbbb", "C-aaaaaa")
    assert store.campaigns()["cluster_ids"].iloc[0] == ["C-bbbbbb", "C-aaaaaa"]


def test_ids_are_not_given_out_twice(store):
    made = [store.create_campaign(f"c{i}", ["C-aaaaaa"], "ana", "r") for i in range(3)]
    assert made == ["K-0001", "K-0002", "K-0003"]
    assert list(store.campaigns()["campaign_id"]) == made[::-1]


def test_what_is_wrong_is_said_and_nothing_is_written(store):
    with pytest.raises(UnknownTarget, match="no cluster 'C-zzzzzz', no account 'nobody'"):
        store.create_campaign("Rose", ["C-zzzzzz"], "ana", "r", ["nobody"])
    with pytest.raises(InputError, match="needs a name"):
        store.create_campaign("  ", ["C-aaaaaa"], "ana", "r")
    with pytest.raises(InputError, match="at least one"):
        store.create_campaign("Rose", [], "ana", "r")
    with pytest.raises(InputError, match="a reason is needed"):
        store.create_campaign("Rose", ["C-aaaaaa"], "ana", " ")
    with pytest.raises(InputError, match="who does this"):
        store.create_campaign("Rose", ["C-aaaaaa"], " ", "r")
    assert len(store.campaigns()) == 0
    campaign = store.create_campaign("Rose", ["C-aaaaaa"], "ana", "r")
    with pytest.raises(InputError, match="want one of open, in_review"):
        store.set_status(campaign, "won", "ana", "r")
    with pytest.raises(InputError, match="note is empty"):
        store.add_note(campaign, " ", "ana")
    with pytest.raises(UnknownTarget):
        store.campaign("K-0002")
    with pytest.raises(UnknownTarget):
        store.set_status("K-0002", "closed", "ana", "r")
    assert list(store.campaign(campaign).statuses["status"]) == ["open"]


def test_changes_that_the_rules_refuse_are_on_record(store):
    campaign = store.create_campaign("Rose", ["C-aaaaaa"], "ana", "r")
    with pytest.raises(RefusedChange, match="is open already"):
        store.set_status(campaign, "open", "bo", "r")
    store.set_status(campaign, "rejected", "ana", "a course")
    with pytest.raises(RefusedChange, match="is rejected; open it again"):
        store.add_to_campaign(campaign, "bo", "r", ["C-bbbbbb"])
    assert list(store.audit(outcome="refused")["action"]) == ["add_to_campaign", "set_status"]
    assert store.verify_chain() == (True, None)
