"""Stolen keys: members that two hands use are victims, not members.

An account whose own requests come from one place and the cluster's prompts from another, without any card, device or
contact of the cluster (where the places have little in common), or in spite of one (where they have nothing): that is
how a stolen key looks. A campaign's cover traffic comes from the same exits as its work, and who changes exits all the
time has no place that could tell. Where no places are known, a long silence before the first prompt has to do. A victim
leaves the cluster and is named as what it seems to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from stillwatch.clusters.candidates import LEAST
from stillwatch.clusters.evidence import FIRM, Evidence, linked_members, test_group
from stillwatch.clusters.judge import Floor, Judged, Tier, judge
from stillwatch.clusters.selection import Found
from stillwatch.graph.world import Ints

LookUp = Callable[[pd.DataFrame, pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]
"""(members: account_id, cluster; tokens: cluster, token) -> places and change points (``signals.takeover``)."""
_OVERLAP, _OVERLAP_OLD = 0.25, 0.6
"""Places in common below which two kinds of requests come from two hands; the second for accounts that are older than
most of the cluster, as stolen ones are (a bought account is old, too, but works and covers from the same places).
"""
_OLDEST = 0.25
"""Part of a cluster's accounts that is old beside the others."""
_LEAST_REQUESTS = 5
"""Requests of each kind that it takes to say so."""
_SETTLED = 0.5
"""Share of an account's own requests from places that it uses again: who changes exits all the time has no place."""
_OVERLAP_FEW, _MANY = 0.1, 20
"""Next to nothing in common, which one tie to the cluster does not undo. For a user who asks little two requests of its
own will do then, beside these many of the cluster's, where days lie between.
"""
_SILENCE = -4.0
_QUIET_DAYS = 7.0
"""Where no places are known: log10 of the chance of so long a silence before the first prompt, and its days."""


@dataclass(frozen=True)
class Victim:
    """An account that seems to have changed hands."""

    row: int
    cluster: int
    own: int
    """Requests that are its own."""
    turn: pd.Timestamp
    """The first of the cluster's prompts."""
    apart: bool
    """Told by places; else by the moment alone."""
    tied: bool = False
    """A card, device or contact of the cluster is its own, too."""

    @property
    def words(self) -> str:
        """What happened, for the account's page."""
        how = (
            f"while its {self.own:,} other requests come from elsewhere"
            if self.apart
            else f"after {self.own:,} other requests"
        )
        return (
            f"from {self.turn:%Y-%m-%d %H:%M} UTC on it carries the prompts of a cluster, {how}, "
            f"{'although it shares a' if self.tied else 'and it shares no'} "
            "card, device or contact with the cluster: this looks like a stolen key"
        )


def own_tokens(evidence: Evidence, members: Ints) -> Ints:
    """Tokens that mark a cluster: three or more members repeat them, ten times as often as others do."""
    counts = evidence.content.counts
    if not counts.shape[1] or not len(members):
        return np.zeros(0, dtype=np.int64)
    inside = np.asarray(counts[members].sum(axis=0)).ravel()
    outside = (evidence.content.sharers - inside + 0.5) / (evidence.n - len(members) + 1.0)
    return np.flatnonzero((inside >= 3) & (inside / len(members) >= 10.0 * outside))


def find_victims(evidence: Evidence, found: list[Found], look_up: LookUp) -> list[Victim]:
    """Members of ``found`` that carry their cluster's prompts by another hand than their own."""
    ids = evidence.accounts["account_id"].to_numpy(dtype=object)
    members, tokens = [], []
    for k, f in enumerate(found):
        marks = own_tokens(evidence, f.members)
        if len(marks):
            members.append(pd.DataFrame({"account_id": ids[f.members], "cluster": k}))
            tokens.append(pd.DataFrame({"token": evidence.content.tokens[marks], "cluster": k}))
    if not members:
        return []
    places, points = look_up(pd.concat(members, ignore_index=True), pd.concat(tokens, ignore_index=True))
    points = points.merge(places, on=["account_id", "cluster"], how="left")
    row_of = pd.Series(np.arange(evidence.n), index=evidence.accounts["account_id"])
    created = evidence.accounts["created_at"]
    old = {k: created.iloc[f.members].quantile(_OLDEST) for k, f in enumerate(found)}
    oldest = created.iloc[points["account_id"].map(row_of)].to_numpy() <= points["cluster"].map(old).to_numpy()
    overlap = points["overlap"] < np.where(oldest, _OVERLAP_OLD, _OVERLAP)
    enough = (points[["carried", "own"]].min(axis=1) >= _LEAST_REQUESTS) & (points["settled"] >= _SETTLED)
    points["apart"] = overlap & enough
    days = (points["turn"] - points["first"]).dt.total_seconds() / 86_400
    faint = (points["overlap"] < _OVERLAP_FEW) & (points["own"] >= 2) & (points["carried"] >= _MANY)
    points["apart"] |= faint & (points["before"] >= 1) & (days >= _QUIET_DAYS)
    silence = points["before"] * np.log10(1.0 - np.clip(points["marked"] / points["after"], 0.0, 0.999))
    quiet = days >= _QUIET_DAYS
    placeless = points["overlap"].isna() if places.empty else False
    points = points[points["apart"] | (placeless & (silence <= _SILENCE) & quiet)]
    points["own"] = points["own"].fillna(points["before"])
    tied = {k: set(f.members[linked_members(evidence, f.members, FIRM)].tolist()) for k, f in enumerate(found)}
    victims = [
        (
            Victim(int(row), int(cluster), int(own), pd.Timestamp(turn), bool(apart), int(row) in tied[int(cluster)]),
            elsewhere,
        )
        for row, cluster, own, turn, apart, elsewhere in zip(
            points["account_id"].map(row_of),
            points["cluster"],
            points["own"],
            points["turn"],
            points["apart"],
            (points["overlap"] < _OVERLAP_FEW) & enough[points.index],
            strict=True,
        )
    ]
    sure = [v for v, elsewhere in victims if elsewhere or not v.tied]
    return sorted(sure, key=lambda v: (v.cluster, v.row))


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
