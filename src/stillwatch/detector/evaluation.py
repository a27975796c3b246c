"""How good a published run is, measured against truth: account by account, group by group, look-alike by look-alike.

Two operating points stand side by side: the alarm (the account is in a cluster of tier ``alarm``) and the score at
0.5. A campaign is *found* when one cluster holds at least half of its accounts and at least 80 % of that cluster is
of the campaign. A *false cluster* is one most of whose accounts are innocent. Accounts that truth does not name are
left out; accounts that the run does not have count as missed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from stillwatch.detector.measures import TAKEN, BCubed, Rates, average_precision, bcubed, rates, recall_at_precision
from stillwatch.errors import InputError
from stillwatch.warehouse.runs import Run

FOUND_SHARE = 0.5
FOUND_PURITY = 0.8
FLOOR = 0.99


@dataclass(frozen=True)
class CampaignResult:
    """What became of one true campaign."""

    campaign: str
    archetype: str | None
    accounts: int
    found: bool
    """By a cluster of tier alarm."""
    found_in_review: bool
    """Not by an alarm, but by a cluster of tier review."""
    best_cluster: str | None
    """The cluster that holds most of its accounts."""
    share: float
    """Share of the campaign's accounts that the best cluster holds."""
    purity: float | None
    """Share of the best cluster's accounts that are of this campaign."""
    tier: str | None
    queue_position: int | None
    """Rank of the first cluster at least half of which is of this campaign; null if there is none."""
    mean_score: float | None
    """Mean score of its accounts that the run has."""


@dataclass(frozen=True)
class LookAlike:
    """How often innocents of one archetype are flagged. ``ordinary`` = innocents without an archetype."""

    archetype: str
    accounts: int
    alarmed: float
    """Share in a cluster of tier alarm."""
    above_half: float
    """Share with a score of at least 0.5."""


@dataclass(frozen=True)
class Taken:
    """What the run says was taken through one cluster of tier alarm, beside truth; requests."""

    cluster_id: str
    truth: int
    estimate: int
    low: int
    high: int

    @property
    def inside(self) -> bool:
        """Whether truth lies in the interval."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True)
class Evaluation:
    """Figures of one run against truth; a figure that cannot be computed is null, and ``notes`` say why."""

    run_id: str
    accounts: int
    """Accounts that truth names."""
    in_campaigns: int
    missing: int
    """Of them, accounts that the run does not have; they count as not flagged, with score 0."""
    unnamed: int
    """Accounts of the run that truth does not name; left out."""
    alarm: Rates
    at_half: Rates
    average_precision: float | None
    recall_at_precision_99: float | None
    bcubed: BCubed
    """Over all clusters that the run shows."""
    bcubed_alarm: BCubed
    """Over clusters of tier alarm only."""
    alarm_clusters: int
    false_clusters: int
    """Clusters of tier alarm with mostly innocent accounts."""
    false_review_clusters: int
    campaigns_found: int
    campaigns: tuple[CampaignResult, ...]
    look_alikes: tuple[LookAlike, ...]
    taken: tuple[Taken, ...]
    """Empty where the run or truth cannot tell."""
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``; ``campaigns_total`` added."""
        return {**asdict(self), "campaigns_total": len(self.campaigns)}

    def __str__(self) -> str:
        lines = [
            f"Run {self.run_id} against truth: {self.accounts:,} accounts, "
            f"{self.in_campaigns:,} in {len(self.campaigns)} campaigns",
            *self.notes,
            f"average precision       {_number(self.average_precision)}",
            f"recall at precision .99 {_number(self.recall_at_precision_99)}",
            f"in an alarm             {_rates(self.alarm)}",
            f"score at least 0.5      {_rates(self.at_half)}",
            f"BCubed, all clusters    {_bcubed(self.bcubed)}",
            f"BCubed, alarm clusters  {_bcubed(self.bcubed_alarm)}",
            f"alarm clusters          {self.alarm_clusters}, {self.false_clusters} of them false; "
            f"{self.false_review_clusters} false in review",
            f"campaigns found         {self.campaigns_found} of {len(self.campaigns)}",
        ]
        for c in self.campaigns:
            state = "found" if c.found else "found in review" if c.found_in_review else "not found"
            where = f"place {c.queue_position} in the queue" if c.queue_position else "nowhere in the queue"
            kind = f" ({c.archetype})" if c.archetype else ""
            lines.append(
                f"  {c.campaign}{kind}: {c.accounts:,} accounts, {state}, {where}, best cluster holds {c.share:.0%}"
            )
        if self.taken:
            ratio = float(np.median([t.estimate / max(t.truth, 1) for t in self.taken]))
            lines.append(
                f"what was taken: median of estimate to truth {ratio:.2f} over {len(self.taken)} alarms; truth lies in "
                f"{sum(t.inside for t in self.taken)} of their intervals"
            )
        if self.look_alikes:
            lines.append("innocents in an alarm, by archetype:")
        lines += [
            f"  {look.archetype}: {look.alarmed:.1%} of {look.accounts:,} (score at least 0.5: {look.above_half:.1%})"
            for look in self.look_alikes
        ]
        return "\n".join(lines)


