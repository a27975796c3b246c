"""From labels to training examples: which accounts were meant, what was said of them, how much each counts.

The account is the unit. A label on a cluster or a campaign means the accounts that were in it on that day. A person's
word wins over a rule's, then the more specific word (account over cluster over campaign); votes are counted, ties and
``unsure`` teach nothing. ``other_abuse`` counts as "not distillation". A cluster of 500 does not count 500 times:
together its members weigh ``1 + ln(members)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from stillwatch.detector.features import BASE, expit
from stillwatch.detector.fit import Floats
from stillwatch.domain import Column, LabelSource, LabelValue, TableSpec, TargetType

LABELS = TableSpec(
    "labels",
    "one label that a model was trained on",
    (
        Column("label_id", "string", "id in the case file"),
        Column("target_type", "string", "account, cluster or campaign"),
        Column("target_id", "string", "which one"),
        Column("value", "string", "domain.LabelValue"),
        Column("reason", "string", "why, in the labeler's words"),
        Column("labeler", "string", "who said it"),
        Column("labeled_at", "timestamp", "when"),
        Column("source", "string", "human, rule or import"),
        Column("supersedes", "string", "label that it took the place of, null if none"),
        Column("expires_at", "timestamp", "until when it stands, null = for good"),
        Column("run_id", "string", "run that the labeler looked at"),
        Column("schema_version", "int64", "version of this row"),
        Column("members", "list<string>", "the accounts that were meant, on the day of the label"),
    ),
    key=("label_id",),
)
"""What training reads, and what ``labels.parquet`` beside a model keeps."""

MEMBER_LIMIT = 500
"""Members of one target that are looked at; of more, so many are drawn with a fixed seed."""
ANCHOR_LIMIT = 2_000
"""Unlabelled accounts that hold the model near its base score, at most."""
ANCHOR_BELOW = 0.1
"""Only accounts with a base score below this are anchors; a doubtful account is nobody's negative."""
_TARGET = {
    LabelValue.DISTILLATION: 1.0,
    LabelValue.BENIGN: 0.0,
    LabelValue.OTHER_ABUSE: 0.0,
}
_NOTHING = pd.DataFrame(
    {
        "account_id": pd.Series(dtype="str"),
        "target": pd.Series(dtype="float64"),
        "weight": pd.Series(dtype="float64"),
        "group": pd.Series(dtype="str"),
        "label_ids": pd.Series(dtype=object),
    }
)
_SPECIFIC = [TargetType.CAMPAIGN, TargetType.CLUSTER, TargetType.ACCOUNT]


@dataclass(frozen=True)
class Examples:
    """What the labels say of the accounts of one run.

    ``labelled``: account_id, target (0 or 1), weight, group (accounts of one group are never split between training
    and testing), label_ids; one row per account, sorted. ``unknown``: labelled accounts that the run does not have.
    ``unsure``: targets whose votes decide nothing.
    """

    labelled: pd.DataFrame
    unknown: tuple[str, ...]
    unsure: tuple[str, ...]

    def groups(self, target: float) -> int:
        """How many independent groups say 1 (distillation) or 0 (not)."""
        rows = self.labelled
        return int(rows.loc[rows["target"] == target, "group"].nunique())


def as_labels(frame: pd.DataFrame) -> pa.Table:
    """A frame with the columns of ``LABELS`` as a table, sorted: the same labels are the same bytes."""
    ordered = frame.sort_values("label_id", kind="stable")
    return pa.Table.from_pandas(ordered[list(LABELS.names)], schema=LABELS.schema, preserve_index=False)


def examples(labels: pa.Table, accounts: pd.DataFrame) -> Examples:
    """Resolve labels on the accounts of a run (its ``accounts`` table)."""
    votes = _votes(labels)
    known = accounts.set_index("account_id")["cluster_id"]
    unknown = tuple(sorted(set(votes["account_id"]) - set(known.index)))
    votes = votes[votes["account_id"].isin(known.index)]
    if not len(votes):
        return Examples(_NOTHING, unknown, ())
    said, unsure = _decided(votes)
    if not len(said):
        return Examples(_NOTHING, unknown, unsure)
    said["group"] = _groups(votes, known).reindex(said["account_id"]).to_numpy()
    said = _thinned(said)
    size = said.groupby("origin")["account_id"].transform("size")
    said["weight"] = (1 + np.log(size)) / size
    return Examples(said[list(_NOTHING.columns)].sort_values("account_id").reset_index(drop=True), unknown, unsure)


