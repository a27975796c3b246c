"""Detection: warehouse -> signals -> owners, links -> groups tested in two views -> one published run.

Ranking and alarm are two things: every group is ranked, only tested evidence raises an alarm. A run is immutable;
the same data and seed give the same tables, byte by byte.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from stillwatch import __version__
from stillwatch.clusters import candidates, handmade, report, selection, taken, takeover
from stillwatch.clusters.conduct import conduct_of
from stillwatch.clusters.evidence import Evidence, gather
from stillwatch.clusters.identity import Identity, identify
from stillwatch.clusters.timing import times_of
from stillwatch.config import Settings
from stillwatch.detector import model as models
from stillwatch.domain import HandCut, Progress, no_progress
from stillwatch.errors import NothingYet, StoreError
from stillwatch.graph.owners import infer_owners
from stillwatch.graph.similarity import Content, content_from, content_of
from stillwatch.graph.world import Ints, canonical_order, incidence
from stillwatch.pipeline import recut
from stillwatch.pipeline.counting import counted
from stillwatch.pipeline.seen import write_sightings
from stillwatch.signals import compute, links
from stillwatch.signals.coordination import activity_of
from stillwatch.signals.engine import Engine
from stillwatch.signals.extraction import (
    carried_by_account_expr,
    carried_by_capability_expr,
    carried_requests_expr,
)
from stillwatch.signals.inputs import Coverage, Inputs, coverage_expr, inputs_as_of, unattributed_expr
from stillwatch.signals.takeover import change_points_expr, marked_requests_expr, places_apart_expr
from stillwatch.warehouse import runs
from stillwatch.warehouse.lock import home_lock
from stillwatch.warehouse.run_schema import LATER_TABLES, RUN_TABLES
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.store import Warehouse

SEED = 20260223
ENGINE_SHARE = 0.6
"""Share of the engine's memory that detection gives it: the evidence itself lies beside it, in this process."""
MEMORY_RUNS = 20
"""How many earlier runs are asked for clusters that come back."""


def detect(settings: Settings, *, as_of: datetime | None = None, progress: Progress = no_progress) -> Run:
    """Find clusters in everything known at ``as_of`` (None: everything) and publish a run.

    Raises ``NothingYet`` on an empty warehouse, ``Busy`` when another writer holds the home. Killed at any moment,
    it leaves the run that was published before.
    """
    with home_lock(settings, "detection"):
        runs.sweep_drafts(settings.runs)
        with runs.workroom(settings.runs) as room:
            return _detect(settings, as_of, progress, room)


