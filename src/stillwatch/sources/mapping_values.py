"""From one record of a foreign table to the value of one contract column."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from stillwatch.domain import Column
from stillwatch.sources.files import Record
from stillwatch.sources.mapping_file import Value
from stillwatch.sources.messages import asked, count
from stillwatch.sources.values import UNITS, BadValueError, content_hash, moment, short, text, whole

PARENT = "^"
"""Key under which a record taken from a list (``each:``) holds the record around it."""

Getter = Callable[[Record], Any]


def getter(path: str) -> Getter:
    """What lies at a path: ``name``, ``a.b`` in objects (also in JSON text), ``a.0`` in lists, ``^.a`` around."""
    steps = path.split(".")
    if len(steps) == 1:
        return lambda record: record.get(path)

    def walk(record: Record) -> Any:
        if path in record:
            return record[path]
        here: Any = record
        for step in steps:
            here = _item(unpacked(here), step)
            if here is None:
                return None
        return here

    return walk


def unpacked(value: Any) -> Any:
    """A value, or the object or list that the JSON text in it says."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _item(value: Any, step: str) -> Any:
    if isinstance(value, list):
        return value[int(step)] if step.isdecimal() and int(step) < len(value) else None
    return value.get(step) if isinstance(value, dict) else None


def compiled(column: Column, value: Value) -> Getter:
    """A function from a record to the column's value: text, a whole number, or microseconds since 1970.

    The function raises ``BadValueError`` for a value that the column cannot hold; a missing one is null.
    """
    found = _with_options(_source(value), value)
    if column.type == "timestamp":
        return _times(found, value)
    if column.type == "int64":
        return lambda record: _number(found(record))
    return lambda record: text(found(record))


def listed(value: Value) -> Callable[[Record], list[str]]:
    """A function from a record to all texts of a column that may hold several (a list, or text with ``split``)."""
    found = _with_options(_source(value), value)
    separator = value.options.get("split")

    def take(record: Record) -> list[str]:
        every = found(record) if separator else unpacked(found(record))
        if isinstance(every, str) and separator:
            every = [part.strip() for part in every.split(separator)]
        return [shown for item in (every if isinstance(every, list) else [every]) if (shown := text(item)) is not None]

    return take


def _source(value: Value) -> Getter:
    if value.source == "const":
        return lambda _record: value.given
    if value.source == "first_of":
        getters = [getter(path) for path in value.given]
        return lambda record: next((v for get in getters if text(v := get(record)) is not None), None)
    get = getter(value.given)
    makers: dict[str, Getter] = {
        "column": get,
        "count": lambda record: _how_many(get(record)),
        "hash": lambda record: content_hash(text(get(record))),
        "prompt_of": lambda record: asked(get(record)).prompt,
        "system_of": lambda record: content_hash(asked(get(record)).system),
    }
    return makers[value.source]


def _how_many(value: Any) -> int | None:
    return len(value) if isinstance(value, dict) else count(value)


def _with_options(get: Getter, value: Value) -> Getter:
    """The getter with ``extract``, ``values`` and ``otherwise``, in this order."""
    options = value.options
    if "extract" in options:
        pattern, before = re.compile(options["extract"]), get

        def extract(record: Record) -> Any:
            found = pattern.search(text(before(record)) or "")
            return found[1] if found else None

        get = extract
    if "values" in options:
        words = {str(k): v for k, v in options["values"].items()}
        fallback, source = options.get("otherwise"), get
        return lambda record: words.get(str(source(record)), fallback)
    if "otherwise" in options:
        fallback, plain = options["otherwise"], get
        return lambda record: fallback if text(v := plain(record)) is None else v
    return get


def _times(get: Getter, value: Value) -> Getter:
    unit, layout, zone = (value.options.get(k) for k in ("unit", "layout", "zone"))
    local = ZoneInfo(zone) if zone else None
    minus = getter(value.options["minus"]) if "minus" in value.options else None
    minus_unit = value.options.get("minus_unit") or unit or "s"

    def read(record: Record) -> int | None:
        given = get(record)
        if given is None or given == "":
            return None
        if local:
            given = _placed(given, layout, local)
        micros = moment(given, unit, layout)
        if minus:
            less = minus(record)
            try:
                micros -= round(float(less) * UNITS[minus_unit])
            except (TypeError, ValueError, OverflowError):
                raise BadValueError(f"less {short(less)}; want a number of {minus_unit} to take off") from None
        return micros

    return read


def _placed(given: Any, layout: str | None, zone: ZoneInfo) -> Any:
    """A local time with its zone, or the value as it was where it is no time or names an offset itself."""
    try:
        when = datetime.strptime(given, layout) if layout else datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return given
    return when if when.tzinfo else when.replace(tzinfo=zone)


def _number(given: Any) -> int | None:
    if text(given) is None:
        return None
    number = whole(given)
    if number is None and isinstance(given, str):
        # A column that was read with gaps by another program often turns 12 into "12.0".
        head, dot, tail = given.partition(".")
        number = whole(head) if dot and not tail.strip("0") else None
    if number is None or (isinstance(given, float) and not given.is_integer()):
        raise BadValueError(f"is {short(given)}; want a whole number of at most 2^63 - 1")
    return number
