"""A campaign told from its facts: six questions and their answers in sentences, and who decided what when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from stillwatch.cases.campaigns import Campaign
from stillwatch.domain import LIKELIHOOD_WORDS, TRAINING_VALUE, likelihood
from stillwatch.evidence.wording import LIKELIHOOD_RANGES
from stillwatch.ui import campaign_facts as facts
from stillwatch.ui import words


@dataclass(frozen=True)
class Section:
    """One question a reader has, answered in sentences."""

    question: str
    sentences: tuple[str, ...]


def narrative(
    campaign: Campaign, size: facts.Extent, labels: pd.DataFrame, bundles: pd.DataFrame, now: datetime
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


def _what(campaign: Campaign, size: facts.Extent) -> list[str]:
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


def _how_much(size: facts.Extent) -> list[str]:
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


def _since_when(size: facts.Extent) -> list[str]:
    if size.first_seen is None or size.last_seen is None:
        return ["No dated request."]
    days = (size.last_seen - size.first_seen).days + 1
    out = [
        f"First request {words.when(size.first_seen)}, last {words.when(size.last_seen)}: {words.count(days, 'day')}."
    ]
    if not size.daily.empty:
        by_day = size.daily.groupby("day", as_index=False).agg(requests=("requests", "sum"))
        busiest = by_day.nlargest(1, "requests").to_dict("records")[0]
        out.append(
            f"The busiest day was {words.day(busiest['day'])} with {words.count(busiest['requests'], 'request')}."
        )
    inside = size.markers[(size.markers["at"] >= size.first_seen) & (size.markers["at"] <= size.last_seen)]
    events = [
        f"{words.plain(r['text'], 60)} ({words.day(r['at'])})" for r in inside.sort_values("at").to_dict("records")
    ]
    if len(events) > 4:
        events = [*events[:4], f"{len(events) - 4} more"]
    return [*out, f"In that time: {_listed(events)}."] if events else out


def _asked(size: facts.Extent) -> list[str]:
    table = size.capabilities[size.capabilities["capability"] != "none seen"]
    if table.empty:
        return ["Not known: no prompt wording reached the import, or nothing in it was recognised."]
    top = [
        f"{facts.capability(r['capability'])} ({words.share(r['share'])} of requests; "
        f"{words.share(r['benign_share'])} among accounts in no cluster)"
        for r in table.head(3).to_dict("records")
    ]
    valuable = table[table["capability"].isin({str(c) for c in TRAINING_VALUE}) & (table["share"] >= 0.05)]
    out = [f"Mostly {_listed(top)}."]
    if not valuable.empty:
        named = _listed([facts.capability(str(c)) for c in valuable["capability"]])
        out.append(f"Of what published campaigns went after: {named}.")
    return out


def _done(
    campaign: Campaign, size: facts.Extent, labels: pd.DataFrame, bundles: pd.DataFrame, now: datetime
) -> list[str]:
    out = [
        f"{words.plain(campaign.created_by, 40)} opened it on {words.day(campaign.created_at)} "
        f"({words.ago(campaign.created_at, now)}): {_sentence(campaign.reason)}"
    ]
    out += [
        f"{words.plain(row['decided_by'], 40)} set it to {facts.status_title(row['status']).lower()} on "
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


def _sure(campaign: Campaign, size: facts.Extent, labels: pd.DataFrame) -> list[str]:
    people = facts.agreeing(labels, [campaign.campaign_id, *campaign.cluster_ids])
    chance, basis = facts.how_sure(size.clusters, people)
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
        (r["decided_at"], r["decided_by"], f"status: {facts.status_title(r['status'])}", r["reason"])
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
