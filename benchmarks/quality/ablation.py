"""The same world with one kind of evidence taken out of the data before import."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

REMOVALS: dict[str, dict[str, tuple[str, ...]]] = {
    "nothing": {},
    "prompt text": {"requests": ("prompt",)},
    "payment": {"kinds": ("payment", "card")},
    "device": {"kinds": ("device",)},
    "contact": {"kinds": ("email", "phone", "address"), "accounts": ("email_domain",)},
    "session": {"requests": ("session_id",)},
    "network": {"requests": ("ip", "asn"), "kinds": ("signup_ip",)},
    "sign-up": {"kinds": ("signup_ip",), "accounts": ("created_at",)},
    "past enforcement": {"accounts": ("status", "status_at")},
}
"""What is taken out -> identifier kinds that are dropped, columns of a table that become empty."""


def without(data: Path, removal: str, out: Path) -> Path:
    """A copy of a contract data set without that evidence; truth is not copied."""
    gone = REMOVALS[removal]
    out.mkdir(parents=True, exist_ok=True)
    for source in sorted(data.glob("*.parquet")):
        if source.stem == "truth":
            continue
        target = out / source.name
        target.unlink(missing_ok=True)
        columns = gone.get(source.stem, ())
        if columns:
            pq.write_table(emptied(pq.read_table(source), columns), target)
        elif source.stem == "identifiers" and "kinds" in gone:
            table = pq.read_table(source)
            dropped = pc.is_in(table["kind"], value_set=pa.array(gone["kinds"]))
            pq.write_table(table.filter(pc.invert(dropped)), target)
        else:
            target.hardlink_to(source)
    return out


def emptied(table: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """The table without these columns; the sign-up time, which the contract requires, is the same for everyone."""
    if "created_at" in columns:
        place, first = table.schema.get_field_index("created_at"), pc.min(table["created_at"])
        table = table.set_column(place, table.schema.field(place), pa.repeat(first, len(table)))
    return table.drop_columns([c for c in columns if c in table.column_names and c != "created_at"])
