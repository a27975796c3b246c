"""What an import cannot tell: signals that have no data, in words ("silence is not evidence of absence")."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from stillwatch.warehouse.staging import Staged

_BLIND: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "requests": (
        (("ip",), "shared addresses: requests carry no client address"),
        (("subnet",), "shared subnets: addresses came as tokens or not at all"),
        (("asn",), "networks: requests carry no network (asn)"),
        (("client",), "client software: requests carry no client or user agent"),
        (("session_id",), "sessions: requests carry no session"),
        (("input_tokens", "output_tokens"), "volume in tokens: requests carry no token counts"),
        (("tool_count",), "tool use: requests do not say how many tools were offered"),
        (("status",), "refused and failed requests: requests carry no status"),
        (("system_hash",), "shared system prompts: requests carry no system hash"),
        (("template",), "prompt templates: no prompt text and no prompt hash came"),
        (("prompt_chars",), "repeated phrases and capabilities: no prompt text came"),
    ),
    "accounts": (
        (("org_id",), "organisations: accounts carry no org_id, so open owners are harder to tell"),
        (("plan",), "throughput against plan: accounts carry no plan"),
        (("channel",), "pathways: accounts carry no channel"),
        (("email_domain",), "e-mail domains: accounts carry none"),
        (("verification",), "verification: accounts carry none"),
        (("status",), "past enforcement: accounts carry no status"),
        (("status_at",), "hand-over after a ban: status changes are not dated"),
    ),
}
_IDENTIFIERS = {
    "payment": ("payment", "card"),
    "device": ("device",),
    "contact": ("email", "phone", "address"),
    "sign-up address": ("signup_ip",),
}


def blind_signals(
    con: duckdb.DuckDBPyConnection, staged: Iterable[Staged], accounts_known: bool, declared: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Signals that the tables of one import cannot feed, each with the reason.

    What the reader ``declared`` stands first ("requests.asn: ..."); columns named there are not listed again.
    """
    tables = {t.name: t for t in staged if t.rows > t.set_aside}
    said = _mentioned(declared)
    found: list[str] = []
    for name, signals in _BLIND.items():
        if name in tables:
            for columns, words in signals:
                if not tables[name].filled.intersection(columns) and not said & {f"{name}.{c}" for c in columns}:
                    found.append(words)
    if "requests" not in tables:
        found.append("everything in traffic: the source has no requests")
    if "accounts" not in tables and not accounts_known and "accounts" not in said:
        found.append("sign-up and enforcement: the source has no accounts")
    if "identifiers" not in tables:
        if "identifiers" not in said:
            found.append("shared payment, device and contact details: the source has no identifiers")
    elif "identifiers" not in said:
        rows = con.execute(f"SELECT DISTINCT lower(kind) FROM {tables['identifiers'].relation} WHERE _code IS NULL")
        kinds = {row[0] for row in rows.fetchall()}
        for what, own in _IDENTIFIERS.items():
            if not kinds.intersection(own):
                found.append(f"shared {what}: no identifier of kind {' or '.join(own)}")
    if "models" not in tables and "models" not in said:
        found.append("release pivot: the source has no models with release times")
    return (*declared, *found)


def _mentioned(declared: tuple[str, ...]) -> frozenset[str]:
    """Tables and columns (``table.column``) that a reader's own words name before their colon."""
    said: set[str] = set()
    for words in declared:
        subject = words.partition(":")[0]
        table, _, columns = subject.partition(".")
        table = table.split()[0] if table.strip() else ""
        said.update(f"{table}.{c.strip()}" for c in columns.split(",") if c.strip())
        if not columns:
            said.add(table)
    return frozenset(said)
