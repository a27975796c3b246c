"""Pictures of every page, in both sizes and both themes, for people to look at.

    python benchmarks/screenshots.py OUT [--home DIR] [--only PAGE …] [--size WxH …] [--theme dark|light …]

Without ``--home`` the sample data is imported and detected first. A page name may carry a query, for example
``campaigns?campaign=K-0001``. Cluster and Account open on the first of the queue when they carry none.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from live_app import CHROMIUM_FLAGS, IDLE, find_chromium, running_app, sample_home
from stillwatch.config import settings
from stillwatch.errors import NothingYet
from stillwatch.warehouse import runs

PAGES = ("triage", "cluster", "account", "hunt", "campaigns", "summary", "detector", "evidence", "data", "audit")
SIZES = ("1600x1000", "1280x720")
THEMES = ("dark", "light")


def settle(page: Page) -> None:
    """Wait until no script runs and nothing is being drawn any more."""
    page.wait_for_selector("[data-testid=stApp]")
    page.wait_for_function(IDLE)
    page.wait_for_timeout(900)
    page.wait_for_function(IDLE)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    page.wait_for_timeout(300)


def _address(name: str, home: Path) -> str:
    """Path and query of a page; Cluster and Account need something to show."""
    if "?" in name or name not in ("cluster", "account"):
        return name
    try:
        run = runs.current(settings(home).runs)
    except NothingYet:
        return name
    clusters = run.frame("clusters", columns=["cluster_id", "rank"]).sort_values("rank")
    if clusters.empty:
        return name
    first = str(clusters["cluster_id"].iloc[0])
    if name == "cluster":
        return f"cluster?cluster={first}"
    accounts = run.frame("accounts", columns=["account_id"], filters=[("cluster_id", "=", first)])
    return f"account?account={accounts['account_id'].iloc[0]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--only", nargs="+", default=list(PAGES), metavar="PAGE")
    parser.add_argument("--size", nargs="+", default=list(SIZES), metavar="WxH")
    parser.add_argument("--theme", nargs="+", default=list(THEMES), choices=THEMES)
    parser.add_argument("--full", action="store_true", help="the whole page, not only the window")
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        sys.exit("no Chromium found: install one (Debian: apt-get install chromium) or set CHROME to its path")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() if options.home is None else nullcontext(str(options.home)) as place:
        home = options.home or sample_home(Path(place) / "home")
        with running_app(home) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(CHROMIUM_FLAGS))
            for theme in options.theme:
                for size in options.size:
                    width, height = (int(n) for n in size.split("x"))
                    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
                    page = context.new_page()
                    for name in options.only:
                        page.goto(f"{url}/{_address(name, home)}")
                        settle(page)
                        file = options.out / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower())}-{size}-{theme}.png"
                        if options.full:
                            content = page.locator("[data-testid=stMain]").evaluate("e => e.scrollHeight")
                            page.set_viewport_size({"width": width, "height": min(int(content) + 20, 6000)})
                            settle(page)
                        page.screenshot(path=file)
                        page.set_viewport_size({"width": width, "height": height})
                        print(file)
                    context.close()
            browser.close()


if __name__ == "__main__":
    main()
