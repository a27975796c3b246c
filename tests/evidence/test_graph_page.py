"""The link graph: offline, inert, bounded, and honest about its bound."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
from made_case import HOSTILE, case_file

from stillwatch.evidence.casefile import CaseFile
from stillwatch.evidence.drawing import drawing
from stillwatch.evidence.graph_page import graph_page
from stillwatch.evidence.payload import Sealed
from stillwatch.evidence.redaction import redacted

SCRIPT = re.compile(r"<script(?P<kind>[^>]*)>(?P<body>.*?)</script>", re.DOTALL)


@pytest.fixture(scope="session")
def html(made: Sealed) -> str:
    return made.files["data/graph.html"].decode()


def data(html: str, name: str) -> list[dict[str, object]]:
    found = re.search(rf'id="{name}">(.*?)</script>', html, re.DOTALL)
    assert found
    return list(json.loads(found.group(1)))


def test_no_other_host_is_named_in_it(html: str) -> None:
    for host in ("jsdelivr", "cdnjs", "cloudflare", "unpkg", "googleapis", "bootstrapcdn"):
        assert host not in html
    addresses = set(re.findall(r"(?:https?:)?//[a-zA-Z0-9.-]+\.[a-z]{2,}[^\s\"']*", html))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of a namespace; nothing is fetched from it
    assert not re.search(r"<(link|img|iframe|base|object|embed)\b", html)
    assert "sourceMappingURL" not in html


def test_only_its_own_two_scripts_may_run(html: str) -> None:
    scripts = [m["body"] for m in SCRIPT.finditer(html) if "application/json" not in m["kind"]]
    assert len(scripts) == 2
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    allowed = policy.group(1).split("script-src ")[1].split(";")[0].split()
    assert set(allowed) == hashes
    assert "default-src 'none'" in policy.group(1)


def test_hostile_names_stay_data(html: str) -> None:
    names = {n["name"] for n in data(html, "nodes")}
    assert HOSTILE[0] in names
    outside = SCRIPT.sub("", html)
    for text in ("alert(1)", "onerror", "{{7*7}}", "javascript:"):
        assert text not in outside
    assert len(list(SCRIPT.finditer(html))) == 6
    assert all(not {"title", "href", "url", "image"} & set(n) for n in data(html, "nodes"))


def test_nothing_moves_and_the_stored_proportions_are_kept(html: str, case: CaseFile) -> None:
    assert '"physics":false' in html
    stored = {r["node_id"]: r for r in case.nodes.to_pylist() if r["cluster_id"] == "C-aaaaaa"}
    drawn = [n for n in drawing(case).nodes if n.cluster == "C-aaaaaa" and n.name in stored]
    assert len(drawn) > 100
    a, b, c = drawn[0], drawn[40], drawn[90]
    scale = (b.x - a.x) / (stored[b.name]["x"] - stored[a.name]["x"])
    assert scale > 0
    assert c.x - a.x == pytest.approx(scale * (stored[c.name]["x"] - stored[a.name]["x"]), abs=0.3)
    assert c.y - a.y == pytest.approx(scale * (stored[c.name]["y"] - stored[a.name]["y"]), abs=0.3)


def test_whole_picture_says_so_and_a_cut_one_counts_what_it_left_out(case: CaseFile) -> None:
    whole = drawing(case)
    assert whole.note.endswith("Nothing is left out.")
    assert len(whole.links) == case.tables["links"].num_rows
    cut = drawing(case, most_nodes=80, most_links=100)
    assert len(cut.nodes) <= 90
    assert len(cut.links) <= 100
    found = re.match(r"Drawn: ([\d,]+) of ([\d,]+) accounts, ([\d,]+) of ([\d,]+) shared values, ([\d,]+) of", cut.note)
    assert found
    accounts = sum(n.kind == "account" for n in cut.nodes)
    values = len(case.frame("links").groupby(["kind", "value"]))
    assert [int(g) for g in found.groups()] == [accounts, 160, len(cut.nodes) - accounts, values, len(cut.links)]
    assert "tables/links.csv" in cut.note
    assert cut.note in graph_page(case, cut).decode()
    kept = {n.key for n in cut.nodes}
    assert all(link.account in kept and link.value in kept for link in cut.links)


def test_a_large_campaign_is_bounded_and_its_tables_are_not() -> None:
    case = redacted(case_file((3_000, 300)), None)
    drawn = drawing(case)
    assert len(drawn.nodes) <= 1_700
    assert len(drawn.links) <= 6_000
    assert case.tables["accounts"].num_rows == 3_300
    assert len(graph_page(case, drawn)) < 3 << 20


def test_a_case_without_a_stored_drawing_gives_an_empty_page(case: CaseFile) -> None:
    from dataclasses import replace

    bare = replace(case, nodes=case.nodes.slice(0, 0))
    drawn = drawing(bare)
    assert drawn.nodes == ()
    assert data(graph_page(bare, drawn).decode(), "nodes") == []