def _detect(settings: Settings, as_of: datetime | None, progress: Progress, room: Path) -> Run:
    started = time.monotonic()
    if as_of is not None and as_of.tzinfo is not None:
        as_of = as_of.astimezone(UTC).replace(tzinfo=None)
    warehouse = Warehouse.open(settings)
    warehouse.spill_into(room, settings.memory_gb * ENGINE_SHARE)
    inputs = inputs_as_of(warehouse.table, as_of)
    execute = Engine(warehouse.backend())
    progress("looking at what the data can tell", 0.02)
    inputs = counted(warehouse, inputs, execute, room, progress)
    coverage = compute.read_coverage(execute(coverage_expr(inputs)).iloc[0])
    nobody = int(execute(unattributed_expr(warehouse.table("requests")))["requests"].iloc[0])
    if nobody and not coverage.accounts and not coverage.requests:
        raise NothingYet(
            f"all {nobody:,} requests name no account, so there is nothing to link; import account ids too."
        )
    if not (coverage.accounts or coverage.requests or coverage.identifiers):
        when = f" before {as_of:%Y-%m-%d %H:%M} UTC" if as_of else ""
        raise NothingYet(f"there is no data{when} to look at: run `stillwatch import PATH` (or use the Data page).")
    progress("measuring every account", 0.08)
    signals = compute.signal_frame(inputs, coverage, execute)
    accounts = account_frame(inputs, execute)
    signals = signals.set_index("account_id").reindex(accounts["account_id"]).reset_index()
    progress("collecting what accounts have in common", 0.35)
    evidence, raw = collect(inputs, coverage, execute, accounts, progress)
    evidence = replace(evidence, conduct=conduct_of(signals))
    progress("forming groups in one view, testing them in the other", 0.6)
    formed = candidates.form(evidence, seed=SEED)
    cuts, unread = recut.standing(settings)
    found = find(inputs, execute, evidence, signals, formed, cuts)
    progress("naming clusters", 0.75)
    ids = accounts["account_id"].to_numpy(dtype=object)
    identities = _identities(settings, [frozenset(ids[f.members]) for f in found])
    progress("writing reasons, timelines and drawings", 0.8)
    blind = [*([unread] if unread else []), *blind_words(coverage)]
    if nobody:
        blind = [f"{nobody:,} requests name no account; they are kept, but not looked at", *blind]
    material = report.Material(
        inputs,
        coverage,
        execute,
        evidence,
        signals,
        raw,
        execute(inputs.models.order_by("model")),
        blind,
        max(1, len(formed.groups)),
        SEED,
    )
    told = report.write(material, found, identities)
    tables = told.tables
    tables["signals"] = signals.sort_values("account_id")
    tables["accounts"] = _accounts(accounts, evidence, selection.account_scores(evidence, found), told)
    _add_traffic(tables)
    progress("estimating what was taken", 0.92)
    tables["taken"] = taken.measure(
        evidence, found, [i.cluster_id for i in identities], carried(inputs, execute, evidence.content.source)
    )
    arrow = {name: as_arrow(name, frame) for name, frame in tables.items()}
    progress("listing what every account was seen with", 0.93)
    seen = write_sightings(room / "sightings.parquet", inputs, coverage, execute)
    model_id = promoted(settings)
    if model_id:
        arrow = with_model(settings, model_id, arrow)
    counts = {name: table.num_rows for name, table in arrow.items()} | {"sightings": seen}
    counts["alarms"] = int((tables["clusters"]["tier"] == "alarm").sum())
    counts["requests"] = coverage.requests
    manifest = {
        "created_at": datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        "as_of": as_of or coverage.last_ts,
        "code_version": __version__,
        "table_versions": warehouse.versions,
        "parameters": {
            "as_of_given": as_of is not None,
            "resolutions": list(candidates.RESOLUTIONS),
            "least": candidates.LEAST,
            "candidates": len(formed.groups),
        },
        "decisions": [c.decision_id for c in cuts],
        "seed": SEED,
        "counts": counts,
        "blind": blind,
        "seconds": round(time.monotonic() - started, 2),
        "model_id": model_id,
    }
    progress("publishing the run", 0.97)
    run = runs.publish(settings.runs, run_id(), arrow, manifest, kept={"sightings": room / "sightings.parquet"})
    progress("done", 1.0)
    return run


