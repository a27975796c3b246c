"""What accounts did and when, read from the warehouse: Ibis expressions named for what they answer.

The run's own tables hold everything that a cluster page shows at first sight; these reads add the sparklines, the
accounts active in a brushed window and an account's own requests. Where no requests were imported they are empty.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st

from stillwatch.ui import session
from stillwatch.warehouse.runs import Run

if TYPE_CHECKING:
    from stillwatch.warehouse.store import Warehouse

SPARK_DAYS = 14
PATIENCE = 0.4
"""Seconds that a page waits for what it can be drawn without."""
_POOL = ThreadPoolExecutor(2, thread_name_prefix="member-bins")


def members_expr(run: Run, cluster_id: str, warehouse: Warehouse | None = None) -> Any:
    """Accounts of one cluster, read from the run by the engine itself (no long lists of ids in a query)."""
    accounts = (warehouse or session.warehouse()).backend().read_parquet(str(run.file("accounts")))
    return accounts.filter(accounts.cluster_id == cluster_id).select("account_id")


def requests_between_expr(begin: datetime, end: datetime, warehouse: Warehouse | None = None) -> Any:
    """Requests in [begin, end); ``day`` keeps the engine out of other partitions."""
    requests = (warehouse or session.warehouse()).table("requests")
    return requests.filter(
        (requests.day >= ibis.date(begin.date()))
        & (requests.day <= ibis.date(end.date()))
        & (requests.ts >= ibis.timestamp(begin))
        & (requests.ts < ibis.timestamp(end))
    )


def bins_expr(run: Run, warehouse: Warehouse, cluster_id: str, begin: datetime, end: datetime, hours: int) -> Any:
    """Requests of every member in every bin of ``hours`` counted from ``begin``: account_id, bin (0, 1, …), n."""
    members = members_expr(run, cluster_id, warehouse)
    found = requests_between_expr(begin, end, warehouse).semi_join(members, "account_id")
    since = found.ts.epoch_seconds() - int(begin.replace(tzinfo=UTC).timestamp())
    return found.group_by("account_id", bin=(since // (hours * 3600)).cast("int32")).agg(n=found.count())


@dataclass(frozen=True)
class Bins:
    """Who was active when, in one cluster. ``cells``: account_id (category), bin, n, one row for each account and bin;
    bin 0 starts at ``begin``.
    """

    begin: datetime
    hours: int
    cells: pd.DataFrame

    def between(self, begin: datetime, end: datetime) -> dict[str, int]:
        """Requests of every member active in the bins that begin in [begin, end)."""
        step = timedelta(hours=self.hours)
        low, high = -(-(begin - self.begin) // step), -(-(end - self.begin) // step)
        cells = self.cells[(self.cells["bin"] >= low) & (self.cells["bin"] < high)]
        totals = cells.groupby("account_id", observed=True)["n"].sum()
        return {str(a): int(n) for a, n in totals.items()}

    def over_time(self, accounts: Collection[str] | None) -> pd.DataFrame:
        """Requests and active accounts of some members (None = all) by bin: bin (time), requests, accounts."""
        if accounts is None or self.cells.empty:
            return self._all_over_time
        names = self.cells["account_id"].astype("category").cat
        # Millions of rows, thousands of names: each name is asked once.
        wanted = names.categories.isin(list(accounts))
        return self._over_time(self.cells[wanted[names.codes.to_numpy()]])

    def _over_time(self, cells: pd.DataFrame) -> pd.DataFrame:
        # A member has one cell in a bin, so counting cells counts members.
        found = cells.groupby("bin").agg(requests=("n", "sum"), accounts=("n", "size")).reset_index()
        return found.assign(bin=pd.Timestamp(self.begin) + pd.to_timedelta(found["bin"] * self.hours, unit="h"))

    @cached_property
    def _all_over_time(self) -> pd.DataFrame:
        return self._over_time(self.cells)

    @cached_property
    def sparklines(self) -> dict[str, list[int]]:
        """Requests a day of every member over the last ``SPARK_DAYS`` days that the bins cover."""
        if self.cells.empty:
            return {}
        days = ((self.cells["bin"] * self.hours) // 24).to_numpy(np.int64)
        member = self.cells["account_id"].astype("category").cat
        back = days - int(days.max()) + SPARK_DAYS - 1
        inside = back >= 0
        table = np.zeros((len(member.categories), SPARK_DAYS), dtype=np.int64)
        np.add.at(table, (member.codes.to_numpy()[inside], back[inside]), self.cells["n"].to_numpy(np.int64)[inside])
        return dict(zip(member.categories.astype(str), table.tolist(), strict=True))


def has_requests() -> bool:
    """Whether any requests were imported."""
    return "requests" in session.warehouse().versions


def member_bins(run: Run, cluster_id: str, begin: datetime, end: datetime, hours: int) -> Bins:
    """Requests of every member by bin; empty where no requests were imported. Shared: do not change."""
    warehouse = session.warehouse()
    counting = _counting(run, warehouse, cluster_id, begin, end, hours)
    try:
        return counting.result()
    except Exception:  # it may have been mended since; if not, this says the same to whoever asks now
        return _count(run, warehouse, cluster_id, begin, end, hours)


def member_bins_soon(run: Run, cluster_id: str, begin: datetime, end: datetime, hours: int) -> Bins | None:
    """The same when it is counted already, or within ``PATIENCE`` seconds; None while it is counted beside the pages.

    A cluster of 13 million requests takes 2 to 5 s, and a page can be read without.
    """
    counting = _counting(run, session.warehouse(), cluster_id, begin, end, hours)
    wait([counting], PATIENCE)
    return member_bins(run, cluster_id, begin, end, hours) if counting.done() else None


@lru_cache(16)
def _counting(
    run: Run, warehouse: Warehouse, cluster_id: str, begin: datetime, end: datetime, hours: int
) -> Future[Bins]:
    return _POOL.submit(_count, run, warehouse, cluster_id, begin, end, hours)


def _count(run: Run, warehouse: Warehouse, cluster_id: str, begin: datetime, end: datetime, hours: int) -> Bins:
    if "requests" not in warehouse.versions:
        return Bins(begin, hours, pd.DataFrame({"account_id": [], "bin": [], "n": []}))
    found = bins_expr(run, warehouse, cluster_id, begin, end, hours).to_pyarrow()
    account = found["account_id"].cast(pa.string()).combine_chunks().dictionary_encode()  # millions of rows, few names
    cells: pd.DataFrame = found.set_column(
        found.schema.get_field_index("account_id"), "account_id", account
    ).to_pandas()
    return Bins(begin, hours, cells)


def hours_expr(run: Run, cluster_id: str, begin: datetime, end: datetime, accounts: frozenset[str] | None) -> Any:
    """Requests of some members (None = all) by day and hour of the day: day, hour, requests, accounts."""
    members = members_expr(run, cluster_id)
    if accounts is not None:
        members = ibis.memtable(pd.DataFrame({"account_id": pd.Series(sorted(accounts), dtype="str")}))
    found = requests_between_expr(begin, end).semi_join(members, "account_id")
    return found.group_by(found.day, hour=found.ts.hour().cast("int32")).agg(
        requests=found.count(), accounts=found.account_id.nunique()
    )


def hours_of_day(
    run: Run, cluster_id: str, begin: datetime, end: datetime, accounts: frozenset[str] | None
) -> pd.DataFrame:
    """Requests by day and hour of the day; empty where no requests were imported. Shared: do not change."""
    versions = session.warehouse().versions
    stamp = tuple(sorted(versions.values())) if "requests" in versions else ()
    return _hours_of_day(str(run.folder), stamp, run, cluster_id, begin, end, accounts)


@st.cache_resource(max_entries=32, show_spinner=False)
def _hours_of_day(
    folder: str, stamp: tuple[int, ...], _run: Run, cluster_id: str, begin: datetime, end: datetime,
    accounts: frozenset[str] | None,
) -> pd.DataFrame:  # fmt: skip
    del folder  # only a part of the cache's key: names with an underscore are not
    if not stamp:
        return pd.DataFrame({"day": [], "hour": [], "requests": [], "accounts": []})
    cells: pd.DataFrame = hours_expr(_run, cluster_id, begin, end, accounts).to_pandas()
    return cells.sort_values(["day", "hour"]).assign(day=pd.to_datetime(cells["day"]))
