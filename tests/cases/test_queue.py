"""The queue: never served twice, put aside and back, new since the last visit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stillwatch.errors import InputError, RefusedChange


def test_a_claim_is_one_person_s(store, clock):
    store.claim("C-aaaaaa", "ana")
    store.claim("C-aaaaaa", "ana")
    with pytest.raises(RefusedChange, match="ana is working on C-aaaaaa since 2026-11-22 18:00 UTC"):
        store.claim("C-aaaaaa", "bo")
    with pytest.raises(RefusedChange, match="ana holds C-aaaaaa"):
        store.release("C-aaaaaa", "bo")
    state = store.queue_state()
    assert list(state["assignee"]) == ["ana"]
    assert list(state["claimed_at"]) == [clock.now]
    store.release("C-aaaaaa", "ana")
    assert len(store.queue_state()) == 0
    store.claim("C-aaaaaa", "bo")
    store.hand_over("C-aaaaaa", "cy", "ana", "bo is away")
    assert list(store.queue_state()["assignee"]) == ["cy"]
    assert list(store.audit(outcome="refused")["action"]) == ["release", "claim"]


def test_the_next_one_is_the_first_that_is_free(store, clock):
    order = ["C-1", "C-2", "C-3", "C-4"]
    store.claim("C-1", "ana")
    store.snooze("C-2", clock.now + timedelta(hours=1), "ana", "wait for the bank")
    assert store.claim_next(order, "bo") == "C-3"
    assert store.claim_next(order, "bo") == "C-3"
    assert store.claim_next(order, "cy") == "C-4"
    assert store.claim_next(order, "dee") is None
    clock.now += timedelta(hours=2)
    assert store.claim_next(order, "dee") == "C-2"


def test_a_snooze_has_a_reason_and_an_end(store, clock):
    with pytest.raises(InputError, match="a reason is needed"):
        store.snooze("C-1", clock.now + timedelta(hours=1), "ana", "")
    with pytest.raises(InputError, match="naive UTC"):
        store.snooze("C-1", datetime(2030, 1, 1, tzinfo=UTC), "ana", "r")
    store.claim("C-1", "ana")
    with pytest.raises(RefusedChange, match="only they can snooze it"):
        store.snooze("C-1", clock.now + timedelta(hours=1), "bo", "r")
    store.snooze("C-1", clock.now + timedelta(hours=1), "ana", "wait")
    state = store.queue_state().iloc[0]
    assert (state["assignee"], state["snoozed_by"], state["snooze_reason"]) == (None, "ana", "wait")
    clock.now += timedelta(hours=1)
    assert len(store.queue_state()) == 0


def test_new_since_the_last_visit(store, clock):
    first = clock.now
    assert store.visit("ana") is None
    clock.now += timedelta(minutes=10)
    assert store.visit("ana") is None
    ended = clock.now
    clock.now += timedelta(days=1)
    assert store.visit("ana") == ended
    clock.now += timedelta(minutes=5)
    assert store.visit("ana") == ended
    assert store.visit("bo") is None
    assert first < ended


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_ids_that_no_cluster_has(store, name):
    with pytest.raises(InputError, match="not the id of a cluster"):
        store.claim(name, "ana")
