"""The link graph on a live canvas: what is sent to the browser, and how a selection comes back.

Three components: ``vis`` is the library alone, the same message for every cluster; ``graph`` gets the drawing once
(bytes, the same at every rerun, so that Streamlit sends a reference instead of the graph); ``focus`` gets what is
selected, lit and hidden (a few bytes). vis-network comes out of the installed pyvis package; nothing is loaded from
another host. Above ``FULL`` nodes the groups are drawn as super-nodes
first; which of them are opened is part of the drawing's version.

Drawing (JSON): ``name``, ``height``, ``alt``, ``hint``, ``kinds`` [{kind, title, shape, light, dark, count, fixed}],
``ids``, ``labels``, ``tips``, ``kind`` (position in kinds), ``x``, ``y``, ``r``, ``edges`` (flat pairs of positions),
and where something is folded ``count`` (accounts inside a super-node, -1 for the handle of an opened group, 0 for
others), ``more`` (members of a value that are inside super-nodes) and ``via`` (bit set of the kinds of each edge).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from stillwatch.ui import look
from stillwatch.ui.words import count, number, plain, short

FULL = 3000
"""Nodes that are drawn at once without being asked."""
GROUP = "group:"
"""Prefix of a super-node's id; no account id from a run is taken for one (they are looked up first)."""
HINT = "click: select · shift+click: add · shift+drag: box · double-click: open or fold"
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Drawing:
    """One drawing, ready to send. ``ids`` are its nodes in order."""

    name: str
    version: str
    payload: bytes
    ids: tuple[str, ...]
    shown: int
    """Nodes of the cluster that are drawn themselves."""
    total: int
    """Nodes of the cluster."""
    groups: dict[str, tuple[str, ...]]
    """Super-node id -> the accounts inside it."""

    def positions(self, ids: Iterable[str]) -> list[int]:
        """Positions of those ids that are drawn; an account inside a super-node stands for that super-node."""
        at = self._at
        return sorted({at[i] for i in ids if i in at})

    def along(self, ids: Iterable[str]) -> list[int]:
        """Positions in the given order, each super-node once in a row."""
        found = [self._at[i] for i in ids if i in self._at]
        return [p for i, p in enumerate(found) if not i or p != found[i - 1]]

    @cached_property
    def _at(self) -> dict[str, int]:
        at = {node: i for i, node in enumerate(self.ids)}
        for group, members in self.groups.items():
            at.update(dict.fromkeys(members, at[group]))
        return at


@dataclass(frozen=True)
class Marks:
    """What is special on a drawing just now; sent apart from it, in a few bytes. Node ids."""

    selected: Iterable[str] = ()
    lit: Iterable[str] | None = None
    """In colour; None = everything."""
    hidden: Iterable[str] = ()
    """Kinds that are not drawn."""
    gone: Iterable[str] = ()
    """Nodes that do not count."""
    pinned: Iterable[str] = ()
    path: Sequence[str] = ()
    """Nodes along a path, in order."""
    part: str = ""
    """One character for each node of the drawing (see ``cluster_links.part_letters``); empty = one part."""
    sizes: Sequence[int] = ()
    """Accounts of each part, largest first."""
    note: str = ""
    """A sentence below the drawing, in the place of the hint."""
    found: tuple[int, Sequence[str]] = (0, ())
    """Number of the search and what it found: a new number brings those nodes into view."""


@cache
def components() -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """The library, the graph and its focus, made known to the server once."""
    place = find_spec("pyvis")  # only its folder: importing it would load networkx and more
    assert place is not None
    assert place.origin is not None
    vis = (Path(place.origin).parent / "lib/vis-9.1.2/vis-network.min.js").read_text()
    vis = vis.replace("//# sourceMappingURL=vis-network.min.js.map", "")
    component = st.components.v2.component
    library = component("stillwatch_vis", js=f"{vis}\n;export default function () {{}}\n")
    graph = component(
        "stillwatch_graph",
        html="<div id='g'></div>",
        css=(_HERE / "canvas.css").read_text(),
        js=(_HERE / "canvas.js").read_text(),
    )
    return library, graph, component("stillwatch_focus", js=(_HERE / "canvas_focus.js").read_text())


