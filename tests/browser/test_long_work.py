"""Long work started from a page: progress is shown, other pages stay usable, a stop leaves the last good state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import visit
from playwright.sync_api import Page, expect

from stillwatch.config import settings
from stillwatch.warehouse import runs


def test_detection_runs_beside_the_pages_and_can_be_stopped(page: Page, app_url: str, world: Path) -> None:
    before = runs.current(settings(world).runs).run_id
    visit.go(page, f"{app_url}/data")
    visit.button(page, "Run detection").click()
    expect(visit.button(page, "Stop")).to_be_visible()
    visit.menu(page, "Summary")
    expect(page.get_by_text("Campaigns by status")).to_be_visible()
    visit.menu(page, "Data")
    visit.button(page, "Stop").click()
    expect(page.get_by_text("Stopped. What was published before is as it was")).to_be_visible()
    assert runs.current(settings(world).runs).run_id == before
    visit.idle(page)
    expect(visit.button(page, "Run detection")).to_be_enabled()
    visit.button(page, "Hide").click()
    expect(page.get_by_text("Stopped. What was published before")).not_to_be_visible()


def test_an_import_that_cannot_work_says_why(page: Page, app_on: Callable[[Path], str], tmp_path: Path) -> None:
    broken = tmp_path / "requests.parquet"
    broken.write_bytes(b"PAR1 this is cut off")
    url = app_on(tmp_path / "home")
    visit.go(page, f"{url}/data")
    page.get_by_role("textbox", name="File or folder").fill(str(broken))
    page.get_by_role("button", name="Import", exact=True).first.click()
    alert = page.get_by_test_id("stAlert").first
    expect(alert).to_contain_text("requests.parquet")
    expect(page.get_by_text("Nothing imported yet")).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(
        [{"name": "../../accounts.csv", "mimeType": "text/csv", "buffer": b"account_id,created_at\na,2026-10-01\n"},
         {"name": "identifiers.csv", "mimeType": "text/csv", "buffer": b"account_id,kind,value\na,payment,t1\n"}]
    )  # fmt: skip
    page.get_by_role("tab", name="Upload files").click()
    expect(page.get_by_text("identifiers.csv")).to_be_visible()
    page.get_by_text("Run detection afterwards").last.click()
    visit.press(page, "Upload and import")
    expect(page.get_by_text("Sources and imports")).to_be_visible()
    home = tmp_path / "home"
    assert not list(home.glob(".upload-*"))
    assert not (tmp_path / "accounts.csv").exists()
