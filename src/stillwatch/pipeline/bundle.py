"""Evidence bundles: make one of a campaign, hand one out, check one.

``verify`` needs neither the stores nor the engine; everything that does is imported where it is used, so that a
recipient's machine starts it in a moment.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from stillwatch.config import Settings
from stillwatch.domain import Progress, no_progress
from stillwatch.errors import BundleInvalid, InputError, StoreError, UnknownTarget
from stillwatch.evidence import archive, bag, seal
from stillwatch.evidence.verify import Check, Verification, verify

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from stillwatch.cases.store import CaseStore
    from stillwatch.evidence.payload import Sealed

__all__ = [
    "Check",
    "Download",
    "ExportedBundle",
    "Verification",
    "as_zip",
    "download",
    "export",
    "public_key",
    "verify",
]


_DRAFT = re.compile(r"\.draft-B-\d+-[0-9a-f]{8}(\.pem|\.zip)?")


@dataclass(frozen=True)
class ExportedBundle:
    """A bundle that was written and put on record."""

    path: Path
    """Its folder, or its .zip."""
    bundle_id: str
    sha256: str
    """Of the tag manifest, which fixes every byte."""
    fingerprint: str
    """Of the key that sealed it; tell it to the recipient by another way."""
    public_key: Path
    """The public key beside the bundle."""
    campaign_id: str
    run_id: str
    tlp: str
    redaction: str
    files: int
    bytes: int
    left_out: tuple[str, ...]
    gaps: tuple[str, ...]


@dataclass(frozen=True)
class Download:
    """One .zip for a browser."""

    name: str
    data: bytes
    sha256: str
    """Of the bundle inside (its tag manifest)."""


def export(
    settings: Settings,
    campaign_id: str,
    out: Path | None = None,
    *,
    by: str,
    tlp: str = "amber+strict",
    redaction: str = "full",
    audience: str = "recipient",
    reason: str | None = None,
    at: datetime | None = None,
    progress: Progress = no_progress,
) -> ExportedBundle:
    """Write the bundle of a campaign and put it on record, with its first custody entry.

    ``out``: the bundle's own folder, which must be new or empty, or a file name that ends in ``.zip``; default: a
    folder in the home's ``bundles``. It appears in one step, whole and already verified, or not at all.
    ``audience``: for whom pseudonyms are made (``pseudonymous`` only). ``at``: naive UTC, default now; the same run,
    case file and time give the same bytes.

    Raises InputError (a word that is none, a folder that is taken), UnknownTarget (no such campaign), NothingYet (no
    run), StoreError (a store or the key is damaged).
    """
    from stillwatch.cases.store import CaseStore
    from stillwatch.evidence.payload import sealed
    from stillwatch.evidence.redaction import audience_key, level, redacted
    from stillwatch.evidence.wording import tlp as tlp_word
    from stillwatch.pipeline.casefile import case_file

    tlp, redaction = tlp_word(tlp), level(redaction)
    if out is not None:
        _must_be_free(out)
    at = at or datetime.now(UTC).replace(tzinfo=None)
    progress("reading the case", 0.05)
    with CaseStore.open(settings) as store:
        key = signing_key(settings, store)
        store.campaign(campaign_id)  # an unknown campaign must not use up a bundle id
        bundle_id = store.reserve_id("B", by)
        pseudonymous = redaction == "pseudonymous"
        case = case_file(
            settings, store, campaign_id, bundle_id=bundle_id, by=by, at=at, tlp=tlp, redaction=redaction,
            audience=audience if pseudonymous else "",
        )  # fmt: skip
        case = redacted(case, audience_key(settings.keys, audience) if pseudonymous else None)
        progress("writing the report and the tables", 0.3)
        made = sealed(case, key)
        target = out or settings.bundles / bundle_id
        progress("sealing and checking", 0.8)
        _publish(made, target, bundle_id, at, seal.public_pem(key))
        try:
            store.record_bundle(
                campaign_id,
                str(target.resolve()),
                made.sha256,
                by,
                reason or f"evidence of {campaign_id}, {tlp}, {redaction} copy",
                bundle_id=bundle_id,
                run_id=case.provenance.run_id,
                details={
                    "tlp": tlp, "redaction": redaction, "audience": case.audience, "fingerprint": made.fingerprint,
                    "files": len(made.files), "bytes": sum(map(len, made.files.values())),
                },
            )  # fmt: skip
        except BaseException:
            _remove(target)  # what is not on record must not be handed out
            raise
    return ExportedBundle(
        path=target,
        bundle_id=bundle_id,
        sha256=made.sha256,
        fingerprint=made.fingerprint,
        public_key=_key_beside(target),
        campaign_id=campaign_id,
        run_id=case.provenance.run_id,
        tlp=tlp,
        redaction=redaction,
        files=len(made.files),
        bytes=sum(map(len, made.files.values())),
        left_out=case.left_out,
        gaps=case.gaps,
    )


def public_key(settings: Settings) -> tuple[bytes, str]:
    """The public key of this home as PEM, and its fingerprint: to be given to recipients once, by a way of its own."""
    from stillwatch.cases.store import CaseStore

    with CaseStore.open(settings) as store:
        key = signing_key(settings, store)
    return seal.public_pem(key), seal.fingerprint(key)


def signing_key(settings: Settings, store: CaseStore) -> Ed25519PrivateKey:
    """The private key of this home, made for its first bundle. A key that sealed bundles is never replaced silently.

    Raises StoreError when it is gone, damaged or open to others.
    """
    path = settings.keys / seal.KEY_FILE
    if not path.exists() and not (before := store.bundles()).empty:
        place = shlex.quote(str(path))
        raise StoreError(
            f"the signing key {path} is gone; bundles on record were sealed with it ({len(before)}). Restore it from "
            "the backup of the keys. Or start with a new one on purpose, and tell every recipient its fingerprint: "
            f"openssl genpkey -algorithm ed25519 -out {place} && chmod 600 {place}"
        )
    return seal.signing_key(settings.keys)


def as_zip(folder: Path) -> bytes:
    """One .zip of a bundle folder, dated as the bundle is; the same bytes each time.

    Raises BundleInvalid when the folder does not verify: a damaged bundle is not handed on.
    """
    found = verify(folder)
    if not found.ok:
        wrong = next(c for c in found.checks if not c.ok)
        raise BundleInvalid(f"bundle {folder} does not verify ({wrong.name}: {wrong.detail}); export it anew.")
    tree = archive.folder_tree(folder)
    made = datetime.fromisoformat(str(found.statement["created_at"]).removesuffix("Z"))
    files = {name: b"".join(tree.blocks(name)) for name in tree.sizes}
    return archive.zip_files(_plain(found.bundle_id or folder.name), files, made)


def download(settings: Settings, bundle_id: str, *, by: str) -> Download:
    """A bundle that is on record, as one .zip; the copy goes into the custody log.

    Raises UnknownTarget (no such bundle, or its folder is gone), BundleInvalid (it is not the one on record any more).
    """
    from stillwatch.cases.store import CaseStore

    with CaseStore.open(settings) as store:
        bundles = store.bundles()
        known = bundles[bundles["bundle_id"] == bundle_id]
        if known.empty:
            raise UnknownTarget(f"there is no bundle {bundle_id[:60]!a}; the Evidence page lists them.")
        place, sha256 = Path(known.iloc[0]["path"]), str(known.iloc[0]["sha256"])
        if not place.exists():
            raise UnknownTarget(f"bundle {bundle_id} is no longer at {place}; export the campaign again.")
        data = place.read_bytes() if place.is_file() else as_zip(place)
        found = verify(place)
        if not found.ok or found.sha256 != sha256:
            raise BundleInvalid(f"what lies at {place} is not bundle {bundle_id} as it was made; export it anew.")
        store.record_custody(bundle_id, "downloaded", by, method="zip, web page", sha256=sha256)
    return Download(f"{_plain(bundle_id)}.zip", data, sha256)


def _must_be_free(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError(f"{out} exists already; name a new folder (or a new .zip) for the bundle.")
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out} is not empty; name a new folder for the bundle, nothing is ever overwritten.")


def _publish(made: Sealed, target: Path, bundle_id: str, at: datetime, public: bytes) -> None:
    """Write into a hidden draft beside the target, check it as a recipient would, then rename it into place."""
    draft = target.parent / f".draft-{bundle_id}-{uuid.uuid4().hex[:8]}"
    key = _key_beside(target)
    key_draft = draft.with_name(draft.name + ".pem")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        draft.mkdir()
        bag.write(draft, made.files, at)
        key_draft.write_bytes(public)
        _check(draft, key_draft)
        if target.suffix == ".zip":
            packed = draft.with_name(draft.name + ".zip")
            packed.write_bytes(archive.zip_files(bundle_id, made.files, at))
            _check(packed, key_draft)
            _must_be_free(target)
            os.replace(packed, target)
        else:
            os.rename(draft, target)  # fails when somebody has put files there meanwhile; replaces an empty folder
        os.replace(key_draft, key)
    except OSError as e:
        raise StoreError(
            f"the bundle could not be written to {target} ({e.strerror or e}); nothing was left there."
        ) from e
    finally:
        for rest in (draft, key_draft, draft.with_name(draft.name + ".zip")):
            _remove(rest)


def _sweep(folder: Path) -> None:
    """Remove what a killed export left beside the target more than a day ago."""
    for rest in folder.glob(".draft-B-*"):
        with suppress(OSError):
            if _DRAFT.fullmatch(rest.name) and time.time() - rest.stat().st_mtime > 86_400:
                _remove(rest)


def _check(place: Path, key: Path) -> None:
    """Our own check, and for a folder that of the Library of Congress' reader."""
    import bagit

    found = verify(place, key)
    if not found.origin_proven:
        raise StoreError("; ".join(f"{c.name}: {c.detail}" for c in found.checks if not c.ok))
    if place.is_dir():
        try:
            bagit.Bag(str(place)).validate()
        except bagit.BagError as e:
            raise StoreError(f"the bundle that was just written is not a valid bag ({e}); is the disk full?") from e


def _key_beside(target: Path) -> Path:
    return target.with_name(f"{target.name.removesuffix('.zip')}.public-key.pem")


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:60] or "bundle"


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        with suppress(OSError):
            place.unlink()
