"""Named reads of the warehouse: each returns an Ibis expression that nobody has run yet.

They take an open ``Warehouse``, so everything that one caller reads belongs to one published state.
"""

from __future__ import annotations

from typing import Any

from stillwatch.warehouse.store import Warehouse


def requests_of_account_expr(warehouse: Warehouse, account_id: str) -> Any:
    """Requests of one account, newest first; columns of the warehouse table."""
    requests = warehouse.table("requests")
    return requests.filter(requests.account_id == account_id).order_by([requests.ts.desc(), requests.request_id])


def daily_requests_expr(warehouse: Warehouse, account_ids: list[str] | None = None) -> Any:
    """Traffic by day: day, requests, accounts, tokens (in and out); of some accounts, or of all."""
    requests = warehouse.table("requests")
    if account_ids is not None:
        requests = requests.filter(requests.account_id.isin(account_ids))
    tokens = requests.input_tokens.fill_null(0) + requests.output_tokens.fill_null(0)
    found = requests.group_by("day").aggregate(
        requests=requests.count(), accounts=requests.account_id.nunique(), tokens=tokens.sum()
    )
    return found.order_by("day")


def identifiers_of_account_expr(warehouse: Warehouse, account_id: str) -> Any:
    """Identifiers of one account: kind, value (token), first_seen, last_seen, sharers (accounts that have it)."""
    identifiers = warehouse.table("identifiers")
    own = identifiers.filter(identifiers.account_id == account_id).select("kind", "value", "first_seen", "last_seen")
    shared = identifiers.semi_join(own, ["kind", "value"])
    tally = shared.group_by(["kind", "value"]).aggregate(sharers=shared.account_id.nunique())
    return own.join(tally, ["kind", "value"]).select("kind", "value", "first_seen", "last_seen", "sharers")


def imports_expr(warehouse: Warehouse) -> Any:
    """Finished imports, newest first."""
    imports = warehouse.table("imports")
    return imports.order_by([imports.imported_at.desc(), imports.import_id])


def rejects_of_import_expr(warehouse: Warehouse, import_id: str) -> Any:
    """Rows that one import set aside, in the order of file and row."""
    rejects = warehouse.table("rejects")
    return rejects.filter(rejects.import_id == import_id).order_by(["table", "file", "row"])


def freshness_expr(warehouse: Warehouse) -> Any:
    """One row: first_ts, last_ts (of requests), requests, accounts (that made one)."""
    requests = warehouse.table("requests")
    return requests.aggregate(
        first_ts=requests.ts.min(),
        last_ts=requests.ts.max(),
        requests=requests.count(),
        accounts=requests.account_id.nunique(),
    )


def unknown_accounts_expr(warehouse: Warehouse) -> Any:
    """Accounts that requests name and the accounts table lacks: account_id, requests."""
    requests = warehouse.table("requests")
    stray = requests.anti_join(warehouse.table("accounts"), "account_id")
    return stray.group_by("account_id").aggregate(requests=stray.count()).order_by("account_id")
