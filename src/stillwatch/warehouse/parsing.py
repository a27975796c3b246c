"""Checks of one contract table, as one DuckDB expression per column: text and odd types in, contract types out.

What is accepted for each contract type, and what is not:

- text: text, whole numbers (account 7 is ``'7'``), UUIDs, enums. Empty text is null. A required value longer than
  1,000 characters or holding a NUL sets the row aside; optional ones are cut there, because clients choose them and
  an over-long one must not hide a request.
- times: timestamps of any unit, dates, ISO 8601 text (an offset is converted to UTC, none means UTC), and numbers
  since 1970 in seconds, milliseconds, microseconds or nanoseconds, told apart by size. A time before the year 2000
  or more than two days ahead sets the row aside.
- whole numbers: integers, decimals and text without a fractional part, from 0 up to 2^63-1.

A row is set aside for its first wrong column. A column whose values are wrong more often than right has the wrong
type: that is an error of the file, not of its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stillwatch.domain import Column, TableSpec
from stillwatch.sources.contract import PRIVATE
from stillwatch.warehouse.store import duckdb_type, quote

MAX_TEXT = 1_000
"""Longest text value in characters; prompts have no limit."""
EARLIEST = datetime(2000, 1, 1)
AHEAD = timedelta(days=2)
AHEAD_RELEASE = timedelta(days=366)
_INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "UHUGEINT"}
)
_TIMES = frozenset(
    {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS", "DATE"}
)
_LAYOUTS = (
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%MZ",
    "%Y%m%dT%H%M%SZ",
    "%Y%m%dT%H%M%S",
    "%Y%m%d",
)
"""ISO 8601 that the engine's own cast does not take: basic format, lower-case letters, minutes with a zone."""
_WANT = {"string": "text", "timestamp": "a time (ISO 8601)", "int64": "a whole number"}


@dataclass(frozen=True)
class Check:
    """One way in which a value can be wrong; ``condition`` is SQL over the raw column, never null."""

    column: str
    condition: str
    reason: str
    raw: str
    missing: bool = False


@dataclass(frozen=True)
class Parsed:
    """SQL for one contract table: ``values`` by column, and the checks in the order in which they count."""

    values: dict[str, str]
    checks: tuple[Check, ...]
    wrong_types: tuple[str, ...]

    @property
    def code(self) -> str:
        """SQL: number of the first check that a row fails (from 1), null for a good row."""
        if not self.checks:
            return "NULL::INTEGER"
        cases = " ".join(f"WHEN {c.condition} THEN {i}" for i, c in enumerate(self.checks, 1))
        return f"CASE {cases} END"


def parse(spec: TableSpec, types: dict[str, str], now: datetime) -> Parsed:
    """How to read a table whose columns have these DuckDB types; ``now`` is naive UTC.

    Columns of the contract that ``types`` lacks become null. Wrong types are collected as sentences without the file.
    """
    values: dict[str, str] = {}
    checks: list[Check] = []
    wrong: list[str] = []
    for column in spec.columns:
        if column.name not in types:
            values[column.name] = f"NULL::{duckdb_type(column.type)}"
            continue
        kind = types[column.name]
        kind = "DECIMAL" if kind.startswith("DECIMAL") else "VARCHAR" if kind.startswith("ENUM") else kind
        made = _PARSERS[column.type](spec, column, kind, now)
        if made is None:
            wrong.append(f"column `{column.name}` holds {types[column.name]}; want {_WANT[column.type]}.")
            continue
        values[column.name], own = made
        if column.required:
            missing = Check(
                column.name, f"({values[column.name]}) IS NULL", "is missing; it is required", "NULL", missing=True
            )
            own = [*own, missing]
        checks += own
    return Parsed(values, tuple(checks), tuple(wrong))


_Made = tuple[str, list[Check]] | None


def _text(spec: TableSpec, column: Column, kind: str, _now: datetime) -> _Made:
    c = f'"{column.name}"'
    if kind == '"NULL"':
        return "NULL::VARCHAR", []
    if kind in ("FLOAT", "DOUBLE", "DECIMAL"):
        whole = f"TRY_CAST({c} AS HUGEINT)::VARCHAR"  # ids that pandas turned into 7.0; NaN and infinity become null
        return f"CASE WHEN {c} = trunc({c}) THEN {whole} ELSE {c}::VARCHAR END", []
    if kind in _INTEGERS or kind == "UUID":
        return f"{c}::VARCHAR", []
    if kind != "VARCHAR":
        return None
    raw = f"nullif({c}::VARCHAR, '')"
    if column.name == "prompt":
        return raw, []
    if not column.required:
        odd = f"strlen({c}) > {MAX_TEXT} OR contains({c}, chr(0))"
        return f"CASE WHEN {odd} THEN left(replace({c}, chr(0), ''), {MAX_TEXT}) ELSE {raw} END", []
    return raw, [
        _check(
            spec,
            column,
            f"strlen({c}) > {MAX_TEXT} AND length({c}) > {MAX_TEXT}",
            f"is longer than {MAX_TEXT:,} characters",
        ),
        _check(spec, column, f"contains({c}, chr(0))", "holds a NUL character"),
    ]


