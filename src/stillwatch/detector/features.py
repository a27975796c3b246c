"""What the detector looks at, account by account: the run's signals, its links, and the cluster it stands in.

Idea: features aggregated over an account's neighbourhood carry further than its own (Deep Entity Classification,
Facebook, USENIX Security 2021). Country, language and plan are never among them. A value that could not be computed
stays null; the model learns nothing from it and does not take it for 0. What looks the same: every look-alike of
docs/signals.md; the labels are there to tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from stillwatch.domain import EvidenceKind, Hypothesis
from stillwatch.warehouse.runs import Run

TABLES = ("accounts", "clusters", "reasons", "links", "hypotheses", "signals")
"""Tables of a run that features are made of."""
BASE = "base_logit"
"""Name of the feature that is the score before any trained model, as log-odds."""
_FLOOR = 1e-6


def logit(probability: Any) -> Any:
    """Log-odds of probabilities, which are first kept a millionth away from 0 and 1."""
    p = np.clip(np.asarray(probability, dtype="float64"), _FLOOR, 1 - _FLOOR)
    return np.log(p / (1 - p))


def expit(odds: Any) -> Any:
    """Probability of log-odds."""
    return 1 / (1 + np.exp(-np.asarray(odds, dtype="float64")))


def run_tables(run: Run) -> dict[str, pd.DataFrame]:
    """The tables of a published run that features are made of."""
    return {name: run.frame(name) for name in TABLES}


def features(run: Run) -> pd.DataFrame:
    """Features of a published run, see ``features_of``."""
    return features_of(run_tables(run))


def features_of(tables: Mapping[str, pd.DataFrame | pa.Table]) -> pd.DataFrame:
    """One row per account (index account_id, sorted), one float64 column per feature, null where not computable.

    ``base_logit``; every signal by its name; ``link_<kind>`` bits of the account's own links; ``is_core``; for
    accounts in a cluster ``cluster_*`` (size, core share, stability, bits per kind, share of the evidence that
    outsiders have too) and ``fit_<hypothesis>``.
    """
    frames = {n: t.to_pandas() if isinstance(t, pa.Table) else t for n, t in tables.items()}
    accounts = frames["accounts"].set_index("account_id").sort_index()
    parts = [pd.DataFrame({BASE: logit(accounts["base_score"].fillna(0.0))}, index=accounts.index)]
    parts.append(_signals(frames["signals"]).reindex(accounts.index))
    clustered = accounts["cluster_id"].notna()
    own = _bits(frames["links"], "account_id", "link_").reindex(accounts.index)
    parts.append(own.mask(own.isna() & clustered.to_numpy()[:, None], 0.0))
    core = (accounts["role"] == "core").astype("float64")
    parts.append(core.where(clustered).rename("is_core").to_frame())
    of_cluster = _clusters(frames)
    parts.append(of_cluster.reindex(accounts["cluster_id"]).set_axis(accounts.index))
    return pd.concat(parts, axis=1).astype("float64")


def _signals(signals: pd.DataFrame) -> pd.DataFrame:
    table = signals.set_index("account_id")
    names = sorted(c for c in table.columns if pd.api.types.is_numeric_dtype(table[c]))
    return table[names].astype("float64").replace([np.inf, -np.inf], np.nan)


def _bits(table: pd.DataFrame, by: str, prefix: str) -> pd.DataFrame:
    """Sum of bits per kind of evidence; a column for every kind, 0 where there is none."""
    kinds = [str(k) for k in EvidenceKind]
    wide = table.groupby([by, "kind"])["bits"].sum().unstack("kind").reindex(columns=kinds).fillna(0.0)
    return wide.add_prefix(prefix)


def _clusters(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    clusters = frames["clusters"].set_index("cluster_id")
    out = pd.DataFrame(index=clusters.index)
    out["cluster_size"] = clusters["size"].astype("float64")
    out["cluster_core_share"] = clusters["core_size"].astype("float64") / clusters["size"].astype("float64")
    out["cluster_stability"] = clusters["stability"].astype("float64")
    out["cluster_requests_each"] = clusters["requests"].astype("float64") / clusters["size"].astype("float64")
    out["cluster_kinds"] = [float(len(k)) if k is not None else np.nan for k in clusters["kinds"]]
    reasons = frames["reasons"]
    out = out.join(_bits(reasons, "cluster_id", "cluster_bits_"))
    touched = reasons.groupby("cluster_id")[["accounts", "outside"]].sum().astype("float64")
    out["cluster_outside_share"] = touched["outside"] / (touched["accounts"] + touched["outside"])
    fits = frames["hypotheses"].pivot_table(index="cluster_id", columns="hypothesis", values="fit", aggfunc="first")
    return out.join(fits.reindex(columns=list(Hypothesis.__members__)).add_prefix("fit_"))
