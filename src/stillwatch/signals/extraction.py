"""Extraction: which requests of a cluster are written in frames that other members use, too.

What an operator takes is hidden among cover traffic. The members are dealt into four quarters. A request is carried
when it has three phrases that one of the *other* quarters repeats and hardly anybody outside the cluster: a frame, not
a word in common, and nobody vouches for itself. ``clusters.taken`` estimates from that how much was taken. Innocent
twin: an honest customer who uses the same public template.
"""

from __future__ import annotations

import ibis
from ibis import Table

from stillwatch.signals.capability import asked_for
from stillwatch.signals.inputs import Inputs

SIDES = ("a", "b", "c", "d")
"""Names of the quarters."""
FRAME = 3
"""Phrases in common that make a frame; all of them where a request has fewer."""


def carried_requests_expr(inputs: Inputs, members: Table, tokens: Table, source: str) -> Table:
    """account_id, cluster, capabilities, tokens, readable, carried: each request of a member, whether it has anything
    to compare, and whether a quarter that is not its own uses its frame (1 or 0).

    ``members`` has account_id, cluster, side (its quarter); ``tokens`` has cluster, token, side (a quarter that repeats
    it); ``source`` is ``phrases`` or ``templates``. Requests of one template have the same phrases, so each template is
    looked at once.
    """
    r = inputs.requests
    own = r.select(
        "account_id",
        "template",
        "phrases",
        "capabilities",
        tokens=r.input_tokens.fill_null(0) + r.output_tokens.fill_null(0),
        readable=((r.phrases.length() > 0) if source == "phrases" else r.template.notnull())
        .fill_null(False)
        .cast("int64"),
    ).inner_join(members, "account_id")
    known = own.filter(own.readable == 1)
    if source == "phrases":
        texts = known.group_by("cluster", "template").aggregate(phrases=known.phrases.max())
        need = ibis.least(texts.phrases.length(), FRAME)
        each = texts.select("cluster", "template", need=need.cast("int64"), token=texts.phrases.unnest())
    else:
        each = known.select("cluster", "template", need=ibis.literal(1, "int64"), token=known.template).distinct()
    hits = each.inner_join(tokens, ["cluster", "token"])
    hits = hits.group_by("cluster", "template").aggregate(
        **{side: ((hits.side == side).cast("int64").sum() >= hits.need.max()).cast("int64") for side in SIDES}
    )
    both = own.drop("phrases").left_join(hits, ["cluster", "template"])
    others = [both[side].fill_null(0) * (both.side != side).cast("int64") for side in SIDES]
    return both.select(
        "account_id", "cluster", "capabilities", "tokens", "readable", carried=ibis.greatest(*others) * both.readable
    )


def carried_by_account_expr(carried: Table) -> Table:
    """account_id, cluster, requests, tokens, readable, carried, carried_tokens: sums over an account's requests."""
    return carried.group_by("account_id", "cluster").aggregate(
        requests=carried.count(),
        tokens=carried.tokens.sum(),
        readable=carried.readable.sum(),
        carried=carried.carried.sum(),
        carried_tokens=(carried.carried * carried.tokens).sum(),
    )


def carried_by_capability_expr(carried: Table) -> Table:
    """cluster, capability, carried, tokens: requests in the cluster's own frames, by what they ask for."""
    hit = carried.filter((carried.carried == 1) & carried.capabilities.notnull())
    each = hit.select("cluster", "tokens", capability=asked_for(hit.capabilities).unnest())
    return each.group_by("cluster", "capability").aggregate(carried=each.count(), tokens=each.tokens.sum())
