"""Promises of the user interface that a change could break without anybody noticing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "src" / "stillwatch" / "ui"
PYTHON = sorted([*UI.glob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"])
SCRIPTS = sorted(UI.glob("*.js"))


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: p.name)
def test_no_unsafe_flag_is_used(path: Path) -> None:
    assert not re.search(r"unsafe_allow_\w+", path.read_text())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_components_write_text_never_markup(path: Path) -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
    )


@pytest.mark.parametrize(
    "path", [*SCRIPTS, *UI.glob("*.css"), ROOT / ".streamlit" / "config.toml"], ids=lambda p: p.name
)
def test_nothing_is_loaded_from_another_host(path: Path) -> None:
    assert not re.search(r"https?://|@import|\burl\(", path.read_text())


def test_the_app_file_is_short_and_pages_are_thin() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) < 60
    for path in (ROOT / "pages").glob("*.py"):
        text = path.read_text()
        assert len(text.splitlines()) <= 150, path.name
        assert not re.search(r"\bSELECT\b|read_parquet|\.groupby\(|\.merge\(", text), path.name


def test_every_cached_function_keeps_its_key_arguments() -> None:
    """Streamlit leaves arguments that begin with an underscore out of a cache's key."""
    for path in PYTHON:
        for decorator, name, arguments in re.findall(
            r"(@st\.cache_\w+[^\n]*)\n(?:@[^\n]*\n)*def (\w+)\(([^)]*)\)", path.read_text()
        ):
            names = [a.split(":")[0].strip() for a in arguments.split(",") if a.strip()]
            assert not names or any(not n.startswith("_") for n in names), f"{path.name}: {name} {decorator}"


def test_every_kind_of_evidence_has_its_own_shape_and_colour() -> None:
    from stillwatch.domain import EvidenceKind
    from stillwatch.ui.look import MARKS

    assert set(MARKS) == {*EvidenceKind, "account"}
    marks = list(MARKS.values())
    assert len({m.shape for m in marks}) == len(marks)
    assert len({m.light for m in marks}) == len({m.dark for m in marks}) == len(marks)


@pytest.mark.parametrize(("ground", "side"), [("#f7f9fc", "light"), ("#0b1120", "dark")])
def test_colours_of_kinds_stand_out_from_the_ground(ground: str, side: str) -> None:
    """WCAG 2.2, 1.4.11: graphics need a contrast of 3 to 1."""
    from stillwatch.ui.look import MARKS

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    for kind, m in MARKS.items():
        bright, dim = sorted((luminance(getattr(m, side)), luminance(ground)), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 3, kind