def _votes(labels: pa.Table) -> pd.DataFrame:
    """One row per label and account that it means."""
    frame = labels.to_pandas()
    meant = [
        [target] if kind == TargetType.ACCOUNT else list(members if members is not None else [])
        for kind, target, members in zip(frame["target_type"], frame["target_id"], frame["members"], strict=True)
    ]
    votes = frame[["label_id", "target_type", "target_id", "value"]].assign(account_id=meant)
    specific = votes["target_type"].map({str(t): i for i, t in enumerate(_SPECIFIC)}).astype("int64")
    votes["level"] = specific + len(_SPECIFIC) * (frame["source"] != LabelSource.RULE)
    return pd.DataFrame(votes.explode("account_id").dropna(subset=["account_id"]))


def _decided(votes: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """account_id, target, label_ids, origin (the target that decided) per account; and targets that decide nothing."""
    top = votes[votes["level"] == votes.groupby("account_id")["level"].transform("max")]
    top = top.assign(target=top["value"].map({str(k): v for k, v in _TARGET.items()}).astype("float64"))
    top["name"] = top["target_type"] + " " + top["target_id"]
    by_account = top.groupby("account_id")
    said = pd.DataFrame(
        {
            "target": by_account["target"].mean(),
            "label_ids": by_account["label_id"].agg(lambda ids: sorted(set(ids))),
            "origin": by_account["name"].min(),
        }
    ).reset_index()
    torn = said["target"].isna() | (said["target"] == 0.5)
    unsure = tuple(sorted(set(said.loc[torn, "origin"])))
    said = said[~torn].assign(target=lambda s: s["target"].round())
    return said, unsure


def _groups(votes: pd.DataFrame, clusters: pd.Series) -> pd.Series:
    """Group of each account: accounts of one target or one cluster of the run stay together, chains included."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for account, kind, target in zip(votes["account_id"], votes["target_type"], votes["target_id"], strict=True):
        a, cluster = f"account {account}", clusters[account]
        for other in (f"{kind} {target}", f"cluster {cluster}" if isinstance(cluster, str) else a):
            low, high = sorted((root(a), root(other)))
            parent[high] = low
    accounts = sorted(set(votes["account_id"]))
    return pd.Series([root(f"account {a}") for a in accounts], index=accounts)


def _thinned(said: pd.DataFrame) -> pd.DataFrame:
    """At most ``MEMBER_LIMIT`` accounts of one target, drawn with a fixed seed."""
    said = said.sort_values("account_id")
    return said.groupby("origin", group_keys=False).sample(frac=1, random_state=0).groupby("origin").head(MEMBER_LIMIT)


def anchors(features: pd.DataFrame, accounts: pd.DataFrame, labelled: pd.Index) -> pd.DataFrame:
    """Unlabelled accounts outside every cluster with a low base score: account_id, target (their base score).

    They are not called innocent: the model is only asked to leave them near their base score, so that a lesson about
    a few clusters does not lift or sink everybody.
    """
    alone = accounts.loc[accounts["cluster_id"].isna(), "account_id"]
    base = features[BASE].reindex(alone)
    base = base[(expit(base) < ANCHOR_BELOW) & ~base.index.isin(labelled)].sort_index()
    if len(base) > ANCHOR_LIMIT:
        base = base.sample(ANCHOR_LIMIT, random_state=0).sort_index()
    return pd.DataFrame({"account_id": base.index, "target": expit(base.to_numpy())})


def arrays(labelled: pd.DataFrame, anchored: pd.DataFrame) -> tuple[list[str], Floats, Floats]:
    """Accounts, targets and weights of a fit; the anchors together weigh as much as the labels."""
    total = float(labelled["weight"].sum())
    each = total / len(anchored) if len(anchored) else 0.0
    accounts = [*labelled["account_id"], *anchored["account_id"]]
    targets = np.concatenate([labelled["target"], anchored["target"]]).astype("float64")
    weights = np.concatenate([labelled["weight"], np.full(len(anchored), each)]).astype("float64")
    return accounts, targets, weights
