"""Who made it: Ed25519 keys and the signature over a bundle.

The signature is a DSSE v1 envelope around an in-toto Statement v1 whose one subject is the digest of the bag's
``tagmanifest-sha256.txt``; that file fixes every other byte. Nothing here needs a network or a clock.
(DSSE: secure-systems-lab/dsse protocol v1.0; in-toto attestation framework v1; RFC 8032 for Ed25519.)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from stillwatch.errors import InputError, StoreError

KEY_FILE = "evidence-signing.pem"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:stillwatch:evidence-bundle:v1"


def signing_key(keys: Path) -> Ed25519PrivateKey:
    """The private key of this home; made at first use, readable by its owner only.

    Raises StoreError when the file is damaged or open to others.
    """
    path = keys / KEY_FILE
    if not path.exists():
        _make_key(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise StoreError(f"{path} can be read by others (mode {mode:04o}); run `chmod 600` on it, or make a new key.")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise StoreError(f"{path} is not a readable private key ({e}); restore it from the backup of the keys.") from e
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{path} holds another kind of key; want Ed25519.")
    return key


def _make_key(path: Path) -> None:
    """Write a new key. Two processes may try at once: the first one to link its file wins, the other uses that one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as f:
            f.write(pem)
            f.flush()
            os.fsync(f.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)


def public_pem(key: Ed25519PrivateKey | Ed25519PublicKey) -> bytes:
    """The public half as PEM (SubjectPublicKeyInfo)."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_public(pem: bytes, where: str) -> Ed25519PublicKey:
    """A public key from PEM; InputError that names ``where`` when it is none."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError(f"{where} is not a public key; want the PEM file that begins with BEGIN PUBLIC KEY.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{where} holds another kind of key; want Ed25519.")
    return key


def fingerprint(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """SHA-256 of the 32 raw bytes of the public key, in hex: short enough to be read out on the telephone."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def spoken(print_: str) -> str:
    """A fingerprint in groups of four, as one reads it out."""
    return " ".join(print_[i : i + 4] for i in range(0, len(print_), 4))


def statement(subject: str, sha256: str, predicate: dict[str, Any]) -> bytes:
    """in-toto Statement v1 over one file."""
    return json.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": subject, "digest": {"sha256": sha256}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        },
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _pae(kind: str, body: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)


def envelope(body: bytes, key: Ed25519PrivateKey) -> bytes:
    """The signed DSSE envelope, as JSON."""
    signed = {
        "payload": base64.b64encode(body).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": fingerprint(key), "sig": base64.b64encode(key.sign(_pae(PAYLOAD_TYPE, body))).decode()}
        ],
    }
    return (json.dumps(signed, indent=1, sort_keys=True) + "\n").encode()


def opened(data: bytes, key: Ed25519PublicKey) -> dict[str, Any] | str:
    """The statement inside an envelope if one of its signatures was made with ``key``; else what is wrong, in words.

    The key id in the envelope is a hint by whoever wrote it and is not looked at. The bytes that were checked are
    the bytes that are parsed.
    """
    try:
        outer = json.loads(data)
        body = base64.b64decode(outer["payload"], validate=True)
        kind = outer["payloadType"]
        signatures = [base64.b64decode(s["sig"], validate=True) for s in outer["signatures"]]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return "the envelope is not a DSSE envelope"
    if kind != PAYLOAD_TYPE:
        return f"the envelope holds something other than {PAYLOAD_TYPE}"
    if not any(_fits(key, s, _pae(kind, body)) for s in signatures[:16]):
        return "no signature in it was made with this key"
    try:
        inner = json.loads(body)
    except (ValueError, RecursionError):
        return "the signed statement is not JSON"
    if (
        not isinstance(inner, dict)
        or inner.get("_type") != STATEMENT_TYPE
        or inner.get("predicateType") != PREDICATE_TYPE
        or not isinstance(inner.get("predicate"), dict)
    ):
        return "the signed statement is of another type"
    return inner


def _fits(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
