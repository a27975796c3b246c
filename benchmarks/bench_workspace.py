"""The Cluster page of a 20,000-account cluster in a real Chromium: until usable, megabytes sent, answers to clicks.

    python benchmarks/bench_workspace.py [--accounts N] [--rounds N] [--out FILE]

Cold is the first visit to a fresh server by a fresh browser, from the moment that the server answers; how long that
takes after its start is told beside it. Warm are visits by the same browser after the server came to rest: in a new
tab, which starts the whole app anew, and from the queue, where an analyst comes from, with the app open. Usable means:
the graph is drawn and no script run is under way. A click's time runs from the click to the end of the script run that
it caused, with drawing. Processor times of the server and of the page (milliseconds) and the load say how far the clock
can be trusted.
Targets: cold under 3 s, warm under 1 s, at most 1.5 MB, a click under 500 ms (median).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, WebSocket, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import big_run
from live_app import CHROMIUM_FLAGS, IDLE, Server, find_chromium, running_server

DRAWN = (
    """() => {
  const find = root => { for (const e of root.querySelectorAll('*')) {
    if (e.__nodeXY) return e; if (e.shadowRoot) { const f = find(e.shadowRoot); if (f) return f; } } return null; };
  const e = window.__canvas = find(document); return e && e.dataset.drawnMs && ("""
    + IDLE
    + "); }"
)
"""JavaScript that is true once the canvas is drawn and no script run is under way; leaves it in ``__canvas``."""
MEMBERS = re.compile(r"^Members [\d,]+$")
BUSY = f"() => !({IDLE})"


class Meter:
    """Bytes on the websocket to one page, and how long the server took for the last answer."""

    def __init__(self, page: Page) -> None:
        self.received = 0
        self.asked = self.finished = 0.0
        page.on("websocket", self._socket)

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._frame)
        socket.on("framesent", lambda _: setattr(self, "asked", time.perf_counter()))

    def _frame(self, data: Any) -> None:
        self.received += len(data)
        if len(data) < 1000 and ForwardMsg.FromString(data).WhichOneof("type") == "script_finished":
            self.finished = time.perf_counter()

    @property
    def server_ms(self) -> float:
        """From the last question to the last answer."""
        return (self.finished - self.asked) * 1000


def visit(page: Page, url: str) -> float:
    start = time.perf_counter()
    page.goto(url)
    page.wait_for_function(DRAWN)
    return time.perf_counter() - start


def from_queue(page: Page) -> float:
    """Seconds from the click that leaves the queue for the cluster until that is usable."""
    page.get_by_role("link", name="Triage").click()
    page.get_by_text("Take the next").wait_for()
    page.wait_for_function(IDLE)
    page.wait_for_timeout(300)
    start = time.perf_counter()
    page.get_by_role("link", name="Cluster").click()
    page.wait_for_function(DRAWN, polling=20)
    return time.perf_counter() - start


def page_cpu(page: Page) -> float:
    """Milliseconds of processor time that the page's own process has used since it began."""
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    metrics = client.send("Performance.getMetrics")["metrics"]
    return next((float(m["value"]) * 1000 for m in metrics if m["name"] == "ProcessTime"), 0.0)


def answered(page: Page, act: Callable[[], None]) -> float:
    """Milliseconds until the script run that a click causes has ended."""
    start = time.perf_counter()
    act()
    try:
        page.wait_for_function(BUSY, timeout=400, polling=5)
    except PlaywrightTimeout:  # it was over before we looked
        return (time.perf_counter() - start) * 1000 - 400
    page.wait_for_function(IDLE, polling=5)
    took = (time.perf_counter() - start) * 1000
    page.wait_for_timeout(450)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        home = Path(place) / "home"
        big_run.publish(home, options.accounts)
        started = time.perf_counter()
        with running_server(home) as server:
            url = server.url
            found: dict[str, Any] = {"answers_s": time.perf_counter() - started}
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_FLAGS))
            context = browser.new_context(viewport={"width": 1600, "height": 1000})
            page = context.new_page()
            address = f"{url}/cluster?cluster={big_run.BIG}"
            meter = first = Meter(page)
            before = server.cpu_s()
            found |= {"cold_s": visit(page, address), "cold_mb": meter.received / 1e6}
            found["cold_server_ms"] = (server.cpu_s() - before) * 1000
            server.rest()
            warm, queue, server_ms, page_ms = [], [], [], []
            for _ in range(options.rounds):
                other = context.new_page()
                meter = Meter(other)
                before = server.cpu_s()
                warm.append(visit(other, address))
                server_ms.append((server.cpu_s() - before) * 1000)
                page_ms.append(page_cpu(other))
                found["warm_mb"] = meter.received / 1e6
                queue.append(from_queue(other))
                other.close()
            found |= {"warm_s": statistics.median(warm), "warm_server_ms": statistics.median(server_ms)}
            found |= {"warm_page_ms": statistics.median(page_ms), "from_queue_s": statistics.median(queue)}
            found["clicks_ms"] = clicks(page, first, server, options.rounds)
            page = context.new_page()
            meter = Meter(page)
            found["everything_s"] = visit(page, f"{address}&open=all")
            found["everything_mb"] = meter.received / 1e6
            found["clicks_on_everything_ms"] = clicks(page, meter, server, options.rounds)
            found["load"] = os.getloadavg()[0]
            browser.close()
    for name, value in found.items():
        print(f"{name:24}", json.dumps(value) if isinstance(value, dict) else f"{value:.2f}")
    if options.out:
        options.out.write_text(json.dumps({**found, "accounts": options.accounts}, indent=1))


def clicks(page: Page, meter: Meter, server: Server, rounds: int) -> dict[str, tuple[int, ...]]:
    """Median milliseconds of each sort of click: until the page stands again, the server's part, its processor time."""
    switch = page.get_by_role("switch")
    taken: dict[str, list[tuple[float, ...]]] = {}

    def node(i: int) -> None:
        place = page.evaluate(
            """i => { const c = window.__canvas, d = c.__drawing; return c.__nodeXY(d.g.ids[i]); }""", i
        )
        page.mouse.click(*place)

    for turn in range(rounds):
        steps: list[tuple[str, Callable[[], None]]] = [
            ("select a node", lambda t=turn: node(t)),
            ("drop a reason", lambda: switch.nth(2).click()),
            ("parts", lambda: page.get_by_text("Parts", exact=True).click()),
            ("count it again", lambda: switch.nth(2).click()),
            ("members", lambda: page.get_by_text(MEMBERS).first.click()),
            ("another lane", lambda: page.get_by_text("Models", exact=True).click()),
            ("first lane", lambda: page.get_by_text("Groups", exact=True).last.click()),
            ("clear", lambda: page.get_by_role("button", name="Clear").click()),
        ]
        for name, act in steps:
            before = server.cpu_s()
            took = answered(page, act)
            taken.setdefault(name, []).append((took, meter.server_ms, (server.cpu_s() - before) * 1000))
    return {name: tuple(round(statistics.median(part)) for part in zip(*ms, strict=True)) for name, ms in taken.items()}


if __name__ == "__main__":
    main()
