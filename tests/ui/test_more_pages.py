"""Campaigns, Summary, Detector, Evidence, Data without a browser: no data, no run, a run, links that make no sense."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from stillwatch.cases.store import CaseStore
from stillwatch.config import Settings, settings
from stillwatch.evidence.seal import KEY_FILE
from stillwatch.pipeline import bundle
from stillwatch.ui.evidence_view import spoken

sys.path.insert(0, str(Path(__file__).parent))
import fake_run

APP = Path(__file__).resolve().parents[2] / "app.py"
PAGES = ("campaigns", "summary", "detector", "evidence", "data")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An empty home that the app works on."""
    monkeypatch.setenv("STILLWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STILLWATCH_USER", "Ada")
    monkeypatch.delenv("STILLWATCH_DATABASE_URL", raising=False)
    return settings()


@pytest.fixture
def with_run(home: Settings) -> Settings:
    fake_run.publish(home.home, sizes=(60, 40, 24, 12, 10))
    return home


def page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=30)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    app.switch_page(f"pages/{name}.py").run()
    return app


def text_of(app: AppTest) -> str:
    """Everything a reader sees, as far as AppTest shows it."""
    parts = [e.value for kind in ("markdown", "caption", "error", "warning", "info", "success") for e in app.get(kind)]
    parts += [e.proto.body for e in app.get("html")]
    return "\n".join(str(p) for p in parts)


def clusters(home: Settings) -> list[str]:
    from stillwatch.warehouse import runs

    return [str(c) for c in runs.current(home.runs).frame("clusters").sort_values("rank")["cluster_id"]]


def labelled(home: Settings) -> str:
    """Two groups called distillation, two benign, people who disagree; one campaign with a note. Gives its id."""
    ids = clusters(home)
    with CaseStore.open(home) as store:
        for cluster, value, by in (
            (ids[0], "distillation", "Ada"),
            (ids[0], "benign", "Bo"),
            (ids[1], "distillation", "Bo"),
            (ids[-1], "benign", "Ada"),
            (ids[-2], "benign", "Cy"),
        ):
            store.add_label("cluster", cluster, value, "<script>alert(1)</script> said so", by)
        campaign = store.create_campaign("![x](http://198.51.100.9/p.png) Loom", ids[:2], "Ada", "one payer")
        store.add_note(campaign, "**bold** <img src=x onerror=alert(1)>", "Bo")
    return campaign


@pytest.mark.parametrize("name", PAGES)
def test_without_data_every_page_says_what_to_do_next(home: Settings, name: str) -> None:
    app = page(name)
    assert not app.exception
    assert "Nothing imported yet" in text_of(app) or "No campaign to export" in text_of(app)
    assert app.button


@pytest.mark.parametrize("name", PAGES)
def test_with_a_run_but_no_decision_every_page_stands(with_run: Settings, name: str) -> None:
    app = page(name)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("name", PAGES)
def test_a_case_with_hostile_words_shows_them_as_words(with_run: Settings, name: str) -> None:
    labelled(with_run)
    app = page(name)
    assert not app.exception
    assert not app.error
    for block in app.get("html"):
        assert "<script>alert(1)" not in block.proto.body
        assert "<img" not in block.proto.body
    for block in app.get("markdown"):
        assert "![x](http" not in block.value


@pytest.mark.parametrize("name", PAGES)
def test_a_link_that_makes_no_sense_leaves_a_usable_page(with_run: Settings, name: str) -> None:
    app = page(name, campaign="K-999999", cluster="../../x", **{"from": "yesterday"})
    assert not app.exception
    assert "Stillwatch" not in text_of(app) or app.button


def test_an_unknown_campaign_is_named_and_the_registry_stays(with_run: Settings) -> None:
    labelled(with_run)
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    app.query_params["campaign"] = "K-0999"
    app.run()
    app.switch_page("pages/campaigns.py").run()
    assert not app.exception
    assert any("K-0999" in e.value.replace("\\", "") for e in app.error)
    assert len(app.dataframe) == 1


def test_a_campaign_is_told_decided_and_noted(with_run: Settings) -> None:
    campaign = labelled(with_run)
    app = page("campaigns", campaign=campaign)
    assert not app.exception
    story = text_of(app)
    for question in (
        "What is going on",
        "How much",
        "Since when",
        "What was asked for",
        "What was done",
        "How sure we are",
    ):
        assert question in story
    app.selectbox(key="campaign_new_status").select("confirmed")
    app.text_input(key="campaign_status_reason").input("billing agrees")
    next(b for b in app.button if b.label == "Save decision").click().run()
    assert not app.exception
    app.text_area[0].input("called the bank")
    next(b for b in app.button if b.label == "Add note").click().run()
    assert not app.exception
    with CaseStore.open(with_run) as store:
        now = store.campaign(campaign)
    assert now.status == "confirmed"
    assert now.statuses.iloc[-1]["reason"] == "billing agrees"
    assert now.statuses.iloc[-1]["decided_by"] == "Ada"
    assert now.notes.iloc[-1]["text"] == "called the bank"


def test_a_decision_without_a_reason_is_refused_in_words(with_run: Settings) -> None:
    campaign = labelled(with_run)
    app = page("campaigns", campaign=campaign)
    next(b for b in app.button if b.label == "Save decision").click().run()
    assert not app.exception
    assert app.error
    with CaseStore.open(with_run) as store:
        assert store.campaign(campaign).status == "open"


