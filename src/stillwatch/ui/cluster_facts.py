"""What the cluster page shows, as data: one cluster of a run, and what a selection in it means. No drawing here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from stillwatch.domain import EvidenceKind
from stillwatch.errors import UnknownTarget
from stillwatch.ui import activity, session, timeline
from stillwatch.ui.canvas import GROUP, Drawing, Ground, build
from stillwatch.ui.words import missing, plain
from stillwatch.warehouse.runs import Run

_FEW = pa.dictionary(pa.int8(), pa.string())
"""Type of columns with a few different words: a byte a row on their way to the browser."""


@dataclass(frozen=True)
class Cluster:
    """One cluster of one run. Frames are shared between sessions: never change them."""

    run: Run
    cluster_id: str
    row: dict[str, Any]
    """Its row in the run's table ``clusters``."""

    def _table(self, name: str) -> pd.DataFrame:
        return session.frame(name, self.cluster_id, run=self.run)

    @cached_property
    def accounts(self) -> pd.DataFrame:
        """Members, highest score first."""
        return self._table("accounts").sort_values(["score", "requests"], ascending=False, kind="stable")

    @property
    def nodes(self) -> pd.DataFrame:
        return self._table("nodes")

    @cached_property
    def links(self) -> pd.DataFrame:
        """Account-value links with ``node``, the id of the value in the drawing."""
        links = self._table("links")
        return links.assign(node=links["kind"].astype(str) + ":" + links["value"].astype(str))

    @cached_property
    def ground(self) -> Ground:
        """What its drawings have in common."""
        return Ground.of(self.nodes, self.links)

    @cached_property
    def reasons(self) -> pd.DataFrame:
        return self._table("reasons").sort_values("bits", ascending=False, kind="stable")

    @cached_property
    def reason_rows(self) -> list[dict[str, Any]]:
        """``reasons`` row by row."""
        return [{str(k): v for k, v in row.items()} for row in self.reasons.to_dict("records")]

    @cached_property
    def weights(self) -> dict[str, float]:
        """Kind of evidence -> bits of its reasons, the strongest reason's kind first."""
        found: dict[str, float] = {}
        for row in self.reason_rows:
            found[str(row["kind"])] = found.get(str(row["kind"]), 0.0) + (
                0.0 if missing(row["bits"]) else float(row["bits"])
            )
        return found

    @property
    def timeline(self) -> pd.DataFrame:
        return self._table("timeline")

    @cached_property
    def markers(self) -> pd.DataFrame:
        """Releases and enforcement: those of the cluster and those of everywhere."""
        everywhere = session.frame("markers", run=self.run)
        mine = everywhere["cluster_id"].isna() | (everywhere["cluster_id"] == self.cluster_id)
        return everywhere[mine].sort_values("at")

    @property
    def templates(self) -> pd.DataFrame:
        return self._table("templates").sort_values("requests", ascending=False, kind="stable")

    @property
    def capabilities(self) -> pd.DataFrame:
        return self._table("capabilities").sort_values("share", ascending=False, kind="stable")

    @property
    def taken(self) -> pd.DataFrame:
        """What was taken, all of it first (capability null); empty where the run cannot tell or the members changed."""
        if not self.run.has("taken"):
            return pd.DataFrame()
        table = self._table("taken")
        return table[table["accounts"] == int(self.row["size"])]

    @property
    def hypotheses(self) -> pd.DataFrame:
        return self._table("hypotheses").sort_values("fit", ascending=False, kind="stable")

    @property
    def bins(self) -> activity.Bins:
        """Requests of every member by bin of the timeline (from the warehouse; empty without requests)."""
        return activity.member_bins(self.run, self.cluster_id, self.begin, self.end, self.bin_hours)

    @property
    def bins_soon(self) -> activity.Bins | None:
        """The same if it is counted already; None while it is counted beside the pages."""
        return activity.member_bins_soon(self.run, self.cluster_id, self.begin, self.end, self.bin_hours)

    @property
    def over_time(self) -> pd.DataFrame:
        """``bins.over_time`` of all members, from the run's own sums: every member is in one group. Empty where no
        requests were imported.
        """
        groups = self.timeline[self.timeline["lane_kind"] == "group"]
        cells = groups if activity.has_requests() else groups.head(0)
        return cells.groupby("bin").agg(requests=("requests", "sum"), accounts=("accounts", "sum")).reset_index()

    @cached_property
    def bin_hours(self) -> int:
        """Width of the timeline's cells."""
        return 24 if self.timeline.empty else int(self.timeline["hours"].iloc[0])

    @cached_property
    def begin(self) -> datetime:
        """Start of the first cell of the timeline."""
        first = self.row["first_seen"] if self.timeline.empty else self.timeline["bin"].min()
        return pd.Timestamp(first).to_pydatetime() if not missing(first) else datetime(2000, 1, 1)

    @cached_property
    def end(self) -> datetime:
        """End of the last cell of the timeline."""
        if self.timeline.empty:
            last = self.row["last_seen"]
            return pd.Timestamp(last).to_pydatetime() if not missing(last) else datetime(2000, 1, 2)
        return pd.Timestamp(self.timeline["bin"].max()).to_pydatetime() + timedelta(hours=self.bin_hours)

    @cached_property
    def group_of(self) -> dict[str, int]:
        """Account -> its sub-cluster in the drawing, 0 = largest."""
        accounts = self.nodes[self.nodes["kind"] == "account"]
        return dict(zip(accounts["node_id"], accounts["group"].fillna(0).astype(int), strict=True))

    @cached_property
    def values_of(self) -> dict[str, list[tuple[str, str]]]:
        """Account -> (kind, value's node id) of every shared value that it is linked to."""
        found: dict[str, list[tuple[str, str]]] = {}
        links = self.links
        for account, kind, node in zip(
            links["account_id"].tolist(), links["kind"].tolist(), links["node"].tolist(), strict=True
        ):
            found.setdefault(account, []).append((kind, node))
        return found

    @cached_property
    def sharers_of(self) -> dict[str, list[str]]:
        """Node id of a shared value -> the members that have it."""
        found: dict[str, list[str]] = {}
        for account, pairs in self.values_of.items():
            for _, node in pairs:
                found.setdefault(node, []).append(account)
        return found

    @cached_property
    def values_of_kind(self) -> dict[str, tuple[str, ...]]:
        """Evidence kind -> node ids of its shared values."""
        nodes = self.links[["kind", "node"]].drop_duplicates()
        return {str(kind): tuple(own.tolist()) for kind, own in nodes.groupby("kind", sort=False)["node"]}

    @cached_property
    def position(self) -> dict[str, int]:
        """Account -> its row in ``accounts`` and in ``members``."""
        return {a: i for i, a in enumerate(self.accounts["account_id"].tolist())}

    @cached_property
    def members(self) -> pa.Table:
        """The list of members, highest score first: account, risk, requests, links, role, status."""
        accounts = self.accounts
        ids = accounts["account_id"].tolist()
        words = {name: pa.array(accounts[name].fillna("").tolist(), pa.string()) for name in ("role", "status")}
        return pa.table(
            {
                "account": pa.array(ids, pa.string()),
                "risk": pa.array(accounts["score"], pa.float32()),
                "requests": pa.array(accounts["requests"], pa.int64()).cast(pa.int32(), safe=False),
                "links": pa.array([len({n for _, n in self.values_of.get(i, ())}) for i in ids], pa.int16()),
                **{name: column.dictionary_encode().cast(_FEW) for name, column in words.items()},
            }
        )

    @cached_property
    def group_numbers(self) -> tuple[int, ...]:
        """Its sub-clusters in the drawing."""
        return tuple(sorted(set(self.group_of.values())))

    @cached_property
    def labelled(self) -> dict[bool, tuple[dict[str, str], pa.Table]]:
        """Whether their days are counted -> labels and the table of members with them (see ``member_table``)."""
        return {}

    @cached_property
    def everybody_touched(self) -> dict[str, int]:
        """Evidence kind -> members that it touches."""
        return _touched(self, self.values_of)


