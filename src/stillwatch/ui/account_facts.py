"""What the account page shows, as data: profile, requests, what it shares and with whom. No drawing here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from stillwatch.domain import Capability, evidence_kind
from stillwatch.errors import UnknownTarget
from stillwatch.ui import session
from stillwatch.ui.words import missing, short
from stillwatch.warehouse.runs import Run

MAX_REQUESTS = 200_000
"""Newest requests of one account that are read; an account with more says so."""
REQUEST_COLUMNS = (
    "request_id", "ts", "model", "status", "client", "ip", "asn", "session_id", "input_tokens", "output_tokens",
    "tool_count", "template", "capabilities", "prompt_chars",
)  # fmt: skip


def requests_of_account_expr(account_id: str) -> Any:
    """Requests of one account, newest first."""
    requests = session.warehouse().table("requests")
    return requests.filter(requests.account_id == account_id).order_by(requests.ts.desc())


def sharers_expr(account_id: str) -> Any:
    """Identifiers of one account: kind, value, first_seen, last_seen, sharers (accounts that have it, everywhere)."""
    identifiers = session.warehouse().table("identifiers")
    own = identifiers.filter(identifiers.account_id == account_id).select("kind", "value", "first_seen", "last_seen")
    found = identifiers.semi_join(own, ["kind", "value"])
    tally = found.group_by("kind", "value").agg(sharers=found.account_id.nunique())
    return own.join(tally, ["kind", "value"]).select("kind", "value", "first_seen", "last_seen", "sharers")


def accounts_with_expr(kind: str, value: str) -> Any:
    """Accounts that have one identifier: account_id, first_seen, last_seen."""
    identifiers = session.warehouse().table("identifiers")
    return identifiers.filter((identifiers.kind == kind) & (identifiers.value == value)).select(
        "account_id", "first_seen", "last_seen"
    )


def prompts_expr(account_id: str, limit: int) -> Any:
    """Kept prompt text of one account, newest first; for revealing only."""
    requests = requests_of_account_expr(account_id)
    return requests.filter(requests.prompt.notnull()).select("ts", "request_id", "model", "prompt").limit(limit)


@dataclass(frozen=True)
class Account:
    """One account: its row in the run (None when the run does not know it) and what the warehouse says."""

    account_id: str
    run: Run
    row: dict[str, Any] | None
    requests: pd.DataFrame
    """Newest first, at most ``MAX_REQUESTS``; empty where none were imported."""
    identifiers: pd.DataFrame
    """kind, value, first_seen, last_seen, sharers."""

    @property
    def cluster_id(self) -> str | None:
        value = self.row["cluster_id"] if self.row else None
        return None if missing(value) else str(value)

    @cached_property
    def shared(self) -> pd.DataFrame:
        """What it shares, rarest first: kind, evidence, value, label, sharers, uses, bits, first, last, source.

        Links that survived in the run (``source`` run) carry rarity; identifiers without a link (``imported``) do not.
        """
        rows: list[dict[str, Any]] = []
        if self.cluster_id:
            links = session.frame("links", self.cluster_id, run=self.run)
            for r in links[links["account_id"] == self.account_id].to_dict("records"):
                rows.append(
                    {
                        "kind": r["kind"], "evidence": r["kind"], "value": r["value"], "sharers": r["sharers"],
                        "uses": r["uses"], "bits": r["bits"], "first": r["first_seen"], "last": r["last_seen"],
                        "source": "run",
                    }
                )  # fmt: skip
        known = {str(r["value"]) for r in rows}
        for r in self.identifiers.to_dict("records"):
            if not known & {
                str(r["value"]),
                f"{r['kind']}:{r['value']}",
            }:  # a link's value names its kind of identifier
                rows.append(
                    {
                        "kind": r["kind"], "evidence": str(evidence_kind(str(r["kind"]))), "value": r["value"],
                        "sharers": r["sharers"], "uses": None, "bits": None, "first": r["first_seen"],
                        "last": r["last_seen"], "source": "imported",
                    }
                )  # fmt: skip
        columns = ["kind", "evidence", "value", "sharers", "uses", "bits", "first", "last", "source"]
        table = pd.DataFrame(rows, columns=columns)
        table = table.astype({"bits": "float64", "uses": "float64"})
        table["first"], table["last"] = pd.to_datetime(table["first"]), pd.to_datetime(table["last"])
        return table.sort_values(
            ["bits", "sharers"], ascending=[False, False], kind="stable", na_position="last"
        ).reset_index(drop=True)

    @cached_property
    def capability_names(self) -> list[list[str]]:
        """What each request asked for, in the order of ``requests``."""
        names = {int(v): capabilities(int(v)) for v in self.requests["capabilities"].fillna(0).unique()}
        return [names[int(v)] for v in self.requests["capabilities"].fillna(0)]

    def daily(self, by: str) -> pd.DataFrame:
        """Requests a day: day, part (model, or what was asked for), requests. A request may ask for several things."""
        if self.requests.empty:
            return pd.DataFrame({"day": [], "part": [], "requests": []})
        days = self.requests["ts"].dt.floor("D")
        if by == "model":
            parts = pd.DataFrame({"day": days, "part": self.requests["model"].astype(str)})
        elif by == "status":
            parts = pd.DataFrame({"day": days, "part": self.requests["status"].fillna("not said").astype(str)})
        else:
            parts = pd.DataFrame({"day": days, "part": [n or ["none seen"] for n in self.capability_names]}).explode(
                "part"
            )
        top = parts["part"].value_counts().index[:7]
        parts["part"] = parts["part"].where(parts["part"].isin(top), "other")
        return parts.groupby(["day", "part"]).size().rename("requests").reset_index()

    @cached_property
    def templates(self) -> pd.DataFrame:
        """Its prompt templates: template, requests, share, asks for, first, last; busiest first."""
        known = self.requests[self.requests["template"].notna()]
        if known.empty:
            return pd.DataFrame({c: [] for c in ("template", "requests", "share", "asks", "first", "last")})
        out = known.groupby("template").agg(
            requests=("ts", "size"), asks=("capabilities", "max"), first=("ts", "min"), last=("ts", "max")
        )
        out = out.sort_values("requests", ascending=False, kind="stable").reset_index()
        asks = pd.Series([capabilities(int(v)) for v in out["asks"].fillna(0)], index=out.index, dtype=object)
        return out.assign(share=out["requests"] / len(self.requests), asks=asks)

    @cached_property
    def prompts_kept(self) -> int:
        """How many of its requests have their text kept."""
        if "requests" not in session.warehouse().versions:
            return 0
        requests = session.warehouse().table("requests")
        kept = requests.filter((requests.account_id == self.account_id) & requests.prompt.notnull())
        return int(kept.count().execute())

    @cached_property
    def compared(self) -> pd.DataFrame:
        """Its signals beside everybody's, odd ones first: signal, value, median, rank (share of accounts below it)."""
        signals = session.frame("signals", run=self.run)
        mine = signals[signals["account_id"] == self.account_id]
        rows = []
        for name in signals.columns if len(mine) else ():
            if name == "account_id" or not pd.api.types.is_numeric_dtype(signals[name]):
                continue
            column = signals[name].dropna().to_numpy(float)
            value = float(mine[name].to_numpy(float)[0])
            if missing(value) or not column.size or column.min() == column.max():
                continue
            rank = float((column < value).mean() + (column == value).mean() / 2)
            rows.append((str(name), value, float(np.median(column)), rank))
        table = pd.DataFrame(rows, columns=["signal", "value", "median", "rank"])
        return table.sort_values("rank", key=lambda s: (s - 0.5).abs(), ascending=False, ignore_index=True)