def evaluate(run: Run, truth: pd.DataFrame) -> Evaluation:
    """Measure a run against truth (``truth.read_truth``). Raises InputError when they share no account."""
    accounts = run.frame("accounts", columns=["account_id", "cluster_id", "score"])
    clusters = run.frame("clusters", columns=["cluster_id", "rank", "tier"])
    return compare(run.run_id, accounts, clusters, truth, run.frame("taken") if run.has("taken") else None)


def compare(
    run_id: str,
    accounts: pd.DataFrame,
    clusters: pd.DataFrame,
    truth: pd.DataFrame,
    taken: pd.DataFrame | None = None,
) -> Evaluation:
    """Measure accounts (account_id, cluster_id, score) and clusters (cluster_id, rank, tier) against truth; ``taken``
    is the run's table of what was taken.
    """
    rows = truth.merge(accounts, on="account_id", how="left", indicator=True)
    missing = rows["_merge"] == "left_only"
    if missing.all():
        raise InputError(f"truth and run {run_id} have no account in common: this truth belongs to other data.")
    rows = rows.merge(clusters, on="cluster_id", how="left")
    score = rows["score"].fillna(0.0).to_numpy(dtype="float64")
    positive = rows["campaign"].notna().to_numpy()
    alarm = (rows["tier"] == "alarm").to_numpy()
    cluster = [c if isinstance(c, str) else None for c in rows["cluster_id"]]
    campaign = [c if isinstance(c, str) else None for c in rows["campaign"]]
    innocent = rows[rows["cluster_id"].notna()].groupby("cluster_id")["campaign"].agg(lambda c: c.isna().mean())
    false = clusters[clusters["cluster_id"].map(innocent) > 0.5]
    results = _campaigns(rows)
    return Evaluation(
        run_id=run_id,
        accounts=len(rows),
        in_campaigns=int(positive.sum()),
        missing=int(missing.sum()),
        unnamed=int((~accounts["account_id"].isin(truth["account_id"])).sum()),
        alarm=rates(alarm, positive),
        at_half=rates(score >= 0.5, positive),
        average_precision=average_precision(score, positive),
        recall_at_precision_99=recall_at_precision(score, positive, FLOOR),
        bcubed=bcubed(cluster, campaign),
        bcubed_alarm=bcubed([c if a else None for c, a in zip(cluster, alarm, strict=True)], campaign),
        alarm_clusters=int((clusters["tier"] == "alarm").sum()),
        false_clusters=int((false["tier"] == "alarm").sum()),
        false_review_clusters=int((false["tier"] != "alarm").sum()),
        campaigns_found=sum(r.found for r in results),
        campaigns=results,
        look_alikes=_look_alikes(rows, score, alarm),
        taken=_taken(rows, taken),
        notes=_notes(rows, missing, accounts, truth),
    )