def _time(spec: TableSpec, column: Column, kind: str, now: datetime) -> _Made:
    c = f'"{column.name}"'
    given = f"{c} IS NOT NULL"
    if kind == '"NULL"':
        return "NULL::TIMESTAMP", []
    if kind in _TIMES:
        zoned = f"TRY_CAST({c} AS TIMESTAMPTZ)" if kind == "TIMESTAMPTZ_NS" else c
        value = f"TRY_CAST({zoned} AS TIMESTAMP)"
    elif kind in _INTEGERS or kind in ("FLOAT", "DOUBLE", "DECIMAL"):
        value = _epoch(f"{c}::DOUBLE" if kind != "BIGINT" else c)
        given = f"{c}::VARCHAR <> 'nan'"  # isnan() is folded away where Parquet statistics know no NaN
    elif kind == "VARCHAR":
        number = rf"regexp_full_match({c}, '\s*\d{{9,19}}(\.\d*)?\s*')"
        layouts = ", ".join(map(quote, _LAYOUTS))
        value = (
            f"CASE WHEN {number} THEN {_epoch(f'TRY_CAST({c} AS DOUBLE)')} "
            f"ELSE coalesce(TRY_CAST({c} AS TIMESTAMPTZ)::TIMESTAMP, try_strptime(upper(trim({c})), [{layouts}])) END"
        )
        given = f"trim({c}) <> ''"
    else:
        return None
    ahead = AHEAD_RELEASE if column.name == "released_at" else AHEAD
    late = now + ahead
    low, high = quote(EARLIEST.isoformat(" ")), quote(late.isoformat(" ", "seconds"))
    return value, [
        _check(
            spec, column, f"({given}) AND ({value}) IS NULL", "is not a time; want ISO 8601, e.g. 2026-01-31T09:30:00Z"
        ),
        _check(
            spec,
            column,
            f"({value}) < TIMESTAMP {low} OR ({value}) > TIMESTAMP {high}",
            f"lies outside {EARLIEST:%Y-%m-%d} to {late:%Y-%m-%d} (this machine's clock says {now:%Y-%m-%d})",
        ),
    ]


def _epoch(number: str) -> str:
    """Seconds, milli-, micro- or nanoseconds since 1970, told apart by size (right for the years 2000 to 2200)."""
    size = f"abs({number})"
    factor = f"CASE WHEN {size} < 1e11 THEN 1e6 WHEN {size} < 1e14 THEN 1e3 WHEN {size} < 1e17 THEN 1 ELSE 1e-3 END"
    return f"CASE WHEN {size} < 1e19 THEN make_timestamp(TRY_CAST(({number}) * {factor} AS BIGINT)) END"


def _number(spec: TableSpec, column: Column, kind: str, _now: datetime) -> _Made:
    c = f'"{column.name}"'
    given = f"{c} IS NOT NULL"
    if kind == '"NULL"':
        return "NULL::BIGINT", []
    if kind in ("UBIGINT", "HUGEINT", "UHUGEINT"):
        value = f"TRY_CAST({c} AS BIGINT)"
    elif kind in _INTEGERS:
        value = f"{c}::BIGINT"
    elif kind in ("FLOAT", "DOUBLE", "DECIMAL"):
        value = f"CASE WHEN {c} = trunc({c}) THEN TRY_CAST({c} AS BIGINT) END"
        given = f"{c}::VARCHAR <> 'nan'"  # isnan() is folded away where Parquet statistics know no NaN
    elif kind == "VARCHAR":
        value = rf"CASE WHEN regexp_full_match({c}, '\s*[+-]?\d+(\.0*)?\s*') THEN TRY_CAST({c} AS BIGINT) END"
        given = f"trim({c}) <> ''"
    else:
        return None
    return value, [
        _check(spec, column, f"({given}) AND ({value}) IS NULL", "is not a whole number (of at most 2^63 - 1)"),
        _check(spec, column, f"({value}) < 0", "is below 0"),
    ]


def _check(spec: TableSpec, column: Column, condition: str, reason: str) -> Check:
    c = f'"{column.name}"'
    hidden = (spec.name, column.name) in PRIVATE
    raw = f"'(hidden, ' || length({c}::VARCHAR) || ' characters)'" if hidden else f"left({c}::VARCHAR, 200)"
    return Check(column.name, f"coalesce({condition}, false)", reason, raw)


_PARSERS = {"string": _text, "timestamp": _time, "int64": _number}
