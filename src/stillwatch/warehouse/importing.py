"""From what a reader hands over to one published state of the warehouse.

Everything is read and checked before anything is committed, and all tables become visible in one step: an error, a
Ctrl-C or a killed process leaves the warehouse as it was. Values are tokenised and prompt text becomes fingerprints
while rows are read (``staging``), rows meet the ones that are there (``merging``), files are committed (``delta``).
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
from deltalake.exceptions import DeltaError

from stillwatch.config import Settings
from stillwatch.domain import ImportReport, Progress, no_progress
from stillwatch.errors import SourceError, StoreError
from stillwatch.sources.source import SourceData
from stillwatch.sources.tokens import Tokens
from stillwatch.warehouse import delta
from stillwatch.warehouse.blind import blind_signals
from stillwatch.warehouse.merging import Merger
from stillwatch.warehouse.schema import IMPORTS, WAREHOUSE
from stillwatch.warehouse.staging import Staged, Stager, place
from stillwatch.warehouse.store import Snapshot, Warehouse, quote, scan_sql

EXAMPLES = 5
MANY_DAYS = 1_000
"""Requests are kept in a file a day, which takes some 3 to 10 ms each; more days than this are worth a word."""
_Written = dict[str, tuple[list[delta.DataFile], Literal["append", "overwrite"]]]


def known_import(settings: Settings, fingerprint: str) -> ImportReport | None:
    """The report of an earlier import of the same files, or null."""
    files = Warehouse.open(settings).files("imports")
    if not files:
        return None
    with duckdb.connect() as con:
        sql = f"SELECT report FROM ({scan_sql(IMPORTS, files)}) WHERE fingerprint = ? ORDER BY import_id LIMIT 1"
        found = con.execute(sql, [fingerprint]).fetchall()
    if not found:
        return None
    first = report_from_json(found[0][0])
    return replace(first, already_known=True, rows_new=dict.fromkeys(first.rows_new, 0), seconds=0.0)


def report_from_json(text: str) -> ImportReport:
    """Read ``imports.report``."""
    raw = json.loads(text)
    for name in ("reject_examples", "warnings", "blind"):
        raw[name] = tuple(raw[name])
    return ImportReport(**raw)


def import_source(
    settings: Settings,
    data: SourceData,
    fingerprint: str,
    *,
    now: datetime | None = None,
    progress: Progress = no_progress,
) -> ImportReport:
    """Load one source; call it while holding the home's lock.

    ``fingerprint`` names the files (``imports.fingerprint``); ``now`` (naive UTC) is what times are checked against.

    Raises:
        SourceError: the source as a whole is wrong; nothing was imported. All reasons, one a line.
        StoreError: the warehouse cannot be written, or its token key is not the one it was made with.
    """
    if len({t.name for t in data.tables}) < len(data.tables):
        raise ValueError("a reader hands over each contract table once")
    now = now or datetime.now(UTC).replace(tzinfo=None)
    warehouse = settings.warehouse
    try:
        warehouse.mkdir(parents=True, exist_ok=True)
        if delta.recover(warehouse):
            progress("undid what an interrupted import had left behind", None)
        snapshot = Snapshot.read(warehouse)
        tokens = Tokens.open(settings.keys, snapshot.key_id)
        import_id = f"I-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        folder = warehouse / delta.STAGING / import_id
        folder.mkdir(parents=True, mode=0o700)
        job = _Import(settings, data, fingerprint, snapshot, tokens, import_id, folder, now, progress)
        try:
            with _engine(settings, folder) as con:
                report = job.run(con)
        except BaseException:
            delta.recover(warehouse)
            raise
    except duckdb.OutOfMemoryException as e:
        raise StoreError(
            f"{data.source} needs more memory than {settings.memory_gb:g} GB; raise STILLWATCH_MEMORY_GB. "
            "Nothing was imported."
        ) from e
    except duckdb.Error as e:
        raise SourceError(f"{data.source}: cannot be imported ({str(e).splitlines()[0]}). Nothing was imported.") from e
    except (OSError, DeltaError) as e:
        what = getattr(e, "strerror", None) or e
        raise StoreError(f"{warehouse} cannot be written ({what}); check the disk. Nothing was imported.") from e
    shutil.rmtree(folder.parent, ignore_errors=True)
    return report


@dataclass(frozen=True)
class _Import:
    settings: Settings
    data: SourceData
    fingerprint: str
    snapshot: Snapshot
    tokens: Tokens
    import_id: str
    folder: Path
    now: datetime
    progress: Progress

    def run(self, con: duckdb.DuckDBPyConnection) -> ImportReport:
        """Read, check, compare, write, publish."""
        begun = time.monotonic()
        store = Warehouse(self.settings, self.snapshot)
        for name, spec in WAREHOUSE.items():
            con.execute(f"CREATE TEMP VIEW w_{name} AS {scan_sql(spec, store.files(name))}")
        keep, threads = self.settings.keep_prompts, self.settings.threads
        stager = Stager(con, self.tokens, self.folder, self.now, keep, threads, self.progress)
        staged = [stager.stage(table) for table in self.data.tables]
        merger = Merger(con, self.import_id)
        _refuse(self.data, staged, merger)
        merges = {}
        for table in staged:
            self.progress(f"comparing {table.name} with the warehouse", None)
            merges[table.name] = merger.merge(table)

        written: _Written = {}
        for name, merge in merges.items():
            if merge.new:
                self.progress(f"writing {name}: {merge.new:,} rows", None)
                written[name] = (self._write(con, name, merge.sql), merge.mode)
        if any(t.set_aside for t in staged):
            written["rejects"] = (self._write(con, "rejects", _rejects_sql(staged, self.import_id)), "append")
        report = ImportReport(
            import_id=self.import_id,
            source=self.data.source,
            format=self.data.format,
            rows_in={t.name: t.rows for t in staged},
            rows_new={name: m.new for name, m in merges.items()},
            rows_set_aside={t.name: t.set_aside for t in staged if t.set_aside},
            rejects_file=self._place_of_rejects(written),
            reject_examples=_examples(con, staged),
            warnings=(*self.data.warnings, *_unknown_accounts(con, staged), *_many_days(written)),
            blind=blind_signals(con, staged, "accounts" in self.snapshot.versions, self.data.blind),
            seconds=round(time.monotonic() - begun, 3),
        )
        con.register("this_import", _imports_row(report, self.fingerprint, self.now))
        written["imports"] = (self._write(con, "imports", "SELECT * FROM this_import"), "append")
        self._publish(written)
        return report

    def _write(self, con: duckdb.DuckDBPyConnection, name: str, sql: str) -> list[delta.DataFile]:
        return delta.write(con, sql, WAREHOUSE[name], self.folder, self.import_id.lower())

    def _place_of_rejects(self, written: _Written) -> str | None:
        return (
            str(self.settings.warehouse / "rejects" / written["rejects"][0][0].path) if "rejects" in written else None
        )

    def _publish(self, written: _Written) -> None:
        self.progress("publishing", None)
        warehouse = self.settings.warehouse
        versions = dict(self.snapshot.versions)
        for name, (files, mode) in written.items():
            versions[name] = delta.commit(warehouse, WAREHOUSE[name], self.folder, files, mode, self.import_id)
        delta.publish(warehouse, Snapshot(versions, self.tokens.key_id))


def _engine(settings: Settings, folder: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(
        config={
            "threads": settings.threads,
            "memory_limit": f"{settings.memory_gb}GB",
            "temp_directory": str(folder / "spill"),
            "partitioned_write_max_open_files": 1000,
        }
    )
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    return con


def _refuse(data: SourceData, staged: list[Staged], merger: Merger) -> None:
    """Raise once, with everything that is wrong with the source as a whole."""
    problems = [p for t in staged for p in t.problems]
    if not problems and data.repeats == "refuse":
        for table in staged:
            again = merger.repeated(table)
            if again:
                value, file, row, before, before_row = merger.first_repeat(table)
                problems.append(
                    f"{place(table.name, file, row)}: key {value!r} was there before "
                    f"({place(table.name, before, before_row)}); keys are unique. "
                    f"{again:,} of {table.rows:,} rows repeat one."
                )
    if problems:
        raise SourceError("\n".join([*problems, "Nothing was imported."]))


def _examples(con: duckdb.DuckDBPyConnection, staged: Iterable[Staged]) -> tuple[str, ...]:
    """The first rows that were set aside, in words."""
    found = []
    for table in staged:
        if table.set_aside:
            rows = con.execute(
                f"SELECT _file, _row, _column, _value, _reason FROM {table.relation} WHERE _code IS NOT NULL "
                f"ORDER BY _file, _row LIMIT {EXAMPLES}"
            ).fetchall()
            for file, row, column, value, reason in rows:
                what = "the row" if column is None else f"`{column}` {value!r}"
                found.append(f"{place(table.name, file, row)}: {what} {reason}")
    return tuple(found[:EXAMPLES])


def _rejects_sql(staged: Iterable[Staged], import_id: str) -> str:
    return " UNION ALL ".join(
        f'SELECT {quote(import_id)} AS import_id, {quote(t.name)} AS "table", _file AS file, _row AS row, '
        f'_column AS "column", _value AS value, _reason AS reason FROM {t.relation} WHERE _code IS NOT NULL'
        for t in staged
        if t.set_aside
    )


def _unknown_accounts(con: duckdb.DuckDBPyConnection, staged: list[Staged]) -> tuple[str, ...]:
    """Accounts that requests and identifiers name but no accounts table has."""
    known = "SELECT account_id FROM w_accounts"
    if any(t.name == "accounts" for t in staged):
        known += " UNION ALL SELECT account_id FROM s_accounts WHERE _code IS NULL"
    found = []
    for table in staged:
        if table.name in ("requests", "identifiers"):
            [(many, first)] = con.execute(
                f"SELECT count(*), min(account_id) FROM (SELECT DISTINCT account_id FROM {table.relation} "
                f"WHERE _code IS NULL) WHERE account_id NOT IN ({known})"
            ).fetchall()
            if many:
                found.append(
                    f"{table.name} name {many:,} accounts that the accounts table lacks (e.g. {first[:60]!r}); "
                    "they are kept, without sign-up data."
                )
    return tuple(found)


def _many_days(written: _Written) -> tuple[str, ...]:
    """Whether requests lie on so many days that their times may be read from the wrong column."""
    days = sorted({str(file.partition["day"]) for file in written.get("requests", ([], "append"))[0]})
    if len(days) <= MANY_DAYS:
        return ()
    return (
        f"requests lie on {len(days):,} days from {days[0]} to {days[-1]}; is `ts` the time of the request? They are "
        "kept in a file a day, which makes such an import slow.",
    )


def _imports_row(report: ImportReport, fingerprint: str, now: datetime) -> pa.Table:
    row = {
        "import_id": report.import_id,
        "imported_at": now,
        "source": report.source,
        "format": report.format,
        "fingerprint": fingerprint,
        "report": json.dumps(asdict(report)),
    }
    return pa.Table.from_pylist([row], schema=IMPORTS.schema)
