"""Open owners: accounts that openly belong to one organisation, so that sharing inside it is no secret.

Sharing is not suspicious; sharing that contradicts claimed separateness is. An open owner is inferred from an
organisation, a closed mail domain, or accounts that hide nothing from each other: same dominant address, another
identifier in common, same plan and pathway. This step carried more than any other in our prototypes; a university, a
gateway pool, a continuous-integration fleet or an evaluation vendor falls out here. What it cannot see: a fake
organisation that holds a whole campaign looks like one customer.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from stillwatch.graph.world import Ints, components

_ORGANISATION_PLANS = frozenset(
    {"team", "enterprise", "edu", "education", "research", "business", "university", "academic"}
)
PROMOTION_WORDS = ("promo", "coupon", "voucher", "referral", "invite", "credit_code")


def is_promotion(kind: str) -> bool:
    """Whether an identifier kind is a declared promotion: it explains a burst of sign-ups and nothing else."""
    return any(word in kind for word in PROMOTION_WORDS)


def organisation_plans(accounts: pd.DataFrame) -> frozenset[str]:
    """Plans that organisations buy: most of their accounts name one; known names where no organisation is given."""
    if accounts["org_id"].notna().any():
        share = accounts["org_id"].notna().groupby(accounts["plan"]).mean()
        return frozenset(str(p) for p in share.index[share >= 0.5])
    return _ORGANISATION_PLANS & frozenset(accounts["plan"].dropna().astype(str).str.lower())


def _agreement(frame: pd.DataFrame, by: str, column: str) -> pd.Series:
    """Per group, the share of its most common value of a column (nulls count as a value)."""
    counted = (
        frame.assign(_v=frame[column].astype("object").where(frame[column].notna(), "")).groupby([by, "_v"]).size()
    )
    return counted.groupby(level=0).max() / counted.groupby(level=0).sum()


def closed_domains(accounts: pd.DataFrame, identifiers: pd.DataFrame) -> set[str]:
    """Mail domains of one organisation: their accounts openly have an organisation, a payer or a postal address in
    common, or nearly all are on plans that organisations buy. Public and throw-away providers have neither.
    """
    known = accounts[accounts["email_domain"].notna()]
    if known.empty:
        return set()
    size = known.groupby("email_domain").size()
    few = size <= max(10.0, 0.05 * len(accounts))
    kinds = ["payment", "address", "device", "signup_ip"]
    shared = identifiers[identifiers["kind"].isin(kinds)][["account_id", "value"]]
    orgs = accounts.loc[accounts["org_id"].notna(), ["account_id", "org_id"]].rename(columns={"org_id": "value"})
    common = pd.concat([shared, orgs]).merge(known[["account_id", "email_domain"]], on="account_id")
    held = _largest_body(common).reindex(size.index).fillna(0)
    together = (held >= 3) & (held >= 0.3 * size)
    business = (
        known["plan"].isin(organisation_plans(accounts)).groupby(known["email_domain"]).mean().reindex(size.index)
    )
    plan, channel = _agreement(known, "email_domain", "plan"), _agreement(known, "email_domain", "channel")
    steady = plan.where(plan < channel, channel)
    bought = (size >= 3) & (business >= 0.8) & (steady.reindex(size.index) >= 0.6)
    closed = (together & (size <= max(10.0, 0.3 * len(accounts)))) | (few & bought)
    return set(closed.index[closed])


def _largest_body(common: pd.DataFrame) -> pd.Series:
    """Per mail domain, accounts of the largest body that shared values tie together inside it."""
    if common.empty:
        return pd.Series(dtype="float64")
    who, _ = pd.factorize(common["account_id"].to_numpy(dtype=object))
    value = common["email_domain"].astype("object") + "|" + common["value"].astype("object")
    what, _ = pd.factorize(value.to_numpy(dtype=object))
    n = int(who.max()) + 1
    labels = components(n + int(what.max()) + 1, who.astype(np.int64), what.astype(np.int64) + n)
    body = common.assign(body=labels[who]).drop_duplicates("account_id").groupby(["email_domain", "body"]).size()
    return body.groupby(level=0).max()


def _pairs(keys: pd.Series) -> tuple[Ints, Ints]:
    """Edges from every account to the first account with the same key; null keys give none."""
    keys = keys[keys.notna()]
    rows = keys.index.to_numpy(np.int64)
    codes, names = pd.factorize(keys.to_numpy(dtype=object))
    first = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(first, codes, rows)
    return rows, first[codes]


def dominant_address(network: pd.DataFrame) -> pd.Series:
    """Address that carries at least half of an account's requests, by account_id."""
    if network.empty:
        return pd.Series(dtype="object")
    total = network.groupby("account_id")["uses"].sum()
    top = (
        network.sort_values(["uses", "value"], ascending=[False, True])
        .drop_duplicates("account_id")
        .set_index("account_id")
    )
    main = top["uses"] / total.reindex(top.index)
    return top.loc[main >= 0.5, "value"]


