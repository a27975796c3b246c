"""Saved searches, and the audit log read in pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stillwatch.cases.trail import Wanted
from stillwatch.errors import InputError, UnknownTarget


def test_a_search_is_kept_with_name_who_when_and_what_it_found(store, clock):
    name = store.save_search("  <b>cards</b> ", "has=card:0f&since=2026-11-01", 12, "ana")
    row = store.searches().iloc[0]
    assert (row["search_id"], row["name"], row["query"], row["found"]) == (
        name, "<b>cards</b>", "has=card:0f&since=2026-11-01", 12,
    )  # fmt: skip
    assert (row["at"], row["by"]) == (clock.now, "ana")
    assert store.audit(action="save_search")["target_id"].tolist() == [name]


def test_newest_first_and_a_removed_one_is_gone_but_on_record(store):
    first, second = (store.save_search(n, f"q={n}", 1, "ana") for n in ("one", "two"))
    assert store.searches()["search_id"].tolist() == [second, first]
    store.remove_search(second, "bo")
    assert store.searches()["search_id"].tolist() == [first]
    with pytest.raises(UnknownTarget, match="no saved search"):
        store.remove_search(second, "bo")
    with pytest.raises(UnknownTarget, match="no saved search"):
        store.remove_search("S-9999", "bo")
    assert store.audit(action="remove_search")["actor"].tolist() == ["bo"]


@pytest.mark.parametrize(("name", "query"), [("", "q=a"), ("  ", "q=a"), ("x", ""), ("x", "q=" + "a" * 9000)])
def test_a_search_without_name_or_question_is_refused(store, name, query):
    with pytest.raises(InputError):
        store.save_search(name, query, 0, "ana")
    assert store.searches().empty
    assert store.audit().empty


def test_the_log_in_pages_with_an_exact_count(store, clock):
    for n in range(25):
        store.claim(f"C-{n:06x}", "ana" if n % 5 else "bo")
        clock.now += timedelta(hours=1)
    everything = Wanted()
    assert store.trail_length(everything) == 25
    pages = [store.trail(everything, offset, 10) for offset in (0, 10, 20, 30)]
    assert [len(p) for p in pages] == [10, 10, 5, 0]
    assert [s for p in pages for s in p["seq"]] == list(range(25, 0, -1))
    by_bo = Wanted(actor="bo")
    assert store.trail_length(by_bo) == len(store.trail(by_bo)) == 5
    start = store.trail(everything)["at"].min()
    early = Wanted(since=start.to_pydatetime(), before=(start + timedelta(hours=3)).to_pydatetime())
    assert store.trail(early)["seq"].tolist() == [3, 2, 1]
    assert store.trail(Wanted(search="c-00000A"))["target_id"].tolist() == ["C-00000a"]
    assert store.trail_length(Wanted(search="%")) == 0
    assert store.trail_length(Wanted(action="release")) == 0
    assert store.trail_words() == {"actor": ["ana", "bo"], "action": ["claim"], "target_type": ["cluster"]}


def test_taking_rows_out_is_on_record(store):
    store.record_export("audit", 25, "ana", filters="person ana")
    row = store.trail(Wanted()).iloc[0]
    assert (row["action"], row["target_type"], row["details"]) == (
        "export", "audit", {"filters": "person ana", "rows": 25},
    )  # fmt: skip
    assert store.verify_chain() == (True, None)
