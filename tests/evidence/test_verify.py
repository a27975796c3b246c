"""A bundle that was touched in any way does not verify; one that was not, does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from made_case import NOW

from stillwatch.errors import InputError, UnknownTarget
from stillwatch.evidence import bag, seal
from stillwatch.evidence.archive import zip_files
from stillwatch.evidence.payload import Sealed
from stillwatch.evidence.verify import Verification, verify

REPORT = "data/report.html"


def failed(found: Verification) -> set[str]:
    return {c.name for c in found.checks if not c.ok}


def rehash(folder: Path) -> None:
    """What somebody does who knows BagIt and has no key: make all manifests fit again."""
    payload = {
        p.relative_to(folder).as_posix(): bag.sha256(p.read_bytes())
        for p in (folder / "data").rglob("*")
        if p.is_file()
    }
    (folder / bag.MANIFEST).write_bytes(bag.lines(payload))
    (folder / bag.TAG_MANIFEST).write_bytes(bag.lines({n: bag.sha256((folder / n).read_bytes()) for n in bag.TAGGED}))


def test_untouched_folder_and_zip_verify_with_the_senders_key(
    bundle: Path, made: Sealed, public: Path, tmp_path: Path, key: Ed25519PrivateKey
) -> None:
    packed = tmp_path / "b.zip"
    packed.write_bytes(zip_files("B-0001", made.files, NOW))
    bare = tmp_path / "bare.zip"
    with zipfile.ZipFile(bare, "w") as z:
        for name, data in made.files.items():
            z.writestr(name, data)
    for place in (bundle, packed, bare):
        found = verify(place, public)
        assert found.ok, failed(found)
        assert found.origin_proven
        assert found.bundle_id == "B-0001"
        assert found.sha256 == made.sha256
        assert found.fingerprint == seal.fingerprint(key)


def test_third_party_reader_accepts_it_as_bagit_1_0(bundle: Path) -> None:
    read = bagit.Bag(str(bundle))
    read.validate()
    assert read.version_info == (1, 0)
    assert read.info["External-Identifier"] == "K-0001"


def test_without_a_given_key_it_says_that_origin_is_not_proven(bundle: Path) -> None:
    found = verify(bundle)
    assert found.ok
    assert not found.origin_proven
    (detail,) = [c.detail for c in found.checks if c.name == "signature"]
    assert "ORIGIN NOT PROVEN" in detail
    assert seal.spoken(found.fingerprint or "") in detail


def test_a_whole_bundle_forged_with_another_key_fails_against_the_senders_key(
    made: Sealed, public: Path, tmp_path: Path
) -> None:
    forger = Ed25519PrivateKey.generate()
    folder = tmp_path / "forged"
    folder.mkdir()
    files = dict(made.files)
    files[bag.PUBLIC_KEY] = seal.public_pem(forger)
    bag.write(folder, files, NOW)
    (folder / REPORT).write_text("nothing happened")
    rehash(folder)
    body = seal.statement(
        bag.TAG_MANIFEST, bag.sha256((folder / bag.TAG_MANIFEST).read_bytes()), {"bundle_id": "B-0001"}
    )
    (folder / bag.STATEMENT).write_bytes(seal.envelope(body, forger))
    assert verify(folder).ok  # with the key inside it is whole: that is why origin is said not to be proven
    found = verify(folder, public)
    assert not found.ok
    assert "signature" in failed(found)
    assert not found.origin_proven


def flip(path: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        data = bytearray((folder / path).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / path).write_bytes(data)

    return change


def edit_and_rehash(folder: Path) -> None:
    flip(REPORT)(folder)
    rehash(folder)


def swap_manifests(folder: Path) -> None:
    lines = (folder / bag.MANIFEST).read_text().splitlines()
    first, second = lines[0].split(), lines[1].split()
    lines[0], lines[1] = f"{second[0]}  {first[1]}", f"{first[0]}  {second[1]}"
    (folder / bag.MANIFEST).write_text("\n".join(lines) + "\n")


def point_outside(folder: Path) -> None:
    (folder.parent / "outside").write_text("secret")
    line = f"{bag.sha256(b'secret')}  data/../../outside\n"
    (folder / bag.MANIFEST).write_text((folder / bag.MANIFEST).read_text() + line)


def twice(folder: Path) -> None:
    text = (folder / bag.MANIFEST).read_text()
    (folder / bag.MANIFEST).write_text(text + text.splitlines()[0] + "\n")


def link(folder: Path) -> None:
    (folder / REPORT).rename(folder.parent / "moved.html")
    (folder / REPORT).symlink_to(folder.parent / "moved.html")


def link_folder(folder: Path) -> None:
    shutil.move(folder / "data", folder.parent / "data-elsewhere")
    (folder / "data").symlink_to(folder.parent / "data-elsewhere")


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "data" / "pipe")


@pytest.mark.parametrize(
    ("change", "check"),
    [
        pytest.param(flip(REPORT), "nothing changed", id="changed byte in the payload"),
        pytest.param(flip("data/tables/accounts.parquet"), "nothing changed", id="changed byte in a table"),
        pytest.param(flip(bag.INFO), "root files", id="changed byte in bag-info"),
        pytest.param(flip(bag.TAG_MANIFEST), "signature", id="changed byte in the tag manifest"),
        pytest.param(lambda f: (f / "data/extra.txt").write_text("x"), "nothing added", id="added file"),
        pytest.param(lambda f: (f / "data/.hidden").write_text("x"), "no strangers", id="added hidden file"),
        pytest.param(lambda f: (f / "READ ME FIRST.txt").write_text("x"), "no strangers", id="added root file"),
        pytest.param(lambda f: (f / "manifest-md5.txt").write_text("x"), "no strangers", id="added manifest"),
        pytest.param(lambda f: (f / "fetch.txt").write_text("x"), "no strangers", id="fetch file"),
        pytest.param(lambda f: (f / "more").mkdir(), "no strangers", id="added root folder"),
        pytest.param(lambda f: (f / "data/tables/labels.csv").unlink(), "nothing missing", id="removed file"),
        pytest.param(lambda f: (f / bag.STATEMENT).unlink(), "bundle", id="removed signature"),
        pytest.param(lambda f: (f / bag.TAG_MANIFEST).unlink(), "bundle", id="removed tag manifest"),
        pytest.param(lambda f: (f / bag.STATEMENT).write_text("{}"), "signature", id="empty signature"),
        pytest.param(lambda f: (f / bag.STATEMENT).write_text("[" * 99_999), "signature", id="deep signature"),
        pytest.param(swap_manifests, "root files", id="swapped manifest lines"),
        pytest.param(edit_and_rehash, "signature", id="edited and all manifests made anew"),
        pytest.param(point_outside, bag.MANIFEST, id="manifest that leads outside"),
        pytest.param(twice, bag.MANIFEST, id="manifest that names a file twice"),
        pytest.param(
            lambda f: (f / bag.MANIFEST).write_bytes(b"\xff\xfe"), bag.MANIFEST, id="manifest that is no text"
        ),
        pytest.param(link, "readable", id="symbolic link to a file"),
        pytest.param(link_folder, "readable", id="symbolic link to a folder"),
        pytest.param(fifo, "readable", id="pipe"),
    ],
)
def test_tampering_is_found(bundle: Path, public: Path, change: Callable[[Path], None], check: str) -> None:
    change(bundle)
    for given in (public, None):
        found = verify(bundle, given)
        assert not found.ok
        assert check in failed(found)
        assert not found.origin_proven


def pack(path: Path, files: dict[str, bytes], entries: list[tuple[zipfile.ZipInfo, bytes]] = []) -> Path:  # noqa: B006
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(f"B-0001/{name}", data)
        for entry, data in entries:
            z.writestr(entry, data)
    return path


@pytest.mark.parametrize(
    "name", ["../escape.txt", "/etc/escape.txt", "B-0001/../../x", "B-0001\\..\\x", "C:/x", "B-0001//x"]
)
def test_zip_paths_that_lead_outside_are_refused(made: Sealed, public: Path, tmp_path: Path, name: str) -> None:
    found = verify(pack(tmp_path / "b.zip", dict(made.files), [(zipfile.ZipInfo(name), b"x")]), public)
    assert failed(found) == {"readable"}
    assert "outside" in found.checks[0].detail


def test_zip_with_a_symbolic_link_is_refused(made: Sealed, public: Path, tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("B-0001/data/link")
    entry.create_system = 3
    entry.external_attr = 0o120777 << 16
    found = verify(pack(tmp_path / "b.zip", dict(made.files), [(entry, b"/etc/passwd")]), public)
    assert failed(found) == {"readable"}


def test_zip_with_two_files_of_one_name_is_refused(made: Sealed, public: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = pack(tmp_path / "b.zip", dict(made.files), [(zipfile.ZipInfo(f"B-0001/{REPORT}"), b"other")])
    assert failed(verify(path, public)) == {"readable"}


def test_zip_with_a_file_beside_the_bundle_is_refused(made: Sealed, public: Path, tmp_path: Path) -> None:
    path = pack(tmp_path / "b.zip", dict(made.files), [(zipfile.ZipInfo("letter.txt"), b"x")])
    assert not verify(path, public).ok


def test_zip_bombs_are_refused_before_they_are_unpacked(made: Sealed, public: Path, tmp_path: Path) -> None:
    bomb = pack(tmp_path / "b.zip", {**made.files, "data/tables/links.csv": b"0" * (64 << 20)})
    assert bomb.stat().st_size < 2 << 20
    found = verify(bomb, public)
    assert failed(found) == {"readable"}
    assert "bomb" in found.checks[0].detail
    many = pack(tmp_path / "m.zip", {f"data/{i}": b"" for i in range(10_001)})
    assert failed(verify(many, public)) == {"readable"}


def test_zip_that_claims_to_be_shorter_than_it_is(made: Sealed, public: Path, tmp_path: Path) -> None:
    path = pack(tmp_path / "b.zip", dict(made.files))
    data = path.read_bytes()
    with zipfile.ZipFile(path) as z:
        size = z.getinfo(f"B-0001/{REPORT}").file_size
    path.write_bytes(data.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little")))
    assert not verify(path, public).ok


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not a zip", b"\x00" * 1000])
def test_a_file_that_is_no_bundle_is_a_failed_check(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    assert failed(verify(path)) == {"readable"}


def test_truncated_zips_never_verify(made: Sealed, public: Path, tmp_path: Path) -> None:
    whole = zip_files("B-0001", made.files, NOW)
    for cut in (10, len(whole) // 2, len(whole) - 1):
        path = tmp_path / f"{cut}.zip"
        path.write_bytes(whole[:cut])
        assert not verify(path, public).ok


def test_an_empty_folder_names_what_is_missing(tmp_path: Path) -> None:
    found = verify(tmp_path)
    assert failed(found) == {"bundle"}
    assert "bagit.txt" in found.checks[-1].detail


def test_nothing_there_and_no_key_are_bad_input(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownTarget, match="no bundle"):
        verify(tmp_path / "nowhere")
    with pytest.raises(UnknownTarget, match="no public key"):
        verify(bundle, tmp_path / "no.pem")
    (tmp_path / "bad.pem").write_text("-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n")
    with pytest.raises(InputError, match="not a public key"):
        verify(bundle, tmp_path / "bad.pem")


def test_verify_starts_without_the_engine_and_the_stores(bundle: Path) -> None:
    heavy = "('pandas', 'pyarrow', 'numpy', 'duckdb', 'sqlalchemy', 'ibis', 'streamlit', 'jinja2', 'pyvis')"
    code = (
        "import sys; from pathlib import Path; from stillwatch.evidence.verify import verify; "
        f"assert verify(Path(sys.argv[1])).ok; print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(bundle)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
