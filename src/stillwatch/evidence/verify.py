"""Checks a bundle, offline, on a machine that has only the bundle and (better) the sender's public key.

What is proven: every byte is as it was sealed, nothing was added, nothing is missing, and the seal was made with the
private half of the key that was used to check. With the key that lies inside the bundle that last point says nothing
about who made it: anybody can make a bundle with a key of their own. Then ``origin_proven`` is False and says so.

A chain fixes every byte: signature -> tag manifest -> root files and payload manifest -> payload. A plain BagIt
reader accepts unknown files in the root (RFC 8493 allows them); this one refuses them.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stillwatch.errors import InputError, UnknownTarget
from stillwatch.evidence import bag, seal
from stillwatch.evidence.archive import Tree, Unreadable, folder_tree, zip_tree

SMALL = 16 << 20
"""Most bytes of a manifest, a tag file or the statement."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and what was found, in words."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Verification:
    """The outcome. ``ok`` only when every check passed."""

    ok: bool
    checks: tuple[Check, ...]
    origin_proven: bool = False
    """True only when the seal fits a public key that was given from outside the bundle."""
    fingerprint: str | None = None
    """Of the key that the seal was checked with."""
    bundle_id: str | None = None
    sha256: str | None = None
    """Of the tag manifest, which fixes every byte of the bundle."""
    statement: dict[str, Any] = field(default_factory=dict)
    """What was signed about the bundle; empty unless the signature fits."""


class _Stop(Exception):
    """A check failed in a way that leaves nothing to look at after it."""


def verify(path: Path, public_key: Path | None = None) -> Verification:
    """Check a bundle folder or a .zip of one.

    ``public_key``: PEM file that came by another way than the bundle. Without it the key inside the bundle is used.
    Raises UnknownTarget when there is nothing at ``path``, InputError when ``public_key`` is not a key; everything
    that is wrong with the bundle itself is a failed check.
    """
    if not path.exists():
        raise UnknownTarget(f"there is no bundle at {path}; give the bundle's folder or its .zip.")
    given = None
    if public_key is not None:
        if not public_key.is_file():
            raise UnknownTarget(f"there is no public key at {public_key}.")
        given = seal.read_public(public_key.read_bytes()[:65536], str(public_key))

    found = _Findings()
    with ExitStack() as stack:
        try:
            tree = _open(path, stack)
            found.add("readable", True, f"{len(tree.sizes):,} plain files, {sum(tree.sizes.values()):,} bytes")
            _examine(tree, given, found)
        except Unreadable as e:
            found.add("readable", False, f"{e}.")
        except _Stop:
            pass
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as e:
            found.add("readable", False, f"reading it failed: {e}.")
    checks = tuple(found.checks)
    ok = all(c.ok for c in checks)
    return Verification(
        ok=ok,
        checks=checks,
        origin_proven=ok and given is not None,
        fingerprint=found.fingerprint,
        bundle_id=str(found.statement["bundle_id"]) if "bundle_id" in found.statement else None,
        sha256=found.sha256,
        statement=found.statement,
    )


class _Findings:
    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.fingerprint: str | None = None
        self.sha256: str | None = None
        self.statement: dict[str, Any] = {}

    def add(self, name: str, ok: bool, detail: str) -> bool:
        self.checks.append(Check(name, ok, detail))
        return ok

    def need(self, name: str, ok: bool, good: str, bad: str) -> None:
        if not self.add(name, ok, good if ok else bad):
            raise _Stop


def _open(path: Path, stack: ExitStack) -> Tree:
    if path.is_dir():
        return folder_tree(path)
    try:
        return zip_tree(stack.enter_context(zipfile.ZipFile(path)))
    except (zipfile.BadZipFile, ValueError, OverflowError) as e:
        raise Unreadable(f"{path.name} is neither a folder nor a .zip that can be read ({e})") from e


