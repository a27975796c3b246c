"""Training: from labels and one run to a candidate model, measured on clusters that it did not see.

The candidate, the model in use and the base score are measured on the same held-out accounts. Held out means by
group: all accounts of one labelled target or one cluster are either in training or in testing, else a cluster's
twins would answer for each other. Nothing here reads truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.model_selection import GroupKFold

from stillwatch.detector.examples import Examples, anchors, arrays, examples
from stillwatch.detector.features import BASE, expit
from stillwatch.detector.fit import Fit, fit
from stillwatch.detector.measures import BCubed, Scores, bcubed, scores
from stillwatch.detector.model import Detector, Scaler
from stillwatch.detector.suggestions import Agreement, agreement
from stillwatch.domain import LabelValue, Progress, TargetType, no_progress
from stillwatch.errors import NothingYet

FOLDS = 10
"""Groups are held out one at a time up to this many, in so many portions beyond."""


@dataclass(frozen=True)
class InUse:
    """The model that is in use now, and the accounts whose labels it has seen."""

    model: Detector
    seen: frozenset[str]


@dataclass(frozen=True)
class Candidate:
    """A trained model and what was measured. Figures are null, with ``statement`` saying why, if not measurable."""

    model: Detector
    width: float
    """Standard deviation of a coefficient that the labels' evidence chose: how far the base score may be bent."""
    statement: str
    """In words: what the figures rest on, or why there are none."""
    candidate: Scores | None
    base: Scores | None
    in_use: Scores | None
    in_use_seen: int
    """Of the held-out accounts, how many the model in use was trained on; its figures flatter it by these."""
    groups: BCubed | None
    """Clusters against labelled campaigns; null unless campaigns are labelled distillation."""
    held_out: pd.DataFrame
    """account_id, target, weight, group, candidate, base, in_use (probabilities)."""
    errors: pd.DataFrame
    """Labels that the held-out model contradicts: label_id, target_type, target_id, value, labeler, reason,
    accounts, probability (mean), worst first."""
    agreement: Agreement
    counts: dict[str, int]
    examples: Examples

    def metrics(self) -> dict[str, Any]:
        """All figures as plain values, for metrics.json and the case file."""
        return {
            "statement": self.statement,
            "candidate": self.candidate.to_dict() if self.candidate else None,
            "base": self.base.to_dict() if self.base else None,
            "in_use": self.in_use.to_dict() if self.in_use else None,
            "in_use_seen": self.in_use_seen,
            "bcubed": vars(self.groups) if self.groups else None,
            "agreement": self.agreement.to_dict(),
            "counts": self.counts,
            "width": self.width,
            "errors": self.errors.to_dict("records"),
            "weights": self.model.weights.head(40).to_dict("records"),
        }


def train(
    features: pd.DataFrame,
    accounts: pd.DataFrame,
    labels: pa.Table,
    in_use: InUse | None = None,
    progress: Progress = no_progress,
) -> Candidate:
    """Train on labels (``examples.LABELS``) of one run (its features and ``accounts`` table).

    Raises NothingYet when no label says anything about an account of the run.
    """
    found = examples(labels, accounts)
    labelled = found.labelled
    if not len(labelled):
        raise NothingYet(_nothing(labels, found))
    anchored = anchors(features, accounts, pd.Index(labelled["account_id"]))
    scaler = Scaler.learn(features)
    progress("training on all labels", 0.0)
    whole = _fit(scaler, features, labelled, anchored)
    model = Detector(scaler, whole.coefficients)
    held, why_not = _hold_out(scaler, features, found, anchored, in_use, progress)
    said = labelled["target"].to_numpy(dtype="float64")
    weight = labelled["weight"].to_numpy(dtype="float64")

    def measured(column: str) -> Scores | None:
        return scores(held[column].to_numpy(dtype="float64"), said, weight) if not why_not and column in held else None

    counts = {
        "labels": labels.num_rows,
        "accounts": len(labelled),
        "groups_distillation": found.groups(1.0),
        "groups_benign": found.groups(0.0),
        "anchors": len(anchored),
        "unknown_accounts": len(found.unknown),
    }
    return Candidate(
        model=model,
        width=whole.width,
        statement=why_not or _rests_on(counts, found),
        candidate=measured("candidate"),
        base=measured("base"),
        in_use=measured("in_use"),
        in_use_seen=int(labelled["account_id"].isin(in_use.seen).sum()) if in_use else 0,
        groups=_campaign_groups(labels, accounts),
        held_out=held,
        errors=_errors(labels, held) if not why_not else _errors(labels.slice(0, 0), held),
        agreement=agreement(labels),
        counts=counts,
        examples=found,
    )


def _fit(scaler: Scaler, features: pd.DataFrame, labelled: pd.DataFrame, anchored: pd.DataFrame) -> Fit:
    who, target, weight = arrays(labelled, anchored)
    rows = features.loc[who]
    return fit(scaler.matrix(rows), rows[BASE].to_numpy(dtype="float64"), target, weight)


