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
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Group:
    """One sub-cluster among the nodes of a drawing."""

    accounts: tuple[str, ...]
    values: int
    """Shared values in it."""
    x: float
    y: float
    top: float
    """Its middle, and where it begins."""


@dataclass(frozen=True)
class Ground:
    """What all drawings of a cluster have in common, whatever is opened; the slow part of making one."""

    account: NDArray[np.int64]
    """Of each link the position of its account among the nodes; -1 = no such node."""
    value: NDArray[np.int64]
    """Of each link the position of its value."""
    groups: dict[int, Group]
    """By number, in order."""
    tally: dict[str, int]
    """Kind -> nodes."""

    @classmethod
    def of(cls, nodes: pd.DataFrame, links: pd.DataFrame) -> Ground:
        """From a run's ``nodes`` and ``links``."""
        people = (nodes["kind"] == "account").to_numpy()
        values = links["kind"].astype(str) + ":" + links["value"].astype(str)
        ids = pd.Index(nodes["node_id"])
        groups = {}
        for g, part in nodes.assign(person=people).groupby("group", sort=True):
            own = part.loc[part["person"], "node_id"]
            x, y, top = part["x"].mean(), part["y"].mean(), part["y"].min()
            groups[int(str(g))] = Group(tuple(own), len(part) - len(own), float(x), float(y), float(top))
        tally = {str(k): int(n) for k, n in nodes["kind"].value_counts().items()}
        return cls(_at(ids, people, links["account_id"]), _at(ids, ~people, values), groups, tally)


def _at(ids: pd.Index[str], some: NDArray[np.bool_], wanted: pd.Series[str]) -> NDArray[np.int64]:
    """Positions of wanted ids among some of the ids (an account may be called like a value)."""
    places = np.flatnonzero(some)
    places = places[~ids[places].duplicated()]
    found = ids[places].get_indexer(pd.Index(wanted))
    return np.where(found >= 0, places[found], -1)


def build(
    nodes: pd.DataFrame,
    links: pd.DataFrame,
    *,
    name: str,
    family: str,
    height: int,
    opened: frozenset[int] = frozenset(),
    everything: bool = False,
    ground: Ground | None = None,
) -> Drawing:
    """Drawing of one cluster from the run's ``nodes`` and ``links``.

    ``family`` names run and cluster: drawings of one family share the camera. ``opened`` are the groups shown node by
    node when the cluster is larger than ``FULL``; ``everything`` opens them all. ``ground`` saves working it out anew.
    """
    ground = ground or Ground.of(nodes, links)
    folded = len(nodes) > FULL and not everything
    shown = nodes["group"].isin(list(opened)).to_numpy() if folded else np.ones(len(nodes), dtype=bool)
    keep = nodes[shown] if folded else nodes
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
    spots: list[tuple[float, float, float]] = []
    groups: dict[str, tuple[str, ...]] = {}
    place = np.full(total, -1, dtype=np.int64)  # of each node its position in the drawing, or that of its super-node
    place[shown] = np.arange(len(ids))
    if folded:
        super_node = {}
        for g, group in ground.groups.items():
            if g in opened:
                continue
            super_node[g] = len(ids)
            groups[f"{GROUP}{g}"] = group.accounts
            ids.append(f"{GROUP}{g}")
            tips.append(
                f"Group {g + 1}: {count(len(group.accounts), 'account')}, {count(group.values, 'shared value')}.\n"
                "Double-click to open."
            )
            counts.append(len(group.accounts))
            spots.append((group.x, group.y, 13 + 3.2 * np.log1p(len(group.accounts))))
        place[~shown] = nodes["group"][~shown].map(super_node).fillna(-1)
        for g in sorted(opened & ground.groups.keys()):
            ids.append(f"{GROUP}{g}")
            tips.append(f"Group {g + 1} is open. Double-click to fold it.")
            counts.append(-1)
            spots.append((ground.groups[g].x, ground.groups[g].top - 22.0, 6.0))
        labels += [f"group {int(i.removeprefix(GROUP)) + 1}" for i in ids[len(labels) :]]
        kinds += ["account"] * (len(ids) - len(kinds))
        x, y, r = (np.append(old, new) for old, new in zip((x, y, r), np.array(spots).T, strict=True))
    version = f"{family}|{'all' if everything else ','.join(map(str, sorted(opened)))}|{height}"
    tally = ground.tally
    met = set(tally if folded else kinds)
    order = list(dict.fromkeys(["account", *(k for k in look.MARKS if k in met), *kinds]))
    number = {k: i for i, k in enumerate(order)}
    document = {
        "name": name,
        "height": height,
        "hint": HINT,
        "alt": f"Link graph: {count(tally.get('account', 0), 'account')} and "
        f"{count(total - tally.get('account', 0), 'shared value')}. The table beside it lists every account.",
        "kinds": [
            {
                "kind": k,
                "title": look.mark(k).title if k != "account" else "Accounts",
                "shape": look.mark(k).shape,
                "light": look.mark(k).light,
                "dark": look.mark(k).dark,
                "count": tally.get(k, 0),
                "fixed": k == "account",
            }
            for k in order
        ],
        "ids": ids,
        "labels": labels,
        "tips": tips,
        "x": np.round(x, 1).tolist(),
        "y": np.round(y, 1).tolist(),
        "r": np.round(r, 1).tolist(),
        "kind": [number[k] for k in kinds],
    }
    edges, via = _edges(ground, place, links["kind"].map(number).fillna(0).to_numpy(np.int64))
    document["edges"] = edges.ravel().tolist()
    if groups:
        inside = ground.value[(ground.account >= 0) & (ground.value >= 0) & ~shown[ground.account]]
        more = np.bincount(inside, minlength=total)[shown].tolist()
        document["via"] = via.tolist()
        document["count"] = counts
        document["more"] = [*more, *[0] * (len(ids) - len(more))]
    body = json.dumps(document, separators=(",", ":")).encode()
    return Drawing(name, version, version.encode() + b"\n" + body, tuple(ids), len(keep), total, groups)


def _edges(
    ground: Ground, place: NDArray[np.int64], kind: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of positions, each once, and the bit set of the kinds of the links that it stands for. Links into a folded
    group run to its super-node, links inside one are left out.
    """
    both = (ground.account >= 0) & (ground.value >= 0)
    a, b, bit = place[ground.account[both]], place[ground.value[both]], np.left_shift(1, kind[both])
    drawn = (a >= 0) & (b >= 0) & (a != b)
    a, b, bit = a[drawn], b[drawn], bit[drawn]
    pairs, at = np.unique(np.stack([np.minimum(a, b), np.maximum(a, b)], axis=1), axis=0, return_inverse=True)
    via = np.zeros(len(pairs), dtype=np.int64)
    np.bitwise_or.at(via, at.ravel(), bit)
    return pairs, via


def _label(kind: str, text: str) -> str:
    """Hubs carry a label, accounts show theirs on hover only."""
    return "" if kind == "account" else short(text, 20)


def _tip(kind: str, node: str, degree: float) -> str:
    if kind == "account":
        return f"{plain(node, 80)}\n{count(int(degree), 'shared value')}"
    value = node.split(":", 1)[-1]
    return f"{look.mark(kind).title} {short(value, 34)}\nshared by {number(degree)} accounts of this cluster"
