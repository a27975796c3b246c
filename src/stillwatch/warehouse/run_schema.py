"""Tables of a published run: everything that the pages show, aggregated once at detect time.

A run is one folder ``runs/<run_id>/`` with one Parquet file per table and ``manifest.json``; it never changes
after it was published. Ids: ``R-YYYYMMDD-HHMMSS-xxxx`` a run, ``C-xxxxxx`` a cluster.
"""

from __future__ import annotations

from stillwatch.domain import Column, TableSpec

ACCOUNTS = TableSpec(
    "accounts",
    "one account that exists as of the run",
    (
        Column("account_id", "string", "account"),
        Column("cluster_id", "string", "its cluster, null if none"),
        Column(
            "role",
            "string",
            "core (links of its own in two views), fringe (linked in one view only), null without cluster",
        ),
        Column("score", "double", "probability that the account belongs to a campaign, 0-1"),
        Column("base_score", "double", "the same before any trained model spoke"),
        Column("reasons", "list<string>", "why, in words, strongest first"),
        Column("against", "list<string>", "what speaks against, in words"),
        Column("requests", "int64", "requests up to the run's as_of"),
        Column("input_tokens", "int64", "tokens in"),
        Column("output_tokens", "int64", "tokens out"),
        Column("first_seen", "timestamp", "first request"),
        Column("last_seen", "timestamp", "last request"),
        Column("active_days", "int64", "days with at least one request"),
        Column("created_at", "timestamp", "sign-up time, null when unknown"),
        Column("plan", "string", "plan"),
        Column("channel", "string", "pathway"),
        Column("org_id", "string", "organisation"),
        Column("status", "string", "active, suspended, banned"),
        Column("status_at", "timestamp", "when status last changed"),
        Column("owner", "string", "inferred open owner (organisation, closed mail domain, …); null = stands alone"),
        Column("known", "bool", "false when requests name an account that the accounts table lacks"),
    ),
    key=("account_id",),
)

CLUSTERS = TableSpec(
    "clusters",
    "one cluster, in queue order",
    (
        Column("cluster_id", "string", "stable id, kept over runs while most members stay"),
        Column("rank", "int64", "place in the queue, 1 = first"),
        Column("tier", "string", "alarm (tested evidence in two views) or review (ranked, just below the bar)"),
        Column("size", "int64", "accounts"),
        Column("core_size", "int64", "accounts in the core"),
        Column("score", "double", "probability that this is a campaign of one operator, 0-1"),
        Column("base_score", "double", "the same before any trained model spoke"),
        Column("requests", "int64", "requests of its members"),
        Column("input_tokens", "int64", "tokens in"),
        Column("output_tokens", "int64", "tokens out"),
        Column("first_seen", "timestamp", "first request of a member"),
        Column("last_seen", "timestamp", "last request of a member"),
        Column("kinds", "list<string>", "kinds of evidence that hold it together, strongest first"),
        Column("reasons", "list<string>", "why these accounts belong together, in words, strongest first"),
        Column("against", "list<string>", "what speaks against, in words"),
        Column("title", "string", "a few words, e.g. 'shared cards and one reworded template'"),
        Column("lookalike", "string", "name of the innocent explanation that fits best, null if none fits"),
        Column("stability", "double", "mean Jaccard of the cluster over seeds, 0-1"),
        Column("daily", "list<int32>", "requests a day over the last 30 days of the run, for the sparkline"),
        Column("previous_size", "int64", "size in the run before, null if new"),
        Column("lineage", "string", "new, same, grown, shrunk, returned, split, merged"),
        Column("blind", "list<string>", "signals that could not be computed for it, with the reason"),
    ),
    key=("cluster_id",),
)

REASONS = TableSpec(
    "reasons",
    "one reason of one cluster: the ledger",
    (
        Column("cluster_id", "string", "cluster"),
        Column("kind", "string", "domain.EvidenceKind"),
        Column("text", "string", "the reason in words"),
        Column("innocent", "string", "which innocent cause looks the same"),
        Column("bits", "double", "weight: surprise in bits against the degree-preserving null"),
        Column("values", "int64", "shared values behind it"),
        Column("accounts", "int64", "members that it touches"),
        Column("outside", "int64", "accounts outside the cluster that share the same values"),
        Column("p_value", "double", "p-value against the null, after multiple testing; null when not tested"),
    ),
)

LINKS = TableSpec(
    "links",
    "one account-value link that survived: the proof behind every edge",
    (
        Column("cluster_id", "string", "cluster of the account"),
        Column("account_id", "string", "account"),
        Column("kind", "string", "domain.EvidenceKind"),
        Column("value", "string", "token of the value"),
        Column("bits", "double", "rarity in bits"),
        Column("sharers", "int64", "accounts that have the value, everywhere"),
        Column("uses", "int64", "requests or records behind the link"),
        Column("first_seen", "timestamp", "first use, null when unknown"),
        Column("last_seen", "timestamp", "last use, null when unknown"),
    ),
)

