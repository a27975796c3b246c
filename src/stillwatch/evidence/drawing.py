"""What of a campaign's link graph is drawn, and where. The tables stay complete; a drawing never is the proof.

Positions are the stored ones of the run, one field per cluster, so the picture is the one that the analyst saw.
Above the bound the best-connected nodes are kept: shared values with most surprise (bits times members), then the
accounts with most links to those. What is left out is counted and said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from stillwatch.evidence.casefile import CaseFile
from stillwatch.evidence.wording import clean, plural

FIELD = (1800.0, 1060.0)
"""Room of one cluster; drawings of a run are about 1600 by 900 units."""
SHAPE = 1.45
"""Width to height that a page has room for."""
MARGIN = 130.0
MOST_ZOOM = 3.0
MOST_NODES = 1_600
MOST_LINKS = 6_000
LABELS = 14


@dataclass(frozen=True)
class Node:
    """One drawn node. ``name`` is cleaned text, ``label`` is shown beside the few that matter most."""

    key: int
    kind: str
    name: str
    cluster: str
    x: float
    y: float
    size: float
    links: int
    sharers: int | None
    """Accounts everywhere that have this value; null for accounts."""
    label: str = ""


@dataclass(frozen=True)
class Link:
    """One drawn link from an account to a value, by node keys."""

    account: int
    value: int
    kind: str
    bits: float


@dataclass(frozen=True)
class Field:
    """Where one cluster is drawn, and how many of its nodes."""

    cluster: str
    left: float
    top: float
    width: float
    height: float
    nodes: int


@dataclass(frozen=True)
class Drawing:
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    fields: tuple[Field, ...]
    width: float
    height: float
    zoom: float
    """Units per unit of a drawing with one cluster: sizes of text and lines are multiplied by it."""
    note: str
    """What is drawn of how many, in words."""


def drawing(case: CaseFile, most_nodes: int = MOST_NODES, most_links: int = MOST_LINKS) -> Drawing:
    """The drawing of a case file; empty when its run has no stored positions."""
    nodes = case.nodes.to_pandas()
    links = case.frame("links")
    nodes = nodes[nodes["x"].notna() & nodes["y"].notna()].drop_duplicates(["cluster_id", "node_id"])
    links = links.assign(value_id=links["kind"].str.cat(links["value"], sep=":"))
    all_accounts = len({*links["account_id"], *nodes.loc[nodes["kind"] == "account", "node_id"]})
    all_values = len({*links["value_id"], *nodes.loc[nodes["kind"] != "account", "node_id"]})
    total_links = len(links)

    keyed = nodes[["cluster_id", "node_id"]].assign(key=range(len(nodes)))
    drawn = links.merge(
        keyed.rename(columns={"node_id": "account_id", "key": "account"}), on=["cluster_id", "account_id"]
    ).merge(keyed.rename(columns={"node_id": "value_id", "key": "value_key"}), on=["cluster_id", "value_id"])
    nodes = nodes.assign(key=keyed["key"], sharers=keyed["key"].map(drawn.groupby("value_key")["sharers"].max()))
    keep = _kept(nodes, drawn, most_nodes)
    drawn = drawn[drawn["account"].isin(keep) & drawn["value_key"].isin(keep)]
    drawn = drawn.sort_values(["bits", "account", "value_key"], ascending=[False, True, True], kind="stable").head(
        most_links
    )
    nodes = nodes[nodes["key"].isin(keep)]
    degree = pd.concat([drawn["account"], drawn["value_key"]]).value_counts()
    nodes = nodes.assign(links=nodes["key"].map(degree).fillna(0).astype(int))

    fields, width, height = _fields(nodes, list(case.campaign.cluster_ids))
    places = {f.cluster: _place(nodes, f) for f in fields}
    zoom = max(width / FIELD[0], height / FIELD[1])
    bold = 1.3 if len(nodes) <= 150 else 1.0
    taken: list[tuple[float, float, float, float]] = []
    made = []
    for r in _rows(nodes.sort_values(["links", "key"], ascending=[False, True])):
        left, top, scale = places[r.cluster_id]
        x, y, size = left + scale * r.x, top + scale * r.y, zoom * _size(r.kind, r.links) * bold
        named = r.kind != "account" and len(taken) < LABELS
        made.append(
            Node(
                key=int(r.key),
                kind=str(r.kind),
                name=clean(_bare(r.node_id, r.kind), 120),
                cluster=str(r.cluster_id),
                x=round(x, 1),
                y=round(y, 1),
                size=round(size, 1),
                links=int(r.links),
                sharers=None if r.kind == "account" or pd.isna(r.sharers) else int(r.sharers),
                label=_label(r, taken, x, y + size, zoom) if named else "",
            )
        )
    made.reverse()  # drawn in this order: the most important last, on top
    accounts_drawn = int((nodes["kind"] == "account").sum())
    note = (
        f"Drawn: {accounts_drawn:,} of {plural(all_accounts, 'account')}, {len(nodes) - accounts_drawn:,} of "
        f"{plural(all_values, 'shared value')}, {len(drawn):,} of {plural(total_links, 'link')}."
    )
    complete = accounts_drawn >= all_accounts and len(drawn) >= total_links
    note += (
        " Nothing is left out."
        if complete
        else " The best-connected ones are drawn so that the picture stays readable; tables/links.csv has them all."
    )
    made_links = tuple(
        Link(int(r.account), int(r.value_key), str(r.kind), float(r.bits) if pd.notna(r.bits) else 0.0)
        for r in _rows(drawn)
    )
    return Drawing(tuple(made), made_links, tuple(fields), width, height, zoom, note)


def _kept(nodes: pd.DataFrame, drawn: pd.DataFrame, most: int) -> set[int]:
    """Keys to draw: all of them, or the best-connected within the bound, each cluster in its share."""
    if len(nodes) <= most:
        return set(nodes["key"])
    keep: set[int] = set()
    for cluster, group in nodes.groupby("cluster_id", sort=True):
        room = max(12, int(most * len(group) / len(nodes)))
        inside = drawn[drawn["cluster_id"] == cluster]
        weight = inside.groupby("value_key")["bits"].sum().sort_values(ascending=False, kind="stable")
        values = weight.index[: max(4, room // 3)]
        held = inside[inside["value_key"].isin(values)]
        accounts = held.groupby("account")["bits"].sum().sort_values(ascending=False, kind="stable")
        keep |= set(values) | set(accounts.index[: room - len(values)])
    return keep


def _fields(nodes: pd.DataFrame, order: list[str]) -> tuple[list[Field], float, float]:
    """A field for every cluster and the size of the whole: larger clusters get more room, fields stand in rows, and
    the rows are broken where the whole comes closest to the shape of a page."""
    sizes = nodes["cluster_id"].value_counts()
    clusters = sorted(sizes.index, key=lambda c: (order.index(c) if c in order else len(order), str(c)))
    part = {c: min(1.0, max(0.42, math.sqrt(sizes[c] / sizes.max()))) for c in clusters}
    best: tuple[float, list[Field], float, float] | None = None
    for broken_after in range(1, len(clusters) + 1):
        fields: list[Field] = []
        rows, width, top = [], 0.0, 0.0
        for start in range(0, len(clusters), broken_after):
            row, left = clusters[start : start + broken_after], 0.0
            rows.append(len(fields))
            for c in row:
                fields.append(Field(str(c), left, top, FIELD[0] * part[c], FIELD[1] * part[c], int(sizes[c])))
                left += FIELD[0] * part[c]
            width, top = max(width, left), top + max(FIELD[1] * part[c] for c in row)
        off = abs(math.log(width / top / SHAPE))
        if best is None or off < best[0]:
            ends = [*rows[1:], len(fields)]
            centred = [
                replace(f, left=f.left + (width - fields[end - 1].left - fields[end - 1].width) / 2)
                for start, end in zip(rows, ends, strict=True)
                for f in fields[start:end]
            ]
            best = (off, centred, width, top)
    return (best[1], best[2], best[3]) if best else ([], *FIELD)


def _place(nodes: pd.DataFrame, field: Field) -> tuple[float, float, float]:
    """Left, top and scale that bring a cluster's stored positions into its field, proportions kept."""
    group = nodes[nodes["cluster_id"] == field.cluster]
    low, high = group[["x", "y"]].min(), group[["x", "y"]].max()
    room_x, room_y = field.width - MARGIN, field.height - MARGIN
    scale = min(room_x / max(high["x"] - low["x"], 1.0), room_y / max(high["y"] - low["y"], 1.0), MOST_ZOOM)
    left = field.left + field.width / 2 - scale * (low["x"] + high["x"]) / 2
    top = field.top + field.height / 2 - scale * (low["y"] + high["y"]) / 2
    return float(left), float(top), float(scale)


def _label(node: Any, taken: list[tuple[float, float, float, float]], x: float, y: float, zoom: float) -> str:
    """The node's short text if it covers no label that was placed before it; else nothing."""
    text = clean(node.label if isinstance(node.label, str) and node.label else node.node_id, 22)
    half, high = zoom * 4.6 * len(text), zoom * 20
    box = (x - half, y, x + half, y + high)
    if any(box[0] < t[2] and t[0] < box[2] and box[1] < t[3] and t[1] < box[3] for t in taken):
        return ""
    taken.append(box)
    return text


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    return iter(frame.itertuples())


def _size(kind: str, links: int) -> float:
    return 5.5 if kind == "account" else min(7 + 2.6 * math.log1p(links), 24)


def _bare(node_id: str, kind: str) -> str:
    return node_id if kind == "account" else node_id.removeprefix(f"{kind}:")
