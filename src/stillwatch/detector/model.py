"""The trained detector: a file, and what it says of a run.

A model bends the base score by what labels have taught (``fit``); it never sees truth, and it works on any run:
features that a run lacks say nothing. Model files are skops with plain arrays inside, never pickle: a file that
holds anything else is refused. Folder ``models/M-0001/``: model.skops, card.md, metrics.json, labels.parquet;
``models/PROMOTED`` names the one in use.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import skops.io as sio

from stillwatch.detector.features import BASE, expit, features_of, logit
from stillwatch.detector.fit import Floats
from stillwatch.errors import StoreError, UnknownTarget

FORMAT = 1
"""Version of the model file."""
CLIP = 5.0
"""Standardised features are cut here: a value never seen before must not run away with the score."""
INTERCEPT = "intercept"


@dataclass(frozen=True)
class Scaler:
    """How raw features become columns: asinh (tames long tails), standardised, null = 0 and a column that says so."""

    names: tuple[str, ...]
    """Features used, in order; those that never vary are left out."""
    means: Floats
    spreads: Floats
    absent: tuple[tuple[str, ...], ...]
    """Groups of features that are always null together; each group has one column ``<first>_absent``."""

    @classmethod
    def learn(cls, features: pd.DataFrame) -> Scaler:
        """Means and spreads over all accounts of a run (no labels involved)."""
        names, means, spreads = [], [], []
        for name in features.columns:
            values = np.arcsinh(features[name].dropna().to_numpy(dtype="float64"))
            if len(values) > 1 and values.std() > 1e-6:
                names.append(str(name))
                means.append(values.mean())
                spreads.append(values.std())
        groups: dict[bytes, list[str]] = {}
        for name in names:
            null = features[name].isna().to_numpy()
            if null.any():
                groups.setdefault(null.tobytes(), []).append(name)
        return cls(tuple(names), _rounded(means), _rounded(spreads), tuple(tuple(g) for g in groups.values()))

    @property
    def columns(self) -> list[str]:
        return [*self.names, *(f"{g[0]}_absent" for g in self.absent), INTERCEPT]

    def matrix(self, features: pd.DataFrame) -> Floats:
        """Columns for some accounts, (accounts, len(columns)); a feature that the frame lacks is null."""
        raw = features.reindex(columns=list(self.names)).to_numpy(dtype="float64")
        with np.errstate(invalid="ignore"):
            scaled = np.clip((np.arcsinh(raw) - self.means) / self.spreads, -CLIP, CLIP)
        place = {name: i for i, name in enumerate(self.names)}
        absent = [np.isnan(raw[:, [place[n] for n in group]]).all(axis=1) for group in self.absent]
        parts = [np.nan_to_num(scaled, nan=0.0), *(a[:, None].astype("float64") for a in absent)]
        return np.hstack([*parts, np.ones((len(raw), 1))])


def _rounded(values: list[float]) -> Floats:
    return np.round(np.array(values, dtype="float64"), 9)


@dataclass(frozen=True)
class Detector:
    """One trained model."""

    scaler: Scaler
    coefficients: Floats
    model_id: str = ""

    def predict(self, features: pd.DataFrame) -> pd.Series:
        """Probability that an account belongs to a campaign, 0-1, by account_id."""
        odds = features[BASE].to_numpy(dtype="float64") + self.scaler.matrix(features) @ self.coefficients
        return pd.Series(np.round(expit(odds), 12), index=features.index, name="score")

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """What moved each account away from its base score: one column per feature, in log-odds; they add up."""
        parts = self.scaler.matrix(features) * self.coefficients
        return pd.DataFrame(parts, index=features.index, columns=self.scaler.columns)

    @cached_property
    def weights(self) -> pd.DataFrame:
        """feature, weight (log-odds per standard deviation), strongest first."""
        frame = pd.DataFrame({"feature": self.scaler.columns, "weight": self.coefficients})
        return frame.sort_values("weight", key=lambda w: -w.abs(), kind="stable").reset_index(drop=True)


Tables = Mapping[str, pd.DataFrame | pa.Table]


def score_accounts(model: Detector, tables: Tables) -> pd.DataFrame:
    """account_id, score (0-1) of every account of a run, given as its tables (``features.TABLES``)."""
    return model.predict(features_of(tables)).rename_axis("account_id").reset_index()


def score_clusters(tables: Tables, scores: pd.DataFrame) -> pd.DataFrame:
    """cluster_id, score (0-1) of every cluster, given the scores of the accounts (``score_accounts``).

    A cluster moves from its base score by the mean step, in log-odds, that its core members were moved (all
    members where it has no core). So a cluster keeps what its joint tests said, and the model's lesson is added.
    """
    accounts, clusters = (
        t.to_pandas() if isinstance(t, pa.Table) else t for t in (tables["accounts"], tables["clusters"])
    )
    members = accounts[accounts["cluster_id"].notna()]
    new = scores.set_index("account_id")["score"].reindex(members["account_id"]).to_numpy(dtype="float64")
    old = members["base_score"].fillna(0.0)
    steps = members.assign(step=logit(new) - logit(old), core=members["role"] == "core")
    core = steps[steps["core"]].groupby("cluster_id")["step"].mean()
    step = core.reindex(clusters["cluster_id"]).fillna(steps.groupby("cluster_id")["step"].mean()).fillna(0.0)
    score = expit(logit(clusters["base_score"].fillna(0.0)) + step.to_numpy(dtype="float64"))
    return pd.DataFrame({"cluster_id": clusters["cluster_id"].to_numpy(), "score": np.round(score, 12)})


def save(models: Path, model_id: str, model: Detector, *, card: str, metrics: dict[str, Any], labels: pa.Table) -> Path:
    """Write a model's folder; it appears whole or not at all."""
    models.mkdir(parents=True, exist_ok=True)
    draft = models / f".draft-{model_id}-{uuid.uuid4().hex[:6]}"
    draft.mkdir()
    try:
        sio.dump(_content(model), draft / "model.skops")
        (draft / "card.md").write_text(card, encoding="utf-8")
        (draft / "metrics.json").write_text(json.dumps(metrics, indent=1, default=str), encoding="utf-8")
        pq.write_table(labels, draft / "labels.parquet", compression="zstd")
        draft.rename(models / model_id)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return models / model_id