def _examine(tree: Tree, given: Ed25519PublicKey | None, found: _Findings) -> None:
    names = set(tree.sizes)
    lost = sorted(bag.ROOT - names)
    found.need(
        "bundle",
        not lost,
        "all files that make a bundle are there",
        f"missing: {_some(lost)}. This is not a whole Stillwatch bundle.",
    )
    declared = tree.read(bag.DECLARATION, SMALL) == bag.DECLARED
    found.add("format", declared, "BagIt 1.0, UTF-8" if declared else f"{bag.DECLARATION} does not declare BagIt 1.0.")

    strange = sorted(n for n in names if "/" not in n and n not in bag.ROOT)
    strange += sorted(n for n in names if "/" in n and not n.startswith(bag.DATA))
    strange += sorted(n + "/" for n in tree.folders if n != "data" and not any(p.startswith(n + "/") for p in names))
    strange += sorted(n for n in names if n.startswith(bag.DATA) and not bag.plain_name(n))
    found.add(
        "no strangers",
        not strange,
        "nothing lies beside the files that belong there"
        if not strange
        else f"does not belong there: {_some(strange)}.",
    )

    tag_manifest = tree.read(bag.TAG_MANIFEST, SMALL)
    found.sha256 = bag.sha256(tag_manifest)
    _signature(tree, given, found)

    tags = _entries(tag_manifest, bag.TAG_MANIFEST, lambda n: n in bag.TAGGED, found)
    absent = sorted(set(bag.TAGGED) - set(tags))
    wrong = sorted(n for n, digest in tags.items() if bag.sha256(tree.read(n, SMALL)) != digest)
    found.add(
        "root files",
        not (absent or wrong),
        f"{len(tags)} root files are as sealed"
        if not (absent or wrong)
        else f"changed: {_some(wrong)}." * bool(wrong) + f"not listed: {_some(absent)}." * bool(absent),
    )
    _payload(tree, found)


def _signature(tree: Tree, given: Ed25519PublicKey | None, found: _Findings) -> None:
    """The seal: made with the right key, over this very tag manifest."""
    inside = tree.read(bag.PUBLIC_KEY, SMALL)
    try:
        key = given or seal.read_public(inside, bag.PUBLIC_KEY)
    except InputError as e:
        found.add("signature", False, str(e))
        return
    found.fingerprint = seal.fingerprint(key)
    statement = seal.opened(tree.read(bag.STATEMENT, SMALL), key)
    if isinstance(statement, str):
        found.add("signature", False, f"{statement} (fingerprint {seal.spoken(found.fingerprint)}).")
        return
    subject = [{"name": bag.TAG_MANIFEST, "digest": {"sha256": found.sha256}}]
    if statement.get("subject") != subject:
        found.add("signature", False, f"the seal was made over another {bag.TAG_MANIFEST} than the one that lies here.")
        return
    found.statement = statement["predicate"]
    origin = (
        "the key that you gave: its holder sealed this bundle"
        if given
        else "the key inside the bundle: ORIGIN NOT PROVEN until you compare this fingerprint with the one that the "
        "sender told you by another way"
    )
    found.add("signature", True, f"Ed25519, made with {origin}. Fingerprint {seal.spoken(found.fingerprint)}")


def _payload(tree: Tree, found: _Findings) -> None:
    """Every file below data/ is listed, is there, and has the digest that the manifest says."""
    listed = _entries(
        tree.read(bag.MANIFEST, SMALL),
        bag.MANIFEST,
        lambda n: n.startswith(bag.DATA) and bag.plain_name(n),
        found,
    )
    present = {n for n in tree.sizes if n.startswith(bag.DATA)}
    missing, added = sorted(set(listed) - present), sorted(present - set(listed))
    found.add(
        "nothing missing", not missing, "every listed file is there" if not missing else f"missing: {_some(missing)}."
    )
    found.add("nothing added", not added, "every file is listed" if not added else f"added: {_some(added)}.")
    changed = []
    for name in sorted(present & set(listed)):
        digest = hashlib.sha256()
        for block in tree.blocks(name):
            digest.update(block)
        if digest.hexdigest() != listed[name]:
            changed.append(name)
    good = f"{len(listed):,} files have the SHA-256 that was sealed"
    found.add("nothing changed", not changed, good if not changed else f"changed: {_some(changed)}.")


def _entries(data: bytes, where: str, wanted: Callable[[str], bool], found: _Findings) -> dict[str, str]:
    """The lines of a manifest; stops when it is unreadable, names a file twice, or names one outside the bundle."""
    entries: dict[str, str] = {}
    try:
        for name, digest in bag.parsed(data):
            if not wanted(name):
                raise ValueError(f"it names {name[:100]!a}, which does not belong in it")
            if name in entries:
                raise ValueError(f"it names {name} twice")
            entries[name] = digest
    except ValueError as e:  # UnicodeDecodeError is one
        found.need(where, False, "", f"the manifest is damaged: {e}.")
    return entries


def _some(names: list[str], most: int = 5) -> str:
    text = ", ".join(n if bag.plain_name(n) else ascii(n[:100]) for n in names[:most])
    return text + (f" and {len(names) - most} more" if len(names) > most else "")
