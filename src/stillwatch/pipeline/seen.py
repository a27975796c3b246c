"""The list of what every account was seen with, written kind by kind: it can have as many rows as the requests."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import Coverage, Inputs
from stillwatch.signals.sightings import sightings_exprs
from stillwatch.warehouse.run_schema import RUN_TABLES

ROW_GROUP = 20_000
"""Rows that a look-up has to read at least."""


def write_sightings(place: Path, inputs: Inputs, coverage: Coverage, execute: Engine) -> int:
    """Write the table ``sightings`` of a run kind by kind into a new Parquet file; gives its rows."""
    schema = RUN_TABLES["sightings"].schema
    rows = 0
    with pq.ParquetWriter(place, schema, compression="zstd") as writer:
        for part in sightings_exprs(inputs, coverage):
            table = execute.arrow(part).cast(schema)
            writer.write_table(table, row_group_size=ROW_GROUP)
            rows += table.num_rows
    return rows
