"""Keyed tokens: equal for equal values of one kind, and for nothing else."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import StoreError
from stillwatch.sources.tokens import KEY_FILE, Tokens, context_of, packed_address

KEY = bytes(range(32))


def test_a_token_is_a_keyed_hash_with_its_context() -> None:
    want = hmac.new(KEY, b"payment|v1|card-1", hashlib.sha256).hexdigest()[:24]
    assert Tokens(KEY).of("payment", "card-1") == want
    assert want not in (
        hashlib.sha256(b"card-1").hexdigest()[:24],
        hashlib.sha256(b"payment|v1|card-1").hexdigest()[:24],
    )


@given(st.text(min_size=1), st.text(min_size=1))
def test_equality_is_kept_and_kinds_stay_apart(a: str, b: str) -> None:
    tokens, again, other = Tokens(KEY), Tokens(KEY), Tokens(KEY[::-1])
    assert (tokens.of("device", a) == tokens.of("device", b)) == (a == b)
    assert tokens.of("device", a) == again.of("device", a)
    assert tokens.of("device", a) != tokens.of("phone", a)
    assert tokens.of("device", a) != other.of("device", a)


def test_addresses_are_equal_however_they_are_written() -> None:
    tokens = Tokens(KEY)
    assert tokens.of("ip", "203.0.113.9") == tokens.of("ip", " 203.0.113.9 ") == tokens.of("ip", "::ffff:203.0.113.9")
    assert (
        tokens.of("ip", "2001:db8::1") == tokens.of("ip", "2001:DB8:0:0:0:0:0:1") == tokens.of("ip", "2001:db8::1%eth0")
    )
    assert tokens.of(context_of("ip"), "203.0.113.9") == tokens.of(context_of("signup_ip"), "203.0.113.9")
    assert context_of("Payment ") == "payment"


def test_subnets() -> None:
    tokens = Tokens(KEY)
    assert tokens.subnet("203.0.113.9") == tokens.subnet("203.0.113.250") != tokens.subnet("203.0.114.9")
    assert tokens.subnet("2001:db8:7:1::1") == tokens.subnet("2001:db8:7:ffff::9") != tokens.subnet("2001:db8:8::1")
    for no_address in ("tok_81af", "203.0.113", "203.0.113.256", "", "1.2.3.4:80", "a\0b", "g::1"):
        assert tokens.subnet(no_address) is None


@given(st.ip_addresses())
def test_packed_addresses_agree_with_the_standard_library(address: object) -> None:
    packed = address.packed  # type: ignore[attr-defined]
    mapped = getattr(address, "ipv4_mapped", None)
    assert packed_address(str(address)) == (mapped.packed if mapped else packed)


def test_columns_keep_nulls_and_order() -> None:
    tokens = Tokens(KEY)
    got = tokens.column("device", pa.chunked_array([["a", None], ["b", "a"]])).to_pylist()
    assert got == [tokens.of("device", "a"), None, tokens.of("device", "b"), tokens.of("device", "a")]
    pairs = tokens.identifier_column(pa.array(["device", "ip", None]), pa.array(["a", "203.0.113.9", "x"])).to_pylist()
    assert pairs == [tokens.of("device", "a"), tokens.of("ip", "203.0.113.9"), None]


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first, second = Tokens.open(tmp_path / "keys"), Tokens.open(tmp_path / "keys")
    assert first.of("a", "b") == second.of("a", "b")
    assert (tmp_path / "keys" / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert first.of("a", "b") != Tokens.open(tmp_path / "others").of("a", "b")
    assert [p.name for p in (tmp_path / "keys").iterdir()] == [KEY_FILE]


def test_two_processes_that_make_the_key_agree(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from stillwatch.sources.tokens import Tokens;"
        "print(Tokens.open(Path(sys.argv[1])).key_id)"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "k")], stdout=subprocess.PIPE) for _ in range(3)
    ]
    ids = {run.communicate()[0] for run in runs}
    assert len(ids) == 1
    assert Tokens.open(tmp_path / "k").key_id == ids.pop().decode().strip()


def test_another_key_is_refused(tmp_path: Path) -> None:
    key_id = Tokens.open(tmp_path).key_id
    assert Tokens.open(tmp_path, key_id).key_id == key_id
    with pytest.raises(StoreError, match="was made with 00000000"):
        Tokens.open(tmp_path, "00000000")
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(StoreError, match="chmod 600"):
        Tokens.open(tmp_path, key_id)
    (tmp_path / KEY_FILE).chmod(0o600)
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(StoreError, match="damaged"):
        Tokens.open(tmp_path, key_id)
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(StoreError, match="gone"):
        Tokens.open(tmp_path, key_id)
    assert not (tmp_path / KEY_FILE).exists()