def load(cluster_id: str) -> Cluster:
    """A cluster of the published run; ``UnknownTarget`` when it has none of that id."""
    return _load(session.current_run(), cluster_id)


@lru_cache(24)
def _load(run: Run, cluster_id: str) -> Cluster:
    clusters = session.frame("clusters", run=run)
    rows = clusters[clusters["cluster_id"] == cluster_id]
    if rows.empty:
        raise UnknownTarget(
            f"the published run has no cluster {plain(cluster_id, 40)}. It may have split, merged or dissolved since; "
            "the queue on the Triage page lists what there is."
        )
    return Cluster(run, cluster_id, {str(k): v for k, v in rows.iloc[0].to_dict().items()})


@st.cache_resource(max_entries=16, show_spinner=False)
def _drawing(
    folder: str, _cluster: Cluster, cluster_id: str, opened: frozenset[int], everything: bool, height: int
) -> Drawing:
    del folder  # only a part of the cache's key: names with an underscore are not
    return build(
        _cluster.nodes,
        _cluster.links,
        name="cluster",
        family=f"{_cluster.run.run_id}/{cluster_id}",
        height=height,
        opened=opened,
        everything=everything,
        ground=_cluster.ground,
    )


def drawing(cluster: Cluster, *, opened: Iterable[int], everything: bool, height: int) -> Drawing:
    """The drawing of a cluster, made once per run and state of its groups."""
    return _drawing(str(cluster.run.folder), cluster, cluster.cluster_id, frozenset(opened), everything, height)


