"""A server that is warm before it answers: what the pages import, the published run, its first and largest cluster.

Without this the first visitor of a fresh server waits for seconds of imports. ``app.py`` hands ``lifespan`` to the
server, so it works however the app is started. Everything happens once a process in one thread of its own; what cannot
be done (no run yet, a damaged store) is left to the page that meets it, which has words for it.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import importlib
import logging
import pkgutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from threading import Event, Thread
from typing import Any

from stillwatch.errors import StillwatchError

PATIENCE = 20.0
"""Seconds that the server holds its first answers back for the warm-up; on a slower machine it goes on beside them."""
FIRST = (
    "frame", "triage_view", "cluster_view", "workspace", "account_view", "hunt_view", "hunt_answer", "summary_view",
)  # fmt: skip
"""Modules of the pages that are met first; the others bring two more seconds of imports, which nobody waits for."""
_VISITED = Event()
_log = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """What the server runs around its own life: it answers once the first pages are warm."""
    await asyncio.to_thread(start().wait, PATIENCE)
    yield


@cache
def start() -> Event:
    """Begin, once a process; the event is set when the first pages are warm."""
    ready = Event()
    Thread(target=_warm, args=(ready,), name="warm-up", daemon=True).start()
    return ready


def _warm(ready: Event) -> None:
    try:
        _attempt(import_pages)
        _attempt(open_run)
        settle()
    finally:
        ready.set()
    _VISITED.wait(PATIENCE)
    _attempt(import_later)
    settle()


def visited() -> None:
    """A page was drawn: the rest of the imports no longer takes the processor from the first visitor."""
    _VISITED.set()


def _attempt(step: Callable[[], None]) -> None:
    """One step; no failure goes further than a line in the log, for the pages say the same in better words."""
    try:
        step()
    except StillwatchError as e:
        _log.info("warm-up, %s: %s", step.__name__, e)
    except Exception as e:  # whatever it is, the server must answer
        _log.warning("warm-up, %s: %s", step.__name__, type(e).__name__)


def import_pages() -> None:
    """Load what the first pages need, and what they load when they are drawn."""
    names = (*(f"stillwatch.ui.{name}" for name in FIRST), "stillwatch.cases.store", "stillwatch.warehouse.store")
    for name in names:
        importlib.import_module(name)


def open_run() -> None:
    """Open what all sessions share: case file, warehouse, the run, the first and the largest cluster of its queue."""
    from stillwatch.ui import cluster_facts, queue_facts, session, workspace

    queue = queue_facts.queue()
    session.warehouse()
    if queue.empty:
        return
    largest = queue["cluster_id"].iloc[int(queue["size"].to_numpy().argmax())]
    for cluster_id in dict.fromkeys((str(largest), str(queue["cluster_id"].iloc[0]))):
        workspace.prepare(cluster_facts.load(cluster_id))


def import_later() -> None:
    """Load the other pages and what decisions need."""
    from stillwatch import ui

    for module in pkgutil.iter_modules(ui.__path__):
        importlib.import_module(f"{ui.__name__}.{module.name}")
    importlib.import_module("stillwatch.pipeline.recut")


def settle() -> None:
    """Move everything alive out of the garbage collector's sight.

    Streamlit collects after every script run; without this each run walks all that was imported (measured 310 against
    90 ms of processor time for one run of the Cluster page).
    """
    gc.collect()
    gc.freeze()
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)  # else native modules report everything frozen as leaked when the app stops