def capabilities(bits: int) -> list[str]:
    """Names of the capabilities in a bit set."""
    return [c.value.replace("_", " ") for c in Capability if bits & c.bit]


def load(account_id: str) -> Account:
    """One account by its id; ``UnknownTarget`` when neither the run nor the warehouse has it."""
    run = session.current_run()
    versions = session.warehouse().versions
    return _load(str(run.folder), tuple(sorted(versions.items())), run, account_id)


@st.cache_resource(max_entries=48, show_spinner=False)
def _load(folder: str, versions: tuple[tuple[str, int], ...], _run: Run, account_id: str) -> Account:
    del folder  # only a part of the cache's key: names with an underscore are not
    accounts = session.frame("accounts", run=_run)
    found = accounts[accounts["account_id"] == account_id]
    row = None if found.empty else {str(k): v for k, v in found.iloc[0].to_dict().items()}
    have = dict(versions)
    requests = pd.DataFrame({c: [] for c in REQUEST_COLUMNS})
    if "requests" in have:
        requests = requests_of_account_expr(account_id).select(*REQUEST_COLUMNS).limit(MAX_REQUESTS).to_pandas()
    identifiers = pd.DataFrame({c: [] for c in ("kind", "value", "first_seen", "last_seen", "sharers")})
    if "identifiers" in have:
        identifiers = sharers_expr(account_id).to_pandas()
    if row is None and requests.empty and identifiers.empty and not _imported(account_id, have):
        raise UnknownTarget(
            f"there is no account “{short(account_id, 40)}”. Ids are compared letter by letter; search below for "
            "a part of it, or check on the Data page that its export was imported."
        )
    return Account(account_id, _run, row, requests, identifiers)


