"""Figures and sentences for managers: what is going on, how much, how fast, how sure, and what cannot be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from stillwatch.domain import LIKELIHOOD_WORDS, TRAINING_VALUE, CampaignStatus, LabelSource, LabelValue, TargetType
from stillwatch.evidence.wording import LIKELIHOOD_RANGES
from stillwatch.ui import campaign_facts as facts
from stillwatch.ui import words

PERIOD = timedelta(days=30)
"""Decisions are told for this long a time."""


@dataclass(frozen=True)
class Reach:
    """How much some campaigns took, each account counted once."""

    campaigns: int
    accounts: int
    requests: int
    tokens: int
    share: float
    """of all requests of the run"""


def members(campaigns: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Each account of each campaign: campaign_id, status (of it), account_id, requests, tokens, first_seen."""
    known = accounts[["account_id", "requests", "first_seen"]].assign(
        tokens=accounts["input_tokens"].fillna(0) + accounts["output_tokens"].fillna(0)
    )
    inside = facts.memberships(campaigns, accounts).merge(known, on="account_id")
    return inside.merge(campaigns[["campaign_id", "status"]], on="campaign_id")


def reach(campaigns: pd.DataFrame, inside: pd.DataFrame, all_requests: int, statuses: Sequence[str]) -> Reach:
    """Reach of the campaigns that are in one of ``statuses``. ``inside``: as ``members`` gives it."""
    wanted = {str(s) for s in statuses}
    own = inside[inside["status"].isin(wanted)].drop_duplicates("account_id")
    requests = int(own["requests"].sum())
    return Reach(
        campaigns=int(campaigns["status"].isin(wanted).sum()),
        accounts=len(own),
        requests=requests,
        tokens=int(own["tokens"].sum()),
        share=requests / all_requests if all_requests else 0.0,
    )


