"""Extraction: which requests of a cluster carry its own phrases, told twice, by two halves of its members.

What an operator takes is hidden among cover traffic. A request counts as carried when it has a phrase that is the
cluster's own; the phrases come once from one half of the members and once from the other, so that what both miss can be
estimated (``clusters.taken``). Innocent twin: an honest customer who uses the same public template.
"""

from __future__ import annotations

import ibis
from ibis import Table

from stillwatch.signals.capability import asked_for
from stillwatch.signals.inputs import Inputs

SIDES = ("a", "b")


def carried_requests_expr(inputs: Inputs, members: Table, tokens: Table, source: str) -> Table:
    """account_id, cluster, capabilities, tokens, a, b: each request of a member, and whether either half's phrases are
    in it (1 or 0).

    ``members`` has account_id, cluster; ``tokens`` has cluster, token, side (a or b); ``source`` is ``phrases`` or
    ``templates``. Requests of one template have the same phrases, so each template is looked at once.
    """
    r = inputs.requests
    own = r.select(
        "account_id",
        "template",
        "phrases",
        "capabilities",
        tokens=r.input_tokens.fill_null(0) + r.output_tokens.fill_null(0),
    ).inner_join(members, "account_id")
    if source == "phrases":
        known = own.filter(own.phrases.length() > 0)
        texts = known.select("cluster", "template", "phrases").distinct()
        each = texts.select("cluster", "template", token=texts.phrases.unnest())
    else:
        known = own.filter(own.template.notnull())
        each = known.select("cluster", "template", token=known.template).distinct()
    hits = each.inner_join(tokens, ["cluster", "token"])
    hits = hits.group_by("cluster", "template").aggregate(
        **{side: (hits.side == side).cast("int64").max() for side in SIDES}
    )
    both = own.drop("phrases").left_join(hits, ["cluster", "template"])
    return both.select(
        "account_id", "cluster", "capabilities", "tokens", **{side: both[side].fill_null(0) for side in SIDES}
    )


def carried_by_account_expr(carried: Table) -> Table:
    """account_id, cluster, requests, tokens, a, b, both, either, either_tokens: sums over an account's requests."""
    either = ibis.greatest(carried.a, carried.b)
    return carried.group_by("account_id", "cluster").aggregate(
        requests=carried.count(),
        tokens=carried.tokens.sum(),
        a=carried.a.sum(),
        b=carried.b.sum(),
        both=(carried.a * carried.b).sum(),
        either=either.sum(),
        either_tokens=(either * carried.tokens).sum(),
    )


def carried_by_capability_expr(carried: Table) -> Table:
    """cluster, capability, carried, tokens: requests that carry the cluster's phrases, by what they ask for."""
    hit = carried.filter((carried.a + carried.b > 0) & carried.capabilities.notnull())
    each = hit.select("cluster", "tokens", capability=asked_for(hit.capabilities).unnest())
    return each.group_by("cluster", "capability").aggregate(carried=each.count(), tokens=each.tokens.sum())
