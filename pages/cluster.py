"""Cluster: why do these accounts belong together, and is it innocent?"""

from stillwatch.errors import UnknownTarget
from stillwatch.ui import cluster_cut, cluster_facts, cluster_view, kit, navigation, person, queue_facts, session, state
from stillwatch.ui.workspace import workspace


def show() -> None:
    labels = session.labels()
    queue = queue_facts.queue()
    chosen = state.current().cluster or queue_facts.next_after(None, queue)
    if chosen is None:
        with kit.header("Cluster", symbol="hub"):
            person.menu()
        kit.empty(
            "No cluster is open in the queue",
            "This run has no cluster that waits for a verdict. Look at all of them on the Triage page, "
            "or import newer data and run detection again.",
            symbol="hub",
            button="Go to Triage",
            page="triage",
        )
        return
    state.update(cluster=chosen)
    try:
        cluster = cluster_facts.load(chosen)
    except UnknownTarget as e:
        heir = cluster_cut.successor(chosen)
        if heir is not None:
            navigation.go("cluster", cluster=heir)
        with kit.header("Cluster", symbol="hub"):
            person.menu()
        cluster_cut.gone(e, chosen)
        return
    cluster_view.header(cluster, labels, queue)
    cluster_view.figures(cluster)
    workspace(cluster, labels)
    cluster_view.explanations(cluster)


navigation.inside_app()
show()
