"""One imported and detected world as the baselines see it: accounts in rows, every shared value in columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
from scipy import sparse

from stillwatch.config import settings
from stillwatch.graph.world import Incidence, incidence
from stillwatch.pipeline.detect import account_frame
from stillwatch.signals import compute, links
from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import coverage_expr, inputs_as_of
from stillwatch.warehouse.store import Warehouse

PHRASE_SHARERS = 200
"""A phrase that more accounts repeat is nobody's own; left out of the ceiling's features."""


@dataclass(frozen=True)
class World:
    """What the methods beside ours are given, and truth to count with."""

    accounts: pd.DataFrame
    signals: pd.DataFrame
    """The product's signals, one row per account, empty cells filled with the median."""
    identifiers: dict[str, Incidence]
    """Kind -> who has which value, shared values only."""
    templates: Incidence
    behind: dict[str, sparse.csr_matrix]
    """Further shared values, for the ceiling alone: network, session, rare phrases; accounts x values."""
    uses: pd.DataFrame
    """request, account (row), template, second: requests with a template that several accounts share."""
    positive: np.ndarray
    campaign: np.ndarray


def world(home: Path, truth: pd.DataFrame, hub_cap: int) -> World:
    """Read a home; ``uses`` keeps the templates of 2 to ``hub_cap`` accounts."""
    warehouse = Warehouse.open(settings(home))
    inputs, engine = inputs_as_of(warehouse.table, None), Engine(warehouse.backend())
    accounts = account_frame(inputs, engine)
    row_of = pd.Series(np.arange(len(accounts)), index=accounts["account_id"])
    coverage = compute.read_coverage(engine(coverage_expr(inputs)).iloc[0])
    signals = compute.signal_frame(inputs, coverage, engine).set_index("account_id").reindex(accounts["account_id"])
    signals = signals.select_dtypes("number")
    held = engine(links.identifier_degrees_expr(inputs))
    named = engine(links.identifier_links_expr(inputs))
    shared = engine(links.request_links_expr(inputs, "template"))
    templates = incidence(shared, engine(links.request_degrees_expr(inputs, "template")), "template", row_of)
    numbers = pd.DataFrame({"account_id": row_of.index.astype("str"), "number": row_of.to_numpy(np.int32)})
    book = engine(links.phrasebook_expr(inputs, ibis.memtable(numbers)))
    sharers = book.groupby("token")["number"].transform("size")
    phrases = book[(sharers > 1) & (sharers <= PHRASE_SHARERS)].sort_values(["number", "token"])
    phrases = phrases.assign(account_id=row_of.index.to_numpy()[phrases["number"]])
    behind = {
        kind: matrix_of(engine(links.request_links_expr(inputs, kind)), "value", row_of)
        for kind in ("network", "session")
    }
    few = links.request_links_expr(inputs, "template").filter(lambda t: t.sharers <= hub_cap)
    r = inputs.requests
    uses = engine(
        r.semi_join(few.select(template="value").distinct(), "template").select("account_id", "template", "ts")
    )
    second = (uses["ts"] - pd.Timestamp(0)) // pd.Timedelta(seconds=1)
    uses = pd.DataFrame(
        {"account": row_of.reindex(uses["account_id"]).to_numpy(), "template": uses["template"], "second": second}
    )
    campaign = accounts["account_id"].map(truth.set_index("account_id")["campaign"]).to_numpy(dtype=object)
    return World(
        accounts=accounts,
        signals=signals.fillna(signals.median()).fillna(0.0).astype("float64"),
        identifiers={str(k): incidence(p, held[held["kind"] == k], str(k), row_of) for k, p in named.groupby("kind")},
        templates=templates,
        behind=behind | {"phrases": matrix_of(phrases, "token", row_of)},
        uses=uses.dropna().sort_values(["second", "account", "template"]).reset_index(drop=True),
        positive=pd.notna(campaign),
        campaign=campaign,
    )


def matrix_of(rows: pd.DataFrame, column: str, row_of: pd.Series) -> sparse.csr_matrix:
    """Accounts x values, 1 where the account has the value."""
    row = row_of.reindex(rows["account_id"]).to_numpy().astype(np.int64)
    codes, values = pd.factorize(rows[column], sort=True)
    matrix = sparse.csr_matrix((np.ones(len(row)), (row, codes)), shape=(len(row_of), len(values)))
    matrix.data[:] = 1.0
    return matrix
