"""What the documentation promises: it is up to date, complete, and every command and link in it works."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from stillwatch import errors, reference
from stillwatch.cli import build_parser
from stillwatch.evidence.casefile import TABLES
from stillwatch.evidence.redaction import LEVELS
from stillwatch.signals.compute import SIGNALS
from stillwatch.sources.contract import CONTRACT
from stillwatch.sources.registry import READERS
from stillwatch.ui.navigation import PAGES
from stillwatch.warehouse.run_schema import RUN_TABLES
from stillwatch.warehouse.schema import WAREHOUSE

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MARKDOWN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "sample_data").glob("*.md")])


@pytest.mark.parametrize("page", reference.PAGES)
def test_generated_pages_are_up_to_date(page: str) -> None:
    assert (DOCS / page).read_text(encoding="utf-8") == reference.PAGES[page](), f"docs/{page} is old: run `make docs`"


def test_writing_them_again_changes_nothing(tmp_path: Path) -> None:
    assert reference.write(tmp_path) == list(reference.PAGES)
    assert reference.write(tmp_path) == []


def test_every_column_has_a_meaning_and_stands_in_the_docs() -> None:
    text = (DOCS / "columns.md").read_text()
    for spec in {**CONTRACT, **WAREHOUSE, **RUN_TABLES, **TABLES}.values():
        assert spec.row
        for column in spec.columns:
            assert len(column.meaning) >= 4, (spec.name, column.name)
            assert f"| `{column.name}` | {column.type} |" in text


def test_every_signal_reader_and_page_is_explained() -> None:
    signals = (DOCS / "signals.md").read_text()
    for signal in SIGNALS.values():
        assert f"| `{signal.name}` |" in signals
        assert signal.innocent, signal.name
    sources = (DOCS / "sources.md").read_text().lower()
    for reader in READERS:
        assert reader in sources
    guide = (DOCS / "analysts.md").read_text()
    for page in PAGES.values():
        assert f"**{page.title}**" in guide, page.title
        assert (ROOT / page.file).is_file()
    assert {p.stem for p in (ROOT / "pages").glob("*.py")} == set(PAGES)


def test_every_error_is_one_sentence_and_stands_in_the_tree() -> None:
    tree = errors.__doc__ or ""
    for kind in reference.error_classes():
        sentence = kind.__doc__ or ""
        assert re.fullmatch(r"[A-Z][^\n]+\.", sentence.strip()), kind.__name__
        assert kind.__name__ in tree
        assert kind.exit_code in (1, 2)
    classes = {n for n, k in vars(errors).items() if isinstance(k, type) and issubclass(k, Exception)}
    assert classes == {k.__name__ for k in reference.error_classes()}


def test_every_redaction_level_and_setting_is_in_the_guides() -> None:
    evidence = (DOCS / "evidence.md").read_text()
    assert all(f"`{level}`" in evidence for level in LEVELS)
    text = (DOCS / "settings.md").read_text()
    assert set(re.findall(r"STILLWATCH_\w+", (ROOT / "src/stillwatch/config.py").read_text())) <= set(
        re.findall(r"STILLWATCH_\w+", text)
    )


def commands() -> Iterator[tuple[str, str]]:
    """Every line of a code block that starts with ``stillwatch`` or ``make``, with where it stands."""
    for page in MARKDOWN:
        if page == DOCS / "cli.md":
            continue
        for block in re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                command = re.sub(r"\s+#.*$", "", line.strip().removeprefix("$ "))
                command = re.sub(r"^(\w+=\S+\s+)+", "", command)
                if re.match(r"(stillwatch|make) ", command):
                    yield str(page.relative_to(ROOT)), command


def test_every_command_in_the_docs_is_one_that_exists(capsys: pytest.CaptureFixture[str]) -> None:
    found = list(commands())
    assert len(found) > 15
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    parser = build_parser()
    wrong = []
    for page, command in found:
        words = shlex.split(re.split(r"\s[|>&]", command)[0])
        if words[0] == "make":
            wrong += [(page, command) for w in words[1:] if "=" not in w and w not in targets]
            continue
        try:
            parser.parse_args(words[1:])
        except SystemExit as e:
            if e.code:
                wrong.append((page, f"{command}: {capsys.readouterr().err.splitlines()[-1]}"))
    assert wrong == []


def test_readme_names_every_command_of_the_contract() -> None:
    text = (DOCS / "cli.md").read_text()
    contract = ["import", "simulate", "detect", "accounts", "clusters", "label", "train", "evaluate", "serve", "doctor"]
    for name in (*contract, "evidence export", "evidence verify"):
        assert f"## stillwatch {name}\n" in text


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).strip().replace(" ", "-") for h in heads}


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_named_files_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"(https?|mailto):", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(target)
    broken += [named for named in re.findall(r"\bdocs/[\w/-]+\.(?:md|yaml)", text) if not (ROOT / named).exists()]
    assert broken == []


def test_every_pinned_dependency_says_why_it_is_here_and_its_licence() -> None:
    pins = {
        re.split(r"[\[=]", line)[0]
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    }
    rows = re.findall(r"^\| ([\w-]+) \| (.+?) \| (.+?) \|$", (DOCS / "dependencies.md").read_text(), re.MULTILINE)
    listed = {package: (why, licence) for package, why, licence in rows if package.strip("-") not in ("", "package")}
    assert set(listed) == pins
    for package, (why, licence) in listed.items():
        assert len(why) > 10, package
        assert re.search(r"MIT|BSD|Apache|MPL|PSF|CC0|LGPL", licence), package
        assert not re.search(r"(?<!L)GPL", licence), package


def test_no_dependency_beneath_is_under_gpl_or_agpl() -> None:
    """Walks everything that requirements.txt installs."""
    todo = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    seen: dict[str, str] = {}
    while todo:
        wanted = Requirement(todo.pop())
        key = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if key in seen:
            continue
        try:
            package = importlib.metadata.distribution(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        about = package.metadata
        kinds = [c for c in about.get_all("Classifier") or [] if c.startswith("License")]
        seen[key] = " ".join([about.get("License-Expression") or "", (about.get("License") or "")[:200], *kinds])
        for line in package.requires or []:
            below = Requirement(line)
            extras = [*wanted.extras, ""]
            if below.marker is None or any(below.marker.evaluate({"extra": e}) for e in extras):
                todo.append(line.split(";")[0])
    assert len(seen) > 40
    strong = {p: text for p, text in seen.items() if re.search(r"\bA?GPL|Affero|GNU General Public", text)}
    assert strong == {}


def test_decisions_are_short_and_of_one_shape() -> None:
    records = sorted((DOCS / "adr").glob("*.md"))
    assert [r.name[:4] for r in records] == [
        "0001",
        "0002",
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
        "0008",
        "0009",
        "0010",
        "0011",
        "0012",
        "0013",
    ]
    for number, record in enumerate(records, start=1):
        text = record.read_text()
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Question", "Decision", "Why", "Price"]
        assert len(text.split()) < 400, "an ADR is under a page"
