"""The mapping file: which column of a foreign table feeds which column of the telemetry contract.

A mapping file is YAML. Everything in it is checked before a row is read; what is wrong is said with the file, the
entry, and the names that exist. docs/sources.md explains it by example, docs/mappings/ holds real ones.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from stillwatch.domain import IDENTIFIER_KINDS, TableSpec
from stillwatch.errors import MappingError
from stillwatch.sources.contract import CONTRACT
from stillwatch.sources.values import UNITS

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TOP = ("title", "blind", "repeats", *CONTRACT)
_ENTRY = ("from", "join", "each", "where", "delimiter", "columns", "earliest")
_JOIN = ("from", "as", "by", "delimiter", "keep")
_SOURCES = ("column", "const", "first_of", "count", "hash", "prompt_of", "system_of")
_OPTIONS = ("unit", "layout", "zone", "minus", "minus_unit", "values", "otherwise", "extract", "split")
_LARGEST = 1024 * 1024


@dataclass(frozen=True)
class Value:
    """How one contract column is made: where from, and what is done to it."""

    source: str
    """One of ``column``, ``const``, ``first_of``, ``count``, ``hash``, ``prompt_of``, ``system_of``."""
    given: Any
    """A path, a constant, or (``first_of``) several paths."""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths that it reads."""
        own = () if self.source == "const" else tuple(self.given) if self.source == "first_of" else (self.given,)
        return (*own, *((self.options["minus"],) if "minus" in self.options else ()))


@dataclass(frozen=True)
class Join:
    """A second file whose records are put beside those of the first, by equal keys."""

    pattern: str
    name: str
    left: str
    right: str
    delimiter: str
    inner: bool


@dataclass(frozen=True)
class Entry:
    """How one source table feeds one contract table."""

    where: str
    """Words for messages, such as ``requests`` or ``identifiers[2]``."""
    table: TableSpec
    pattern: str
    columns: Mapping[str, Value]
    join: Join | None = None
    each: str | None = None
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    delimiter: str = ","
    earliest: bool = False

    @property
    def derived(self) -> bool:
        """Accounts that are made from another table of the mapping: ``from: requests``."""
        return not self.columns

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths that it reads."""
        key = () if self.join is None else (self.join.left, f"{self.join.name}.{self.join.right}")
        return (*(p for v in self.columns.values() for p in v.paths), *self.only, *key)


@dataclass(frozen=True)
class Mapped:
    """A whole mapping file."""

    path: Path
    entries: tuple[Entry, ...]
    blind: tuple[str, ...]
    repeats: str
    title: str

    def error(self, entry: Entry | str, problem: str) -> MappingError:
        return MappingError(f"{self.path}: {entry.where if isinstance(entry, Entry) else entry}: {problem}")


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Words for a name that does not exist, with the likely one or all that do."""
    names = [str(k) for k in known]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(names[:40]) + (" …" if len(names) > 40 else "")
    return f"there is no {what} {name!r}. {hint}There are: {listed or 'none'}."


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that is one mapping.

    Raises:
        MappingError: not there, too large to be one, or not YAML.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise MappingError(f"{path} is larger than 1 MB; that is no mapping file. See docs/mappings/ for examples.")
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise MappingError(f"{path}: cannot be read as a mapping file ({e}).") from e
    except (yaml.YAMLError, RecursionError) as e:
        raise MappingError(f"{path}: not valid YAML ({' '.join(str(e).split())}).") from e
    if not isinstance(loaded, dict):
        raise MappingError(f"{path}: want YAML with entries such as requests: and accounts:. See docs/mappings/.")
    return loaded


def load(path: Path) -> Mapped:
    """Read and check a mapping file, as far as that is possible without the data.

    Raises:
        MappingError: an unknown table, column, option or kind; a required column that is not fed.
    """
    top = load_yaml(path)
    if "attributes" in top:
        raise MappingError(f"{path}: attributes: belongs to --format otel; give that as well.")
    shell = Mapped(
        path, (), tuple(_texts(path, top, "blind")), str(top.get("repeats", "refuse")), str(top.get("title", ""))
    )
    for name in top:
        if name not in _TOP:
            raise shell.error("top level", unknown("entry", str(name), _TOP))
    if shell.repeats not in ("refuse", "skip"):
        raise shell.error("repeats", "want refuse or skip.")
    entries: list[Entry] = []
    for name, table in CONTRACT.items():
        given = top.get(name)
        several = given if isinstance(given, list) else [] if given is None else [given]
        for i, item in enumerate(several):
            where = f"{name}[{i + 1}]" if isinstance(given, list) else name
            entries.append(_entry(shell, where, table, item))
    if not entries:
        raise shell.error("top level", f"feeds no table; want at least one of {', '.join(CONTRACT)}.")
    for entry in entries:
        fed = {e.table.name for e in entries if not e.derived}
        if entry.derived and (entry.table.name != "accounts" or entry.pattern not in fed - {"accounts"}):
            raise shell.error(entry, "has no columns:. Only accounts can do without, as accounts: {from: requests}.")
    return Mapped(path, tuple(entries), shell.blind, shell.repeats, shell.title)


def _texts(path: Path, top: dict[str, Any], key: str) -> list[str]:
    value = top.get(key) or []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise MappingError(f"{path}: {key}: want a list of sentences.")
    return value


