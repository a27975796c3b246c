"""From a campaign in the case file to a bundle on record, and back to its check."""

from __future__ import annotations

import csv
import json
import os
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from made_case import HOSTILE, MANIFEST, RUN_ID, run_tables

from stillwatch.cases.store import CaseStore
from stillwatch.config import Settings
from stillwatch.errors import BundleInvalid, InputError, NothingYet, StillwatchError, StoreError, UnknownTarget
from stillwatch.pipeline import bundle as bundles
from stillwatch.pipeline.doctor import examine
from stillwatch.warehouse import runs

AT = datetime(2026, 11, 23, 9, 30)


@pytest.fixture
def campaign(home: Settings) -> str:
    with CaseStore.open(home) as store:
        made = store.create_campaign(
            "Card series", ["C-aaaaaa", "C-bbbbbb"], "ada", "one card series", account_ids=[HOSTILE[0]]
        )
        store.add_label("cluster", "C-aaaaaa", "distillation", "one card series, one template", "ada")
        store.add_label("account", HOSTILE[1], "benign", "=HYPERLINK(stolen key)", "grace")
        store.add_note(made, "billing confirms", "grace")
        store.set_status(made, "confirmed", "grace", "second review agrees")
        store.record_reveal("cluster", "C-aaaaaa", 12, "ada", "wanted to see the wording")
    return made


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / "data" / "tables" / f"{table}.csv").open(newline="") as f:
        return list(csv.DictReader(f))


def test_export_writes_records_and_verifies(home: Settings, campaign: str, tmp_path: Path) -> None:
    out = tmp_path / "for legal"
    made = bundles.export(home, campaign, out, by="ada")
    assert made.path == out
    assert made.bundle_id == "B-0001"
    found = bundles.verify(out, made.public_key)
    assert found.ok
    assert found.origin_proven
    assert (found.bundle_id, found.sha256, found.fingerprint) == (made.bundle_id, made.sha256, made.fingerprint)
    assert found.statement["campaign_id"] == campaign
    assert sorted(p.name for p in tmp_path.iterdir()) == ["for legal", "for legal.public-key.pem", "home"]
    with CaseStore.open(home) as store:
        (kept,) = store.bundles().to_dict("records")
        (held,) = store.custody("B-0001").to_dict("records")
        assert store.verify_chain() == (True, None)
    assert (kept["sha256"], kept["path"], kept["run_id"]) == (made.sha256, str(out), RUN_ID)
    assert (held["action"], held["by"], held["sha256"]) == ("made", "ada", made.sha256)


def test_what_the_case_file_knows_is_in_the_tables(home: Settings, campaign: str, tmp_path: Path) -> None:
    folder = bundles.export(home, campaign, tmp_path / "b", by="ada").path
    assert len(rows(folder, "accounts")) == 160
    labels = {r["target_id"]: (r["label"], r["reason"]) for r in rows(folder, "labels")}
    assert labels["C-aaaaaa"] == ("distillation", "one card series, one template")
    assert labels["'" + HOSTILE[1]] == ("benign", "'=HYPERLINK(stolen key)")
    decisions = [(r["person"], r["action"], r["detail"]) for r in rows(folder, "decisions")]
    assert ("grace", "status", "confirmed") in decisions
    assert ("grace", "note", "billing confirms") in decisions
    custody = [(r["action"], r["item"]) for r in rows(folder, "custody")]
    assert custody == [
        ("computed", f"run {RUN_ID}"),
        ("looked at prompt text", "cluster C-aaaaaa"),
        ("exported", "B-0001"),
    ]
    how = json.loads((folder / "data" / "how-it-was-made.json").read_text())
    assert how["run"]["table_versions"] == MANIFEST["table_versions"]
    assert how["run"]["parameters"] == MANIFEST["parameters"]
    with CaseStore.open(home) as store:
        audit = store.audit(None)
    assert how["audit_log_head"] in set(audit["hash"])