def _hold_out(
    scaler: Scaler,
    features: pd.DataFrame,
    found: Examples,
    anchored: pd.DataFrame,
    in_use: InUse | None,
    progress: Progress,
) -> tuple[pd.DataFrame, str]:
    """Probabilities of every labelled account by a model that did not see its group; and why not, if not measurable."""
    labelled = found.labelled
    rows = features.loc[labelled["account_id"]]
    held = labelled[["account_id", "target", "weight", "group"]].copy()
    held["base"] = expit(rows[BASE].to_numpy(dtype="float64"))
    if in_use is not None:
        held["in_use"] = in_use.model.predict(rows).to_numpy()
    why_not = _not_measurable(found)
    if why_not:
        return held.assign(candidate=np.nan), why_not
    groups = labelled["group"].nunique()
    out = np.full(len(labelled), np.nan)
    splits = GroupKFold(n_splits=min(FOLDS, groups)).split(rows, groups=labelled["group"])
    for number, (seen, unseen) in enumerate(splits, start=1):
        progress("measuring on clusters held out", number / (min(FOLDS, groups) + 1))
        part = _fit(scaler, features, labelled.iloc[seen], anchored)
        out[unseen] = Detector(scaler, part.coefficients).predict(rows.iloc[unseen])
    return held.assign(candidate=out), ""


def _not_measurable(found: Examples) -> str:
    lacking = [
        f"{2 - n} more labelled {word}"
        for n, word in ((found.groups(1.0), "distillation"), (found.groups(0.0), "benign"))
        if n < 2
    ]
    if not lacking:
        return ""
    return (
        "not measurable yet: a fair test holds out whole clusters and needs two independent targets of each sort; "
        f"{' and '.join(lacking)} would do. The model was trained on what there is."
    )


def _nothing(labels: pa.Table, found: Examples) -> str:
    if not labels.num_rows:
        return "no labels yet: label a cluster or an account (`stillwatch label`, or the Cluster page), then train."
    why = []
    if found.unknown:
        why.append(f"{len(found.unknown):,} labelled accounts are not in the published run")
    if found.unsure:
        why.append(f"{len(found.unsure):,} targets are unsure or tied")
    detail = "; ".join(why) or "they name no accounts"
    return f"no label speaks of an account of this run ({detail}): label one more cluster distillation or benign."


def _rests_on(counts: dict[str, int], found: Examples) -> str:
    text = (
        f"held out by cluster: {counts['groups_distillation']} targets of distillation and {counts['groups_benign']} "
        f"others, {counts['accounts']:,} accounts; a cluster counts 1 + ln(size)"
    )
    small = min(counts["groups_distillation"], counts["groups_benign"]) < 5
    text += ". Fewer than five of one sort: read the figures as a rough guide" if small else ""
    if found.unknown:
        text += f". {len(found.unknown):,} labelled accounts are not in this run and were left out"
    return text + "."


def _campaign_groups(labels: pa.Table, accounts: pd.DataFrame) -> BCubed | None:
    frame = labels.to_pandas()
    named = frame[(frame["target_type"] == TargetType.CAMPAIGN) & (frame["value"] == LabelValue.DISTILLATION)]
    true = {a: c for c, members in zip(named["target_id"], named["members"], strict=True) for a in _list(members)}
    if not true:
        return None
    clusters = accounts.set_index("account_id")["cluster_id"]
    inside = set(clusters.reindex(list(true)).dropna())
    rows = accounts[accounts["account_id"].isin(true) | accounts["cluster_id"].isin(inside)]
    found = [c if isinstance(c, str) else None for c in rows["cluster_id"]]
    return bcubed(found, [true.get(a) for a in rows["account_id"]])


def _list(members: Any) -> list[str]:
    return [] if members is None else list(members)


def _errors(labels: pa.Table, held: pd.DataFrame) -> pd.DataFrame:
    """Labels whose accounts, on average, land on the other side of a half when held out."""
    probability = held.set_index("account_id")["candidate"]
    rows = []
    for label in labels.to_pylist():
        meant = [label["target_id"]] if label["target_type"] == TargetType.ACCOUNT else _list(label["members"])
        mean = probability.reindex(meant).mean()
        wanted = label["value"] == LabelValue.DISTILLATION
        if label["value"] == LabelValue.UNSURE or np.isnan(mean) or (mean >= 0.5) == wanted:
            continue
        told = {k: label[k] for k in ("label_id", "target_type", "target_id", "value", "labeler", "reason")}
        rows.append({**told, "accounts": len(meant), "probability": float(mean)})
    columns = ["label_id", "target_type", "target_id", "value", "labeler", "reason", "accounts", "probability"]
    frame = pd.DataFrame(rows, columns=columns)
    far = (frame["probability"].astype("float64") - 0.5).abs()
    return frame.loc[far.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)
