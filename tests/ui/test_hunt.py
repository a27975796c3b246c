"""The hunt page: every state of a home, from a question to labels, hostile text, kept questions; and its engine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import fake_run
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from page_reading import Open, html_of, words_of
from streamlit.testing.v1 import AppTest

from stillwatch.cases.store import CaseStore
from stillwatch.config import settings
from stillwatch.pipeline.search import Hunt
from stillwatch.ui import hunt_facts
from stillwatch.warehouse import runs
from stillwatch.warehouse.run_schema import RUN_TABLES
from stillwatch.warehouse.searching import Search, Term
from stillwatch.warehouse.store import Warehouse

NOBODY: Mapping[str, str] = {}


def clean(app: AppTest) -> None:
    assert not app.exception, app.exception
    assert not re.search(r"<\s*(script|img|iframe|svg|object|embed|link|form|input)\b", html_of(app), re.I)


def widget(app: AppTest, kind: str, label: str) -> Any:
    return next(w for w in getattr(app, kind) if w.label == label)


@pytest.fixture
def sample(home: Path, detected: Path) -> Path:
    shutil.copytree(detected, home, dirs_exist_ok=True)
    return home


@pytest.fixture
def hunt(detected: Path) -> Hunt:
    cfg = settings(detected)
    return Hunt(cfg, runs.current(cfg.runs), Warehouse.open(cfg))


def busiest(home: Path, kind: str) -> tuple[str, int]:
    """The value of a kind that most accounts share."""
    rows = runs.current(settings(home).runs).frame("sightings", filters=[("kind", "=", kind)])
    top = rows.sort_values(["sharers", "value"], ascending=[False, True]).iloc[0]
    return str(top["value"]), int(top["sharers"])


def test_without_data_and_without_a_run(open_page: Open, home: Path, imported: Path) -> None:
    app = open_page("hunt")
    clean(app)
    assert [b.label for b in app.button] == ["Go to Data and import"]
    shutil.copytree(imported, home, dirs_exist_ok=True)
    app = open_page("hunt")
    clean(app)
    assert [b.label for b in app.button] == ["Go to Data and run detection"]


@pytest.mark.parametrize("show", ["table", "shared", "graph", "timeline"])
def test_every_view_of_everything_and_of_a_value(open_page: Open, sample: Path, show: str) -> None:
    card, _ = busiest(sample, "payment")
    for more in ({}, {"has": f"payment:{card}"}, {"has": "payment:nobody-has-this"}, {"find": "no such id"}):
        app = open_page("hunt", show=show, **more)
        clean(app)
        assert not app.error
        assert not app.warning
        assert ("Nobody is found" in html_of(app)) == any(w in str(more) for w in ("nobody-has", "no such"))


def test_from_a_typed_value_to_labels_on_everybody_with_it(open_page: Open, sample: Path) -> None:
    card, many = busiest(sample, "payment")
    app = open_page("hunt")
    widget(app, "text_input", "Id, token, card, address, name").input(card)
    widget(app, "button", "Search").click().run()
    clean(app)
    assert app.query_params["has"] in (f"payment:{card}", [f"payment:{card}"])
    assert f"<dd>{many}<small>" in html_of(app)
    assert f"Label all {many}" in [b.label for b in app.button]


DIALOG = """
from stillwatch.ui import hunt_facts, hunt_label, session
from stillwatch.warehouse.searching import Search, Term
run = session.current_run()
search = Search(terms=(Term("payment", {card!r}),))
standing = hunt_facts.account_labels(session.labels())
question, hunt = hunt_facts.question(run, search, standing), hunt_facts.hunt(run)
hunt_label.dialog(run, question, hunt, standing, {ticked!r}, {many})
"""
"""AppTest reruns the whole script where a browser reruns a dialog alone, so the dialog is a script of its own."""


def test_a_bulk_label_shows_count_and_sample_and_needs_a_reason(sample: Path) -> None:
    card, many = busiest(sample, "payment")
    dialog = AppTest.from_string(DIALOG.format(card=card, ticked=[], many=many), default_timeout=60).run()
    clean(dialog)
    assert f"<b>{many} accounts</b>" in html_of(dialog)
    assert f"{many} without a label" in html_of(dialog)
    assert len(dialog.dataframe[0].value) == min(8, many)
    dialog.button[0].click().run()
    assert "Choose a label first" in dialog.warning[0].value
    dialog.selectbox[0].set_value("other_abuse")
    dialog.button[0].click().run()
    assert "needs a reason" in dialog.warning[0].value
    with CaseStore.open(settings(sample)) as store:
        assert store.labels().empty
    dialog.text_area[0].input("=one card")
    assert dialog.button[0].label == f"Label {many} accounts"
    dialog.button[0].click().run()
    clean(dialog)
    with CaseStore.open(settings(sample)) as store:
        labels = store.labels()
        assert len(labels) == many
        assert set(labels["value"]) == {"other_abuse"}
        assert set(labels["reason"]) == {"=one card"}
        assert store.verify_chain() == (True, None)
    rows = runs.current(settings(sample).runs).frame("sightings", filters=[("kind", "=", "payment")])
    assert set(labels["target_id"]) == set(rows[rows["value"] == card]["account_id"])


def test_ticked_accounts_alone_are_labelled(sample: Path) -> None:
    two = list(runs.current(settings(sample).runs).frame("accounts")["account_id"][:2])
    dialog = AppTest.from_string(DIALOG.format(card="x", ticked=two, many=99), default_timeout=60).run()
    clean(dialog)
    dialog.selectbox[0].set_value("unsure")
    dialog.text_area[0].input("looked at both")
    dialog.button[0].click().run()
    with CaseStore.open(settings(sample)) as store:
        assert sorted(store.labels()["target_id"]) == sorted(two)


def test_a_question_is_kept_under_a_name_and_opens_again(open_page: Open, sample: Path) -> None:
    app = open_page("hunt", plan="free", show="timeline")
    widget(app, "text_input", "Name for this search").input("<b>free</b> [x](http://198.51.100.9)")
    widget(app, "button", "Keep").click().run()
    clean(app)
    with CaseStore.open(settings(sample)) as store:
        kept = store.searches().iloc[0]
    assert kept["query"] == "plan=free&show=timeline"
    assert kept["found"] > 0
    other = open_page("hunt")
    next(b for b in other.button if b.key == "hunt_open_S-0001").click().run()
    clean(other)
    assert other.query_params["plan"] in ("free", ["free"])
    next(b for b in other.button if b.key == "hunt_drop_S-0001").click().run()
    with CaseStore.open(settings(sample)) as store:
        assert store.searches().empty


def test_nonsense_in_the_url_is_named_and_the_page_works(open_page: Open, sample: Path) -> None:
    app = open_page("hunt", has=["telepathy:1", "payment"], since="never", show="dance", p="x", least="-3")
    clean(app)
    said = words_of(app).replace("\\", "")
    for word in ("telepathy", "never", "dance", "least score"):
        assert word in said
    assert "Nothing is asked yet" in said


def test_a_run_of_an_earlier_version_says_what_to_do(open_page: Open, sample: Path) -> None:
    run = runs.current(settings(sample).runs)
    run.file("sightings").unlink()
    app = open_page("hunt", find="a")
    clean(app)
    assert not app.error
    app = open_page("hunt", has="model:x")
    clean(app)
    assert "lists no values to search for" in words_of(app)


def test_hostile_names_of_values_stay_text(open_page: Open, home: Path) -> None:
    run = fake_run.publish(home)
    rows = [
        {"kind": kind, "value": text, "account_id": account, "sharers": 2, "uses": 3,
         "first_seen": fake_run.AS_OF - timedelta(days=3), "last_seen": fake_run.AS_OF}
        for kind in ("card", "client", "model", "<b>kind</b>")
        for text in fake_run.HOSTILE
        for account in fake_run.HOSTILE[:2]
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=RUN_TABLES["sightings"].schema)
    pq.write_table(table.sort_by([("kind", "ascending"), ("value", "ascending")]), run.file("sightings"))
    for text in fake_run.HOSTILE[:6]:
        for show in ("table", "shared", "graph", "timeline"):
            app = open_page("hunt", has=[f"client:{text}", f"<b>kind</b>:{text}"], show=show)
            clean(app)
            assert not app.error
            assert "http://198.51.100.9" not in "".join(str(m.value) for m in app.markdown)
    labels = [str(p) for p in app.button_group] + [b.label for b in app.button]
    assert not any("](http" in text for text in labels)


# --- the engine against the run's own tables -------------------------------------------------------------------------


def test_pages_cover_everything_once_with_an_exact_count(hunt: Hunt) -> None:
    first = hunt.page(Search(), NOBODY, 0, 70)
    seen = [a for start in range(0, first.total, 70) for a in hunt.page(Search(), NOBODY, start, 70).rows["account_id"]]
    assert len(seen) == len(set(seen)) == first.total
    beyond = hunt.page(Search(), NOBODY, first.total + 500, 70)
    assert beyond.total == first.total
    assert beyond.rows.empty


@pytest.mark.parametrize("kind", ["payment", "model", "client", "subnet", "template", "session", "system", "outcome"])
def test_a_value_finds_exactly_the_accounts_that_have_it(detected: Path, hunt: Hunt, kind: str) -> None:
    value, many = busiest(detected, kind)
    found = set(hunt.ids(Search(terms=(Term(kind, value),)), NOBODY, 10_000))
    warehouse = Warehouse.open(settings(detected))
    column = hunt_facts.REQUEST_KINDS.get(kind)
    if column:
        table = warehouse.table("requests")
        rows = table.filter(table[column] == value)
    else:
        table = warehouse.table("identifiers")
        rows = table.filter((table.kind == kind) & (table.value == value))
    assert found == set(rows.select("account_id").distinct().to_pandas()["account_id"])
    assert len(found) == many


def test_a_conversation_of_one_account_is_found_in_the_requests(detected: Path, hunt: Hunt) -> None:
    requests = Warehouse.open(settings(detected)).table("requests")
    tally = requests.group_by("session_id").aggregate(n=requests.account_id.nunique(), a=requests.account_id.min())
    lone = tally.filter((tally.n == 1) & tally.session_id.notnull()).order_by("session_id").limit(1).to_pandas()
    search = Search(terms=(Term("session", str(lone["session_id"][0])),))
    assert hunt.ids(search, NOBODY, 10) == [lone["a"][0]]


def test_a_window_counts_days_of_use_exactly(detected: Path, hunt: Hunt) -> None:
    requests = Warehouse.open(settings(detected)).table("requests").select("account_id", "day", "model").to_pandas()
    model = requests["model"].value_counts().index[-1]
    day = sorted(requests["day"].unique())[len(requests["day"].unique()) // 2]
    until = day + timedelta(days=1)
    inside = requests[(requests["day"] >= day) & (requests["day"] <= until)]
    some_day = day.date() if hasattr(day, "date") else day
    window = {"since": some_day, "until": some_day + timedelta(days=1)}
    assert set(hunt.ids(Search(**window), NOBODY, 10_000)) == set(inside["account_id"])
    used = Search(terms=(Term("model", str(model)),), **window)
    assert set(hunt.ids(used, NOBODY, 10_000)) == set(inside[inside["model"] == model]["account_id"])
    days = hunt.activity(Search(), NOBODY)
    assert days["requests"].sum() == len(requests)


def test_kinds_must_all_hold_and_values_of_one_kind_are_alternatives(detected: Path, hunt: Hunt) -> None:
    rows = runs.current(settings(detected).runs).frame("sightings")

    def having(kind: str, value: str) -> set[str]:
        return set(rows[(rows["kind"] == kind) & (rows["value"] == value)]["account_id"])

    one, two = sorted(rows[rows["kind"] == "model"]["value"].unique())[:2]
    client, _ = busiest(detected, "client")
    terms = (Term("model", one), Term("model", two), Term("client", client))
    found = set(hunt.ids(Search(terms=terms), NOBODY, 10_000))
    assert found == (having("model", one) | having("model", two)) & having("client", client)


def test_words_of_accounts_clusters_scores_and_labels_narrow(detected: Path, hunt: Hunt) -> None:
    accounts = runs.current(settings(detected).runs).frame("accounts")
    inside = accounts[accounts["cluster_id"].notna()]
    assert set(hunt.ids(Search(cluster="in"), NOBODY, 10_000)) == set(inside["account_id"])
    one = inside["cluster_id"].iloc[0]
    assert set(hunt.ids(Search(cluster=one), NOBODY, 10_000)) == set(inside[inside["cluster_id"] == one]["account_id"])
    assert set(hunt.ids(Search(least=0.5), NOBODY, 10_000)) == set(accounts[accounts["score"] >= 0.5]["account_id"])
    free = accounts[(accounts["plan"] == "free") & (accounts["status"] == "banned")]
    found = hunt.ids(Search(plans=("free",), statuses=("banned",)), NOBODY, 10_000)
    assert set(found) == set(free["account_id"])
    a, b = accounts["account_id"].iloc[0], accounts["account_id"].iloc[1]
    labels = {a: "benign", b: "distillation"}
    assert hunt.ids(Search(label="benign"), labels, 10) == [a]
    assert set(hunt.ids(Search(label="some"), labels, 10)) == {a, b}
    assert len(hunt.ids(Search(label="none"), labels, 10_000)) == len(accounts) - 2
    assert a in hunt.ids(Search(text=a[1:].upper()), NOBODY, 10_000)
    assert hunt.ids(Search(text="%"), NOBODY, 10) == []


def test_a_value_in_clear_is_found_by_its_token_and_never_returned(tmp_path: Path) -> None:
    import worlds_in_clear

    cfg = worlds_in_clear.detected(tmp_path)
    hunt = Hunt(cfg, runs.current(cfg.runs), Warehouse.open(cfg))
    kinds = ("device", "email", "ip", "subnet", "client")
    for typed, kind in (
        ("DEV-1", "device"),
        ("203.0.113.7", "ip"),
        ("x@y.example", "email"),
        ("203.0.113.0/24", "subnet"),
    ):
        for asked in (kind, None):
            found = hunt.recognise(typed, asked, kinds)
            if kind == "subnet" and asked is None:
                continue
            assert found[0].kind in (kind, "ip", "subnet"), (typed, asked)
            assert typed not in str(found)
            assert hunt.page(Search(terms=found[:1] and (found[0],)), NOBODY).total == 2
    assert hunt.recognise("curl/8", None, kinds) == [Term("client", "curl/8")]
    assert hunt.recognise("nobody has this", None, kinds) == []
    assert hunt.recognise("   ", None, kinds) == []


def test_what_they_have_in_common_counts_here_and_everywhere(detected: Path, hunt: Hunt) -> None:
    card, many = busiest(detected, "payment")
    search = Search(terms=(Term("payment", card),))
    shared = hunt.shared(search, NOBODY).set_index(["kind", "value"])
    assert shared.loc[("payment", card), "here"] == shared.loc[("payment", card), "everywhere"] == many
    rows = runs.current(settings(detected).runs).frame("sightings")
    found = set(hunt.ids(search, NOBODY, 10_000))
    for (kind, value), row in shared.head(12).iterrows():
        own = rows[(rows["kind"] == kind) & (rows["value"] == value)]
        assert row["everywhere"] == len(own)
        assert row["here"] == own["account_id"].isin(found).sum() > 1


def test_what_is_as_common_elsewhere_comes_after_what_is_rare_there(detected: Path, hunt: Hunt) -> None:
    card, _ = busiest(detected, "payment")
    shared = hunt.shared(Search(terms=(Term("payment", card),)), NOBODY, 1_000)
    everybody = len(runs.current(settings(detected).runs).frame("accounts"))
    found = hunt.page(Search(terms=(Term("payment", card),)), NOBODY).total
    bits = np.log2((shared["here"] / shared["everywhere"]) / (found / everybody)) * shared["here"]
    assert (shared["kind"].iloc[0], shared["value"].iloc[0]) == ("payment", card)
    assert (np.diff(bits.to_numpy()) <= 1e-3).all()
    assert bits.iloc[-1] < bits.iloc[0]
