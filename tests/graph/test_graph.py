"""The graph stage against oracles (networkx, brute force, simulation) and by law."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from stillwatch.graph.communities import groups_of, leiden, stability
from stillwatch.graph.layout import HEIGHT, WIDTH, draw, pack
from stillwatch.graph.owners import closed_domains, dominant_address, infer_owners
from stillwatch.graph.rarity import DegreeNull, bits, coherence, cross_owner, explained_hubs
from stillwatch.graph.similarity import background_similarity, content_of, nearest
from stillwatch.graph.world import Incidence, canonical_order, components, incidence


def bipartite(rng: np.random.Generator, accounts: int, values: int, links: int) -> Incidence:
    matrix = sparse.csr_matrix(
        (np.ones(links), (rng.integers(0, accounts, links), rng.integers(0, values, links))), shape=(accounts, values)
    )
    matrix.data[:] = 1.0
    degrees = np.asarray(matrix.sum(axis=1)).ravel()
    return Incidence("payment", "payment", matrix, np.arange(values).astype(object), degrees)


@pytest.mark.parametrize("seed", range(5))
def test_components_are_those_of_networkx(seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, 60, 45), rng.integers(0, 60, 45)
    graph = nx.Graph()
    graph.add_nodes_from(range(60))
    graph.add_edges_from(zip(left.tolist(), right.tolist(), strict=True))
    labels = components(60, left, right)
    want = {frozenset(c) for c in nx.connected_components(graph)}
    assert {frozenset(np.flatnonzero(labels == g).tolist()) for g in np.unique(labels)} == want
    firsts = [int(np.flatnonzero(labels == g)[0]) for g in np.unique(labels)]
    assert firsts == sorted(firsts)


@pytest.mark.parametrize("seed", range(5))
def test_relationships_are_counted_once_each(seed: int) -> None:
    """min(owners - 1, values) per connected part, against networkx."""
    rng = np.random.default_rng(seed)
    evidence = bipartite(rng, 40, 25, 45)
    owner = rng.integers(0, 30, 40)
    owner = np.unique(owner, return_inverse=True)[1]
    group = np.sort(rng.choice(40, 20, replace=False))
    graph = nx.Graph()
    for i, j in zip(*evidence.matrix[group].nonzero(), strict=True):
        graph.add_edge(("o", owner[group[i]]), ("v", int(j)))
    graph.remove_nodes_from([n for n in list(graph) if n[0] == "v" and graph.degree(n) < 2])
    want = 0
    for part in nx.connected_components(graph):
        people, things = sum(n[0] == "o" for n in part), sum(n[0] == "v" for n in part)
        want += min(max(people - 1, 0), things)
    assert DegreeNull([evidence], owner).test(group).observed == want


def test_one_voucher_is_one_relationship_and_twelve_cards_are_twelve() -> None:
    voucher = sparse.csr_matrix(np.ones((17, 1)))
    one = Incidence("payment", "payment", voucher, np.array(["v"], dtype=object), np.ones(17))
    assert DegreeNull([one], np.arange(17)).test(np.arange(17)).observed == 1
    cards = sparse.csr_matrix((np.ones(36), (np.arange(36), np.arange(36) % 12)), shape=(36, 12))
    ring = Incidence("payment", "payment", cards, np.arange(12).astype(object), np.ones(36))
    assert DegreeNull([ring], np.arange(36)).test(np.arange(36)).observed == 12


def test_expected_relationships_bound_what_chance_gives() -> None:
    rng = np.random.default_rng(1)
    evidence = bipartite(rng, 400, 150, 500)
    owner = np.arange(400)
    null = DegreeNull([evidence], owner)
    groups = [np.sort(rng.choice(400, 60, replace=False)) for _ in range(200)]
    tests = [null.test(g) for g in groups]
    observed, expected = np.mean([t.observed for t in tests]), np.mean([t.expected for t in tests])
    assert observed <= expected * 1.05
    assert observed >= expected * 0.5
    assert np.mean([t.p_value < 0.01 for t in tests]) <= 0.03


def test_rarity_in_bits() -> None:
    assert bits(np.array([1, 2, 1024]), 1024).tolist() == [10.0, 9.0, 0.0]
    assert bits(np.array([5]), 0).tolist() == [0.0]


def test_values_of_one_owner_are_no_links() -> None:
    matrix = sparse.csr_matrix(np.array([[1, 0], [1, 1], [0, 1]], dtype=float))
    evidence = Incidence(
        "payment", "payment", matrix, np.array(["own", "cross"], dtype=object), np.array([1.0, 2.0, 1.0])
    )
    kept, owners = cross_owner(evidence, np.array([0, 0, 1]))
    assert list(kept.values) == ["cross"]
    assert list(owners) == [2]
    assert list(kept.degrees) == [1.0, 2.0, 1.0]


def test_a_hub_of_strangers_explains_itself_and_a_ring_does_not() -> None:
    matrix = sparse.csr_matrix(np.kron(np.eye(2), np.ones((50, 1))))
    evidence = Incidence("network", "network", matrix, np.array(["carrier", "ring"], dtype=object), np.ones(100))
    content = sparse.vstack(
        [sparse.identity(50, format="csr"), sparse.csr_matrix(([1.0] * 50, ([*range(50)], [0] * 50)), (50, 50))]
    )
    hub = explained_hubs(evidence, np.array([50, 50]), 1000, content.tocsr(), background=0.001)
    assert hub.tolist() == [True, False]


def test_coherence_is_the_mean_cosine_of_pairs() -> None:
    rng = np.random.default_rng(2)
    rows = rng.random((12, 6))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    group = np.array([1, 4, 7, 9])
    pairs = [rows[a] @ rows[b] for a in group for b in group if a != b]
    members = sparse.csr_matrix((np.ones(4), (np.zeros(4, dtype=int), group)), shape=(1, 12))
    assert coherence(sparse.csr_matrix(rows), members)[0] == pytest.approx(np.mean(pairs))


def test_coherence_of_one_group_is_that_of_the_same_group_among_many() -> None:
    wide = sparse.random(40, 9000, density=0.001, format="csr", random_state=3)
    matrix = sparse.random(40, 300, density=0.05, format="csr", random_state=3)
    one = sparse.csr_matrix(np.ones((1, 40)))
    both = sparse.csr_matrix(np.ones((2, 40)))
    for rows in (wide, matrix):
        assert coherence(rows, one)[0] == pytest.approx(coherence(rows, both)[1], rel=1e-12)
    assert list(coherence(matrix[:1], sparse.csr_matrix(np.ones((1, 1))))) == [0.0]


def phrasebook() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(4)
    rows = [(f"a{i}", int(t)) for i in range(60) for t in rng.choice(200, 8, replace=False)]
    rows += [(f"a{i}", 1000 + t) for i in range(10) for t in range(12)]
    book = pd.DataFrame(rows, columns=["account_id", "token"])
    return book, pd.Series(np.arange(60), index=[f"a{i}" for i in range(60)])


def test_neighbours_are_those_of_brute_force() -> None:
    book, row_of = phrasebook()
    content = content_of(book, book[["account_id"]].drop_duplicates(), row_of, "phrases")
    dense = (content.weights @ content.weights.T).toarray()
    np.fill_diagonal(dense, 0)
    graph = nearest(content, neighbours=3, least=0.05).toarray()
    for i in range(60):
        best = np.sort(dense[i])[::-1][:3]
        best = best[best >= 0.05]
        assert np.sort(graph[i][graph[i] > 0])[::-1][: len(best)] == pytest.approx(best, abs=1e-6)
    assert (graph == graph.T).all()
    short = content_of(book, book[["account_id"]].drop_duplicates(), row_of, "phrases", longest=6)
    dense = (short.weights @ short.weights.T).toarray()
    np.fill_diagonal(dense, 0)
    assert nearest(short, neighbours=60, least=0.05).toarray() == pytest.approx(
        np.where(dense >= 0.05, dense, 0), abs=1e-6
    )
    assert 0 <= background_similarity(content) < 0.2


def test_long_phrasebooks_keep_their_rarest_phrases() -> None:
    book, row_of = phrasebook()
    whole, short = (
        content_of(book, book[["account_id"]].drop_duplicates(), row_of, "phrases", longest=n) for n in (400, 6)
    )
    for i in range(60):
        own = whole.weights[i].toarray().ravel()
        kept = np.lexsort((np.arange(len(own)), -own))[:6]
        assert set(short.weights[i].indices) == set(kept[own[kept] > 0])
    lengths = np.sqrt(np.asarray(short.weights.multiply(short.weights).sum(axis=1)).ravel())
    assert lengths == pytest.approx(np.ones(60))


def test_leiden_finds_the_planted_groups_and_is_the_same_each_time() -> None:
    book, row_of = phrasebook()
    graph = nearest(content_of(book, book[["account_id"]].drop_duplicates(), row_of, "phrases"))
    labels = leiden(graph, seed=1)
    assert (labels == leiden(graph, seed=1)).all()
    planted = next(g for g in groups_of(labels) if 0 in g)
    assert set(range(10)) <= set(planted.tolist())
    assert stability(planted, [labels]) == 1.0
    assert (leiden(sparse.csr_matrix((5, 5)), seed=1) == -1).all()


def accounts_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    columns = ["account_id", "created_at", "org_id", "plan", "channel", "email_domain", "verification", "status"]
    return pd.DataFrame(rows).reindex(columns=columns)


def test_open_owners_join_and_rings_stay_apart() -> None:
    rows: list[dict[str, object]] = []
    for i in range(30):
        rows.append(
            {
                "account_id": f"firm{i}",
                "plan": "team",
                "channel": "d",
                "email_domain": "firm.example" if i < 24 else "mail.example",
            }
        )
    for i in range(30):
        rows.append({"account_id": f"ring{i}", "plan": "free", "channel": "d", "email_domain": "mail.example"})
    for i in range(200):
        rows.append({"account_id": f"p{i}", "plan": "free", "channel": "d", "email_domain": "mail.example"})
    accounts = accounts_frame(rows)
    cards = [(f"firm{i}", "payment", "firm card") for i in range(28)] + [
        (f"ring{i}", "payment", f"c{i % 9}") for i in range(30)
    ]
    identifiers = pd.DataFrame(cards, columns=["account_id", "kind", "value"])
    network = pd.DataFrame(columns=["account_id", "kind", "value", "uses"])
    owner = pd.Series(infer_owners(accounts, identifiers, network), index=accounts["account_id"])
    assert closed_domains(accounts, identifiers) == {"firm.example"}
    assert owner[[f"firm{i}" for i in range(28)]].nunique() == 1
    assert owner[[f"ring{i}" for i in range(30)]].nunique() == 30
    assert owner[[f"p{i}" for i in range(200)]].nunique() == 200


def test_accounts_that_hide_nothing_from_each_other_are_one_owner() -> None:
    accounts = accounts_frame([{"account_id": a, "plan": "pro", "channel": "d"} for a in "abc"])
    identifiers = pd.DataFrame(
        [("a", "device", "d1"), ("b", "device", "d1"), ("c", "device", "d1")], columns=["account_id", "kind", "value"]
    )
    network = pd.DataFrame(
        [
            ("a", "network", "home", 9),
            ("a", "network", "cafe", 1),
            ("b", "network", "home", 5),
            ("c", "network", "far", 5),
        ],
        columns=["account_id", "kind", "value", "uses"],
    )
    assert dominant_address(network).to_dict() == {"a": "home", "b": "home", "c": "far"}
    owner = infer_owners(accounts, identifiers, network)
    assert owner[0] == owner[1] != owner[2]


def test_order_comes_from_deeds_not_names() -> None:
    frame = pd.DataFrame(
        {
            "account_id": ["b", "a", "c"],
            "created_at": pd.to_datetime(["2026-01-02", "2026-01-03", "2026-01-01"]),
            "requests": [1, 2, 3],
        }
    )
    assert list(canonical_order(frame)["account_id"]) == ["c", "b", "a"]
    links = pd.DataFrame({"account_id": ["a", "c", "b"], "value": ["x", "y", "x"]})
    row_of = pd.Series([0, 1, 2], index=["c", "b", "a"])
    degrees = pd.DataFrame({"account_id": ["a", "b", "c"], "values": [1, 1, 4]})
    found = incidence(links, degrees, "payment", row_of)
    assert list(found.values) == ["y", "x"]
    assert list(found.degrees) == [4.0, 1.0, 1.0]
    assert found.usual == pytest.approx(6 / 5)


def test_drawing_keeps_inside_its_box_and_discs_apart() -> None:
    radii = np.array([8.0, 5.0, 4.0, 3.0, 3.0])
    centres = pack(radii, np.ones((5, 5)))
    for a in range(5):
        for b in range(a):
            assert np.linalg.norm(centres[a] - centres[b]) >= 0.97 * (radii[a] + radii[b])
    graph = nx.planted_partition_graph(4, 30, 0.2, 0.01, seed=3)
    places = draw(nx.to_scipy_sparse_array(graph, format="csr"), np.repeat(np.arange(4), 30))
    assert np.abs(places[:, 0]).max() <= WIDTH / 2 + 1
    assert np.abs(places[:, 1]).max() <= HEIGHT / 2 + 1
    assert len(np.unique(places, axis=0)) == 120
    assert draw(sparse.csr_matrix((1, 1)), np.zeros(1, dtype=np.int64)).shape == (1, 2)