def find(
    inputs: Inputs,
    execute: Engine,
    evidence: Evidence,
    signals: pd.DataFrame,
    formed: candidates.Candidates,
    cuts: Sequence[HandCut] = (),
) -> list[selection.Found]:
    """Clusters in queue order, without accounts that seem to be stolen keys, cut and joined as people decided."""
    with threadpool_limits(1):  # many small models: threads of a linear algebra library would only wait for each other
        chosen = selection.select(evidence, formed, compute.scaled(signals), seed=SEED)

    def look_up(members: pd.DataFrame, tokens: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        kind = "int64" if evidence.content.source == "phrases" else "str"
        marked = execute.keep(
            marked_requests_expr(
                inputs,
                ibis.memtable(members.astype({"account_id": "str"})),
                ibis.memtable(tokens.astype({"token": kind})),
                evidence.content.source,
            )
        )
        return execute(places_apart_expr(marked)), execute(change_points_expr(marked))

    victims = takeover.find_victims(evidence, chosen.found, look_up)
    found = takeover.without_victims(evidence, chosen.found, chosen.floor, victims)
    return selection.in_order(handmade.respect(evidence, found, chosen.floor, cuts))


def carried(inputs: Inputs, execute: Engine, source: str) -> taken.Count:
    """How ``taken.measure`` counts: requests that carry phrases of either half of a cluster's members."""

    def count(members: pd.DataFrame, tokens: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        kinds = {"cluster": "str", "side": "str", "token": "int64" if source == "phrases" else "str"}
        requests = execute.keep(
            carried_requests_expr(
                inputs, ibis.memtable(members.astype("str")), ibis.memtable(tokens.astype(kinds)), source
            )
        )
        return execute(carried_by_account_expr(requests)), execute(carried_by_capability_expr(requests))

    return count


def run_id() -> str:
    """A new run's id, ordered by time."""
    return f"R-{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"


def account_frame(inputs: Inputs, execute: Engine) -> pd.DataFrame:
    """Every account that anything names, in canonical order, with what the accounts table of a run shows."""
    known = execute(inputs.accounts.drop("import_id", "country")).assign(known=True)
    profile = execute(compute.profile_expr(inputs))
    named = execute(inputs.identifiers.select("account_id").distinct())
    frame = known.merge(profile, on="account_id", how="outer").merge(named, on="account_id", how="outer")
    frame["known"] = frame["known"].eq(True)
    for name in ("requests", "active_days", "input_tokens", "output_tokens"):
        frame[name] = frame[name].fillna(0).astype("int64")
    return canonical_order(frame)


def collect(
    inputs: Inputs, coverage: Coverage, execute: Engine, accounts: pd.DataFrame, progress: Progress = no_progress
) -> tuple[Evidence, pd.DataFrame]:
    """All evidence, and the raw links (account_id, source, value, uses, first_seen, last_seen)."""
    row_of = pd.Series(np.arange(len(accounts)), index=accounts["account_id"])
    columns = ["account_id", "kind", "value", "uses", "first_seen", "last_seen"]
    identifiers = (
        execute(links.identifier_links_expr(inputs)) if coverage.identifiers else pd.DataFrame(columns=columns)
    )
    degrees = execute(links.identifier_degrees_expr(inputs)) if coverage.identifiers else pd.DataFrame(columns=["kind"])
    found = {"network": pd.DataFrame(columns=columns)}
    held: dict[str, pd.DataFrame] = {str(k): part for k, part in degrees.groupby("kind")}
    for kind, names in links.REQUEST_VALUES.items():
        if kind != "template" and any(coverage.has(f"requests.{n}") for n in names):
            found[kind] = execute(links.request_links_expr(inputs, kind))
            held[kind] = execute(links.request_degrees_expr(inputs, kind))
    owner: Ints = infer_owners(accounts, identifiers, found["network"])
    parts = {str(k): part for k, part in identifiers.groupby("kind")} | {
        k: part for k, part in found.items() if len(part)
    }
    incidences = {k: incidence(part, held[k], k, row_of) for k, part in parts.items()}
    evidence = gather(accounts, owner, _content(inputs, coverage, execute, row_of, progress), incidences)
    if coverage.requests:
        activity = activity_of(inputs, execute, accounts["account_id"], coverage.first_ts)
        evidence = replace(evidence, times=times_of(activity, owner, accounts))
    raw = pd.concat([identifiers, *found.values()], ignore_index=True)[columns].rename(columns={"kind": "source"})
    return evidence, raw


def _content(
    inputs: Inputs, coverage: Coverage, execute: Engine, row_of: pd.Series, progress: Progress = no_progress
) -> Content:
    """What accounts repeat: phrases where prompts were seen, else templates."""
    if coverage.has("requests.phrases"):
        numbers = pd.DataFrame({"account_id": row_of.index.astype("str"), "number": row_of.to_numpy(np.int32)})
        book = execute.arrow(links.phrasebook_expr(inputs, ibis.memtable(numbers)))
        rows, tokens = book["number"].to_numpy().astype(np.int64), book["token"].to_numpy()
        progress("comparing what accounts write again and again", 0.5)
        if len(rows):
            speaks = np.zeros(len(row_of), dtype=bool)
            speaks[rows] = True
            place, _ = pd.factorize(tokens)
            common = np.bincount(place)[place] > 1
            return content_from(rows[common], tokens[common], speaks, "phrases")
    nobody = pd.DataFrame({"account_id": pd.Series(dtype="str"), "token": pd.Series(dtype="str")})
    if coverage.has("requests.template"):
        shared = execute(links.request_links_expr(inputs, "template")).rename(columns={"value": "token"})
        return content_of(shared, execute(links.request_degrees_expr(inputs, "template")), row_of, "templates")
    return content_of(nobody, nobody, row_of, "nothing")


def blind_words(coverage: Coverage) -> list[str]:
    """Signals that this data cannot feed, with the reason."""
    gone: dict[str, list[str]] = {}
    for signal, reason in compute.computable(coverage):
        if reason:
            gone.setdefault(reason, []).append(signal.name)
    out = [f"{reason}: {', '.join(names)} cannot be computed" for reason, names in gone.items()]
    if not coverage.identifiers:
        out.append("the data has no identifiers: shared cards, devices and contacts cannot be seen")
    if not coverage.has("requests.template"):
        out.append(
            "neither prompts nor template hashes: what accounts write cannot be compared, so no alarm is possible"
        )
    elif not coverage.has("requests.phrases"):
        out.append("no prompt text, only template hashes: reworded templates cannot be recognised")
    return out


def _identities(settings: Settings, clusters: list[frozenset[str]]) -> list[Identity]:
    """Ids carried over from the runs before."""
    memory: list[dict[str, frozenset[str]]] = []
    for run in reversed(runs.all_runs(settings.runs)[-MEMORY_RUNS:]):
        try:
            frame = run.frame("accounts", columns=["account_id", "cluster_id"]).dropna()
        except StoreError:  # an old run that was damaged lends no ids, and blocks nothing
            memory.append({})
            continue
        memory.append({str(c): frozenset(part) for c, part in frame.groupby("cluster_id")["account_id"]})
    try:
        current = runs.current(settings.runs).run_id
        newest = [r.run_id for r in reversed(runs.all_runs(settings.runs)[-MEMORY_RUNS:])]
        memory.insert(0, memory.pop(newest.index(current)) if current in newest else {})
    except (NothingYet, StoreError):
        pass
    earlier: dict[str, frozenset[str]] = {}
    for old in memory[1:]:
        for name, members in old.items():
            earlier.setdefault(name, members)
    return identify(clusters, memory[0] if memory else {}, earlier)


def _accounts(
    accounts: pd.DataFrame, evidence: Evidence, score: np.ndarray[Any, Any], told: report.Report
) -> pd.DataFrame:
    ids = accounts["account_id"].astype("object")
    size = np.bincount(evidence.owner)
    why = pd.Series([told.why.get(a, []) for a in ids], dtype="object")
    why_not = pd.Series([told.why_not.get(a, []) for a in ids], dtype="object")
    owners = pd.Series(owner_names(accounts, evidence.owner, size), dtype="object")
    frame = accounts.assign(
        cluster_id=ids.map(told.cluster_of),
        role=ids.map(told.role_of),
        score=score,
        base_score=score,
        reasons=why,
        against=why_not,
        owner=owners,
    )
    return frame.sort_values("account_id")


def owner_names(accounts: pd.DataFrame, owner: Ints, size: Ints) -> list[str | None]:
    """A name for each open owner of two or more accounts: its organisation, its mail domain, or its first account."""
    names: dict[int, str] = {}
    shared = accounts.assign(_owner=owner)[size[owner] > 1]
    for number, part in shared.groupby("_owner"):
        org, domain = part["org_id"].dropna(), part["email_domain"].dropna()
        if len(org) >= 0.5 * len(part):
            names[int(str(number))] = f"organisation {org.value_counts().index[0]}"
        elif len(domain) and domain.value_counts().iloc[0] >= 0.9 * len(part):
            names[int(str(number))] = f"mail domain {domain.value_counts().index[0]}"
        else:
            names[int(str(number))] = f"accounts that share openly with {part['account_id'].iloc[0]}"
    return [names.get(int(o)) for o in owner]


def _add_traffic(tables: dict[str, pd.DataFrame]) -> None:
    """Requests, tokens and times of each cluster, from its members."""
    members = tables["accounts"].dropna(subset=["cluster_id"]).astype({"cluster_id": object})
    sums = members.groupby("cluster_id").agg(
        requests=("requests", "sum"),
        input_tokens=("input_tokens", "sum"),
        output_tokens=("output_tokens", "sum"),
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
    )
    tables["clusters"] = tables["clusters"].merge(sums, left_on="cluster_id", right_index=True, how="left")
    tables.setdefault("templates", pd.DataFrame())


def as_arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    """A run's table from pandas, with the schema's columns in order; columns that the frame lacks are null."""
    spec = RUN_TABLES[name]
    if name == "signals":
        return pa.Table.from_pandas(frame, preserve_index=False)
    columns = []
    for column in spec.columns:
        values = frame[column.name] if column.name in frame else pd.Series([None] * len(frame), dtype="object")
        if values.empty:
            values = values.astype(object)  # an empty column has whatever type pandas guessed
        columns.append(pa.Array.from_pandas(values, type=column.arrow, safe=False))
    return pa.Table.from_arrays(columns, schema=spec.schema)


def promoted(settings: Settings) -> str | None:
    """Id of the model in use, None when none was promoted."""
    try:
        return (settings.models / "PROMOTED").read_text().strip() or None
    except FileNotFoundError:
        return None


def with_model(settings: Settings, model_id: str | None, tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The same tables with a model's scores and ranks (None: the base scores)."""
    accounts, clusters = tables["accounts"].to_pandas(), tables["clusters"].to_pandas()
    if model_id is None:
        accounts["score"], clusters["score"] = accounts["base_score"], clusters["base_score"]
    else:
        model = models.load(settings.models, model_id)
        scores = models.score_accounts(model, tables)
        accounts["score"] = scores.set_index("account_id")["score"].reindex(accounts["account_id"]).to_numpy()
        moved = models.score_clusters(tables, scores)
        clusters["score"] = moved.set_index("cluster_id")["score"].reindex(clusters["cluster_id"]).to_numpy()
    clusters = clusters.sort_values(
        ["score", "base_score", "size", "cluster_id"], ascending=[False, False, False, True]
    )
    clusters["rank"] = np.arange(1, len(clusters) + 1)
    return {**tables, "accounts": as_arrow("accounts", accounts), "clusters": as_arrow("clusters", clusters)}


def rescore(settings: Settings, model_id: str | None) -> Run:
    """A new run: the current one with the scores of a model (None: without one). Nothing is detected anew."""
    started = time.monotonic()
    with home_lock(settings, "rescoring"):
        runs.sweep_drafts(settings.runs)
        old = runs.current(settings.runs)
        kept = {name: old.file(name) for name in LATER_TABLES if old.has(name)}
        tables = {name: old.arrow(name) for name in RUN_TABLES if name not in LATER_TABLES}
        changed = with_model(settings, model_id, tables)
        manifest = {
            **old.manifest,
            "created_at": datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            "model_id": model_id,
            "rescored_from": old.run_id,
            "seconds": round(time.monotonic() - started, 2),
        }
        return runs.publish(settings.runs, run_id(), changed, manifest, kept=kept)