def test_timeline_notes_are_told_and_left_out_for_others(home: Settings, campaign: str, tmp_path: Path) -> None:
    with CaseStore.open(home) as store:
        store.annotate("C-aaaaaa", "mails <b>name</b> Kestrel", "grace", datetime(2026, 11, 1, 6), AT)
        gone = store.annotate("C-bbbbbb", "power cut", "grace", AT)
        store.take_back_annotation(gone, "ada", "wrong country")
    folder = bundles.export(home, campaign, tmp_path / "b", by="ada").path
    told = [(r["action"], r["target"], r["detail"], r["reason"]) for r in rows(folder, "decisions")][-3:]
    assert told == [
        ("timeline note", "C-aaaaaa", "N-0001, 2026-11-01 06:00 to 2026-11-23 09:30 UTC: mails <b>name</b> Kestrel",
         ""),
        ("timeline note", "C-bbbbbb", "N-0002, 2026-11-23 09:30 UTC: power cut", ""),
        ("timeline note taken back", "C-bbbbbb", "N-0002", "wrong country"),
    ]  # fmt: skip
    report = (folder / "data" / "report.html").read_text()
    assert "cluster C-aaaaaa: mails &lt;b&gt;name&lt;/b&gt; Kestrel" in report
    assert "cluster C-bbbbbb: power cut" not in report  # only its line in the table of decisions
    others = bundles.export(home, campaign, tmp_path / "o", by="ada", redaction="pseudonymous", audience="cert").path
    for file in others.rglob("*"):
        text = file.read_bytes() if file.is_file() else b""
        assert not any(word in text for word in (b"Kestrel", b"power cut", b"wrong country")), file


def test_the_same_case_and_time_give_the_same_bytes(home: Settings, campaign: str, tmp_path: Path) -> None:
    """Only the id and what the log says of the first export differ, so both are made from one state of the case."""
    from stillwatch.evidence import seal
    from stillwatch.evidence.payload import sealed
    from stillwatch.evidence.redaction import redacted
    from stillwatch.pipeline.casefile import case_file

    def once() -> dict[str, bytes]:
        with CaseStore.open(home) as store:
            case = case_file(home, store, campaign, bundle_id="B-7", by="ada", at=AT, tlp="green", redaction="full")
        return dict(sealed(redacted(case, None), seal.signing_key(home.keys)).files)

    assert once() == once()


def test_nothing_is_ever_overwritten(home: Settings, campaign: str, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("years of work")
    for out in (taken, taken / "thesis.txt"):
        with pytest.raises(InputError, match="name a new folder"):
            bundles.export(home, campaign, out, by="ada")
    assert [p.name for p in taken.iterdir()] == ["thesis.txt"]
    (tmp_path / "empty").mkdir()
    assert bundles.verify(bundles.export(home, campaign, tmp_path / "empty", by="ada").path).ok
    with pytest.raises(InputError, match="not empty"):
        bundles.export(home, campaign, tmp_path / "empty", by="ada")


def test_a_zip_verifies_as_the_folder_does(home: Settings, campaign: str, tmp_path: Path) -> None:
    made = bundles.export(home, campaign, tmp_path / "b.zip", by="ada", tlp="TLP:RED")
    assert bundles.verify(tmp_path / "b.zip", made.public_key).origin_proven
    assert made.public_key.name == "b.public-key.pem"
    with zipfile.ZipFile(tmp_path / "b.zip") as z:
        z.extractall(tmp_path / "unpacked")
    assert bundles.verify(tmp_path / "unpacked" / "B-0001", made.public_key).sha256 == made.sha256


def test_a_download_is_the_bundle_on_record_and_is_logged(home: Settings, campaign: str, tmp_path: Path) -> None:
    made = bundles.export(home, campaign, by="ada")
    assert made.path == home.bundles / "B-0001"
    got = bundles.download(home, "B-0001", by="grace")
    assert got.data == bundles.download(home, "B-0001", by="grace").data
    (tmp_path / got.name).write_bytes(got.data)
    assert bundles.verify(tmp_path / got.name, made.public_key).sha256 == made.sha256
    with CaseStore.open(home) as store:
        assert [r["action"] for r in store.custody("B-0001").to_dict("records")] == ["made", "downloaded", "downloaded"]
    report = made.path / "data" / "report.html"
    report.write_text(report.read_text().replace("likely", "certain"))
    with pytest.raises(BundleInvalid, match="does not verify"):
        bundles.download(home, "B-0001", by="grace")
    with pytest.raises(UnknownTarget, match="no bundle"):
        bundles.download(home, "B-0009", by="grace")


def test_a_pseudonymous_copy_has_no_account_id(home: Settings, campaign: str, tmp_path: Path) -> None:
    made = bundles.export(home, campaign, tmp_path / "b", by="ada", redaction="pseudonymous", audience="police")
    assert all(r["account_id"].startswith("acct-") for r in rows(made.path, "accounts"))
    assert any("pseudonyms" in t for t in made.left_out)
    other = bundles.export(home, campaign, tmp_path / "c", by="ada", redaction="pseudonymous", audience="vendor")
    ids = [{r["account_id"] for r in rows(m.path, "accounts")} for m in (made, other)]
    assert not ids[0] & ids[1]


def test_accounts_that_left_their_cluster_are_listed_and_said(home: Settings, campaign: str, tmp_path: Path) -> None:
    tables = run_tables()
    accounts = tables["accounts"].to_pandas()
    gone = accounts.index[accounts["cluster_id"] == "C-bbbbbb"][8:12]
    accounts.loc[gone, "cluster_id"] = None
    later = runs.publish(
        home.runs, "R-20261123-080000-cd34", {**tables, "accounts": tables["accounts"].from_pandas(accounts)}, MANIFEST
    )
    made = bundles.export(home, campaign, tmp_path / "b", by="ada")
    assert made.run_id == later.run_id
    assert len(rows(made.path, "accounts")) == 160
    assert any("4 accounts" in g for g in made.gaps)


def test_a_run_that_lost_the_cluster_is_passed_over(home: Settings, campaign: str, tmp_path: Path) -> None:
    tables = run_tables()
    runs.publish(home.runs, "R-20261123-080000-cd34", {n: t.slice(0, 0) for n, t in tables.items()}, MANIFEST)
    assert bundles.export(home, campaign, tmp_path / "b", by="ada").run_id == RUN_ID


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"campaign_id": "K-9999"}, UnknownTarget, "no campaign"),
        ({"tlp": "purple"}, InputError, "TLP 2.0"),
        ({"redaction": "none"}, InputError, "full, pseudonymous"),
    ],
)
def test_bad_input_is_one_clear_message_and_leaves_nothing(
    home: Settings, campaign: str, tmp_path: Path, change: dict[str, str], error: type[StillwatchError], words: str
) -> None:
    asked = {"campaign_id": campaign, "by": "ada", **change}
    with pytest.raises(error, match=words):
        bundles.export(home, out=tmp_path / "b", **asked)  # type: ignore[arg-type]
    assert not (tmp_path / "b").exists()
    with CaseStore.open(home) as store:
        assert store.bundles().empty


