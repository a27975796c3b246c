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

REQUEST_VALUES = {
    "network": ("subnet", "ip"),
    "session": ("session_id",),
    "system": ("system_hash",),
    "template": ("template",),
}
"""Evidence kind -> request columns that give its value, the first filled one."""


def request_links_expr(inputs: Inputs, kind: str) -> Table:
    """account_id, kind, value, uses, first_seen, last_seen of one kind of value that requests carry."""
    r = inputs.requests
    columns = REQUEST_VALUES[kind]
    value = ibis.coalesce(*(r[c] for c in columns)) if len(columns) > 1 else r[columns[0]]
    r = r.select("account_id", "ts", value=value)
    r = r.filter(r.value.notnull() & (r.value != ""))
    pairs = r.group_by("account_id", "value").aggregate(uses=r.count(), first_seen=r.ts.min(), last_seen=r.ts.max())
    return shared(pairs).mutate(kind=ibis.literal(kind))


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


def phrasebook_expr(inputs: Inputs, numbers: Table, *, repeats: int = 2) -> Table:
    """number, token, n: phrases that an account repeats in ``repeats`` or more of its requests.

    What a person writes twice is a frame; what fills its slots drops out by itself. ``numbers`` (account_id, number)
    says whose phrases are counted: there are twelve times as many phrases as requests, so numbers stand for names, and
    a large data set is counted some accounts at a time. A request names each of its phrases once (``sources.prompts``).
    """
    r = inputs.requests
    r = r.filter(r.phrases.notnull() & (r.phrases.length() > 0)).select("account_id", "phrases")
    own = r.inner_join(numbers, "account_id")
    each = own.select("number", token=own.phrases.unnest())
    book = each.group_by("number", "token").aggregate(n=each.count())
    return book.filter(book.n >= repeats)


def identifier_degrees_expr(inputs: Inputs) -> Table:
    """account_id, kind, values: distinct values of each account, shared or not (the null needs all of them)."""
    i = inputs.identifiers
    i = i.filter(i.value.notnull() & (i.value != "")).select("account_id", "value", kind=i.kind.lower())
    return i.group_by("account_id", "kind").aggregate(values=i.value.nunique())


def request_degrees_expr(inputs: Inputs, kind: str) -> Table:
    """The same for a kind of value that requests carry."""
    r = inputs.requests
    columns = REQUEST_VALUES[kind]
    value = ibis.coalesce(*(r[c] for c in columns)) if len(columns) > 1 else r[columns[0]]
    pairs = r.select("account_id", value=value)
    pairs = pairs.filter(pairs.value.notnull() & (pairs.value != ""))
    return pairs.group_by("account_id").aggregate(values=pairs.value.nunique()).mutate(kind=ibis.literal(kind))