def _content(model: Detector) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "names": list(model.scaler.names),
        "means": model.scaler.means,
        "spreads": model.scaler.spreads,
        "absent": [list(g) for g in model.scaler.absent],
        "coefficients": model.coefficients,
    }


def folder(models: Path, model_id: str) -> Path:
    """Folder of a model; ``UnknownTarget`` when there is none of that id."""
    place = models / model_id
    if not model_id or "/" in model_id or "\\" in model_id or model_id.startswith(".") or not place.is_dir():
        raise UnknownTarget(f"there is no model {model_id[:60]!a}; the Detector page lists them.")
    return place


def load(models: Path, model_id: str) -> Detector:
    """A model by its id. Only numbers and names are taken from the file; ``StoreError`` for anything else."""
    file = folder(models, model_id) / "model.skops"
    try:
        strange = sio.get_untrusted_types(file=file)
        if strange:
            raise StoreError(f"{file} holds {', '.join(map(ascii, strange[:3]))}; a model is only numbers. Not loaded.")
        content = sio.load(file, trusted=[])
        if content["format"] != FORMAT:
            raise StoreError(f"{file} has format {content['format']}; this version reads {FORMAT}. Train again.")
        scaler = Scaler(
            tuple(map(str, content["names"])),
            _floats(content["means"]),
            _floats(content["spreads"]),
            tuple(tuple(map(str, g)) for g in content["absent"]),
        )
        model = Detector(scaler, _floats(content["coefficients"]), model_id)
    except StoreError:
        raise
    except Exception as e:  # a broken zip, JSON or array: skops raises whatever its parts raise
        raise StoreError(f"{file} cannot be read ({type(e).__name__}); train again or roll back.") from e
    sizes = (len(scaler.names), len(scaler.means), len(scaler.spreads), len(model.coefficients))
    if len(set(sizes[:3])) != 1 or sizes[3] != len(scaler.columns) or not np.isfinite(model.coefficients).all():
        raise StoreError(f"{file} does not fit together (sizes {sizes}); train again or roll back.")
    return model


def _floats(value: Any) -> Floats:
    array = np.asarray(value)
    if array.dtype != np.float64 or array.ndim != 1:
        raise ValueError(f"a row of float64 was expected, not {array.dtype} with {array.ndim} dimensions")
    return array


def promoted(models: Path) -> str | None:
    """Id of the model in use, null when none is."""
    try:
        return (models / "PROMOTED").read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def set_promoted(models: Path, model_id: str | None) -> None:
    """Put a model to use (null: none), in one atomic step."""
    models.mkdir(parents=True, exist_ok=True)
    note = models / f".promoted-{uuid.uuid4().hex[:6]}"
    note.write_text((model_id or "") + "\n", encoding="utf-8")
    os.replace(note, models / "PROMOTED")


def metrics(models: Path, model_id: str) -> dict[str, Any]:
    """What was measured when a model was trained."""
    file = folder(models, model_id) / "metrics.json"
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as e:
        raise StoreError(f"{file} cannot be read ({e}).") from e
