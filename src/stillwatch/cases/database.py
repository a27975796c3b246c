"""Opening the case file and its transactions: SQLite inside the home, or PostgreSQL for a team.

First use creates the tables; later versions migrate them. Both happen inside one transaction that other
processes wait for, so two programs that open an empty home at once do not collide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import (
    Boolean,
    Connection,
    DateTime,
    Engine,
    Integer,
    Select,
    create_engine,
    event,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from stillwatch.cases.audit import Entry, append, lock_head
from stillwatch.cases.models import AuditHeadRow, CounterRow
from stillwatch.errors import Busy, InputError, RefusedChange, StoreError

HEAD = "0004"
"""Newest migration; a test holds it against the migration folder."""
PATIENCE = 30
"""Seconds that a writer waits for another before it gives up."""
_MIGRATION_LOCK = 7_231_190_4
"""Any number: the advisory lock of PostgreSQL under which migrations run."""


def utc_now() -> datetime:
    """Now, as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def connect(url: str) -> Engine:
    """Engine for a database URL, tables created and migrated; ``InputError`` or ``StoreError`` in words."""
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        shown = parsed.render_as_string(hide_password=True)
        kind = parsed.get_backend_name()
        if kind not in ("sqlite", "postgresql"):
            raise InputError(f"STILLWATCH_DATABASE_URL is {shown!r}; want sqlite:///FILE or postgresql://…")
        if kind == "sqlite":
            engine = _sqlite(parsed.database, parsed)
        else:
            options = f"{parsed.query.get('options', '')} -c lock_timeout={PATIENCE}s"
            engine = create_engine(parsed, pool_pre_ping=True, connect_args={"options": options})
    except (ArgumentError, NoSuchModuleError, ImportError):
        raise InputError("STILLWATCH_DATABASE_URL cannot be read; want sqlite:///FILE or postgresql://…") from None
    try:
        _migrate(engine)
    except DBAPIError as e:
        engine.dispose()
        raise _in_words(e, shown) from e
    except BaseException:
        engine.dispose()
        raise
    return engine


