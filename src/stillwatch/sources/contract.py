"""The telemetry contract: the tables and columns that a provider hands in.

Every reader translates its source into these tables; nothing after the sources stage knows another shape.
All times are UTC. ``truth`` is listed so that tools can write it; import, detection and training never read it.
"""

from __future__ import annotations

from stillwatch.domain import Column, TableSpec

ACCOUNTS = TableSpec(
    "accounts",
    "one account",
    (
        Column("account_id", "string", "unique key", required=True),
        Column("created_at", "timestamp", "sign-up time", required=True),
        Column("org_id", "string", "organisation the account belongs to, if any"),
        Column("plan", "string", "free, pro, team, enterprise, edu, research, startup, …"),
        Column("channel", "string", "pathway: first_party, cloud_a, reseller_x, …"),
        Column("email_domain", "string", "domain part only"),
        Column("country", "string", "ISO code; shown as context, never an input to a score"),
        Column("verification", "string", "none, email, phone, id"),
        Column("status", "string", "active, suspended, banned"),
        Column("status_at", "timestamp", "when status last changed"),
    ),
    key=("account_id",),
)

REQUESTS = TableSpec(
    "requests",
    "one request",
    (
        Column("request_id", "string", "unique key", required=True),
        Column("account_id", "string", "who asked; an unknown account is kept and reported", required=True),
        Column("ts", "timestamp", "request start", required=True),
        Column("model", "string", "model served", required=True),
        Column("ip", "string", "client address or its token"),
        Column("asn", "string", "network"),
        Column("client", "string", "SDK, harness or user-agent family"),
        Column("session_id", "string", "conversation"),
        Column("input_tokens", "int64", "tokens in"),
        Column("output_tokens", "int64", "tokens out"),
        Column("tool_count", "int64", "tools offered"),
        Column("status", "string", "ok, refused, error, rate_limited"),
        Column("system_hash", "string", "hash of the system prompt"),
        Column("prompt_hash", "string", "hash of the prompt's template, when the provider keeps no text"),
        Column("prompt", "string", "text; becomes fingerprint, phrase sketch and flags at import, then is dropped"),
    ),
    key=("request_id",),
)

IDENTIFIERS = TableSpec(
    "identifiers",
    "one thing that an account was seen with",
    (
        Column("account_id", "string", "whose", required=True),
        Column("kind", "string", "payment, device, phone, email, signup_ip, address, …", required=True),
        Column("value", "string", "token; equal tokens are the same thing", required=True),
        Column("first_seen", "timestamp", "first time seen"),
        Column("last_seen", "timestamp", "last time seen"),
    ),
)

MODELS = TableSpec(
    "models",
    "one model",
    (
        Column("model", "string", "name", required=True),
        Column("released_at", "timestamp", "when it was released", required=True),
    ),
    key=("model",),
)

TRUTH = TableSpec(
    "truth",
    "what an account really is (simulated or adjudicated data only)",
    (
        Column("account_id", "string", "unique key", required=True),
        Column("campaign", "string", "null = not part of any campaign"),
        Column("archetype", "string", "what kind of campaign or benign look-alike"),
        Column("taken_requests", "int64", "requests that were a campaign's own work, not its cover; null = not known"),
        Column("taken_tokens", "int64", "tokens in and out of these requests"),
    ),
    key=("account_id",),
)

CONTRACT: dict[str, TableSpec] = {t.name: t for t in (ACCOUNTS, REQUESTS, IDENTIFIERS, MODELS)}
"""Tables that import reads. ``truth`` is left out on purpose: only ``evaluate`` opens it."""

PRIVATE = frozenset({("requests", "ip"), ("requests", "prompt"), ("identifiers", "value")})
"""Values (table, column) that are never shown or stored as they came, not even when they are wrong."""
