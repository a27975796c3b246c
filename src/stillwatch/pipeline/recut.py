"""Splits and merges by people, shown at once: the published run again, with the standing decisions applied.

Nothing is detected anew and nothing is lost: the new run names the one it was cut from and the decisions in it, so
that taking a decision back gives the tables of before. Detection applies the same decisions to what it finds
(``clusters.handmade``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import make_url

from stillwatch.cases.store import CaseStore
from stillwatch.clusters import activity, recut
from stillwatch.config import Settings
from stillwatch.domain import HandCut
from stillwatch.errors import Busy, StillwatchError, StoreError
from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import inputs_as_of
from stillwatch.warehouse import runs
from stillwatch.warehouse.lock import home_lock
from stillwatch.warehouse.run_schema import LATER_TABLES, RUN_TABLES
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.store import Warehouse


@dataclass(frozen=True)
class Decided:
    """One decision that was written down, and the run that shows it (null: another writer was busy; it shows later)."""

    cut: HandCut
    run: Run | None
    waits: str = ""
    """Why no run shows it yet, in words."""


def split(
    settings: Settings, store: CaseStore, cluster_id: str, accounts: Collection[str], *, by: str, reason: str
) -> Decided:
    """Split accounts off a cluster of the published run. Errors as ``CaseStore.split_cluster``."""
    return _shown(settings, store, lambda: store.split_cluster(cluster_id, accounts, by, reason))


def merge(settings: Settings, store: CaseStore, cluster_id: str, other_id: str, *, by: str, reason: str) -> Decided:
    """Join another cluster to one. Errors as ``CaseStore.merge_clusters``."""
    return _shown(settings, store, lambda: store.merge_clusters(cluster_id, other_id, by, reason))


def undo(settings: Settings, store: CaseStore, decision_id: str, *, by: str, reason: str) -> Decided:
    """Take a split or merge back. Errors as ``CaseStore.undo_decision``."""
    return _shown(settings, store, lambda: store.undo_decision(decision_id, by, reason))


def _shown(settings: Settings, store: CaseStore, decide: Callable[[], HandCut]) -> Decided:
    cut = decide()
    try:
        return Decided(cut, republish(settings, store))
    except Busy as e:
        return Decided(cut, None, f"{e} The decision is saved; apply it when that is done.")


def standing(settings: Settings) -> tuple[list[HandCut], str]:
    """Standing decisions for detection, and (else empty) why they could not be read. No case file: none."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not (settings.home / (url.database or "")).is_file():
        return [], ""
    try:
        with CaseStore.open(settings) as store:
            return store.standing_cuts(), ""
    except StillwatchError as e:
        return [], f"splits and merges by people could not be read and are not in this run ({e})"


def applied(run: Run) -> list[str]:
    """Ids of the decisions that a run shows."""
    return [str(d) for d in run.manifest.get("decisions") or ()]


def base_of(settings: Settings, run: Run) -> Run:
    """The detected run that a run was cut from; itself when it was detected, or when that one is gone."""
    name = run.manifest.get("recut_from")
    try:
        return runs.open_run(settings.runs, str(name)) if name else run
    except StillwatchError:
        return run


def republish(settings: Settings, store: CaseStore) -> Run:
    """The published run with exactly the standing decisions. Raises NothingYet, Busy, StoreError."""
    from stillwatch.pipeline.detect import run_id, with_model  # detection asks this module which decisions stand

    started = time.monotonic()
    with home_lock(settings, "cutting clusters"):
        runs.sweep_drafts(settings.runs)
        published = runs.current(settings.runs)
        base = base_of(settings, published)
        cuts = store.standing_cuts()
        tables = cut_tables(settings, base, cuts, store.all_cuts())
        model_id = published.manifest.get("model_id")
        detected_with = base.manifest.get("model_id")
        if model_id != detected_with or (model_id and cuts):  # a model was promoted or rolled back since
            tables = with_model(settings, model_id, tables)
        manifest = {
            **published.manifest,
            "created_at": datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            "recut_from": base.run_id,
            "decisions": [c.decision_id for c in cuts],
            "seconds": round(time.monotonic() - started, 2),
        }
        manifest["counts"] = {**manifest.get("counts", {}), "clusters": tables["clusters"].num_rows}
        kept = {name: base.file(name) for name in LATER_TABLES if base.has(name)}
        return runs.publish(settings.runs, run_id(), tables, manifest, kept=kept)