def _notes(rows: pd.DataFrame, missing: pd.Series, accounts: pd.DataFrame, truth: pd.DataFrame) -> tuple[str, ...]:
    notes = []
    if missing.any():
        lost = int(rows.loc[missing, "campaign"].notna().sum())
        notes.append(
            f"{int(missing.sum()):,} accounts of truth are not in the run ({lost:,} of them in campaigns); "
            "they count as not flagged"
        )
    unnamed = int((~accounts["account_id"].isin(truth["account_id"])).sum())
    if unnamed:
        notes.append(f"{unnamed:,} accounts of the run are not in truth and were left out")
    if rows["campaign"].isna().all():
        notes.append("truth has no campaign: only false alarms can be counted here")
    return tuple(notes)


def _campaigns(rows: pd.DataFrame) -> tuple[CampaignResult, ...]:
    """Every true campaign, largest first."""
    named = rows[rows["cluster_id"].notna()]
    size = named.groupby("cluster_id").size()
    out = []
    for campaign, members in rows[rows["campaign"].notna()].groupby("campaign", sort=True):
        inside = members.groupby("cluster_id").agg(
            n=("account_id", "size"), rank=("rank", "first"), tier=("tier", "first")
        )
        inside["share"] = inside["n"] / len(members)
        inside["purity"] = inside["n"] / size.reindex(inside.index)
        inside = inside.sort_values(["n", "rank"], ascending=[False, True])
        holds = inside[(inside["share"] >= FOUND_SHARE) & (inside["purity"] >= FOUND_PURITY)]
        own = inside.loc[inside["purity"] >= 0.5, "rank"].dropna()
        best = inside.iloc[0] if len(inside) else None
        archetypes = members["archetype"].dropna()
        found = bool((holds["tier"] == "alarm").any())
        out.append(
            CampaignResult(
                campaign=str(campaign),
                archetype=str(archetypes.mode().iloc[0]) if len(archetypes) else None,
                accounts=len(members),
                found=found,
                found_in_review=not found and len(holds) > 0,
                best_cluster=str(inside.index[0]) if best is not None else None,
                share=float(best["share"]) if best is not None else 0.0,
                purity=float(best["purity"]) if best is not None else None,
                tier=str(best["tier"]) if best is not None and isinstance(best["tier"], str) else None,
                queue_position=int(own.min()) if len(own) else None,
                mean_score=float(members["score"].mean()) if members["score"].notna().any() else None,
            )
        )
    return tuple(sorted(out, key=lambda c: (-c.accounts, c.campaign)))


def _taken(rows: pd.DataFrame, taken: pd.DataFrame | None) -> tuple[Taken, ...]:
    """Every alarm whose taking the run estimates and truth knows."""
    if taken is None or TAKEN not in rows.columns or rows[TAKEN].isna().all():
        return ()
    truth = rows[rows["tier"] == "alarm"].groupby("cluster_id")[TAKEN].sum().rename("truth")
    both = taken[taken["capability"].isna()].merge(truth, on="cluster_id").sort_values("cluster_id")
    return tuple(
        Taken(str(c), *(int(n) for n in numbers))
        for c, *numbers in both[["cluster_id", "truth", "requests", "low", "high"]].itertuples(index=False, name=None)
    )


def _look_alikes(rows: pd.DataFrame, score: np.ndarray, alarm: np.ndarray) -> tuple[LookAlike, ...]:
    """Every innocent archetype, the most often alarmed first."""
    innocent = rows["campaign"].isna()
    frame = pd.DataFrame({"archetype": rows["archetype"].fillna("ordinary"), "alarm": alarm, "half": score >= 0.5})[
        innocent.to_numpy()
    ]
    out = [
        LookAlike(str(name), len(group), float(group["alarm"].mean()), float(group["half"].mean()))
        for name, group in frame.groupby("archetype", sort=True)
    ]
    return tuple(sorted(out, key=lambda look: (-look.alarmed, look.archetype)))


def _number(value: float | None) -> str:
    return "    -" if value is None else f"{value:.3f}"


def _rates(r: Rates) -> str:
    return f"precision {_number(r.precision)}  recall {_number(r.recall)}  F1 {_number(r.f1)}  ({r.flagged:,} accounts)"


def _bcubed(b: BCubed) -> str:
    return f"precision {_number(b.precision)}  recall {_number(b.recall)}  F  {_number(b.f)}"
