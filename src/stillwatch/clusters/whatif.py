"""What if a reason did not count? The cluster's shared values without some of them: does it hold, split or dissolve?

Accounts and shared values form a graph; leaving out kinds, values or accounts leaves connected parts. A *bridge* is a
value or an account whose loss alone would take parts off one another (an articulation point; Tarjan 1972): a case that
hangs on one bridge hangs on one thread, and a shared office or a carrier's address is often just that.

Wording as such has no single values: of it only the most shared template families are links here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

LEAST = 4
"""Fewest accounts of a part; smaller remains count as fallen off."""
BRIDGES = 50
"""Most bridges that are named, those that take off most accounts first."""
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LinkGraph:
    """Accounts and shared values of one cluster as arrays; node i < len(accounts) is an account, the others values."""

    accounts: tuple[str, ...]
    values: tuple[str, ...]
    left: Ints
    right: Ints
    kind: NDArray[np.object_]
    """Evidence kind of each link."""
    bits: NDArray[np.float64]
    sharers: Ints
    """Accounts that have the value, everywhere; one for each value."""
    kinds: tuple[str, ...]
    """Evidence kind of each value."""

    @classmethod
    def of(cls, members: Collection[str], links: pd.DataFrame) -> LinkGraph:
        """From a run's ``links`` of one cluster: account_id, kind, value, bits, sharers."""
        accounts = tuple(members)
        row = pd.Series(np.arange(len(accounts)), index=pd.Index(accounts, dtype="object"))
        links = links[links["account_id"].isin(row.index)]
        names = links["kind"].astype(str) + ":" + links["value"].astype(str)
        code, values = pd.factorize(names, sort=True)
        first = np.zeros(len(values), dtype=np.int64)
        first[code[::-1]] = np.arange(len(code))[::-1]
        return cls(
            accounts,
            tuple(values),
            row.reindex(links["account_id"]).to_numpy(np.int64),
            code.astype(np.int64) + len(accounts),
            links["kind"].astype(str).to_numpy(dtype=object),
            links["bits"].fillna(0.0).to_numpy(np.float64),
            links["sharers"].fillna(0).to_numpy(np.int64)[first],
            tuple(links["kind"].astype(str).to_numpy(dtype=object)[first]),
        )

    @property
    def n(self) -> int:
        return len(self.accounts) + len(self.values)

    @cached_property
    def position(self) -> dict[str, int]:
        """Node id -> its number; an account wins over a value of the same name."""
        at = {v: i + len(self.accounts) for i, v in enumerate(self.values)}
        return at | {a: i for i, a in enumerate(self.accounts)}

    def name(self, node: int) -> str:
        """Node id of a number."""
        return self.accounts[node] if node < len(self.accounts) else self.values[node - len(self.accounts)]

    def kept(self, kinds: Collection[str], out: Collection[str]) -> NDArray[np.bool_]:
        """Links that count when some kinds and some nodes do not."""
        keep: NDArray[np.bool_] = ~np.isin(self.kind, np.array(sorted(kinds), dtype=object))
        gone = np.zeros(self.n, dtype=bool)
        gone[[self.position[o] for o in out if o in self.position]] = True
        return keep & ~gone[self.left] & ~gone[self.right]


@dataclass(frozen=True)
class Bridge:
    """One value or account that alone holds parts together."""

    node: str
    kind: str
    """account, or the evidence kind of the value."""
    apart: tuple[int, ...]
    """Accounts in each piece that its loss would leave, largest first; pieces of at least ``LEAST`` only."""
    cuts: int
    """Accounts that would no longer be tied to the largest piece."""


@dataclass(frozen=True)
class WhatIf:
    """What is left of a cluster. ``part``: of each node its part, 0 = largest; -1 = in none."""

    part: Ints
    sizes: tuple[int, ...]
    """Accounts of each part, largest first."""
    bridges: tuple[Bridge, ...]

    @property
    def held(self) -> int:
        """Accounts in any part."""
        return sum(self.sizes)


def what_if(graph: LinkGraph, kinds: Collection[str] = (), out: Collection[str] = ()) -> WhatIf:
    """Parts and bridges without some kinds of evidence and some nodes (``out``: node ids)."""
    keep = graph.kept(kinds, out)
    left, right, n = graph.left[keep], graph.right[keep], graph.n
    half = sparse.coo_matrix((np.ones(len(left)), (left, right)), shape=(n, n))
    _, label = connected_components(half.tocsr(), directed=False)
    size = np.bincount(label[: len(graph.accounts)], minlength=int(label.max()) + 1 if n else 0)
    first = np.full(len(size), n)
    np.minimum.at(first, label, np.arange(n))
    big = [c for c in np.lexsort((first, -size)) if size[c] >= LEAST]
    number = np.full(len(size), -1, dtype=np.int64)
    number[big] = np.arange(len(big))
    part = number[label] if n else np.zeros(0, dtype=np.int64)
    return WhatIf(part, tuple(int(size[c]) for c in big), _bridges(graph, left, right, part))


