"""The chain of the audit log, and tables that only grow."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from stillwatch.cases.models import APPEND_ONLY, Base
from stillwatch.errors import StoreError


def rows_of(store) -> None:
    campaign = store.create_campaign("Rose", ["C-aaaaaa"], "ana", "same cards", ["alone-1"])
    store.set_status(campaign, "in_review", "bo", "looks right")
    store.add_note(campaign, "note", "ana")
    store.add_label("cluster", "C-aaaaaa", "distillation", "same cards", "ana")
    bundle = store.record_bundle(campaign, "bundles/B-0001", "0" * 64, "ana", "for legal")
    store.record_custody(bundle, "downloaded", "bo")
    store.record_model("M-0001", "R-1", "0" * 64, {"ap": 1}, "ana")
    store.record_promotion("M-0001", "promote", "ana", "better")


@pytest.fixture
def engine(cfg):
    """A way around the store, as an intruder has it."""
    made = create_engine(cfg.database_url)
    yield made
    made.dispose()


def without_triggers(engine, statement: str) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in APPEND_ONLY:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        connection.execute(text(statement))


@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_statements_cannot_be_changed_or_taken_out(store, engine, verb):
    rows_of(store)
    store.merge_clusters("C-aaaaaa", "C-bbbbbb", "ana", "one hand")
    store.save_view("C-aaaaaa", "cards", "hide=device", "ana")
    store.save_search("cards", "has=card:0f", 3, "ana")
    store.annotate("C-aaaaaa", "a price list leaked", "ana", datetime(2026, 11, 1))
    for table in APPEND_ONLY:
        column = inspect(engine).get_columns(table)[0]["name"]
        statement = f"UPDATE {table} SET {column} = {column}" if verb == "UPDATE" else f"DELETE FROM {table}"
        with pytest.raises(DBAPIError, match=f"{table} is append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    assert store.verify_chain() == (True, None)


def test_every_table_is_either_append_only_or_state():
    state = {"queue", "visits", "counters", "audit_head"}
    assert set(Base.metadata.tables) == set(APPEND_ONLY) | state


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET reason = 'nothing happened' WHERE seq = 3", 3),
        ("UPDATE audit SET actor = 'bo' WHERE seq = 1", 1),
        ("UPDATE audit SET details = '{}' WHERE seq = 5", 5),
        ("DELETE FROM audit WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", 10),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET hash = prev_hash WHERE seq = 2", 2),
        ("UPDATE audit_head SET hash = '00'", 11),
        ("DELETE FROM audit_head", 11),
    ],
)
def test_tampering_is_found_where_it_was_done(store, engine, statement, broken):
    rows_of(store)
    assert store.chain_head()[0] == 10
    assert store.verify_chain() == (True, None)
    without_triggers(engine, statement)
    assert store.verify_chain() == (False, broken)


def test_an_empty_chain_is_whole(store):
    assert store.verify_chain() == (True, None)
    assert store.chain_head() == (0, "0" * 64)


def test_the_log_says_who_what_when_why(store, clock):
    rows_of(store)
    log = store.audit()
    assert list(log["seq"]) == list(range(10, 0, -1))
    assert set(log["at"]) == {clock.now}
    assert list(store.audit(action="set_status")["details"]) == [{"before": "open", "status": "in_review"}]
    assert set(store.audit(actor="bo")["action"]) == {"set_status", "custody"}
    assert len(store.audit(search="SAME cards")) == 4
    assert len(store.audit(search="%")) == 0
    assert len(store.audit(limit=2)) == 2
    assert len(store.audit(target_type="model", target_id="M-0001")) == 2


def test_a_change_that_fails_leaves_no_trace_in_the_log(store):
    rows_of(store)
    before = store.chain_head()
    with pytest.raises(Exception, match="no campaign"):
        store.add_note("K-9999", "note", "ana")
    assert store.chain_head() == before


def test_a_log_without_its_head_takes_no_more_entries(store, engine):
    rows_of(store)
    without_triggers(engine, "DELETE FROM audit_head")
    with pytest.raises(StoreError, match="has lost its head"):
        store.add_label("account", "bo-1", "benign", "r", "ana")
    with pytest.raises(StoreError, match="has lost its head"):
        store.chain_head()


def test_every_change_gives_the_case_file_another_revision(store):
    seen = [store.revision()]
    for change in (
        lambda: store.add_label("account", "bo-1", "benign", "r", "ana"),
        lambda: store.create_campaign("Rose", ["C-aaaaaa"], "ana", "r"),
        lambda: store.claim("C-aaaaaa", "ana"),
        lambda: store.release("C-aaaaaa", "ana"),
        lambda: store.snooze("C-bbbbbb", datetime(2026, 12, 1), "bo", "later"),
        lambda: store.save_view("C-aaaaaa", "cards", "drop=payment", "ana"),
        lambda: store.annotate("C-aaaaaa", "a note", "ana", datetime(2026, 11, 1)),
        lambda: store.merge_clusters("C-aaaaaa", "C-bbbbbb", "ana", "r"),
    ):
        change()
        assert store.revision() == store.chain_head()[1]
        assert store.revision() not in seen
        seen.append(store.revision())
