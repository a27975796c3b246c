"""What the cluster page shows, as data: one cluster of a run, and what a selection in it means. No drawing here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pandas as pd
import streamlit as st

from stillwatch.domain import EvidenceKind
from stillwatch.errors import UnknownTarget
from stillwatch.ui import activity, session
from stillwatch.ui.canvas import GROUP, Drawing, build
from stillwatch.ui.words import missing, plain
from stillwatch.warehouse.runs import Run


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

    @property
    def reasons(self) -> pd.DataFrame:
        return self._table("reasons").sort_values("bits", ascending=False, kind="stable")

    @property
    def timeline(self) -> pd.DataFrame:
        return self._table("timeline")

    @property
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
    def hypotheses(self) -> pd.DataFrame:
        return self._table("hypotheses").sort_values("fit", ascending=False, kind="stable")

    @property
    def bins(self) -> activity.Bins:
        """Requests of every member by bin of the timeline (from the warehouse; empty without requests)."""
        return activity.member_bins(self.run, self.cluster_id, self.begin, self.end, self.bin_hours)

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
    def shared(self) -> dict[str, int]:
        """Account -> how many shared values it is linked to."""
        counts = self.links.groupby("account_id")["node"].nunique()
        return {str(a): int(n) for a, n in counts.items()}


def load(cluster_id: str) -> Cluster:
    """A cluster of the published run; ``UnknownTarget`` when it has none of that id."""
    run = session.current_run()
    return _load(str(run.folder), run, cluster_id)


@st.cache_resource(max_entries=24, show_spinner=False)
def _load(folder: str, _run: Run, cluster_id: str) -> Cluster:
    del folder  # only a part of the cache's key: names with an underscore are not
    clusters = session.frame("clusters", run=_run)
    rows = clusters[clusters["cluster_id"] == cluster_id]
    if rows.empty:
        raise UnknownTarget(
            f"the published run has no cluster {plain(cluster_id, 40)}. It may have split, merged or dissolved since; "
            "the queue on the Triage page lists what there is."
        )
    return Cluster(_run, cluster_id, {str(k): v for k, v in rows.iloc[0].to_dict().items()})


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
    members = cluster.group_of.keys() | set(cluster.accounts["account_id"])
    links = cluster.links
    values = set(links["node"])
    picked = [s for s in selected if s in members or s in values or _group(s) is not None]
    hubs = {s for s in picked if s in values and s not in members}
    groups = {g for s in picked if s not in members and (g := _group(s)) is not None}
    accounts = {s for s in picked if s in members}
    accounts |= set(links.loc[links["node"].isin(hubs), "account_id"])
    accounts |= {a for a, g in cluster.group_of.items() if g in groups}
    active: dict[str, int] | None = None
    if window:
        active = active_in(cluster, window)
        accounts = (accounts & active.keys()) if picked else set(active)
    if not picked and active is None:
        return Focus((), None, None, None, len(selected))
    shown = links[~links["kind"].isin([str(k) for k in hidden])]
    around = set(shown.loc[shown["account_id"].isin(accounts), "node"])
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


def member_table(cluster: Cluster, in_focus: Focus, labels: pd.DataFrame) -> pd.DataFrame:
    """The list twin of the drawing: every member in focus, highest score first."""
    accounts = cluster.accounts
    if in_focus.accounts is not None:
        accounts = accounts[accounts["account_id"].isin(in_focus.accounts)]
    trend = cluster.bins.sparklines
    said: dict[str, str] = {}
    if not labels.empty:
        of_accounts = labels[labels["target_type"] == "account"]
        said = dict(zip(of_accounts["target_id"][::-1], of_accounts["value"][::-1], strict=True))
    ids = accounts["account_id"]
    table = pd.DataFrame(
        {
            "account": ids,
            "risk": accounts["score"],
            "trend": [trend.get(i, []) for i in ids],
            "requests": accounts["requests"],
            "links": [cluster.shared.get(i, 0) for i in ids],
            "role": accounts["role"].fillna(""),
            "label": [said.get(i, "").replace("_", " ") for i in ids],
            "status": accounts["status"].fillna(""),
        }
    )
    if in_focus.in_window is not None:
        table.insert(3, "window", [in_focus.in_window.get(i, 0) for i in ids])
    return table.reset_index(drop=True)


def reasons_in_focus(cluster: Cluster, in_focus: Focus) -> dict[str, int]:
    """Evidence kind -> members in focus that it touches."""
    links = cluster.links
    if in_focus.accounts is not None:
        links = links[links["account_id"].isin(in_focus.accounts)]
    return {str(k): int(n) for k, n in links.groupby("kind")["account_id"].nunique().items()}


def touched_by(cluster: Cluster, kind: str) -> tuple[str, ...]:
    """The shared values of one kind, as a selection; too many for a link are still a valid selection."""
    return tuple(cluster.links.loc[cluster.links["kind"] == kind, "node"].unique())
