"""What a label or a campaign may point at: accounts, clusters of published runs, campaigns.

A cluster's id lives on over runs while its members change, so every statement about a cluster keeps the run and
the member list of that moment.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa

from stillwatch.config import Settings
from stillwatch.errors import NothingYet, StillwatchError, StoreError
from stillwatch.warehouse.runs import Run, all_runs, current


class Targets:
    """What exists, as far as the published runs and the warehouse of one home know."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runs: Path = settings.runs

    def run_id(self) -> str | None:
        """The published run, null when there is none yet."""
        try:
            return current(self._runs).run_id
        except (NothingYet, StillwatchError):
            return None

    def clusters(self) -> set[str]:
        """Ids of the clusters of the published run."""
        for run in self._newest_first(None)[:1]:
            return {c for c in run.arrow("accounts", columns=["cluster_id"])["cluster_id"].unique().to_pylist() if c}
        return set()

    def members(self, clusters: Collection[str], run_id: str | None) -> dict[str, tuple[str, list[str]]]:
        """Cluster -> (run, its accounts in order) for the clusters that exist.

        Looked for in ``run_id`` if given, else in the published run and then back through the older ones.
        """
        found: dict[str, tuple[str, list[str]]] = {}
        for run in self._newest_first(run_id):
            missing = [c for c in clusters if c not in found]
            if not missing:
                break
            try:
                table = run.arrow(
                    "accounts", columns=["account_id", "cluster_id"], filters=[("cluster_id", "in", missing)]
                )
            except StoreError:
                continue
            for cluster, account in zip(table["cluster_id"].to_pylist(), table["account_id"].to_pylist(), strict=True):
                found.setdefault(cluster, (run.run_id, []))[1].append(account)
        return {c: (r, sorted(a)) for c, (r, a) in found.items()}

    def known_accounts(self, accounts: Collection[str]) -> set[str]:
        """Those of ``accounts`` that the published run or the warehouse has seen."""
        wanted = set(accounts)
        found: set[str] = set()
        for run in self._newest_first(None)[:1]:
            column = run.arrow("accounts", columns=["account_id"])["account_id"]
            found |= wanted & set(column.to_pylist())
        return found | self._imported(wanted - found)

    def _imported(self, wanted: set[str]) -> set[str]:
        """Accounts that were imported but are not in the run (they signed up after its ``as_of``)."""
        if not wanted or not self._settings.warehouse.is_dir():
            return set()
        from stillwatch.warehouse.store import Warehouse  # the engine takes long to start and is rarely needed

        accounts = Warehouse.open(self._settings).table("accounts")
        seen = accounts.filter(accounts.account_id.isin(sorted(wanted))).account_id.to_pyarrow()
        return set(pa.array(seen).to_pylist() if not isinstance(seen, pa.ChunkedArray) else seen.to_pylist())

    def _newest_first(self, run_id: str | None) -> list[Run]:
        runs = {r.run_id: r for r in all_runs(self._runs)} if self._runs.is_dir() else {}
        if run_id is not None:
            return [runs[run_id]] if run_id in runs else []
        published = self.run_id()
        order = ([published] if published in runs else []) + sorted((r for r in runs if r != published), reverse=True)
        return [runs[r] for r in order if r is not None]
