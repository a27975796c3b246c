"""Source -> warehouse: pick the reader, name the files, load them as one step."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from stillwatch.config import Settings, is_text
from stillwatch.domain import ImportReport, Progress, no_progress
from stillwatch.errors import MappingError, SourceError
from stillwatch.sources import registry
from stillwatch.warehouse.delta import recover
from stillwatch.warehouse.importing import import_source, known_import
from stillwatch.warehouse.lock import home_lock

_BLOCK = 1 << 22
UPLOADS = ".upload-"
"""First letters of the folders of the home in which uploaded files wait for their import."""


def import_path(
    settings: Settings,
    path: Path | str,
    *,
    format: str | None = None,
    mapping: Path | None = None,
    progress: Progress = no_progress,
) -> ImportReport:
    """Load a file or a folder into the warehouse; the same files again add nothing and say so at once.

    ``format`` names a reader of the registry (null: the one that recognises the files), ``mapping`` a mapping file.

    Raises:
        InputError: the source is wrong as a whole; nothing was imported.
        Busy: another process is writing to this home.
        StoreError: the warehouse cannot be written.
    """
    path = Path(os.path.expanduser(path)).absolute()
    if not path.exists():
        raise SourceError(f"{path} does not exist; want a file or a folder.")
    if not (path.is_file() or path.is_dir()):
        raise SourceError(f"{path} is a device or a pipe; want a file or a folder.")
    for given in (path, mapping) if mapping else (path,):
        _outside(given, settings.home)
    if mapping is not None and not mapping.is_file():
        raise MappingError(f"{mapping} is no file, or does not exist; want a mapping file in YAML.")
    _named_in_text(path)
    reader = registry.pick(path, format, mapping)
    with home_lock(settings, f"import of {path.name}"):
        progress(f"looking at {path.name}", None)
        fingerprint = fingerprint_of(path, reader.name, mapping)
        known = known_import(settings, fingerprint)
        if known is not None:
            recover(settings.warehouse)  # that import may have been killed between its last step and its clean-up
            return known
        return import_source(settings, reader.read(path, mapping), fingerprint, progress=progress)


def fingerprint_of(path: Path, reader: str, mapping: Path | None) -> str:
    """SHA-256 over the names, sizes and contents of the files of a source, its reader and its mapping file.

    Files whose name starts with ``truth`` or a dot do not belong to a source and are not opened.
    """
    digest = hashlib.sha256(f"reader|{reader}\n".encode())
    try:
        files = [path] if path.is_file() else sorted(_files(path))
        for file in [*files, *([mapping] if mapping else [])]:
            name = file.name if file in (path, mapping) else file.relative_to(path).as_posix()
            digest.update(f"file|{name!r}|{file.stat().st_size}\n".encode(errors="surrogateescape"))
            with file.open("rb") as content:
                while block := content.read(_BLOCK):
                    digest.update(block)
    except OSError as e:
        raise SourceError(f"{e.filename or path} cannot be read ({e.strerror}); check the rights of the file.") from e
    return digest.hexdigest()


def _outside(path: Path, home: Path) -> None:
    """What the home holds (keys, case file, warehouse) is no source; files uploaded by the web page wait there."""
    try:
        inside = Path(os.path.realpath(path)).relative_to(os.path.realpath(home))
    except ValueError:
        return
    if not (len(inside.parts) > 1 and inside.parts[0].startswith(UPLOADS)):
        raise SourceError(f"{path} lies in the home of Stillwatch ({home}), which is no source; want a path outside.")


def _files(folder: Path) -> Iterator[Path]:
    """Files of a folder and of its sub-folders: no reader looks deeper, and links may lead in a circle."""
    for item in _belonging(folder):
        if item.is_dir():
            yield from (inner for inner in _belonging(item) if inner.is_file())
        elif item.is_file():
            yield item


def _belonging(folder: Path) -> Iterator[Path]:
    for item in folder.iterdir():
        if not item.name.startswith(".") and not item.name.lower().startswith("truth"):
            _named_in_text(item)
            yield item


def _named_in_text(path: Path) -> None:
    """The engine opens, and the import log keeps, only names in UTF-8."""
    if not is_text(str(path)):
        raise SourceError(f"the name of {str(path)!a} is not UTF-8; rename it. Nothing was imported.")
