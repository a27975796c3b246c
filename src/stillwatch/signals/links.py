"""Links: which account was seen with which value, and which accounts repeat which phrases.

A value is anything that two accounts can have in common: a card, a device, a subnet, a conversation, a system prompt, a
template. Only values that at least two accounts have leave the engine. Source: account-value (bipartite) projections,
Pacheco et al. 2021; shared payment and repeated texts, Anthropic 2026-02. Innocent twins: households, offices, carrier
NAT, gateways, public templates; the graph stage explains those away.
"""

from __future__ import annotations

import ibis
from ibis import Table

from stillwatch.signals.inputs import Inputs
from stillwatch.signals.tallies import OWN, repeated_expr, tally, values_of

REQUEST_VALUES = {
    "network": ("subnet", "ip"),
    "session": ("session_id",),
    "system": ("system_hash",),
    "template": ("template",),
}
"""Evidence kind -> request columns that give its value, the first filled one."""


def request_links_expr(inputs: Inputs, kind: str) -> Table:
    """account_id, kind, value, uses, first_seen, last_seen of one kind of value that requests carry."""
    pairs = tally(inputs, f"shared:{kind}") if kind in OWN else values_of(inputs, kind)
    return shared(pairs.filter(pairs.value != "")).mutate(kind=ibis.literal(kind))


def identifier_links_expr(inputs: Inputs) -> Table:
    """The same for identifiers; ``kind`` is the provider's word (payment, device, …)."""
    i = inputs.identifiers
    i = i.filter(i.value.notnull() & (i.value != ""))
    value = i.kind.lower() + ":" + i.value
    i = i.select("account_id", "first_seen", "last_seen", kind=i.kind.lower(), value=value)
    pairs = i.group_by("account_id", "kind", "value").aggregate(
        uses=i.count(), first_seen=i.first_seen.min(), last_seen=i.last_seen.max()
    )
    return shared(pairs)


def shared(pairs: Table) -> Table:
    """Only the values that two or more accounts have; adds ``sharers``."""
    sharers = pairs.group_by("value").aggregate(sharers=pairs.account_id.nunique())
    sharers = sharers.filter(sharers.sharers > 1)
    return pairs.inner_join(sharers, "value")


def phrasebook_expr(inputs: Inputs, numbers: Table) -> Table:
    """number, token: phrases that an account repeats in two or more of its requests.

    What a person writes twice is a frame; what fills its slots drops out by itself. ``numbers`` (account_id, number)
    says whose phrases are asked for: numbers stand for names, so that many rows are small.
    """
    book = inputs.counted["book"] if "book" in inputs.counted else repeated_expr(inputs.requests, numbers)
    return book.inner_join(numbers, "account_id").select("number", "token")


def identifier_degrees_expr(inputs: Inputs) -> Table:
    """account_id, kind, values: distinct values of each account, shared or not (the null needs all of them)."""
    i = inputs.identifiers
    i = i.filter(i.value.notnull() & (i.value != "")).select("account_id", "value", kind=i.kind.lower())
    return i.group_by("account_id", "kind").aggregate(values=i.value.nunique())


def request_degrees_expr(inputs: Inputs, kind: str) -> Table:
    """The same for a kind of value that requests carry."""
    if kind in OWN:
        spread = tally(inputs, f"spread:{kind}")
        found = spread.group_by("account_id").aggregate(values=spread.k.sum())
    else:
        pairs = values_of(inputs, kind)
        pairs = pairs.filter(pairs.value != "")
        found = pairs.group_by("account_id").aggregate(values=pairs.count())
    return found.mutate(kind=ibis.literal(kind))
