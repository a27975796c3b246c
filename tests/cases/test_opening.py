"""Opening a case file: from nothing, by two at once, damaged, newer; and the models against the migrations."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from stillwatch.cases.database import HEAD, connect
from stillwatch.cases.migrations import config
from stillwatch.cases.models import APPEND_ONLY, Base
from stillwatch.cases.store import CaseStore
from stillwatch.config import settings
from stillwatch.errors import InputError, StoreError


def test_the_migrations_make_the_tables_of_the_models(cfg):
    engine = connect(cfg.database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_the_store_wants():
    assert ScriptDirectory.from_config(config()).get_current_head() == HEAD


def test_the_migrations_guard_every_append_only_table():
    modules = [r.module for r in ScriptDirectory.from_config(config()).walk_revisions()]
    assert {t for m in modules for t in m.APPEND_ONLY} == set(APPEND_ONLY)


OPEN = """
import sys
from stillwatch.config import settings
from dataclasses import replace
from stillwatch.cases.store import CaseStore
with CaseStore.open(replace(settings(sys.argv[1]), database_url=sys.argv[2])) as store:
    store.add_label("account", "bo-1", "benign", "opened", sys.argv[3])
"""


def test_many_processes_open_an_empty_file_at_once(cfg):
    command = [sys.executable, "-c", OPEN, str(cfg.home), cfg.database_url]
    jobs = [subprocess.Popen([*command, f"p{i}"], stderr=subprocess.PIPE, text=True) for i in range(4)]
    said = [job.communicate(timeout=120)[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0] * 4, said
    with CaseStore.open(cfg) as store:
        assert sorted(store.labels()["labeler"]) == ["p0", "p1", "p2", "p3"]
        assert store.verify_chain() == (True, None)


def test_opening_again_keeps_everything(cfg):
    with CaseStore.open(cfg) as store:
        store.add_label("account", "bo-1", "benign", "r", "ana")
    with CaseStore.open(cfg) as store:
        assert len(store.labels()) == 1


def test_a_file_of_a_newer_version_is_left_alone(cfg):
    connect(cfg.database_url).dispose()
    engine = create_engine(cfg.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="made by a newer Stillwatch"):
        CaseStore.open(cfg)


def test_sqlite_writes_ahead_and_keeps_foreign_keys(tmp_path):
    engine = connect(f"sqlite:///{tmp_path / 'cases.db'}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    engine.dispose()


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "cases.db").write_bytes(b"this is not a database at all, whatever its name says" * 40)
    with pytest.raises(StoreError, match="not a database"):
        CaseStore.open(settings(tmp_path))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        CaseStore.open(settings(tmp_path / "file" / "home"))


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://", "sqlite:///:memory:", "oracle://x"])
def test_urls_that_are_not_for_us(tmp_path: Path, url):
    with pytest.raises(InputError, match="STILLWATCH_DATABASE_URL"):
        CaseStore.open(replace(settings(tmp_path), database_url=url))


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path):
    url = f"postgresql://ana:secret@/cases?host={tmp_path}"
    with pytest.raises(StoreError) as error:
        CaseStore.open(replace(settings(tmp_path), database_url=url))
    assert "secret" not in str(error.value)
    assert "cannot be used" in str(error.value)
