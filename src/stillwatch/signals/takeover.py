"""Takeover: two hands in one account, one that carries a cluster's prompts and one that does not.

A stolen key carries the thief's traffic, so its owner looks like a member. What tells them apart lies inside one
account (detection notes), never in the cluster: the two kinds of requests come from different places, and the
cluster's begin at one moment. A campaign's cover traffic comes from the same places as its work. Innocent twins: a new
job, a new product, a move.
"""

from __future__ import annotations

import ibis
from ibis import Table

from stillwatch.signals.inputs import Inputs


def marked_requests_expr(inputs: Inputs, members: Table, tokens: Table, source: str) -> Table:
    """account_id, cluster, ts, place, marked: each request of a member, where it came from (subnet, or address
    where that is all there is), and whether it has a phrase of its cluster.

    ``members`` has account_id, cluster; ``tokens`` has cluster, token; ``source`` is ``phrases`` or ``templates``.
    """
    r = inputs.requests
    own = r.select(
        "request_id", "account_id", "ts", "phrases", "template", place=ibis.coalesce(r.subnet, r.ip)
    ).inner_join(members, "account_id")
    if source == "phrases":
        each = own.filter(own.phrases.length() > 0)
        each = each.select("request_id", "cluster", token=each.phrases.unnest())
    else:
        each = own.select("request_id", "cluster", token=own.template)
    hits = each.semi_join(tokens, ["cluster", "token"]).select("request_id").distinct().mutate(hit=1)
    both = own.left_join(hits, "request_id")
    return both.select("account_id", "cluster", "ts", "place", marked=both.hit.notnull())


def places_apart_expr(marked: Table) -> Table:
    """account_id, cluster, carried, own, overlap, settled: how far a cluster's prompts and an account's other requests
    share their places.

    ``carried`` and ``own`` count requests whose place is known, ``overlap`` is the sum over places of the smaller share
    (1: the same places, 0: none in common), ``settled`` the share of the other requests whose place has more than one
    of them (0: every request from another exit, so that nothing in common means nothing).
    """
    known = marked.filter(marked.place.notnull())
    each = known.group_by("account_id", "cluster", "place").aggregate(
        here=known.marked.cast("int64").sum(), n=known.count()
    )
    each = each.mutate(other=each.n - each.here)
    whole = ibis.window(group_by=["account_id", "cluster"])
    each = each.mutate(carried=each.here.sum().over(whole), own=each.other.sum().over(whole))
    each = each.filter((each.carried > 0) & (each.own > 0))
    each = each.mutate(
        common=ibis.least(each.here / each.carried.cast("float64"), each.other / each.own.cast("float64")),
        again=ibis.ifelse(each.other > 1, each.other / each.own.cast("float64"), 0.0),
    )
    return each.group_by("account_id", "cluster").aggregate(
        carried=each.carried.max(), own=each.own.max(), overlap=each.common.sum(), settled=each.again.sum()
    )


def change_points_expr(marked: Table) -> Table:
    """account_id, cluster, before (requests before the first marked one), after, marked, first, turn (first marked)."""
    turns = marked.filter(marked.marked).group_by("account_id", "cluster").aggregate(turn=lambda t: t.ts.min())
    both = marked.inner_join(turns, ["account_id", "cluster"])
    return both.group_by("account_id", "cluster").aggregate(
        before=(both.ts < both.turn).cast("int64").sum(),
        after=(both.ts >= both.turn).cast("int64").sum(),
        marked=both.marked.cast("int64").sum(),
        first=both.ts.min(),
        turn=both.turn.min(),
    )