def test_without_a_run_it_says_what_to_do_first(home: Settings, campaign: str, tmp_path: Path) -> None:
    (home.runs / "CURRENT").unlink()
    with pytest.raises(NothingYet, match="stillwatch detect"):
        bundles.export(home, campaign, tmp_path / "b", by="ada")


def test_a_write_that_fails_leaves_no_bundle_and_no_record(home: Settings, campaign: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StillwatchError, match="could not be written"):
        bundles.export(home, campaign, tmp_path / "file" / "b", by="ada")
    closed = replace(home, database_url=home.database_url)
    with CaseStore.open(closed) as store:
        assert store.bundles().empty


def test_what_a_killed_export_left_is_swept_when_it_is_old(home: Settings, campaign: str, tmp_path: Path) -> None:
    old, young, other = (tmp_path / n for n in (".draft-B-0001-0123abcd", ".draft-B-0002-0123abcd", ".draft-B-mine"))
    for rest in (old, young, other):
        rest.mkdir()
        (rest / "bagit.txt").write_text("half")
    for rest in (old, other):
        os.utime(rest, (0, 0))
    assert bundles.verify(bundles.export(home, campaign, tmp_path / "b", by="ada").path).ok
    assert not old.exists()
    assert young.exists()
    assert other.exists()


def test_public_key_can_be_handed_out_before_any_bundle(home: Settings, campaign: str, tmp_path: Path) -> None:
    pem, print_ = bundles.public_key(home)
    made = bundles.export(home, campaign, tmp_path / "b", by="ada")
    assert made.fingerprint == print_
    assert made.public_key.read_bytes() == pem == (made.path / "public-key.pem").read_bytes()


def test_a_lost_signing_key_is_never_replaced_silently(home: Settings, campaign: str, tmp_path: Path) -> None:
    first = bundles.export(home, campaign, tmp_path / "a", by="ada")
    key = home.keys / "evidence-signing.pem"
    kept = key.read_bytes()
    key.unlink()
    for use in (lambda: bundles.export(home, campaign, tmp_path / "b", by="ada"), lambda: bundles.public_key(home)):
        with pytest.raises(StoreError, match=r"evidence-signing\.pem is gone.*Restore it.*openssl") as caught:
            use()
        assert not key.exists()
    assert not (tmp_path / "b").exists()
    (found,) = [check for check in examine(home) if check.name == "signing"]
    assert (found.ok, found.detail) == (False, str(caught.value))
    # Either of the two ways out that the message names.
    key.write_bytes(kept)
    key.chmod(0o600)
    assert bundles.export(home, campaign, tmp_path / "c", by="ada").fingerprint == first.fingerprint
    key.unlink()
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    made = bundles.export(home, campaign, tmp_path / "d", by="ada")
    assert made.fingerprint != first.fingerprint
    assert bundles.verify(first.path, first.public_key).origin_proven


def test_looking_makes_no_key(home: Settings) -> None:
    (found,) = [check for check in examine(home) if check.name == "signing key"]
    assert found.ok
    assert not (home.keys / "evidence-signing.pem").exists()
