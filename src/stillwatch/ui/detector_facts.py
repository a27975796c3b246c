"""Labels, models and what they measure, as the Detector page shows them. No drawing here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stillwatch.domain import LabelSource, LabelValue
from stillwatch.ui import words

MEASURES: tuple[tuple[str, str, str, bool], ...] = (
    ("average_precision", "Average precision", "how well the order is right: 1 = every campaign account first", True),
    ("precision", "Precision", "of what scores above one half, the share that people call distillation", True),
    ("recall", "Recall", "of what people call distillation, the share that scores above one half", True),
    ("f1", "F1", "precision and recall in one figure", True),
    ("brier", "Brier score", "mean squared error of the probability: 0 = perfect, lower is better", False),
)
"""Key in the metrics, title, meaning, and whether higher is better."""


def label_counts(labels: pd.DataFrame) -> pd.DataFrame:
    """Labels that stand: value (title), then one column a source, then all. Only values that occur."""
    order = [str(v) for v in LabelValue]
    counts = labels.groupby(["value", "source"]).size().unstack("source", fill_value=0)
    for source in LabelSource:
        if source not in counts.columns:
            counts[str(source)] = 0
    counts = counts[[str(s) for s in LabelSource]].reindex([v for v in order if v in counts.index])
    counts["all"] = counts.sum(axis=1)
    counts.insert(0, "title", [words.label(str(v)) for v in counts.index])
    return counts.reset_index(drop=True)


def labelers(labels: pd.DataFrame) -> pd.DataFrame:
    """Who labelled: labeler, labels, distillation (share of theirs), last; most labels first."""
    out = labels.groupby("labeler", as_index=False).agg(
        labels=("label_id", "size"),
        distillation=("value", lambda v: float((v == LabelValue.DISTILLATION).mean())),
        last=("labeled_at", "max"),
    )
    return out.sort_values(["labels", "labeler"], ascending=[False, True], ignore_index=True)


@dataclass(frozen=True)
class Agreement:
    """Whether people who labelled the same target say the same."""

    twice: int
    agreed: int
    disputed: tuple[str, ...]


def agreement(labels: pd.DataFrame) -> Agreement:
    """Counted over the labels of people that stand."""
    people = labels[labels["source"] != LabelSource.RULE]
    twice, disputed = 0, []
    for (kind, target), votes in people.groupby(["target_type", "target_id"], sort=True):
        if votes["labeler"].nunique() < 2:
            continue
        twice += 1
        if votes["value"].nunique() > 1:
            said = ", ".join(
                f"{words.plain(who, 30)} says {words.label(str(what)).lower()}"
                for who, what in zip(votes["labeler"], votes["value"], strict=True)
            )
            disputed.append(f"{str(kind).capitalize()} {words.plain(target, 40)}: {said}")
    return Agreement(twice, twice - len(disputed), tuple(disputed))


def comparison(metrics: Mapping[str, Any], model_id: str) -> tuple[list[str], list[list[str]], list[int | None]]:
    """Column titles, rows of figures as text, and for each row the column (from 0) that is best, None for a tie.

    Columns: the model, the model that was in use when it was trained (if any), the scores without labels.
    """
    used = metrics.get("in_use_model")
    columns = [(f"{model_id}, held out", metrics.get("candidate"))]
    if metrics.get("in_use"):
        columns.append((f"{used}, in use then", metrics["in_use"]))
    columns.append(("Evidence alone", metrics.get("base")))
    rows, best = [], []
    for key, title, _, higher in MEASURES:
        values = [(scores or {}).get(key) for _, scores in columns]
        rows.append([title, *("–" if v is None else f"{v:.3f}" for v in values)])
        known = [(v if higher else -v, i) for i, v in enumerate(values) if v is not None]
        top = [i for v, i in known if v == max(k for k, _ in known)]
        best.append(top[0] if len(top) == 1 and len(known) > 1 else None)
    return [title for title, _ in columns], rows, best


def calibration(metrics: Mapping[str, Any], model_id: str) -> pd.DataFrame:
    """Points for the calibration chart: who, predicted, observed, accounts, bin (words)."""
    rows = []
    for key, title in (("candidate", f"{model_id}, held out"), ("in_use", "in use then"), ("base", "evidence alone")):
        for point in (metrics.get(key) or {}).get("calibration") or ():
            name = f"{point['from']:.1f} to {point['to']:.1f}"
            rows.append((title, point["mean"], point["share"], point["accounts"], name))
    return pd.DataFrame(rows, columns=["who", "predicted", "observed", "accounts", "bin"])


def verdict(metrics: Mapping[str, Any]) -> tuple[str, bool | None]:
    """How the model ranks beside the evidence alone and the model then in use, in words by average precision; and
    whether it is worse than neither, None when that cannot be said.

    A model in use that was trained on the accounts it is measured on is left out: its figures flatter it.
    """
    mine = (metrics.get("candidate") or {}).get("average_precision")
    if mine is None:
        return "Not measurable yet.", None
    told, worse = [], False
    for key, name in (("base", "the evidence alone"), ("in_use", "the model then in use")):
        other = (metrics.get(key) or {}).get("average_precision")
        if other is None or (key == "in_use" and metrics.get("in_use_seen")):
            continue
        below = mine < other - 0.005
        worse = worse or below
        word = "better than" if mine > other + 0.005 else "worse than" if below else "about as well as"
        told.append(f"{word} {name} ({mine:.2f} against {other:.2f})")
    if not told:
        return f"Average precision {mine:.2f}.", None
    return f"It ranks {' and '.join(told)}.", not worse


def moves(now: pd.DataFrame, before: pd.DataFrame, limit: int = 12) -> pd.DataFrame:
    """How the queue changed: cluster_id, title, size, before and now (ranks), moved, score_before, score; by rank.

    ``now`` and ``before`` are the clusters tables of two runs. ``moved`` is positive when a cluster rose.
    """
    table = now[["cluster_id", "title", "size", "rank", "score"]].merge(
        before[["cluster_id", "rank", "score"]], on="cluster_id", suffixes=("", "_before")
    )
    table["moved"] = table["rank_before"] - table["rank"]
    # A change at the top matters more than one at the bottom.
    weight = table["moved"].abs() / table[["rank", "rank_before"]].min(axis=1)
    table = table[table["moved"] != 0].assign(weight=weight).sort_values(["weight", "rank"], ascending=[False, True])
    table = table.head(limit).sort_values("rank", ignore_index=True).drop(columns="weight")
    return table.rename(columns={"rank_before": "before", "rank": "now"})


def moved_in_words(now: pd.DataFrame, before: pd.DataFrame) -> str:
    """How much of the queue moved, in a sentence."""
    table = now[["cluster_id", "rank"]].merge(before[["cluster_id", "rank"]], on="cluster_id", suffixes=("", "_before"))
    changed = int((table["rank"] != table["rank_before"]).sum())
    if not changed:
        return "The order of the queue did not change."
    top = table[table["rank"] <= 10]
    new_top = int((top["rank_before"] > 10).sum())
    tail = f"; {new_top} of the first ten {'was' if new_top == 1 else 'were'} not among them before" if new_top else ""
    return f"{words.count(changed, 'cluster')} of {len(table):,} changed place{tail}."


def errors(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Labels that the held-out model contradicts, with the values in words."""
    columns = ["target_type", "target_id", "value", "labeler", "reason", "accounts", "probability"]
    table = pd.DataFrame([{c: r.get(c) for c in columns} for r in rows], columns=columns)
    table["value"] = [words.label(str(v)) for v in table["value"]]
    return table


def card_text(card: str) -> str:
    """The model card without its front matter, for reading."""
    if card.startswith("---\n"):
        return card.split("\n---\n", 1)[-1].lstrip()
    return card
