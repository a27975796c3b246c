"""What to ask people next, and whether people agree.

Human answers belong on doubtful groups: asking about the middle of doubtful clusters beat random clearly, asking
only at the top of the queue taught little (two prototypes on simulated worlds; uncertainty sampling, Lewis and Gale
1994).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from stillwatch.detector.model import Scaler

SUGGESTIONS = ["target_type", "target_id", "account_id", "score", "size", "why"]


@dataclass(frozen=True)
class Agreement:
    """Do people who labelled the same target say the same?"""

    twice: int
    """Targets that at least two people labelled."""
    agreed: int
    """Those of them where all said the same."""
    disputed: tuple[str, ...]
    """The others, as ``cluster C-1: ana benign, bob distillation``."""

    @property
    def share(self) -> float | None:
        return self.agreed / self.twice if self.twice else None

    def to_dict(self) -> dict[str, Any]:
        return {"twice": self.twice, "agreed": self.agreed, "share": self.share, "disputed": list(self.disputed)}


def agreement(labels: pa.Table) -> Agreement:
    """Agreement of the labels that stand."""
    said: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in labels.select(["target_type", "target_id", "labeler", "value"]).to_pylist():
        said.setdefault((row["target_type"], row["target_id"]), []).append((row["labeler"], row["value"]))
    disputed, twice = [], 0
    for (kind, target), votes in sorted(said.items()):
        if len({who for who, _ in votes}) < 2:
            continue
        twice += 1
        if len({what for _, what in votes}) > 1:
            disputed.append(f"{kind} {target}: {', '.join(f'{who} {what}' for who, what in votes)}")
    return Agreement(twice, twice - len(disputed), tuple(disputed))


def medoids(features: pd.DataFrame, accounts: pd.DataFrame) -> pd.Series:
    """The account in the middle of each cluster, by cluster_id: whoever is nearest to the mean of its members."""
    members = accounts[accounts["cluster_id"].notna()].sort_values("account_id")
    if not len(members):
        return pd.Series(dtype=object)
    scaler = Scaler.learn(features)
    x = pd.DataFrame(scaler.matrix(features.reindex(members["account_id"])))
    cluster = members["cluster_id"].to_numpy()
    distance = ((x - x.groupby(cluster).transform("mean")) ** 2).sum(axis=1).round(9)
    nearest = distance.groupby(cluster).idxmin()
    return pd.Series(members["account_id"].to_numpy()[nearest.to_numpy()], index=nearest.index)


def next_labels(
    features: pd.DataFrame,
    accounts: pd.DataFrame,
    clusters: pd.DataFrame,
    labelled: pd.DataFrame,
    limit: int = 10,
) -> pd.DataFrame:
    """The targets whose label would teach most, best first: target_type, target_id, account_id (whom to look at),
    score, size, why.

    ``accounts`` and ``clusters`` carry the scores in use. Clusters of which half is labelled already are left out.
    """
    done = accounts["account_id"].isin(labelled["account_id"])
    share = done.groupby(accounts["cluster_id"]).mean()
    open_clusters = clusters[~(clusters["cluster_id"].map(share) >= 0.5)]
    score = open_clusters["score"].fillna(0.0)
    worth = 4 * score * (1 - score) * np.log2(1 + open_clusters["size"])
    out = open_clusters[["cluster_id", "score", "base_score", "size"]].assign(worth=worth)
    out["why"] = [
        _why(s, b, n) for s, b, n in zip(out["score"], out["base_score"].fillna(0.0), out["size"], strict=True)
    ]
    first = _lacking(labelled, out)
    out = out.sort_values(["worth", "cluster_id"], ascending=[False, True], kind="stable")
    out = pd.concat([first, out[~out["cluster_id"].isin(first["cluster_id"])]])
    middle = medoids(features, accounts)
    found = pd.DataFrame(
        {
            "target_type": "cluster",
            "target_id": out["cluster_id"],
            "account_id": out["cluster_id"].map(middle),
            "score": out["score"],
            "size": out["size"],
            "why": out["why"],
        }
    ).head(limit)
    alone = accounts[accounts["cluster_id"].isna() & ~done & accounts["score"].between(0.2, 0.8)]
    alone = alone.assign(doubt=(alone["score"] - 0.5).abs()).sort_values(["doubt", "account_id"])
    alone = alone.head(limit - len(found))
    singles = pd.DataFrame(
        {
            "target_type": "account",
            "target_id": alone["account_id"],
            "account_id": alone["account_id"],
            "score": alone["score"],
            "size": 1,
            "why": [f"stands alone with a score of {s:.2f}: it could be either" for s in alone["score"]],
        }
    )
    return pd.concat([found, singles], ignore_index=True)[SUGGESTIONS]


def _why(score: float, base: float, size: int) -> str:
    if abs(score - base) > 0.25:
        return f"the model moved it from {base:.2f} to {score:.2f}: is the model right?"
    if 0.2 <= score <= 0.8:
        return f"score {score:.2f} over {size:,} accounts: it could be either"
    return f"score {score:.2f} over {size:,} accounts: a check of what seems clear"


def _lacking(labelled: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """Where one side has no labels yet, its most telling clusters come first: the top, and the top below a half."""
    said = set(labelled["target"])
    rows = []
    if 1.0 not in said:
        top = clusters.sort_values(["score", "cluster_id"], ascending=[False, True]).head(2)
        rows.append(top.assign(why="nothing is labelled distillation yet, and this is the likeliest"))
    if 0.0 not in said:
        below = clusters[clusters["score"] < 0.5].sort_values(["score", "cluster_id"], ascending=[False, True]).head(2)
        rows.append(below.assign(why="nothing is labelled benign yet, and this may be"))
    return pd.concat(rows).drop_duplicates("cluster_id") if rows else clusters.iloc[:0]
