"""Names that are bytes but no text: told in one sentence, before anything is opened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stillwatch.config import settings
from stillwatch.errors import InputError, MappingError, SourceError
from stillwatch.pipeline.ingest import UPLOADS, import_path

ACCOUNTS = "account_id,created_at\na1,2026-01-01\n"
IDENTIFIERS = "account_id,kind,value\na1,device,d1\n"


@pytest.mark.parametrize("broken", ["folder", "table", "stray"])
def test_file_names_that_are_not_utf8(tmp_path: Path, broken: str) -> None:
    odd = os.fsdecode(b"odd\xff")
    data = tmp_path / (odd if broken == "folder" else "data")
    (data / "identifiers").mkdir(parents=True)
    (data / "accounts.csv").write_text(ACCOUNTS)
    (data / "identifiers" / (f"{odd}.csv" if broken == "table" else "1.csv")).write_text(IDENTIFIERS)
    if broken == "stray":
        (data / odd).write_text("")
    home = settings(tmp_path / "home")
    with pytest.raises(SourceError, match="is not UTF-8; rename it"):
        import_path(home, data)
    assert not home.warehouse.exists()


def test_a_home_whose_name_is_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not UTF-8; choose another"):
        settings(tmp_path / os.fsdecode(b"home\xff"))


def test_names_that_mean_something_to_engines(tmp_path: Path) -> None:
    home = settings(tmp_path / "home* ?'x é#;{a,b}")
    data = tmp_path / "da[t]a* ?'x é#%20;{a,b}"
    (data / "identifiers").mkdir(parents=True)
    (data / "accounts.csv").write_text(ACCOUNTS)
    for i, name in enumerate(["part[1]", "p*", "a'b", "{c}", "sp ace?", "%2e", "-x"]):
        (data / "identifiers" / f"{name}.csv").write_text(f"account_id,kind,value\na1,device,d{i}\n")
    assert import_path(home, data).rows_new == {"accounts": 1, "identifiers": 7}
    assert import_path(home, data).already_known


@pytest.mark.parametrize("name", ["ho[m]e", "a%20b", "a^b", "a|b", "a\\b", "a\nb", "a\x1bb"])
def test_a_home_that_delta_tables_cannot_live_in(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="Delta tables cannot bear; choose another"):
        settings(tmp_path / name)


def test_links_that_lead_in_a_circle(tmp_path: Path) -> None:
    data = _data(tmp_path)
    for name in ("self", "again", "identifiers/up"):
        (data / name).symlink_to("." if "/" not in name else "..")
    for known in (False, True):  # a process of its own: walking the circles would take for ever
        done = subprocess.run(
            [sys.executable, "-m", "stillwatch", "--home", str(tmp_path / "home"), "--json", "import", str(data)],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        report = json.loads(done.stdout)
        assert report["rows_in"] == {"accounts": 1, "identifiers": 1}
        assert report["already_known"] is known


@pytest.mark.parametrize("kind", ["pipe", "dangling", "circle"])
def test_a_table_that_is_no_plain_file(tmp_path: Path, kind: str) -> None:
    data = _data(tmp_path)
    place = data / "requests.csv"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("requests.csv" if kind == "circle" else "nothing")
    home = settings(tmp_path / "home")
    with pytest.raises(SourceError, match=r"requests.csv is no plain file"):
        import_path(home, data)
    with pytest.raises(SourceError, match="want a file or a folder"):
        import_path(home, place)
    assert not home.warehouse.exists()


@pytest.mark.parametrize("place", ["", "keys", "keys/tokens.key", "cases.db", ".upload-x", "link"])
def test_nothing_of_the_home_is_a_source(tmp_path: Path, place: str) -> None:
    home = settings(tmp_path / "home")
    import_path(home, _data(tmp_path))
    (home.home / "cases.db").touch()
    (home.home / ".upload-x").mkdir()
    given = home.home / place
    if place == "link":
        given = tmp_path / "link"
        given.symlink_to(home.keys)
    with pytest.raises(SourceError, match="lies in the home") as told:
        import_path(home, given)
    assert str(given) in str(told.value)
    if given.is_file():
        with pytest.raises(SourceError, match="lies in the home"):
            import_path(home, tmp_path / "data", mapping=given)


def test_uploaded_files_wait_in_the_home(tmp_path: Path) -> None:
    home = settings(tmp_path / "home")
    waiting = home.home / f"{UPLOADS}abc" / "2 uploaded files"
    waiting.parent.mkdir(parents=True)
    _data(tmp_path).rename(waiting)
    assert import_path(home, waiting).rows_new == {"accounts": 1, "identifiers": 1}


def test_devices_and_pipes_are_neither_source_nor_mapping(tmp_path: Path) -> None:
    home = settings(tmp_path / "home")
    data = _data(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for odd in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(SourceError, match="is a device or a pipe"):
            import_path(home, odd)
        with pytest.raises(MappingError, match="is no file"):
            import_path(home, data, mapping=odd)
    assert not home.warehouse.exists()


def _data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    (data / "identifiers").mkdir(parents=True)
    (data / "accounts.csv").write_text(ACCOUNTS)
    (data / "identifiers" / "1.csv").write_text(IDENTIFIERS)
    return data
