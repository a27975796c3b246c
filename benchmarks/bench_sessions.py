"""Twenty analysts at once: each clicks once a second through the pages of the run with a 20,000-account cluster.

    python benchmarks/bench_sessions.py [--sessions N] [--seconds S] [--accounts N] [--out FILE]

Every session is a websocket of its own that speaks the browser's protocol, with its own place on its own walk: queue,
Cluster page, nodes, reasons, lists, lanes, an account, a hunt, the summary, back. A click's time runs from the message
leaving the client to the server's "script finished"; a click is due one second after the one before, or at once when
that took longer. Said besides: the server's processor time a click (on a busy machine the better figure), its largest
memory, and the machine's load. Targets: 95th percentile under 1 s, memory under 2 GB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import big_run
from live_app import Server, running_server
from protocol_client import Click, Session, visit

TARGET_MS, TARGET_GB = 1000, 2.0


async def walk(session: Session, dice: random.Random, accounts: int) -> AsyncIterator[str]:
    """One endless walk; says what it is about to do, then does it."""

    async def press(click: Click) -> None:
        await session.run(click=click)

    while True:
        yield "open Triage"
        await session.run(page=session.pages["Triage"])
        yield "open Cluster"
        await session.run(page=session.pages["Cluster"], query=f"cluster={big_run.BIG}")
        somebody = ""
        for _ in range(4):
            yield "select a node"
            somebody = f"acct_1{dice.randrange(accounts):06d}"
            await press(session.event("graph", "picked", {"ids": [somebody], "how": "set"}))
        kind = dice.choice(["network", "device", "payment", "session"])
        yield "drop a reason"
        await press(session.event("ledger", "switched", {"kind": kind}))
        for position, tab in ((2, "parts"), (1, "values"), (0, "members")):
            yield f"list of {tab}"
            await press(session.choice("list_choice", position))
        yield "count it again"
        await press(session.event("ledger", "switched", {"kind": kind}))
        yield "clear"
        await press(session.button("clear"))
        yield "open a group"
        await press(session.event("graph", "opened", {"id": f"group:{dice.randrange(20)}"}))
        for lane in (1, 0):
            yield "another lane"
            await press(session.choice("lane_choice", lane))
        yield "open Account"
        await session.run(page=session.pages["Account"], query=f"account={somebody}")
        yield "open Hunt"
        await session.run(page=session.pages["Hunt"], query=f"find={somebody[-4:]}")
        yield "open Summary"
        await session.run(page=session.pages["Summary"])


STEPS = 19
"""Clicks of one round of the walk."""


async def analyst(
    url: str, number: int, begin: float, seconds: float, accounts: int, taken: dict[str, list[float]]
) -> list[str]:
    """One session until the time is over; what its pages complained of. It comes in at a moment of its own, so that
    everybody is somewhere else on the walk."""
    dice = random.Random(number)
    await asyncio.sleep(dice.random() * STEPS)
    async with visit(url) as session:
        await session.run()
        steps = walk(session, dice, accounts)
        what = await anext(steps)
        due = time.perf_counter()
        while due < begin + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            start = time.perf_counter()
            following = await anext(steps)
            if start >= begin:
                taken[what].append((time.perf_counter() - start) * 1000)
            what, due = following, max(due + 1, time.perf_counter())
        return session.errors


async def measure(server: Server, sessions: int, seconds: float, accounts: int) -> dict[str, Any]:
    """Everybody at work; figures of the time after all have come in."""
    taken: dict[str, list[float]] = defaultdict(list)
    coming = STEPS + 2.0
    begin = time.perf_counter() + coming

    async def used_before() -> float:
        await asyncio.sleep(coming)
        return server.cpu_s()

    people = (analyst(server.url, n, begin, seconds, accounts, taken) for n in range(sessions))
    before, *complaints = await asyncio.gather(used_before(), *people)
    every = [ms for own in taken.values() for ms in own]
    errors = [e for own in complaints for e in own]
    return {
        "sessions": sessions, "clicks": len(every), "clicks_a_second": len(every) / seconds,
        "median_ms": statistics.median(every), "p95_ms": statistics.quantiles(every, n=20)[-1], "max_ms": max(every),
        "cpu_ms_a_click": (server.cpu_s() - before) * 1000 / len(every), "peak_gb": server.peak_gb(),
        "errors": len(errors), "first_error": next(iter(errors), ""), "load": os.getloadavg()[0],
        "steps": {
            what: {"times": len(own), "median_ms": statistics.median(own), "max_ms": max(own)}
            for what, own in sorted(taken.items())
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        big_run.publish(home, options.accounts)
        with running_server(home) as server:
            found = asyncio.run(measure(server, options.sessions, options.seconds, options.accounts))
    for what, own in found.pop("steps").items():
        print(f"{what:20}{own['times']:6}{own['median_ms']:9.0f} ms, at most {own['max_ms']:.0f}")
    for name, value in found.items():
        print(f"{name:20}{value:>9.2f}" if isinstance(value, float) else f"{name:20}{value!s:>9}")
    if options.out:
        options.out.write_text(json.dumps(found, indent=1))
    met = found["p95_ms"] < TARGET_MS and found["peak_gb"] < TARGET_GB and not found["errors"]
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
