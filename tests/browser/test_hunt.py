"""The hunt in a real browser: ask, look, open and come back, label everybody found, keep the question; the audit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import visit
from playwright.sync_api import Page, expect

from stillwatch.cases.store import CaseStore
from stillwatch.config import settings
from stillwatch.warehouse import runs


def test_from_a_value_to_labels_and_their_record(
    page: Page, world: Path, app_on: Callable[[Path], str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(world, home)
    url = app_on(home)
    rows = runs.current(settings(home).runs).frame("sightings", filters=[("kind", "=", "payment")])
    top = rows.sort_values(["sharers", "value"], ascending=[False, True]).iloc[0]
    card, many = str(top["value"]), int(top["sharers"])

    # Ask: type the token, press Enter; the figures and the link follow.
    visit.go(page, f"{url}/hunt")
    box = page.get_by_role("textbox", name="Id, token, card, address, name")
    box.fill(card)
    box.press("Enter")
    expect(page).to_have_url(re.compile(f"has=payment%3A{card}"))
    expect(page.get_by_role("button", name=re.compile(f"Label all {many}"))).to_be_visible()
    visit.idle(page)

    # Every view of the same answer.
    for view, sign in (("In common", "Everybody with it"), ("Timeline", "Ask for these days"), ("Graph", None)):
        page.get_by_role("radio", name=view).click()
        visit.idle(page)
        if sign:
            expect(visit.button(page, sign).first).to_be_visible()
    visit.drawn(page)
    expect(page).to_have_url(re.compile("show=graph"))
    link = page.url
    page.get_by_role("radio", name="Accounts").click()
    visit.idle(page)

    # Open one account and come back: the question is still there.
    grid = visit.settled(page, "[data-testid=stDataFrame] canvas")
    page.mouse.click(grid["x"] + 20, grid["y"] + 50)
    visit.idle(page)
    expect(page.get_by_role("button", name=re.compile("Label 1 ticked"))).to_be_visible()
    visit.press(page, "Account")
    expect(page).to_have_url(re.compile("/account"))
    expect(page.get_by_text("Why this score").first).to_be_visible()
    visit.menu(page, "Hunt")
    expect(page).to_have_url(re.compile(f"has=payment%3A{card}"))

    # Label everybody found: count and sample first, no reason no label.
    visit.press(page, f"Label all {many}")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(f"{many} accounts", exact=True)).to_be_visible()
    expect(dialog.get_by_text("A sample")).to_be_visible()
    dialog.get_by_role("combobox", name=re.compile("Label")).click()
    page.get_by_role("option", name="Benign").click()
    press = dialog.get_by_role("button", name=f"Label {many} accounts")
    press.click()
    expect(dialog.get_by_text(re.compile("needs a reason"))).to_be_visible()
    dialog.get_by_label("Reason").fill("=one family, seen with the processor")
    press.click()
    expect(page.get_by_text(re.compile(f"Saved: Benign for {many} accounts")).first).to_be_visible()
    with CaseStore.open(settings(home)) as store:
        labels = store.labels()
        assert len(labels) == many
        assert set(labels["value"]) == {"benign"}

    # Keep the question; the link alone brings a colleague to the same view.
    visit.button(page, "Saved").first.click()
    page.get_by_label("Name for this search").fill("one card <img src=x onerror=alert(1)>")
    visit.press(page, "Keep")
    expect(visit.button(page, "Saved 1").first).to_be_visible()
    visit.go(page, link)
    expect(page.get_by_role("radio", name="Graph")).to_be_checked()

    # The record: every label is on it, the chain is whole, the file holds no formula.
    visit.menu(page, "Audit")
    expect(page.get_by_text(re.compile(rf"{many + 1} rows, newest first"))).to_be_visible()
    visit.press(page, "Check the chain")
    expect(page.get_by_text(re.compile("The chain is whole"))).to_be_visible()
    with page.expect_download() as waiting:
        visit.button(page, "CSV").click()
    file = tmp_path / "log.csv"
    waiting.value.save_as(file)
    text = file.read_text()
    assert "'=one family" in text
    assert not re.search(r'(^|,)"?=', text, re.M)


def test_a_hostile_link_is_said_and_runs_nothing(page: Page, app_url: str) -> None:
    attack = quote("<img src=x onerror=alert(1)>![a](http://198.51.100.9/p.png)", safe="")
    for place in ("hunt", "audit"):
        visit.go(
            page,
            f"{app_url}/{place}?find={attack}&has=model:{attack}&has={attack}&plan={attack}&in={attack}"
            f"&show={attack}&who={attack}&words={attack}&since={attack}&p={attack}",
        )
        expect(page.get_by_text(re.compile("The link")).first).to_be_visible()
        expect(page.locator("h1").first).to_be_visible()
        assert page.locator("img[src*='198.51'], img[src='x']").count() == 0
