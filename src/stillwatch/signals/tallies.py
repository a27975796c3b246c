"""Tallies: what detection counts over all requests, in a form to which later requests can be added.

Sums, counts, first and last times add up, so tallies of two piles of requests make the tally of both. What an account
repeats, and what two accounts have in common, does not add up; there the few values of the later pile are looked up
among the earlier requests. Either way the rows are those that one count over everything gives: whole numbers, times and
names, never fractions, which would depend on the order of adding. So a day more costs what the day is worth
(self-maintainable views, Gupta and Mumick 1995), and detection measures from tallies, not from requests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import ibis
from ibis import Table, Value

from stillwatch.domain import TRAINING_VALUE, Capability
from stillwatch.signals.inputs import REQUEST_COLUMNS, Inputs, filled_expr

ACCOUNT = ("account_id",)
SEEN = {"uses": "sum", "first_seen": "min", "last_seen": "max"}
OUTCOMES = ("refused", "error", "rate_limited")
VALUES = {"client": "client", "asn": "asn", "system": "system_hash", "outcome": "status"}
"""Tally of a value -> column of the requests that gives it. An account has few of these."""
OWN = {"session": "session_id", "template": "template"}
"""The same for values that are mostly one account's own, and as many as the requests themselves."""


@dataclass(frozen=True)
class Tally:
    """A tally whose rows add up: one row per ``keys``; ``adds`` says of every other column how (sum, min or max)."""

    keys: tuple[str, ...]
    adds: dict[str, str]
    build: Callable[[Table], Table]


def tally(inputs: Inputs, name: str) -> Table:
    """One tally of everything in ``inputs``: the one that was worked out before, else its expression."""
    if name in inputs.counted:
        return inputs.counted[name]
    if name in TALLIES:
        return TALLIES[name].build(inputs.requests)
    what, _, kind = name.partition(":")
    return {"spread": spread_expr, "shared": shared_values_expr}[what](own_values_expr(inputs.requests, kind))


def added_expr(parts: Table, keys: tuple[str, ...], adds: dict[str, str]) -> Table:
    """One tally from the rows of several, put together as a table (``Tally.keys``, ``Tally.adds``)."""
    sums = {c: getattr(parts[c], how)() for c, how in adds.items()}
    whole = {c: v.cast("int64") if adds[c] == "sum" else v for c, v in sums.items()}
    return parts.group_by(*keys).aggregate(**whole) if keys else parts.aggregate(**whole)


def account_sums_expr(requests: Table) -> Table:
    """account_id and what adds up over its requests: numbers of requests, tokens and characters."""
    r = requests
    flags = {c.value: c.bit for c in Capability} | {"training": sum(c.bit for c in TRAINING_VALUE)}
    sums: dict[str, Value] = {
        "requests": r.count(),
        **{name: r[name].sum() for name in _NUMBERS},
        **{f"{name}_known": r[name].count() for name in _NUMBERS},
        "tools": (r.tool_count > 0).cast("int64").sum(),
        "tools_known": r.tool_count.count(),
        "flags_known": r.capabilities.count(),
        "flags_none": (r.capabilities == 0).cast("int64").sum(),
        **{f"asks_{name}": ((r.capabilities & bits) > 0).cast("int64").sum() for name, bits in flags.items()},
    }
    return r.group_by("account_id").aggregate(**{name: value.cast("int64") for name, value in sums.items()})


_NUMBERS = ("input_tokens", "output_tokens", "prompt_chars")
_SUMS = (
    "requests",
    *_NUMBERS,
    *(f"{name}_known" for name in _NUMBERS),
    *("tools", "tools_known", "flags_known", "flags_none"),
    *(f"asks_{c.value}" for c in Capability),
    "asks_training",
)


def account_days_expr(requests: Table) -> Table:
    """account_id, day, n, first, last: requests of each account and day (UTC)."""
    r = requests
    return r.group_by(account_id=r.account_id, day=r.ts.date()).aggregate(
        n=r.count(), first=r.ts.min(), last=r.ts.max()
    )


def account_hours_expr(requests: Table) -> Table:
    """account_id, hour, n: requests of each account in each hour of the day (UTC)."""
    r = requests
    return r.group_by(account_id=r.account_id, hour=r.ts.hour()).aggregate(n=r.count())


def account_models_expr(requests: Table) -> Table:
    """account_id, model, day, uses, first_seen, last_seen: requests of each account to each model on each day (UTC)."""
    r = requests.filter(requests.model.notnull())
    return r.group_by(account_id=r.account_id, model=r.model, day=r.ts.date()).aggregate(**_seen(r))


