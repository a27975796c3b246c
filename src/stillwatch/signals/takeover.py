"""Takeover: the moment from which an account carries a cluster's prompts, and what it did before.

A stolen key carries the thief's traffic, so its owner looks like a member. What tells them apart is a change point
inside one account (detection notes), never the cluster. Innocent twins of the change: a new job, a new product; of
its absence: an account that was made for the campaign.
"""

from __future__ import annotations

from ibis import Table

from stillwatch.signals.inputs import Inputs


def marked_requests_expr(inputs: Inputs, members: Table, tokens: Table, source: str) -> Table:
    """account_id, cluster, ts, marked: each request of a member, and whether it has a phrase of its cluster.

    ``members`` has account_id, cluster; ``tokens`` has cluster, token; ``source`` is ``phrases`` or ``templates``.
    """
    r = inputs.requests
    own = r.select("request_id", "account_id", "ts", "phrases", "template").inner_join(members, "account_id")
    if source == "phrases":
        each = own.filter(own.phrases.length() > 0)
        each = each.select("request_id", "cluster", token=each.phrases.unnest())
    else:
        each = own.select("request_id", "cluster", token=own.template)
    hits = each.semi_join(tokens, ["cluster", "token"]).select("request_id").distinct().mutate(hit=1)
    both = own.left_join(hits, "request_id")
    return both.select("account_id", "cluster", "ts", marked=both.hit.notnull())


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
