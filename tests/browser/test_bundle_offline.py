"""An evidence bundle in a real browser without a network: it opens, it shows, nothing in it runs that should not."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, Page, expect

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "evidence"))
from made_case import HOSTILE, NOW, case_file

from stillwatch.evidence import bag
from stillwatch.evidence.payload import sealed
from stillwatch.evidence.redaction import redacted

COLOURS = """() => {
  const c = document.querySelector('canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  const seen = new Set();
  for (let i = 0; i < d.length; i += 4) if (d[i + 3]) seen.add(d[i] + ',' + d[i + 1] + ',' + d[i + 2]);
  return seen.size;
}"""
"""How many colours the canvas shows: an empty one has none."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hostile account ids and hostile labels of drawn nodes."""
    case = case_file()
    labels = [HOSTILE[i % len(HOSTILE)][:200] for i in range(case.nodes.num_rows)]
    nodes = case.nodes.set_column(case.nodes.column_names.index("label"), "label", pa.array(labels))
    folder = tmp_path_factory.mktemp("bundle") / "B-0001"
    folder.mkdir()
    made = sealed(redacted(replace(case, nodes=nodes), None), Ed25519PrivateKey.generate())
    bag.write(folder, made.files, NOW)
    return folder


@pytest.fixture
def offline(page: Page) -> tuple[Page, list[str]]:
    """The page without a network, and everything that it asked for or complained of."""
    page.context.set_offline(True)
    heard: list[str] = []
    page.on("request", lambda r: heard.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    page.on("console", lambda m: heard.append(m.text) if m.type in ("error", "warning") else None)
    return page, heard


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_opens_offline_and_is_readable(offline: tuple[Page, list[str]], bundle: Path, scheme: str) -> None:
    page, heard = offline
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto((bundle / "data" / "report.html").as_uri())
    expect(page.locator("h1")).to_have_text("Campaign K-0001")
    expect(page.get_by_text("very likely", exact=True).first).to_be_visible()
    expect(page.locator("svg.timeline rect").first).to_be_visible()
    expect(page.locator("svg.network circle").first).to_be_visible()
    expect(page.get_by_text(HOSTILE[0], exact=True).first).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert contrast(ink, paper) >= 7
    assert heard == []


def test_report_prints_with_its_marking_on_every_page(offline: tuple[Page, list[str]], bundle: Path) -> None:
    page, heard = offline
    page.goto((bundle / "data" / "report.html").as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    rules = page.evaluate(
        "[...document.styleSheets[0].cssRules].filter(r => r instanceof CSSPageRule).map(r => r.cssText).join()"
    )
    assert rules.count("TLP:AMBER+STRICT") == 2
    assert heard == []


def test_graph_is_drawn_answers_clicks_and_runs_nothing_else(offline: tuple[Page, list[str]], bundle: Path) -> None:
    page, heard = offline
    page.goto((bundle / "data" / "graph.html").as_uri())
    page.wait_for_selector("#graph[data-drawn]")
    painted = page.evaluate(COLOURS)
    assert painted > 20
    nodes = page.evaluate("JSON.parse(document.getElementById('nodes').textContent)")
    edges = page.evaluate("JSON.parse(document.getElementById('edges').textContent)")
    target = next(n for n in nodes if n["name"] == HOSTILE[0])
    find = page.get_by_role("searchbox")
    find.fill(HOSTILE[0])
    find.press("Enter")
    expect(page.locator("#what")).to_have_text(HOSTILE[0])
    find.press("Escape")
    expect(page.locator("#what")).to_have_text("Nothing selected")
    box = page.locator("canvas").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # finding it moved it to the middle
    expect(page.locator("#what")).to_have_text(HOSTILE[0])
    own = [e for e in edges if target["id"] in (e["from"], e["to"])]
    expect(page.locator("#list li")).to_have_count(len(own))
    page.get_by_role("checkbox", name="Payment").uncheck()
    page.get_by_role("button", name="Whole picture").click()
    expect(page.locator("#what")).to_have_text("Nothing selected")
    find.fill("nobody of that name")
    find.press("Enter")
    expect(page.locator("#what")).to_have_text("Not in this picture")
    assert page.locator("img, iframe, link").count() == 0
    assert heard == []


def test_a_script_that_slipped_into_a_bundle_page_would_not_run(browser: Browser, bundle: Path) -> None:
    """The pages' own security policy, should an escape ever be missed."""
    page = browser.new_page()
    for name in ("report.html", "graph.html"):
        html = (bundle / "data" / name).read_text()
        spoiled = bundle.parent / name
        spoiled.write_text(
            html.replace("</body>", "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'></body>")
        )
        with page.expect_console_message(lambda m: "Content Security Policy" in m.text):
            page.goto(spoiled.as_uri())  # until everything on it has come or failed
        assert page.evaluate("window.ran") is None
    page.close()


def contrast(one: str, other: str) -> float:
    """WCAG contrast of two CSS colours ``rgb(r, g, b)``."""

    def luminance(colour: str) -> float:
        parts = [int(c) / 255 for c in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
