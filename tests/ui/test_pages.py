"""The three pages run in every state of a home, say what to do next, and let nobody's text become markup."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import fake_run
import pytest
from page_reading import Open, html_of, words_of
from streamlit.testing.v1 import AppTest

from stillwatch.cases.store import CaseStore
from stillwatch.config import settings

PAGES = ("triage", "cluster", "account")
FIRST = "C-a1b2c1"
NONSENSE = {
    "cluster": "'; DROP TABLE x; --",
    "campaign": "<script>alert(1)</script>",
    "from": "yesterday",
    "to": "99",
    "hide": "payment,telepathy",
    "lane": "moon",
    "sel": ["nobody", "payment:nothing", "group:99999999999"],
    "view": "everything",
    "tier": "gold",
}


def labelled(app: AppTest, kind: str, label: str) -> Any:
    """The widget of a kind with a label."""
    return next(w for w in getattr(app, kind) if w.label == label)


def clean(app: AppTest) -> None:
    assert not app.exception, app.exception
    assert not re.search(r"<\s*(script|img|iframe|svg|object|embed|link|form|input)\b", html_of(app), re.I)
    assert "onerror=" not in re.sub(r"&lt;.*?&gt;", "", html_of(app))


@pytest.mark.parametrize("page", PAGES)
def test_without_data_the_page_leads_to_the_import(open_page: Open, page: str) -> None:
    app = open_page(page)
    clean(app)
    assert "Nothing imported yet" in words_of(app)
    assert [b.label for b in app.button] == ["Go to Data and import"]


@pytest.mark.parametrize("page", PAGES)
def test_without_a_run_the_page_leads_to_detection(open_page: Open, home: Path, imported: Path, page: str) -> None:
    shutil.copytree(imported, home, dirs_exist_ok=True)
    app = open_page(page)
    clean(app)
    assert "no detection run yet" in words_of(app)
    assert [b.label for b in app.button] == ["Go to Data and run detection"]


@pytest.mark.parametrize("page", PAGES)
def test_a_run_with_hostile_ids_is_shown_as_text(open_page: Open, hostile_home: Path, page: str) -> None:
    app = open_page(page, cluster=FIRST)
    clean(app)
    assert not app.error
    assert "http://198.51.100.9" not in "".join(str(m.value) for m in app.markdown)


@pytest.mark.parametrize("page", PAGES)
def test_nonsense_in_the_url_is_named_and_the_page_works(open_page: Open, hostile_home: Path, page: str) -> None:
    app = open_page(**NONSENSE)
    clean(app)
    said = words_of(app).replace("\\", "")
    assert "The link's cluster is" in said
    assert "telepathy" in said
    app.switch_page(f"pages/{page}.py").run()
    clean(app)
    assert not app.error


@pytest.mark.parametrize("page", PAGES)
def test_the_sample_world(open_page: Open, home: Path, detected: Path, page: str) -> None:
    shutil.copytree(detected, home, dirs_exist_ok=True)
    app = open_page(page)
    clean(app)
    assert not app.error
    assert not app.warning
    app.run()  # a second run of the script, everything cached
    clean(app)


def test_every_hostile_account_has_a_page(open_page: Open, hostile_home: Path) -> None:
    for name in fake_run.HOSTILE:
        app = open_page("account", account=name)
        clean(app)
        assert not app.warning, name
        assert "Why this score" in html_of(app)


def test_an_unknown_account_is_said_and_the_list_offered(open_page: Open, hostile_home: Path) -> None:
    app = open_page("account", account="acct_nobody<b>")
    clean(app)
    assert "There is no account" in app.warning[0].value
    assert len(app.dataframe) == 1


def test_an_unknown_cluster_leads_back_to_the_queue(open_page: Open, hostile_home: Path) -> None:
    app = open_page("cluster", cluster="C-ffffff")
    clean(app)
    assert "has no cluster" in app.error[0].value
    assert "Go to the queue" in [b.label for b in app.button]


def test_the_queue_is_in_rank_order_and_filters(open_page: Open, hostile_home: Path) -> None:
    app = open_page()
    assert "3 clusters wait for a verdict" in html_of(app)
    app.text_input(key="q").input("no such thing anywhere").run()
    clean(app)
    assert "Nothing matches" in html_of(app)


def test_a_claim_is_shown_and_given_back(open_page: Open, hostile_home: Path) -> None:
    app = open_page()
    app.button(key="claim").click().run()
    clean(app)
    with CaseStore.open(settings()) as store:
        held = store.queue_state()
        assert list(zip(held["cluster_id"], held["assignee"], strict=True)) == [(FIRST, "ana")]
    assert app.button(key="claim").label == "Release"
    app.button(key="claim").click().run()
    with CaseStore.open(settings()) as store:
        assert store.queue_state().empty


# AppTest reruns the whole script where a browser reruns a dialog alone, so dialogs are tested as scripts of their own.


def test_a_snoozed_cluster_leaves_the_queue(open_page: Open, hostile_home: Path) -> None:
    dialog = AppTest.from_string(f"from stillwatch.ui import cluster_view\ncluster_view.snooze('{FIRST}')").run()
    dialog.button[0].click().run()
    assert "Say what you are waiting for" in dialog.warning[0].value
    dialog.text_input(key="snooze_reason").input("waiting for the payment processor")
    dialog.button[0].click().run()
    assert not dialog.exception
    app = open_page()
    clean(app)
    assert "2 clusters wait for a verdict" in html_of(app)
    with CaseStore.open(settings()) as store:
        assert list(store.queue_state()["snooze_reason"]) == ["waiting for the payment processor"]


def test_a_second_cluster_joins_the_campaign_of_the_first(hostile_home: Path) -> None:
    with CaseStore.open(settings()) as store:
        store.create_campaign("cards <b>", [FIRST], "bo", "shared cards")
    dialog = AppTest.from_string(
        "from stillwatch.ui import kit, labelling\n"
        "labelling.dialog('C-a1b2c2', 'distillation', ['<i>why</i>'], 'R-20261120-120000-fa4e', None)"
    ).run()
    clean(dialog)
    dialog.selectbox[0].select("K-0001")
    dialog.text_area[0].input("the same cards again")
    dialog.button[0].click().run()
    assert not dialog.exception
    with CaseStore.open(settings()) as store:
        assert store.campaign("K-0001").cluster_ids == (FIRST, "C-a1b2c2")
        assert len(store.campaigns()) == 1
        assert store.labels()["target_id"].tolist() == ["C-a1b2c2"]


def test_take_the_next_claims_and_opens_it(open_page: Open, hostile_home: Path) -> None:
    app = open_page()
    next(b for b in app.button if b.label == "Take the next").click().run()
    clean(app)
    assert FIRST in html_of(app)
    assert "Competing explanations" in html_of(app)
    with CaseStore.open(settings()) as store:
        assert list(store.queue_state()["assignee"]) == ["ana"]


def test_a_label_on_a_cluster_is_saved_shown_and_opens_a_campaign(open_page: Open, hostile_home: Path) -> None:
    app = open_page("cluster", cluster=FIRST)
    labelled(app, "selectbox", "Label").select("distillation")
    labelled(app, "text_input", "Reason").input("cards shared <by> strangers")
    next(b for b in app.button if b.label == "Save label").click().run()
    clean(app)
    assert "Distillation for C\\-a1b2c1, by ana" in app.success[0].value
    assert "Campaign K\\-0001 was opened" in app.success[0].value
    assert "cards shared &lt;by&gt; strangers" in html_of(app)
    with CaseStore.open(settings()) as store:
        label = store.labels().iloc[0]
        assert (label["target_id"], label["value"], label["labeler"]) == (FIRST, "distillation", "ana")
        assert label["run_id"] == "R-20261120-120000-fa4e"
        assert list(store.campaigns()["cluster_ids"]) == [[FIRST]]


def test_nothing_typed_for_one_cluster_is_left_for_the_next(open_page: Open, hostile_home: Path) -> None:
    app = open_page("cluster", cluster=FIRST)
    labelled(app, "text_input", "Reason").input("only of the first").run()
    app.button(key="next").click().run()
    clean(app)
    assert "C-a1b2c2" in html_of(app)
    assert labelled(app, "text_input", "Reason").value == ""


def test_selected_accounts_are_labelled_not_the_cluster(open_page: Open, hostile_home: Path) -> None:
    app = open_page("cluster", cluster=FIRST, sel=["acct_100010", "acct_100011"])
    assert labelled(app, "selectbox", "Label what").value == "2 accounts in focus"
    labelled(app, "selectbox", "Label").select("benign")
    labelled(app, "text_input", "Reason").input("a family")
    next(b for b in app.button if b.label == "Save label").click().run()
    clean(app)
    with CaseStore.open(settings()) as store:
        labels = store.labels()
        assert sorted(labels["target_id"]) == ["acct_100010", "acct_100011"]
        assert set(labels["value"]) == {"benign"}


@pytest.mark.parametrize(("value", "reason"), [("unsure", ""), (None, "because")])
def test_a_label_without_value_or_reason_is_refused(
    open_page: Open, hostile_home: Path, value: str | None, reason: str
) -> None:
    app = open_page("cluster", cluster=FIRST)
    if value:
        labelled(app, "selectbox", "Label").select(value)
    labelled(app, "text_input", "Reason").input(reason)
    next(b for b in app.button if b.label == "Save label").click().run()
    assert len(app.warning) == 1
    with CaseStore.open(settings()) as store:
        assert store.labels().empty


def test_the_selection_filters_the_members_and_the_url_keeps_it(open_page: Open, hostile_home: Path) -> None:
    app = open_page("cluster", cluster=FIRST, sel=["acct_100010"])
    assert "In focus" in html_of(app)
    members = next(d.value for d in app.dataframe if "risk" in d.value)
    assert list(members["account"]) == ["acct_100010"]
    assert app.query_params["sel"] == "acct_100010"
    app.button(key="clear").click().run()
    clean(app)
    assert "sel" not in app.query_params
    members = next(d.value for d in app.dataframe if "risk" in d.value)
    assert len(members) == 220


def test_a_time_window_keeps_members_active_in_it(open_page: Open, home: Path, detected: Path) -> None:
    shutil.copytree(detected, home, dirs_exist_ok=True)
    first = open_page("cluster")
    cluster = first.query_params["cluster"]
    everybody = len(next(d.value for d in first.dataframe if "risk" in d.value))
    app = open_page("cluster", cluster=cluster, from_="2026-10-01T00:00", to="2026-10-02T00:00")
    clean(app)
    members = next(d.value for d in app.dataframe if "risk" in d.value)
    assert 0 < len(members) < everybody
    assert (members["window"] > 0).all()


def test_a_very_large_cluster_is_drawn_by_groups_until_asked(open_page: Open, home: Path) -> None:
    fake_run.publish(home, (3200,))
    app = open_page("cluster", cluster=FIRST)
    clean(app)
    assert "groups of" in html_of(app)
    draw_all = next(b for b in app.button if b.label.startswith("Draw all"))
    draw_all.click().run()
    clean(app)
    assert "Draw groups" in [b.label for b in app.button]


def test_the_name_in_the_menu_signs_what_is_done(open_page: Open, hostile_home: Path) -> None:
    app = open_page("cluster", cluster=FIRST)
    app.text_input(key="who_name").input("bo").run()
    app.button(key="claim").click().run()
    with CaseStore.open(settings()) as store:
        assert list(store.queue_state()["assignee"]) == ["bo"]


def test_a_run_published_meanwhile_is_told(open_page: Open, hostile_home: Path) -> None:
    app = open_page()
    fake_run.publish(hostile_home, (50,), run_id="R-20261121-120000-fa4f")
    app.run()
    clean(app)
    assert "A new detection run was published" in app.toast[0].value
    assert "1 cluster wait" in html_of(app)


def test_notes_on_the_timeline_are_listed_and_set_the_window(open_page: Open, hostile_home: Path) -> None:
    noon = fake_run.AS_OF - timedelta(days=5)
    with CaseStore.open(settings(hostile_home)) as store:
        for n, text in enumerate((*fake_run.HOSTILE[:6], "the newest")):
            store.annotate(FIRST, text, "<b>ana</b>", noon + timedelta(hours=n), noon + timedelta(hours=n + 1))
        store.take_back_annotation("N-0007", "bo", "wrong day")
    app = open_page("cluster", cluster=FIRST)
    clean(app)
    assert "6 notes" in words_of(app)
    assert "the newest" not in words_of(app)
    app.button(key="note_go_N-0001").click().run()
    clean(app)
    assert app.query_params["from"] == "2026-11-15T12:00"
    assert "6 notes" in words_of(app)  # the cells of this timeline are six hours wide
    assert labelled(app, "button", "Note on this window")
