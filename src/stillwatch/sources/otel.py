"""OpenTelemetry GenAI traces and logs as OTLP JSON lines, by any instrumentation and by LiteLLM's two exporters.

A request is one span of an operation on a model. What its span lacks (account, address, client, session) stands on
the server span of the application, which is exported later and often on another line; message texts may stand in log
records. So spans are gathered first and joined afterwards: a value of the call's own span wins, then the parent
span's, then the one that all spans of the trace agree on.

A gateway that refuses a request at the door writes no model span for it; its server span is then the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from stillwatch.domain import UNATTRIBUTED
from stillwatch.errors import MappingError, SourceError
from stillwatch.sources import otel_rows as rows
from stillwatch.sources.contract import IDENTIFIERS, REQUESTS
from stillwatch.sources.files import Bad, Record, files_in, json_records, kind_of
from stillwatch.sources.joins import batch_schema, emails_expr, places
from stillwatch.sources.mapping_file import load_yaml, unknown
from stillwatch.sources.otel_joins import requests_expr
from stillwatch.sources.source import BatchTable, SourceData
from stillwatch.sources.spool import Sheet, Spool
from stillwatch.sources.values import BadValueError

_SIGNALS = ("resourceSpans", "resourceLogs", "resourceMetrics")
_ALWAYS_BLIND = ("accounts: spans do not tell when an account was created, nor its plan, channel or organisation",)
_EMPTY_BECAUSE: dict[tuple[str, ...], str] = {
    ("prompt", "system_hash"): "what was asked: the instrumentation's content capture is off, its default",
    ("tool_count",): "tools offered: this instrumentation does not record tool definitions, or content capture is off",
    ("ip", "client"): "addresses and user agents: no span carries client.address or user_agent.original",
}
"""Why columns can be empty, where that is more than an absence; what is simply absent is found by the import."""


class Otel:
    """Reads a file or a folder of OTLP JSON. ``mapping`` may name attributes for account, address and so on."""

    name = "otel"
    title = "OpenTelemetry GenAI: OTLP JSON lines of traces, and of logs where message text is in events"

    def recognises(self, path: Path) -> bool:
        """Whether any file holds OTLP."""
        try:
            return any(_signal(file) for file in files_in(path))
        except SourceError:
            return False

    def read(self, path: Path, mapping: Path | None = None) -> SourceData:
        """Read everything, join the spans of each request, and hand on requests and identifiers.

        Raises:
            SourceError: no OTLP there, or a file is broken.
            MappingError: the mapping file names something that does not exist.
        """
        names = _names_from(mapping) if mapping else rows.NAMES
        files = [file for file in files_in(path) if not path.is_dir() or _signal(file)]
        if not files:
            raise SourceError(
                f"{path}: no OTLP JSON there. Want lines with resourceSpans, as the Collector's file exporter writes."
            )
        spool = Spool()
        try:
            sheets = _Sheets(
                spool.sheet("calls", {"n": pa.int64(), **rows.CALL_COLUMNS}),
                spool.sheet("context", {"n": pa.int64(), **rows.CONTEXT_COLUMNS}),
                spool.sheet("texts", {"n": pa.int64(), **rows.TEXT_COLUMNS}),
            )
            for file in files:
                for number, record in json_records(file):
                    _gather(sheets, record, names, file.name, number)
            return _hand_on(spool, sheets, path, {file.name for file in files_in(path)} - {file.name for file in files})
        except BaseException:
            spool.close()
            raise


@dataclass
class _Sheets:
    calls: Sheet
    context: Sheet
    texts: Sheet
    events: int = 0
    doors: int = 0


def _signal(file: Path) -> bool:
    if kind_of(file) not in ("jsonl", "json"):
        return False
    first = next((record for _n, record in json_records(file) if isinstance(record, dict)), {})
    return any(signal in first for signal in _SIGNALS)


def _gather(sheets: _Sheets, record: Record | Bad, names: rows.Names, file: str, number: int) -> None:
    """One export request: its spans and log records go to their sheets, what cannot be read is set aside."""
    where = (file, number)
    if isinstance(record, Bad):
        _set_aside(sheets, where, record.reason, None)
        return
    if not any(signal in record for signal in _SIGNALS):
        _set_aside(sheets, where, "no resourceSpans, resourceLogs or resourceMetrics", None)
        return
    try:
        spans = list(_items(record, "resourceSpans", ("scopeSpans", "instrumentationLibrarySpans"), "spans"))
        logs = list(_items(record, "resourceLogs", ("scopeLogs", "instrumentationLibraryLogs"), "logRecords"))
    except (AttributeError, TypeError):
        _set_aside(sheets, where, "not shaped as OTLP: lists and objects are mixed up", None)
        return
    for item, resource, scope in spans:
        _one(sheets, where, item, resource, scope, names, _add_span)
    for item, resource, scope in logs:
        _one(sheets, where, item, resource, scope, names, _add_log)


def _items(
    record: Record, signal: str, scopes: tuple[str, str], items: str
) -> Iterator[tuple[Any, dict[str, Any], str]]:
    """Spans or log records of an export request, each with the attributes of its resource and its scope's name."""
    for resource in record.get(signal) or ():
        attributes = rows.raw_attributes((resource.get("resource") or {}).get("attributes"))
        for key in scopes:
            for scope in resource.get(key) or ():
                name = str((scope.get("scope") or scope.get("instrumentationLibrary") or {}).get("name") or "")
                for item in scope.get(items) or ():
                    yield item, attributes, name