def draw(
    drawing: Drawing,
    *,
    marks: Marks,
    on_picked: Callable[[], None],
    on_opened: Callable[[], None],
    on_hidden: Callable[[], None],
    key: str,
) -> Any:
    """Draw it and say what is in focus. The triggers (``picked``, ``opened``, ``hidden``) are in its result."""
    library, graph, focus = components()
    library(key=f"{key}_vis", height=1)
    result = graph(
        data=drawing.payload,
        key=key,
        on_picked_change=on_picked,
        on_opened_change=on_opened,
        on_hidden_change=on_hidden,
    )
    focus(
        data={
            "name": drawing.name,
            "version": drawing.version,
            "selected": drawing.positions(marks.selected),
            "lit": None if marks.lit is None else drawing.positions(marks.lit),
            "hidden": sorted(marks.hidden),
            "gone": drawing.positions(marks.gone),
            "pinned": drawing.positions(marks.pinned),
            "path": drawing.along(marks.path),
            "part": marks.part,
            "sizes": list(marks.sizes[:40]),
            "note": marks.note,
            "find": {"n": marks.found[0], "at": drawing.positions(marks.found[1])},
        },
        key=f"{key}_focus",
        height=1,
    )
    return result


def build(
    nodes: pd.DataFrame,
    links: pd.DataFrame,
    *,
    name: str,
    family: str,
    height: int,
    opened: frozenset[int] = frozenset(),
    everything: bool = False,
) -> Drawing:
    """Drawing of one cluster from the run's ``nodes`` and ``links``.

    ``family`` names run and cluster: drawings of one family share the camera. ``opened`` are the groups shown node by
    node when the cluster is larger than ``FULL``; ``everything`` opens them all.
    """
    folded = len(nodes) > FULL and not everything
    keep = nodes if not folded else nodes[nodes["group"].isin(list(opened))]
    total = len(nodes)
    ids = keep["node_id"].tolist()
    kinds = keep["kind"].tolist()
    labels = [_label(k, t) for k, t in zip(kinds, keep["label"].tolist(), strict=True)]
    degree = keep["degree"].to_numpy(float)
    x, y = keep["x"].to_numpy(float), keep["y"].to_numpy(float)
    r = np.where(keep["kind"].to_numpy() == "account", 3.2 + 0.25 * np.minimum(degree, 8), 4.2 + 1.9 * np.log1p(degree))
    r *= float(np.clip((400 / max(len(keep), 1)) ** 0.4, 0.45, 1.5))  # the fewer there are, the more room each has
    tips = [_tip(k, i, d) for k, i, d in zip(kinds, ids, degree, strict=True)]
    counts = [0] * len(ids)
    groups: dict[str, tuple[str, ...]] = {}
    if folded:
        rest = nodes[~nodes["group"].isin(list(opened))]
        for g, part in rest.groupby("group", sort=True):
            accounts = part[part["kind"] == "account"]
            node = f"{GROUP}{g}"
            groups[node] = tuple(accounts["node_id"])
            ids.append(node)
            kinds.append("account")
            labels.append(f"group {int(str(g)) + 1}")
            tips.append(
                f"Group {int(str(g)) + 1}: {count(len(accounts), 'account')}, "
                f"{count(len(part) - len(accounts), 'shared value')}.\nDouble-click to open."
            )
            counts.append(len(accounts))
            x = np.append(x, part["x"].mean())
            y = np.append(y, part["y"].mean())
            r = np.append(r, 13 + 3.2 * np.log1p(len(accounts)))
        for g, part in keep.groupby("group", sort=True):
            ids.append(f"{GROUP}{g}")
            kinds.append("account")
            labels.append(f"group {int(str(g)) + 1}")
            tips.append(f"Group {int(str(g)) + 1} is open. Double-click to fold it.")
            counts.append(-1)
            x, y = np.append(x, part["x"].mean()), np.append(y, part["y"].min() - 22.0)
            r = np.append(r, 6.0)
    at = {node: i for i, node in enumerate(ids)}
    for node, members in groups.items():
        at.update(dict.fromkeys(members, at[node]))
    edges, ways = _edges(links, nodes, at)
    version = f"{family}|{'all' if everything else ','.join(map(str, sorted(opened)))}|{height}"
    order = ["account", *[k for k in look.MARKS if k in set(kinds)]]
    order = list(dict.fromkeys([*order, *kinds]))
    tally = nodes["kind"].value_counts()
    document = {
        "name": name,
        "height": height,
        "hint": HINT,
        "alt": f"Link graph: {count(int(tally.get('account', 0)), 'account')} and "
        f"{count(total - int(tally.get('account', 0)), 'shared value')}. The table beside it lists every account.",
        "kinds": [
            {
                "kind": k,
                "title": look.mark(k).title if k != "account" else "Accounts",
                "shape": look.mark(k).shape,
                "light": look.mark(k).light,
                "dark": look.mark(k).dark,
                "count": int(tally.get(k, 0)),
                "fixed": k == "account",
            }
            for k in (order if not folded else list(dict.fromkeys([*order, *[k for k in look.MARKS if k in tally]])))
        ],
        "ids": ids,
        "labels": labels,
        "tips": tips,
        "x": np.round(x, 1).tolist(),
        "y": np.round(y, 1).tolist(),
        "r": np.round(r, 1).tolist(),
        "edges": edges.ravel().tolist(),
    }
    place = {k["kind"]: i for i, k in enumerate(document["kinds"])}  # type: ignore[arg-type]
    document["kind"] = [place[k] for k in kinds]
    if groups:
        document["via"] = [sum(1 << place[k] for k in w) for w in ways]
        document["count"] = counts
        document["more"] = _inside_groups(links, ids, groups)
    body = json.dumps(document, separators=(",", ":")).encode()
    return Drawing(name, version, version.encode() + b"\n" + body, tuple(ids), len(keep), total, groups)