def _imported(account_id: str, versions: dict[str, int]) -> bool:
    if "accounts" not in versions:
        return False
    accounts = session.warehouse().table("accounts")
    return bool(accounts.filter(accounts.account_id == account_id).count().execute())


def profile(account_id: str) -> dict[str, Any]:
    """Its row in the accounts table as imported; empty when it is not there."""
    if "accounts" not in session.warehouse().versions:
        return {}
    accounts = session.warehouse().table("accounts")
    found = accounts.filter(accounts.account_id == account_id).limit(1).to_pandas()
    return {} if found.empty else {str(k): v for k, v in found.iloc[0].to_dict().items()}


def search(text: str, limit: int = 50) -> pd.DataFrame:
    """Accounts of the run whose id holds a text, highest score first; all of them for an empty text."""
    accounts: pd.DataFrame = session.frame("accounts")
    if text:
        accounts = accounts[accounts["account_id"].str.contains(text, case=False, regex=False)]
    return accounts.sort_values(["score", "requests"], ascending=False, kind="stable").head(limit)


def neighbours(account: Account, row: dict[str, Any]) -> pd.DataFrame:
    """Accounts that share one value: account_id, score, cluster_id, requests, status; highest score first.

    Identifiers are looked up everywhere, other values (templates, subnets, sessions) in the links of the run.
    """
    kind, value = str(row["kind"]), str(row["value"])
    if row["source"] == "run":
        links = account.run.frame("links", filters=[("value", "=", value), ("kind", "=", kind)], columns=["account_id"])
        found = set(links["account_id"])
        kind, _, value = value.partition(":")
    else:
        found = set()
    if value and "identifiers" in session.warehouse().versions:
        found |= set(accounts_with_expr(kind, value).limit(5000).to_pandas()["account_id"])
    table = pd.DataFrame({"account_id": sorted(found - {account.account_id})})
    known = session.frame("accounts", run=account.run)[["account_id", "score", "cluster_id", "requests", "status"]]
    table = table.merge(known, on="account_id", how="left")
    return table.sort_values(["score", "requests"], ascending=False, kind="stable", ignore_index=True)


def reveal(account_id: str, limit: int) -> pd.DataFrame:
    """Kept prompt text: ts, request_id, model, prompt. The caller puts the reveal on record first."""
    found: pd.DataFrame = prompts_expr(account_id, limit).to_pandas()
    return found
