"""Activity: what the members of all clusters asked, when and of what, from one pass over their requests.

Expressions only; ``members`` is a table of account_id, cluster_id, part (sub-cluster). The engine aggregates, so
that a page never sees a request.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import ibis
from ibis import Table

from stillwatch.domain import Capability
from stillwatch.signals.capability import asked_for
from stillwatch.signals.inputs import Inputs, slot_of
from stillwatch.signals.tallies import tally

LANES = ("group", "model", "capability", "template")


def member_requests_expr(inputs: Inputs, members: Table) -> Table:
    """Requests of members with their cluster, sub-cluster and tokens."""
    r = inputs.requests
    slim = r.select(
        "account_id",
        "ts",
        "model",
        "template",
        "capabilities",
        tokens=r.input_tokens.fill_null(0) + r.output_tokens.fill_null(0),
    )
    return slim.inner_join(members, "account_id")


def bin_hours(first: datetime | None, last: datetime | None, *, most: int = 120) -> int:
    """Width of a timeline bin: the narrowest of 1, 3, 6, 12, 24, 168 hours that gives at most ``most`` bins."""
    span = (last - first) if first and last else timedelta(0)
    return next((h for h in (1, 3, 6, 12, 24) if span / timedelta(hours=h) <= most), 168)


def lane_expr(requests: Table, lane_kind: str, hours: int, families: Table | None = None) -> Table:
    """cluster_id, lane_kind, lane, bin, hours, requests, tokens, accounts of one kind of lane."""
    r = requests
    if lane_kind == "group":
        r = r.mutate(lane=ibis.literal("group ") + (r.part + 1).cast("string"))
    elif lane_kind == "model":
        r = r.mutate(lane=r.model)
    elif lane_kind == "template":
        assert families is not None
        r = r.inner_join(families, "template").mutate(lane=ibis._.family)
    else:
        r = r.filter(r.capabilities.notnull()).mutate(lane=asked_for(r.capabilities).unnest())
    r = r.mutate(bin=slot_of(r.ts, hours) * (hours * 3600))
    out = r.group_by("cluster_id", "lane", "bin").aggregate(
        requests=r.count(), tokens=r.tokens.sum(), accounts=r.account_id.nunique()
    )
    return out.mutate(lane_kind=ibis.literal(lane_kind), hours=ibis.literal(hours))


def capability_totals_expr(requests: Table) -> Table:
    """cluster_id, capability, requests, tokens."""
    r = requests.filter(requests.capabilities.notnull())
    each = r.select("cluster_id", "tokens", capability=asked_for(r.capabilities).unnest())
    return each.group_by("cluster_id", "capability").aggregate(requests=each.count(), tokens=each.tokens.sum())


def capability_elsewhere_expr(inputs: Inputs, members: Table) -> Table:
    """One row: requests with flags of accounts in no cluster, and how many of them ask for each capability."""
    others = tally(inputs, "sums").anti_join(members, "account_id")
    return others.aggregate(
        total=others.flags_known.sum(),
        none_seen=others.flags_none.sum(),
        **{c.value: others[f"asks_{c.value}"].sum() for c in Capability},
    )


def member_templates_expr(requests: Table) -> Table:
    """cluster_id, template, account_id, n, first_seen, last_seen, and the flags of the template."""
    r = requests.filter(requests.template.notnull())
    return r.group_by("cluster_id", "template", "account_id").aggregate(
        n=r.count(), first_seen=r.ts.min(), last_seen=r.ts.max(), flags=r.capabilities.max()
    )


def most_used_expr(requests: Table, most: int) -> Table:
    """template, n: the templates of most requests, of equals the first by name."""
    r = requests.filter(requests.template.notnull())
    used = r.group_by("template").aggregate(n=r.count())
    return used.order_by([used.n.desc(), used.template]).limit(most)


def template_phrases_expr(inputs: Inputs, templates: Table) -> Table:
    """template, phrases (of any request that has it)."""
    r = inputs.requests.select("template", "phrases").inner_join(templates, "template")
    return r.group_by("template").aggregate(phrases=r.phrases.arbitrary())


def template_accounts_expr(inputs: Inputs, families: Table) -> Table:
    """family, account_id of everyone who used a template of the family."""
    r = inputs.requests.inner_join(families, "template")
    return r.select("family", "account_id").distinct()


def daily_expr(requests: Table) -> Table:
    """cluster_id, day, requests."""
    r = requests.mutate(day=requests.ts.date())
    return r.group_by("cluster_id", "day").aggregate(requests=r.count())


def totals_expr(requests: Table) -> Table:
    """cluster_id, total (requests)."""
    return requests.group_by("cluster_id").aggregate(total=requests.count())