def _inside_groups(links: pd.DataFrame, ids: list[str], groups: dict[str, tuple[str, ...]]) -> list[int]:
    """For each node of the drawing how many of its members are inside super-nodes: the "N more" badge."""
    folded = {a for members in groups.values() for a in members}
    inside = links[links["account_id"].isin(folded)]
    found = (inside["kind"].astype(str) + ":" + inside["value"].astype(str)).value_counts().to_dict()
    return [int(found.get(i, 0)) for i in ids]


def _edges(
    links: pd.DataFrame, nodes: pd.DataFrame, at: dict[str, int]
) -> tuple[np.ndarray[Any, Any], list[tuple[str, ...]]]:
    """Pairs of positions, and the kinds that each stands for; links into a folded group run to its super-node, links
    inside one are left out.
    """
    values = links["kind"].astype(str) + ":" + links["value"].astype(str)
    group_of: dict[str, int] = {}
    folded = any(node.startswith(GROUP) for node in at)
    if folded:
        hubs = nodes[nodes["kind"] != "account"]
        homes = {g: at.get(f"{GROUP}{g}") for g in hubs["group"].unique()}
        group_of = {
            n: p
            for n, g in zip(hubs["node_id"], hubs["group"], strict=True)
            if n not in at and (p := homes[g]) is not None
        }
    a = links["account_id"].map(at)
    b = values.map(lambda v: at.get(v, group_of.get(v)))
    pairs = pd.DataFrame({"a": a, "b": b, "kind": links["kind"].astype(str)}).dropna()
    pairs = pairs.astype({"a": "int64", "b": "int64"})
    pairs = pairs[pairs["a"] != pairs["b"]].drop_duplicates()
    if not folded:
        return pairs[["a", "b"]].to_numpy(), []
    low, high = pairs[["a", "b"]].min(axis=1), pairs[["a", "b"]].max(axis=1)
    ways = pairs.assign(a=low, b=high).groupby(["a", "b"], sort=True)["kind"].agg(lambda k: ",".join(sorted(set(k))))
    return np.array([list(k) for k in ways.index], dtype=np.int64).reshape(-1, 2), [tuple(w.split(",")) for w in ways]


def _label(kind: str, text: str) -> str:
    """Hubs carry a label, accounts show theirs on hover only."""
    return "" if kind == "account" else short(text, 20)


def _tip(kind: str, node: str, degree: float) -> str:
    if kind == "account":
        return f"{plain(node, 80)}\n{count(int(degree), 'shared value')}"
    value = node.split(":", 1)[-1]
    return f"{look.mark(kind).title} {short(value, 34)}\nshared by {number(degree)} accounts of this cluster"