def _bridges(graph: LinkGraph, left: Ints, right: Ints, part: Ints) -> tuple[Bridge, ...]:
    """Articulation points that take off ``LEAST`` accounts or more, by one walk in depth with low points."""
    n, accounts = graph.n, len(graph.accounts)
    inside = part[left] >= 0
    pairs = (
        np.unique(np.stack([left[inside], right[inside]], axis=1), axis=0) if inside.any() else np.zeros((0, 2), int)
    )
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    start = np.searchsorted(both[:, 0], np.arange(n + 1)).tolist()
    near = both[:, 1].tolist()
    order, low, below = [0] * n, [0] * n, [1 if i < accounts else 0 for i in range(n)]
    cut: dict[int, list[int]] = {}
    totals = np.bincount(part[:accounts][part[:accounts] >= 0]).tolist() if accounts else []
    at, clock = list(start[:n]), 0
    parent = [-1] * n
    for root in range(n):
        if order[root] or part[root] < 0:
            continue
        clock += 1
        order[root] = low[root] = clock
        stack = [root]
        while stack:
            v = stack[-1]
            if at[v] < start[v + 1]:
                w = near[at[v]]
                at[v] += 1
                if not order[w]:
                    clock += 1
                    order[w] = low[w] = clock
                    parent[w] = v
                    stack.append(w)
                elif w != parent[v] and order[w] < low[v]:
                    low[v] = order[w]
                continue
            stack.pop()
            u = parent[v]
            if u >= 0:
                below[u] += below[v]
                low[u] = min(low[u], low[v])
                if low[v] >= order[u]:
                    cut.setdefault(u, []).append(below[v])
    found = []
    for v, pieces in cut.items():
        rest = totals[part[v]] - sum(pieces) - (1 if v < accounts else 0)
        apart = sorted((p for p in (*pieces, rest) if p >= LEAST), reverse=True)
        if len(apart) > 1:
            lost = totals[part[v]] - (1 if v < accounts else 0) - apart[0]
            kind = "account" if v < accounts else graph.kinds[v - accounts]
            found.append(Bridge(graph.name(v), kind, tuple(apart), lost))
    return tuple(sorted(found, key=lambda b: (-b.cuts, b.kind, b.node))[:BRIDGES])


def verdict(now: WhatIf, before: WhatIf) -> tuple[str, str]:
    """One of holds, splits, shrinks, dissolves; and what that means in words. ``before``: with everything counted."""
    lost = before.held - now.held
    fallen = "" if lost <= 0 else f", {lost:,} fall{'s' if lost == 1 else ''} off"
    if not now.sizes:
        return "dissolves", "no part of four or more accounts is left"
    if len(now.sizes) > len(before.sizes):
        sizes = f": {_sizes(now.sizes)}" if len(now.sizes) <= 3 else ""
        return "splits", f"{len(now.sizes)} parts{sizes}{fallen}"
    if now.sizes[0] * 2 < before.sizes[0]:
        return "shrinks", f"{now.sizes[0]:,} of {before.sizes[0]:,} stay together{fallen}"
    return "holds", f"{_sizes(now.sizes)} together{fallen}"


def _sizes(sizes: tuple[int, ...]) -> str:
    more = f" and {len(sizes) - 3} smaller" if len(sizes) > 3 else ""
    return " + ".join(f"{s:,}" for s in sizes[:3]) + more


def path(graph: LinkGraph, a: str, b: str, kinds: Collection[str] = ()) -> list[str]:
    """Node ids from a to b by few and rare shared values; empty when nothing joins them."""
    import networkx as nx  # half a second of imports that only a path needs

    net = _network(graph, frozenset(kinds))
    ends = [graph.position.get(x, -1) for x in (a, b)]
    if any(e not in net for e in ends):
        return []
    try:
        found = nx.bidirectional_dijkstra(net, ends[0], ends[1], weight="weight")[1]
    except nx.NetworkXNoPath:
        return []
    return [graph.name(int(v)) for v in found]


def _network(graph: LinkGraph, kinds: frozenset[str]) -> Any:
    """The links as networkx graph; a value of no bits is seven times as far as a rare one, so detours are worth it."""
    import networkx as nx

    keep = graph.kept(kinds, ())
    net = nx.Graph()
    weight = 1.0 + 6.0 / (1.0 + np.maximum(graph.bits[keep], 0.0))
    net.add_weighted_edges_from(
        zip(graph.left[keep].tolist(), graph.right[keep].tolist(), weight.tolist(), strict=True)
    )
    return net
