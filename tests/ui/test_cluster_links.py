"""What is left without some reasons, as the page shows it: lists, letters for the canvas, marks, old ids."""

from __future__ import annotations

import json
from pathlib import Path

import fake_run
import pytest
from page_reading import Open, html_of

from stillwatch.cases.store import CaseStore
from stillwatch.config import settings
from stillwatch.domain import EvidenceKind
from stillwatch.pipeline import recut
from stillwatch.ui import canvas, cluster_facts, cluster_graph, cluster_links
from stillwatch.ui.cluster_facts import Cluster

FIRST = "C-a1b2c1"


@pytest.fixture
def cluster(home: Path) -> Cluster:
    fake_run.publish(home)
    return cluster_facts.load(FIRST)


def _draw(cluster: Cluster, **more: object) -> canvas.Drawing:
    return canvas.build(cluster.nodes, cluster.links, name="c", family="r/c", height=400, **more)  # type: ignore[arg-type]


def test_parts_hold_every_member_once(cluster: Cluster) -> None:
    now = cluster_links.what_if(cluster, frozenset({EvidenceKind.PAYMENT, EvidenceKind.NETWORK}))
    table = cluster_links.parts_table(cluster, now)
    assert table["accounts"].sum() == len(cluster.accounts)
    assert table["requests"].sum() == cluster.accounts["requests"].sum()
    members = [a for n in table["part"] for a in cluster_links.accounts_of(cluster, now, int(n))]
    assert sorted(members) == sorted(cluster.accounts["account_id"])


def test_the_list_of_values_is_complete_and_follows_the_selection(cluster: Cluster) -> None:
    everything = cluster_facts.focus(cluster, (), None)
    table = cluster_links.values_table(cluster, everything, frozenset())
    assert set(table["node"].to_pylist()) == set(cluster.links["node"])
    node = cluster.links["node"].iat[0]
    alone = cluster_links.values_table(cluster, cluster_facts.focus(cluster, (node,), None), frozenset())
    assert alone["node"].to_pylist() == [node]
    hidden = frozenset({EvidenceKind(cluster.links["kind"].iat[0])})
    assert node not in cluster_links.values_table(cluster, everything, hidden)["node"].to_pylist()


def test_every_node_of_the_drawing_has_a_letter(cluster: Cluster) -> None:
    now = cluster_links.what_if(cluster, frozenset(EvidenceKind) - {EvidenceKind.DEVICE})
    drawing = _draw(cluster)
    letters = cluster_links.part_letters(cluster, now, drawing)
    assert len(letters) == len(drawing.ids)
    kinds = dict(zip(cluster.nodes["node_id"], cluster.nodes["kind"], strict=True))
    for node, letter in zip(drawing.ids, letters, strict=True):
        if kinds[node] not in ("account", "device"):
            assert letter == "."


def test_folded_groups_have_letters_badges_and_the_kinds_of_their_edges(home: Path) -> None:
    fake_run.publish(home, (3300,), run_id="R-20261120-120000-b16b")
    cluster = cluster_facts.load(FIRST)
    drawing = _draw(cluster, opened=frozenset({0}))
    letters = cluster_links.part_letters(cluster, cluster_links.what_if(cluster), drawing)
    assert len(letters) == len(drawing.ids)
    document = json.loads(drawing.payload.partition(b"\n")[2])
    assert len(document["via"]) * 2 == len(document["edges"])
    assert all(v > 0 for v in document["via"])
    assert document["count"][drawing.ids.index("group:0")] == -1
    folded = {a for members in drawing.groups.values() for a in members}
    for node, more in zip(drawing.ids, document["more"], strict=True):
        assert more == len(folded.intersection(cluster.sharers_of.get(node, ())))


def test_paths_say_what_is_shared_and_how_rare(cluster: Cluster) -> None:
    node = cluster.links["node"].value_counts().index[0]
    one, two = sorted(cluster.sharers_of[node])[:2]
    way = cluster_links.path(cluster, cluster_facts.focus(cluster, (one, two), None), frozenset())
    assert way is not None
    assert (way[0], way[-1], len(way)) == (one, two, 3)
    text = cluster_links.path_words(cluster, way)
    assert text.startswith("1 step: ")
    assert "everywhere" in text
    gone = frozenset(EvidenceKind)
    assert cluster_links.path(cluster, cluster_facts.focus(cluster, (one, two), None), gone) == ()
    assert cluster_links.path(cluster, cluster_facts.focus(cluster, (one,), None), gone) is None


def test_search_finds_ids_and_labels(cluster: Cluster) -> None:
    assert cluster_graph.find(cluster, "acct_100010") == ("acct_100010",)
    assert set(cluster_graph.find(cluster, "ACCT_10001")) >= {f"acct_10001{i}" for i in range(10)}
    assert cluster_graph.find(cluster, "(((nothing") == ()


def test_a_dropped_reason_is_in_the_link_and_said(open_page: Open, hostile_home: Path) -> None:
    app = open_page("cluster", cluster=FIRST, drop="payment,device,network,session,signup,contact,system,template")
    assert "Dissolves: no part of four or more accounts is left" in html_of(app)
    app = open_page("cluster", cluster=FIRST, drop="payment", tab="bridges", out="payment:none", open_="7")
    assert not app.exception
    assert any(w in html_of(app) for w in ("Holds: ", "Splits: ", "Shrinks: "))


def test_an_old_id_goes_where_the_decision_sent_it(open_page: Open, hostile_home: Path) -> None:
    cfg = settings(hostile_home)
    with CaseStore.open(cfg) as store:
        recut.merge(cfg, store, FIRST, "C-a1b2c2", by="ana", reason="one hand")
    app = open_page("cluster", cluster="C-a1b2c2")
    assert not app.exception
    assert "C-a1b2c2 was joined to C-a1b2c1 by ana" in app.success[0].value.replace("\\", "")


def test_an_id_that_is_gone_says_where_its_accounts_are(open_page: Open, hostile_home: Path) -> None:
    fake_run.publish(hostile_home, (220,), run_id="R-20261121-120000-fa4f")
    app = open_page("cluster", cluster="C-a1b2c2")
    assert not app.exception
    assert "In run R-20261120-120000-fa4e it had 60 accounts: 60 are in no cluster." in html_of(app)


def test_a_decision_that_no_run_shows_yet_is_offered(open_page: Open, hostile_home: Path) -> None:
    with CaseStore.open(settings(hostile_home)) as store:
        store.merge_clusters(FIRST, "C-a1b2c2", "ana", "one hand")
    app = open_page("cluster", cluster=FIRST)
    assert "does not show all splits and merges" in app.warning[0].value
    next(b for b in app.button if b.label == "Apply them now").click().run()
    assert not app.exception
    assert not app.warning