def account_places_expr(requests: Table) -> Table:
    """account_id, ip, subnet, uses, first_seen, last_seen: where each account asked from, if either is known."""
    r = requests.filter(requests.ip.notnull() | requests.subnet.notnull())
    return r.group_by("account_id", "ip", "subnet").aggregate(**_seen(r))


def account_values_expr(requests: Table, kind: str) -> Table:
    """account_id, value, uses, first_seen, last_seen of one of ``VALUES``."""
    r = requests.select("account_id", "ts", value=requests[VALUES[kind]])
    r = r.filter(r.value.notnull())
    return r.group_by("account_id", "value").aggregate(**_seen(r))


def _seen(r: Table) -> dict[str, Value]:
    return {"uses": r.count(), "first_seen": r.ts.min(), "last_seen": r.ts.max()}


TALLIES: dict[str, Tally] = {
    "filled": Tally(
        (),
        {"requests": "sum", "first_ts": "min", "last_ts": "max", **{f"requests.{c}": "sum" for c in REQUEST_COLUMNS}},
        filled_expr,
    ),
    "sums": Tally(ACCOUNT, dict.fromkeys(_SUMS, "sum"), account_sums_expr),
    "days": Tally((*ACCOUNT, "day"), {"n": "sum", "first": "min", "last": "max"}, account_days_expr),
    "hours": Tally((*ACCOUNT, "hour"), {"n": "sum"}, account_hours_expr),
    "model": Tally((*ACCOUNT, "model", "day"), SEEN, account_models_expr),
    "place": Tally((*ACCOUNT, "ip", "subnet"), SEEN, account_places_expr),
    **{kind: Tally((*ACCOUNT, "value"), SEEN, partial(account_values_expr, kind=kind)) for kind in VALUES},
}


def values_of(inputs: Inputs, kind: str) -> Table:
    """account_id, value, uses, first_seen, last_seen: every value of one kind that an account was seen with. Kinds:
    ``VALUES``, model, ip, subnet, network (the subnet, or the address where that is all there is).
    """
    if kind in VALUES:
        return tally(inputs, kind)
    if kind == "model":
        seen = tally(inputs, "model")
        seen = seen.select("account_id", *SEEN, value=seen.model)
    else:
        seen = tally(inputs, "place")
        value = ibis.coalesce(seen.subnet, seen.ip) if kind == "network" else seen[kind]
        seen = seen.select("account_id", *SEEN, value=value)
        seen = seen.filter(seen.value.notnull())
    return added_expr(seen, (*ACCOUNT, "value"), SEEN)


def account_counts_expr(inputs: Inputs) -> Table:
    """One row per account that asked anything: its sums, active days, requests at weekends and by outcome, and how many
    distinct values of each kind it has (null where it has none).
    """
    days, outcomes = tally(inputs, "days"), tally(inputs, "outcome")
    weekend = days.day.day_of_week.index().isin([5, 6]).cast("int64")
    out = tally(inputs, "sums")
    parts = [
        days.group_by("account_id").aggregate(
            active_days=days.count(),
            weekend=(days.n * weekend).sum(),
        ),
        outcomes.group_by("account_id").aggregate(
            outcomes_known=outcomes.uses.sum(),
            **{o: (outcomes.uses * (outcomes.value == o).cast("int64")).sum() for o in OUTCOMES},
        ),
    ]
    for name, kind in COUNTED.items():
        seen = values_of(inputs, kind)
        parts.append(seen.group_by("account_id").aggregate(**{name: seen.count()}))
    sessions = tally(inputs, "spread:session")
    parts.append(sessions.group_by("account_id").aggregate(sessions=sessions.k.sum()))
    for part in parts:
        out = out.left_join(part, "account_id").drop("account_id_right")
    return out


COUNTED = {
    "addresses": "ip",
    "subnets": "subnet",
    "networks": "asn",
    "clients": "client",
    "models": "model",
    "system_prompts": "system",
}
"""Column of ``account_counts_expr`` -> kind of value that it counts."""


def share(part: Value, whole: Value) -> Value:
    """One number over another; null where there is nothing."""
    return part / whole.nullif(0).cast("float64")


def own_values_expr(requests: Table, kind: str) -> Table:
    """account_id, value, ts of the requests that have a value of one of ``OWN``; empty text is none."""
    r = requests.select("account_id", "ts", value=requests[OWN[kind]])
    return r.filter(r.value.notnull() & (r.value != ""))


def spread_expr(own: Table) -> Table:
    """account_id, uses, k: how many of its values an account has in so many of its requests."""
    return spread_of_pairs_expr(pairs_expr(own))


def pairs_expr(own: Table) -> Table:
    """account_id, value, uses, first_seen, last_seen."""
    return own.group_by("account_id", "value").aggregate(**_seen(own))


