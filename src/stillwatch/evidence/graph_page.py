"""``graph.html``: the link graph as one file that opens offline, with nothing moving and nothing fetched.

pyvis brings the canvas (vis-network) and the shape of its data. Its own page is not used: it loads style sheets and
scripts from other hosts even with ``cdn_resources="in_line"``, and a node id in its heading, menus or link tooltips
runs as script. Here pyvis renders our template (its documented hook), text from outside is JSON, canvas text or
``textContent``, and the page's own security policy allows exactly the two scripts that lie in it, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pyvis
from jinja2 import DictLoader, Environment
from pyvis.network import Network

from stillwatch.evidence.casefile import CaseFile
from stillwatch.evidence.drawing import Drawing
from stillwatch.evidence.look import MARKS, OTHER, mark
from stillwatch.evidence.wording import TLP, clean

_LIBRARY = Path(pyvis.__file__).parent / "templates" / "lib" / "vis-9.1.2" / "vis-network.min.js"

OPTIONS: dict[str, Any] = {
    "physics": False,
    "layout": {"improvedLayout": False},
    "interaction": {
        "hideEdgesOnDrag": True,
        "hideEdgesOnZoom": True,
        "hover": True,
        "keyboard": {"enabled": True, "bindToWindow": False},
    },
    "edges": {"smooth": False, "hoverWidth": 0},
    "nodes": {"chosen": True},
}


def graph_page(case: CaseFile, drawn: Drawing) -> bytes:
    """The page for a drawing."""
    net = Network(directed=True, cdn_resources="in_line")  # directed: skips pyvis' search for doubles, O(links²)
    for n in drawn.nodes:
        m = mark(n.kind)
        net.add_node(
            n.key, label=n.label or " ", shape=m.shape, color=None, x=n.x, y=n.y, size=n.size,
            form=m.shape, glyph=m.glyph, kind=n.kind if n.kind in MARKS else "other", title_=m.title, name=n.name,
            cluster=n.cluster, sharers=n.sharers,
        )  # fmt: skip
    for link in drawn.links:
        net.add_edge(link.account, link.value, bits=round(link.bits, 2), arrows="")
    for node in net.nodes:  # an empty label is what pyvis replaces by the id
        node["label"] = node["label"].strip()
    present = {n.kind if n.kind in MARKS else "other" for n in drawn.nodes}
    label, colour, _ = TLP[case.tlp]
    library, script = _library(), _text("graph.js")
    page = {
        "title": f"{case.bundle_id} {case.campaign.campaign_id}: link graph",
        "heading": f"{case.campaign.campaign_id} · {clean(case.campaign.name, 80)}: who shares what",
        "where": f"{case.bundle_id} · run {case.provenance.run_id}",
        "alt": f"Link graph of accounts and the values that they share. {drawn.note}",
        "note": drawn.note,
        "tlp": label,
        "tlp_colour": colour,
        "marks": [
            {"kind": k, "title": m.title, "glyph": m.glyph, "light": m.light, "dark": m.dark, "present": k in present}
            for k, m in {**MARKS, "other": OTHER}.items()
        ],
        "options": OPTIONS,
        "fields": [
            {"text": f"{f.cluster}", "x": f.left + f.width / 2, "y": f.top + 34 * drawn.zoom} for f in drawn.fields
        ],
        "zoom": drawn.zoom,
        "library": library,
        "script": script,
        "script_hashes": f"{_csp_hash(library)} {_csp_hash(script)}",
    }
    net.templateEnv = Environment(
        loader=DictLoader({"graph.html": _text("graph.html")}), autoescape=True, keep_trailing_newline=True
    )
    net.templateEnv.globals["page"] = page
    net.templateEnv.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    net.path = "graph.html"
    html: str = net.generate_html("graph.html")
    return html.encode()


def _text(name: str) -> str:
    return (resources.files("stillwatch.evidence") / "templates" / name).read_text(encoding="utf-8")


def _library() -> str:
    """vis-network as one inline script. Its licence notice stays; addresses in notices lose their ``https://``, so
    that a search of the page for other hosts finds none."""
    code = _LIBRARY.read_text(encoding="utf-8")
    code = re.sub(
        r"https?://(?=(?:visjs\.github\.io|almende\.com|github\.com|www\.apache\.org|opensource\.org))", "", code
    )
    if "</script" in code.lower():
        raise ValueError("vis-network cannot be put inline: it holds a closing script tag")
    return re.sub(r"//# sourceMappingURL=\S*", "", code)


def _csp_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
