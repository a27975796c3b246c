"""Is everything in order? Each check says what it looked at and, where it failed, what to do."""

from __future__ import annotations

import importlib.metadata
import os
import re
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stillwatch.cases.store import CaseStore
from stillwatch.config import Settings
from stillwatch.errors import NothingYet, StillwatchError, StoreError
from stillwatch.evidence import seal
from stillwatch.pipeline.bundle import signing_key
from stillwatch.sources.tokens import Tokens
from stillwatch.warehouse import runs
from stillwatch.warehouse.run_schema import LATER_TABLES, RUN_TABLES
from stillwatch.warehouse.schema import WAREHOUSE
from stillwatch.warehouse.store import Warehouse


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. ``detail`` is a finding, or what to do."""

    name: str
    ok: bool
    detail: str


def examine(cfg: Settings) -> list[Check]:
    """Every check, none of which changes anything but making the home when it is missing."""
    checks = (_python, _packages, _home, _secrets, _signing, _warehouse, _runs, _cache, _cases)
    return [_carried_out(check, cfg) for check in checks]


def _carried_out(check: Callable[[Settings], Check], cfg: Settings) -> Check:
    try:
        return check(cfg)
    except StillwatchError as e:
        return Check(check.__name__.strip("_"), False, str(e))
    except Exception as e:  # whatever is broken here, the other checks must still be carried out
        return Check(check.__name__.strip("_"), False, f"{type(e).__name__}: {e}")


def _python(cfg: Settings) -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= (3, 11)
    return Check("python", ok, found if ok else f"{found}; want 3.11 or newer")


def _packages(cfg: Settings) -> Check:
    """The pinned versions of requirements.txt against what is installed."""
    pins = Path(__file__).resolve().parents[3] / "requirements.txt"
    if not pins.is_file():
        return Check("packages", True, "no requirements.txt beside the code; versions are not compared")
    wrong = []
    for name, want in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*])?==(\S+)", pins.read_text(), re.MULTILINE):
        try:
            have = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            have = "missing"
        if have != want:
            wrong.append(f"{name} is {have}, want {want}")
    if wrong:
        return Check("packages", False, "; ".join(wrong) + ". Run: pip install -r requirements.txt")
    return Check("packages", True, "as pinned in requirements.txt")


def _home(cfg: Settings) -> Check:
    cfg.home.mkdir(parents=True, exist_ok=True)
    if not os.access(cfg.home, os.W_OK):
        return Check("home", False, f"{cfg.home} cannot be written; change its owner or choose another --home")
    return Check("home", True, str(cfg.home))


def _secrets(cfg: Settings) -> Check:
    """Keys must be readable by their owner alone, and those that work has begun with must be there."""
    open_keys = [
        p.name
        for p in sorted(cfg.keys.glob("*"))
        if p.is_file() and not p.name.endswith(".pub") and stat.S_IMODE(p.stat().st_mode) & 0o077
    ]
    if open_keys:
        return Check(
            "keys", False, f"others can read {', '.join(open_keys)} in {cfg.keys}. Run: chmod 600 {cfg.keys}/*"
        )
    key_id = Warehouse.open(cfg).snapshot.key_id
    if key_id is not None:
        Tokens.open(cfg.keys, key_id)
    return Check("keys", True, "private" if cfg.keys.is_dir() else "none yet; the first import makes them")


def _signing(cfg: Settings) -> Check:
    """The key that bundles are sealed with; none is made by looking."""
    with CaseStore.open(cfg) as store:
        if not (cfg.keys / seal.KEY_FILE).exists() and store.bundles().empty:
            return Check("signing key", True, "none yet; the first bundle makes it")
        key = signing_key(cfg, store)
    return Check("signing key", True, seal.spoken(seal.fingerprint(key)[:16]) + " …")


def _warehouse(cfg: Settings) -> Check:
    """Opens the snapshot and lets the engine count the rows of every table."""
    warehouse = Warehouse.open(cfg)
    rows = {name: int(warehouse.table(name).count().execute()) for name in WAREHOUSE}["requests"]
    return Check("warehouse and engine", True, f"{rows:,} requests")


def _runs(cfg: Settings) -> Check:
    try:
        run = runs.current(cfg.runs)
    except NothingYet as e:
        return Check("runs", True, str(e))
    expected = [name for name in RUN_TABLES if run.has(name) or name not in LATER_TABLES]
    rows = {name: run.arrow(name, columns=[]).num_rows for name in expected}["clusters"]
    if not run.manifest:
        raise StoreError(f"run {run.run_id} has an empty manifest; run `stillwatch detect` again.")
    others = len(runs.all_runs(cfg.runs)) - 1
    return Check("runs", True, f"{run.run_id} is published with {rows:,} clusters; {others} older ones are kept")


def _cache(cfg: Settings) -> Check:
    """What detection counted before; whether it can be trusted is looked at by the run that uses it."""
    size = sum(p.stat().st_size for p in cfg.cache.rglob("*") if p.is_file())
    return Check("cache", True, f"{size / 1e6:,.1f} MB of earlier counts; safe to delete" if size else "empty")


def _cases(cfg: Settings) -> Check:
    ok, first_bad = CaseStore.open(cfg).verify_chain()
    if not ok:
        return Check(
            "cases", False, f"the audit chain breaks at entry {first_bad}: restore the case file from a backup"
        )
    return Check("cases", True, "opens; the audit chain is whole")
