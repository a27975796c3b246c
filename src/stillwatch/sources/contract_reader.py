"""Reader of the telemetry contract: a folder of tables, or one table (telemetry-contract.md).

A table is ``requests.parquet``, a folder ``requests/*.parquet``, a CSV or JSON lines, the last two optionally ``.gz``.
``truth`` is never opened here. Text files are translated row by row, Parquet is left to the engine.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain import TableSpec
from stillwatch.errors import SourceError
from stillwatch.sources.contract import CONTRACT
from stillwatch.sources.source import FileTable, SourceData
from stillwatch.sources.textfiles import csv_header, jsonl_keys

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson": "jsonl",
    ".ndjson.gz": "jsonl",
}


QUIET = (".", "truth", "readme", "license")
"""Beginnings of names that may lie beside the tables and are passed over without a word; ``truth`` is never opened."""


def split_name(path: Path) -> tuple[str, str | None]:
    """Table-name part of a file name and its format (null when the ending is none of ours)."""
    name = path.name.lower()
    for ending in sorted(FORMATS, key=len, reverse=True):
        if name.endswith(ending):
            return name[: -len(ending)], FORMATS[ending]
    return name, None


class ContractReader:
    """Reads data that already has the contract's tables and columns."""

    name = "contract"
    title = "telemetry contract (Parquet, CSV or JSON lines)"

    def recognises(self, path: Path) -> bool:
        """A file named for a contract table, or a folder that holds one of them."""
        if path.is_dir():
            return (path.name.lower() in CONTRACT and _table_folder(path)) or any(map(_table_of, path.iterdir()))
        return _table_of(path) is not None

    def read(self, path: Path, mapping: Path | None = None) -> SourceData:
        """Find the tables and check their columns; rows are checked at import."""
        warnings: list[str] = []
        problems: list[str] = []
        if mapping is not None:
            problems.append("a mapping file goes with --format mapping, not with the telemetry contract.")
        found = _find(path, warnings, problems)
        tables = []
        for name, files in found.items():
            formats = sorted({f for f in (split_name(p)[1] for p in files) if f})
            if len(formats) != 1:
                problems.append(f"{name}: found as {' and '.join(sorted(p.name for p in files))}; keep one of them.")
                continue
            for file in files:
                _check_columns(CONTRACT[name], file, formats[0], warnings, problems)
            tables.append(FileTable(name, tuple(files), formats[0]))  # type: ignore[arg-type]
        if path.is_dir() and path.name.lower() not in CONTRACT and found:
            if "accounts" not in found:
                problems.append(
                    f"{path.name}: table `accounts` is missing; it is required (accounts.parquet, .csv or .jsonl)."
                )
            if "requests" not in found and "identifiers" not in found:
                problems.append(
                    f"{path.name}: neither `requests` nor `identifiers` is there; want at least one of them."
                )
        if problems:
            raise SourceError("\n".join([*problems, "Nothing was imported."]))
        return SourceData("contract", path.name, tuple(tables), (), tuple(warnings))


def _table_of(path: Path) -> str | None:
    """Contract table that a file or a sub-folder holds, by its name."""
    if path.name.startswith("."):
        return None
    if path.is_dir():
        return path.name.lower() if path.name.lower() in CONTRACT and _table_folder(path) else None
    name, format = split_name(path)
    return name if format and name in CONTRACT else None


def _table_folder(path: Path) -> bool:
    return any(split_name(p)[1] for p in path.iterdir())


def _parts(folder: Path, warnings: list[str]) -> list[Path]:
    """Files of a table folder, in name order."""
    inside = sorted(p for p in folder.iterdir() if not p.name.startswith((".", "_")))
    for other in (p for p in inside if split_name(p)[1] is None or p.is_dir()):
        warnings.append(f"{folder.name}/{other.name} is not a Parquet, CSV or JSON lines file; ignored.")
    return [p for p in inside if split_name(p)[1] and p.is_file()]


def _find(path: Path, warnings: list[str], problems: list[str]) -> dict[str, list[Path]]:
    """Files of each contract table, in contract order."""
    if not path.exists():
        raise SourceError(f"{path} does not exist; want a file or a folder of the telemetry contract.")
    own = _table_of(path)
    if own is not None:
        return {own: _parts(path, warnings) if path.is_dir() else [path]}
    if not path.is_dir():
        names = ", ".join(CONTRACT)
        raise SourceError(f"{path.name} is not named for a contract table; want {names} with .parquet, .csv or .jsonl.")
    found: dict[str, list[Path]] = {}
    for item in sorted(path.iterdir()):
        name = _table_of(item)
        if name is not None:
            found.setdefault(name, []).extend(_parts(item, warnings) if item.is_dir() else [item])
        elif not item.name.lower().startswith(QUIET):
            warnings.append(f"{item.name} is not a table of the contract; ignored.")
    if not found:
        inside = "is empty" if not any(path.iterdir()) else "holds no table of the telemetry contract"
        raise SourceError(
            f"{path.name or path} {inside}; want accounts and requests (or identifiers) as .parquet, .csv or .jsonl."
        )
    return {name: found[name] for name in CONTRACT if name in found}


def _check_columns(spec: TableSpec, file: Path, format: str, warnings: list[str], problems: list[str]) -> None:
    """Columns that are missing or unknown; a file that cannot be opened is a problem too."""
    try:
        columns = _columns(spec, file, format)
    except SourceError as e:
        problems.append(str(e))
        return
    if not columns and format == "jsonl":
        warnings.append(f"{file.name} holds no row.")
        return
    missing = [c.name for c in spec.columns if c.required and c.name not in columns]
    if missing:
        listed = ", ".join(f"`{m}`" for m in missing)
        problems.append(
            f"{file.name}: column {listed} is missing in row 1 and below; {spec.name} needs it. "
            f"There are: {', '.join(c[:60] for c in columns[:12])}."
        )
    unknown = [c for c in columns if c not in spec.names and c]
    if unknown:
        listed = ", ".join(f"`{u[:60]}`" for u in unknown[:10])
        warnings.append(f"{file.name}: unknown column {listed} ignored.")


def _columns(spec: TableSpec, file: Path, format: str) -> list[str]:
    if not file.is_file():
        raise SourceError(
            f"{file.name} is no plain file (a link to nothing, a pipe or a device); replace or remove it."
        )
    if format == "csv":
        return csv_header(file, frozenset(spec.names))[0]
    if format == "jsonl":
        return jsonl_keys(file)
    if file.stat().st_size == 0:
        raise SourceError(f"{file.name} is empty (0 bytes); want a Parquet file.")
    try:
        names = list(pq.read_schema(file).names)
    except (pa.ArrowException, OSError) as e:
        what = str(e).splitlines()[0][:200]
        raise SourceError(f"{file.name} is not a whole Parquet file ({what}); copy it again.") from e
    many = Counter(names)  # the engine would take the first of two
    twice = [name for name in spec.names if many[name] > 1]
    if twice:
        raise SourceError(f"{file.name}: column `{twice[0]}` is there {many[twice[0]]} times; keep one of them.")
    return names
