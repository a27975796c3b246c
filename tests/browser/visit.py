"""What a visitor does, in words that the tests use."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from live_app import IDLE

CANVAS = """() => {
  const find = root => { for (const e of root.querySelectorAll('*')) {
    if (e.__nodeXY) return e; if (e.shadowRoot) { const f = find(e.shadowRoot); if (f) return f; } } return null; };
  return window.__canvas = find(document);
}"""


CALM = f"""() => {{ const now = performance.now();
  if (!({IDLE})) window.__calmSince = null; else window.__calmSince ??= now;
  return window.__calmSince !== null && now - window.__calmSince >= 150; }}"""
"""JavaScript that is true once no script run was under way for 150 ms: a click shows as a run only a moment later."""


def idle(page: Page) -> None:
    """Wait until no script run is under way, nor follows at once."""
    page.evaluate("window.__calmSince = null")
    page.wait_for_function(CALM)


def go(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("[data-testid=stApp]")
    idle(page)


def menu(page: Page, name: str) -> None:
    """Open a page by the navigation bar."""
    page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(f"{name}$")).click()
    expect(page.locator("h1").first).to_be_visible()
    idle(page)


def button(page: Page | Locator, name: str) -> Locator:
    """A button whose label starts so (a shortcut may stand behind it)."""
    return page.get_by_role("button", name=re.compile(rf"^(\\w+ )?{re.escape(name)}"))


def press(page: Page, name: str) -> None:
    button(page, name).first.click()
    idle(page)


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a select box by its label."""
    page.get_by_role("combobox", name=re.compile(label)).first.click()
    page.get_by_role("option", name=option).first.click()
    idle(page)


def settled(page: Page, selector: str) -> dict[str, float]:
    """Where the first such element stands (pixels of the window: x, y, width, height), scrolled into view, once it
    has a size and stays. A chart is drawn anew when its data come: a handle taken in between points at nothing.
    """
    look = """selector => { const e = document.querySelector(selector); if (!e) return null;
        e.scrollIntoView({block: 'center', behavior: 'instant'}); const b = e.getBoundingClientRect();
        return b.width && b.height ? {x: b.x, y: b.y, width: b.width, height: b.height} : null; }"""
    return dict(_stays(page, look, selector))


def drawn(page: Page) -> None:
    """Wait until the canvas has drawn its nodes."""
    page.wait_for_function(f"() => {{ const e = ({CANVAS})(); return e && e.dataset.drawnMs; }}")


def node_place(page: Page, node: str) -> tuple[float, float]:
    """Where a node of the canvas stands (pixels of the window), once it is drawn and stands still."""
    drawn(page)
    x, y = _stays(page, f"id => {{ const e = ({CANVAS})(); return e && e.__nodeXY(id); }}", node)
    return x, y


def _stays(page: Page, look: str, what: str) -> Any:
    """What a look gives once it gave the same four times running."""
    last, same = None, 0
    for _ in range(600):
        seen = page.evaluate(look, what)
        same = same + 1 if seen is not None and seen == last else 0
        if same >= 3:
            return seen
        last = seen
        page.wait_for_timeout(60)
    raise AssertionError(f"{what} is not drawn, or does not stay (last seen at {last})")


def click_node(page: Page, node: str) -> None:
    """Click a node of the canvas once it is drawn and stands still."""
    page.mouse.click(*node_place(page, node))
    page.wait_for_timeout(400)  # two clicks within 300 ms would make a double-click
    idle(page)
