"""The shared values of a cluster, as data: what is left without some reasons, bridges, paths, the list of values.

Everything here is cached by run, cluster and what does not count; the frames are shared, never change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st

from stillwatch.clusters import whatif
from stillwatch.clusters.whatif import Ints, LinkGraph, WhatIf
from stillwatch.domain import EvidenceKind
from stillwatch.ui import words
from stillwatch.ui.canvas import Drawing
from stillwatch.ui.cluster_facts import Cluster, Focus
from stillwatch.ui.look import mark
from stillwatch.ui.queue_facts import view_of
from stillwatch.ui.words import count, plain, short

MAX_PARTS = 60
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@st.cache_resource(max_entries=16, show_spinner=False)
def _graph(folder: str, _cluster: Cluster, cluster_id: str) -> LinkGraph:
    del folder, cluster_id  # the cache's key
    return LinkGraph.of(_cluster.accounts["account_id"].tolist(), _cluster.links)


def graph(cluster: Cluster) -> LinkGraph:
    """Accounts and shared values of a cluster."""
    return _graph(str(cluster.run.folder), cluster, cluster.cluster_id)


@st.cache_resource(max_entries=64, show_spinner=False)
def _what_if(
    folder: str, _cluster: Cluster, cluster_id: str, kinds: frozenset[EvidenceKind], out: tuple[str, ...]
) -> WhatIf:
    del folder, cluster_id  # the cache's key, with the rest
    return whatif.what_if(graph(_cluster), {k.value for k in kinds}, out)


def what_if(cluster: Cluster, kinds: frozenset[EvidenceKind] = frozenset(), out: tuple[str, ...] = ()) -> WhatIf:
    """Parts and bridges of a cluster without some kinds and nodes."""
    return _what_if(str(cluster.run.folder), cluster, cluster.cluster_id, kinds, out)


def verdict(cluster: Cluster, now: WhatIf) -> tuple[str, str]:
    """holds, splits, shrinks or dissolves; and what that means."""
    return whatif.verdict(now, what_if(cluster))


def weight(cluster: Cluster, dropped: Iterable[str]) -> tuple[float, float, int]:
    """Bits of the reasons that still count, bits of all, and in how many independent views the former lie."""
    gone = set(dropped)
    left = {kind: bits for kind, bits in cluster.weights.items() if kind not in gone}
    return sum(left.values()), sum(cluster.weights.values()), len({view_of(k) for k, bits in left.items() if bits > 0})


def accounts_of(cluster: Cluster, now: WhatIf, part: int) -> tuple[str, ...]:
    """Members of one part (-1: those in none), in the order of the list."""
    inside = np.flatnonzero(now.part[: len(cluster.accounts)] == part)
    return tuple(graph(cluster).accounts[i] for i in inside)


def parts_table(cluster: Cluster, now: WhatIf) -> pd.DataFrame:
    """One row a part and one for those that fell off: part (-1 = in none), name, accounts, requests, values, kinds."""
    links, size = graph(cluster), len(cluster.accounts)
    requests = np.bincount(now.part[:size] + 1, cluster.accounts["requests"].to_numpy(float), len(now.sizes) + 1)
    people = np.bincount(now.part[:size] + 1, minlength=len(now.sizes) + 1)
    values = np.bincount(now.part[size:] + 1, minlength=len(now.sizes) + 1)
    kinds: dict[int, set[str]] = {}
    for part, kind in zip(now.part[size:].tolist(), links.kinds, strict=True):
        kinds.setdefault(part, set()).add(kind)
    numbers = [*range(min(len(now.sizes), MAX_PARTS)), *([-1] if people[0] else [])]
    return pd.DataFrame(
        {
            "part": numbers,
            "name": [f"Part {n + 1}" if n >= 0 else "No link left" for n in numbers],
            "accounts": [int(people[n + 1]) for n in numbers],
            "requests": [int(requests[n + 1]) for n in numbers],
            "values": [int(values[n + 1]) if n >= 0 else 0 for n in numbers],
            "kinds": [
                [mark(k).title for k in sorted(kinds.get(n, ()), key=lambda k: mark(k).title)] if n >= 0 else []
                for n in numbers
            ],
        }
    )


def bridges_table(now: WhatIf) -> pd.DataFrame:
    """Bridges, the one that takes off most accounts first: node, name, kind, cuts, apart."""
    return pd.DataFrame(
        {
            "node": [b.node for b in now.bridges],
            "name": [short(b.node.split(":", 1)[-1] if b.kind != "account" else b.node, 40) for b in now.bridges],
            "kind": [mark(b.kind).title for b in now.bridges],
            "cuts": pd.Series([b.cuts for b in now.bridges], dtype="int64"),
            "apart": [" + ".join(f"{a:,}" for a in b.apart[:4]) for b in now.bridges],
        }
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _values(folder: str, _cluster: Cluster, cluster_id: str) -> pa.Table:
    del folder, cluster_id  # the cache's key
    links = _cluster.links
    each = links.groupby("node", sort=True).agg(
        kind=("kind", "first"), value=("value", "first"), here=("account_id", "nunique"), everywhere=("sharers", "max"),
        bits=("bits", "max"), uses=("uses", "sum"), first=("first_seen", "min"), last=("last_seen", "max"),
    )  # fmt: skip
    each = each.sort_values(["bits", "here"], ascending=False, kind="stable").reset_index()
    each["title"] = [mark(str(k)).title for k in each["kind"]]
    order = ["node", "title", "value", "here", "everywhere", "bits", "uses", "first", "last", "kind"]
    return pa.Table.from_pandas(each[order], preserve_index=False)


def values_table(cluster: Cluster, seen: Focus, hidden: frozenset[EvidenceKind]) -> pa.Table:
    """Every shared value that touches the members in focus, rarest first: node, title, value, here (members that have
    it), everywhere, bits, uses, first, last, kind. Values that were picked themselves come alone.
    """
    table = _values(str(cluster.run.folder), cluster, cluster.cluster_id)
    picked = [s for s in seen.selected if s in cluster.sharers_of and s not in cluster.position]
    wanted: set[str] | None = set(picked) or None
    if wanted is None and seen.accounts is not None:
        wanted = {node for a in seen.accounts for _, node in cluster.values_of.get(a, ())}
    keep = np.ones(len(table), dtype=bool)
    if wanted is not None:
        keep &= np.array([n in wanted for n in table["node"].to_pylist()], dtype=bool)
    if hidden:
        keep &= ~np.isin(table["kind"].to_numpy(zero_copy_only=False), [k.value for k in hidden])
    return table.filter(pa.array(keep))


@st.cache_resource(max_entries=16, show_spinner=False)
def _drawn(folder: str, _cluster: Cluster, cluster_id: str, version: str, _drawing: Drawing) -> list[Ints]:
    """Of each node of a drawing its numbers in the graph of links: one, a folded group's accounts, or none."""
    del folder, cluster_id, version  # the cache's key
    at = graph(_cluster).position
    return [np.array([at[a] for a in (_drawing.groups.get(n) or (n,)) if a in at], np.int64) for n in _drawing.ids]


