"""Tables of a bundle: CSV for people and spreadsheets, Parquet for programs, and the meaning of every column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from stillwatch.domain import TableSpec

_FORMULA = r"^[\s\x00-\x20]*[=+\-@＝＋－＠\t\r\n]"  # full-width twins: some spreadsheets read them as formulas too
SEPARATOR = " | "
"""Between the items of a list in CSV."""


def parquet(table: pa.Table) -> bytes:
    """Parquet with zstd; no library metadata in it, so that the same rows give the same bytes."""
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None), out, compression="zstd", row_group_size=100_000)
    return out.getvalue()


def csv_bytes(table: pa.Table) -> bytes:
    """CSV in UTF-8: times as ISO 8601 with Z, lists joined by ``|``, null empty.

    Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, "CSV injection"); the Parquet
    file beside it has the value as it is. Numbers stay numbers, also negative ones.
    """
    columns = [_printable(table[name]) for name in table.column_names]
    plain = pa.table(columns, names=table.column_names)
    out = io.BytesIO()
    pcsv.write_csv(plain, out, pcsv.WriteOptions(quoting_style="needed"))
    return out.getvalue()


def spreadsheet_safe(text: str) -> str:
    """One cell of text as ``csv_bytes`` writes it."""
    return str(safe_column(pa.chunked_array([[text]]))[0])


def safe_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text with an apostrophe in front where a spreadsheet would run it."""
    risky = pc.match_substring_regex(column, _FORMULA)
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def _printable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_list(kind):
        return safe_column(pc.binary_join(column.cast(pa.list_(pa.string())), SEPARATOR))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return safe_column(column)
    if pa.types.is_timestamp(kind):
        return pc.strftime(column.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%dT%H:%M:%SZ")
    return column


def meanings(specs: Iterable[TableSpec]) -> bytes:
    """``columns.csv``: what every column of every table means."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", "one_row_is", "column", "type", "meaning"])
    for spec in specs:
        for column in spec.columns:
            writer.writerow([spec.name, spec.row, column.name, column.type, column.meaning])
    return out.getvalue().encode()
