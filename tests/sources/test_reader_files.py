"""Foreign files, record by record: what is broken as a whole raises, what is broken in one record is handed on."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import SourceError
from stillwatch.sources import files
from stillwatch.sources.files import Bad


def test_a_broken_json_line_is_handed_on_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"a": \n[{"a": 2}, {"a": 3}]\n"word"\n')
    found = list(files.json_records(path))
    assert [(n, r) for n, r in found if isinstance(r, dict)] == [(1, {"a": 1}), (4, {"a": 2}), (4, {"a": 3})]
    assert [n for n, r in found if isinstance(r, Bad)] == [3, 5]
    assert "not JSON" in next(r.reason for n, r in found if n == 3 and isinstance(r, Bad))


@pytest.mark.parametrize("text", ['[\n {"a": 1},\n {"a": 2}\n]', '{\n "a": 1\n}'])
def test_a_document_over_several_lines_is_read_whole(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text("\ufeff" + text, encoding="utf-8")
    assert next(files.json_records(path)) == (1, {"a": 1})


def test_a_line_without_end_is_an_error_that_names_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 1 << 20)
    path = tmp_path / "endless.jsonl.gz"
    with gzip.open(path, "wb") as out:
        out.write(b'{"a": 1}\n')
        for _ in range(64):
            out.write(b"x" * (1 << 20))
    tracemalloc.start()
    with pytest.raises(SourceError, match=r"endless\.jsonl\.gz line 2 is longer than 1 MB"):
        list(files.json_records(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize("cut", [30, -5])
def test_a_cut_off_gzip_is_an_error(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 5000)[:cut])
    with pytest.raises(SourceError, match=r"cut off or broken.*Nothing was loaded"):
        list(files.json_records(path))


def test_a_truncated_parquet_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SourceError, match=r"t\.parquet: not a readable Parquet"):
        list(files.records(path))


def test_csv_rows_of_another_length_are_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"x\ny"\n2\n3,z,w\n4,w\n')
    found = list(files.csv_records(path))
    assert found[0] == (1, {"a": "1", "b": "x\ny"})
    assert found[1] == (2, Bad("1 cells; the header has 2"))
    assert found[2] == (3, Bad("3 cells; the header has 2"))
    assert found[3] == (4, {"a": "4", "b": "w"})


def test_a_csv_header_with_a_name_twice_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,a\n1,2,3\n")
    with pytest.raises(SourceError, match="'a' occurs twice"):
        list(files.csv_records(path))


def test_bytes_that_are_no_text_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n\xff\n\xfe\n")
    assert [r["a"] for _n, r in files.csv_records(path) if isinstance(r, dict)] == ["\\xff", "\\xfe"]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is an empty folder"):
        files.files_in(tmp_path)


def test_truth_is_never_among_the_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("truth.parquet", "Truth.csv", ".hidden", "log.jsonl"):
        (tmp_path / name).write_text("")
    assert [p.name for p in files.files_in(tmp_path)] == ["log.jsonl"]


def test_an_r_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.rda"
    path.write_bytes(b"no R data")
    with pytest.raises(SourceError, match=r"x\.rda"):
        list(files.records(path))
