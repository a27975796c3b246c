"""Every kind of source that Stillwatch reads, and which one a path is."""

from __future__ import annotations

from pathlib import Path

from stillwatch.errors import SourceError
from stillwatch.sources.contract_reader import ContractReader
from stillwatch.sources.files import belongs, columns_of, files_in
from stillwatch.sources.litellm import LiteLLM
from stillwatch.sources.mapping import Mapping
from stillwatch.sources.otel import Otel
from stillwatch.sources.source import Reader

READERS: dict[str, Reader] = {reader.name: reader for reader in (ContractReader(), LiteLLM(), Otel(), Mapping())}
"""Readers by their word for ``--format``, in the order in which they are asked whether a path is theirs."""


def pick(path: Path, format: str | None = None, mapping: Path | None = None) -> Reader:
    """The reader for a path: the one that is named; else a mapping file's; else the first that recognises the path.

    Raises:
        SourceError: no reader of that name, nothing there, or nobody recognises it.
    """
    if format is not None:
        if format not in READERS:
            raise SourceError(f"There is no format {format!r}. Formats: {_formats()}.")
        return READERS[format]
    if mapping is not None:
        return READERS[Mapping.name]
    seen = sorted(path.iterdir()) if path.is_dir() else files_in(path)
    for reader in READERS.values():
        if reader.recognises(path):
            return reader
    if not seen:
        raise SourceError(f"{path} is an empty folder. Give the folder that holds the tables or logs, or one of them.")
    for file in seen:
        # A file that is broken from the start is recognised by nobody; then that is the message.
        if file.is_file() and belongs(file):
            columns_of(file)
    names = ", ".join(p.name for p in seen[:8]) + (" …" if len(seen) > 8 else "")
    raise SourceError(
        f"{path}: no reader recognises what is there ({names}). Formats: {_formats()}. "
        "Name one with --format, or write a mapping file for the table (--mapping, see docs/sources.md)."
    )


def _formats() -> str:
    return "; ".join(f"{name} ({reader.title})" for name, reader in READERS.items())
