"""Stolen keys: members whose own history changed hands are victims, not members.

An account that asked for other things for days, and from one moment on carries the cluster's prompts, without any
card, device or contact of the cluster: that is how a stolen key looks. It leaves the cluster and is named as what it
seems to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from stillwatch.clusters.candidates import LEAST
from stillwatch.clusters.evidence import HARD, Evidence, linked_members, test_group
from stillwatch.clusters.judge import Floor, Judged, Tier, judge
from stillwatch.clusters.selection import Found
from stillwatch.graph.world import Ints

LookUp = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
"""(members: account_id, cluster; tokens: cluster, token) -> change points (``signals.takeover.change_points_expr``)."""
_QUIET_DAYS = 3.0


@dataclass(frozen=True)
class Victim:
    """An account that seems to have changed hands."""

    row: int
    cluster: int
    before: int
    days: float
    turn: pd.Timestamp

    @property
    def words(self) -> str:
        """What happened, for the account's page."""
        return (
            f"from {self.turn:%Y-%m-%d %H:%M} UTC on it carries the prompts of a cluster, after {self.before:,} other "
            f"requests over {self.days:.0f} days, and shares no card, device or contact with it: this looks like a "
            "stolen key"
        )


def own_tokens(evidence: Evidence, members: Ints) -> Ints:
    """Tokens that mark a cluster: three or more members repeat them, ten times as often as others do."""
    counts = evidence.content.counts
    if not counts.shape[1]:
        return np.zeros(0, dtype=np.int64)
    inside = np.asarray(counts[members].sum(axis=0)).ravel()
    outside = (evidence.content.sharers - inside + 0.5) / (evidence.n - len(members) + 1.0)
    return np.flatnonzero((inside >= 3) & (inside / len(members) >= 10.0 * outside))


def find_victims(evidence: Evidence, found: list[Found], look_up: LookUp) -> list[Victim]:
    """Members of ``found`` that carry their cluster's prompts only from some day on. Chance of so long a silence:
    under 1 %.
    """
    ids = evidence.accounts["account_id"].to_numpy(dtype=object)
    members, tokens = [], []
    for k, f in enumerate(found):
        marks = own_tokens(evidence, f.members)
        if len(marks):
            members.append(pd.DataFrame({"account_id": ids[f.members], "cluster": k}))
            tokens.append(pd.DataFrame({"token": evidence.content.tokens[marks], "cluster": k}))
    if not members:
        return []
    points = look_up(pd.concat(members, ignore_index=True), pd.concat(tokens, ignore_index=True))
    rate = np.clip(points["marked"] / points["after"], 0.0, 0.999)
    silence = points["before"] * np.log10(1.0 - rate)
    days = (points["turn"] - points["first"]).dt.total_seconds() / 86_400
    points = points.assign(days=days)
    late = points[(silence <= -2.0) & (days >= _QUIET_DAYS) & (points["before"] >= 3)]
    row_of = pd.Series(np.arange(evidence.n), index=evidence.accounts["account_id"])
    tied = {k: set(f.members[linked_members(evidence, f.members, HARD)].tolist()) for k, f in enumerate(found)}
    victims = [
        Victim(int(row), int(cluster), int(before), float(days), pd.Timestamp(turn))
        for row, cluster, before, days, turn in zip(
            late["account_id"].map(row_of), late["cluster"], late["before"], late["days"], late["turn"], strict=True
        )
    ]
    return sorted((v for v in victims if v.row not in tied[v.cluster]), key=lambda v: (v.cluster, v.row))


def without_victims(evidence: Evidence, found: list[Found], floor: Floor, victims: list[Victim]) -> list[Found]:
    """The clusters without their victims, tested again. A cluster that is mostly victims stays together, as a review
    of them.
    """
    out = []
    for k, f in enumerate(found):
        told = {v.row: v.words for v in victims if v.cluster == k}
        rows = np.array(sorted(told), dtype=np.int64)
        keep = ~np.isin(f.members, rows)
        if not len(rows):
            out.append(f)
        elif keep.sum() < max(LEAST, len(rows)):
            judged = f.judged
            if judged.tier == Tier.ALARM:
                judged = Judged(
                    Tier.REVIEW, min(judged.score, 0.3), (f"most members ({len(rows)}) seem to be stolen keys",)
                )
            out.append(replace(f, judged=judged, victims=told))
        else:
            members = f.members[keep]
            tested = test_group(evidence, members, f.tested.origin)
            judged = judge(tested, floor, stability=f.stability)
            if f.judged.tier != Tier.ALARM and judged.tier == Tier.ALARM:
                judged = f.judged
            probability = f.probability.copy()
            probability[rows] *= 0.1
            out.append(
                replace(
                    f,
                    members=members,
                    core=tested.linked & f.core[keep],
                    membership=f.membership[keep],
                    tested=tested,
                    judged=judged,
                    probability=probability,
                    victims=told,
                )
            )
    return out
