"""What is known of campaigns: their size, their story in sentences, how sure we are. No drawing here.

Figures are counted over the accounts that belong to a campaign now: the members of its clusters in the run shown,
the members that a cluster had when it was put in where the run has no such cluster any more, and accounts that were
added one by one; each account once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from stillwatch.cases.campaigns import Campaign
from stillwatch.domain import CampaignStatus, LabelValue
from stillwatch.evidence.wording import Confidence, confidence
from stillwatch.ui import words

STATUS_TITLES: dict[str, str] = {
    CampaignStatus.OPEN: "Open",
    CampaignStatus.IN_REVIEW: "In review",
    CampaignStatus.CONFIRMED: "Confirmed",
    CampaignStatus.MITIGATED: "Mitigated",
    CampaignStatus.CLOSED: "Closed",
    CampaignStatus.REJECTED: "Rejected",
}
STATUS_TONES: dict[str, str] = {
    CampaignStatus.OPEN: "info",
    CampaignStatus.IN_REVIEW: "warn",
    CampaignStatus.CONFIRMED: "bad",
    CampaignStatus.MITIGATED: "good",
    CampaignStatus.CLOSED: "quiet",
    CampaignStatus.REJECTED: "quiet",
}
STATUS_MEANING: dict[str, str] = {
    CampaignStatus.OPEN: "Suspected; being looked into.",
    CampaignStatus.IN_REVIEW: "A second person is asked to check it.",
    CampaignStatus.CONFIRMED: "People agreed that one operator is behind it.",
    CampaignStatus.MITIGATED: "Measures were taken; watched for a return.",
    CampaignStatus.CLOSED: "Done; nothing more to do.",
    CampaignStatus.REJECTED: "It was something innocent, or cannot be upheld.",
}
ACTIVE = (CampaignStatus.OPEN, CampaignStatus.IN_REVIEW, CampaignStatus.CONFIRMED)
"""Statuses that somebody still has to act on."""
UPHELD = (CampaignStatus.CONFIRMED, CampaignStatus.MITIGATED, CampaignStatus.CLOSED)
"""Statuses in which people have agreed that it was a campaign."""


def status_title(status: str) -> str:
    """Title of a campaign status; an unknown one as it is."""
    return STATUS_TITLES.get(status) or words.plain(status, 30)


def memberships(campaigns: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """campaign_id, account_id: who belongs to which campaign in this run, each pair once.

    ``campaigns`` as CaseStore.campaigns() gives it, ``accounts`` is the run's table.
    """
    named = ["campaign_id", "account_id"]
    clusters = campaigns[["campaign_id", "cluster_ids"]].explode("cluster_ids").dropna()
    inside = accounts.loc[accounts["cluster_id"].notna(), ["account_id", "cluster_id"]]
    by_cluster = clusters.merge(inside, left_on="cluster_ids", right_on="cluster_id")[named]
    single = campaigns[["campaign_id", "account_ids"]].explode("account_ids").dropna()
    single.columns = pd.Index(named)
    return pd.concat([by_cluster, single], ignore_index=True).drop_duplicates(ignore_index=True)


def registry(
    campaigns: pd.DataFrame, accounts: pd.DataFrame, clusters: pd.DataFrame, labels: pd.DataFrame
) -> pd.DataFrame:
    """One row a campaign, newest first, for the table on the Campaigns page.

    Columns: campaign_id, name, status (title), likelihood, confidence, clusters, accounts, requests, tokens,
    last_seen, created_at, created_by, status_at, status_by.
    """
    totals = (
        memberships(campaigns, accounts)
        .merge(accounts, on="account_id", how="left")
        .assign(tokens=lambda f: f["input_tokens"].fillna(0) + f["output_tokens"].fillna(0))
        .groupby("campaign_id")
        .agg(
            members=("account_id", "size"), requests=("requests", "sum"), tokens=("tokens", "sum"),
            last_seen=("last_seen", "max"),
        )
    )  # fmt: skip
    out = campaigns.merge(totals, left_on="campaign_id", right_index=True, how="left")
    out["accounts"] = out["members"].fillna(0).astype("int64")
    for column in ("requests", "tokens"):
        out[column] = out[column].fillna(0).astype("int64")
    known = clusters.set_index("cluster_id")
    sure = [
        how_sure(known.reindex([c for c in ids if c in known.index]), agreeing(labels, ids))
        for ids in out["cluster_ids"]
    ]
    out["likelihood"] = [chance for chance, _ in sure]
    out["confidence"] = [basis.level if basis else "–" for _, basis in sure]
    out["status"] = out["status"].map(status_title)
    return out[
        [
            "campaign_id", "name", "status", "likelihood", "confidence", "clusters", "accounts", "requests", "tokens",
            "last_seen", "created_at", "created_by", "status_at", "status_by",
        ]
    ]  # fmt: skip


def agreeing(labels: pd.DataFrame, targets: Sequence[str]) -> list[str]:
    """People who say distillation of any of these clusters or campaigns, in alphabetical order."""
    said = labels[labels["target_id"].isin(targets) & (labels["value"] == LabelValue.DISTILLATION)]
    return sorted(set(said.loc[said["source"] != "rule", "labeler"]))


def how_sure(clusters: pd.DataFrame, people: Sequence[str]) -> tuple[str, Confidence | None]:
    """Words for the likelihood of the clusters that are in the run, and the grade of its basis."""
    if clusters.empty:
        return "not in this run", None
    kinds = {k for row in clusters["kinds"] for k in row}
    blind = {b for row in clusters["blind"] for b in row}
    low, high = words.chance_word(clusters["score"].min()), words.chance_word(clusters["score"].max())
    basis = confidence(kinds, float(clusters["stability"].min()), len(people), blind)
    return (high if low == high else f"{low} to {high}"), basis


@dataclass(frozen=True)
class Extent:
    """One campaign measured in one run. Frames are rows of the run's tables."""

    clusters: pd.DataFrame
    """clusters of the run, strongest first"""
    gone: tuple[str, ...]
    """clusters of the campaign that this run does not have"""
    accounts: pd.DataFrame
    """accounts of the run, each once, highest score first"""
    unseen: int
    """accounts of the campaign that this run does not know"""
    joined: int
    """accounts that came to its clusters after these were put in"""
    daily: pd.DataFrame
    """day, cluster_id, requests"""
    markers: pd.DataFrame
    capabilities: pd.DataFrame
    """capability, requests, tokens, share, benign_share; strongest share first"""
    hypotheses: pd.DataFrame
    share_of_all: float
    """share of all requests of the run"""

    @property
    def requests(self) -> int:
        return int(self.accounts["requests"].sum())

    @property
    def input_tokens(self) -> int:
        return int(self.accounts["input_tokens"].fillna(0).sum())

    @property
    def output_tokens(self) -> int:
        return int(self.accounts["output_tokens"].fillna(0).sum())

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def first_seen(self) -> datetime | None:
        return None if self.accounts["first_seen"].isna().all() else self.accounts["first_seen"].min()

    @property
    def last_seen(self) -> datetime | None:
        return None if self.accounts["last_seen"].isna().all() else self.accounts["last_seen"].max()


