"""What a level of redaction leaves out is really gone from every file of the bundle."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from made_case import HOSTILE, case_file

from stillwatch.errors import InputError, StoreError
from stillwatch.evidence.casefile import CaseFile, conform
from stillwatch.evidence.payload import sealed
from stillwatch.evidence.redaction import KEY_FILE, LEVELS, audience_key, level, redacted


def pseudonymous(key: bytes = b"k" * 32, **changes: object) -> CaseFile:
    return redacted(case_file(redaction="pseudonymous", audience="police", **changes), key)


def files_of(case: CaseFile, key: Ed25519PrivateKey) -> dict[str, bytes]:
    return dict(sealed(case, key).files)


def test_no_id_name_or_written_word_survives_in_any_file(key: Ed25519PrivateKey) -> None:
    full = case_file()
    secrets = set(full.tables["accounts"]["account_id"].to_pylist())
    secrets |= set(full.tables["accounts"]["org_id"].to_pylist())
    secrets |= set(full.tables["links"]["value"].to_pylist())
    secrets |= {"grace", "want to see the billing records", "a customer whose key was stolen", "Card series 41"}
    secrets |= {"Billing confirms the card series", "export-2026-11", "ab" * 32}
    for name, data in files_of(pseudonymous(), key).items():
        if name.endswith(".parquet"):
            data = pd.read_parquet(io.BytesIO(data)).to_csv().encode()
        found = [s[:60] for s in secrets if s.encode() in data]
        assert not found, (name, found[:3])


def test_the_full_copy_has_the_ids_and_names_prompt_text_as_left_out(case: CaseFile) -> None:
    assert set(HOSTILE) <= set(case.tables["accounts"]["account_id"].to_pylist())
    assert case.tables["labels"]["labeler"].to_pylist() == ["ada", "ada", "grace"]
    assert case.left_out == LEVELS["full"]
    assert "prompt" in case.left_out[0]


def test_one_account_has_one_pseudonym_in_every_table() -> None:
    case, full = pseudonymous(), case_file()
    real = full.tables["accounts"]["account_id"].to_pylist()
    false = case.tables["accounts"]["account_id"].to_pylist()
    names = dict(zip(real, false, strict=True))
    assert len(set(false)) == len(real)
    assert [names[a] for a in full.tables["links"]["account_id"].to_pylist()] == (
        case.tables["links"]["account_id"].to_pylist()
    )
    assert case.tables["labels"]["target_id"].to_pylist()[2] == names[HOSTILE[0]]
    nodes = dict(zip(full.nodes["node_id"].to_pylist(), case.nodes["node_id"].to_pylist(), strict=True))
    assert all(nodes[a] == names[a] for a in real)
    values = dict(
        zip(full.tables["links"]["value"].to_pylist(), case.tables["links"]["value"].to_pylist(), strict=True)
    )
    assert all(nodes[f"payment:{v}"] == f"payment:{n}" for v, n in values.items() if f"payment:{v}" in nodes)


def test_figures_and_links_stay_what_they_are() -> None:
    case, full = pseudonymous(), case_file()
    for table, columns in {
        "accounts": ["score", "requests", "cluster_id", "last_seen"],
        "links": ["bits", "sharers", "kind"],
        "reasons": ["bits", "p_value", "accounts"],
    }.items():
        assert case.tables[table].select(columns).equals(full.tables[table].select(columns))
    days = case.frame("accounts")["created_at"]
    assert (days == days.dt.floor("D")).all()


def test_two_audiences_cannot_join_their_copies(tmp_path: Path) -> None:
    police, vendor = audience_key(tmp_path, "police"), audience_key(tmp_path, "vendor")
    ours = set(pseudonymous(police).tables["accounts"]["account_id"].to_pylist())
    theirs = set(pseudonymous(vendor).tables["accounts"]["account_id"].to_pylist())
    assert not ours & theirs
    again = set(pseudonymous(audience_key(tmp_path, " Police")).tables["accounts"]["account_id"].to_pylist())
    assert again == ours


def test_ids_inside_sentences_are_replaced_and_numbers_are_not(key: Ed25519PrivateKey) -> None:
    full = case_file()
    account = full.tables["accounts"]["account_id"][0].as_py()
    reasons = full.frame("reasons")
    reasons.loc[0, "text"] = f"12 cards, first seen on ({account}), account {account}: see {HOSTILE[6]}"
    accounts = full.frame("accounts")
    accounts.loc[1, "account_id"] = "12"
    tables = {
        **full.tables,
        "reasons": conform("reasons", reasons),
        "accounts": conform("accounts", accounts),
    }
    case = redacted(replace(full, redaction="pseudonymous", tables=tables), b"k" * 32)
    text = case.tables["reasons"]["text"][0].as_py()
    assert text.startswith("12 cards, first seen on (acct-")
    assert account not in text
    assert HOSTILE[6] not in text
    assert case.tables["accounts"]["account_id"][1].as_py().startswith("acct-")


def test_secret_of_the_audiences_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    audience_key(tmp_path / "keys", "police")
    path = tmp_path / "keys" / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(StoreError, match="chmod 600"):
        audience_key(tmp_path / "keys", "police")
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(StoreError, match="backup"):
        audience_key(tmp_path / "keys", "police")


def test_an_unknown_level_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="full, pseudonymous"):
        level("secret")
