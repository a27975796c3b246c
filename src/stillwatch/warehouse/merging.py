"""How rows of an import meet rows that the warehouse already has; each function says what to write and how.

- requests: a ``request_id`` that is already there adds nothing.
- accounts: the newest import wins, column by column where it has values; but a dated status is not undone by an
  earlier dated one, so that back-filling an old export does not lift a ban.
- identifiers: one row per account, kind and value; the span from first to last seen only grows.
- models: the newest import wins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import duckdb

from stillwatch.sources.contract import CONTRACT
from stillwatch.warehouse.schema import ACCOUNTS, IDENTIFIERS, MODELS, REQUESTS
from stillwatch.warehouse.staging import Staged
from stillwatch.warehouse.store import quote


@dataclass(frozen=True)
class Merge:
    """A query whose rows are to be written, how, and how many of them are new or changed (0: write nothing)."""

    sql: str
    mode: Literal["append", "overwrite"]
    new: int


@dataclass(frozen=True)
class Merger:
    """Merges staged tables with the tables ``w_<name>`` of the same connection."""

    con: duckdb.DuckDBPyConnection
    import_id: str
    _repeated: dict[str, int] = field(default_factory=dict)

    def merge(self, staged: Staged) -> Merge:
        """What to write for one staged table."""
        return {
            "accounts": self._accounts,
            "requests": self._requests,
            "identifiers": self._identifiers,
            "models": self._models,
        }[staged.name](staged)

    def repeated(self, staged: Staged) -> int:
        """Rows whose key stood on an earlier row of the same import; 0 for tables without a key."""
        if staged.name not in self._repeated:
            self._repeated[staged.name] = self._count_repeated(staged)
        return self._repeated[staged.name]

    def _count_repeated(self, staged: Staged) -> int:
        key = CONTRACT[staged.name].key
        if not key:
            return 0
        # 64-bit hashes first: ten million of them take a second, and only if some are equal are the keys looked at
        for distinct in (f"hash({key[0]})", key[0]):
            found = self._one(
                f"SELECT count(*) - count(DISTINCT {distinct}) FROM {staged.relation} WHERE {key[0]} IS NOT NULL"
            )
            if not found[0]:
                return 0
        return int(found[0])

    def first_repeat(self, staged: Staged) -> tuple[str, str | None, int | None, str | None, int | None]:
        """The first repeated key: its value, file and row, and the file and row where it stood before."""
        key = CONTRACT[staged.name].key[0]
        found = self._one(
            f"WITH doubled AS (SELECT {key} FROM {staged.relation} "
            f"WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1), "
            f"rows AS (SELECT {key} AS k, _file AS f, _row AS r, lag(_file) OVER w AS pf, lag(_row) OVER w AS pr, "
            f"row_number() OVER w AS n FROM {staged.relation} WHERE {key} IN (SELECT {key} FROM doubled) "
            f"WINDOW w AS (PARTITION BY {key} ORDER BY _file, _row)) "
            "SELECT left(k, 200), f, r, pf, pr FROM rows WHERE n = 2 ORDER BY f, r LIMIT 1"
        )
        return (str(found[0]), found[1], found[2], found[3], found[4])

    def _good(self, staged: Staged, repeats: bool = False) -> str:
        """SQL of the rows to take; of repeated keys the first row."""
        rows = f"SELECT * FROM {staged.relation}"
        if staged.set_aside:  # otherwise the checks need not be made again
            rows += " WHERE _code IS NULL"
        if not repeats:
            return rows
        key = CONTRACT[staged.name].key[0]
        return f"{rows} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _file, _row) = 1"

    def _requests(self, staged: Staged) -> Merge:
        good = self._good(staged, self.repeated(staged) > 0)
        held = 0
        if self._one("SELECT count(*) FROM (SELECT 1 FROM w_requests LIMIT 1)")[0]:
            self.con.execute(
                "CREATE OR REPLACE TEMP TABLE held AS SELECT DISTINCT request_id FROM w_requests "
                f"SEMI JOIN (SELECT request_id FROM {staged.relation}) USING (request_id)"
            )
            held = self._one("SELECT count(*) FROM held")[0]
        if held:
            good = f"SELECT * FROM ({good}) ANTI JOIN held USING (request_id)"
        made = {"day": "ts::DATE", "import_id": quote(self.import_id)}
        columns = ", ".join(f'{made.get(c, c)} AS "{c}"' for c in REQUESTS.names)
        new = (
            self._one(f"SELECT count(*) FROM ({good})")[0]
            if held or "QUALIFY" in good
            else staged.rows - staged.set_aside
        )
        return Merge(f"SELECT {columns} FROM ({good})", "append", int(new))

    def _accounts(self, staged: Staged) -> Merge:
        later = "(o.status_at IS NULL OR n.status_at IS NULL OR n.status_at >= o.status_at)"
        return self._upsert(staged, "account_id", ACCOUNTS.names, {"status": later, "status_at": later})

    def _models(self, staged: Staged) -> Merge:
        return self._upsert(staged, "model", MODELS.names, {})

    def _upsert(self, staged: Staged, key: str, names: tuple[str, ...], only_if: dict[str, str]) -> Merge:
        """Newest import wins where it has values; ``only_if`` holds a further condition for some columns."""
        own = [n for n in names if n not in (key, "import_id")]
        taken = {
            n: f"n.{key} IS NOT NULL AND (o.{key} IS NULL OR {only_if.get(n, 'true')})"
            if n in staged.filled
            else "false"
            for n in own
        }
        value = {n: f"CASE WHEN {taken[n]} THEN n.{n} ELSE o.{n} END" for n in own}
        changed = " OR ".join(f"({value[n]}) IS DISTINCT FROM o.{n}" for n in own)
        columns = ", ".join(f"{value[n]} AS {n}" for n in own)
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE m_{staged.name} AS SELECT coalesce(n.{key}, o.{key}) AS {key}, {columns}, "
            f"CASE WHEN o.{key} IS NULL OR {changed} THEN {quote(self.import_id)} ELSE o.import_id END AS import_id "
            f"FROM ({self._good(staged, self.repeated(staged) > 0)}) n FULL JOIN w_{staged.name} o ON n.{key} = o.{key}"
        )
        new = self._one(f"SELECT count(*) FROM m_{staged.name} WHERE import_id = {quote(self.import_id)}")[0]
        return Merge(f"SELECT {', '.join(names)} FROM m_{staged.name} ORDER BY {key}", "overwrite", int(new))

    def _identifiers(self, staged: Staged) -> Merge:
        names = ", ".join(IDENTIFIERS.names)
        key = "account_id, kind, value"
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE m_identifiers AS SELECT account_id, kind, value, "
            f"min(first_seen) AS first_seen, max(last_seen) AS last_seen, {quote(self.import_id)} AS import_id "
            f"FROM ({self._good(staged)}) GROUP BY {key}"
        )
        wider = (
            "least(n.first_seen, o.first_seen) IS DISTINCT FROM o.first_seen "
            "OR greatest(n.last_seen, o.last_seen) IS DISTINCT FROM o.last_seen"
        )
        new = int(self._one(f"SELECT count(*) FROM m_identifiers ANTI JOIN w_identifiers USING ({key})")[0])
        grown = int(
            self._one(f"SELECT count(*) FROM m_identifiers n JOIN w_identifiers o USING ({key}) WHERE {wider}")[0]
        )
        if not grown:
            return Merge(
                f"SELECT {names} FROM m_identifiers ANTI JOIN w_identifiers USING ({key}) ORDER BY {key}", "append", new
            )
        return Merge(
            f"SELECT {key}, least(n.first_seen, o.first_seen) AS first_seen, "
            "greatest(n.last_seen, o.last_seen) AS last_seen, "
            f"CASE WHEN o.account_id IS NULL OR {wider} THEN n.import_id ELSE o.import_id END AS import_id "
            f"FROM m_identifiers n FULL JOIN w_identifiers o USING ({key}) ORDER BY {key}",
            "overwrite",
            new + grown,
        )

    def _one(self, sql: str) -> Any:
        return self.con.execute(sql).fetchall()[0]