def _sqlite(database: str | None, url: Any) -> Engine:
    if not database or database == ":memory:":
        raise InputError("STILLWATCH_DATABASE_URL names no file; want sqlite:////full/path/cases.db")
    try:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise StoreError(f"the folder of the case file {database} cannot be made ({e.strerror}).") from e
    engine = create_engine(url, connect_args={"timeout": PATIENCE, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; the driver's own begins too late
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        _write_ahead(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: Any) -> None:
    """Switch a new file to write-ahead logging; SQLite does not wait for others here, so we do."""
    until = time.monotonic() + PATIENCE
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except Exception as e:
            if "locked" not in str(e) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _migrate(engine: Engine) -> None:
    """Bring the tables to ``HEAD``; does nothing, cheaply, when they are there."""
    with engine.connect() as connection, connection.begin():
        if _version(connection) == HEAD:
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        found = _version(connection)
        if found == HEAD:
            return
        from stillwatch.cases.migrations import upgrade  # Alembic is slow to import and only needed here

        upgrade(connection, found)


def _version(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _in_words(error: SQLAlchemyError, where: str) -> StoreError | Busy:
    words = str(getattr(error, "orig", None) or error).strip().splitlines()
    said = words[0] if words else type(error).__name__
    if "locked" in said or "lock timeout" in said:
        return Busy(f"the case file {where} is in use by another process for more than {PATIENCE} s; try again.")
    return StoreError(f"the case file {where} cannot be used ({said}); `stillwatch doctor` checks it.")


@dataclass
class Transaction:
    """One write: everything in it is saved together with its audit rows, or nothing is."""

    session: Session
    by: str
    now: datetime
    head: AuditHeadRow
    refused: Entry | None = None

    def record(self, action: str, target_type: str, target_id: str, reason: str = "", **details: Any) -> None:
        """Put on record what this transaction does."""
        append(self.session, self.head, Entry(action, target_type, target_id, reason, details), by=self.by, at=self.now)

    def refuse(self, action: str, target_type: str, target_id: str, why: str, **details: Any) -> RefusedChange:
        """The error to raise; that the change was tried and why it was refused goes on record."""
        self.refused = Entry(action, target_type, target_id, why, details, outcome="refused")
        return RefusedChange(why)

    def next_id(self, prefix: str, width: int = 4) -> str:
        """A fresh id such as ``K-0001``; ids of a transaction that fails are given out again."""
        return self.next_ids(prefix, 1, width)[0]

    def next_ids(self, prefix: str, count: int, width: int = 4) -> list[str]:
        """``count`` fresh ids in a row."""
        counter = self.session.get(CounterRow, prefix)
        if counter is None:
            counter = CounterRow(name=prefix, value=0)
            self.session.add(counter)
        first = counter.value + 1
        counter.value += count
        return [f"{prefix}-{n:0{width}d}" for n in range(first, first + count)]


class Database:
    """Transactions over one engine. Safe to share between threads."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._clock = clock
        self._where = engine.url.render_as_string(hide_password=True)

    @contextmanager
    def _read(self) -> Iterator[Session]:
        try:
            with Session(self._engine) as session:
                yield session
        except DBAPIError as e:
            raise _in_words(e, self._where) from e

    @contextmanager
    def _write(self, by: str) -> Iterator[Transaction]:
        by = person(by)
        tx: Transaction | None = None
        try:
            try:
                with Session(self._writer) as session, session.begin():
                    tx = Transaction(session, by, self._clock(), lock_head(session))
                    yield tx
            except RefusedChange:
                if tx is not None and tx.refused is not None:
                    self._record(by, tx.refused)
                raise
        except DBAPIError as e:
            raise _in_words(e, self._where) from e

    def _record(self, by: str, entry: Entry) -> None:
        with Session(self._writer) as session, session.begin():
            append(session, lock_head(session), entry, by=by, at=self._clock())

    def _frame(self, query: Select[*tuple[Any, ...]]) -> pd.DataFrame:
        """The rows of a query as pandas, typed also when there are none; missing text is None, never NaN."""
        with self._read() as session:
            rows = [tuple(r) for r in session.execute(query)]
        columns = list(query.selected_columns)
        frame = pd.DataFrame(rows, columns=[c.key for c in columns], dtype=object)
        for column in columns:
            if isinstance(column.type, DateTime):
                frame[column.key] = pd.to_datetime(frame[column.key]).astype("datetime64[us]")
            elif isinstance(column.type, Integer):
                frame[column.key] = frame[column.key].astype("int64")
            elif isinstance(column.type, Boolean):
                frame[column.key] = frame[column.key].astype("bool")
        return frame

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


REASON_LIMIT = 4_000
NAME_LIMIT = 200


def storable(what: str, given: str) -> str:
    """Text that both databases can keep as it is; NUL and half surrogate pairs they cannot."""
    if "\x00" in given:
        raise InputError(f"{what} contains a NUL character; take it out.")
    try:
        given.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"{what} is not valid Unicode text; take the broken character out.") from None
    return given


def reason_text(given: str) -> str:
    """A reason: never blank, cut at 4,000 characters."""
    if not given.strip():
        raise InputError("a reason is needed: say in a few words why, so that others can follow it later.")
    return storable("the reason", given.strip()[:REASON_LIMIT])


def person(given: str) -> str:
    """A name of somebody who acts: never blank, cut at 200 characters."""
    if not given.strip():
        raise InputError("it must be known who does this: give a name (--by NAME or STILLWATCH_USER).")
    return storable("the name", given.strip()[:NAME_LIMIT].strip())


def exists_in(session: Session, column: Any, value: str) -> bool:
    """Whether a value stands in a column."""
    return session.execute(select(column).where(column == value).limit(1)).first() is not None
