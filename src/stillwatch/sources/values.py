"""From the values that foreign logs hold to contract values: text, whole numbers, moments in UTC."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Microseconds in one unit of a number that counts from 1970."""

_NOTHING = frozenset({"", "None", "null", "NULL", "NaN"})
_EARLIEST, _LATEST = 0, int(datetime(2200, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadValueError(ValueError):
    """A value that is not what its column needs; the text says what it is and what is wanted."""


def text(value: Any) -> str | None:
    """Text of a value; empty text and the words that programs print for "nothing" are null."""
    if value is None:
        return None
    if not isinstance(value, str):
        value = orjson.dumps(value, default=str).decode() if isinstance(value, dict | list) else str(value)
    return None if value in _NOTHING else value


def email(value: Any) -> str | None:
    """An e-mail address in small letters, so that one address is one value; null when it is none."""
    address = text(value)
    return address.strip().lower() if address and "@" in address else None


def whole(value: Any) -> int | None:
    """A whole number that fits 64 bits; null when it is none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -(2**63) <= number < 2**63 else None


def moment(value: Any, unit: str | None = None, layout: str | None = None) -> int:
    """Microseconds since 1970 in UTC. Text without an offset is taken as UTC.

    Args:
        value: a number of ``unit`` since 1970, ISO 8601 text, or a datetime.
        unit: ``s``, ``ms``, ``us`` or ``ns`` when the value counts from 1970; then text must be a number.
        layout: ``strptime`` layout of the text, when it is not ISO 8601.

    Raises:
        BadValueError: no time, or one outside 1970 to 2200.
    """
    try:
        micros = _micros(value, unit, layout)
    except (TypeError, ValueError, OverflowError):
        want = f"{unit} since 1970" if unit else layout or "ISO 8601"
        raise BadValueError(f"is {short(value)}; want {want}") from None
    if not _EARLIEST <= micros < _LATEST:
        raise BadValueError(f"is {short(value)}, outside 1970 to 2200")
    return micros


def _micros(value: Any, unit: str | None, layout: str | None) -> int:
    if isinstance(value, datetime):
        when = value
    elif isinstance(value, date):
        when = datetime.combine(value, time())
    elif unit:
        if isinstance(value, bool):
            raise ValueError("a yes or no is no time")
        if unit == "ns":
            return int(value) // 1000
        return round(float(value) * UNITS[unit])
    elif layout:
        when = datetime.strptime(value, layout)
    else:
        when = datetime.fromisoformat(value)
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def short(value: Any, length: int = 40) -> str:
    """A value as it may stand in a message: one line, quoted, cut."""
    shown = repr(value)
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def content_hash(value: str | None) -> str | None:
    """First 128 bits of the SHA-256 of a text, in hex. The import puts its own key on top where it stores one."""
    return None if value is None else hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:32]
