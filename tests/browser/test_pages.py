"""Every page by its own address: nothing from elsewhere, both themes, both window sizes; the summary prints."""

from __future__ import annotations

import pytest
import visit
from playwright.sync_api import Page, expect

PAGES = ("triage", "cluster", "account", "campaigns", "summary", "detector", "evidence", "data")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_page_opens_by_its_address(page: Page, app_url: str, theme: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 1280, "height": 720} if theme == "light" else {"width": 1600, "height": 1000})
    for name in PAGES:
        visit.go(page, f"{app_url}/{name}")
        expect(page.locator("h1").first).to_be_visible()
        assert page.get_by_test_id("stException").count() == 0
        wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth")
        assert wide <= 0, f"{name} is wider than the window by {wide} px"


def test_the_summary_prints_without_navigation(page: Page, app_url: str) -> None:
    visit.go(page, f"{app_url}/summary")
    expect(page.get_by_text("What we cannot see")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_test_id("stHeader")).not_to_be_visible()
    expect(page.get_by_text("What we cannot see")).to_be_visible()
    ground = page.locator(".stApp").evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


def test_keys_reach_everything_on_the_detector_page(page: Page, app_url: str) -> None:
    visit.go(page, f"{app_url}/detector")
    seen: set[str] = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate("document.activeElement.innerText || document.activeElement.getAttribute('aria-label') || ''")
        )
    assert any("Data" in s for s in seen)
    assert any("Go to the queue and label" in s or "Promote" in s for s in seen)
