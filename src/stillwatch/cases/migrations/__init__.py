"""Migrations of the case file (Alembic). Run by ``stillwatch.cases.database`` when a case file is opened."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from stillwatch.errors import StoreError


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings, all from inside this package; ``connection`` carries the transaction to work in."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def upgrade(connection: Connection, found: str | None) -> None:
    """Bring the tables from revision ``found`` (null: empty) to the newest, inside the caller's transaction."""
    settings = config(connection)
    known = {r.revision for r in ScriptDirectory.from_config(settings).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"the case file was made by a newer Stillwatch (revision {found}); install that version or a later one."
        )
    command.upgrade(settings, "head")
