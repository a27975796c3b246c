"""The folder: BagIt 1.0 (RFC 8493), written so that the same content gives the same bytes.

The ``bagit`` package is not used for writing: it changes the working folder of the whole process while it works
(other threads of the web app would write elsewhere) and marks its bags as version 0.97. It checks every bundle
that is made before the bundle is published, as a reader that is not ours.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

DECLARATION = "bagit.txt"
INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
PUBLIC_KEY = "public-key.pem"
STATEMENT = "statement.dsse.json"
DATA = "data/"

TAGGED = (DECLARATION, INFO, MANIFEST, PUBLIC_KEY)
"""Files of the root that the tag manifest must list, all of them and no other."""
ROOT = frozenset({*TAGGED, TAG_MANIFEST, STATEMENT})
"""All files that the root may hold; the statement signs the tag manifest and so stands outside it."""

DECLARED = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}/){0,4}[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def plain_name(name: str) -> bool:
    """Whether a path is one that a bundle may hold: relative, plain ASCII, no ``..``, no hidden files, five levels."""
    return _NAME.fullmatch(name) is not None


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def lines(entries: Mapping[str, str]) -> bytes:
    """A manifest: ``{path: hex digest}`` as BagIt writes it; ``sha256sum -c`` reads it too."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(entries.items())).encode()


def parsed(data: bytes) -> Iterator[tuple[str, str]]:
    """Path and digest of every line of a manifest; ValueError on a line that is none."""
    for number, line in enumerate(data.decode("utf-8").splitlines(), start=1):
        digest, _, path = line.partition(" ")
        path = path.lstrip(" *")
        if not re.fullmatch(r"[0-9a-fA-F]{64}", digest) or not path:
            raise ValueError(f"line {number} is not a digest and a path")
        yield path, digest.lower()


def info_lines(fields: Mapping[str, str]) -> bytes:
    """``bag-info.txt``; values become one line each."""
    return "".join(f"{k}: {' '.join(str(v).split())}\n" for k, v in fields.items() if str(v).strip()).encode()


def tag_files(payload: Mapping[str, bytes], info: Mapping[str, str], public_key: bytes) -> dict[str, bytes]:
    """Every file of the root but the statement, for a payload given as ``{path below data/: bytes}``."""
    bad = [name for name in payload if not plain_name(name)]
    if bad:
        raise ValueError(f"a bundle cannot hold {bad[0]!r}")
    oxum = f"{sum(map(len, payload.values()))}.{len(payload)}"
    root = {
        DECLARATION: DECLARED,
        INFO: info_lines({**info, "Payload-Oxum": oxum}),
        MANIFEST: lines({DATA + name: sha256(data) for name, data in payload.items()}),
        PUBLIC_KEY: public_key,
    }
    root[TAG_MANIFEST] = lines({name: sha256(root[name]) for name in TAGGED})
    return root


def write(folder: Path, files: Mapping[str, bytes], at: datetime) -> None:
    """Write ``{path: bytes}`` into an empty folder; the files carry the time ``at`` (naive UTC)."""
    stamp = (at - datetime(1970, 1, 1)).total_seconds()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        path.chmod(0o644)
        os.utime(path, (stamp, stamp))
