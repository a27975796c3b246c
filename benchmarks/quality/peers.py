"""Published tools on the same world (requirements-bench.txt); where one is not installed its figures are empty."""

from __future__ import annotations

import importlib.util
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from stillwatch.graph.world import Incidence, components

BLOCKS = 5
"""Dense blocks that Fraudar is asked for, one after the other."""
WINDOW = 3600
"""Seconds within which two accounts send the same template to be linked by the coordination toolkit."""
LEAST = 2
"""Requests that a link of the toolkit needs."""


def fraudar(parts: list[Incidence]) -> np.ndarray | None:
    """Density of the first block that holds the account (Hooi et al. 2016, logarithmic weights), 0 outside.

    The detector of ``UGFraud``, on accounts x shared values (identifiers and templates).
    """
    if importlib.util.find_spec("UGFraud") is None:
        return None
    from UGFraud.Detector.Fraudar import detectMultiple, logWeightedAveDegree

    matrix = sparse.csr_matrix(sparse.hstack([p.matrix for p in parts]))
    score = np.zeros(matrix.shape[0])
    for (rows, _), density in detectMultiple(matrix, logWeightedAveDegree, BLOCKS):
        fresh = [i for i in rows if score[i] == 0]
        score[fresh] = density
    return score


def coordination(uses: pd.DataFrame, n: int) -> np.ndarray | None:
    """Size of the account's component in the toolkit's co-tweet network; within a component, its links.

    A request is a post whose text is its template: the same template by two accounts within ``WINDOW``, ``LEAST``
    times. Only templates under the hub cap are handed in, for the pairs of a viral one would fill the disk.
    """
    if importlib.util.find_spec("coordination_network_toolkit") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "posts.db"
        write_posts(path, uses)
        tool = [sys.executable, "-m", "coordination_network_toolkit", str(path), "compute", "co_tweet"]
        options = ["--time_window", str(WINDOW), "--min_edge_weight", str(LEAST), "--n_cpus", "1"]
        subprocess.run([*tool, *options], check=True, capture_output=True)
        with sqlite3.connect(path) as db:
            links = pd.read_sql("select user_1, user_2, weight from co_tweet_network where user_1 < user_2", db)
    left, right = (links[c].astype("int64").to_numpy() for c in ("user_1", "user_2"))
    labels = components(n, left, right)
    degree = np.bincount(np.concatenate([left, right]), minlength=n)
    return np.bincount(labels)[labels] + degree / (degree.max() + 1.0)


def write_posts(path: Path, uses: pd.DataFrame) -> None:
    """The table of posts that the toolkit reads, made by the toolkit itself."""
    from coordination_network_toolkit.database import initialise_db

    db = initialise_db(str(path))
    db.execute("begin")
    db.executemany(
        "insert into edge (message_id, user_id, message, timestamp) values (?, ?, ?, ?)",
        zip(
            range(len(uses)),
            uses["account"].astype(int).tolist(),
            uses["template"].tolist(),
            uses["second"].astype(int).tolist(),
            strict=True,
        ),
    )
    db.execute("commit")
    db.close()
