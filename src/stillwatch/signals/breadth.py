"""Breadth: from how many places and with how many tools one account works.

One account from many addresses and user agents is an AA26-251A indicator. Innocent twins: carrier NAT, VPN users,
gateways with a pool of exits, teams that share a key.
"""

from __future__ import annotations

from ibis import Table

from stillwatch.signals.base import ADVISORY, FEBRUARY, Family, Measure, Signal
from stillwatch.signals.inputs import Inputs, seconds_between


def _count(name: str, column: str, what: str, innocent: str) -> Measure:
    return Measure(
        Signal(name, f"distinct {what}", "count", ADVISORY, innocent, ("requests", f"requests.{column}")),
        lambda counts: counts[name].fill_null(0),
    )


MEASURES = (
    _count("addresses", "ip", "client addresses", "mobile users, carrier NAT, VPN"),
    _count("subnets", "subnet", "client subnets (/24 or /48)", "mobile users, carrier NAT, VPN"),
    _count("networks", "asn", "networks", "travellers, home and office"),
    _count("clients", "client", "SDK, harness or user-agent families", "a team that shares one key"),
    _count("models", "model", "models", "an evaluation vendor"),
    _count("sessions", "session_id", "conversations", "any chat product"),
)


def newest_model_expr(inputs: Inputs) -> Table:
    """Share of an account's requests that went to a model within 14 days of its release (release pivot)."""
    r, m = inputs.requests, inputs.models
    joined = r.select("account_id", "model", "ts").left_join(m.select("model", "released_at"), "model")
    age = seconds_between(joined.ts, joined.released_at)
    fresh = ((age >= 0) & (age < 14 * 86_400)).fill_null(False)
    return joined.group_by("account_id").aggregate(fresh_model_share=fresh.cast("int64").mean())


FAMILIES = (
    Family(
        (
            Signal(
                "fresh_model_share",
                "share of requests that went to a model in the 14 days after its release",
                "share",
                FEBRUARY,
                "enthusiasts, evaluation vendors",
                ("requests", "models"),
            ),
        ),
        newest_model_expr,
    ),
)
