"""What the contract reader takes for a data set, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import SourceError
from stillwatch.sources.contract_reader import ContractReader
from stillwatch.sources.registry import pick
from stillwatch.sources.source import FileTable

ACCOUNTS = pa.table({"account_id": ["a"], "created_at": ["2024-03-01T00:00:00Z"]})
REQUESTS = pa.table({"request_id": ["r"], "account_id": ["a"], "ts": ["2024-03-01T00:00:00Z"], "model": ["m"]})
READER = ContractReader()


def data_set(folder: Path) -> Path:
    folder.mkdir()
    pq.write_table(ACCOUNTS, folder / "accounts.parquet")
    pq.write_table(REQUESTS, folder / "requests.parquet")
    return folder


def test_a_folder_of_tables_is_recognised(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "in")
    assert READER.recognises(folder)
    assert pick(folder).name == "contract"
    data = READER.read(folder, None)
    assert [(t.name, t.format, [p.name for p in t.files]) for t in data.tables if isinstance(t, FileTable)] == [
        ("accounts", "parquet", ["accounts.parquet"]),
        ("requests", "parquet", ["requests.parquet"]),
    ]
    assert (data.format, data.source, data.repeats) == ("contract", "in", "refuse")


@pytest.mark.parametrize(
    "name", ["requests.parquet", "Requests.CSV", "accounts.jsonl.gz", "models.ndjson", "identifiers.csv.gz"]
)
def test_a_table_by_its_file_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    assert READER.recognises(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["truth.parquet", "log.jsonl", "requests.txt", ".requests.csv", "requests", "requests.xlsx"]
)
def test_other_files_are_not_ours(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    assert not READER.recognises(tmp_path / name)
    assert not READER.recognises(tmp_path)


def test_a_folder_of_parts_is_one_table(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "in")
    (folder / "requests.parquet").unlink()
    (folder / "requests").mkdir()
    for part in ("b.parquet", "a.parquet", "_SUCCESS", ".hidden", "readme.md"):
        (folder / "requests" / part).write_bytes(b"")
    for part in ("b.parquet", "a.parquet"):
        pq.write_table(REQUESTS, folder / "requests" / part)
    data = READER.read(folder, None)
    parts = next(t for t in data.tables if t.name == "requests")
    assert isinstance(parts, FileTable)
    assert [p.name for p in parts.files] == ["a.parquet", "b.parquet"]
    assert data.warnings == ("requests/readme.md is not a Parquet, CSV or JSON lines file; ignored.",)
    assert [t.name for t in READER.read(folder / "requests", None).tables] == ["requests"]


def test_one_table_alone_may_follow_later(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "in")
    assert [t.name for t in READER.read(folder / "requests.parquet", None).tables] == ["requests"]


def test_a_mapping_file_is_for_another_reader(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--format mapping"):
        READER.read(data_set(tmp_path / "in"), tmp_path / "m.yaml")


def test_the_delimiter_is_found_and_unknown_columns_are_named(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "in")
    (folder / "requests.parquet").unlink()
    (folder / "requests.csv").write_text('"request_id";account_id;ts;model;mood\nr;a;2024-03-01;m;fine\n')
    data = READER.read(folder, None)
    assert data.warnings == ("requests.csv: unknown column `mood` ignored.",)
