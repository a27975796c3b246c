"""Long work started from a page: the same commands a terminal would run, in a process of their own.

The page stays usable and a stop is an ordinary Ctrl-C, which the commands survive: whatever was published before
stays published. One job at a time for a home; the home's own lock holds off writers from elsewhere.
"""

from __future__ import annotations

import atexit
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

from stillwatch.config import Settings, child_environment
from stillwatch.errors import Busy

JobState = Literal["running", "done", "failed", "stopped"]
_INTERRUPTED = 130
_KEPT_LINES = 200
_PATIENCE_SECONDS = 10.0


@dataclass
class Job:
    """One piece of long work and what it has said so far. Filled by the threads that read the commands' output."""

    title: str
    commands: tuple[tuple[str, ...], ...]
    started_at: datetime
    state: JobState = "running"
    steps: list[str] = field(default_factory=list)
    """What was being done, newest last, each with the seconds since its command began."""
    words: list[str] = field(default_factory=list)
    """What the commands printed as their result."""
    error: str = ""
    """Why it failed, in the words of the command; empty otherwise."""
    seconds: float = 0.0
    finished: int = 0
    """Commands that have ended well."""

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def elapsed(self) -> float:
        """Seconds since it was started, until it ended."""
        return (datetime.now(UTC) - self.started_at).total_seconds() if self.running else self.seconds


class Jobs:
    """The job of one home: starts one, shows it, stops it. Make one a process and keep it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False
        self.latest: Job | None = None
        atexit.register(self._end)

    def start(
        self, title: str, commands: Sequence[Sequence[str]], *, afterwards: Callable[[], None] | None = None
    ) -> Job:
        """Run ``stillwatch`` with each of ``commands`` in turn, until one fails. ``Busy`` while another job runs.

        ``afterwards`` is called when all of it has ended, however it ended (to clear away uploaded files).
        """
        with self._lock:
            if self.latest is not None and self.latest.running:
                raise Busy(f"“{self.latest.title}” is still running: wait for it, or stop it first.")
            job = Job(title, tuple(tuple(c) for c in commands), datetime.now(UTC))
            self.latest, self._stopping = job, False
        threading.Thread(target=self._work, args=(job, afterwards), daemon=True).start()
        return job

    def stop(self) -> None:
        """Ask the running command to stop, as Ctrl-C does; what is published stays as it is.

        A process started in the background of a shell may ignore that signal, so it is ended after a while.
        """
        with self._lock:
            self._stopping = True
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
                hard = threading.Timer(_PATIENCE_SECONDS, self._process.terminate)
                hard.daemon = True
                hard.start()

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def _work(self, job: Job, afterwards: Callable[[], None] | None) -> None:
        began = time.monotonic()
        state: JobState = "done"
        try:
            for command in job.commands:
                code = self._run(job, command)
                if self._stopping or code in (_INTERRUPTED, -signal.SIGINT):
                    state, job.error = "stopped", ""
                    break
                if code != 0:
                    state = "failed"
                    last = f" Its last line: {job.steps[-1]}" if job.steps else ""
                    job.error = job.error or f"`stillwatch {command[0]}` broke off (code {code}).{last}"
                    break
                job.finished += 1
        except OSError as e:
            state, job.error = "failed", f"the command could not be started: {e}"
        finally:
            if afterwards is not None:
                afterwards()
            job.seconds = time.monotonic() - began
            job.state = state

    def _run(self, job: Job, command: Sequence[str]) -> int:
        with self._lock:
            if self._stopping:
                return _INTERRUPTED
            process = subprocess.Popen(
                [sys.executable, "-u", "-m", "stillwatch", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=child_environment(self._settings),
            )
            self._process = process
        assert process.stdout is not None
        assert process.stderr is not None
        reader = threading.Thread(target=_keep_lines, args=(process.stdout, job.words.append, job.words), daemon=True)
        reader.start()
        _keep_lines(process.stderr, lambda line: _note(job, line), job.steps)
        reader.join()
        return process.wait()


def _note(job: Job, line: str) -> None:
    """A line of standard error is the error message, or a step of progress."""
    if line.startswith("stillwatch: "):
        job.error = line.removeprefix("stillwatch: ")
    else:
        job.steps.append(line.strip())


def _keep_lines(stream: IO[str], keep: Callable[[str], None], kept: list[str]) -> None:
    for line in stream:
        if line.strip():
            keep(line.rstrip())
        del kept[:-_KEPT_LINES]


def sample_data() -> Path | None:
    """Folder of the committed sample world; None where the program was installed without it."""
    folder = Path(__file__).resolve().parents[3] / "sample_data"
    return folder if folder.is_dir() else None
