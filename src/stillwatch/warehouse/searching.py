"""A hunt's question as data, and the named reads that answer it over one published run.

An account is found when it meets every line of the question: words of its row in the run, and for every kind of value
one of the values asked for. They need not stand in one request. With a window, a value counts when it was used in it:
a first or last use inside decides that without a look at the requests, else the days of the window are read.

``accounts`` and ``sightings`` are tables of the run, sorted and small; ``requests`` is the warehouse's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import ibis

ORDERS = {
    "score": "score",
    "requests": "requests",
    "newest": "created_at",
    "last": "last_seen",
    "matches": "uses",
}
"""Name of an order -> column it goes by, largest first."""
REQUEST_COLUMN = {
    "model": "model", "client": "client", "asn": "asn", "subnet": "subnet", "ip": "ip", "system": "system_hash",
    "outcome": "status", "session": "session_id", "template": "template",
}  # fmt: skip
"""Kind of a sighting -> column of the requests with its values; identifiers have none."""
PLAIN_KINDS = ("model", "outcome", "day")
"""Kinds that tell nothing about who belongs together."""
ROW_COLUMNS = (
    "account_id", "cluster_id", "role", "score", "requests", "active_days", "created_at", "first_seen", "last_seen",
    "plan", "channel", "org_id", "status", "owner",
)  # fmt: skip


@dataclass(frozen=True)
class Term:
    """One value that an account was seen with: its kind and its token or name, letter by letter."""

    kind: str
    value: str


@dataclass(frozen=True)
class Search:
    """What is asked for. Empty fields ask nothing."""

    text: str = ""
    """A part of the account's id, in any case."""
    terms: tuple[Term, ...] = ()
    """Values seen with it: any of those of one kind, and all kinds."""
    plans: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    cluster: str = ""
    """``in`` any, ``out`` of all, or the id of one."""
    label: str = ""
    """Label value that stands on the account, ``none`` or ``some``."""
    least: float = 0.0
    """Score at least, 0 to 1."""
    since: date | None = None
    until: date | None = None
    """Active on one of these days, both included."""
    order: str = "score"

    @property
    def windowed(self) -> bool:
        return self.since is not None or self.until is not None

    @property
    def kinds(self) -> dict[str, tuple[str, ...]]:
        """Kind -> values asked for."""
        out: dict[str, tuple[str, ...]] = {}
        for term in self.terms:
            out[term.kind] = (*out.get(term.kind, ()), term.value)
        return out


def sightings_of_expr(sightings: Any, kind: str, values: tuple[str, ...]) -> Any:
    """Rows of one kind with one of some values; the table is sorted by both, so little of it is read."""
    return sightings.filter((sightings.kind == kind) & one_of_expr(sightings.value, values))


def one_of_expr(column: Any, values: tuple[str, ...]) -> Any:
    """Whether a column has one of some values; a single one is compared, which engines can push into their scans."""
    return column == values[0] if len(values) == 1 else column.isin(list(values))


def requests_with_expr(requests: Any, column: str, values: tuple[str, ...], as_of: datetime | None) -> Any:
    """The same out of the requests, for values that only one account has: kind-less account_id, uses, first and last.

    Engines pass over files and row groups whose statistics or filters rule the value out.
    """
    found = requests.filter(one_of_expr(requests[column], values))
    if as_of is not None:
        found = found.filter(found.ts <= as_of)
    return found.group_by("account_id", value=found[column]).aggregate(
        uses=found.count(), first_seen=found.ts.min(), last_seen=found.ts.max()
    )


def in_window_expr(seen: Any, requests: Any, kind: str, search: Search) -> Any:
    """Those sightings of one kind whose value was used on a day of the window."""
    begin, end = bounds(search)
    spans = seen.filter((seen.last_seen.fill_null(end) >= begin) & (seen.first_seen.fill_null(begin) < end))
    column = REQUEST_COLUMN.get(kind)
    if column is None:  # identifiers: their first and last sight is all that is known
        return spans
    ends_inside = ((spans.first_seen >= begin) & (spans.first_seen < end)) | (
        (spans.last_seen >= begin) & (spans.last_seen < end)
    )
    sure, unsure = spans.filter(ends_inside), spans.filter(~ends_inside)
    r = requests.filter(requests.day.between(begin.date(), (end - timedelta(days=1)).date()))
    r = r.filter(one_of_expr(r[column], search.kinds[kind])).select("account_id", value=r[column]).distinct()
    return sure.union(unsure.semi_join(r, ["account_id", "value"]))


def bounds(search: Search) -> tuple[datetime, datetime]:
    """The window as [begin, end); an open side is as far as times go."""
    begin = datetime.combine(search.since, time()) if search.since else datetime(1970, 1, 1)
    last = search.until or date(2200, 1, 1)
    return begin, datetime.combine(last, time()) + timedelta(days=1)


def matches_expr(parts: dict[str, Any], several: Collection[str]) -> Any:
    """account_id, uses, first_use, last_use of the accounts that every kind's sightings name.

    ``several`` holds the kinds of which more than one value was asked for.
    """
    kinds = [one_row_each_expr(part, kind in several) for kind, part in parts.items()]
    out = kinds[0]
    for other in kinds[1:]:
        both = out.inner_join(other, "account_id", rname="{name}_other")
        out = both.select(
            "account_id",
            uses=both.uses + both.uses_other,
            first_use=ibis.least(both.first_use, both.first_use_other),
            last_use=ibis.greatest(both.last_use, both.last_use_other),
        )
    return out