NODES = TableSpec(
    "nodes",
    "one node of a cluster's drawing; x, y are stored so that nothing jumps",
    (
        Column("cluster_id", "string", "cluster"),
        Column("node_id", "string", "account id, or kind:value"),
        Column("kind", "string", "account, or domain.EvidenceKind"),
        Column("label", "string", "short text to show"),
        Column("x", "double", "position, the drawing is about 1600 by 900 units"),
        Column("y", "double", "position"),
        Column("degree", "int64", "links in the cluster"),
        Column("group", "int64", "sub-cluster, 0 = largest"),
    ),
)

TIMELINE = TableSpec(
    "timeline",
    "requests of a cluster in one bin of time and one lane",
    (
        Column("cluster_id", "string", "cluster"),
        Column("lane_kind", "string", "group, model, capability or template"),
        Column("lane", "string", "which one"),
        Column("bin", "timestamp", "start of the bin"),
        Column("hours", "int64", "width of the bin in hours"),
        Column("requests", "int64", "requests in it"),
        Column("tokens", "int64", "tokens in and out"),
        Column("accounts", "int64", "members active in it"),
    ),
)

MARKERS = TableSpec(
    "markers",
    "one moment to show on timelines",
    (
        Column("cluster_id", "string", "cluster, null = everywhere"),
        Column("at", "timestamp", "when"),
        Column("kind", "string", "release or enforcement"),
        Column("text", "string", "what happened"),
        Column("accounts", "int64", "accounts concerned, null for a release"),
    ),
)

TEMPLATES = TableSpec(
    "templates",
    "one template family inside one cluster",
    (
        Column("cluster_id", "string", "cluster"),
        Column("template", "string", "family id"),
        Column("accounts", "int64", "members that used it"),
        Column("outside", "int64", "accounts outside the cluster that used it"),
        Column("requests", "int64", "requests of members"),
        Column("share", "double", "share of the cluster's requests"),
        Column("capabilities", "list<string>", "what it asks for"),
        Column("first_seen", "timestamp", "first use by a member"),
        Column("last_seen", "timestamp", "last use by a member"),
    ),
)

CAPABILITIES = TableSpec(
    "capabilities",
    "what one cluster asked for",
    (
        Column("cluster_id", "string", "cluster"),
        Column("capability", "string", "domain.Capability, or 'none seen'"),
        Column("requests", "int64", "requests"),
        Column("tokens", "int64", "tokens in and out"),
        Column("share", "double", "share of the cluster's requests"),
        Column("benign_share", "double", "share of the requests of accounts in no cluster"),
    ),
)

HYPOTHESES = TableSpec(
    "hypotheses",
    "how well one explanation fits one cluster",
    (
        Column("cluster_id", "string", "cluster"),
        Column("hypothesis", "string", "name of a domain.Hypothesis member: H1 … H9"),
        Column("fit", "double", "0 = contradicted, 1 = nothing speaks against and something speaks for it"),
        Column("speaks_for", "list<string>", "in words"),
        Column("speaks_against", "list<string>", "in words"),
    ),
)

SIGNALS = TableSpec(
    "signals",
    "measures of one account; null = could not be computed (columns are listed in docs/signals.md)",
    (Column("account_id", "string", "account"),),
    key=("account_id",),
)

SIGHTINGS = TableSpec(
    "sightings",
    "one value that one account was seen with, by kind and value: what a hunt looks up",
    (
        Column(
            "kind",
            "string",
            "kind of identifier, or model, client, asn, subnet, ip, system, outcome, session, template, day",
        ),
        Column("value", "string", "token, name or ISO date; sessions and templates only where two accounts share them"),
        Column("account_id", "string", "account"),
        Column("sharers", "int64", "accounts that have the value, everywhere"),
        Column("uses", "int64", "requests or records with it"),
        Column("first_seen", "timestamp", "first use, null when unknown"),
        Column("last_seen", "timestamp", "last use, null when unknown"),
    ),
    key=("kind", "value", "account_id"),
)

TAKEN = TableSpec(
    "taken",
    "how much of a cluster's traffic is extraction, cover traffic apart, as an estimate with its interval",
    (
        Column("cluster_id", "string", "cluster"),
        Column("capability", "string", "what was asked for; null = all of it (one request may ask for several)"),
        Column("accounts", "int64", "members whose requests were counted"),
        Column("carried", "int64", "requests written in frames that other members of the cluster use, too"),
        Column("requests", "int64", "estimated requests of the extraction, should the cluster be what it seems"),
        Column("low", "int64", "lower end of the 95 % interval, in doubt whether each member belongs"),
        Column("high", "int64", "upper end, never above all requests"),
        Column("tokens", "int64", "estimated tokens in and out of them"),
    ),
)

LATER_TABLES = frozenset({"sightings", "taken"})
"""Tables that runs of an earlier version lack; such a run is shown without what rests on them."""

RUN_TABLES: dict[str, TableSpec] = {
    t.name: t
    for t in (
        ACCOUNTS, CLUSTERS, REASONS, LINKS, NODES, TIMELINE, MARKERS, TEMPLATES, CAPABILITIES, HYPOTHESES, SIGNALS,
        SIGHTINGS, TAKEN,
    )
}  # fmt: skip
