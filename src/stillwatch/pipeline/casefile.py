"""Case file of one campaign: everything that a bundle says, read from the case store, one run and the warehouse."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch import __version__
from stillwatch.cases.campaigns import Campaign as StoredCampaign
from stillwatch.cases.store import CaseStore
from stillwatch.config import Settings
from stillwatch.errors import StillwatchError
from stillwatch.evidence.casefile import TABLES, Campaign, CaseFile, Note, Provenance, Source, conform
from stillwatch.evidence.wording import listed, plural
from stillwatch.warehouse import runs
from stillwatch.warehouse.store import Snapshot, Warehouse

_CLUSTER_TABLES = ("clusters", "reasons", "links", "timeline", "templates", "capabilities", "hypotheses")


def case_file(
    settings: Settings,
    store: CaseStore,
    campaign_id: str,
    *,
    bundle_id: str,
    by: str,
    at: datetime,
    tlp: str,
    redaction: str,
    audience: str = "",
) -> CaseFile:
    """The case file as it is now, not redacted yet. ``at``: naive UTC.

    Raises UnknownTarget (no such campaign), NothingYet (no run), StoreError (a store is damaged).
    """
    campaign = store.campaign(campaign_id)
    run = _run(settings, campaign)
    gaps: list[str] = []
    clusters = list(campaign.cluster_ids)
    tables: dict[str, Any] = {name: _of_clusters(run, name, clusters) for name in _CLUSTER_TABLES}
    missing = sorted(set(clusters) - set(tables["clusters"]["cluster_id"].to_pylist()))
    if missing:
        gaps.append(
            f"run {run.run_id} does not know {plural(len(missing), 'cluster')} of the campaign ({listed(missing)}); "
            "accounts of the time when they were added are listed"
        )
    gaps += ["; ".join(steps) for c in clusters if (steps := store.forwarded(c)[1])]
    tables["accounts"] = _accounts(run, campaign, gaps)
    markers = run.arrow("markers")
    own = pc.or_kleene(
        pc.is_null(markers["cluster_id"]), pc.is_in(markers["cluster_id"], pa.array(clusters, pa.string()))
    )
    tables["markers"] = markers.filter(own)
    accounts = set(tables["accounts"]["account_id"].to_pylist())
    tables["labels"] = _labels(store, {campaign_id, *clusters}, accounts)
    timeline_notes = _timeline_notes(store, clusters)
    tables["decisions"] = _decisions(campaign, store, timeline_notes)
    sources = _sources(settings, run, gaps)
    tables["custody"] = _custody(
        store, campaign, run, sources, (bundle_id, by, at, f"{tlp}, {redaction} copy"), accounts
    )
    return CaseFile(
        bundle_id=bundle_id,
        created_at=at,
        by=by,
        organisation=settings.organisation,
        code_version=__version__,
        tlp=tlp,
        redaction=redaction,
        campaign=Campaign(
            campaign_id=campaign.campaign_id,
            name=campaign.name,
            status=str(campaign.status),
            opened_at=campaign.created_at,
            opened_by=campaign.created_by,
            reason=campaign.reason,
            cluster_ids=campaign.cluster_ids,
            account_ids=campaign.account_ids,
            notes=(
                *(Note(row.written_at.to_pydatetime(), row.written_by, row.text) for row in _rows(campaign.notes)),
                *(
                    Note(r.at.to_pydatetime(), r.by, f"On {_about(r)}, cluster {r.cluster_id}: {r.text}")
                    for r in _rows(timeline_notes[timeline_notes["stands"]])
                ),
            ),
        ),
        provenance=Provenance(run.run_id, run.manifest, tuple(sources), store.chain_head()[1]),
        tables={name: conform(name, tables[name]) for name in TABLES},
        nodes=_of_clusters(run, "nodes", clusters),
        gaps=tuple(gaps),
        audience=audience,
    )


def _run(settings: Settings, campaign: StoredCampaign) -> runs.Run:
    """The published run if it knows a cluster or account of the campaign, else the newest one that does."""
    current = runs.current(settings.runs)
    older = [r for r in reversed(runs.all_runs(settings.runs)) if r.run_id != current.run_id]
    for run in (current, *older):
        column = run.arrow("clusters", columns=["cluster_id"])["cluster_id"].to_pylist()
        if not campaign.cluster_ids or set(column) & set(campaign.cluster_ids):
            return run
    return current


def _of_clusters(run: runs.Run, table: str, clusters: Sequence[str]) -> pa.Table:
    return run.arrow(table, filters=[("cluster_id", "in", list(clusters))] if clusters else pc.scalar(False))


def _accounts(run: runs.Run, campaign: StoredCampaign, gaps: list[str]) -> pa.Table:
    """Members of the clusters as of the run, those of the time of adding, single accounts; each once, sorted."""
    clusters = list(campaign.cluster_ids)
    now = _of_clusters(run, "accounts", clusters)
    inside = set(now["account_id"].to_pylist())
    earlier = {a for accounts in campaign.accounts_when_added.values() for a in accounts} - inside
    if earlier and inside:
        gaps.append(
            f"{plural(len(earlier), 'account')} belonged to a cluster when it was put into the campaign and "
            f"{'does' if len(earlier) == 1 else 'do'} not in run {run.run_id}; listed in tables/accounts.csv with "
            f"{'its' if len(earlier) == 1 else 'their'} present cluster"
        )
    wanted = sorted((earlier | set(campaign.account_ids)) - inside)
    extra = run.arrow("accounts", filters=[("account_id", "in", wanted)]) if wanted else now.slice(0, 0)
    unknown = sorted(set(wanted) - set(extra["account_id"].to_pylist()))
    blank = conform("accounts", pa.table({"account_id": pa.array(unknown, pa.string())}))
    if unknown:
        gaps.append(f"run {run.run_id} has no figures for {plural(len(unknown), 'account')} of the campaign")
    every = pa.concat_tables([conform("accounts", now), conform("accounts", extra), blank])
    return every.sort_by([("cluster_id", "ascending"), ("score", "descending"), ("account_id", "ascending")])


def _labels(store: CaseStore, targets: set[str], accounts: set[str]) -> pd.DataFrame:
    labels = store.labels(current=False).rename(columns={"value": "label"})
    of_case = labels["target_type"].isin(["campaign", "cluster"]) & labels["target_id"].isin(targets)
    of_account = (labels["target_type"] == "account") & labels["target_id"].isin(accounts)
    return labels[of_case | of_account].sort_values(["labeled_at", "label_id"])


def _timeline_notes(store: CaseStore, clusters: Sequence[str]) -> pd.DataFrame:
    """Notes on the timelines of some clusters and their takings back, each once, oldest first, with ``stands``."""
    found = [store.annotations(c, current=False) for c in clusters] or [store.annotations("", current=False)]
    notes = pd.concat(found).drop_duplicates("annotation_id").sort_values(["at", "annotation_id"], kind="stable")
    stands = (notes["action"] == "written") & ~notes["annotation_id"].isin(set(notes["supersedes"].dropna()))
    return notes.assign(stands=stands)


def _about(note: Any) -> str:
    """The moment or window that a note is about, in words."""
    begin = f"{note.begin:%Y-%m-%d %H:%M} UTC"
    return begin if pd.isna(note.end) else f"{note.begin:%Y-%m-%d %H:%M} to {note.end:%Y-%m-%d %H:%M} UTC"


def _decisions(campaign: StoredCampaign, store: CaseStore, timeline_notes: pd.DataFrame) -> pd.DataFrame:
    """Statuses, members, notes, and splits and merges of its clusters as one story."""
    rows = [
        {"at": r.decided_at, "person": r.decided_by, "action": "status", "target": campaign.campaign_id,
         "detail": r.status, "reason": r.reason}
        for r in _rows(campaign.statuses)
    ]  # fmt: skip
    rows += [
        {"at": r.changed_at, "person": r.changed_by, "action": f"{r.member_type} {r.action}", "target": r.member_id,
         "detail": None, "reason": r.reason}
        for r in _rows(campaign.members)
    ]  # fmt: skip
    rows += [
        {"at": r.written_at, "person": r.written_by, "action": "note", "target": campaign.campaign_id,
         "detail": r.text, "reason": None}
        for r in _rows(campaign.notes)
    ]  # fmt: skip
    rows += [
        {"at": r.at, "person": r.by, "action": "timeline note", "target": r.cluster_id,
         "detail": f"{r.annotation_id}, {_about(r)}: {r.text}", "reason": None}
        if r.action == "written" else
        {"at": r.at, "person": r.by, "action": "timeline note taken back", "target": r.cluster_id,
         "detail": r.supersedes, "reason": r.text}
        for r in _rows(timeline_notes)
    ]  # fmt: skip
    cuts = store.cluster_decisions()
    own = cuts["cluster_id"].isin(campaign.cluster_ids) | cuts["other_id"].isin(campaign.cluster_ids)
    rows += [
        {"at": r.decided_at, "person": r.decided_by, "action": f"cluster {r.action}", "target": r.cluster_id,
         "detail": f"{r.decision_id}, {r.other_id}, {plural(int(r.accounts), 'account')} moved"
         if r.action != "undo" else f"{r.decision_id}, took {r.supersedes} back",
         "reason": r.reason}
        for r in _rows(cuts[own])
    ]  # fmt: skip
    return _sorted(rows, ("at", "person", "action", "target", "detail", "reason"))


def _sources(settings: Settings, run: runs.Run, gaps: list[str]) -> list[Source]:
    """The imports that the run saw, by the table version that it names."""
    versions = {str(k): int(v) for k, v in (run.manifest.get("table_versions") or {}).items()}
    if "imports" not in versions:
        versions = Warehouse.open(settings).versions
    try:
        imports = Warehouse(settings, Snapshot(versions)).table("imports").to_pandas()
    except (StillwatchError, OSError) as e:
        gaps.append(f"the list of imports could not be read ({e})")
        return []
    made = []
    for row in _rows(imports.sort_values("import_id")):
        report = json.loads(row.report)
        made.append(
            Source(
                source=row.source,
                format=row.format,
                imported_at=row.imported_at.to_pydatetime(),
                fingerprint=row.fingerprint or "",
                rows={str(k): int(v) for k, v in (report.get("rows_new") or {}).items()},
                blind=tuple(str(b) for b in report.get("blind") or ()),
            )
        )
    return made


def _custody(
    store: CaseStore,
    campaign: StoredCampaign,
    run: runs.Run,
    sources: Iterable[Source],
    export: tuple[str, str, datetime, str],
    accounts: set[str],
) -> pd.DataFrame:
    """Collection, computation, looks at prompt text, earlier copies, and this export."""
    bundle_id, by, at, what = export
    program = f"stillwatch {__version__}"
    rows: list[dict[str, Any]] = [
        {"at": s.imported_at, "person": program, "action": "collected", "item": s.source,
         "method": f"import, {s.format}", "sha256": s.fingerprint or None}
        for s in sources
    ]  # fmt: skip
    manifest = (run.folder / "manifest.json").read_bytes()
    rows.append(
        {"at": _time(run.manifest.get("created_at")), "person": program, "action": "computed",
         "item": f"run {run.run_id}",
         "method": f"detect, code {run.manifest.get('code_version')}", "sha256": hashlib.sha256(manifest).hexdigest()}
    )  # fmt: skip
    targets = {campaign.campaign_id, *campaign.cluster_ids, *accounts}
    looks = store.audit(None, action="reveal_prompts")
    rows += [
        {"at": r.at, "person": r.actor, "action": "looked at prompt text", "item": f"{r.target_type} {r.target_id}",
         "method": f"because: {r.reason}", "sha256": None}
        for r in _rows(looks[looks["target_id"].isin(targets)])
    ]  # fmt: skip
    bundles = store.bundles()
    copies = store.custody()
    copies = copies[copies["bundle_id"].isin(bundles.loc[bundles["campaign_id"] == campaign.campaign_id, "bundle_id"])]
    rows += [
        {"at": r.at, "person": r.by, "action": f"copy {r.action}", "item": r.bundle_id, "method": r.method or None,
         "sha256": r.sha256}
        for r in _rows(copies)
    ]  # fmt: skip
    rows.append({"at": at, "person": by, "action": "exported", "item": bundle_id, "method": what, "sha256": None})
    return _sorted(rows, ("at", "person", "action", "item", "method", "sha256"))


def _time(text: Any) -> datetime | None:
    """A time of a run's manifest as naive UTC; null when it has none."""
    try:
        when = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when


def _sorted(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    frame["at"] = pd.to_datetime(frame["at"])
    return frame.sort_values("at", kind="stable", na_position="first")


def _rows(frame: pd.DataFrame) -> Iterable[Any]:
    return frame.itertuples(index=False)
