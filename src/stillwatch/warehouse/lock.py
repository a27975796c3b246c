"""One writer at a time for a home: import, detection and rescoring take this lock; readers never need it.

The lock is the operating system's (``flock``): it ends with the process that holds it, however that ends, so a
killed import never leaves a lock behind.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from stillwatch.config import Settings
from stillwatch.errors import Busy, StoreError


@contextmanager
def home_lock(settings: Settings, what: str = "another job") -> Iterator[None]:
    """Hold the home's writer lock; ``what`` tells the second writer who is in its way, e.g. ``"import of logs"``.

    Raises ``Busy`` at once when somebody else holds it (also another thread of this process).
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        handle = os.open(settings.home / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise StoreError(
            f"the data folder {settings.home} cannot be written ({e.strerror}); choose another with --home."
        ) from e
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{_holder(handle)} is writing to {settings.home}; try again when it is done.") from None
        note = {"what": what, "pid": os.getpid(), "since": datetime.now(UTC).strftime("%H:%M:%S UTC")}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(note).encode(), 0)
        yield
    finally:
        os.close(handle)  # closing gives the lock back


def _holder(handle: int) -> str:
    try:
        note = json.loads(os.pread(handle, 4096, 0))
        return f"{note['what']} (process {note['pid']}, since {note['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"
