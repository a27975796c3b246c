"""Sightings: which account was seen with which value, how often and when. What a hunt reads instead of the requests.

Searching forty million requests for one address is a scan; looking it up in a table sorted by value is not. The table
holds every pair of account and value for identifiers, models, clients, networks, addresses, system prompts, outcomes
and days. Conversations and prompt templates are mostly one account's own, and as many as the requests themselves:
only those that two accounts have are kept, the others are looked up in the warehouse.
"""

from __future__ import annotations

import ibis
from ibis import Table

from stillwatch.signals.inputs import Coverage, Inputs
from stillwatch.signals.tallies import tally, values_of

REQUEST_KINDS: dict[str, str] = {
    "model": "model",
    "client": "client",
    "asn": "asn",
    "subnet": "subnet",
    "ip": "ip",
    "system": "system_hash",
    "outcome": "status",
    "session": "session_id",
    "template": "template",
}
"""Kind of a sighting -> column of the requests that gives its value."""
SHARED_ONLY = ("session", "template")
"""Kinds of which only values that two or more accounts have are kept."""
ON_FILE = "_on_file"
DAY = "day"
"""Kind of the sightings that say on which days (ISO dates) an account was active."""


def sightings_exprs(inputs: Inputs, coverage: Coverage) -> list[Table]:
    """kind, value, account_id, sharers (accounts that have the value), uses, first_seen, last_seen, by kind and value:
    one expression per kind of request value and one for identifiers, so that no engine has to hold all of them.

    Identifiers keep the provider's word for their kind; one called as a kind of request value gets ``ON_FILE`` behind.
    """
    parts = []
    if coverage.requests:
        parts.append(_days(inputs))
        for kind, column in REQUEST_KINDS.items():
            if coverage.has(f"requests.{column}"):
                parts.append(_values(inputs, kind))
    if coverage.identifiers:
        i = inputs.identifiers
        i = i.filter(i.value.notnull() & (i.value != ""))
        kind = i.kind.lower()
        taken = kind.isin([*REQUEST_KINDS, DAY])
        i = i.mutate(kind=ibis.ifelse(taken, kind + ON_FILE, kind))
        parts.append(
            i.group_by("account_id", "kind", "value").aggregate(
                uses=i.count(), first_seen=i.first_seen.min(), last_seen=i.last_seen.max()
            )
        )
    if not parts:
        parts.append(_days(inputs))  # no rows, but typed
    return [_told(_alike(p)) for p in parts]


def _told(pairs: Table) -> Table:
    """How many accounts share each value, in the order of a look-up."""
    found = pairs.mutate(sharers=pairs.account_id.count().over(ibis.window(group_by=["kind", "value"])))
    return found.select("kind", "value", "account_id", "sharers", "uses", "first_seen", "last_seen").order_by(
        ["kind", "value", "account_id"]
    )


def _alike(pairs: Table) -> Table:
    """Columns of one order and type, so that parts can be put together."""
    times = {c: pairs[c].cast("timestamp(6)") for c in ("first_seen", "last_seen")}
    return pairs.select("account_id", "kind", "value", uses=pairs.uses.cast("int64"), **times)


def _days(inputs: Inputs) -> Table:
    days = tally(inputs, "days")
    return days.select(
        "account_id",
        kind=ibis.literal(DAY),
        value=days.day.cast("string"),
        uses=days.n,
        first_seen=days["first"],
        last_seen=days["last"],
    )


def _values(inputs: Inputs, kind: str) -> Table:
    seen = tally(inputs, f"shared:{kind}") if kind in SHARED_ONLY else values_of(inputs, kind)
    return seen.filter(seen.value != "").mutate(kind=ibis.literal(kind))