def cut_tables(settings: Settings, base: Run, cuts: list[HandCut], known: dict[str, HandCut]) -> dict[str, pa.Table]:
    """Tables of ``base`` with ``cuts``; decisions that were in it and stand no more are taken back."""
    tables = {name: base.arrow(name) for name in RUN_TABLES if name not in LATER_TABLES}
    inside, wanted = applied(base), {c.decision_id for c in cuts}
    back = [recut.inverse(known[d]) for d in reversed(inside) if d not in wanted and d in known]
    todo = [*back, *(c for c in cuts if c.decision_id not in inside)]
    if not todo:
        return tables
    named = pa.array(sorted({a for c in todo for a in (*c.moved, *c.stayed)}), pa.string())
    accounts = tables["accounts"]
    hit = accounts.filter(pc.is_in(accounts["account_id"], named))["cluster_id"].unique().drop_null()
    touched = {
        n: t.filter(pc.is_in(t["cluster_id"], hit.cast(pa.string()))) for n, t in tables.items() if n in recut.TOUCHED
    }
    frames = recut.recut(
        {n: t.to_pandas() for n, t in touched.items()}, todo, lambda members: _measured(settings, base, members)
    )
    from stillwatch.pipeline.detect import as_arrow

    out = dict(tables)
    for name, frame in frames.items():
        rest = tables[name].filter(pc.invert(pc.fill_null(pc.is_in(tables[name]["cluster_id"], hit), False)))
        out[name] = pa.concat_tables(
            [rest.select(list(RUN_TABLES[name].names)).cast(RUN_TABLES[name].schema), as_arrow(name, frame)]
        )
    order = out["accounts"].to_pandas().sort_values("account_id", kind="stable")
    out["accounts"] = out["accounts"].take(pa.array(order.index.to_numpy()))
    out["clusters"] = _ranked(out["clusters"].to_pandas(), as_arrow)
    return out


def _ranked(clusters: pd.DataFrame, as_arrow: Callable[[str, pd.DataFrame], pa.Table]) -> pa.Table:
    """Alarms first, then by score; untouched clusters keep their order among themselves."""
    order = clusters.assign(review=clusters["tier"] != "alarm").sort_values(
        ["review", "score", "rank", "cluster_id"], ascending=[True, False, True, True]
    )
    return as_arrow("clusters", order.drop(columns="review").assign(rank=np.arange(1, len(order) + 1)))


def _measured(settings: Settings, base: Run, members: pd.DataFrame) -> recut.Frames:
    """Timeline and capabilities of some clusters from the warehouse; empty where it has no requests."""
    try:
        warehouse = Warehouse.open(settings)
        if "requests" not in warehouse.versions:
            return {}
        given = bool((base.manifest.get("parameters") or {}).get("as_of_given"))
        as_of = datetime.fromisoformat(str(base.manifest["as_of"])) if given else None
        execute = Engine(warehouse.backend())
        inputs = inputs_as_of(warehouse.table, as_of)
        frame = ibis.memtable(members.astype({"account_id": "str", "cluster_id": "str", "part": "int64"}))
        requests = execute.keep(activity.member_requests_expr(inputs, frame))
        hours = base.arrow("timeline", columns=["hours"])["hours"]
        width = int(hours[0].as_py()) if len(hours) else 24
        lanes = [execute(activity.lane_expr(requests, kind, width)) for kind in ("group", "model", "capability")]
        found: dict[str, Any] = {"timeline": pd.concat(lanes, ignore_index=True)}
        if found["timeline"].empty:
            return {}
        found["timeline"]["bin"] = pd.to_datetime(found["timeline"]["bin"].astype("int64"), unit="s")
        known = requests.filter(requests.capabilities.notnull())
        total = execute(activity.totals_expr(known)).set_index("cluster_id")["total"]
        asked = execute(activity.capability_totals_expr(requests))
        asked["share"] = np.round(asked["requests"] / asked["cluster_id"].map(total).astype("float64"), 6)
        found["capabilities"] = asked.sort_values(["cluster_id", "requests"], ascending=[True, False])
        return found
    except (StoreError, KeyError, ValueError):  # a part without its activity says so; the decision still shows
        return {}
