"""Tables of the warehouse: the contract after tokenising, with prompts turned into fingerprints."""

from __future__ import annotations

from stillwatch.domain import Column, TableSpec
from stillwatch.sources import contract

_IMPORT = Column("import_id", "string", "which import brought the row")

ACCOUNTS = TableSpec("accounts", "one account", (*contract.ACCOUNTS.columns, _IMPORT), key=("account_id",))

REQUESTS = TableSpec(
    "requests",
    "one request",
    (
        *(c for c in contract.REQUESTS.columns if c.name not in ("prompt", "prompt_hash")),
        Column("subnet", "string", "token of the /24 (IPv4) or /48 (IPv6) of ip; null when ip came as a token"),
        Column("template", "string", "fingerprint of the masked prompt, or prompt_hash where no text came"),
        Column(
            "phrases", "list<int32>", "keyed hashes of sampled word 4-grams of the masked prompt (head, body, tail)"
        ),
        Column("prompt_chars", "int32", "length of the prompt in characters"),
        Column("capabilities", "int32", "bit set of domain.Capability: what the wording asks for"),
        Column("prompt", "string", "text, only where the operator asked to keep it; else null"),
        Column("day", "date", "day of ts; the table is partitioned by it"),
        _IMPORT,
    ),
    key=("request_id",),
)

IDENTIFIERS = TableSpec(
    "identifiers",
    "one thing that an account was seen with; value is a keyed token",
    (*contract.IDENTIFIERS.columns, _IMPORT),
    key=("account_id", "kind", "value"),
)

MODELS = TableSpec("models", "one model", (*contract.MODELS.columns, _IMPORT), key=("model",))

REJECTS = TableSpec(
    "rejects",
    "one source row that was set aside",
    (
        Column("import_id", "string", "which import"),
        Column("table", "string", "contract table"),
        Column("file", "string", "file name, without folders"),
        Column("row", "int64", "row in that file, the first data row is 1; null when the source has no rows"),
        Column("column", "string", "column that was wrong, or null for the whole row"),
        Column("value", "string", "the offending value, cut to 200 characters"),
        Column("reason", "string", "what was wrong and what was wanted"),
    ),
)

IMPORTS = TableSpec(
    "imports",
    "one finished import",
    (
        Column("import_id", "string", "time-ordered id"),
        Column("imported_at", "timestamp", "when it was published"),
        Column("source", "string", "file or folder name as given, without parents"),
        Column("format", "string", "reader that took it"),
        Column("fingerprint", "string", "SHA-256 over the names, sizes and contents of its files"),
        Column("report", "string", "domain.ImportReport as JSON"),
    ),
    key=("import_id",),
)

WAREHOUSE: dict[str, TableSpec] = {t.name: t for t in (ACCOUNTS, REQUESTS, IDENTIFIERS, MODELS, REJECTS, IMPORTS)}
PARTITION: dict[str, str] = {"requests": "day"}
