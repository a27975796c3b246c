"""What detection reads: the warehouse tables as they were known on one day.

As-of reads are what make a run reproducible and an evaluation honest: a ban of tomorrow must not explain a score of
today. A status that was set after the day counts as active; rows of later days do not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import ibis
from ibis import Table

from stillwatch.domain import UNATTRIBUTED


@dataclass(frozen=True)
class Inputs:
    """Ibis tables shaped as ``warehouse.schema`` says, cut to one moment."""

    accounts: Table
    requests: Table
    identifiers: Table
    models: Table
    as_of: datetime | None = None
    counted: Mapping[str, Table] = field(default_factory=dict)
    """Tallies (``signals.tallies``) of these requests that were worked out before."""


def inputs_as_of(table: Callable[[str], Table], as_of: datetime | None) -> Inputs:
    """The four tables as they were known at ``as_of`` (None = everything). ``table`` maps a name to an Ibis table.

    Requests that name nobody are left out: their common placeholder would look like one busy account.
    """
    accounts, requests, identifiers = (
        t.filter(t.account_id != UNATTRIBUTED) for t in map(table, ("accounts", "requests", "identifiers"))
    )
    models = table("models")
    if as_of is not None:
        moment = ibis.timestamp(as_of)
        later = accounts.status_at > moment
        accounts = accounts.filter(accounts.created_at <= moment).mutate(
            status=ibis.ifelse(later.fill_null(False), ibis.literal("active"), accounts.status),
            status_at=ibis.ifelse(later.fill_null(False), ibis.null("timestamp"), accounts.status_at),
        )
        requests = requests.filter(requests.ts <= moment)
        identifiers = identifiers.filter((identifiers.first_seen <= moment).fill_null(True)).mutate(
            last_seen=ibis.least(identifiers.last_seen, moment)
        )
        models = models.filter(models.released_at <= moment)
    return Inputs(accounts, requests, identifiers, models, as_of)


def seconds_between(later: ibis.Value, earlier: ibis.Value) -> ibis.Value:
    """Seconds from one timestamp to another, with their microseconds (``epoch_seconds`` has whole ones on Spark)."""
    return later.delta(earlier, unit="microsecond") / 1e6


def slot_of(moment: ibis.Value, hours: int) -> ibis.Value:
    """Which stretch of so many hours since 1970 a timestamp lies in; earlier ones count below zero."""
    return (seconds_between(moment, ibis.timestamp("1970-01-01")) / (hours * 3600)).floor().cast("int64")


def unattributed_expr(requests: Table) -> Table:
    """One row: how many requests name no account."""
    strays = requests.filter(requests.account_id == UNATTRIBUTED)
    return strays.aggregate(requests=strays.count())


REQUEST_COLUMNS = (
    "model",
    "ip",
    "subnet",
    "asn",
    "client",
    "session_id",
    "input_tokens",
    "output_tokens",
    "tool_count",
    "status",
    "system_hash",
    "template",
    "phrases",
    "capabilities",
    "prompt_chars",
)
ACCOUNT_COLUMNS = ("org_id", "plan", "channel", "email_domain", "verification", "status")


def filled_expr(requests: Table) -> Table:
    """One row: requests, first_ts, last_ts and, as ``requests.<column>``, how many have a value there."""
    r = requests
    return r.aggregate(
        requests=r.count(),
        first_ts=r.ts.min(),
        last_ts=r.ts.max(),
        **{f"requests.{c}": r[c].count() for c in REQUEST_COLUMNS},
    )


def coverage_expr(inputs: Inputs) -> Table:
    """One row: how many rows there are, and in how many of them each optional column is filled."""
    a = inputs.accounts
    counted = inputs.counted["filled"] if "filled" in inputs.counted else filled_expr(inputs.requests)
    known = a.aggregate(accounts=a.count(), **{f"accounts.{c}": a[c].count() for c in ACCOUNT_COLUMNS})
    rest = inputs.identifiers.aggregate(identifiers=inputs.identifiers.count())
    released = inputs.models.aggregate(models=inputs.models.count())
    return counted.cross_join(known).cross_join(rest).cross_join(released)


@dataclass(frozen=True)
class Coverage:
    """What the data can tell. ``filled`` maps ``table.column`` to the number of rows that have a value."""

    accounts: int
    requests: int
    identifiers: int
    models: int
    first_ts: datetime | None
    last_ts: datetime | None
    filled: dict[str, int]

    def has(self, need: str) -> bool:
        """Whether a need (``requests``, ``identifiers``, ``models`` or ``table.column``) is met at all."""
        if "." in need:
            return self.filled.get(need, 0) > 0
        return bool(getattr(self, need))

    def missing(self, needs: tuple[str, ...]) -> str | None:
        """Why a signal with these needs is null everywhere, in words; None when it can be computed."""
        gone = [n for n in needs if not self.has(n)]
        if not gone:
            return None
        name = gone[0]
        if "." not in name:
            return f"the data has no {name}"
        table, column = name.split(".")
        return f"the source gives no {column} with its {table}"