def test_likelihood_and_confidence_never_share_a_sentence(with_run: Settings) -> None:
    from stillwatch.domain import LIKELIHOOD_WORDS
    from stillwatch.ui import campaign_facts, campaign_story, campaigns_view
    from stillwatch.warehouse import runs

    campaign = labelled(with_run)
    run = runs.current(with_run.runs)
    with CaseStore.open(with_run) as store:
        told = store.campaign(campaign)
        size = campaign_facts.extent(told, {n: run.frame(n) for n in campaigns_view.TABLES})
        story = campaign_story.narrative(told, size, store.labels(), store.bundles(), campaigns_view.now())
    sure = next(s for s in story if s.question == "How sure we are")
    assert any(w in t for t in sure.sentences for w in LIKELIHOOD_WORDS)
    assert any("onfidence" in t for t in sure.sentences)
    assert not any("onfidence" in t and any(w in t for w in LIKELIHOOD_WORDS) for t in sure.sentences)


def test_detector_compares_promotes_and_shows_what_moved(with_run: Settings) -> None:
    from stillwatch.pipeline import learn

    labelled(with_run)
    report = learn.train(with_run, by="Ada")
    app = page("detector")
    assert not app.exception
    app.text_input(key="promote_reason").input("held up on what it had not seen")
    next(b for b in app.button if b.label == f"Promote {report.model_id}").click().run()
    assert not app.exception
    assert not app.error
    with CaseStore.open(with_run) as store:
        assert store.model_in_use() == report.model_id
        assert store.promotions().iloc[-1]["by"] == "Ada"
    assert "changed place" in text_of(app) or "did not change" in text_of(app)
    app.text_input(key="rollback_reason").input("too many innocents on top")
    next(b for b in app.button if b.label == "Roll back").click().run()
    assert not app.exception
    with CaseStore.open(with_run) as store:
        assert store.model_in_use() is None


def test_evidence_is_exported_with_its_reason_and_listed(with_run: Settings) -> None:
    campaign = labelled(with_run)
    app = page("evidence", campaign=campaign)
    assert not app.exception
    export = next(b for b in app.button if b.label == "Export")
    export.click().run()
    assert [w.value for w in app.warning]
    app.text_input(key="evidence_reason").input("for legal")
    next(b for b in app.button if b.label == "Export").click().run()
    assert not app.exception
    assert not app.error
    with CaseStore.open(with_run) as store:
        bundles = store.bundles()
    assert list(bundles["campaign_id"]) == [campaign]
    assert bundles.iloc[0]["reason"] == "for legal"
    assert bundles.iloc[0]["sha256"] in text_of(app)


@pytest.mark.parametrize("harm", ["gone", "open to others", "damaged"])
def test_without_its_signing_key_the_evidence_page_shows_the_rest(with_run: Settings, harm: str) -> None:
    campaign = labelled(with_run)
    made = bundle.export(with_run, campaign, by="Ada")
    file = with_run.keys / KEY_FILE
    app = page("evidence", campaign=campaign)
    assert not app.error
    assert not next(b for b in app.button if b.label == "Export").disabled
    pem = file.read_bytes()
    if harm == "gone":
        file.unlink()
    elif harm == "open to others":
        file.chmod(0o644)
    else:
        file.write_text("no key at all")
    app.run()
    assert not app.exception
    assert [w in app.error[0].value.replace("\\", "") for w in (KEY_FILE, str(with_run.keys))] == [True, True]
    assert next(b for b in app.button if b.label == "Export").disabled
    assert made.sha256 in text_of(app)
    assert spoken(made.fingerprint) in text_of(app)
    assert [b.label for b in app.get("download_button") if not b.proto.disabled] == ["Download .zip"]
    assert any(b.label == "Verify" for b in app.button)
    file.write_bytes(pem)
    file.chmod(0o600)
    app.run()
    assert not app.error
    assert not next(b for b in app.button if b.label == "Export").disabled


def test_looking_at_the_evidence_page_makes_no_key(with_run: Settings) -> None:
    labelled(with_run)
    assert not page("evidence").error
    assert not (with_run.keys / KEY_FILE).exists()


def test_without_a_run_the_evidence_page_still_verifies(with_run: Settings) -> None:
    made = bundle.export(with_run, labelled(with_run), by="Ada")
    (with_run.runs / "CURRENT").unlink()
    app = page("evidence")
    assert not app.exception
    assert made.sha256 in text_of(app)
    assert any(b.label == "Verify" for b in app.button)
    assert not any(b.label == "Export" for b in app.button)


def test_a_table_of_ten_thousand_campaign_accounts_is_cut_with_words(home: Settings) -> None:
    from stillwatch.ui import campaign_members

    fake_run.publish(home.home, sizes=(2_400, 8))
    with CaseStore.open(home) as store:
        campaign = store.create_campaign("Big", clusters(home), "Ada", "size test")
    app = page("campaigns", campaign=campaign)
    assert not app.exception
    assert f"The {campaign_members.SHOWN_ACCOUNTS:,} highest scores" in text_of(app)


def test_a_newly_published_run_is_what_the_pages_show(home: Settings) -> None:
    fake_run.publish(home.home, sizes=(30, 12))
    app = page("summary")
    before = accounts_in_groups(app)
    fake_run.publish(home.home, sizes=(30, 12, 9), run_id="R-20261121-120000-beef")
    app.run()
    assert not app.exception
    assert accounts_in_groups(app) == before + 9


def accounts_in_groups(app: AppTest) -> int:
    """Sum of the accounts column of the likelihood table on the Summary page."""
    body = next(e.proto.body for e in app.get("html") if "Likelihood" in e.proto.body)
    rows = re.findall(r"<tr>(.*?)</tr>", body.split("<tbody>")[1])
    return sum(int(re.findall(r">([^<]*)</td>", row)[-1].replace(",", "")) for row in rows)
