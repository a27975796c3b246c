"""Coordination: when accounts work, from when to when, and when they take up a new model.

Members of one operation keep time with each other: load balancing, another account in the place of a banned one
(Anthropic 2026-02), a new model within a day by everybody (AA26-251A). Innocent twins: keys of one house, a course, a
release day. These tables only say what each account did; ``clusters.timing`` asks what chance explains. ``numbers``
(account_id, number) says whose; numbers stand for names, so that rows are small.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis
import numpy as np
import pandas as pd
from ibis import Table

from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import Inputs, seconds_between, slot_of
from stillwatch.signals.tallies import tally

WEEK = 7
"""Days after its first use in which a model's share of an account's requests is counted."""


def load_expr(inputs: Inputs, numbers: Table) -> Table:
    """number, day (days since 1970), n: requests of each account and day."""
    days = tally(inputs, "days")
    return (
        days.select("account_id", "n", day=slot_of(days["first"], 24))
        .inner_join(numbers, "account_id")
        .select("number", "day", "n")
    )


def lives_expr(inputs: Inputs, numbers: Table) -> Table:
    """number, first, last (days since 1970, with fractions), client (the one with most requests; of equals the last by
    name; null where none is known).
    """
    days, clients = tally(inputs, "days"), tally(inputs, "client")
    days = days.select("account_id", "first", "last").inner_join(numbers, "account_id")
    whole = days.group_by("number").aggregate(first=days["first"].min(), last=days["last"].max())
    known = clients.select("account_id", client=clients.value, n=clients.uses).inner_join(numbers, "account_id")
    most = known.group_by("number").aggregate(most=known.n.max())
    used = known.inner_join(most, "number")
    used = used.filter(used.n == used.most).group_by("number").aggregate(client=lambda t: t.client.max())
    both = whole.left_join(used, "number")
    return both.select("number", "client", first=_days(both["first"]), last=_days(both["last"]))


def uses_expr(inputs: Inputs, numbers: Table, since: datetime | None) -> Table:
    """number, model, used, week: when an account first used each model that was released after ``since`` (None: ever;
    days since 1970, with fractions), and how many of its requests used it on that day and the six that follow.
    """
    used, m = tally(inputs, "model"), inputs.models
    known = m.filter(m.released_at.notnull() if since is None else m.released_at > ibis.timestamp(since))
    known = known.select("model")
    each = used.select("account_id", "model", n=used.uses, used=used.first_seen, day=slot_of(used.first_seen, 24))
    parts = each.semi_join(known, "model").inner_join(numbers, "account_id")
    start = ibis.window(group_by=["number", "model"])
    parts = parts.mutate(start=parts.day.min().over(start))
    opening = parts.filter(parts.day < parts.start + WEEK)
    out = opening.group_by("number", "model").aggregate(used=opening.used.min(), week=opening.n.sum())
    return out.mutate(used=_days(out.used))


def _days(moment: ibis.Value) -> ibis.Value:
    return seconds_between(moment, ibis.timestamp("1970-01-01")) / 86_400.0


@dataclass(frozen=True)
class Activity:
    """The three tables, and the release of each model in days since 1970."""

    load: pd.DataFrame
    lives: pd.DataFrame
    uses: pd.DataFrame
    releases: dict[str, float]


def activity_of(inputs: Inputs, execute: Engine, accounts: pd.Series, since: datetime | None = None) -> Activity:
    """Activity of these accounts, numbered by their place.

    ``since``: the first request of the data; nobody is seen to take up a model that came before it.
    """
    numbers = ibis.memtable(
        pd.DataFrame(
            {"account_id": accounts.astype("str").to_numpy(), "number": np.arange(len(accounts), dtype=np.int32)}
        )
    )
    released = execute(inputs.models.filter(inputs.models.released_at.notnull()).select("model", "released_at"))
    releases = {str(m): days_since_1970(t) for m, t in zip(released["model"], released["released_at"], strict=True)}
    return Activity(
        execute(load_expr(inputs, numbers)),
        execute(lives_expr(inputs, numbers)),
        execute(uses_expr(inputs, numbers, since)),
        releases,
    )


def days_since_1970(moment: datetime) -> float:
    """A time (UTC, without a zone) as days with fractions."""
    return (pd.Timestamp(moment) - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(days=1)
