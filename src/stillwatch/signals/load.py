"""Load: how much an account asks for, alone and beside others of its plan.

Throughput far above the plan is an AA26-251A indicator; published campaigns stay below it (13 to 50 requests a day),
so these measures describe and rank, they never decide. Innocent twins: gateways, products, batch customers.
"""

from __future__ import annotations

from ibis import Table

from stillwatch.signals.base import ADVISORY, OWN, Family, Measure, Signal
from stillwatch.signals.inputs import Inputs
from stillwatch.signals.tallies import share, tally

MEASURES = (
    Measure(
        Signal("requests", "requests", "count", ADVISORY, "any large customer"),
        lambda counts: counts.requests,
    ),
    Measure(
        Signal(
            "requests_per_active_day", "requests on a day with any", "requests a day", ADVISORY, "any large customer"
        ),
        lambda counts: share(counts.requests, counts.active_days),
    ),
    Measure(
        Signal(
            "input_tokens_mean",
            "tokens in, mean of a request",
            "tokens",
            OWN,
            "long documents",
            ("requests", "requests.input_tokens"),
        ),
        lambda counts: share(counts.input_tokens, counts.input_tokens_known),
    ),
    Measure(
        Signal(
            "output_tokens_mean",
            "tokens out, mean of a request; long answers are what a copy is trained on",
            "tokens",
            OWN,
            "writing and coding products",
            ("requests", "requests.output_tokens"),
        ),
        lambda counts: share(counts.output_tokens, counts.output_tokens_known),
    ),
    Measure(
        Signal(
            "tool_share",
            "share of requests that offer tools",
            "share",
            OWN,
            "agents",
            ("requests", "requests.tool_count"),
        ),
        lambda counts: share(counts.tools, counts.tools_known),
    ),
    Measure(
        Signal(
            "prompt_chars_mean",
            "length of a prompt, mean",
            "characters",
            OWN,
            "long documents",
            ("requests", "requests.prompt_chars"),
        ),
        lambda counts: share(counts.prompt_chars, counts.prompt_chars_known),
    ),
)


def load_beside_plan_expr(inputs: Inputs) -> Table:
    """Requests of an active day over the median of all accounts of the same plan."""
    days, a = tally(inputs, "days"), inputs.accounts
    rate = days.group_by("account_id").aggregate(rate=days.n.sum() / days.count().cast("float64"))
    rate = rate.inner_join(a.filter(a.plan.notnull()).select("account_id", "plan"), "account_id")
    usual = rate.group_by("plan").aggregate(usual=rate.rate.median())
    both = rate.inner_join(usual, "plan")
    return both.select("account_id", load_beside_plan=both.rate / both.usual)


FAMILIES = (
    Family(
        (
            Signal(
                "load_beside_plan",
                "requests of an active day over the median of its plan",
                "ratio",
                ADVISORY,
                "the heavy tenth of any plan",
                ("requests", "accounts.plan"),
            ),
        ),
        load_beside_plan_expr,
    ),
)