@dataclass(frozen=True)
class Focus:
    """What a selection and a time window mean for one cluster."""

    selected: tuple[str, ...]
    """Node ids that were picked and exist here."""
    accounts: frozenset[str] | None
    """Members in focus; None = all of them (nothing selected, no window)."""
    lit: frozenset[str] | None
    """Nodes to draw in colour; None = all."""
    in_window: dict[str, int] | None
    """Requests of members inside the time window; None without a window."""
    unknown: int
    """Selected ids that this cluster does not have."""


def focus(
    cluster: Cluster,
    selected: Sequence[str],
    window: tuple[datetime, datetime] | None,
    hidden: frozenset[EvidenceKind] = frozenset(),
) -> Focus:
    """Accounts and nodes that a selection and a window point at.

    A shared value stands for the members that have it, a group for its accounts; with a window only members active
    inside it remain. Nodes in colour: the accounts, what was picked, and the values that the accounts share.
    """
    members, values = cluster.position, cluster.sharers_of
    picked = [s for s in selected if s in members or s in values or _group(s) is not None]
    hubs = {s for s in picked if s in values and s not in members}
    groups = {g for s in picked if s not in members and (g := _group(s)) is not None}
    accounts = {s for s in picked if s in members}
    accounts.update(a for hub in hubs for a in values[hub])
    if groups:
        accounts.update(a for a, g in cluster.group_of.items() if g in groups)
    active: dict[str, int] | None = None
    if window:
        active = active_in(cluster, window)
        accounts = (accounts & active.keys()) if picked else set(active)
    if not picked and active is None:
        return Focus((), None, None, None, len(selected))
    around = {n for a in accounts for kind, n in cluster.values_of.get(a, ()) if kind not in hidden}
    return Focus(
        tuple(picked), frozenset(accounts), frozenset(accounts | hubs | around), active, len(selected) - len(picked)
    )


def _group(node: str) -> int | None:
    """Number of a super-node, None for other ids."""
    number = node.removeprefix(GROUP)
    return int(number) if number != node and number.isascii() and number.isdigit() and len(number) < 9 else None