def one_row_each_expr(seen: Any, several: bool) -> Any:
    """Sightings of one kind as account_id, uses, first_use, last_use; ``several``: for more than one value."""
    if not several:  # then account_id is unique already
        return seen.select("account_id", "uses", first_use=seen.first_seen, last_use=seen.last_seen)
    return seen.group_by("account_id").aggregate(
        uses=seen.uses.sum(), first_use=seen.first_seen.min(), last_use=seen.last_seen.max()
    )


def active_expr(sightings: Any, search: Search) -> Any:
    """account_id of everyone who made a request on a day of the window."""
    begin, end = bounds(search)
    last = (end - timedelta(days=1)).date()
    days = sightings.filter(sightings.kind == "day")
    return days.filter(days.value.between(begin.date().isoformat(), last.isoformat())).select("account_id").distinct()


def accounts_expr(accounts: Any, search: Search, matches: Any | None, active: Any | None, labelled: Any | None) -> Any:
    """Accounts that meet the question: ``ROW_COLUMNS`` and uses, first_use, last_use of what was asked for.

    ``labelled`` holds account_id of the labels that ``search.label`` names (``none``: of all labels).
    """
    a = accounts.select(*ROW_COLUMNS)
    if search.text:
        a = a.filter(a.account_id.lower().contains(search.text.lower()))
    for column, wanted in (("plan", search.plans), ("channel", search.channels), ("status", search.statuses)):
        if wanted:
            a = a.filter(a[column].isin(list(wanted)))
    if search.cluster == "in":
        a = a.filter(a.cluster_id.notnull())
    elif search.cluster == "out":
        a = a.filter(a.cluster_id.isnull())
    elif search.cluster:
        a = a.filter(a.cluster_id == search.cluster)
    if search.least > 0:
        a = a.filter(a.score >= search.least)
    if labelled is not None:
        a = a.anti_join(labelled, "account_id") if search.label == "none" else a.semi_join(labelled, "account_id")
    if active is not None:
        a = a.semi_join(active, "account_id")
    if matches is None:
        nothing = ibis.null("timestamp(6)")
        return a.mutate(uses=ibis.null("int64"), first_use=nothing, last_use=nothing)
    return a.inner_join(matches, "account_id")


def page_expr(found: Any, order: str, offset: int, limit: int) -> Any:
    """One page of found accounts in order, with ``found``: how many there are altogether."""
    column = ORDERS[order]
    return (
        found.mutate(found=found.count().over(ibis.window()))
        .order_by([ibis.desc(column, nulls_first=False), ibis.desc("requests", nulls_first=False), "account_id"])
        .limit(limit, offset=offset)
    )


def totals_expr(found: Any) -> Any:
    """One row about the found accounts: accounts, requests, clusters, enforced (banned or suspended), first, last."""
    return found.aggregate(
        accounts=found.count(),
        requests=found.requests.sum(),
        clusters=found.cluster_id.nunique(),
        clustered=found.cluster_id.count(),
        enforced=found.status.isin(["banned", "suspended"]).sum(),
        first=found.first_seen.min(),
        last=found.last_seen.max(),
    )


def ids_expr(found: Any, order: str, limit: int) -> Any:
    """account_id and cluster_id of the found accounts in order."""
    return page_expr(found, order, 0, limit).select("account_id", "cluster_id")


def shared_values_expr(found: Any, sightings: Any, base: float, limit: int) -> Any:
    """Values that two or more of the found accounts have: kind, value, here, everywhere, uses, first, last.

    ``base`` is the share of all accounts that was found. Ordered by the information in it: how many have it here, times
    the bits by which they are more than their share (log2 of here/everywhere over ``base``). What is as common among
    the found as among all comes last.
    """
    own = sightings.semi_join(found.select("account_id"), "account_id")
    own = own.filter(own.sharers > 1)
    for kind in PLAIN_KINDS:  # one comparison each: engines pass over row groups of one kind by their statistics
        own = own.filter(own.kind != kind)
    out = own.group_by("kind", "value").aggregate(
        here=own.count(),
        everywhere=own.sharers.max(),
        uses=own.uses.sum(),
        first=own.first_seen.min(),
        last=own.last_seen.max(),
    )
    out = out.filter(out.here > 1)
    weight = (out.here * (out.here / (out.everywhere * base)).log2()).round(6)
    return out.order_by([weight.desc(), out.here.desc(), out.kind, out.value]).limit(limit)


def links_expr(sightings: Any, accounts: Any, values: Any) -> Any:
    """Sightings between some accounts and some values (kind, value): the lines of a drawing."""
    own = sightings.semi_join(accounts, "account_id").semi_join(values, ["kind", "value"])
    return own.select("account_id", "kind", "value", "uses", "sharers").order_by(["kind", "value", "account_id"])


def activity_expr(found: Any, sightings: Any) -> Any:
    """Requests a day of the found accounts by cluster: day (ISO), cluster_id, requests, accounts."""
    days = sightings.filter(sightings.kind == "day")
    own = days.inner_join(found.select("account_id", "cluster_id"), "account_id")
    out = own.group_by("cluster_id", day=own.value).aggregate(requests=own.uses.sum(), accounts=own.count())
    return out.order_by(["day", "cluster_id"])


def known_values_expr(sightings: Any, kind: str, limit: int) -> Any:
    """The values of a kind that most accounts have: value, sharers, uses."""
    own = sightings.filter(sightings.kind == kind)
    out = own.group_by("value").aggregate(sharers=own.count(), uses=own.uses.sum())
    return out.order_by([out.sharers.desc(), out.value]).limit(limit)


def kinds_with_expr(sightings: Any, values: list[str]) -> Any:
    """Where some values stand: kind, value, sharers."""
    own = sightings.filter(sightings.value.isin(values))
    return own.group_by("kind", "value").aggregate(sharers=own.sharers.max()).order_by(["kind", "value"])
