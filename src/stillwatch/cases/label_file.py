"""Labels from a file: the CSV of ``stillwatch label --from``.

Columns target_type, target_id, label, reason, labeler (any order; ``expires_at`` optional; others are an error,
so that a misspelt column is not silently lost). An analyst's file is people's word: its source is ``human``.

Spreadsheets run cells that begin with ``= + - @``; exports protect them with an apostrophe. That apostrophe is
taken off again here, so a hostile account id comes back as the id that it is.
"""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, datetime
from pathlib import Path

from stillwatch.cases.labels import SHOWN_PROBLEMS, Statement
from stillwatch.domain import LabelSource
from stillwatch.errors import InputError, SourceError

REQUIRED = ("target_type", "target_id", "label", "reason", "labeler")
OPTIONAL = ("expires_at",)
LIMIT_BYTES = 64 * 2**20
"""A file of labels written by people is far smaller; a larger one is a mistake (telemetry, a dump)."""
CELL_LIMIT = 20_000
"""Longest text in a cell; the csv module's own limit is one for the whole process, and readers of logs raise it."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read_labels(path: Path, by: str) -> list[Statement]:
    """Statements of a CSV file, in file order; a row without ``labeler`` speaks for ``by``.

    Raises SourceError when it is no such CSV, InputError with all rows that cannot be read.
    """
    text = _text(path)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    statements: list[Statement] = []
    problems: list[str] = []
    try:
        columns = _columns(path, next(rows, []))
        for number, cells in enumerate(rows, start=1):
            if not any(c.strip() for c in cells):
                continue
            if len(cells) != len(columns):
                problems.append(
                    f"row {number}: {len(cells)} cells; want {len(columns)} (a comma in a text needs quotes)"
                )
                continue
            if (longest := max(map(len, cells))) > CELL_LIMIT:
                problems.append(f"row {number}: a cell of {longest:,} characters; want at most {CELL_LIMIT:,}")
                continue
            row = {name: _unprotected(cell) for name, cell in zip(columns, cells, strict=True)}
            try:
                statements.append(_statement(row, number, by))
            except ValueError as e:
                problems.append(f"row {number}: {e}")
    except csv.Error as e:
        raise SourceError(f"{path.name} line {rows.line_num}: {e}; want CSV with a header line.") from None
    if problems:
        more = [f"… and {len(problems) - SHOWN_PROBLEMS} more"] if len(problems) > SHOWN_PROBLEMS else []
        head = f"{path.name} cannot be taken; nothing was written:"
        raise InputError("\n".join([head, *problems[:SHOWN_PROBLEMS], *more]))
    if not statements:
        raise SourceError(f"{path.name} has no labels; want rows below the header {','.join(REQUIRED)}.")
    return statements


def _statement(row: dict[str, str], number: int, by: str) -> Statement:
    return Statement(
        target_type=row["target_type"],
        target_id=row["target_id"],
        value=row["label"],
        reason=row["reason"],
        labeler=row["labeler"].strip() or by,
        source=LabelSource.HUMAN,
        expires_at=_time(row.get("expires_at", "")),
        row=number,
    )


def _time(cell: str) -> datetime | None:
    if not cell.strip():
        return None
    try:
        when = datetime.fromisoformat(cell.strip())
    except ValueError:
        raise ValueError(f"expires_at is {cell[:40]!a}; want ISO 8601, e.g. 2027-01-31") from None
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when


def _columns(path: Path, header: list[str]) -> list[str]:
    columns = [c.strip().lower() for c in header]
    missing = [c for c in REQUIRED if c not in columns]
    strange = [ascii(c[:40]) for c in columns if c not in REQUIRED + OPTIONAL]
    double = sorted({c for c in columns if columns.count(c) > 1})
    if missing or strange or double:
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"has unknown columns {', '.join(strange[:5])}"] if strange else []
        said += [f"has {', '.join(double)} twice"] if double and not strange else []
        raise SourceError(f"{path.name} {' and '.join(said)}; want the header {','.join(REQUIRED)}.")
    return columns


def _unprotected(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA and len(cell) > 1 else cell


def _delimiter(text: str) -> str:
    """Comma; or the semicolon that spreadsheets of many countries write."""
    header = text.split("\n", 1)[0]
    return ";" if ";" in header and "," not in header else ","


def _text(path: Path) -> str:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            raw = file.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise SourceError(f"there is no file {path}; give the CSV with the labels.") from None
    except (OSError, EOFError) as e:
        raise SourceError(f"{path} cannot be read ({e}).") from None
    if len(raw) > LIMIT_BYTES:
        raise SourceError(f"{path.name} is larger than {LIMIT_BYTES // 2**20} MB; split it, if it is a file of labels.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise SourceError(f"{path.name} is not UTF-8 text (byte {e.start:,}); save it as CSV UTF-8.") from None