def undecided(clusters: pd.DataFrame, campaigns: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Alarms that nobody has put into a campaign or labelled yet, in queue order."""
    taken = {c for ids in campaigns["cluster_ids"] for c in ids}
    said = set(labels.loc[labels["target_type"] == TargetType.CLUSTER, "target_id"])
    open_ = clusters[(clusters["tier"] == "alarm") & ~clusters["cluster_id"].isin(taken | said)]
    return open_.sort_values("rank")


def headline(campaigns: pd.DataFrame, upheld: Reach, active: Reach, waiting: int, clusters: int) -> list[str]:
    """What is going on, in at most four sentences."""
    if campaigns.empty:
        out = ["No campaign has been opened yet."]
    else:
        counts = campaigns["status"].value_counts()
        told = [f"{counts[s]} {facts.STATUS_TITLES[s].lower()}" for s in CampaignStatus if s in counts.index]
        out = [f"{words.count(len(campaigns), 'campaign')} on file: {', '.join(told)}."]
        if upheld.campaigns:
            out.append(
                f"The {'one' if upheld.campaigns == 1 else upheld.campaigns} that people upheld sent "
                f"{words.number(upheld.requests)} requests and used {words.number(upheld.tokens)} tokens over "
                f"{words.count(upheld.accounts, 'account')}: {words.share(upheld.share)} of all requests in the data."
            )
        elif active.campaigns:
            out.append(
                f"Those still being looked into sent {words.number(active.requests)} requests over "
                f"{words.count(active.accounts, 'account')}: {words.share(active.share)} of all requests in the data."
            )
    if waiting:
        it = "it" if waiting == 1 else "them"
        reach_ = "reaches" if waiting == 1 else "reach"
        out.append(
            f"{words.count(waiting, 'group')} of accounts {reach_} the bar of an alarm, "
            f"and nobody has decided on {it} yet."
        )
    elif clusters:
        out.append("Every alarm has been decided on or belongs to a campaign.")
    else:
        out.append("The run shown found no group of accounts that hangs together more than chance explains.")
    return out


def by_status(campaigns: pd.DataFrame, inside: pd.DataFrame) -> pd.DataFrame:
    """One row a status that has campaigns: status, campaigns, accounts, requests, tokens."""
    rows = [
        (str(s), r.campaigns, r.accounts, r.requests, r.tokens)
        for s in CampaignStatus
        if (r := reach(campaigns, inside, 0, [s])).campaigns
    ]
    return pd.DataFrame(rows, columns=["status", "campaigns", "accounts", "requests", "tokens"])


def by_capability(campaigns: pd.DataFrame, capabilities: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """What was asked for: capability, valuable, and requests and tokens of campaigns and of alarms without campaign.

    Columns: capability, valuable (published campaigns went after it), requests, tokens (of campaigns that are open,
    in review or upheld), waiting_requests, waiting_tokens; largest first. Rejected campaigns are left out.
    """
    live = campaigns[campaigns["status"] != CampaignStatus.REJECTED]
    inside = {c for ids in live["cluster_ids"] for c in ids}
    settled = {c for ids in campaigns["cluster_ids"] for c in ids}
    waiting = set(clusters.loc[clusters["tier"] == "alarm", "cluster_id"]) - settled
    known = capabilities[capabilities["capability"] != "none seen"]
    parts = []
    for ids, names in ((inside, ("requests", "tokens")), (waiting, ("waiting_requests", "waiting_tokens"))):
        sums = known[known["cluster_id"].isin(ids)].groupby("capability")[["requests", "tokens"]].sum()
        sums.columns = pd.Index(names)
        parts.append(sums)
    table = pd.concat(parts, axis=1).fillna(0).astype("int64").rename_axis("capability").reset_index()
    table["valuable"] = table["capability"].isin({str(c) for c in TRAINING_VALUE})
    table = table[(table["requests"] > 0) | (table["waiting_requests"] > 0)]
    order = table["requests"] + table["waiting_requests"]
    return table.assign(order=order).sort_values(["order", "capability"], ascending=[False, True]).drop(columns="order")


def movements(clusters: pd.DataFrame) -> pd.DataFrame:
    """How the groups changed since the run before: lineage, clusters, accounts, change (accounts more or fewer).

    Only lineages that occur, in order of concern.
    """
    if clusters.empty:
        return pd.DataFrame(columns=["lineage", "clusters", "accounts", "change"])
    order = ["returned", "new", "grown", "merged", "split", "shrunk", "same"]
    lineage = clusters["lineage"].fillna("new")
    change = (clusters["size"] - clusters["previous_size"]).where(clusters["previous_size"].notna(), 0)
    table = (
        clusters.assign(lineage=lineage, change=change)
        .groupby("lineage", as_index=False)
        .agg(clusters=("cluster_id", "size"), accounts=("size", "sum"), change=("change", "sum"))
    )
    rank = table["lineage"].map({name: i for i, name in enumerate(order)}).fillna(len(order))
    return table.assign(order=rank).sort_values("order").drop(columns="order").astype({"change": "int64"})


@dataclass(frozen=True)
class Decisions:
    """What people decided in the last ``PERIOD``."""

    labels: Mapping[str, int]
    """label value -> labels given by people"""
    statuses: Mapping[str, int]
    """campaign status -> times it was decided"""
    reversals: tuple[str, ...]
    """decisions that were turned round, in words, newest first"""
    disagreements: int
    """targets on which people now say different things"""
    people: int


def decisions(labels: pd.DataFrame, verdicts: pd.DataFrame, statuses: pd.DataFrame, now: datetime) -> Decisions:
    """``labels``: all, superseded ones too; ``statuses``: audit rows of set_status; ``now``: naive UTC."""
    since = now - PERIOD
    by_people = labels[labels["source"] != LabelSource.RULE]
    recent = by_people[by_people["labeled_at"] >= since]
    told: list[tuple[datetime, str]] = []
    before = labels.set_index("label_id")
    for row in recent[recent["supersedes"].notna()].to_dict("records"):
        old = before.loc[row["supersedes"]]
        if old["value"] != row["value"] and old["source"] != LabelSource.RULE:
            text = (
                f"{words.day(row['labeled_at'])}: {words.plain(row['labeler'], 40)} changed "
                f"{row['target_type']} {words.plain(row['target_id'], 40)} from {words.label(old['value']).lower()} "
                f"to {words.label(row['value']).lower()}: {words.plain(row['reason'], 160)}"
            )
            told.append((row["labeled_at"], text))
    decided = statuses[statuses["at"] >= since]
    for row in decided.to_dict("records"):
        old_status, new_status = row["details"].get("before"), row["details"].get("status")
        if old_status in facts.UPHELD and new_status not in facts.UPHELD:
            text = (
                f"{words.day(row['at'])}: {words.plain(row['actor'], 40)} set campaign {row['target_id']} from "
                f"{facts.status_title(str(old_status)).lower()} back to {facts.status_title(str(new_status)).lower()}: "
                f"{words.plain(row['reason'], 160)}"
            )
            told.append((row["at"], text))
    new = pd.Series([d.get("status") for d in decided["details"]], dtype="str")
    return Decisions(
        labels={str(v): int((recent["value"] == v).sum()) for v in LabelValue},
        statuses={str(s): int((new == s).sum()) for s in CampaignStatus},
        reversals=tuple(text for _, text in sorted(told, reverse=True)),
        disagreements=int((~verdicts["agreed"].astype(bool)).sum()) if len(verdicts) else 0,
        people=int(recent["labeler"].nunique()),
    )


@dataclass(frozen=True)
class Shown:
    """One run, as far as time to detect goes."""

    created_at: datetime
    as_of: datetime
    alarms: frozenset[str]


def time_to_detect(
    campaigns: pd.DataFrame, inside: pd.DataFrame, runs: Sequence[Shown], labels: pd.DataFrame
) -> pd.DataFrame:
    """One row a campaign that is not rejected: campaign_id, name, first_request, first_alarm, exposed, decided_after.

    ``exposed``: from its first request to the data time of the first run that showed one of its clusters as an alarm.
    ``decided_after``: from the making of that run to the first label or campaign of a person. ``runs`` oldest first.
    """
    live = campaigns[campaigns["status"] != CampaignStatus.REJECTED]
    first = inside.groupby("campaign_id")["first_seen"].min()
    rows = []
    for c in live.to_dict("records"):
        begun = first.get(c["campaign_id"])
        shown = next((r for r in runs if r.alarms.intersection(c["cluster_ids"])), None)
        said = labels.loc[labels["target_id"].isin(c["cluster_ids"]), "labeled_at"]
        decided = min([c["created_at"], *said])
        exposed = shown.as_of - begun if shown is not None and begun is not None and begun == begun else None
        after = max(decided - shown.created_at, timedelta(0)) if shown is not None else None
        rows.append((c["campaign_id"], c["name"], begun, shown.as_of if shown else None, exposed, after))
    table = pd.DataFrame(
        rows, columns=["campaign_id", "name", "first_request", "first_alarm", "exposed", "decided_after"]
    )
    return table.astype({"exposed": "timedelta64[us]", "decided_after": "timedelta64[us]"})


def certainty(clusters: pd.DataFrame) -> pd.DataFrame:
    """How many groups each ICD 203 word is said of, most certain first: word, range, clusters, accounts."""
    word = pd.Series([words.chance_word(s) for s in clusters["score"]], index=clusters.index, dtype="str")
    rows = [
        (w, r, int((word == w).sum()), int(clusters.loc[word == w, "size"].sum()))
        for w, r in zip(reversed(LIKELIHOOD_WORDS), reversed(LIKELIHOOD_RANGES), strict=True)
    ]
    return pd.DataFrame(rows, columns=["word", "range", "clusters", "accounts"])


LIMITS = (
    "No detector that only watches queries finds everything and accuses nobody wrongly; this one claims neither.",
    "Transcripts that were bought, and resellers that pass on single requests, leave no trace here.",
    "A group is a lead. A person decides, with a reason, and the decision can be turned round.",
)
"""What holds whatever the data (Karchmer 2023: no efficient query-watching detector is both complete and sound)."""
