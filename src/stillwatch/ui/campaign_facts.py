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
from stillwatch.domain import LIKELIHOOD_WORDS, TRAINING_VALUE, CampaignStatus, LabelValue, likelihood
from stillwatch.evidence.wording import LIKELIHOOD_RANGES, Confidence, confidence
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
        _how_sure(known.reindex([c for c in ids if c in known.index]), agreeing(labels, ids))
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


def _how_sure(clusters: pd.DataFrame, people: Sequence[str]) -> tuple[str, Confidence | None]:
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


@dataclass(frozen=True)
class Section:
    """One question a reader has, answered in sentences."""

    question: str
    sentences: tuple[str, ...]


def narrative(
    campaign: Campaign, size: Extent, labels: pd.DataFrame, bundles: pd.DataFrame, now: datetime
) -> tuple[Section, ...]:
    """The campaign told from its facts, for readers without training. ``now`` is naive UTC."""
    return (
        Section("What is going on", tuple(_what(campaign, size))),
        Section("How much", tuple(_how_much(size))),
        Section("Since when", tuple(_since_when(size))),
        Section("What was asked for", tuple(_asked(size))),
        Section("What was done", tuple(_done(campaign, size, labels, bundles, now))),
        Section("How sure we are", tuple(_sure(campaign, size, labels))),
    )


def _what(campaign: Campaign, size: Extent) -> list[str]:
    groups, members = len(size.clusters), len(size.accounts)
    if not members:
        return ["None of its accounts is in the run shown: there is nothing to measure."]
    out = []
    if groups:
        kinds = list(dict.fromkeys(words.evidence(k) for row in size.clusters["kinds"] for k in row))
        held = _listed([k.lower() for k in kinds[:4]])
        group = "one group" if groups == 1 else f"{groups} groups"
        out.append(f"{words.count(members, 'account')} in {group}, held together by {held or 'no named evidence'}.")
        out += [_sentence(r) for r in list(size.clusters["reasons"].iloc[0])[:3]]
    else:
        out.append(f"{words.count(members, 'account')}, put together by hand.")
    if campaign.account_ids:
        out.append(f"{words.count(len(campaign.account_ids), 'account')} of these were added one by one.")
    if size.gone:
        out.append(
            f"The run shown has no cluster {_listed([words.plain(c, 30) for c in size.gone[:5]])}; "
            "the accounts it had when it was put in are counted instead."
        )
    if size.joined:
        out.append(f"{words.count(size.joined, 'account')} joined since its clusters were put in.")
    if size.unseen:
        out.append(f"{words.count(size.unseen, 'account')} of the campaign are not in the run shown.")
    return out


def _how_much(size: Extent) -> list[str]:
    out = [
        f"{words.count(size.requests, 'request')}, {words.share(size.share_of_all)} of all requests in the data.",
    ]
    if size.tokens:
        out.append(
            f"{words.number(size.tokens)} tokens: {words.number(size.input_tokens)} in, "
            f"{words.number(size.output_tokens)} out."
        )
    active = size.accounts["active_days"].sum()
    if active and len(size.accounts):
        out.append(
            f"That is {size.requests / active:.0f} requests per account and active day"
            + (", so no single account stands out." if size.requests / active < 60 else ".")
        )
    return out


def _since_when(size: Extent) -> list[str]:
    if size.first_seen is None or size.last_seen is None:
        return ["No dated request."]
    days = (size.last_seen - size.first_seen).days + 1
    out = [
        f"First request {words.when(size.first_seen)}, last {words.when(size.last_seen)}: {words.count(days, 'day')}."
    ]
    if not size.daily.empty:
        by_day = size.daily.groupby("day", as_index=False).agg(requests=("requests", "sum"))
        busiest = by_day.loc[by_day["requests"].idxmax()]
        out.append(
            f"The busiest day was {words.day(busiest['day'])} with {words.count(int(busiest['requests']), 'request')}."
        )
    inside = size.markers[(size.markers["at"] >= size.first_seen) & (size.markers["at"] <= size.last_seen)]
    events = [
        f"{words.plain(r['text'], 60)} ({words.day(r['at'])})" for r in inside.sort_values("at").to_dict("records")
    ]
    if len(events) > 4:
        events = [*events[:4], f"{len(events) - 4} more"]
    return [*out, f"In that time: {_listed(events)}."] if events else out


def _asked(size: Extent) -> list[str]:
    table = size.capabilities[size.capabilities["capability"] != "none seen"]
    if table.empty:
        return ["Not known: no prompt wording reached the import, or nothing in it was recognised."]
    top = [
        f"{capability(r['capability'])} ({words.share(r['share'])} of requests; "
        f"{words.share(r['benign_share'])} among accounts in no cluster)"
        for r in table.head(3).to_dict("records")
    ]
    valuable = table[table["capability"].isin({str(c) for c in TRAINING_VALUE}) & (table["share"] >= 0.05)]
    out = [f"Mostly {_listed(top)}."]
    if not valuable.empty:
        named = _listed([capability(str(c)) for c in valuable["capability"]])
        out.append(f"Of what published campaigns went after: {named}.")
    return out


