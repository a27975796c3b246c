"""Several people at once: threads of one app, processes of several, on both engines."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from stillwatch.cases.store import CaseStore
from stillwatch.errors import RefusedChange

PEOPLE = 8
TURNS = 6


def test_threads_that_label_at_once_lose_nothing_and_keep_the_chain(store):
    def work(person: int) -> None:
        for turn in range(TURNS):
            store.add_label("account", "bo-1", "benign" if turn % 2 else "distillation", f"turn {turn}", f"p{person}")
            store.labels()

    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(work, range(PEOPLE)))
    labels = store.labels(current=False)
    assert len(labels) == PEOPLE * TURNS
    assert labels["label_id"].is_unique
    assert len(store.labels()) == PEOPLE
    assert len(store.audit(limit=None)) == PEOPLE * TURNS
    assert store.verify_chain() == (True, None)


def test_a_cluster_is_never_served_twice(store):
    queue = [f"C-{n}" for n in range(PEOPLE)]
    with ThreadPoolExecutor(PEOPLE) as pool:
        served = list(pool.map(lambda n: store.claim_next(queue, f"p{n}"), range(PEOPLE)))
    assert sorted(served) == queue


def test_one_claim_wins(store):
    def claim(person: int) -> bool:
        try:
            store.claim("C-aaaaaa", f"p{person}")
        except RefusedChange:
            return False
        return True

    with ThreadPoolExecutor(PEOPLE) as pool:
        won = list(pool.map(claim, range(PEOPLE)))
    assert sum(won) == 1
    assert len(store.audit(outcome="refused")) == PEOPLE - 1
    assert store.verify_chain() == (True, None)


WORK = """
import sys
from dataclasses import replace
from stillwatch.config import settings
from stillwatch.cases.store import CaseStore
cfg = replace(settings(sys.argv[1]), database_url=sys.argv[2])
with CaseStore.open(cfg) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(40):
        store.add_label("account", "bo-1", "benign", f"turn {turn}", sys.argv[3])
"""


def test_two_processes_that_label_at_once(cfg):
    command = [sys.executable, "-c", WORK, str(cfg.home), cfg.database_url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    jobs = [subprocess.Popen([*command, who], text=True, **pipes) for who in ("ana", "bo")]
    assert [job.stdout.readline() for job in jobs] == ["ready\n", "ready\n"]
    said = []
    for job in jobs:
        job.stdin.write("go\n")
        job.stdin.flush()
    for job in jobs:
        said.append(job.communicate(timeout=120)[1])
    assert [job.returncode for job in jobs] == [0, 0], said
    with CaseStore.open(cfg) as store:
        assert store.labels(current=False)["labeler"].value_counts().to_dict() == {"ana": 40, "bo": 40}
        assert store.verify_chain() == (True, None)
