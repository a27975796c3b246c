"""Learning: labels and the published run become a model; a model is put to use or taken back; a run meets truth.

Training reads labels and the run, never truth. A model is put to use by ``promote``: one audit row, one file
replaced, and the published run scored again, so that the queue re-ranks at once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from stillwatch.cases.audit import canonical
from stillwatch.cases.store import CaseStore
from stillwatch.config import Settings
from stillwatch.detector import card, suggestions, training
from stillwatch.detector import model as models
from stillwatch.detector.evaluation import Evaluation
from stillwatch.detector.evaluation import evaluate as against_truth
from stillwatch.detector.examples import LABELS, as_labels, examples
from stillwatch.detector.features import features, features_of, run_tables
from stillwatch.detector.training import Candidate, InUse
from stillwatch.detector.truth import read_truth
from stillwatch.domain import Progress, TargetType, no_progress
from stillwatch.errors import Busy, NothingYet, StillwatchError
from stillwatch.pipeline.detect import rescore
from stillwatch.warehouse import runs
from stillwatch.warehouse.lock import home_lock
from stillwatch.warehouse.runs import Run

FIGURES = ("average_precision", "precision", "recall", "f1", "brier")


@dataclass(frozen=True)
class TrainReport:
    """What a training gave. ``metrics`` is ``Candidate.metrics()``."""

    model_id: str
    run_id: str
    labels: int
    in_use: str | None
    metrics: dict[str, Any]
    next_labels: tuple[dict[str, Any], ...]
    promoted: bool
    published_run: str | None
    """The rescored run, when the model was put to use."""

    def __str__(self) -> str:
        counts = self.metrics["counts"]
        lines = [
            f"Trained {self.model_id} on the labels that stand ({self.labels:,}), which speak of "
            f"{counts['accounts']:,} accounts of run {self.run_id}.",
            self.metrics["statement"],
        ]
        if self.metrics["candidate"]:
            columns = [("new, held out", "candidate"), ("no labels", "base")]
            if self.metrics["in_use"]:
                columns.insert(1, (f"in use ({self.in_use})", "in_use"))
            lines.append(f"{'':20}" + "".join(f"{title:>20}" for title, _ in columns))
            for figure in FIGURES:
                cells = [_cell(self.metrics[key][figure]) for _, key in columns]
                lines.append(f"{figure.replace('_', ' '):20}" + "".join(f"{c:>20}" for c in cells))
            if self.metrics["in_use_seen"]:
                seen = f"{self.metrics['in_use_seen']:,} of these accounts"
                lines.append(f"{self.in_use} was trained on {seen}; that flatters its figures.")
        agreement = self.metrics["agreement"]
        if agreement["twice"]:
            lines.append(f"People agree on {agreement['agreed']} of {agreement['twice']} targets that two labelled.")
        if self.promoted:
            lines.append(f"{self.model_id} is in use; the queue is ranked anew in run {self.published_run}.")
        else:
            lines.append(
                f"Not in use yet: `stillwatch train --promote`, or promote {self.model_id} on the Detector page."
            )
        if self.next_labels:
            lines.append("Labels that would teach most:")
            lines += [f"  {n['target_type']} {n['target_id']}: {n['why']}" for n in self.next_labels[:5]]
        return "\n".join(lines)


def train(
    settings: Settings, *, promote: bool = False, by: str | None = None, progress: Progress = no_progress
) -> TrainReport:
    """Train a model on the labels that stand, measure it beside the model in use and the base, and save it.

    Raises NothingYet without a run or without a label that speaks of it; with ``promote``, Busy while another writer
    holds the home.
    """
    who = by or settings.user
    run = runs.current(settings.runs)
    with CaseStore.open(settings) as store:
        progress("reading labels", 0.0)
        labels = as_labels(labels_frame(store))
        tables = run_tables(run)
        made = features_of(tables)
        in_use_id = models.promoted(settings.models)
        in_use = _in_use(settings, in_use_id, tables["accounts"])
        candidate = training.train(made, tables["accounts"], labels, in_use, progress)
        progress("saving the model", 0.95)
        model_id = store.reserve_id("M", who)
        metrics = {**candidate.metrics(), "run_id": run.run_id, "in_use_model": in_use_id}
        text = card.render(
            candidate, model_id=model_id, run_id=run.run_id, labels=labels, in_use=in_use_id, by=who,
            organisation=settings.organisation,
        )  # fmt: skip
        place = models.save(settings.models, model_id, candidate.model, card=text, metrics=metrics, labels=labels)
        fingerprint = hashlib.sha256((place / "labels.parquet").read_bytes()).hexdigest()
        store.record_model(model_id, run.run_id, fingerprint, _plain(metrics), who)
    published = None
    if promote:
        new = _use(settings, model_id, "promote", who, f"promoted when it was trained, on {labels.num_rows} labels")
        published, tables = new.run_id, run_tables(new)
    ask = suggestions.next_labels(made, tables["accounts"], tables["clusters"], candidate.examples.labelled)
    return TrainReport(
        model_id=model_id,
        run_id=run.run_id,
        labels=labels.num_rows,
        in_use=in_use_id,
        metrics=metrics,
        next_labels=tuple({str(k): v for k, v in row.items()} for row in ask.to_dict("records")),
        promoted=promote,
        published_run=published,
    )


def rebuild(settings: Settings, model_id: str) -> Candidate:
    """Train a model again from the label snapshot beside it and the run it names; gives the same predictions."""
    place = models.folder(settings.models, model_id)
    run = runs.open_run(settings.runs, str(models.metrics(settings.models, model_id)["run_id"]))
    tables = run_tables(run)
    return training.train(features_of(tables), tables["accounts"], pq.read_table(place / "labels.parquet"))


def promote(settings: Settings, model_id: str, by: str, reason: str) -> Run:
    """Put a model to use: on record, then in the file, then the published run is scored again.

    Raises UnknownTarget, StoreError (a file that is not a sound model), RefusedChange (it is in use already).
    """
    models.load(settings.models, model_id)
    return _use(settings, model_id, "promote", by, reason)


def rollback(settings: Settings, by: str, reason: str) -> Run:
    """Go back to the model that was in use before the present one, or to the scores without a model."""
    with CaseStore.open(settings) as store:
        history = store.promotions()
    if models.promoted(settings.models) is None:
        raise NothingYet("no model is in use, so there is nothing to go back from.")
    stack: list[str | None] = [None]
    for model_id, action in zip(history["model_id"], history["action"], strict=True):
        if action == "rollback" and len(stack) > 1:
            stack.pop()
        elif action != "rollback":
            stack.append(model_id)
    return _use(settings, stack[-2] if len(stack) > 1 else None, "rollback", by, reason)


def _use(settings: Settings, model_id: str | None, action: str, by: str, reason: str) -> Run:
    with home_lock(settings, action), CaseStore.open(settings) as store:
        on_record = store.model_in_use() == model_id
        ranked = runs.current(settings.runs).manifest.get("model_id") == model_id
        if not on_record or (ranked and models.promoted(settings.models) == model_id):
            store.record_promotion(model_id, action, by, reason)  # refuses what is in use already
        models.set_promoted(settings.models, model_id)
    try:
        return rescore(settings, model_id)
    except Busy as e:
        raise Busy(f"{model_id or 'no model'} is in use from the next run on, but the queue waits: {e}") from None


def evaluate(settings: Settings, truth: Path) -> Evaluation:
    """Measure the published run against a truth table. Raises NothingYet, SourceError, InputError."""
    return against_truth(runs.current(settings.runs), read_truth(truth))


def next_labels(settings: Settings, limit: int = 10) -> pd.DataFrame:
    """Targets of the published run whose label would teach most (``suggestions.next_labels``)."""
    run = runs.current(settings.runs)
    with CaseStore.open(settings) as store:
        labels = as_labels(labels_frame(store))
    tables = run_tables(run)
    labelled = examples(labels, tables["accounts"]).labelled
    return suggestions.next_labels(features_of(tables), tables["accounts"], tables["clusters"], labelled, limit)


def why_moved(settings: Settings, account_id: str, limit: int = 6) -> pd.DataFrame:
    """What moved one account away from its base score: feature, log_odds (positive = towards a campaign), strongest
    first. Empty when no model is in use.
    """
    empty = pd.DataFrame({"feature": pd.Series(dtype=object), "log_odds": pd.Series(dtype="float64")})
    model_id = models.promoted(settings.models)
    if model_id is None:
        return empty
    made = features(runs.current(settings.runs))
    if account_id not in made.index:
        return empty
    parts = models.load(settings.models, model_id).contributions(made.loc[[account_id]]).iloc[0]
    parts = parts[parts.abs() > 1e-3].sort_values(key=lambda p: -p.abs(), kind="stable").head(limit)
    return pd.DataFrame({"feature": parts.index, "log_odds": parts.to_numpy()})


def labels_frame(store: CaseStore) -> pd.DataFrame:
    """Labels that stand, with the accounts that each meant (columns ``examples.LABELS``)."""
    frame = store.labels(current=True, members=True)
    targets = zip(frame["target_type"], frame["target_id"], frame["members"], strict=True)
    meant = [[target] if kind == TargetType.ACCOUNT else members for kind, target, members in targets]
    frame["members"] = pd.Series(meant, index=frame.index, dtype=object)
    return frame[list(LABELS.names)]


def _in_use(settings: Settings, model_id: str | None, accounts: pd.DataFrame) -> InUse | None:
    if model_id is None:
        return None
    try:
        model = models.load(settings.models, model_id)
        labels = pq.read_table(models.folder(settings.models, model_id) / "labels.parquet")
    except (StillwatchError, OSError):
        return None  # a lost model must not stop the training of its successor
    seen = examples(labels, accounts).labelled["account_id"]
    return InUse(model, frozenset(seen))


def _plain(metrics: dict[str, Any]) -> dict[str, Any]:
    """Metrics as JSON values only, as the case file stores them."""
    return dict(json.loads(canonical(metrics)))


def _cell(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.3f}"
