"""Portrait of a cluster: the facts that reasons, counter-reasons and hypotheses are written from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stillwatch.clusters.evidence import Evidence
from stillwatch.clusters.pooled import Pooled, Reference
from stillwatch.clusters.selection import Found
from stillwatch.graph.owners import is_promotion
from stillwatch.graph.world import Ints


@dataclass(frozen=True)
class Portrait:
    """Facts of one cluster; shares are of members unless said otherwise, None = could not be computed."""

    size: int
    owners: int
    top_org: float | None
    top_domain: float | None
    top_domain_name: str | None
    top_channel: float | None
    top_channel_name: str | None
    top_plan: float | None
    top_plan_name: str | None
    hub_networks: float
    """Members that use a network value which explains itself (carrier, campus, gateway)."""
    promotion: float
    """Members with one declared promotion."""
    burst: float
    """Members that signed up in the busiest 48 hours of the cluster."""
    burst_usual: float
    """The same share over all accounts."""
    enforced: int
    medians: dict[str, float]
    """Median of each signal over the members."""
    usual: dict[str, float]
    """Median of each signal over all other accounts."""
    pooled: Pooled | None = None
    """What their requests, pooled, ask for beside a benign reference."""

    def times(self, signal: str) -> float | None:
        """Member median over the usual median."""
        here, there = self.medians.get(signal, np.nan), self.usual.get(signal, np.nan)
        return None if not np.isfinite(here) or not np.isfinite(there) or there <= 0 else here / there


def _top(values: pd.Series) -> tuple[float | None, str | None]:
    counted = values.dropna().value_counts()
    if counted.empty:
        return None, None
    best = sorted(counted[counted == counted.iloc[0]].index.astype(str))[0]
    return float(counted.iloc[0] / len(values)), best


def busiest(times: pd.Series, hours: int = 48) -> float:
    seconds = np.sort(times.dropna().to_numpy("datetime64[s]").astype(np.int64))
    if not len(seconds):
        return 0.0
    ends = np.searchsorted(seconds, seconds + hours * 3600, side="right")
    return float((ends - np.arange(len(seconds))).max() / len(times))


def portrait(
    evidence: Evidence,
    signals: pd.DataFrame,
    found: Found,
    everyone: dict[str, float],
    burst_usual: float,
    reference: Reference | None = None,
) -> Portrait:
    """Facts of one cluster. ``signals`` has the rows of ``evidence.accounts``; ``everyone`` their medians."""
    rows: Ints = found.members
    accounts = evidence.accounts.iloc[rows]
    org, _ = _top(accounts["org_id"])
    domain, domain_name = _top(accounts["email_domain"])
    channel, channel_name = _top(accounts["channel"])
    plan, plan_name = _top(accounts["plan"])
    hub = np.zeros(len(rows), dtype=bool)
    promotion = 0.0
    for kind, part in evidence.hubs.items():
        inside = part.matrix[rows]
        if is_promotion(kind):
            held = np.asarray(inside.sum(axis=0)).ravel()
            promotion = max(promotion, float(held.max() / len(rows)) if len(held) else 0.0)
        elif part.evidence == "network":
            hub |= np.asarray(inside.sum(axis=1)).ravel() > 0
    medians = signals.iloc[rows].drop(columns="account_id").median().to_dict()
    return Portrait(
        size=len(rows),
        owners=found.tested.owners,
        top_org=org,
        top_domain=domain,
        top_domain_name=domain_name,
        top_channel=channel,
        top_channel_name=channel_name,
        top_plan=plan,
        top_plan_name=plan_name,
        hub_networks=float(hub.mean()),
        promotion=promotion,
        burst=busiest(accounts["created_at"]),
        burst_usual=burst_usual,
        enforced=found.tested.enforced,
        medians={str(k): float(v) for k, v in medians.items()},
        usual=everyone,
        pooled=reference.test(evidence.owner, rows) if reference is not None else None,
    )
