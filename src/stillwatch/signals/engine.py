"""The one door to the engine: expressions go in, pandas comes out, or a table that stays in the engine."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd
import pyarrow as pa
from ibis import Table


class Engine:
    """Runs Ibis expressions on one backend (DuckDB, Spark, …)."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._turn = itertools.count()

    def __call__(self, expression: Table) -> pd.DataFrame:
        """The rows of an expression, in no particular order."""
        return pd.DataFrame(self._backend.to_pyarrow(expression).to_pandas())

    def arrow(self, expression: Table) -> pa.Table:
        """The rows of an expression in its order, without a detour over pandas: for millions of rows."""
        rows: pa.Table = self._backend.to_pyarrow(expression)
        return rows

    def keep(self, expression: Table) -> Table:
        """The same rows as a temporary table of the engine, computed once."""
        name = f"kept_{next(self._turn)}"
        try:
            return self._backend.create_table(name, expression, temp=True)
        except NotImplementedError:  # Spark has no such tables; it caches the rows while somebody holds the table
            return self._backend.create_view(name, expression).cache()