def _one(
    sheets: _Sheets,
    where: tuple[str, int],
    item: Record,
    resource: dict[str, Any],
    scope: str,
    names: rows.Names,
    add: Callable[..., None],
) -> None:
    try:
        add(sheets, where, item, rows.Attributes.of(item.get("attributes"), resource), scope, names)
    except BadValueError as e:
        _set_aside(sheets, where, f"startTimeUnixNano {e}", "ts")
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        _set_aside(sheets, where, f"not shaped as OTLP ({type(e).__name__}: {e})", None)


def _add_span(
    sheets: _Sheets, where: tuple[str, int], span: Record, attributes: rows.Attributes, scope: str, names: rows.Names
) -> None:
    if rows.is_call(attributes):
        _add_call(sheets, where, rows.call_row(span, attributes, names, scope, event=False))
    elif (row := rows.context_row(span, attributes, names, scope)) is not None:
        sheets.context.add((sheets.context.rows, *row, *where, None, None))
        sheets.doors += row[rows.DOOR]


def _add_log(
    sheets: _Sheets, where: tuple[str, int], log: Record, attributes: rows.Attributes, scope: str, names: rows.Names
) -> None:
    name = str(log.get("eventName") or rows.decoded(attributes.own.get("event.name")) or "")
    if rows.is_details(name):
        _add_call(sheets, where, rows.call_row(log, attributes, names, scope, event=True))
        sheets.events += 1
    elif (row := rows.text_row(log, name)) is not None:
        sheets.texts.add((sheets.texts.rows, *row, *where, None, None), len(row[2] or ""))


def _add_call(sheets: _Sheets, where: tuple[str, int], row: tuple[Any, ...]) -> None:
    sheets.calls.add((sheets.calls.rows, *row, *where, None, None), len(row[-1] or ""))


def _set_aside(sheets: _Sheets, where: tuple[str, int], reason: str, column: str | None) -> None:
    sheets.calls.add((sheets.calls.rows, *(None,) * len(rows.CALL_COLUMNS), *where, reason, column))


def _names_from(mapping: Path) -> rows.Names:
    """Attribute names of a mapping file, before the usual ones.

    Raises:
        MappingError: not of the form ``attributes: {account_id: name or [names]}``, or another column.
    """
    wanted = load_yaml(mapping).get("attributes")
    if not isinstance(wanted, dict):
        raise MappingError(
            f"{mapping}: a mapping file for --format otel has one entry, attributes: {{account_id: my.attribute}}. "
            "For a table of your own leave --format out."
        )
    names = dict(rows.NAMES)
    for column, value in wanted.items():
        if column not in rows.MAPPABLE:
            raise MappingError(f"{mapping}: attributes.{column}: {unknown('column', str(column), rows.MAPPABLE)}")
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(name, str) and name for name in listed):
            raise MappingError(f"{mapping}: attributes.{column}: want the name of an attribute, or a list of names.")
        names[rows.MAPPABLE[column]] = (*listed, *names[rows.MAPPABLE[column]])
    return names


def _hand_on(spool: Spool, sheets: _Sheets, path: Path, unread: set[str]) -> SourceData:
    calls = spool.table("calls")
    merged = spool.keep(
        "merged",
        requests_expr(
            calls,
            spool.table("context") if sheets.context.rows else None,
            spool.table("texts") if sheets.texts.rows else None,
            events=sheets.events > 0,
            doors=sheets.doors > 0,
        ),
    )
    names = tuple(c for c in REQUESTS.names if c in merged.columns)
    requests = merged.select(*names, "_file", "_row", **places("_bad", "_bad_column"))
    broken = calls.filter(calls._bad.notnull()).mutate(request_id=calls.call_id, account_id=calls.user)
    requests = requests.union(broken.select(*requests.columns))
    emails = emails_expr(merged.select("account_id", "email", first_seen=merged.ts, last_seen=merged.ts))

    filled = spool.count(
        merged.agg(
            total=merged.count(),
            nobody=(merged.account_id == UNATTRIBUTED).sum(),
            doors=merged.door.sum(),
            **{c: merged[c].count() for columns in _EMPTY_BECAUSE for c in columns},
        )
    )
    blind = [why for columns, why in _EMPTY_BECAUSE.items() if not any(filled[c] for c in columns)]
    warnings = [f"not read, since no OTLP: {', '.join(sorted(unread)[:8])}"] if unread else []
    if filled["nobody"]:
        warnings.append(
            f"{filled['nobody']} of {filled['total']} requests name no account on their span, its parent or trace; "
            f"they are kept under the account {UNATTRIBUTED!r} and tell nothing of anybody. A mapping file can name "
            "the attribute that holds the account (docs/sources.md)"
        )
    if filled["doors"]:
        warnings.append(
            f"{filled['doors']} requests were refused before a model was called; they are read from the server's span"
        )
    handed = (
        BatchTable("requests", spool.batches(requests, batch_schema(names, REQUESTS.schema))),
        BatchTable("identifiers", spool.batches(emails, batch_schema(IDENTIFIERS.names, IDENTIFIERS.schema))),
    )
    return SourceData(Otel.name, path.name, handed, (*blind, *_ALWAYS_BLIND), tuple(warnings))
