"""Labelling: one target (from a page or the command line), or a file of analysts' labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stillwatch.cases.label_file import read_labels
from stillwatch.cases.store import CaseStore
from stillwatch.config import Settings
from stillwatch.domain import Label, LabelValue, TargetType
from stillwatch.errors import InputError, UnknownTarget
from stillwatch.warehouse import runs


@dataclass(frozen=True)
class Labelled:
    """A saved label, and the campaign that a cluster labelled ``distillation`` belongs to."""

    label: Label
    campaign_id: str | None = None
    opened: bool = False
    """The campaign was opened by this label."""


def label_target(cfg: Settings, target: str, value: str, *, reason: str, by: str) -> Labelled:
    """Label one target: ``account:ID``, ``cluster:ID``, ``campaign:ID``, or a bare id that only one of them has."""
    with CaseStore.open(cfg) as store:
        kind, name = _target(store, target)
        return save_label(cfg, store, kind, name, value, reason=reason, by=by)


def save_label(
    cfg: Settings,
    store: CaseStore,
    kind: str,
    name: str,
    value: str,
    *,
    reason: str,
    by: str,
    run_id: str | None = None,
) -> Labelled:
    """Save one label. A cluster called ``distillation`` that no campaign holds yet opens one, named by its title."""
    label = store.add_label(kind, name, value, reason, by, run_id=run_id)
    if label.target_type != TargetType.CLUSTER or label.value != LabelValue.DISTILLATION:
        return Labelled(label)
    campaigns = store.campaigns()
    holding = [c for c, ids in zip(campaigns["campaign_id"], campaigns["cluster_ids"], strict=True) if name in ids]
    if holding:
        return Labelled(label, holding[0])
    return Labelled(label, store.create_campaign(_title(cfg, name), [name], by, reason), opened=True)


def _title(cfg: Settings, cluster_id: str) -> str:
    """The cluster's title in the published run, else its id."""
    clusters = runs.current(cfg.runs).arrow("clusters", columns=["cluster_id", "title"]).to_pylist()
    titles = {c["cluster_id"]: c["title"] for c in clusters}
    return titles.get(cluster_id) or f"Cluster {cluster_id}"


def label_file(cfg: Settings, path: Path, *, by: str) -> tuple[int, int]:
    """Label everything that a CSV says, or nothing of it; gives how many labels were new and how many stood already."""
    statements = read_labels(path, by)
    with CaseStore.open(cfg) as store:
        saved = store.add_labels(statements, by)
    return saved.added, saved.unchanged


def _target(store: CaseStore, target: str) -> tuple[str, str]:
    """What a target on the command line means. An account may be called anything, also ``C-1`` or ``cluster:x``."""
    found = []
    kind, colon, rest = target.partition(":")
    if colon and kind in {str(t) for t in TargetType}:
        found.append((kind, rest))
    else:
        if store.targets.members([target], None):
            found.append((str(TargetType.CLUSTER), target))
        if target in set(store.campaigns()["campaign_id"]):
            found.append((str(TargetType.CAMPAIGN), target))
    if store.targets.known_accounts([target]):
        found.append((str(TargetType.ACCOUNT), target))
    if not found:
        raise UnknownTarget(
            f"there is no account, cluster or campaign {target[:60]!a}; "
            "`stillwatch clusters` and `stillwatch accounts` list what there is."
        )
    if len(found) > 1:
        kinds = " and ".join(k for k, _ in found)
        raise InputError(f"{target[:60]!a} is the name of {kinds}; say which: account:{ascii(target[:60])[1:-1]}.")
    return found[0]