def active_in(cluster: Cluster, window: tuple[datetime, datetime]) -> dict[str, int]:
    """Members active in a window with their requests there.

    Where the warehouse has no requests, members whose first and last request span the window count as active with
    0 requests.
    """
    bins = cluster.bins
    if not bins.cells.empty:
        return bins.between(*window)
    accounts = cluster.accounts
    spans = (accounts["first_seen"] < window[1]) & (accounts["last_seen"] >= window[0])
    return dict.fromkeys(accounts.loc[spans, "account_id"], 0)


def member_table(cluster: Cluster, in_focus: Focus, labels: pd.DataFrame) -> pa.Table:
    """The list twin of the drawing: every member in focus, highest score first, as ``Cluster.members`` with ``trend``
    (requests a day, null while they are counted) and ``label``; inside a time window also ``window``, the requests
    there.
    """
    table = _labelled(cluster, labels)
    if in_focus.accounts is not None:
        rows = sorted(cluster.position[a] for a in in_focus.accounts if a in cluster.position)
        table = table.take(pa.array(rows, pa.int64()))
    if in_focus.in_window is not None:
        ids = table["account"].to_pylist()
        inside = pa.array([in_focus.in_window.get(i, 0) for i in ids], pa.int64())
        table = table.add_column(3, "window", inside)
    return table


def _labelled(cluster: Cluster, labels: pd.DataFrame) -> pa.Table:
    """``Cluster.members`` with ``trend`` and ``label``; kept until its days are counted or other labels stand."""
    said: dict[str, str] = {}
    if not labels.empty:
        mine = labels[labels["target_type"] == "account"]
        pairs = zip(mine["target_id"].tolist()[::-1], mine["value"].tolist()[::-1], strict=True)
        said = {account: value for account, value in pairs if account in cluster.position}
    bins = cluster.bins_soon
    kept = cluster.labelled.get(bins is not None)
    if kept is None or kept[0] != said:
        table = cluster.members
        ids, trend = table["account"].to_pylist(), bins.sparklines if bins is not None else {}
        words = [said.get(i, "").replace("_", " ") for i in ids]
        label = pa.array(words, pa.string()).dictionary_encode().cast(_FEW)
        table = table.add_column(2, "trend", pa.array([trend.get(i) for i in ids], pa.list_(pa.int32())))
        kept = cluster.labelled[bins is not None] = (said, table.add_column(table.num_columns - 1, "label", label))
    return kept[1]


def reasons_in_focus(cluster: Cluster, in_focus: Focus) -> dict[str, int]:
    """Evidence kind -> members in focus that it touches."""
    if in_focus.accounts is None:
        return cluster.everybody_touched
    return _touched(cluster, in_focus.accounts)


def _touched(cluster: Cluster, accounts: Iterable[str]) -> dict[str, int]:
    kinds = (kind for a in accounts for kind in {k for k, _ in cluster.values_of.get(a, ())})
    return dict(Counter(kinds))


@st.cache_resource(max_entries=64, show_spinner=False)
def _lanes(folder: str, _cluster: Cluster, cluster_id: str, lane: str) -> tuple[pd.DataFrame, int]:
    del folder, cluster_id  # the cache's key, with the lane
    return timeline.lanes(_cluster.timeline, lane)


def lanes(cluster: Cluster, lane: str) -> tuple[pd.DataFrame, int]:
    """Cells of the timeline in one kind of lanes, and how many lanes were left out."""
    return _lanes(str(cluster.run.folder), cluster, cluster.cluster_id, lane)


def touched_by(cluster: Cluster, kind: str) -> tuple[str, ...]:
    """The shared values of one kind, as a selection; too many for a link are still a valid selection."""
    return cluster.values_of_kind.get(kind, ())


def hours_of_day(cluster: Cluster, accounts: frozenset[str] | None) -> pd.DataFrame:
    """Requests of some members (None = all) by day and hour: day, hour (0-23, UTC), requests, accounts."""
    return activity.hours_of_day(cluster.run, cluster.cluster_id, cluster.begin, cluster.end, accounts)
