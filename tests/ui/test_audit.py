"""The audit page: filters, pages, one row in full, the chain in words, the log as a harmless file."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path

import fake_run
import pytest
from page_reading import Open, html_of, words_of
from sqlalchemy import create_engine, text
from streamlit.testing.v1 import AppTest

from stillwatch.cases.store import CaseStore
from stillwatch.cases.trail import Wanted
from stillwatch.config import settings
from stillwatch.ui import audit_facts
from stillwatch.ui.audit_facts import Shown, chain_words, parse, to_params


def clean(app: AppTest) -> None:
    assert not app.exception, app.exception
    assert not re.search(r"<\s*(script|img|iframe|svg|object|embed|link|form|input)\b", html_of(app), re.I)


@pytest.fixture
def filled(hostile_home: Path) -> Path:
    """130 rows: hostile reasons and targets by Ana, 120 claims by Bo, one refused."""
    with CaseStore.open(settings(hostile_home)) as store:
        for name in fake_run.HOSTILE:
            store.add_label("account", name, "unsure", f"because {name}", f"Ana {name[:20]}")
        for n in range(120):
            store.claim(f"C-{n:06x}", "Bo")
        with pytest.raises(Exception, match="Bo is working on"):
            store.claim("C-000001", "Ana")
    return hostile_home


def test_an_empty_log_and_no_data_lead_on(open_page: Open, home: Path) -> None:
    app = open_page("audit")
    clean(app)
    assert "Nothing on record" in html_of(app)
    next(b for b in app.button if b.label == "Check the chain").click().run()
    clean(app)
    assert "The log is empty" in words_of(app)


def test_rows_newest_first_in_pages(open_page: Open, filled: Path) -> None:
    app = open_page("audit")
    clean(app)
    assert "128 rows, newest first" in html_of(app)
    first = app.dataframe[0].value
    assert len(first) == 100
    assert first["seq"].iloc[0] == 128
    assert first["outcome"].iloc[0] == "Refused"
    app = open_page("audit", p="2")
    assert list(app.dataframe[0].value["seq"]) == list(range(28, 0, -1))
    app = open_page("audit", p="99")
    clean(app)
    assert app.dataframe[0].value["seq"].iloc[-1] == 1


def test_filters_are_in_the_link(open_page: Open, filled: Path) -> None:
    app = open_page("audit", did="label")
    assert f"{len(fake_run.HOSTILE)} rows" in html_of(app)
    app = open_page("audit", words="passwd")
    assert len(app.dataframe[0].value) == 1
    app = open_page("audit", who="nobody of that name")
    clean(app)
    assert "No row of the log fits" in html_of(app)
    app = open_page("audit")
    next(s for s in app.selectbox if s.label == "Outcome").set_value("refused").run()
    clean(app)
    assert app.query_params["ended"] in ("refused", ["refused"])
    assert len(app.dataframe[0].value) == 1
    next(b for b in app.button if b.label == "Clear").click().run()
    assert "128 rows" in html_of(app)


def test_the_chain_is_checked_in_words(open_page: Open, filled: Path) -> None:
    app = open_page("audit")
    next(b for b in app.button if b.label == "Check the chain").click().run()
    assert "The chain is whole: all 128 rows" in app.success[0].value.replace("\\", "")
    engine = create_engine(settings(filled).database_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET reason = 'nothing' WHERE seq = 5"))
    engine.dispose()
    next(b for b in app.button if b.label == "Check the chain").click().run()
    clean(app)
    assert "The chain breaks at row 5" in app.error[0].value.replace("\\", "")
    assert chain_words(True, None, 0, "").startswith("The log is empty")


def test_nonsense_in_the_link_is_named(open_page: Open, filled: Path) -> None:
    app = open_page("audit", ended="maybe", since="soon", until="9999-99-99", p="<b>")
    clean(app)
    said = words_of(app).replace("\\", "")
    for word in ("maybe", "soon", "9999-99-99", "<b>"):
        assert word in said or word.replace("<", "&lt;").replace(">", "&gt;") in said
    assert "128 rows" in html_of(app)


def test_filters_survive_the_url() -> None:
    shown = Shown("<b>Ana", "label", "done", "account", "a&b=c", date(2026, 1, 2), date(2026, 1, 3), 4)
    assert parse(to_params(shown)) == (shown, ())
    assert parse({}) == (Shown(), ())
    assert parse({"words": ["a\x00b"]})[0].search == "ab"


def test_the_file_holds_every_row_and_no_formula(filled: Path) -> None:
    with CaseStore.open(settings(filled)) as store:
        store.add_label("account", fake_run.HOSTILE[1], "benign", "=HYPERLINK(1)", "@Eve")
        rows = store.trail(Wanted(), 0, None)
    read = list(csv.DictReader(io.StringIO(audit_facts.to_csv(rows).decode())))
    assert len(read) == 129
    assert read[0]["reason"] == "'=HYPERLINK(1)"
    assert read[0]["actor"] == "'@Eve"
    assert not any(cell and cell[0] in "=+-@\t\r" for row in read for cell in row.values())