def _done(campaign: Campaign, size: Extent, labels: pd.DataFrame, bundles: pd.DataFrame, now: datetime) -> list[str]:
    out = [
        f"{words.plain(campaign.created_by, 40)} opened it on {words.day(campaign.created_at)} "
        f"({words.ago(campaign.created_at, now)}): {_sentence(campaign.reason)}"
    ]
    out += [
        f"{words.plain(row['decided_by'], 40)} set it to {status_title(row['status']).lower()} on "
        f"{words.day(row['decided_at'])}: {_sentence(row['reason'])}"
        for row in campaign.statuses.iloc[1:].tail(3).to_dict("records")
    ]
    about = labels[labels["target_id"].isin([campaign.campaign_id, *campaign.cluster_ids])]
    if not about.empty:
        votes = about["value"].value_counts()
        said = _listed([f"{n} × {words.label(str(v)).lower()}" for v, n in votes.items()])
        out.append(f"Labels on it and its clusters: {said}.")
    stopped = size.accounts[size.accounts["status"].isin(["banned", "suspended"])]
    if len(size.accounts):
        out.append(
            f"{words.count(len(stopped), 'account')} of {len(size.accounts):,} "
            f"{'is' if len(stopped) == 1 else 'are'} banned or suspended."
        )
    own = bundles[bundles["campaign_id"] == campaign.campaign_id]
    if not own.empty:
        out.append(f"{words.count(len(own), 'evidence bundle')} exported, last on {words.day(own['made_at'].max())}.")
    return out


def _sure(campaign: Campaign, size: Extent, labels: pd.DataFrame) -> list[str]:
    people = agreeing(labels, [campaign.campaign_id, *campaign.cluster_ids])
    chance, basis = _how_sure(size.clusters, people)
    if basis is None:
        return ["None of its clusters is in the run shown, so there is no likelihood to give."]
    ranges = [chance_range(float(s)) for s in (size.clusters["score"].min(), size.clusters["score"].max())]
    span = ranges[0] if ranges[0] == ranges[1] else f"{ranges[0].split('–')[0]}–{ranges[1].split('–')[1]}"
    out = [f"That one operator is behind it is {chance} ({span})."]
    out.append(f"Confidence is {basis.level.lower()}: {'; '.join(basis.basis)}.")
    against = list(dict.fromkeys(a for row in size.clusters["against"] for a in row))
    out += [f"Against it: {_sentence(a)}" for a in against[:3]]
    innocent = [words.hypothesis(x) for x in size.clusters["lookalike"] if not words.missing(x)]
    if innocent:
        out.append(f"The innocent explanation that fits best: {_sentence(innocent[0])}")
    return out


def chance_range(probability: float) -> str:
    """Range of the ICD 203 word, e.g. ``80–95 %``."""
    return LIKELIHOOD_RANGES[LIKELIHOOD_WORDS.index(likelihood(min(max(probability, 0.01), 0.99)))]


def capability(name: str) -> str:
    """Words for a capability as stored: ``data_synthesis`` -> ``data synthesis``."""
    return words.plain(name.replace("_", " "), 40)


def _sentence(text: str) -> str:
    clean = words.plain(text, 300)
    clean = clean[:1].upper() + clean[1:]
    return clean if clean.endswith((".", "!", "?", "…")) else f"{clean}."


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def history(campaign: Campaign, labels: pd.DataFrame) -> pd.DataFrame:
    """What people decided about a campaign, newest first: at, by, what, why.

    ``labels``: all labels, superseded ones too; those of the campaign and its clusters are told.
    """
    about = labels[labels["target_id"].isin([campaign.campaign_id, *campaign.cluster_ids])]
    rows = [
        (r["decided_at"], r["decided_by"], f"status: {status_title(r['status'])}", r["reason"])
        for r in campaign.statuses.to_dict("records")
    ]
    rows += [
        (
            r["changed_at"],
            r["changed_by"],
            f"{r['member_type']} {words.plain(r['member_id'], 60)} {r['action']}",
            r["reason"],
        )
        for r in campaign.members.to_dict("records")
    ]
    rows += [
        (r["labeled_at"], r["labeler"], f"{r['target_id']} labelled {words.label(r['value']).lower()}", r["reason"])
        for r in about.to_dict("records")
    ]
    table = pd.DataFrame(rows, columns=["at", "by", "what", "why"])
    return table.sort_values("at", ascending=False, kind="stable", ignore_index=True)
