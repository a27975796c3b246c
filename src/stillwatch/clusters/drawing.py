"""Drawing: links, nodes, places and sub-clusters of one cluster.

A node is an account, or a value that ties two or more members. Sub-clusters are Leiden communities of that small graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from stillwatch.clusters.evidence import HARD, SOFT, Evidence, value_bits
from stillwatch.clusters.selection import Found
from stillwatch.domain import EvidenceKind
from stillwatch.graph.communities import leiden
from stillwatch.graph.layout import draw
from stillwatch.graph.world import Ints

_DRAWN = (*HARD, *SOFT, EvidenceKind.SYSTEM.value)
SHORT = {
    "payment": "card",
    "device": "device",
    "contact": "contact",
    "signup": "sign-up",
    "network": "subnet",
    "session": "conversation",
    "template": "template",
    "system": "system prompt",
    "timing": "timing",
}


def member_links(evidence: Evidence, found: Found, raw: pd.DataFrame) -> pd.DataFrame:
    """Links of a cluster: values that two or more members have. ``raw`` has account_id, kind, value, uses,
    first/last_seen.

    Columns: row (account), evidence, source, value, bits, sharers.
    """
    parts = []
    for source, part in evidence.identity.items():
        if part.evidence not in _DRAWN or not part.matrix.nnz:
            continue
        inside = part.matrix[found.members].tocoo()
        held = np.bincount(inside.col, minlength=part.matrix.shape[1])
        keep = held[inside.col] > 1
        if keep.any():
            bits, sharers = value_bits(evidence, source), part.sharers
            used = inside.col[keep]
            parts.append(
                pd.DataFrame(
                    {
                        "row": found.members[inside.row[keep]],
                        "kind": part.evidence,
                        "source": source,
                        "value": part.values[used],
                        "bits": np.round(bits[used], 3),
                        "sharers": sharers[used],
                    }
                )
            )
    columns = ["row", "kind", "source", "value", "bits", "sharers"]
    out = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    out["account_id"] = evidence.accounts["account_id"].to_numpy(dtype=object)[out["row"].to_numpy(np.int64)]
    out = out.merge(raw, on=["account_id", "source", "value"], how="left")
    return out.sort_values(["kind", "sharers", "value", "row"], kind="stable").reset_index(drop=True)


@dataclass(frozen=True)
class Drawing:
    """Nodes (columns of ``run_schema.NODES`` without the cluster) and the sub-cluster of each member."""

    nodes: pd.DataFrame
    group: Ints


def picture(account_ids: list[str], links: pd.DataFrame, *, seed: int) -> Drawing:
    """Places of the members (``account_ids``, in canonical order) and of the values that ``links`` name."""
    n = len(account_ids)
    row_of = {a: i for i, a in enumerate(account_ids)}
    values = links.groupby(["kind", "value"], sort=False).size()
    names = list(values.index)
    column_of = {key: n + j for j, key in enumerate(names)}
    left = links["account_id"].map(row_of).to_numpy(np.int64)
    right = np.array([column_of[key] for key in zip(links["kind"], links["value"], strict=True)], dtype=np.int64)
    total = n + len(names)
    weight = (
        np.maximum(links["bits"].to_numpy(np.float64), 0.5) / np.sqrt(np.maximum(values.to_numpy()[right - n], 1))
        if len(links)
        else np.zeros(0)
    )
    half = sparse.coo_matrix((weight, (left, right)), shape=(total, total))
    graph = (half + half.T).tocsr()
    group = _groups(graph, n, seed)
    places = draw(graph, group)
    degree = np.diff(graph.indptr)
    kinds = ["account"] * n + [k for k, _ in names]
    labels = account_ids + [_label(k, v) for k, v in names]
    ids = account_ids + [f"{k}:{v}" for k, v in names]
    nodes = pd.DataFrame(
        {
            "node_id": ids,
            "kind": kinds,
            "label": labels,
            "x": places[:, 0],
            "y": places[:, 1],
            "degree": degree,
            "group": group,
        }
    )
    return Drawing(nodes, group[:n])


def _groups(graph: sparse.csr_matrix, n: int, seed: int) -> Ints:
    """Sub-clusters, the largest 0; nodes without links, and groups of one or two accounts, share the last one."""
    labels = leiden(graph, seed=seed)
    sizes = np.bincount(labels[:n][labels[:n] >= 0], minlength=int(labels.max()) + 1 if len(labels) else 0)
    order = [int(g) for g in np.argsort(-sizes, kind="stable") if sizes[g] >= 3]
    rank = {g: i for i, g in enumerate(order)}
    return np.array([rank.get(int(g), len(order)) for g in labels], dtype=np.int64)


def _label(kind: str, value: str) -> str:
    tail = str(value).rsplit(":", 1)[-1]
    return f"{SHORT[kind]} {tail[:8]}"
