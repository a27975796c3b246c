"""Keyed tokens: what an identifier becomes at the door.

HMAC-SHA-256 with a key that stays in the home's ``keys`` folder, one context string per kind of value, so that values
of different kinds cannot be joined by accident and nobody without the key can list e-mail addresses or IPv4 space
until one fits (EDPB Guidelines 01/2025: a keyed one-way function, the key kept apart from the data). Equality is all
that detection needs, so 96 bits of the digest, as 24 hexadecimal characters, are kept.
"""

from __future__ import annotations

import hmac
import os
import secrets
import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import StoreError

KEY_FILE = "tokens.key"
_KEY_BYTES = 32
_HEX = 24
ADDRESS_KINDS = frozenset({"ip", "signup_ip"})
"""Identifier kinds that are network addresses: one context with ``requests.ip``, so that equal addresses are equal."""


def context_of(identifier_kind: str) -> str:
    """Context string of an identifier kind."""
    kind = identifier_kind.strip().lower()
    return "ip" if kind in ADDRESS_KINDS else kind


class Tokens:
    """Makes tokens with one key; remembers what it made, because values repeat."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, dict[str, str]] = {}
        self._subnets: dict[str, str | None] = {}

    @classmethod
    def open(cls, keys: Path, expected_id: str | None = None) -> Tokens:
        """Tokens with the key of this home; the key is made once (32 random bytes, readable by its owner only).

        ``expected_id``: the key the warehouse was made with. ``StoreError`` when the key is another one, is lost or
        is damaged: tokens of two keys never match, so data would silently fall apart.
        """
        file = keys / KEY_FILE
        cure = f"put the original {KEY_FILE} back into {keys}, or import into a new home."
        try:
            if file.stat().st_mode & 0o077:
                raise StoreError(f"the token key {file} can be read by others; run: chmod 600 {file}")
            key = file.read_bytes()
        except FileNotFoundError:
            if expected_id is not None:
                raise StoreError(f"the token key of this warehouse ({expected_id}) is gone; {cure}") from None
            key = _make_key(file)
        except OSError as e:
            raise StoreError(f"the token key {file} cannot be read ({e.strerror}); {cure}") from e
        if len(key) != _KEY_BYTES:
            raise StoreError(f"the token key {file} is damaged ({len(key)} bytes, want {_KEY_BYTES}); {cure}")
        tokens = cls(key)
        if expected_id is not None and tokens.key_id != expected_id:
            raise StoreError(f"the token key is {tokens.key_id}, the warehouse was made with {expected_id}; {cure}")
        return tokens

    @property
    def key_id(self) -> str:
        """Public name of the key: tells keys apart, tells nothing about them."""
        return hmac.digest(self._key, b"key-id|v1", "sha256").hex()[:8]

    def derived_key(self, purpose: str) -> bytes:
        """A key of 32 bytes for one other keyed function, e.g. the phrase sketch."""
        return hmac.digest(self._key, b"derive|v1|" + purpose.encode(), "sha256")

    def of(self, context: str, value: str) -> str:
        """Token of one value in one context."""
        known = self._known.setdefault(context, {})
        token = known.get(value)
        if token is None:
            if context == "ip":
                packed = packed_address(value)
                text = value.strip().encode() if packed is None else packed
            else:
                text = value.encode()
            token = hmac.digest(self._key, context.encode() + b"|v1|" + text, "sha256").hex()[:_HEX]
            known[value] = token
        return token

    def subnet(self, value: str) -> str | None:
        """Token of the /24 (IPv4) or /48 (IPv6) of an address; null when the value is not an address."""
        if value in self._subnets:
            return self._subnets[value]
        packed = packed_address(value)
        token = None if packed is None else self.of("subnet", (packed[:3] if len(packed) == 4 else packed[:6]).hex())
        self._subnets[value] = token
        return token

    def column(self, context: str, values: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Tokens of a string column; null stays null."""
        distinct, places = _distinct(values)
        return pa.array([self.of(context, v) for v in distinct], pa.string()).take(places)

    def address_columns(self, values: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
        """Tokens of a string column of addresses, and of their subnets."""
        distinct, places = _distinct(values)
        addresses = pa.array([self.of("ip", v) for v in distinct], pa.string())
        return addresses.take(places), pa.array([self.subnet(v) for v in distinct], pa.string()).take(places)

    def identifier_column(self, kinds: pa.Array, values: pa.Array) -> pa.Array:
        """Tokens of ``identifiers.value``, each in the context of its kind."""
        pairs = zip(kinds.to_pylist(), values.to_pylist(), strict=True)
        made = [None if v is None or k is None else self.of(context_of(k), v) for k, v in pairs]
        return pa.array(made, pa.string())


def packed_address(value: str) -> bytes | None:
    """The 4 or 16 bytes of an IP address (an IPv4-mapped IPv6 address is its IPv4 address), else null."""
    text = value.strip()
    try:
        if ":" not in text:
            return socket.inet_pton(socket.AF_INET, text)
        packed = socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):
        return None
    return packed[12:] if packed.startswith(b"\0" * 10 + b"\xff\xff") else packed


def _distinct(values: pa.Array | pa.ChunkedArray) -> tuple[list[str], pa.Array]:
    """Distinct values of a column, and for each row the place of its value (null for null)."""
    coded = pc.dictionary_encode(values)
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    return coded.dictionary.to_pylist(), coded.indices


def _make_key(file: Path) -> bytes:
    key = secrets.token_bytes(_KEY_BYTES)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(key)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)  # fails when another process was first: then its key counts
        except FileExistsError:
            key = file.read_bytes()
        draft.unlink()
    except OSError as e:
        raise StoreError(f"the token key {file} cannot be written ({e.strerror}); check the folder's rights.") from e
    return key
