"""Template families: templates that share their frame, however they were reworded.

Two templates belong together when the rare phrases of the smaller one are mostly in the other. Families survive
rewording of parts; a family is named after the hash of its first template. Innocent twin: a public template with
local changes.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from scipy import sparse

from stillwatch.graph.world import components

_ALIKE = 0.5
_BLOCK = 2_000


def family_names(templates: pd.DataFrame) -> pd.Series:
    """Family of each template (index = template) from columns template and phrases (lists or None)."""
    frame = templates.sort_values("template").reset_index(drop=True)
    n = len(frame)
    sizes = np.array([0 if p is None else len(p) for p in frame["phrases"]], dtype=np.int64)
    flat = (
        np.concatenate([np.asarray(p) for p in frame["phrases"] if p is not None and len(p)])
        if sizes.sum()
        else np.zeros(0, dtype=np.int64)
    )
    codes, _ = pd.factorize(flat, sort=True)
    rows = np.repeat(np.arange(n), sizes)
    counts = sparse.csr_matrix(
        (np.ones(len(rows), dtype=np.float32), (rows, codes)), shape=(n, int(codes.max()) + 1 if len(codes) else 1)
    )
    counts.data[:] = 1.0
    length = np.asarray(counts.sum(axis=1)).ravel()
    common = np.asarray(counts.sum(axis=0)).ravel() > max(200.0, 0.3 * n)
    rare = sparse.csr_matrix(counts @ sparse.diags((~common).astype(np.float32)))
    rare.eliminate_zeros()
    other = rare.T.tocsc()
    left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, n, _BLOCK):
        block = (rare[start : start + _BLOCK] @ other).tocoo()
        smaller = np.minimum(length[block.row + start], length[block.col])
        near = (block.data >= _ALIKE * np.maximum(smaller, 1.0)) & (block.data >= 2)
        left.append(block.row[near].astype(np.int64) + start)
        right.append(block.col[near].astype(np.int64))
    labels = components(n, np.concatenate(left), np.concatenate(right))
    first = frame["template"].groupby(labels).min()
    names = first.map(lambda t: "T-" + hashlib.sha256(str(t).encode()).hexdigest()[:6])
    return pd.Series(names.reindex(labels).to_numpy(dtype=object), index=frame["template"].to_numpy(dtype=object))
