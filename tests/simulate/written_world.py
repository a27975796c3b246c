"""A simulated world on disk, for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.simulate import SimulationReport, simulate


@dataclass
class Written:
    """A world on disk and its tables."""

    path: Path
    report: SimulationReport

    def arrow(self, table: str) -> pa.Table:
        folder = self.path / table
        return pq.read_table(folder if folder.is_dir() else self.path / f"{table}.parquet")

    def frame(self, table: str) -> pd.DataFrame:
        return self.arrow(table).to_pandas()


def make(path: Path, scenario: str, scale: float, seed: int) -> Written:
    return Written(path, simulate(scenario, scale=scale, seed=seed, out=path))