def spread_of_pairs_expr(pairs: Table) -> Table:
    """account_id, uses, k from ``pairs_expr``."""
    return pairs.group_by("account_id", "uses").aggregate(k=pairs.count())


def shared_values_expr(own: Table) -> Table:
    """account_id, value, uses, first_seen, last_seen of the values that two or more accounts have."""
    ends = own.group_by("value").aggregate(least=own.account_id.min(), most=own.account_id.max())
    return pairs_expr(own.semi_join(ends.filter(ends.least != ends.most), "value"))


def met_pairs_expr(own: Table, later: Table) -> Table:
    """``pairs_expr`` of the earlier pile, of the values that the later one has, too (``later``: its ``pairs_expr``)."""
    return pairs_expr(own.semi_join(later.select("value").distinct(), "value"))


def spread_added_expr(spread: Table, before: Table, after: Table) -> Table:
    """``spread_expr`` of both piles from that of the earlier one and the ``pairs_expr`` of what the later one touched:
    as it was ``before``, and ``after``.
    """
    gone, come = spread_of_pairs_expr(before), spread_of_pairs_expr(after)
    parts = ibis.union(spread.select("account_id", "uses", "k"), come.select("account_id", "uses", "k"))
    parts = ibis.union(parts, gone.select("account_id", "uses", k=-gone.k))
    whole = parts.group_by("account_id", "uses").aggregate(k=parts.k.sum().cast("int64"))
    return whole.filter(whole.k != 0)


def shared_added_expr(shared: Table, after: Table) -> Table:
    """``shared_values_expr`` of both piles from that of the earlier one and the pairs that the later one touched."""
    ends = after.group_by("value").aggregate(least=after.account_id.min(), most=after.account_id.max())
    kept = shared.anti_join(ends, "value")
    found = after.semi_join(ends.filter(ends.least != ends.most), "value")
    names = ("account_id", "value", *SEEN)
    return ibis.union(kept.select(*names), found.select(*names))


def repeated_expr(requests: Table, accounts: Table) -> Table:
    """account_id, token: phrases that each of the ``accounts`` (account_id, number) has in two or more requests.

    There are twelve times as many phrases as requests, so numbers stand for names while they are counted. A request
    names each of its phrases once (``sources.prompts``).
    """
    book = tokens_expr(requests, accounts)
    book = book.filter(book.n > 1).drop("n")
    return book.inner_join(accounts, "number").select("account_id", "token")


def tokens_expr(requests: Table, numbers: Table) -> Table:
    """number, token, n: requests of each account with each phrase. ``numbers``: account_id, number."""
    r = requests.filter(requests.phrases.notnull() & (requests.phrases.length() > 0))
    own = r.select("account_id", "phrases").inner_join(numbers, "account_id")
    each = own.select("number", token=own.phrases.unnest())
    return each.group_by("number", "token").aggregate(n=each.count())


def account_tokens_expr(requests: Table) -> Table:
    """account_id, token, n: requests of each account with each phrase."""
    r = requests.filter(requests.phrases.notnull() & (requests.phrases.length() > 0))
    each = r.select("account_id", token=r.phrases.unnest())
    return each.group_by("account_id", "token").aggregate(n=each.count())


def unrepeated_expr(tokens: Table, book: Table) -> Table:
    """account_id, token, n of a later pile that the book of the earlier one lacks."""
    return tokens.anti_join(book, ["account_id", "token"])


def repeated_at_last_expr(earlier: Table, unrepeated: Table) -> Table:
    """account_id, token of what the later pile adds to the book: in two of its requests, or in one of it and one of
    the ``earlier``.

    An account and a phrase are looked up as one number, among twelve times as many phrases as there are requests.
    """
    numbers = unrepeated.select("account_id").distinct()
    numbers = numbers.mutate(number=ibis.row_number().over(order_by=numbers.account_id))
    own = unrepeated.inner_join(numbers, "account_id")
    own = own.select("account_id", "token", "n", pair=_pair(own.number, own.token))
    r = earlier.filter(earlier.phrases.notnull() & (earlier.phrases.length() > 0))
    each = r.select("account_id", "phrases").inner_join(numbers, "account_id")
    each = each.select("number", token=each.phrases.unnest())
    met = each.select(pair=_pair(each.number, each.token)).semi_join(own, "pair").distinct()
    both = own.view().left_join(met.mutate(met=1), "pair")
    return both.filter((both.n > 1) | both.met.notnull()).select("account_id", "token")


def _pair(number: Value, token: Value) -> Value:
    """One number for two; a token has 32 bits."""
    return number.cast("int64") * 2**32 + token.cast("int64")
