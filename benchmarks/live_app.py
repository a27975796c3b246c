"""The real app in a process of its own, with a home of its own: for browser tests, screenshots and page timings."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stillwatch.config import settings
from stillwatch.pipeline.detect import detect
from stillwatch.pipeline.ingest import import_path

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
)  # fmt: skip
IDLE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
"""JavaScript that is true while no script run is under way."""


def find_chromium() -> str | None:
    """Path of a Chromium: the variable CHROME, else a well-known name on the PATH; None when there is none."""
    named = os.environ.get("CHROME")
    if named:
        return named if Path(named).exists() else None
    return next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)


def install_chromium() -> str | None:
    """As root on Debian: install the distribution's Chromium. Returns its path, or None when that cannot be done."""
    if os.environ.get("CHROME") or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    for step in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(
            step, check=False, stdout=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        )
    return find_chromium()


def sample_home(home: Path) -> Path:
    """A home with the committed sample data imported and detection run once."""
    own = settings(home)
    import_path(own, ROOT / "sample_data")
    detect(own)
    return home


@dataclass(frozen=True)
class Server:
    """The app in a process of its own. The figures are Linux's; elsewhere they are 0."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Seconds of processor time that it has used so far: says more than the clock on a busy machine."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rest(self) -> None:
        """Wait until it has nothing to do: after its first visit it loads what the rare pages need."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            before = self.cpu_s()
            time.sleep(1)
            if self.cpu_s() - before < 0.1:
                return

    def peak_gb(self) -> float:
        """The most memory that it ever held."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0.0
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**20


@contextmanager
def running_app(home: Path, *, user: str = "Ada") -> Iterator[str]:
    """The app on a free port of this machine; yields its address and stops it afterwards."""
    with running_server(home, user=user) as server:
        yield server.url


@contextmanager
def running_server(home: Path, *, user: str = "Ada") -> Iterator[Server]:
    """The same with the server's process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = home.resolve()
    log = home / "app.log"
    home.mkdir(parents=True, exist_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith("STILLWATCH_")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.address=127.0.0.1"],
            cwd=ROOT,
            env={**env, "STILLWATCH_HOME": str(home), "STILLWATCH_USER": user},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, process, log)
        yield Server(url, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{log.read_text(errors='replace')[-3000:]}")
