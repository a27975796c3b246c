"""Counts that need truth and go beyond ``stillwatch evaluate``: sisters, and what an analyst meets in the queue."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stillwatch.detector.measures import average_precision, recall_at_precision

FOUND_SHARE, FOUND_PURITY = 0.5, 0.8
QUEUE = 100
LEAST = 3
SLOW = "j_low_and_slow"
VICTIM = "stolen_key"
BROKER = frozenset({"d_proxy_pool"})
"""Archetypes whose campaigns in one world draw on one broker's stock of cards, devices and exits: sisters."""


def counts(accounts: pd.DataFrame, clusters: pd.DataFrame, truth: pd.DataFrame) -> dict[str, Any]:
    """``accounts`` (account_id, cluster_id, score), ``clusters`` (cluster_id, rank, tier), truth with campaigns."""
    rows = truth.merge(accounts, on="account_id", how="left").merge(clusters, on="cluster_id", how="left")
    return {
        "found_with_sisters": found_with_sisters(rows),
        "without_victims": without_victims(rows),
        "review": int((clusters["tier"] != "alarm").sum()),
        "slow": [
            slow(rows, name) for name in sorted(rows.loc[rows["archetype"] == SLOW, "campaign"].dropna().unique())
        ],
    }


def found_with_sisters(rows: pd.DataFrame) -> int:
    """Campaigns of which an alarm holds half, where accounts of sisters count as the campaign's own for purity."""
    members = rows[rows["campaign"].notna()]
    kind = members.groupby("campaign")["archetype"].agg(lambda a: a.mode().iloc[0])
    family = {str(c): str(k) if k in BROKER else str(c) for c, k in kind.items()}
    rows = rows.assign(family=rows["campaign"].map(family))
    alarms = rows[rows["tier"] == "alarm"]
    size, found = alarms.groupby("cluster_id").size(), 0
    for name, part in members.groupby("campaign"):
        own = alarms[alarms["campaign"] == name].groupby("cluster_id").size()
        pure = alarms[alarms["family"] == family[str(name)]].groupby("cluster_id").size() / size
        found += bool(((own / len(part) >= FOUND_SHARE) & (pure.reindex(own.index) >= FOUND_PURITY)).any())
    return found


def without_victims(rows: pd.DataFrame) -> dict[str, float | None]:
    """The figures when accounts with a stolen key, which carry a campaign's own requests, are left out of the count."""
    rows = rows[(rows["archetype"] != VICTIM) | rows["campaign"].notna()]
    score, positive = rows["score"].fillna(0.0).to_numpy(dtype="float64"), rows["campaign"].notna().to_numpy()
    return {"ap": average_precision(score, positive), "recall": recall_at_precision(score, positive, 0.99)}


def slow(rows: pd.DataFrame, campaign: str) -> dict[str, Any]:
    """Where a low-and-slow campaign stands in the queue."""
    members = rows[rows["campaign"] == campaign]
    per = members.dropna(subset=["rank"]).groupby("rank").size()
    head = per[per >= LEAST]
    return {
        "campaign": campaign,
        "accounts": len(members),
        "rank": int(head.index.min()) if len(head) else None,
        "in_queue_head": int(per[per.index <= QUEUE].sum()),
        "by_score": int((rows["score"].rank(ascending=False, method="min")[members.index] <= QUEUE).sum()),
    }