def infer_owners(accounts: pd.DataFrame, identifiers: pd.DataFrame, network: pd.DataFrame) -> Ints:
    """Owner number of each account (rows of ``accounts`` in canonical order); an account alone is its own owner.

    ``identifiers`` and ``network`` are link tables (account_id, kind, value, uses).
    """
    n = len(accounts)
    keys: list[pd.Series] = []
    org = accounts["org_id"]
    if org.notna().any():
        plan = _agreement(accounts[org.notna()], "org_id", "plan")
        domain = _agreement(accounts[org.notna()], "org_id", "email_domain")
        steady = plan.where(plan > domain, domain)
        keys.append(org.where(org.map(steady) >= 0.6).map(lambda v: f"org:{v}", na_action="ignore"))
    closed = closed_domains(accounts, identifiers)
    keys.append(
        accounts["email_domain"]
        .where(accounts["email_domain"].isin(closed))
        .map(lambda v: f"mail:{v}", na_action="ignore")
    )
    keys += list(_open_sharing(accounts, identifiers, network))
    owner = _joined(n, keys)
    for _ in range(2):
        joined = list(_absorbed(accounts, owner, identifiers, network))
        owner = _joined(n, [*keys, *joined])
        keys += joined
    return owner


def _joined(n: int, keys: list[pd.Series]) -> Ints:
    left, right = (np.concatenate(side) for side in zip(*map(_pairs, keys), strict=True))
    return components(n, left, right)


def _absorbed(
    accounts: pd.DataFrame, owner: Ints, identifiers: pd.DataFrame, network: pd.DataFrame
) -> Iterable[pd.Series]:
    """Accounts that openly use what belongs to an open owner: its card, its laboratory's machine, its office's
    address.

    A value belongs to an owner of three or more accounts when at least half of the three or more accounts that have
    it are that owner's. Contractors and students with private mail join their firm and university this way.
    """
    row_of = pd.Series(accounts.index, index=accounts["account_id"])
    main = dominant_address(network)
    used = pd.DataFrame({"account_id": main.index, "value": main.to_numpy(dtype=object)})
    named = _named(identifiers)[["account_id", "value"]]
    pairs = pd.concat([named, used], ignore_index=True)
    pairs = pairs[pairs["account_id"].isin(row_of.index)]
    rows = row_of.loc[pairs["account_id"]].to_numpy(np.int64)
    frame = pd.DataFrame(
        {"row": rows, "value": pairs["value"].to_numpy(dtype=object), "owner": owner[rows]}
    ).drop_duplicates()
    size = np.bincount(owner)
    held = frame.groupby("value").size()
    mine = frame[size[frame["owner"]] >= 3].groupby(["value", "owner"]).size().reset_index(name="k")
    mine = (
        mine.sort_values(["value", "k", "owner"], ascending=[True, False, True])
        .drop_duplicates("value")
        .set_index("value")
    )
    total = held.reindex(mine.index)
    belongs = mine[(total >= 3) & (mine["k"] >= 0.5 * total)]
    keys = frame["value"].map(belongs["owner"])
    found = pd.Series(["owner:" + str(int(k)) if k == k else None for k in keys], dtype="object")
    anchor = pd.Series([f"owner:{o}" if size[o] >= 3 else None for o in owner], index=accounts.index, dtype="object")
    for part in _spread(found, frame["row"].to_numpy()):
        yield pd.concat([anchor, part])


def _open_sharing(accounts: pd.DataFrame, identifiers: pd.DataFrame, network: pd.DataFrame) -> Iterable[pd.Series]:
    """Keys of accounts that hide nothing from each other."""
    plan = (
        accounts["plan"].astype("object").where(accounts["plan"].notna(), "")
        + "|"
        + accounts["channel"].astype("object").where(accounts["channel"].notna(), "")
    )
    row_of = pd.Series(accounts.index, index=accounts["account_id"])
    address = dominant_address(network).reindex(accounts["account_id"]).reset_index(drop=True)
    named = _named(identifiers)
    named = named[named["account_id"].isin(row_of.index)]
    rows = row_of.loc[named["account_id"]].to_numpy()
    value = named["value"].astype("object").reset_index(drop=True)
    key = (
        address.astype("object").iloc[rows].reset_index(drop=True)
        + "|"
        + value
        + "|"
        + plan.iloc[rows].reset_index(drop=True)
    )
    yield from _spread(key, rows)
    # One payer of an organisation's plan is one customer, whether it names its organisation or not.
    business = accounts["plan"].isin(organisation_plans(accounts))
    paid = (named["kind"].isin(["payment", "card"]).to_numpy()) & business.iloc[rows].to_numpy()
    payer = value + "|" + plan.iloc[rows].reset_index(drop=True)
    yield from _spread(payer.where(paid), rows)


def _named(identifiers: pd.DataFrame) -> pd.DataFrame:
    """Identifiers without declared promotions."""
    return identifiers[~identifiers["kind"].map(is_promotion).astype(bool)]


def _spread(keys: pd.Series, rows: Ints) -> Iterable[pd.Series]:
    """Keys by account row; an account with several keys gives one series for its first, second, … key."""
    frame = pd.DataFrame({"row": rows, "key": keys.to_numpy(dtype=object)}).dropna().drop_duplicates()
    frame = frame.sort_values(["row", "key"])
    turn = frame.groupby("row").cumcount()
    for _, part in frame.groupby(turn):
        yield pd.Series(part["key"].to_numpy(dtype=object), index=part["row"].to_numpy())
