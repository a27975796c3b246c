"""One .zip of a bundle, and reading a bundle that may come from anybody.

A bundle is read where it lies: nothing is unpacked, no link is followed, sizes are bounded before a byte is read.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

MOST_FILES = 10_000
MOST_BYTES = 8 << 30
"""Unpacked size of a whole bundle."""
MOST_RATIO = 200
"""Unpacked to packed size; tables of a real bundle stay far below it."""
BLOCK = 1 << 20


class Unreadable(Exception):
    """The bundle cannot be looked at safely; the text says why."""


@dataclass(frozen=True)
class Tree:
    """The files of a bundle: path -> size, the folders around them, and how to open one."""

    sizes: Mapping[str, int]
    folders: frozenset[str]
    open: Callable[[str], BinaryIO]

    def read(self, name: str, most: int) -> bytes:
        """All bytes of a small file."""
        if self.sizes[name] > most:
            raise Unreadable(f"{name} is {self.sizes[name]:,} bytes long; at most {most:,} are expected")
        with self.open(name) as f:
            data = f.read(most + 1)
        if len(data) > most:
            raise Unreadable(f"{name} is longer than {most:,} bytes")
        return data

    def blocks(self, name: str) -> Iterator[bytes]:
        """A file in blocks; no more than the size that it claims."""
        left = self.sizes[name]
        with self.open(name) as f:
            while block := f.read(BLOCK):
                left -= len(block)
                if left < 0:
                    raise Unreadable(f"{name} is longer than it claims to be")
                yield block


def zip_files(top: str, files: Mapping[str, bytes], at: datetime) -> bytes:
    """One .zip with ``files`` in the folder ``top``: sorted, dated ``at``, the same bytes for the same content."""
    when = max(at, datetime(1980, 1, 1))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as z:
        for name in sorted(files):
            entry = zipfile.ZipInfo(
                f"{top}/{name}", (when.year, when.month, when.day, when.hour, when.minute, when.second)
            )
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.create_system = 3
            z.writestr(entry, files[name])
    return out.getvalue()


def folder_tree(folder: Path) -> Tree:
    """A bundle as a folder. Anything that is not a plain file or folder is refused."""
    sizes: dict[str, int] = {}
    folders: set[str] = set()

    def walk(place: Path, prefix: str) -> None:
        with os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                name = prefix + entry.name
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    folders.add(name)
                    walk(place / entry.name, name + "/")
                elif stat.S_ISREG(mode):
                    sizes[name] = entry.stat(follow_symlinks=False).st_size
                    _bound(len(sizes), 0)
                else:
                    kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a plain file"
                    raise Unreadable(f"{name!a} is {kind}; a bundle holds plain files only")

    try:
        walk(folder, "")
    except (OSError, RecursionError) as e:
        raise Unreadable(f"the folder cannot be read ({getattr(e, 'strerror', None) or e})") from e
    _bound(len(sizes), sum(sizes.values()))

    def open_(name: str) -> BinaryIO:
        # O_NOFOLLOW: a file that is swapped for a link while we look is refused too.
        descriptor = os.open(folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        return os.fdopen(descriptor, "rb")

    return Tree(sizes, frozenset(folders), open_)


def zip_tree(file: zipfile.ZipFile) -> Tree:
    """A bundle as a .zip, with or without one folder around it."""
    entries: dict[str, zipfile.ZipInfo] = {}
    folders: set[str] = set()
    packed = 0
    for entry in file.infolist():
        name = entry.orig_filename
        parts = name.rstrip("/").split("/")
        if "\\" in name or "\0" in name or ":" in name or name.startswith("/") or {"", ".", ".."} & set(parts):
            raise Unreadable(f"{name[:100]!a} is a path that leads outside the bundle")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Unreadable(f"{name[:100]!a} is not a plain file; a bundle holds plain files only")
        if entry.flag_bits & 0x1:
            raise Unreadable(f"{name[:100]!a} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(f"{name[:100]!a} is packed in an unusual way")
        if name.endswith("/"):
            folders.add(name.rstrip("/"))
            continue
        if name in entries:
            raise Unreadable(f"{name[:100]!a} is in the archive twice")
        entries[name] = entry
        packed += entry.compress_size
        _bound(len(entries), 0)
    total = sum(e.file_size for e in entries.values())
    _bound(len(entries), total)
    if total > BLOCK and total > MOST_RATIO * max(packed, 1):
        raise Unreadable(f"it unpacks to {total:,} bytes from {packed:,}: that is a zip bomb, not a bundle")
    tops = {n.split("/", 1)[0] for n in (*entries, *folders)}
    top = f"{next(iter(tops))}/" if len(tops) == 1 and not any("/" not in n for n in entries) else ""
    inside = {n.removeprefix(top): e for n, e in entries.items()}
    around = {p for n in inside for p in _parents(n)} | {f.removeprefix(top) for f in folders if f + "/" != top}

    def open_(name: str) -> BinaryIO:
        return file.open(inside[name])  # type: ignore[return-value]

    return Tree({n: e.file_size for n, e in inside.items()}, frozenset(around), open_)


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _bound(files: int, size: int) -> None:
    if files > MOST_FILES:
        raise Unreadable(f"it holds more than {MOST_FILES:,} files")
    if size > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES >> 30} GB unpacked")
