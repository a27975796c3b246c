"""The shelf: tables that detection worked out from data files, kept so that the next run only looks at new files.

A set of tables is a folder of Parquet files with a note of the data files that it covers, the code that made it and the
SHA-256 of each table. It is put there by one rename, used only when all of that holds, and removed when it does not:
whoever deletes it, damages it or kills a run loses time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stillwatch.warehouse.store import Warehouse

NOTE = "note.json"


@dataclass(frozen=True)
class Shelved:
    """One set of tables that can be trusted."""

    folder: Path
    covers: frozenset[str]
    """Data files, as ``data_files`` names them."""

    def tables(self, name: str) -> list[Path]:
        """Files of one table: ``name.parquet``, or ``name-….parquet`` where it has several."""
        return [p for p in sorted(self.folder.glob("*.parquet")) if p.stem == name or p.stem.startswith(f"{name}-")]


def data_files(warehouse: Warehouse, table: str) -> dict[str, str]:
    """Name and size of each data file of a table -> its path. Files are never changed, so that this names a content."""
    found = {}
    for path in warehouse.files(table):
        place = Path(path)
        inside = place.relative_to(warehouse.settings.warehouse).as_posix()
        found[f"{inside}|{place.stat().st_size if place.exists() else 'gone'}"] = path
    return found


def find(shelf: Path, code: str, files: Iterable[str]) -> Shelved | None:
    """The set that covers most of the files and none beside them; everything else on the shelf is removed."""
    known = frozenset(files)
    there = sorted(shelf.iterdir()) if shelf.is_dir() else []
    trusted = [s for s in (_trusted(folder, code) for folder in there) if s is not None and s.covers <= known]
    best = max(trusted, key=lambda s: len(s.covers), default=None)
    _clear(shelf, best)
    return best


def put(shelf: Path, tables: Path, code: str, covers: Iterable[str]) -> Shelved:
    """Move a folder of tables onto the shelf, in one atomic step, and remove what it replaces."""
    digests = {p.name: _digest(p) for p in sorted(tables.glob("*.parquet"))}
    note = {"code": code, "covers": sorted(covers), "tables": digests}
    with (tables / NOTE).open("w") as out:
        json.dump(note, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    shelf.mkdir(parents=True, exist_ok=True)
    target = shelf / uuid.uuid4().hex[:12]
    tables.rename(target)
    made = Shelved(target, frozenset(note["covers"]))
    _clear(shelf, made)
    return made


def _trusted(folder: Path, code: str) -> Shelved | None:
    """A set whose note and tables are whole and of this code, else None."""
    try:
        note = json.loads((folder / NOTE).read_text())
        whole = note["code"] == code and {p.name for p in folder.glob("*.parquet")} == set(note["tables"])
        if whole and all(_digest(folder / name) == digest for name, digest in note["tables"].items()):
            return Shelved(folder, frozenset(note["covers"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # whatever is wrong with it, it is counted again
    return None


def _clear(shelf: Path, kept: Shelved | None) -> None:
    for other in shelf.iterdir() if shelf.is_dir() else []:
        if kept is None or other != kept.folder:
            shutil.rmtree(other) if other.is_dir() and not other.is_symlink() else other.unlink()


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