def extent(campaign: Campaign, tables: dict[str, pd.DataFrame]) -> Extent:
    """Measure a campaign. ``tables``: accounts, clusters, timeline, markers, capabilities, hypotheses of one run."""
    accounts, clusters = tables["accounts"], tables["clusters"]
    here = clusters[clusters["cluster_id"].isin(campaign.cluster_ids)].sort_values("score", ascending=False)
    present = set(here["cluster_id"])
    gone = tuple(c for c in campaign.cluster_ids if c not in present)
    before = {a for c in gone for a in campaign.accounts_when_added.get(c, ())}
    single = set(campaign.account_ids) | before
    mask = accounts["cluster_id"].isin(present) | accounts["account_id"].isin(single)
    own = accounts[mask].sort_values(["score", "account_id"], ascending=[False, True])
    then = {a for c in present for a in campaign.accounts_when_added.get(c, ())}
    joined = int((own["cluster_id"].isin(present) & ~own["account_id"].isin(then | single)).sum()) if then else 0
    total = int(accounts["requests"].sum())
    timeline = tables["timeline"]
    bins = timeline[timeline["cluster_id"].isin(present) & (timeline["lane_kind"] == "group")]
    daily = (
        bins.assign(day=bins["bin"].dt.floor("D"))
        .groupby(["day", "cluster_id"], as_index=False)
        .agg(requests=("requests", "sum"))
    )
    markers = tables["markers"]
    return Extent(
        clusters=here,
        gone=gone,
        accounts=own,
        unseen=len(single - set(own["account_id"])),
        joined=joined,
        daily=daily,
        markers=markers[markers["cluster_id"].isna() | markers["cluster_id"].isin(present)],
        capabilities=asked_for(tables["capabilities"], present),
        hypotheses=tables["hypotheses"][tables["hypotheses"]["cluster_id"].isin(present)],
        share_of_all=own["requests"].sum() / total if total else 0.0,
    )


def asked_for(capabilities: pd.DataFrame, clusters: set[str]) -> pd.DataFrame:
    """What some clusters asked for together: capability, requests, tokens, share, benign_share; largest first.

    ``share`` is of the requests of these clusters; one request can ask for several things. ``benign_share`` is the
    same among accounts in no cluster.
    """
    rows = capabilities[capabilities["cluster_id"].isin(clusters)]
    if rows.empty:
        return pd.DataFrame(columns=["capability", "requests", "tokens", "share", "benign_share"])
    requests_of = rows["requests"].where(rows["share"] > 0) / rows["share"].where(rows["share"] > 0)
    total = requests_of.groupby(rows["cluster_id"]).max().sum()
    together = rows.groupby("capability", as_index=False).agg(
        requests=("requests", "sum"), tokens=("tokens", "sum"), benign_share=("benign_share", "first")
    )
    together["share"] = together["requests"] / total if total else 0.0
    return together.sort_values(["requests", "capability"], ascending=[False, True], ignore_index=True)


def capability(name: str) -> str:
    """Words for a capability as stored: ``data_synthesis`` -> ``data synthesis``."""
    return words.plain(name.replace("_", " "), 40)
