"""Browser tests: the real app, a real Chromium, and no request to any other host.

One app and one browser serve the whole session. The sample world is imported and detected once; a test that needs a
world of its own asks for ``app_on``.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, WebSocket, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from live_app import CHROMIUM_FLAGS, find_chromium, install_chromium, running_app

PATIENCE_MS = 60_000
"""How long a test waits for what must come: a busy machine is no failure."""
expect.set_options(timeout=PATIENCE_MS)


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
def world(detected_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home with the sample data and its first run, for tests that leave no verdict and no run behind."""
    home = tmp_path_factory.mktemp("sample") / "home"
    shutil.copytree(detected_sample, home)
    return home


@contextmanager
def app_without_errors(home: Path) -> Iterator[str]:
    """The app on a home; whatever it logged as a traceback fails the test that it served."""
    with running_app(home) as url:
        yield url
    log = (home / "app.log").read_text(errors="replace")
    assert "Traceback (most recent call last)" not in log, log[-6000:]


@pytest.fixture(scope="session")
def app_url(world: Path) -> Iterator[str]:
    with app_without_errors(world) as url:
        yield url


@pytest.fixture
def app_on() -> Iterator[Callable[[Path], str]]:
    """Starts the app on another home; it stops with the test."""
    with ExitStack() as stack:
        yield lambda home: stack.enter_context(app_without_errors(home))


@pytest.fixture
def page(browser: Browser, app_on: Callable[[Path], str]) -> Iterator[Page]:
    """A fresh page that fails the test on any request to another host, any error in the console and any dialog.

    It needs ``app_on`` only so that it is closed before an app stops.
    """
    context = browser.new_context(viewport={"width": 1600, "height": 1000}, color_scheme="dark", accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    faults: list[str] = []

    def own(url: str) -> bool:
        return not url.startswith(("http", "ws")) or url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:"))

    def on_request(request: Request) -> None:
        if not own(request.url):
            faults.append(f"request to another host: {request.url}")

    def on_socket(socket: WebSocket) -> None:
        if not own(socket.url):
            faults.append(f"socket to another host: {socket.url}")

    def on_console(message: ConsoleMessage) -> None:
        # On a page's own address Streamlit first asks below that page where the server is, and then at the root.
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            faults.append(f"console: {message.text}")

    def on_dialog(dialog: Dialog) -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    context.on("request", on_request)
    context.on("console", on_console)
    context.on("dialog", on_dialog)
    context.on("weberror", lambda error: faults.append(f"uncaught error: {error.error}"))
    one = context.new_page()
    one.on("websocket", on_socket)
    yield one
    context.close()
    assert not faults, "\n".join(faults)
