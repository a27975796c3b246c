"""``stillwatch label --from``: a CSV of labels, taken whole or not at all."""

from __future__ import annotations

import gzip
from datetime import datetime

import pytest

from stillwatch.cases.label_file import LIMIT_BYTES, read_labels
from stillwatch.errors import InputError, SourceError

HEADER = "target_type,target_id,label,reason,labeler\n"


def written(tmp_path, text, name="labels.csv"):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_a_plain_file(tmp_path):
    file = written(tmp_path, HEADER + 'account,a-1,benign,"a, b",ana\n\ncluster,C-1,distillation,cards,\n')
    first, second = read_labels(file, "importer")
    assert (first.target_type, first.target_id, first.value, first.reason, first.labeler) == (
        "account", "a-1", "benign", "a, b", "ana",
    )  # fmt: skip
    assert (first.source, first.row) == ("human", 1)
    assert (second.labeler, second.row) == ("importer", 3)


def test_columns_in_any_order_other_delimiter_mark_and_packing(tmp_path):
    header = "\ufefflabel;labeler;reason;target_id;target_type;expires_at\n"
    text = header + "benign;ana;r;a-1;account;2030-01-01T01:00:00+01:00\n"
    plain = read_labels(written(tmp_path, text), "x")
    packed = read_labels(written(tmp_path, gzip.compress(text.encode()), "labels.csv.gz"), "x")
    assert plain == packed
    assert plain[0].expires_at == datetime(2030, 1, 1)


@pytest.mark.parametrize("cell", ["=cmd()", "+1", "-1", "@x", "'quoted", "' ", "<script>", "../../x"])
def test_protected_formulas_come_back_as_they_were(tmp_path, cell):
    protected = f"'{cell}" if cell[0] in "=+-@" else cell
    file = written(tmp_path, HEADER + f'account,"{protected}",benign,r,ana\n')
    assert read_labels(file, "x")[0].target_id == cell


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks target_type, target_id, label, reason, labeler"),
        ("target_type,target_id,label,reason\naccount,a,benign,r\n", "lacks labeler"),
        (HEADER.replace("reason", "reasons") + "account,a,benign,r,ana\n", "unknown columns 'reasons'"),
        (HEADER.strip() + ",reason\naccount,a,benign,r,ana,r\n", "has reason twice"),
        (HEADER, "has no labels"),
        (HEADER.encode() + b"account,a,benign,\xff\xfe,ana\n", "not UTF-8"),
        (HEADER + 'account,"a,benign,r,ana\n', "want CSV"),
        (HEADER + f"account,{'x' * 20_001},benign,r,ana\n", "row 1: a cell of 20,001 characters"),
        (HEADER + "account,a,benign\n", "row 1: 3 cells; want 5"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_labels(written(tmp_path, text), "x")


def test_every_broken_row_is_named(tmp_path):
    head = HEADER.strip() + ",expires_at\n"
    file = written(tmp_path, head + "account,a,benign,r,ana,soon\naccount,b,benign,r,ana,\naccount,c,benign,r\n")
    with pytest.raises(InputError) as error:
        read_labels(file, "x")
    assert [line.split(":")[0] for line in str(error.value).splitlines()[1:]] == ["row 1", "row 3"]


def test_a_file_that_is_not_there_not_a_file_or_far_too_large(tmp_path):
    with pytest.raises(SourceError, match="there is no file"):
        read_labels(tmp_path / "nothing.csv", "x")
    with pytest.raises(SourceError, match="cannot be read"):
        read_labels(tmp_path, "x")
    with pytest.raises(SourceError, match="cannot be read"):
        read_labels(written(tmp_path, b"not gzip", "labels.csv.gz"), "x")
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(LIMIT_BYTES + 1)
    with pytest.raises(SourceError, match="larger than 64 MB"):
        read_labels(large, "x")
