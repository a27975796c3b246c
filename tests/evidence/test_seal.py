"""Keys and the signature envelope."""

from __future__ import annotations

import base64
import json
import multiprocessing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from stillwatch.errors import InputError, StoreError
from stillwatch.evidence import seal


def _fingerprint(keys: str) -> str:
    return seal.fingerprint(seal.signing_key(Path(keys)))


def test_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    first = seal.fingerprint(seal.signing_key(keys))
    assert seal.fingerprint(seal.signing_key(keys)) == first
    assert [p.name for p in keys.iterdir()] == [seal.KEY_FILE]
    assert (keys / seal.KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert keys.stat().st_mode & 0o777 == 0o700


def test_processes_that_start_together_use_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        found = pool.map(_fingerprint, [str(tmp_path / "keys")] * 12)
    assert len(set(found)) == 1


def test_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    seal.signing_key(tmp_path)
    (tmp_path / seal.KEY_FILE).chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        seal.signing_key(tmp_path)


def test_damaged_key_and_key_of_another_kind_are_said_plainly(tmp_path: Path) -> None:
    path = tmp_path / seal.KEY_FILE
    path.write_text("garbage")
    path.chmod(0o600)
    with pytest.raises(StoreError, match="backup"):
        seal.signing_key(tmp_path)
    other = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(StoreError, match="Ed25519"):
        seal.signing_key(tmp_path)
    pem = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(InputError, match="Ed25519"):
        seal.read_public(pem, "x.pem")


def test_encoding_before_signing_is_that_of_the_standard() -> None:
    """The example of the DSSE protocol document (secure-systems-lab/dsse, protocol.md)."""
    assert seal._pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_round_trip_and_every_changed_byte_of_the_envelope(key: Ed25519PrivateKey) -> None:
    body = seal.statement("x", "00" * 32, {"bundle_id": "B-1"})
    whole = seal.envelope(body, key)
    opened = seal.opened(whole, key.public_key())
    assert isinstance(opened, dict)
    assert opened["predicate"] == {"bundle_id": "B-1"}
    outer = json.loads(whole)
    for field in ("payload", "sig"):
        holder = outer if field == "payload" else outer["signatures"][0]
        raw = bytearray(base64.b64decode(holder[field]))
        for i in range(0, len(raw), 7):
            raw[i] ^= 1
            changed = {**outer, "signatures": [dict(outer["signatures"][0])]}
            (changed if field == "payload" else changed["signatures"][0])[field] = base64.b64encode(raw).decode()
            assert isinstance(seal.opened(json.dumps(changed).encode(), key.public_key()), str)
            raw[i] ^= 1


def test_the_key_id_in_an_envelope_is_not_believed(key: Ed25519PrivateKey) -> None:
    forged = json.loads(seal.envelope(seal.statement("x", "00" * 32, {}), Ed25519PrivateKey.generate()))
    forged["signatures"][0]["keyid"] = seal.fingerprint(key)
    assert seal.opened(json.dumps(forged).encode(), key.public_key()) == "no signature in it was made with this key"


def test_a_second_signature_may_stand_beside_the_first(key: Ed25519PrivateKey) -> None:
    body = seal.statement("x", "00" * 32, {})
    two = json.loads(seal.envelope(body, Ed25519PrivateKey.generate()))
    two["signatures"] += json.loads(seal.envelope(body, key))["signatures"]
    assert isinstance(seal.opened(json.dumps(two).encode(), key.public_key()), dict)


def test_a_signed_text_of_another_type_is_refused(key: Ed25519PrivateKey) -> None:
    other = json.dumps({"_type": "https://in-toto.io/Statement/v1", "predicateType": "other", "predicate": {}}).encode()
    assert seal.opened(seal.envelope(other, key), key.public_key()) == "the signed statement is of another type"
