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
from numpy.typing import NDArray

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
_OVERLAP_DOUBT = 0.6
"""The same for accounts of the older half, below which it may be so: they stay members, and count a little less."""
_LEAST_REQUESTS = 5
"""Requests of each kind that it takes to say so."""
_SETTLED = 0.5
"""Share of an account's own requests from places that it uses again: who changes exits all the time has no place."""
_OVERLAP_FEW, _MANY = 0.1, 20
"""Next to nothing in common, which one tie to the cluster does not undo. For a user who asks little two requests of its
own will do then, beside these many of the cluster's, where days lie between.
"""
_EXPLAINED = 0.1
"""What the probability of belonging counts for where a stolen key explains the traffic."""
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
    sure: bool = True
    """False: it may be so, and the account stays a member."""

    @property
    def words(self) -> str:
        """What happened, for the account's page."""
        part, verdict = ("", "looks like") if self.sure else ("part of ", "may be")
        how = (
            f"while {part}its {self.own:,} other requests come from elsewhere"
            if self.apart
            else f"after {self.own:,} other requests"
        )
        return (
            f"from {self.turn:%Y-%m-%d %H:%M} UTC on it carries the prompts of a cluster, {how}, "
            f"{'although it shares a' if self.tied else 'and it shares no'} "
            f"card, device or contact with the cluster: this {verdict} a stolen key"
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
    """Members of ``found`` that carry their cluster's prompts by another hand than their own, or may do so."""
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
    rows = points["account_id"].map(row_of)
    mine = created.iloc[rows].to_numpy()

    def among_oldest(part: float) -> NDArray[np.bool_]:
        since = {k: created.iloc[f.members].quantile(part) for k, f in enumerate(found)}
        return np.asarray(mine <= points["cluster"].map(since).to_numpy())

    oldest = among_oldest(_OLDEST)
    overlap = points["overlap"] < np.where(oldest, _OVERLAP_OLD, _OVERLAP)
    enough = (points[["carried", "own"]].min(axis=1) >= _LEAST_REQUESTS) & (points["settled"] >= _SETTLED)
    points["apart"] = overlap & enough
    days = (points["turn"] - points["first"]).dt.total_seconds() / 86_400
    faint = (points["overlap"] < _OVERLAP_FEW) & (points["own"] >= 2) & (points["carried"] >= _MANY)
    points["apart"] |= faint & (points["before"] >= 1) & (days >= _QUIET_DAYS)
    silence = points["before"] * np.log10(1.0 - np.clip(points["marked"] / points["after"], 0.0, 0.999))
    quiet = days >= _QUIET_DAYS
    placeless = points["overlap"].isna() if places.empty else False
    moment = placeless & (silence <= _SILENCE) & quiet
    # In doubt: the same, less clearly, or of an account that has a tie to the cluster.
    doubt = enough & (points["overlap"] < _OVERLAP_DOUBT) & among_oldest(0.5)
    elsewhere = enough & (points["overlap"] < _OVERLAP_FEW)
    ties = {k: set(f.members[linked_members(evidence, f.members, FIRM)].tolist()) for k, f in enumerate(found)}
    points["tied"] = [int(r) in ties[int(k)] for r, k in zip(rows, points["cluster"], strict=True)]
    points["sure"] = (points["apart"] | moment) & (elsewhere | ~points["tied"])
    points["own"] = points["own"].fillna(points["before"])
    points = points.assign(row=rows, apart=points["apart"] | doubt)
    points = points[points["sure"] | points["apart"] | moment]
    columns = ["row", "cluster", "own", "turn", "apart", "tied", "sure"]
    victims = [
        Victim(int(row), int(cluster), int(own), pd.Timestamp(turn), bool(apart), bool(tied), bool(sure))
        for row, cluster, own, turn, apart, tied, sure in points[columns].itertuples(index=False, name=None)
    ]
    return sorted(victims, key=lambda v: (v.cluster, v.row))


def without_victims(evidence: Evidence, found: list[Found], floor: Floor, victims: list[Victim]) -> list[Found]:
    """The clusters without their victims, tested again. A cluster that is mostly victims stays together, as a review
    of them. A victim of one cluster does not rank high for another either that it is no member of: sisters speak alike.
    Who may be one stays, and is named as that.
    """
    out = []
    everybody = np.array(sorted({v.row for v in victims if v.sure}), dtype=np.int64)
    found = [
        replace(
            _less_sure(f, np.setdiff1d(everybody, f.members)),
            doubted={v.row: v.words for v in victims if v.cluster == k and not v.sure},
        )
        for k, f in enumerate(found)
    ]
    for k, f in enumerate(found):
        told = {v.row: v.words for v in victims if v.cluster == k and v.sure}
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
            out.append(
                replace(
                    _less_sure(f, rows),
                    members=members,
                    core=tested.linked & f.core[keep],
                    membership=f.membership[keep],
                    tested=tested,
                    judged=judged,
                    victims=told,
                )
            )
    return out


def _less_sure(f: Found, rows: Ints) -> Found:
    """A cluster for which these accounts, whose traffic a stolen key explains, rank low."""
    if not len(rows):
        return f
    probability = f.probability.copy()
    probability[rows] *= _EXPLAINED
    return replace(f, probability=probability)
