"""Browser tests: the real app, a real Chromium, and no request to any other host.

One app and one browser serve the whole session. The sample world is imported and detected once; a test that needs a
world of its own asks for ``app_on``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from live_app import CHROMIUM_FLAGS, find_chromium, install_chromium, running_app, sample_home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = find_chromium() or install_chromium()
    if chromium is None:
        words = "no Chromium found: install one (Debian: apt-get install chromium) or set CHROME to its path"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(words, pytrace=False)
        pytest.skip(words)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(CHROMIUM_FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home with the sample data imported and detection run once."""
    return sample_home(tmp_path_factory.mktemp("sample") / "home")


@pytest.fixture(scope="session")
def app_url(world: Path) -> Iterator[str]:
    with running_app(world) as url:
        yield url


@pytest.fixture
def app_on() -> Iterator[Callable[[Path], str]]:
    """Starts the app on another home; it stops with the test."""
    with ExitStack() as stack:
        yield lambda home: stack.enter_context(running_app(home))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page that fails the test on any request to another host, any uncaught error and any dialog."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000}, color_scheme="dark", accept_downloads=True)
    context.set_default_timeout(20_000)
    faults: list[str] = []

    def on_request(request: Request) -> None:
        if request.url.startswith(("http", "ws")) and not request.url.startswith(
            ("http://127.0.0.1:", "ws://127.0.0.1:")
        ):
            faults.append(f"request to another host: {request.url}")

    context.on("request", on_request)
    context.on("weberror", lambda error: faults.append(f"uncaught error: {error.error}"))
    context.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    context.on(
        "console",
        lambda message: (
            faults.append(f"console: {message.text}")
            if message.type == "error" and "Uncaught" in message.text
            else None
        ),
    )
    one = context.new_page()
    yield one
    context.close()
    assert not faults, "\n".join(faults)
