"""Triage between people and visits: never served twice, handed over with a reason, what changed since one was here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import fake_run
import pytest
from page_reading import Open, html_of, words_of
from streamlit.testing.v1 import AppTest

from stillwatch.cases.store import CaseStore
from stillwatch.config import settings
from stillwatch.ui import navigation
from stillwatch.warehouse import runs

CLUSTERS = ["C-a1b2c1", "C-a1b2c2", "C-a1b2c3"]


def as_person(open_page: Open, monkeypatch: pytest.MonkeyPatch, name: str, page: str = "", **params: str) -> AppTest:
    monkeypatch.setenv("STILLWATCH_USER", name)
    return open_page(page, **params)


def press(app: AppTest, label: str) -> AppTest:
    app = next(b for b in app.button if b.label == label).click().run()
    assert not app.exception, app.exception
    return app


def test_two_people_who_ask_for_the_next_get_two_clusters(
    open_page: Open, hostile_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = {name: as_person(open_page, monkeypatch, name) for name in ("ana", "bo")}  # both see the same queue
    for name, app in both.items():
        monkeypatch.setenv("STILLWATCH_USER", name)
        press(app, "Take the next")
    with CaseStore.open(settings()) as store:
        held = store.queue_state()
        assert dict(zip(held["assignee"], held["cluster_id"], strict=True)) == dict(
            zip(("ana", "bo"), CLUSTERS, strict=False)
        )
    monkeypatch.setenv("STILLWATCH_USER", "ana")
    press(both["ana"], "Next")
    monkeypatch.setenv("STILLWATCH_USER", "bo")
    app = press(both["bo"], "Next")
    assert CLUSTERS[1] in html_of(app)  # what is left is Ana's
    with CaseStore.open(settings()) as store:
        held = store.queue_state()
        assert sorted(held["cluster_id"]) == CLUSTERS
        assert list(held["assignee"]) == ["ana", "bo", "ana"]


def test_after_a_verdict_the_next_is_taken_and_the_old_one_free(
    open_page: Open, hostile_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CaseStore.open(settings()) as store:
        store.claim(CLUSTERS[0], "ana")
        store.claim(CLUSTERS[1], "bo")
    dialog = AppTest.from_string(
        "from stillwatch.ui import labelling\n"
        f"labelling.dialog('{CLUSTERS[0]}', 'benign', [], 'R-20261120-120000-fa4e', '{CLUSTERS[1]}')"
    ).run()
    went: list[object] = []
    monkeypatch.setattr(navigation, "go", lambda page, **changes: went.append((page, changes)))
    dialog.text_area[0].input("a course, seen with the lecturer")
    dialog.button[0].click().run()
    assert not dialog.exception
    assert went == [("cluster", {"cluster": CLUSTERS[2]})]
    with CaseStore.open(settings()) as store:
        held = store.queue_state()
        assert dict(zip(held["cluster_id"], held["assignee"], strict=True)) == {CLUSTERS[1]: "bo", CLUSTERS[2]: "ana"}


def test_a_held_cluster_is_taken_over_with_a_reason(open_page: Open, hostile_home: Path) -> None:
    with CaseStore.open(settings()) as store:
        store.claim(CLUSTERS[0], "bo <b>")
    app = open_page(cluster=CLUSTERS[0])
    app = next(g for g in app.button_group if g.key == "view").set_value("all").run()
    assert next(b for b in app.button if b.key == "claim").disabled
    assert "held by bo &lt;b&gt;, since" in html_of(app)
    dialog = AppTest.from_string(
        f"from stillwatch.ui import triage_moves\ntriage_moves.hand_over('{CLUSTERS[0]}', 'bo <b>')"
    ).run()
    assert dialog.selectbox[0].value == "ana"
    dialog.button[0].click().run()
    assert "Say why" in dialog.warning[0].value
    dialog.text_input[0].input("bo is away")
    dialog.button[0].click().run()
    assert not dialog.exception
    with CaseStore.open(settings()) as store:
        assert list(store.queue_state()["assignee"]) == ["ana"]
        assert store.audit(action="hand_over")["reason"].tolist() == ["bo is away"]


def changed(app: AppTest, change: str) -> AppTest:
    app = app.selectbox(key="change").set_value(change).run()
    assert not app.exception, app.exception
    return app


def test_new_grown_and_returned_are_filters(open_page: Open, hostile_home: Path) -> None:
    for change, cluster in zip(("grown", "new", "returned"), CLUSTERS, strict=True):
        app = changed(open_page(), change)
        said = html_of(app)
        assert cluster in said
        assert not any(other in said for other in CLUSTERS if other != cluster)


def test_since_my_last_visit_compares_with_the_run_of_that_time(open_page: Open, home: Path) -> None:
    old = fake_run.publish(home, sizes=(200, 60), run_id="R-20261119-120000-aaaa")
    manifest = old.folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(fake_run.AS_OF.isoformat(), "2026-11-19T12:00:00"))
    visit = fake_run.AS_OF - timedelta(hours=5)
    with CaseStore.open(settings(), clock=lambda: visit) as store:
        store.visit("ana")
    fake_run.publish(home)
    app = changed(open_page(), "since")
    assert "grown by 20" in html_of(app)
    with CaseStore.open(settings()) as store:
        assert store.visit("ana") == visit
    app = changed(open_page(cluster=CLUSTERS[2]), "since")
    assert "since your last visit: returned" in html_of(app)
    app = changed(open_page(cluster=CLUSTERS[1]), "since")
    assert CLUSTERS[1] not in html_of(app)  # as it was
    runs.make_current(home / "runs", old.run_id)
    app = changed(open_page(), "since")
    assert "Nothing changed since your last visit" in words_of(app)
