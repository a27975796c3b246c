"""Joins that readers of gateway logs have in common: whose a key is, whose an address is. Nothing is run here."""

from __future__ import annotations

import ibis
import pyarrow as pa

from stillwatch.domain import UNATTRIBUTED
from stillwatch.sources.source import ROW_COLUMNS


def batch_schema(names: tuple[str, ...], table: pa.Schema) -> pa.Schema:
    """Schema of the batches a reader hands on: contract columns and the columns that say where a row came from."""
    return pa.schema([table.field(name) for name in names] + [pa.field(n, t) for n, t in ROW_COLUMNS.items()])


def places(*names: str) -> dict[str, ibis.Value]:
    """Null columns that say where a row came from, for rows that came from several places or from a good row."""
    return {name: ibis.null("int64" if name == "_row" else "string") for name in names}


def agreed(column: ibis.Column) -> ibis.Value:
    """The one value that all filled rows of a group have, or null."""
    return ibis.ifelse(column.min() == column.max(), column.min(), ibis.null(column.type()))


def settled(joined: ibis.Table) -> ibis.Table:
    """A joined table as one that can be joined again.

    Ibis 12 folds joins upon joins into one chain; a predicate on a column that was computed in between is then lost
    and the join becomes a cross product, without a word. A view keeps the two apart.
    """
    return joined.view()


def attributed_expr(requests: ibis.Table, *owned: ibis.Table) -> ibis.Table:
    """Requests with ``account_id`` in place of ``user`` and ``key_hash``.

    The user; else the one user whom the key belongs to (a refusal at the door names the key alone); else the key;
    else nobody.

    Args:
        requests: has ``user`` and ``key_hash``.
        owned: tables with ``key_hash`` and ``user`` that tell whose keys are.
    """
    pairs = ibis.union(*(t.select("key_hash", "user").drop_null() for t in (*owned, requests)), distinct=True)
    owners = pairs.filter(pairs.key_hash != pairs.user).group_by(owned="key_hash").agg(owner=lambda t: agreed(t.user))
    known = requests.left_join(owners, [("key_hash", "owned")])
    account = ibis.coalesce(known.user, known.owner, known.key_hash, UNATTRIBUTED)
    return settled(known.mutate(account_id=account).drop("owned", "owner", "user", "key_hash"))


def emails_expr(*seen: ibis.Table) -> ibis.Table:
    """Identifiers of kind email, one row for each account and address.

    Args:
        seen: tables with ``account_id``, ``email``, ``first_seen``, ``last_seen``.
    """
    rows = [t.filter(t.email.notnull() & (t.account_id != UNATTRIBUTED)) for t in seen]
    every = ibis.union(*rows) if len(rows) > 1 else rows[0]
    found = every.group_by("account_id", "email").agg(
        first_seen=lambda t: t.first_seen.min(), last_seen=lambda t: t.last_seen.max()
    )
    return found.select(
        "account_id",
        kind=ibis.literal("email"),
        value=found.email,
        first_seen=found.first_seen,
        last_seen=found.last_seen,
        **places("_file", "_row", "_bad", "_bad_column"),
    )
