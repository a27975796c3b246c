"""Who is asking, and the shared things behind the pages: settings, case file, published run, warehouse.

Big read-only things are cached once for all sessions, by ``lru_cache``: a hit costs 1 µs, in Streamlit's own caches 60,
and a page asks for them dozens of times. Nobody may change what these functions return. A run never changes after it
was published, so its frames are cached by run and table; the published run is looked up anew at every script run (one
small file), so a new run shows at the next click. What people decided is read once per state of the case file, which
``revision`` names.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from stillwatch import config
from stillwatch.config import Settings
from stillwatch.domain import TargetType
from stillwatch.errors import NothingYet
from stillwatch.warehouse import runs
from stillwatch.warehouse.runs import Run

if TYPE_CHECKING:
    from stillwatch.cases.store import CaseStore
    from stillwatch.warehouse.store import Warehouse

_WHO, _SEEN = "_who", "_run_seen"


def utc_now() -> datetime:
    """Naive UTC, as all tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


def settings() -> Settings:
    """Settings of this process (reading the environment is cheap, and tests change it)."""
    return config.settings()


def who() -> str:
    """Name that goes with every change made in this session."""
    name = str(st.session_state.get(_WHO) or "").strip()
    return name or settings().user


def set_who(name: str) -> None:
    """Act under another name from now on; empty goes back to the default."""
    st.session_state[_WHO] = name.strip()[:80]


def current_run() -> Run:
    """The published run; ``NothingYet`` when there is none."""
    place = settings().runs
    pointer = place / "CURRENT"
    try:
        name = pointer.read_text().strip()
    except OSError:
        return runs.current(place)
    return _run(str(place), name)


def run_or_none() -> Run | None:
    """The published run, or None."""
    try:
        return current_run()
    except NothingYet:
        return None


def moment(field: str, run: Run | None = None) -> datetime | None:
    """``created_at`` or ``as_of`` of the published run, naive UTC; None when its manifest does not say."""
    text = str((run or current_run()).manifest.get(field) or "")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def run_changed() -> bool:
    """True once after another run was published than the one this session saw last."""
    run = run_or_none()
    now = run.run_id if run else None
    before = st.session_state.get(_SEEN, now)
    st.session_state[_SEEN] = now
    return bool(before != now)


def saw_run(run_id: str) -> None:
    """This session published the run itself: no need to tell it."""
    st.session_state[_SEEN] = run_id


@lru_cache(8)
def _run(place: str, run_id: str) -> Run:
    return runs.open_run(Path(place), run_id)


def frame(table: str, cluster_id: str | None = None, *, run: Run | None = None) -> pd.DataFrame:
    """One table of the published run, or the rows of one cluster in it. Shared: never change it in place."""
    run = run or current_run()
    return _frame(run, table, cluster_id)


@lru_cache(96)
def _frame(run: Run, table: str, cluster_id: str | None) -> pd.DataFrame:
    filters = [("cluster_id", "=", cluster_id)] if cluster_id is not None else None
    return run.frame(table, filters=filters)


def case_store() -> CaseStore:
    """The case file: labels, campaigns, queue, audit."""
    return _case_store(settings())


@lru_cache(4)
def _case_store(cfg: Settings) -> CaseStore:
    from stillwatch.cases.store import CaseStore  # SQLAlchemy and Alembic load only when a page asks

    return CaseStore.open(cfg)


def warehouse() -> Warehouse:
    """The warehouse as last published, one for all sessions: threads get connections of their own from it."""
    cfg = settings()
    return _warehouse(cfg, _stamp(cfg.warehouse))


@lru_cache(2)
def _warehouse(cfg: Settings, stamp: tuple[int, int]) -> Warehouse:
    from stillwatch.warehouse.store import Warehouse

    del stamp  # a part of the cache's key
    return Warehouse.open(cfg)


def _stamp(folder: Path) -> tuple[int, int]:
    """Changes whenever the snapshot file of the warehouse is replaced."""
    try:
        info = (folder / "SNAPSHOT.json").stat()
    except OSError:
        return (0, 0)
    return (info.st_mtime_ns, info.st_ino)


def has_data() -> bool:
    """True once something was imported."""
    return bool(warehouse().versions)


def revision() -> str:
    """Name of the case file's present state: the head of its audit chain, which every change to it moves on.

    What was read under one revision holds until another.
    """
    return case_store().revision()


def labels() -> pd.DataFrame:
    """Labels that stand now, newest first. Shared: never change it in place."""
    table = _labels(settings(), revision())
    over = table["expires_at"] <= utc_now()
    return table[~over] if over.any() else table


@lru_cache(4)
def _labels(cfg: Settings, chain: str) -> pd.DataFrame:
    del chain  # a part of the cache's key
    return _case_store(cfg).labels()


def history(target: TargetType, target_id: str) -> pd.DataFrame:
    """Every label that one target ever had, newest first, with ``stands``. Shared: never change it in place."""
    return _history(settings(), revision(), str(target), target_id, len(labels()))


@lru_cache(256)
def _history(cfg: Settings, chain: str, target: str, target_id: str, standing: int) -> pd.DataFrame:
    del chain, standing  # parts of the cache's key: a label may stand no more without any change to the case file
    return _case_store(cfg).history(target, target_id)


def queue_state() -> pd.DataFrame:
    """Who holds or snoozed which cluster; a snooze may be over meanwhile. Shared: never change it in place."""
    return _queue_state(settings(), revision())


@lru_cache(4)
def _queue_state(cfg: Settings, chain: str) -> pd.DataFrame:
    del chain  # a part of the cache's key
    return _case_store(cfg).queue_state()


def saved_views(cluster_id: str) -> list[dict[str, Any]]:
    """Views of one cluster that people kept, by name: name, query, saved_at, saved_by. Shared: never change them."""
    return _saved_views(settings(), revision(), cluster_id)


@lru_cache(256)
def _saved_views(cfg: Settings, chain: str, cluster_id: str) -> list[dict[str, Any]]:
    del chain  # a part of the cache's key
    return [{str(k): v for k, v in row.items()} for row in _case_store(cfg).saved_views(cluster_id).to_dict("records")]


def label_of(target: TargetType, target_id: str, table: pd.DataFrame | None = None) -> dict[str, Any] | None:
    """Current label of one target, or None."""
    table = labels() if table is None else table
    if table.empty:
        return None
    rows = table[(table["target_type"] == target.value) & (table["target_id"] == target_id)]
    return None if rows.empty else {str(k): v for k, v in rows.iloc[-1].to_dict().items()}
