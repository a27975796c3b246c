"""Parts, bridges and paths of a cluster without some of its reasons, held against networkx on random graphs."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from stillwatch.clusters.whatif import LEAST, LinkGraph, path, verdict, what_if

KINDS = ("payment", "device", "network")


def world(seed: int, accounts: int = 60, values: int = 40, links: int = 75) -> tuple[LinkGraph, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in rng.integers(0, accounts, links)],
            "kind": [KINDS[i] for i in rng.integers(0, 3, links)],
            "value": [f"v{i}" for i in rng.integers(0, values, links)],
            "bits": rng.random(links) * 12,
        }
    )
    frame = frame.drop_duplicates(["account_id", "kind", "value"])
    frame["sharers"] = frame.groupby(["kind", "value"])["account_id"].transform("size")
    return LinkGraph.of([f"a{i}" for i in range(accounts)], frame), frame


def net_of(frame: pd.DataFrame) -> nx.Graph:
    net: nx.Graph = nx.Graph()
    net.add_edges_from(zip(frame["account_id"], frame["kind"] + ":" + frame["value"], strict=True))
    return net


def accounts_in(nodes: set[str]) -> int:
    return sum(":" not in n for n in nodes)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dropped", [(), ("payment",), ("payment", "network")])
def test_parts_are_connected_components(seed: int, dropped: tuple[str, ...]) -> None:
    graph, frame = world(seed)
    net = net_of(frame[~frame["kind"].isin(dropped)])
    sizes = sorted((accounts_in(c) for c in nx.connected_components(net)), reverse=True)
    found = what_if(graph, dropped)
    assert list(found.sizes) == [s for s in sizes if s >= LEAST]
    for k, size in enumerate(found.sizes):
        inside = {graph.name(int(v)) for v in np.flatnonzero(found.part == k)}
        assert accounts_in(inside) == size
        assert nx.is_connected(net.subgraph(inside))


@pytest.mark.parametrize("seed", range(12))
def test_bridges_are_articulation_points_that_take_off_enough(seed: int) -> None:
    graph, frame = world(seed)
    net, expected = net_of(frame), {}
    for v in nx.articulation_points(net):
        home = nx.node_connected_component(net, v)
        if accounts_in(home) < LEAST:
            continue
        pieces = [accounts_in(c) for c in nx.connected_components(net.subgraph(home - {v}))]
        big = tuple(sorted((p for p in pieces if p >= LEAST), reverse=True))
        if len(big) > 1:
            expected[v] = big
    assert {b.node: b.apart for b in what_if(graph).bridges} == expected


@pytest.mark.parametrize("seed", range(6))
def test_dropping_a_bridge_does_what_it_says(seed: int) -> None:
    graph, _ = world(seed)
    before = what_if(graph)
    for bridge in before.bridges:
        after = what_if(graph, (), (bridge.node,))
        assert set(bridge.apart) <= set(after.sizes)


def test_renaming_accounts_and_turning_rows_changes_nothing() -> None:
    graph, frame = world(3)
    turned = frame.sample(frac=1.0, random_state=1)
    other = LinkGraph.of(list(reversed(graph.accounts)), turned)
    assert what_if(other).sizes == what_if(graph).sizes
    assert {b.node for b in what_if(other).bridges} == {b.node for b in what_if(graph).bridges}


@pytest.mark.parametrize("seed", range(8))
def test_paths_are_shortest_where_rare_values_are_near(seed: int) -> None:
    graph, frame = world(seed)
    net: nx.Graph = nx.Graph()
    for account, kind, value, bits in zip(
        frame["account_id"], frame["kind"], frame["value"], frame["bits"], strict=True
    ):
        net.add_edge(account, f"{kind}:{value}", far=1.0 + 6.0 / (1.0 + bits))
    names = sorted(n for n in net if ":" not in n)
    a, b = names[0], names[-1]
    found = path(graph, a, b)
    if not nx.has_path(net, a, b):
        assert found == []
        return
    assert (found[0], found[-1]) == (a, b)
    length = sum(net.edges[x, y]["far"] for x, y in pairwise(found))
    assert length == pytest.approx(nx.shortest_path_length(net, a, b, weight="far"))


def chain(*groups: int) -> LinkGraph:
    """Groups of accounts, each around a card; neighbours joined by one subnet through one account of each."""
    rows, start = [], 0
    for g, size in enumerate(groups):
        rows += [(f"a{start + i}", "payment", f"c{g}", 10.0, size) for i in range(size)]
        if g:
            rows += [(f"a{start - 1}", "network", f"n{g}", 3.0, 2), (f"a{start}", "network", f"n{g}", 3.0, 2)]
        start += size
    frame = pd.DataFrame(rows, columns=["account_id", "kind", "value", "bits", "sharers"])
    return LinkGraph.of([f"a{i}" for i in range(start)], frame)


def test_verdicts() -> None:
    graph = chain(12, 6, 2)
    whole = what_if(graph)
    assert verdict(whole, whole) == ("holds", "20 together")
    assert verdict(what_if(graph, ["network"]), whole) == ("splits", "2 parts: 12 + 6, 2 fall off")
    assert verdict(what_if(graph, ["payment"]), whole)[0] == "dissolves"
    assert verdict(what_if(graph, (), ["payment:c0"]), whole) == ("shrinks", "9 of 20 stay together, 11 fall off")
    assert {b.apart for b in whole.bridges} == {(12, 8), (11, 8), (12, 7)}
    assert {b.kind for b in whole.bridges} == {"account", "network"}


def test_a_cluster_without_links_dissolves_at_once() -> None:
    empty = LinkGraph.of(["a", "b"], pd.DataFrame({c: [] for c in ("account_id", "kind", "value", "bits", "sharers")}))
    assert what_if(empty).sizes == ()
    assert path(empty, "a", "b") == []
