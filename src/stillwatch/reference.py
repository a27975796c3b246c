"""Reference pages that code knows best: columns, commands, settings, signals.

``python -m stillwatch.reference docs`` (or ``make docs``) writes them; a test proves that they are up to date.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

from stillwatch import cli, config, errors
from stillwatch.cases import models
from stillwatch.domain import (
    IDENTIFIER_KINDS,
    TRAINING_VALUE,
    CampaignStatus,
    Capability,
    EvidenceKind,
    Hypothesis,
    LabelSource,
    LabelValue,
    TableSpec,
)
from stillwatch.evidence import casefile
from stillwatch.signals.compute import render_markdown as signals
from stillwatch.sources import contract
from stillwatch.sources.registry import READERS
from stillwatch.warehouse import run_schema, schema

_GENERATED = "Generated from code by `make docs`; do not edit."


def columns() -> str:
    """docs/columns.md: every table and column, and the words that columns hold."""
    out = ["# Tables and columns", "", _GENERATED, "All times are UTC without a zone, in microseconds.", ""]
    parts: tuple[tuple[str, str, tuple[TableSpec, ...]], ...] = (
        (
            "What a provider hands in",
            "The telemetry contract; every reader translates its source into it (docs/sources.md). A column that is "
            "not required may be missing.",
            (*contract.CONTRACT.values(), contract.TRUTH),
        ),
        (
            "What the warehouse keeps",
            "Delta tables in `warehouse/`. Identifiers and addresses are keyed tokens; prompts are fingerprints.",
            tuple(schema.WAREHOUSE.values()),
        ),
        (
            "What a published run holds",
            "One Parquet file each in `runs/<run id>/`; everything that the pages show. The columns of `signals` are "
            "in docs/signals.md.",
            tuple(run_schema.RUN_TABLES.values()),
        ),
        (
            "What an evidence bundle adds",
            "A bundle has the run's tables for one campaign, and these.",
            (casefile.LABELS, casefile.DECISIONS, casefile.CUSTODY),
        ),
    )
    for title, about, specs in parts:
        out += [f"## {title}", "", about, ""]
        for spec in specs:
            out += [f"### {spec.name}", "", f"One row is {spec.row}.", ""]
            required = any(c.required for c in spec.columns)
            out += _table(
                ["column", "type", *(["required"] if required else []), "meaning"],
                [
                    [f"`{c.name}`", c.type, *(["yes" if c.required else "no"] if required else []), c.meaning]
                    for c in spec.columns
                ],
            )
    out += ["## The case file", "", "SQLite in the home, or PostgreSQL. Times are UTC.", ""]
    for mapper in sorted(models.Base.registry.mappers, key=lambda m: str(m.local_table)):
        about = " ".join((inspect.getdoc(mapper.class_) or "").split())
        names = ", ".join(f"`{c.name}`" for c in mapper.local_table.columns)
        out += [f"- **{mapper.local_table}**: {about} {names}"]
    out += ["", "## Words that columns hold", "", "### Kinds of evidence", ""]
    notes = _comments(EvidenceKind)
    out += _table(
        ["kind", "view", "identifiers of this kind", "note"],
        [
            [
                f"`{k}`",
                k.view,
                ", ".join(f"`{i}`" for i, e in IDENTIFIER_KINDS.items() if e is k),
                notes.get(k.name, ""),
            ]
            for k in EvidenceKind
        ],
    )
    out += ["A cluster is an alarm only when tested evidence of two views agrees.", ""]
    out += ["### Capabilities", "", "What the wording of a request asks for. Bit = its place in the bit set.", ""]
    notes = _comments(Capability)
    out += _table(
        ["capability", "bit", "sought after in published campaigns", "note"],
        [[f"`{c}`", str(c.bit), "yes" if c in TRAINING_VALUE else "", notes.get(c.name, "")] for c in Capability],
    )
    out += ["### Labels, statuses, explanations", ""]
    out += [
        f"- label: {_words(LabelValue)}; said by: {_words(LabelSource)}",
        f"- status of a campaign: {_words(CampaignStatus)}",
        *(f"- {h.name}: {h.value}" for h in Hypothesis),
        "",
    ]
    return "\n".join(out)


def commands() -> str:
    """docs/cli.md: every command as ``--help`` tells it."""
    parser = cli.build_parser()
    out = ["# Command line", "", _GENERATED, ""]
    out += [
        "Every command prints what it did in plain words; `--json` prints one JSON object instead. Exit codes: 0 done, "
        "1 a check failed, 2 bad usage or bad input (one message, no traceback), 130 interrupted.",
        "",
    ]
    for name, sub in _subcommands(parser, parser.prog):
        out += [f"## {name}", "", "```", _help(sub).rstrip(), "```", ""]
    return "\n".join(out)


def settings() -> str:
    """docs/settings.md: every setting, its variable and its default."""
    notes = _docstrings(config.Settings)
    out = ["# Settings", "", _GENERATED, "", "Settings come from the environment and from nowhere else.", ""]
    rows = []
    for field in fields(config.Settings):
        text = notes[field.name]
        variable = re.search(r"STILLWATCH_\w+", text)
        rows.append([f"`{variable.group()}`" if variable else "", text])
    out += _table(["variable", "meaning"], rows)
    out += ["## Folders of a home", ""]
    out += [
        f"- `{name}/`: {' '.join((inspect.getdoc(member) or _FOLDERS[name]).split())}"
        for name, member in inspect.getmembers(config.Settings, lambda m: isinstance(m, property))
    ]
    out += [
        "- `cases.db`: the case file, unless STILLWATCH_DATABASE_URL names another",
        "- `.lock`: held by the one process that writes (import, detection, rescoring)",
        "",
        "## Errors",
        "",
        "Each tells what was wrong, where, and what to do.",
        "",
    ]
    out += [f"- **{e.__name__}** (exit code {e.exit_code}): {(e.__doc__ or '').strip()}" for e in error_classes()]
    out += ["", "## Readers", ""]
    out += [f"- `{name}`: {reader.title}" for name, reader in READERS.items()]
    return "\n".join([*out, ""])


PAGES: dict[str, Callable[[], str]] = {
    "columns.md": columns,
    "cli.md": commands,
    "settings.md": settings,
    "signals.md": signals,
}
"""Generated pages: file in docs/ -> what makes its text."""

_FOLDERS = {
    "warehouse": "Delta tables of what was imported, and the snapshot that names their versions",
    "runs": "published runs; `CURRENT` names the one that the pages show",
    "models": "trained models, as skops files with their cards",
    "bundles": "evidence bundles that were exported without naming a folder",
}


def error_classes() -> list[type[errors.StillwatchError]]:
    """All error classes, the base first, each branch after its parent."""

    def below(kind: type[errors.StillwatchError]) -> Iterator[type[errors.StillwatchError]]:
        yield kind
        for child in sorted(kind.__subclasses__(), key=lambda c: c.__name__):
            if child.__module__ == errors.__name__:
                yield from below(child)

    return list(below(errors.StillwatchError))


def write(docs: Path) -> list[str]:
    """Write every generated page below ``docs``; gives the names of those that changed."""
    changed = []
    for name, make in PAGES.items():
        text = make()
        if not (docs / name).is_file() or (docs / name).read_text(encoding="utf-8") != text:
            (docs / name).write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def _subcommands(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Commands that can be run, in the order in which they were added."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield name, parser
    for action in below:
        for word, sub in action.choices.items():
            yield from _subcommands(sub, f"{name} {word}")


def _help(parser: argparse.ArgumentParser) -> str:
    """Help at a fixed width, whatever the terminal."""
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, max_help_position=30, width=100)  # type: ignore[assignment]
    return parser.format_help()


def _docstrings(kind: type) -> dict[str, str]:
    """Attribute -> the string that stands below it in the class body."""
    (body,) = ast.parse(inspect.getsource(kind)).body
    if not isinstance(body, ast.ClassDef):
        raise TypeError(kind)
    found = {}
    for statement, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[statement.target.id] = " ".join(str(after.value.value).split())
    return found


def _comments(kind: type) -> dict[str, str]:
    """Member of an enum -> the comment beside it in the source."""
    lines = re.findall(r"^\s+(\w+) = .*?  # (.*)$", inspect.getsource(kind), re.MULTILINE)
    return dict(lines)


def _words(kind: type[LabelValue] | type[LabelSource] | type[CampaignStatus]) -> str:
    return ", ".join(f"`{v}`" for v in kind)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table and an empty line."""

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(" ".join(c.replace("|", "\\|").split()) for c in cells) + " |"

    return [line(head), line(["---"] * len(head)), *(line(r) for r in rows), ""]


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) == 2 else Path("docs")
    if not place.is_dir():
        sys.exit(f"there is no folder {place}; give the folder of the documentation.")
    for page in write(place):
        print(f"wrote {place / page}")
