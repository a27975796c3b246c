"""How long does the server take for a click? Measured from outside, over the app's own websocket.

    python benchmarks/bench_pages.py [--home DIR] [--rounds N] [--out FILE]

A client that speaks the browser's protocol opens every page of the sample world, then presses everything on it that
can be pressed without doing harm: every button that is not left out below, every tab, pill, option, row and switch,
and every page change from every page. A click's time runs from the message leaving the client to the server's "script
finished"; drawing in the browser is not in it. Target: the median of all clicks under 300 ms. The Hunt page is also
asked questions that nobody asked before (no answer comes out of a cache): by a value of every kind, by a part of an
account id, by days, in every view.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import streamlit

from live_app import running_app, sample_home
from protocol_client import visit
from stillwatch.config import settings
from stillwatch.warehouse import runs

TARGET_MS = 300


@dataclass
class Timing:
    page: str
    what: str
    kind: str
    ms: list[float] = field(default_factory=list)
    sent_kb: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.ms)


def questions(home: Path, rounds: int) -> list[tuple[str, str]]:
    """What to ask the Hunt page: what it is called, and its link; no question twice."""
    run = runs.current(settings(home).runs)
    if not run.has("sightings"):
        return []
    seen = run.frame("sightings", columns=["kind", "value", "sharers"]).drop_duplicates(["kind", "value"])
    seen = seen[seen["kind"] != "day"].sort_values(["sharers", "value"], ascending=[False, True])
    out = [
        (f"ask by {kind}, {view}", urlencode({"has": f"{kind}:{value}", "show": view}))
        for kind, own in seen.groupby("kind")
        for value, view in zip(
            own["value"].head(rounds * 4), ("table", "shared", "graph", "timeline") * rounds, strict=False
        )
    ]
    accounts = run.frame("accounts", columns=["account_id"])["account_id"]
    out += [("ask by part of an id", urlencode({"find": a[-6:]})) for a in accounts.tail(rounds)]
    days = run.frame("sightings", filters=[("kind", "=", "day")], columns=["value"])["value"].drop_duplicates()
    model = seen[seen["kind"] == "model"]["value"].head(1)
    for day in sorted(days)[-rounds:]:
        out.append(("ask by day", urlencode({"since": day, "until": day})))
        out += [("ask by model on a day", urlencode({"has": f"model:{m}", "since": day, "until": day})) for m in model]
    return out


async def measure(url: str, rounds: int, asked: list[tuple[str, str]], only: list[str]) -> list[Timing]:
    """Times of all page changes, clicks and questions; raises when a page shows an exception."""
    found: dict[tuple[str, str, str], Timing] = {}

    def note(page: str, what: str, kind: str, ms: float, received: int) -> None:
        timing = found.setdefault((page, what, kind), Timing(page, what, kind))
        timing.ms.append(ms)
        timing.sent_kb = received / 1024

    async with visit(url) as first:
        await first.run()
        pages = {name: page for name, page in first.pages.items() if not only or name.lower() in only}
    async with visit(url) as session:
        await session.run()
        for what, query in asked if "Hunt" in pages else ():
            note("Hunt", what, "question", *await session.run(page=pages["Hunt"], query=query))
        if session.errors:
            raise SystemExit(f"Hunt shows an exception: {session.errors[0]}")
    for _ in range(rounds):
        async with visit(url) as session:
            await session.run()
            for name, page in pages.items():
                note(name, "open the page", "page", *await session.run(page=page))
        for name, page in pages.items():
            async with visit(url) as session:
                await session.run()
                await session.run(page=page)
                # what is inside a fragment first: filters above may leave nothing to press there
                for click in sorted(session.clicks(), key=lambda c: not c.fragment):
                    if not session.shows(click):
                        continue
                    note(name, click.what, click.kind, *await session.run(click=click))
                    if session.page != page:  # the click led elsewhere
                        await session.run(page=page)
                if session.errors:
                    raise SystemExit(f"{name} shows an exception: {session.errors[0]}")
    return sorted(found.values(), key=lambda t: -t.median)


def table(timings: list[Timing]) -> str:
    """One line a page, then the slowest clicks."""
    by_page: dict[str, list[Timing]] = defaultdict(list)
    for timing in timings:
        by_page[timing.page].append(timing)
    lines = ["page                clicks   median ms   slowest ms   what is slowest"]
    for page, own in sorted(by_page.items(), key=lambda item: -statistics.median(t.median for t in item[1])):
        worst = max(own, key=lambda t: t.median)
        middle = statistics.median(t.median for t in own)
        lines.append(
            f"{page:20}{len(own):6}{middle:12.0f}{worst.median:13.0f}"
            f"   {worst.what} ({worst.kind}, {worst.sent_kb:.0f} kB)"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, help="a home that may be changed; default: the sample data")
    parser.add_argument("--rounds", type=int, default=3, help="times everything is pressed (default 3)")
    parser.add_argument("--only", nargs="+", default=[], metavar="PAGE", help="these pages alone, for example hunt")
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() if options.home is None else nullcontext(str(options.home)) as place:
        home = options.home or sample_home(Path(place) / "home")
        with running_app(home) as url:
            timings = asyncio.run(measure(url, options.rounds, questions(home, options.rounds), options.only))
    every = [ms for t in timings for ms in t.ms]
    median, p95 = statistics.median(every), statistics.quantiles(every, n=20)[-1]
    print(table(timings))
    print(
        f"\nall clicks: {len(every)}, median {median:.0f} ms, 95th percentile {p95:.0f} ms; "
        f"target: median under {TARGET_MS} ms"
    )
    if options.out:
        figures = {
            "median_ms": median, "p95_ms": p95, "target_ms": TARGET_MS, "clicks": len(every),
            "streamlit": streamlit.__version__, "machine": f"{platform.machine()}, {platform.system()}",
            "timings": [{**asdict(t), "median_ms": t.median} for t in timings],
        }  # fmt: skip
        options.out.write_text(json.dumps(figures, indent=1))
    raise SystemExit(0 if median < TARGET_MS else 1)


if __name__ == "__main__":
    main()
