"""Text that attacks: ids, names and reasons that want to be a script, a formula, an image or a path. They stay text."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import visit
from playwright.sync_api import Page, expect

from stillwatch.cases.store import CaseStore
from stillwatch.config import settings
from stillwatch.warehouse import runs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ui"))
import fake_run

EVIL = (
    "<script>window.__hacked=1</script>",
    "=cmd|' /C calc'!A1",
    "![x](http://198.51.100.9/x.png)",
    "<img src=http://198.51.100.9/y.png onerror=window.__hacked=1>",
    "../../../etc/passwd",
    "[click](javascript:window.__hacked=1)",
    "long-" + "x" * 10_000,
)


def unharmed(page: Page) -> None:
    """Nothing ran; foreign requests and dialogs are caught by the ``page`` fixture."""
    assert page.evaluate("window.__hacked") is None
    assert page.locator("img[src*='198.51.100']").count() == 0


def write(folder: Path, name: str, rows: list[dict[str, str]]) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def evil_folder(tmp_path: Path) -> Path:
    """A data set whose accounts, models and broken values attack; the id of 10 kB and three bad dates are set aside."""
    folder = tmp_path / "<b>export"
    write(
        folder,
        "accounts",
        [{"account_id": e, "created_at": "2026-10-01T00:00:00Z", "plan": EVIL[0]} for e in EVIL]
        + [{"account_id": f"fine-{i}", "created_at": EVIL[i], "plan": ""} for i in range(3)],
    )
    write(
        folder,
        "requests",
        [
            {
                "request_id": f"r{i}-{j}",
                "account_id": e,
                "ts": f"2026-10-{2 + j:02d}T0{i}:00:00Z",
                "model": EVIL[3],
                "client": EVIL[2],
                "ip": "203.0.113.7",
                "prompt": f"{EVIL[0]} write number {j}",
            }
            for i, e in enumerate(EVIL)
            for j in range(4)
        ],
    )
    write(folder, "identifiers", [{"account_id": e, "kind": "payment", "value": EVIL[1]} for e in EVIL])
    return folder


def test_a_hostile_import_is_shown_as_text(
    page: Page, app_on: Callable[[Path], str], evil_folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    url = app_on(home)
    visit.go(page, f"{url}/data")
    expect(page.get_by_text("Nothing imported yet")).to_be_visible()
    page.get_by_role("textbox", name="File or folder").fill(str(evil_folder))
    page.get_by_role("button", name="Import", exact=True).first.click()
    expect(page.get_by_text("has seen all of it")).to_be_visible()
    visit.idle(page)
    unharmed(page)
    expect(page.get_by_role("tab", name="Rows set aside · 9")).to_be_visible()
    with page.expect_download() as waiting:
        visit.button(page, "Download all rows set aside").click()
    cells = [c for row in csv.reader(Path(waiting.value.path()).read_text().splitlines()) for c in row]
    assert not any(c.lstrip().startswith(("=", "+", "@")) for c in cells)
    known = set(runs.current(settings(home).runs).frame("accounts")["account_id"])
    assert set(EVIL[:6]) <= known
    for account in EVIL[:4]:
        visit.go(page, f"{url}/account?account={quote(account)}")
        expect(page.locator("h1").first).to_be_visible()
        unharmed(page)
    for name in ("triage", "summary", "campaigns", "detector", "data"):
        visit.go(page, f"{url}/{name}")
        unharmed(page)


def test_every_page_of_a_hostile_case_stays_calm(page: Page, app_on: Callable[[Path], str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    run = fake_run.publish(home, sizes=(40, 12))
    cluster = str(run.frame("clusters")["cluster_id"].iloc[0])
    with CaseStore.open(settings(home)) as store:
        campaign = store.create_campaign(EVIL[2], [cluster], EVIL[0], EVIL[3])
        store.add_note(campaign, f"{EVIL[0]} {EVIL[2]} {EVIL[5]}", EVIL[3])
        store.add_label("cluster", cluster, "distillation", EVIL[0], EVIL[2])
        store.set_status(campaign, "in_review", EVIL[0], EVIL[2])
        store.annotate(cluster, f"{EVIL[0]} {EVIL[2]} {EVIL[5]}", EVIL[3], fake_run.AS_OF - timedelta(days=5))
    url = app_on(home)
    hostile = str(run.frame("accounts", filters=[("cluster_id", "=", cluster)])["account_id"].iloc[0])
    for address in (
        "triage",
        f"cluster?cluster={cluster}",
        "account",
        "campaigns",
        f"campaigns?campaign={campaign}",
        "summary",
        "detector",
        f"evidence?campaign={campaign}",
        "data",
        "cluster?cluster=<script>window.__hacked=1</script>&lane=<img>&from=yesterday&sel=<script>",
    ):
        visit.go(page, f"{url}/{address}")
        expect(page.locator("h1").first).to_be_visible()
        unharmed(page)
    visit.go(page, f"{url}/cluster?cluster={cluster}")
    visit.click_node(page, hostile)
    unharmed(page)