def _entry(shell: Mapped, where: str, table: TableSpec, item: Any) -> Entry:
    _known_keys(shell, where, item, _ENTRY)
    pattern = _pattern(shell, where, item.get("from"))
    given = item.get("columns", {})
    if not isinstance(given, dict):
        raise shell.error(where, "columns: want contract column: source column, one a line.")
    columns: dict[str, Value] = {}
    for name, spec in given.items():
        if name not in table.names:
            raise shell.error(where, unknown(f"column of {table.name}", str(name), table.names))
        columns[name] = _value(shell, f"{where}.{name}", spec)
    missing = [c.name for c in table.columns if c.required and c.name not in columns]
    if columns and missing:
        raise shell.error(where, f"{missing[0]!r} is not fed, and {table.name} needs it.")
    if "kind" in columns:
        _check_kind(shell, where, columns["kind"])
    only = item.get("where", {})
    if not isinstance(only, dict):
        raise shell.error(where, "where: want a source column and the values to keep, such as {type: [GENERATION]}.")
    each = item.get("each")
    if each is not None and not isinstance(each, str):
        raise shell.error(where, "each: want the path of a list, such as observations.")
    return Entry(
        where=where,
        table=table,
        pattern=pattern,
        columns=columns,
        join=_join(shell, f"{where}.join", item["join"]) if "join" in item else None,
        each=each,
        only={str(k): frozenset(str(x) for x in (v if isinstance(v, list) else [v])) for k, v in only.items()},
        delimiter=_delimiter(shell, where, item),
        earliest=item.get("earliest") is True,
    )


def _known_keys(shell: Mapped, where: str, item: Any, known: tuple[str, ...]) -> None:
    if not isinstance(item, dict):
        raise shell.error(where, f"want an entry with {', '.join(known)}.")
    for key in item:
        if key is True:
            raise shell.error(where, "YAML reads the word on as yes; the keys of a join are named with by:.")
        if key not in known:
            raise shell.error(where, unknown("key", str(key), known))


def _pattern(shell: Mapped, where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise shell.error(where, "from: want a file name or a pattern such as access*.jsonl.gz.")
    if PurePath(value).is_absolute() or ".." in PurePath(value).parts:
        raise shell.error(where, f"from: {value!r} leads out of the folder that is imported; name files inside it.")
    return value


def _delimiter(shell: Mapped, where: str, item: dict[str, Any]) -> str:
    value = item.get("delimiter", ",")
    if not isinstance(value, str) or len(value) != 1:
        raise shell.error(where, 'delimiter: want one character, such as ";" or "\\t".')
    return value


def _join(shell: Mapped, where: str, item: Any) -> Join:
    _known_keys(shell, where, item, _JOIN)
    name, keys = item.get("as"), item.get("by")
    if not isinstance(name, str) or not name.isidentifier():
        raise shell.error(where, "as: want a short name for the second file; its columns are then NAME.column.")
    if isinstance(keys, str):
        keys = {keys: keys}
    if not isinstance(keys, dict) or len(keys) != 1:
        raise shell.error(where, "by: want the column that is equal in both files, or {column here: column there}.")
    ((left, right),) = keys.items()
    keep = item.get("keep", "all")
    if keep not in ("all", "both"):
        raise shell.error(where, "keep: want all (rows without a partner stay) or both (only rows in both files).")
    pattern = _pattern(shell, where, item.get("from"))
    return Join(pattern, name, str(left), str(right), _delimiter(shell, where, item), keep == "both")


def _value(shell: Mapped, where: str, spec: Any) -> Value:
    if isinstance(spec, str):
        return Value("column", spec)
    _known_keys(shell, where, spec, (*_SOURCES, *_OPTIONS))
    chosen = [s for s in _SOURCES if s in spec]
    if len(chosen) != 1:
        raise shell.error(where, f"want exactly one of {', '.join(_SOURCES)}.")
    source, given = chosen[0], spec[chosen[0]]
    options = {k: v for k, v in spec.items() if k in _OPTIONS}
    if source == "first_of":
        if not isinstance(given, list) or not given or not all(isinstance(g, str) for g in given):
            raise shell.error(where, "first_of: want a list of source columns.")
    elif source != "const" and not isinstance(given, str):
        raise shell.error(where, f"{source}: want a source column.")
    _check_options(shell, where, options)
    return Value(source, given, options)


def _check_options(shell: Mapped, where: str, options: dict[str, Any]) -> None:
    for key in ("unit", "minus_unit"):
        if key in options and options[key] not in UNITS:
            raise shell.error(where, f"{key}: {unknown('unit', str(options[key]), UNITS)}")
    if "values" in options and not isinstance(options["values"], dict):
        raise shell.error(where, "values: want source value: contract value, one a line.")
    for key in ("layout", "zone", "minus", "extract", "split"):
        if key in options and not isinstance(options[key], str):
            raise shell.error(where, f"{key}: want text.")
    if "zone" in options:
        try:
            ZoneInfo(options["zone"])
        except (ValueError, OSError, KeyError):
            raise shell.error(
                where, f"zone: {options['zone']!r} is no time zone; want a name like Europe/Berlin."
            ) from None
    if "extract" in options:
        try:
            groups = re.compile(options["extract"]).groups
        except re.error as e:
            raise shell.error(where, f"extract: not a regular expression ({e}).") from e
        if groups != 1:
            raise shell.error(where, "extract: want exactly one group in brackets; its text is taken.")


def _check_kind(shell: Mapped, where: str, kind: Value) -> None:
    if kind.source == "const" and not (isinstance(kind.given, str) and _KIND.fullmatch(kind.given)):
        usual = ", ".join(IDENTIFIER_KINDS)
        raise shell.error(
            where, f"kind {kind.given!r}: want small letters, digits and _, at most 40. Usual kinds: {usual}."
        )
