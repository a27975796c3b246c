"""Tables of a bundle: nothing in a CSV runs in a spreadsheet, nothing is lost in Parquet."""

from __future__ import annotations

import csv
import io
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.evidence.casefile import TABLES, CaseFile, conform
from stillwatch.evidence.tables import csv_bytes, meanings, parquet, spreadsheet_safe

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@given(st.sampled_from(DANGEROUS), st.text(max_size=20), st.sampled_from(["", " ", "  \t", "\x00", "\x1f "]))
def test_no_cell_of_text_can_start_a_formula(start: str, rest: str, lead: str) -> None:
    safe = spreadsheet_safe(lead + start + rest)
    assert safe == "'" + lead + start + rest


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=60))
def test_text_comes_back_from_csv_as_it_went_in_but_for_the_apostrophe(text: str) -> None:
    out = csv_bytes(pa.table({"a": [text], "b": [1]})).decode()
    (row,) = csv.DictReader(io.StringIO(out, newline=""))
    assert row["a"] in (text, "'" + text)
    assert row["b"] == "1"


def test_numbers_times_and_lists_read_well() -> None:
    table = pa.table(
        {
            "n": pa.array([-5, None], pa.int64()),
            "t": pa.array([datetime(2026, 11, 22, 18, 0, 0, 250_000), None], pa.timestamp("us")),
            "l": pa.array([["=x", "b"], None], pa.list_(pa.string())),
            "f": pa.array([0.25, None]),
        }
    )
    rows = list(csv.reader(io.StringIO(csv_bytes(table).decode())))
    assert rows == [["n", "t", "l", "f"], ["-5", "2026-11-22T18:00:00Z", "'=x | b", "0.25"], ["", "", "", ""]]


def test_every_table_of_the_bundle_is_complete_and_the_same_in_both_forms(case: CaseFile) -> None:
    for name, spec in TABLES.items():
        table = case.tables[name]
        back = pq.read_table(io.BytesIO(parquet(table)))
        assert back.equals(table)
        rows = list(csv.reader(io.StringIO(csv_bytes(table).decode(), newline="")))
        assert rows[0] == list(spec.names)
        assert len(rows) - 1 == table.num_rows
        assert table.num_rows > 0, name


def test_the_list_of_columns_explains_every_column() -> None:
    rows = list(csv.DictReader(io.StringIO(meanings(TABLES.values()).decode())))
    assert {(r["table"], r["column"]) for r in rows} == {(t.name, c) for t in TABLES.values() for c in t.names}
    assert all(r["meaning"] for r in rows)


def test_a_table_of_a_wrong_type_is_refused_with_its_name() -> None:
    with pytest.raises(InputError, match="accounts"):
        conform("accounts", pa.table({"account_id": ["a"], "score": ["high"]}))
    assert conform("labels", pa.table({"label_id": ["L-1"]}))["reason"].to_pylist() == [None]
