"""What the command line prints: words for people or one JSON object for machines, and progress on long work."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from stillwatch.domain import Progress, no_progress

INTERRUPTED = 130  # the exit code of a command that Ctrl-C ended: 128 + SIGINT, as shells count
_GRACE_SECONDS = 5.0


@contextmanager
def ending_on_ctrl_c(say: Callable[[], object]) -> Iterator[None]:
    """Within it the first Ctrl-C raises ``KeyboardInterrupt`` as ever, and ends the process if that did not.

    DuckDB 2.0 cancels a query by waiting for its own threads (``Executor::CancelTasks``), now and then for good. After
    a few seconds ``say`` speaks in its place and the process ends with ``INTERRUPTED``; what is published survives that
    as it survives ``kill -9``. Where Ctrl-C is ignored or handled by others (a background job, a host program, another
    thread than the main one) nothing changes.
    """
    if threading.current_thread() is not threading.main_thread() or (
        signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def end() -> None:
        say()
        os._exit(INTERRUPTED)

    last_resort = threading.Timer(_GRACE_SECONDS, end)
    last_resort.daemon = True

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        last_resort.start()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        last_resort.cancel()
        signal.signal(signal.SIGINT, signal.default_int_handler)


def printable(text: str) -> str:
    """Text with control characters shown as escapes, so that a hostile name cannot drive the terminal."""
    return "".join(c if c.isprintable() or c in "\t" else c.encode("unicode_escape").decode() for c in text)


class Out:
    """One command's output. With ``as_json`` the words are held back and the result is printed as one object."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    def say(self, text: str) -> None:
        """A line for people."""
        if not self.as_json:
            print("\n".join(printable(line) for line in text.splitlines()), flush=True)

    def result(self, value: Any) -> None:
        """The result for machines, in ASCII whatever the names and the terminal are; ignored without ``--json``."""
        if self.as_json:
            print(json.dumps(plain(value), default=str), flush=True)

    def error(self, text: str) -> None:
        """One message on standard error; with ``--json`` an object too."""
        if self.as_json:
            print(json.dumps({"error": text}), flush=True)
        lines = [printable(line) for line in text.splitlines()]
        print("stillwatch: " + "\n  ".join(lines), file=sys.stderr, flush=True)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A callback for long work: one line that is rewritten on a terminal, else a line a step."""
        if self.as_json:
            yield no_progress
            return
        line = _Line()
        try:
            yield line.update
        finally:
            line.finish()


class _Line:
    """Progress on standard error. Without a terminal each step is printed once, so that logs stay short."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.last = ""
        self.drawn = 0.0
        self.start = time.monotonic()

    def update(self, what: str, done: float | None = None) -> None:
        now = time.monotonic()
        if self.live:
            if now - self.drawn > 0.1 or what != self.last:
                share = "" if done is None else f" {done:4.0%}"
                print(
                    f"\r\x1b[2K{now - self.start:6.1f} s {share}  {printable(what)}",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
                self.drawn = now
        elif what != self.last:
            print(f"{now - self.start:6.1f} s  {printable(what)}", file=sys.stderr, flush=True)
        self.last = what

    def finish(self) -> None:
        if self.live and self.last:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def plain(value: Any) -> Any:
    """Dataclasses, paths, sets and numpy scalars as JSON values; ``to_dict`` wins where there is one."""
    if hasattr(value, "to_dict") and not isinstance(value, type):
        return plain(value.to_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        return plain(value.item())
    if isinstance(value, float) and value != value:
        return None
    return value
