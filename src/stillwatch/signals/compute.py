"""All signals of all accounts, and which of them this data cannot give."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from ibis import Table

from stillwatch.signals import breadth, capability, content, load, refusals, registration, rhythm
from stillwatch.signals.base import Family, Measure, Signal
from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import ACCOUNT_COLUMNS, REQUEST_COLUMNS, Coverage, Inputs
from stillwatch.signals.tallies import account_counts_expr, tally

MODULES = (rhythm, breadth, load, content, capability, refusals, registration)
MEASURES: tuple[Measure, ...] = tuple(m for module in MODULES for m in getattr(module, "MEASURES", ()))
FAMILIES: tuple[Family, ...] = tuple(f for module in MODULES for f in getattr(module, "FAMILIES", ()))
SIGNALS: dict[str, Signal] = {
    s.name: s for s in (*(m.signal for m in MEASURES), *(s for f in FAMILIES for s in f.signals))
}


def measures_expr(inputs: Inputs, measures: tuple[Measure, ...]) -> Table:
    """account_id and one column per measure."""
    counts = account_counts_expr(inputs)
    return counts.select("account_id", **{m.signal.name: m.build(counts) for m in measures})


def profile_expr(inputs: Inputs) -> Table:
    """What the accounts table of a run shows of an account's requests."""
    sums, days = tally(inputs, "sums"), tally(inputs, "days")
    lives = days.group_by("account_id").aggregate(
        first_seen=days["first"].min(), last_seen=days["last"].max(), active_days=days.count()
    )
    return sums.select("account_id", "requests", "input_tokens", "output_tokens").inner_join(lives, "account_id")


def read_coverage(row: pd.Series) -> Coverage:
    """``coverage_expr``'s one row as a ``Coverage``."""
    filled = {f"requests.{c}": int(row[f"requests.{c}"]) for c in REQUEST_COLUMNS}
    filled |= {f"accounts.{c}": int(row[f"accounts.{c}"]) for c in ACCOUNT_COLUMNS}
    first, last = (None if pd.isna(row[c]) else pd.Timestamp(row[c]).to_pydatetime() for c in ("first_ts", "last_ts"))
    accounts, requests, identifiers, models = (int(row[c]) for c in ("accounts", "requests", "identifiers", "models"))
    return Coverage(accounts, requests, identifiers, models, first, last, filled)


def computable(coverage: Coverage) -> Iterator[tuple[Signal, str | None]]:
    """Every signal with the reason why it is null everywhere, or None."""
    for signal in SIGNALS.values():
        yield signal, coverage.missing(signal.needs)


def signal_frame(inputs: Inputs, coverage: Coverage, execute: Engine) -> pd.DataFrame:
    """One row per account that asked anything or signed up; a column per signal, NaN where it cannot be computed.

    Rounded to nine significant digits: engines add numbers up in an order of their own, and a run must be the same
    bytes each time.
    """
    frames = []
    measures = tuple(m for m in MEASURES if not coverage.missing(m.signal.needs))
    if measures:
        frames.append(execute(measures_expr(inputs, measures)))
    for family in FAMILIES:
        if not any(coverage.missing(s.needs) for s in family.signals):
            frames.append(execute(family.build(inputs)))
    out = pd.DataFrame({"account_id": pd.Series(dtype="str")})
    for frame in frames:
        out = out.merge(frame, on="account_id", how="outer")
    for name in SIGNALS:
        values = out[name] if name in out else pd.Series(np.nan, index=out.index)
        out[name] = round_significant(values.astype("float64").to_numpy())
    return out[["account_id", *SIGNALS]]


def round_significant(values: np.ndarray, digits: int = 9) -> np.ndarray:
    """Values rounded to so many significant digits; NaN stays, a residue below 1e-12 is 0."""
    values = np.where(np.abs(values) < 1e-12, 0.0, values)  # what is left of a sum that should be nothing
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(values))))
        rounded = np.round(values * scale) / scale
    return np.where(np.isfinite(scale) & (values != 0), rounded, values)


def scaled(signals: pd.DataFrame) -> np.ndarray:
    """Accounts x signals: each signal as its rank among all accounts, -0.5 to 0.5; null is the middle."""
    ranks = signals.drop(columns="account_id").rank(pct=True).fillna(0.5) - 0.5
    return ranks.to_numpy(dtype="float64")


def render_markdown() -> str:
    """docs/signals.md, from the code that computes them."""
    lines = [
        "# Signals",
        "",
        "Generated from `stillwatch.signals` (`python -m stillwatch.signals.compute > docs/signals.md`). A row is one",
        "measure of one account. A signal that a source cannot feed is null, never 0, and the run says why (`blind`",
        "list). Country and language are never an input. No single signal decides: each has an innocent twin.",
        "",
        "| signal | meaning | unit | needs | innocent twin | source |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{s.name}` | {s.meaning} | {s.unit} | {', '.join(f'`{n}`' for n in s.needs)} | {s.innocent} | {s.source} |"
        for s in SIGNALS.values()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render_markdown(), end="")
