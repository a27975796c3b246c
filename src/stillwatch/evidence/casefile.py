"""What a bundle is made from: one campaign as frozen facts and tables, with no store behind it.

``pipeline`` fills it from the case file and one published run; everything else in this folder is a function of it,
so the same case file gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from stillwatch.domain import Column, TableSpec
from stillwatch.errors import InputError
from stillwatch.warehouse import run_schema

LABELS = TableSpec(
    "labels",
    "one label that was given to the campaign, one of its clusters or one of its accounts; superseded ones included",
    (
        Column("label_id", "string", "label"),
        Column("target_type", "string", "account, cluster or campaign"),
        Column("target_id", "string", "which one"),
        Column("label", "string", "distillation, benign, other_abuse, unsure"),
        Column("reason", "string", "why, in the words of the person"),
        Column("labeler", "string", "who said so"),
        Column("labeled_at", "timestamp", "when"),
        Column("source", "string", "human, rule or import"),
        Column("supersedes", "string", "the earlier label that this one corrects, null if none"),
        Column("expires_at", "timestamp", "when it stops to hold, null if never"),
    ),
)

DECISIONS = TableSpec(
    "decisions",
    "one change that a person made to the campaign, in order of time",
    (
        Column("at", "timestamp", "when"),
        Column("person", "string", "who decided"),
        Column("action", "string", "what was done"),
        Column("target", "string", "to what"),
        Column("detail", "string", "new value or text of a note"),
        Column("reason", "string", "why, in the words of the person"),
    ),
)

CUSTODY = TableSpec(
    "custody",
    "one handling of the evidence, in order of time: collection, computation, access, copy",
    (
        Column("at", "timestamp", "when (UTC)"),
        Column("person", "string", "who, or which program"),
        Column("action", "string", "collected, computed, exported, …"),
        Column("item", "string", "what was handled"),
        Column("method", "string", "by which means"),
        Column("sha256", "string", "fingerprint of the item where it is a file or a set of files, else null"),
    ),
)

TABLES: dict[str, TableSpec] = {
    t.name: t
    for t in (
        run_schema.ACCOUNTS,
        run_schema.CLUSTERS,
        run_schema.REASONS,
        run_schema.LINKS,
        run_schema.TIMELINE,
        run_schema.MARKERS,
        run_schema.TEMPLATES,
        run_schema.CAPABILITIES,
        run_schema.HYPOTHESES,
        LABELS,
        DECISIONS,
        CUSTODY,
    )
}
"""Tables of a bundle, in the order in which the report speaks of them."""


@dataclass(frozen=True)
class Note:
    """One note of a person on the campaign. Times are naive UTC, as everywhere."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True)
class Campaign:
    """The campaign as the case file knows it."""

    campaign_id: str
    name: str
    status: str
    opened_at: datetime
    opened_by: str
    reason: str
    cluster_ids: tuple[str, ...]
    account_ids: tuple[str, ...] = ()
    """Accounts that were added one by one, beside the members of the clusters."""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Source:
    """One import that fed the run."""

    source: str
    format: str
    imported_at: datetime
    fingerprint: str
    rows: Mapping[str, int]
    blind: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """How the figures came about."""

    run_id: str
    manifest: Mapping[str, Any]
    """The run's own manifest: as_of, code version, table versions, parameters, seed, model id, blind signals."""
    sources: tuple[Source, ...] = ()
    audit_head: str | None = None
    """Hash of the newest entry of the provider's audit log: ties the bundle to that log."""

    @property
    def model_id(self) -> str | None:
        return self.manifest.get("model_id")

    @property
    def blind(self) -> tuple[str, ...]:
        return tuple(str(b) for b in self.manifest.get("blind") or ())


@dataclass(frozen=True)
class CaseFile:
    """Everything that one bundle says."""

    bundle_id: str
    created_at: datetime
    by: str
    organisation: str
    code_version: str
    tlp: str
    """TLP 2.0 label in lower case, see ``wording.TLP``."""
    redaction: str
    """``full`` or ``pseudonymous``, see ``redaction``."""
    campaign: Campaign
    provenance: Provenance
    tables: Mapping[str, pa.Table]
    """One Arrow table for every name in ``TABLES``, in the columns of its spec."""
    nodes: pa.Table
    """Stored drawing positions (``run_schema.NODES``); used for the graph page, not handed out as a table."""
    gaps: tuple[str, ...] = ()
    """What could not be put into the bundle, in words (a cluster that the run does not know, …)."""
    left_out: tuple[str, ...] = ()
    """Fields that the redaction level left out or replaced, in words."""
    audience: str = ""
    """For whom pseudonyms were made; empty when account ids are as they are."""

    def frame(self, table: str) -> pd.DataFrame:
        """One table as pandas."""
        frame: pd.DataFrame = self.tables[table].to_pandas()
        return frame


def conform(name: str, table: pa.Table | pd.DataFrame) -> pa.Table:
    """A table in the columns, types and order of its spec; a column that is not there is null.

    Raises InputError when a value does not fit its type.
    """
    spec = TABLES.get(name) or run_schema.RUN_TABLES[name]
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False)
    try:
        columns = [
            table[c.name].cast(c.arrow) if c.name in table.column_names else pa.nulls(table.num_rows, c.arrow)
            for c in spec.columns
        ]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as e:
        raise InputError(f"table {name} of the bundle has a value of a wrong type ({e}).") from e
    return pa.table(columns, schema=spec.schema)
