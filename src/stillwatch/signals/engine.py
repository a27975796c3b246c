"""The one door to the engine: expressions go in, pandas comes out, or a table that stays in the engine."""

from __future__ import annotations

import itertools
from pathlib import Path
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

    def save(self, expression: Table, place: Path) -> None:
        """Write the rows of an expression, in no particular order, into a new Parquet file; the engine streams them.

        Whole numbers get the width that Ibis says they have: DuckDB counts in wider ones, and Parquet, which lacks the
        widest, would get fractions. Ibis leaves out a cast that it takes for none, so it goes by way of a decimal.
        """
        types = {name: kind for name, kind in expression.schema().items() if kind.is_integer()}
        whole = {name: expression[name].cast("decimal(38, 0)").cast(kind) for name, kind in types.items()}
        expression = expression.mutate(**whole) if whole else expression
        self._backend.to_parquet(expression, place, compression="zstd", compression_level=1)

    def load(self, places: list[Path]) -> Table:
        """The rows of Parquet files of one shape as a table."""
        return self._backend.read_parquet([str(p) for p in places], table_name=f"loaded_{next(self._turn)}")
