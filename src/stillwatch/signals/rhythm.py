"""Rhythm: when an account works.

Round-the-clock use without idle hours and full use from the first day are two of the four indicators of AA26-251A.
Innocent twins: continuous integration, batch jobs, products with customers in every time zone.
"""

from __future__ import annotations

import ibis
from ibis import Table

from stillwatch.signals.base import ADVISORY, FEBRUARY, Family, Measure, Signal
from stillwatch.signals.inputs import Inputs, seconds_between
from stillwatch.signals.tallies import share, tally

MEASURES = (
    Measure(
        Signal(
            "active_days",
            "days with at least one request",
            "days",
            ADVISORY,
            "any steady customer",
        ),
        lambda counts: counts.active_days,
    ),
    Measure(
        Signal(
            "weekend_share",
            "share of requests on Saturday and Sunday (UTC); people at work are near 0.1, machines near 2/7",
            "share",
            ADVISORY,
            "hobby projects and batch jobs",
        ),
        lambda counts: share(counts.weekend, counts.requests),
    ),
)


def hours_expr(inputs: Inputs) -> Table:
    """How an account's requests spread over the 24 hours of the day."""
    hour = tally(inputs, "hours")
    total = ibis.window(group_by="account_id")
    share = hour.mutate(p=hour.n / hour.n.sum().over(total).cast("float64"))
    return share.group_by("account_id").aggregate(
        hours_of_day=share.count(),
        hour_entropy=-(share.p * share.p.ln()).sum() / ibis.literal(2.0).ln(),
        quietest_8h_share=(1 - (share.p * (share.p > 1 / 24).cast("int64")).sum()),
    )


def gaps_expr(inputs: Inputs) -> Table:
    """Pauses between one request and the next of the same account. Numbers stand for names while requests are put in
    order.
    """
    numbers = tally(inputs, "sums").select("account_id")
    numbers = numbers.mutate(number=ibis.row_number().over(order_by=numbers.account_id))
    r = inputs.requests.select("account_id", "ts").inner_join(numbers, "account_id").select("number", "ts")
    before = r.ts.lag().over(group_by=r.number, order_by=r.ts)  # requests of one moment: any order, no pause
    gap = r.select("number", gap=seconds_between(r.ts, before))
    gap = gap.filter(gap.gap.notnull())
    out = gap.group_by("number").aggregate(
        median_gap_minutes=gap.gap.median() / 60,
        longest_gap_hours=gap.gap.max() / 3600,
        _mean=gap.gap.mean(),
        _square=(gap.gap * gap.gap).mean(),
    )
    spread = (out._square - out._mean * out._mean).clip(lower=0).sqrt()
    out = out.mutate(gap_variation=ibis.ifelse(out._mean > 0, spread / out._mean, None)).drop("_mean", "_square")
    return out.inner_join(numbers, "number").drop("number")


def ramp_expr(inputs: Inputs) -> Table:
    """How fast an account went to full use after it signed up."""
    daily, a = tally(inputs, "days").drop("last"), inputs.accounts
    first = daily.group_by("account_id").aggregate(
        start=daily.day.min(), first=daily["first"].min(), rate=daily.n.mean()
    )
    opening = daily.join(first, "account_id")
    opening = (
        opening.filter(opening.day == opening.start)
        .select("account_id", "first", first_day_share=opening.n / opening.rate)
        .left_join(a.select("account_id", "created_at"), "account_id")
    )
    wait = seconds_between(opening["first"], opening.created_at) / 3600.0
    return opening.select("account_id", first_day_load="first_day_share", hours_to_first_request=wait)


FAMILIES = (
    Family(
        (
            Signal(
                "hours_of_day",
                "hours of the day (UTC) with at least one request",
                "hours of 24",
                ADVISORY,
                "a busy product, a team across time zones",
            ),
            Signal(
                "hour_entropy",
                "how evenly requests spread over the hours of the day; log2(24) = 4.58 is no idle hour",
                "bits",
                ADVISORY,
                "continuous integration, batch jobs",
            ),
            Signal(
                "quietest_8h_share",
                "share of requests that falls in hours below the even share of 1/24",
                "share",
                ADVISORY,
                "continuous integration, batch jobs",
            ),
        ),
        hours_expr,
    ),
    Family(
        (
            Signal("median_gap_minutes", "median pause between two requests", "minutes", ADVISORY, "scripts"),
            Signal("longest_gap_hours", "longest pause", "hours", ADVISORY, "a product that never sleeps"),
            Signal(
                "gap_variation",
                "standard deviation of the pauses over their mean; a clockwork is near 0, a person above 2",
                "ratio",
                FEBRUARY,
                "cron jobs and monitoring",
            ),
        ),
        gaps_expr,
    ),
    Family(
        (
            Signal(
                "first_day_load",
                "requests on the first day over those of a mean active day; no ramp = 1 or more",
                "ratio",
                ADVISORY,
                "a migration, a hackathon",
            ),
            Signal(
                "hours_to_first_request",
                "hours from sign-up to the first request",
                "hours",
                ADVISORY,
                "a developer who signs up to try something",
                ("requests", "accounts"),
            ),
        ),
        ramp_expr,
    ),
)