def part_letters(cluster: Cluster, now: WhatIf, drawing: Drawing) -> str:
    """One character for each node of the drawing: its part (0 = largest, ``.`` = in none); of a folded group that of
    most of its accounts.
    """
    letters = []
    for numbers in _drawn(str(cluster.run.folder), cluster, cluster.cluster_id, drawing.version, drawing):
        inside = now.part[numbers]
        part = int(inside[0]) if len(inside) == 1 else int(np.bincount(inside + 1, minlength=2).argmax()) - 1
        if not len(inside):
            part = 0
        letters.append("." if part < 0 else _LETTERS[min(part, len(_LETTERS) - 1)])
    return "".join(letters)


@st.cache_resource(max_entries=64, show_spinner=False)
def _path(folder: str, _cluster: Cluster, cluster_id: str, ends: tuple[str, str], kinds: frozenset[EvidenceKind]
          ) -> tuple[str, ...]:  # fmt: skip
    del folder, cluster_id  # the cache's key, with the rest
    return tuple(whatif.path(graph(_cluster), *ends, {k.value for k in kinds}))


def path(cluster: Cluster, seen: Focus, kinds: frozenset[EvidenceKind]) -> tuple[str, ...] | None:
    """Node ids between the two nodes that are picked; empty when nothing joins them; None unless two are picked."""
    at = graph(cluster).position
    ends = [s for s in seen.selected if s in at]
    if len(ends) != 2 or len(seen.selected) != 2:
        return None
    return _path(str(cluster.run.folder), cluster, cluster.cluster_id, (ends[0], ends[1]), kinds)


def path_words(cluster: Cluster, nodes: Sequence[str]) -> str:
    """The path as a sentence: who shares what with whom, and how rare it is."""
    links = graph(cluster)
    size, at = len(links.accounts), links.position
    said = []
    shown = [*nodes] if len(nodes) <= 11 else [*nodes[:5], "", *nodes[-5:]]
    for node in shown:
        if not node:
            said.append("…")
            continue
        i = at[node]
        if i < size:
            said.append(short(node, 24))
        else:
            kind = links.kinds[i - size]
            value = plain(node.split(":", 1)[-1], 300).rsplit(":", 1)[-1]
            rare = count(int(links.sharers[i - size]), "account")
            said.append(f"{words.evidence(kind).lower()} {short(value, 20)} ({rare} everywhere)")
    steps = sum(at[a] < size for a, _ in pairwise(nodes))
    return f"{count(max(steps, 1), 'step')}: " + " → ".join(said)
