"""Identity over time: a cluster keeps its id while most of its members stay.

Clusters are matched to those of earlier runs by overlap of members, greedily from the largest overlap, so the result
does not depend on order. A pool that comes back after enforcement raises its old id.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    cluster_id: str
    lineage: str
    previous_size: int | None


def new_id(members: frozenset[str], used: set[str]) -> str:
    """``C-`` and six hex digits of the members' hash; the next free hash where it is taken."""
    text = "\n".join(sorted(members))
    while True:
        name = "C-" + hashlib.sha256(text.encode()).hexdigest()[:6]
        if name not in used:
            return name
        text += "\n"


def identify(
    clusters: list[frozenset[str]],
    previous: dict[str, frozenset[str]],
    earlier: dict[str, frozenset[str]] | None = None,
) -> list[Identity]:
    """One identity per cluster, in the same order.

    ``previous`` are the clusters of the run before, ``earlier`` those of older runs that the run before did not have.
    """
    earlier = {k: v for k, v in (earlier or {}).items() if k not in previous}
    known = {**earlier, **previous}
    home: dict[str, list[str]] = {}
    for name, members in known.items():
        for account in members:
            home.setdefault(account, []).append(name)
    pairs = []
    touching: list[dict[str, int]] = []
    for i, members in enumerate(clusters):
        overlap: dict[str, int] = {}
        for account in members:
            for name in home.get(account, ()):
                overlap[name] = overlap.get(name, 0) + 1
        touching.append(overlap)
        for name, k in overlap.items():
            smaller = min(len(members), len(known[name]))
            if k >= 2 and k >= 0.5 * smaller:
                pairs.append((-k / len(members | known[name]), -k, name not in previous, name, i))
    given: dict[int, str] = {}
    taken: set[str] = set()
    for _, _, _, name, i in sorted(pairs):
        if i not in given and name not in taken:
            given[i] = name
            taken.add(name)
    used = set(known) | taken
    out = []
    for i, members in enumerate(clusters):
        parents = [n for n, k in touching[i].items() if n in previous and k >= 0.5 * len(previous[n])]
        split = any(n in previous and k >= 0.5 * len(members) for n, k in touching[i].items())
        if i not in given:
            name = new_id(members, used)
            used.add(name)
            out.append(Identity(name, "split" if split else "new", None))
            continue
        name = given[i]
        before = len(known[name])
        if name not in previous:
            lineage = "returned"
        elif len(parents) > 1:
            lineage = "merged"
        elif len(members) > 1.05 * before:
            lineage = "grown"
        elif len(members) < 0.95 * before:
            lineage = "shrunk"
        else:
            lineage = "same"
        out.append(Identity(name, lineage, before))
    return out
