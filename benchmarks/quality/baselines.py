"""The naive methods, each a score per account: the higher, the more suspicious."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from quality import peers
from quality.world import World
from stillwatch.graph.bipartite import value_graph
from stillwatch.graph.communities import leiden
from stillwatch.graph.rarity import bits
from stillwatch.graph.world import Incidence, components

HUB_CAP = 50
NAMES = (
    "volume", "identifier components", "template components", "Leiden", "isolation forest", "Fraudar",
    "coordination toolkit",
)  # fmt: skip


def baselines(world: World) -> dict[str, dict[str, float | None]]:
    """Average precision and best F1 of every method (null: not installed); the best single signal by its AUC."""
    kinds, n = list(world.identifiers.values()), len(world.accounts)
    scores: dict[str, np.ndarray | None] = {
        "volume": world.signals["requests"].to_numpy(),
        "identifier components": component_sizes(kinds, n),
        "template components": component_sizes([world.templates], n),
        "Leiden": community_sizes([*kinds, world.templates], n),
        "isolation forest": -IsolationForest(random_state=0).fit(world.signals).score_samples(world.signals),
        "Fraudar": peers.fraudar([*kinds, world.templates]),
        "coordination toolkit": peers.coordination(world.uses, n),
    }
    out = {name: figures(world.positive, score) for name, score in scores.items()}
    out["best single signal"] = best_single(world)
    return out


def figures(positive: np.ndarray, score: np.ndarray | None) -> dict[str, float | None]:
    """Average precision and the best F1 over all thresholds; null without a score or a positive."""
    if score is None or not positive.any():
        return {"ap": None, "f1": None}
    return {"ap": round(float(average_precision_score(positive, score)), 4), "f1": best_f1(positive, score)}


def best_f1(positive: np.ndarray, score: np.ndarray) -> float | None:
    """Best F1 over all thresholds: kinder to a method than any real use."""
    if not positive.any():
        return None
    precision, recall, _ = precision_recall_curve(positive, score)
    return round(float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-9))), 4)


def best_single(world: World) -> dict[str, float | str | None]:
    """The signal that alone tells most, in either direction, by AUC; its average precision and F1 beside it."""
    if not world.positive.any():
        return {"signal": None, "auc": None, "ap": None, "f1": None}
    auc = world.signals.apply(lambda column: roc_auc_score(world.positive, column))
    name = str((auc - 0.5).abs().idxmax())
    score = world.signals[name].to_numpy() * (1.0 if auc[name] >= 0.5 else -1.0)
    return {
        "signal": name,
        "auc": round(float(abs(auc[name] - 0.5) + 0.5), 4),
        **figures(world.positive, score),
    }


def component_sizes(parts: list[Incidence], n: int) -> np.ndarray:
    """Size of each account's component over values that at most ``HUB_CAP`` accounts share."""
    left, right, offset = [], [], n
    for part in parts:
        kept = part.keep(part.sharers <= HUB_CAP)
        edges = kept.matrix.tocoo()
        left.append(edges.row.astype(np.int64))
        right.append(edges.col.astype(np.int64) + offset)
        offset += kept.matrix.shape[1]
    if not left:
        return np.ones(n)
    labels = components(offset, np.concatenate(left), np.concatenate(right))[:n]
    return np.bincount(labels)[labels].astype(float)


def community_sizes(parts: list[Incidence], n: int) -> np.ndarray:
    """Size of each account's Leiden community on the rarity-weighted bipartite graph."""
    labels = leiden(value_graph([(p, bits(p.sharers, n)) for p in parts if p.matrix.nnz], n), seed=0)[:n]
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    return np.where(labels >= 0, sizes[np.maximum(labels, 0)], 0).astype(float)
