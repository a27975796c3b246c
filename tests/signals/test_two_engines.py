"""One expression, two engines: every signal and every link by DuckDB and by a real Spark cluster, value by value.

What stays outside is in docs/adr/0006-one-expression-two-engines.md.
"""

from __future__ import annotations

import importlib
import inspect
import math
import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from ibis import Table
from ibis.expr.types import CachedTable

sys.path.insert(0, str(Path(__file__).parent))
import odd_world

import stillwatch.clusters
import stillwatch.signals
from stillwatch.clusters import activity
from stillwatch.signals import compute, coordination, extraction, inputs, links, sightings, takeover, tallies
from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import inputs_as_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),  # PySpark on pandas 3
    pytest.mark.filterwarnings("ignore:The 'future.infer_string' option is deprecated"),  # Ibis on pandas 3
]
NO_JAVA = "no Java 17 or newer in PATH or JAVA_HOME: apt-get install default-jre-headless"
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""JVM options: seconds of work are not worth the optimising compiler."""
RELATIVE = 1e-9
LOWERED_OTHERWISE = {"İ": ("i", "i\u0307"), "ΟΔΟΣ": ("οδοσ", "οδος")}
"""Text whose small letters DuckDB and Spark write in two ways, as the ADR says."""


def lacking() -> str | None:
    """Why Spark cannot start here, or None."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        return NO_JAVA
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return None if version and int(version[1]) >= 17 else f"{NO_JAVA} (found: {said.splitlines()[:1]})"


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An Ibis backend on a Spark cluster of two workers, each a process of its own."""
    if reason := lacking():
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    import pyspark
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    place = tmp_path_factory.mktemp("spark")
    interrupted = signal.getsignal(signal.SIGINT)  # a Spark context puts its own in place, and leaves it there
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.delenv("SPARK_HOME", raising=False)  # the Spark of PyPI's package, not another
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            "spark.sql.session.timeZone": "UTC",
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
            "spark.sql.shuffle.partitions": "4",
            "spark.driver.extraJavaOptions": SHORT_LIVED,
            "spark.executor.extraJavaOptions": SHORT_LIVED,
            "spark.sql.execution.arrow.pyspark.enabled": "true",
            "spark.sql.warehouse.dir": str(place / "tables"),
            "spark.local.dir": str(place / "local"),
        }
        session = (
            SparkSession.builder.master("local-cluster[2,1,1024]").config(map=settings).appName("two engines")
        ).getOrCreate()
        application = session.sparkContext.applicationId
        yield ibis.pyspark.connect(session)
        session.stop()
        shutil.rmtree(Path(pyspark.__file__).parent / "work" / application)  # logs of the workers
        signal.signal(signal.SIGINT, interrupted)
        gateway = SparkContext._gateway
        gateway.shutdown()
        gateway.proc.stdin.close()  # on which the JVM ends
        gateway.proc.wait(60)
        SparkContext._gateway = SparkContext._jvm = None


class Side:
    """One engine with the odd world in it, and what was asked of it so far."""

    def __init__(self, backend: Any, places: dict[str, Path]) -> None:
        self.execute = Engine(backend)
        self.tables = {n: backend.read_parquet(f"{place}/*.parquet", table_name=n) for n, place in places.items()}
        self.inputs = inputs_as_of(self.tables.__getitem__, odd_world.AS_OF)
        self._answers: dict[str, pd.DataFrame] = {}
        self._kept: list[Table] = []

    def answer(self, name: str, build: Callable[[Side], Table]) -> pd.DataFrame:
        """The rows of an expression, which runs once."""
        if name not in self._answers:
            self._answers[name] = self.execute(build(self))
        return self._answers[name]

    def keep(self, expression: Table) -> Table:
        """The rows as a table of the engine until ``close``."""
        self._kept.append(self.execute.keep(expression))
        return self._kept[-1]

    def close(self) -> None:
        """Let go of what Spark holds, while there is a Spark."""
        for table in self._kept:
            if isinstance(table, CachedTable):
                table.release()

    @cached_property
    def coverage(self) -> inputs.Coverage:
        """What the odd world can tell."""
        return compute.read_coverage(self.execute(inputs.coverage_expr(self.inputs)).iloc[0])

    @cached_property
    def numbers(self) -> Table:
        """A number for every account; detection numbers accounts by what they did."""
        ids = sorted({row["account_id"] for row in odd_world.make()["requests"]})
        return ibis.memtable(pd.DataFrame({"account_id": ids, "number": range(len(ids))}))

    @cached_property
    def piles(self) -> tuple[Table, Table]:
        """The requests of the first days, and those of the last; accounts and values are in both."""
        r, turn = self.inputs.requests, ibis.timestamp(odd_world.AS_OF - timedelta(days=9))
        return r.filter(r.ts < turn), r.filter(r.ts >= turn)

    def own(self, kind: str) -> tuple[Table, Table]:
        """Conversations or templates of both piles."""
        earlier, later = (tallies.own_values_expr(pile, kind) for pile in self.piles)
        return earlier, later

    def met(self, kind: str) -> tuple[Table, Table]:
        """Pairs of the values of the later pile: in the earlier one, and in both."""
        earlier, later = self.own(kind)
        late = tallies.pairs_expr(later)
        early = tallies.met_pairs_expr(earlier, late)
        return early, tallies.added_expr(ibis.union(early, late), ("account_id", "value"), tallies.SEEN)

    @cached_property
    def unrepeated(self) -> Table:
        """Phrases of the later pile that the earlier one does not repeat."""
        earlier, later = self.piles
        book = tallies.repeated_expr(earlier, self.numbers)
        return self.keep(tallies.unrepeated_expr(tallies.account_tokens_expr(later), book))

    @cached_property
    def requests(self) -> Table:
        """Requests of the members of two clusters, kept as the report keeps them."""
        return self.keep(activity.member_requests_expr(self.inputs, ibis.memtable(MEMBERS)))

    def marked(self, source: str) -> Table:
        """Requests of members with and without their cluster's phrases or templates."""
        members = ibis.memtable(MEMBERS[["account_id", "cluster_id"]].set_axis(["account_id", "cluster"], axis=1))
        return takeover.marked_requests_expr(self.inputs, members, ibis.memtable(TOKENS[source]), source)

    def carried(self, source: str) -> Table:
        """Requests of members with the frames of the other quarters of their cluster."""
        members = MEMBERS[["account_id", "cluster_id"]].set_axis(["account_id", "cluster"], axis=1)
        own = pd.DataFrame({"cluster": ["C-0", "C-1"] * 20, "token": [i // 2 for i in range(40)]})
        tokens = own if source == "phrases" else TOKENS[source]
        members, tokens = (t.assign(side=["abcd"[i // 3 % 4] for i in range(len(t))]) for t in (members, tokens))
        return extraction.carried_requests_expr(self.inputs, ibis.memtable(members), ibis.memtable(tokens), source)


@pytest.fixture(scope="module")
def sides(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """DuckDB and Spark, on the same files."""
    places = odd_world.write(odd_world.make(), tmp_path_factory.mktemp("world"))
    made = Side(ibis.duckdb.connect(), places), Side(spark, places)
    yield made
    for side in made:
        side.close()


NAMES = [*odd_world.ODD_NAMES, *(f"a{i:05d}" for i in range(0, 60))]
MEMBERS = pd.DataFrame(
    {
        "account_id": NAMES,
        "cluster_id": [f"C-{i % 2}" for i in range(len(NAMES))],
        "part": [i % 3 for i in range(len(NAMES))],
    }
)
TOKENS = {
    "phrases": pd.DataFrame({"cluster": ["C-0", "C-0", "C-1", "C-1"], "token": [3, 7, 2**31 - 1, 4]}),
    "templates": pd.DataFrame({"cluster": ["C-0", "C-1", "C-1"], "token": ["t5", "t6", ""]}),
}
TEMPLATES = pd.DataFrame({"template": ["", *(f"t{i}" for i in range(1, 40))]})
FAMILIES = TEMPLATES.assign(family=[f"семья {i % 7}" for i in range(len(TEMPLATES))])


@dataclass(frozen=True)
class Case:
    """An expression and the columns that order its rows; what it covers is its name up to the bracket."""

    build: Callable[[Side], Table]
    key: tuple[str, ...] = ()


def _cases() -> dict[str, Case]:
    cases = {
        "inputs.coverage_expr": Case(lambda s: inputs.coverage_expr(s.inputs)),
        "inputs.unattributed_expr": Case(lambda s: inputs.unattributed_expr(s.tables["requests"])),
        "compute.profile_expr": Case(lambda s: compute.profile_expr(s.inputs), ("account_id",)),
        "links.identifier_links_expr": Case(
            lambda s: links.identifier_links_expr(s.inputs), ("account_id", "kind", "value")
        ),
        "links.identifier_degrees_expr": Case(
            lambda s: links.identifier_degrees_expr(s.inputs), ("account_id", "kind")
        ),
        "links.phrasebook_expr": Case(lambda s: links.phrasebook_expr(s.inputs, s.numbers), ("number", "token")),
        "inputs.filled_expr": Case(lambda s: inputs.filled_expr(s.inputs.requests)),
        "tallies.account_counts_expr": Case(lambda s: tallies.account_counts_expr(s.inputs), ("account_id",)),
        "tallies.repeated_expr": Case(
            lambda s: tallies.repeated_expr(s.inputs.requests, s.numbers), ("account_id", "token")
        ),
        "tallies.tokens_expr": Case(lambda s: tallies.tokens_expr(s.inputs.requests, s.numbers), ("number", "token")),
        "tallies.account_tokens_expr": Case(
            lambda s: tallies.account_tokens_expr(s.inputs.requests), ("account_id", "token")
        ),
        "tallies.unrepeated_expr": Case(lambda s: s.unrepeated, ("account_id", "token")),
        "tallies.repeated_at_last_expr": Case(
            lambda s: tallies.repeated_at_last_expr(s.piles[0], s.unrepeated), ("account_id", "token")
        ),
        "coordination.load_expr": Case(lambda s: coordination.load_expr(s.inputs, s.numbers), ("number", "day")),
        "coordination.lives_expr": Case(lambda s: coordination.lives_expr(s.inputs, s.numbers), ("number",)),
        "coordination.uses_expr": Case(
            lambda s: coordination.uses_expr(s.inputs, s.numbers, None), ("number", "model")
        ),
        "coordination.uses_expr[since]": Case(
            lambda s: coordination.uses_expr(s.inputs, s.numbers, odd_world.START), ("number", "model")
        ),
        "sightings.sightings_exprs": Case(
            lambda s: ibis.union(*sightings.sightings_exprs(s.inputs, s.coverage)), ("kind", "value", "account_id")
        ),
        "activity.member_requests_expr": Case(
            lambda s: s.requests,
            ("account_id", "ts", "model", "template", "capabilities", "tokens", "cluster_id", "part"),
        ),
        "activity.capability_totals_expr": Case(
            lambda s: activity.capability_totals_expr(s.requests), ("cluster_id", "capability")
        ),
        "activity.capability_elsewhere_expr": Case(
            lambda s: activity.capability_elsewhere_expr(s.inputs, ibis.memtable(MEMBERS))
        ),
        "activity.member_templates_expr": Case(
            lambda s: activity.member_templates_expr(s.requests), ("cluster_id", "template", "account_id")
        ),
        "activity.most_used_expr": Case(lambda s: activity.most_used_expr(s.requests, 9), ("template",)),
        "activity.template_phrases_expr": Case(
            lambda s: activity.template_phrases_expr(s.inputs, ibis.memtable(TEMPLATES)), ("template",)
        ),
        "activity.template_accounts_expr": Case(
            lambda s: activity.template_accounts_expr(s.inputs, ibis.memtable(FAMILIES)), ("family", "account_id")
        ),
        "activity.daily_expr": Case(lambda s: activity.daily_expr(s.requests), ("cluster_id", "day")),
        "activity.totals_expr": Case(lambda s: activity.totals_expr(s.requests), ("cluster_id",)),
    }
    keys = {"accounts": "account_id", "requests": "request_id", "models": "model"}
    for table in ("accounts", "requests", "identifiers", "models"):
        key = (keys[table],) if table in keys else ("account_id", "kind", "value")
        cases[f"inputs.inputs_as_of[{table}]"] = Case(lambda s, t=table: getattr(s.inputs, t), key)
    for kind in links.REQUEST_VALUES:
        cases[f"links.request_links_expr[{kind}]"] = Case(
            lambda s, k=kind: links.request_links_expr(s.inputs, k), ("account_id", "value")
        )
        cases[f"links.request_degrees_expr[{kind}]"] = Case(
            lambda s, k=kind: links.request_degrees_expr(s.inputs, k), ("account_id",)
        )
    for name, one in tallies.TALLIES.items():
        built = one.build.func if isinstance(one.build, partial) else one.build
        if built is not inputs.filled_expr:
            cases[f"tallies.{built.__name__}[{name}]"] = Case(lambda s, o=one: o.build(s.inputs.requests), one.keys)
        cases[f"tallies.added_expr[{name}]"] = Case(
            lambda s, o=one: tallies.added_expr(
                ibis.union(*(o.build(pile).select(*o.keys, *o.adds) for pile in s.piles)), o.keys, o.adds
            ),
            one.keys,
        )
    pair = ("account_id", "value")
    for kind in tallies.OWN:
        cases[f"tallies.own_values_expr[{kind}]"] = Case(
            lambda s, k=kind: tallies.own_values_expr(s.inputs.requests, k), (*pair, "ts")
        )
        cases[f"tallies.pairs_expr[{kind}]"] = Case(lambda s, k=kind: tallies.pairs_expr(s.own(k)[1]), pair)
        cases[f"tallies.met_pairs_expr[{kind}]"] = Case(lambda s, k=kind: s.met(k)[0], pair)
        cases[f"tallies.spread_expr[{kind}]"] = Case(
            lambda s, k=kind: tallies.spread_expr(s.own(k)[0]), ("account_id", "uses")
        )
        cases[f"tallies.spread_of_pairs_expr[{kind}]"] = Case(
            lambda s, k=kind: tallies.spread_of_pairs_expr(s.met(k)[1]), ("account_id", "uses")
        )
        cases[f"tallies.spread_added_expr[{kind}]"] = Case(
            lambda s, k=kind: tallies.spread_added_expr(tallies.spread_expr(s.own(k)[0]), *s.met(k)),
            ("account_id", "uses"),
        )
        cases[f"tallies.shared_values_expr[{kind}]"] = Case(
            lambda s, k=kind: tallies.shared_values_expr(s.own(k)[0]), pair
        )
        cases[f"tallies.shared_added_expr[{kind}]"] = Case(
            lambda s, k=kind: tallies.shared_added_expr(tallies.shared_values_expr(s.own(k)[0]), s.met(k)[1]), pair
        )
    for source in TOKENS:
        cases[f"takeover.marked_requests_expr[{source}]"] = Case(
            lambda s, w=source: s.marked(w), ("account_id", "cluster", "ts", "place", "marked")
        )
        cases[f"extraction.carried_requests_expr[{source}]"] = Case(
            lambda s, w=source: s.carried(w), ("account_id", "cluster", "capabilities", "tokens", "readable", "carried")
        )
        cases[f"extraction.carried_by_account_expr[{source}]"] = Case(
            lambda s, w=source: extraction.carried_by_account_expr(s.carried(w)), ("account_id", "cluster")
        )
        cases[f"extraction.carried_by_capability_expr[{source}]"] = Case(
            lambda s, w=source: extraction.carried_by_capability_expr(s.carried(w)), ("cluster", "capability")
        )
        cases[f"takeover.places_apart_expr[{source}]"] = Case(
            lambda s, w=source: takeover.places_apart_expr(s.marked(w)), ("account_id", "cluster")
        )
        cases[f"takeover.change_points_expr[{source}]"] = Case(
            lambda s, w=source: takeover.change_points_expr(s.marked(w)), ("account_id", "cluster")
        )
    for kind in activity.LANES:
        cases[f"activity.lane_expr[{kind}]"] = Case(
            lambda s, k=kind: activity.lane_expr(s.requests, k, 6, ibis.memtable(FAMILIES)),
            ("cluster_id", "lane", "bin"),
        )
    return cases


CASES = _cases()


def plain(value: Any) -> Any:
    """A cell as Python compares it: one kind of nothing, lists as tuples."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(plain(v) for v in value)
    return None if pd.isna(value) else value


def rows_of(frame: pd.DataFrame, key: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Rows as tuples, ordered by the key columns."""
    at = [frame.columns.get_loc(k) for k in key]
    rows = [tuple(plain(v) for v in row) for row in frame.itertuples(index=False, name=None)]
    return sorted(rows, key=lambda row: [(row[i] is not None, row[i] if row[i] is not None else 0) for i in at])


def same(one: Any, other: Any) -> bool:
    """Equal; numbers with a fraction to nine digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=1e-12)
    return bool(one == other)


def differences(duckdb: pd.DataFrame, spark: pd.DataFrame, key: tuple[str, ...]) -> list[str]:
    """What the engines do not agree on, a line each."""
    if list(duckdb.columns) != list(spark.columns):
        return [f"columns {list(duckdb.columns)} and {list(spark.columns)}"]
    if len(duckdb) != len(spark):
        return [f"{len(duckdb)} rows and {len(spark)} rows"]
    return [
        f"{column}: DuckDB {ours!r}, Spark {theirs!r} in {dict(zip(duckdb.columns, one, strict=True))}"
        for one, other in zip(rows_of(duckdb, key), rows_of(spark, key), strict=True)
        for column, ours, theirs in zip(duckdb.columns, one, other, strict=True)
        if not same(ours, theirs)
    ]


@pytest.mark.parametrize("name", compute.SIGNALS)
def test_a_signal_has_the_same_values_on_both_engines(name: str, sides: tuple[Side, Side]) -> None:
    family = next((f for f in compute.FAMILIES if name in {s.name for s in f.signals}), None)
    build = family.build if family else lambda i: compute.measures_expr(i, compute.MEASURES)
    asked = family.build.__name__ if family else "measures_expr"
    ours, theirs = (s.answer(asked, lambda s: build(s.inputs))[["account_id", name]] for s in sides)
    assert ours[name].nunique() > 1, "a world in which a signal is the same everywhere proves nothing"
    assert differences(ours, theirs, ("account_id",))[:5] == []


@pytest.mark.parametrize("name", CASES)
def test_an_expression_has_the_same_rows_on_both_engines(name: str, sides: tuple[Side, Side]) -> None:
    case = CASES[name]
    ours, theirs = (s.answer(name, case.build) for s in sides)
    assert len(ours) > (1 if case.key else 0)
    assert differences(ours, theirs, case.key)[:5] == []


def test_spark_is_a_cluster_here(spark: Any) -> None:
    """Two executors beside the driver: rows really travel between processes."""
    context = spark._session.sparkContext
    assert context.master.startswith("local-cluster[2,")
    assert len(context._jsc.sc().statusTracker().getExecutorInfos()) == 3


def test_no_expression_is_left_out() -> None:
    """Every function of the signals and clusters stages that builds an expression is compared above."""
    found = set()
    for package in (stillwatch.signals, stillwatch.clusters):
        for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            module = importlib.import_module(info.name)
            found |= {
                (info.name.rpartition(".")[2], n)
                for n, f in inspect.getmembers(module, inspect.isfunction)
                if n.endswith("_expr") and f.__module__ == info.name
            }
    built = {m.build for m in (*compute.MEASURES, *compute.FAMILIES)} | {compute.measures_expr}
    compared = {tuple(name.split("[")[0].split(".")) for name in CASES}
    compared |= {(f.__module__.rpartition(".")[2], f.__name__) for f in built}
    assert len(found) > 30
    assert found - compared == set()


def test_small_letters_differ_only_where_the_adr_says(sides: tuple[Side, Side]) -> None:
    """Kinds of identifiers are compared in small letters; letters younger than Unicode 15 are left aside."""
    letters = [c for c in map(chr, range(0x20, 0x1C80)) if c.isalpha()]
    words = ibis.memtable(pd.DataFrame({"word": [*letters, *LOWERED_OTHERWISE]}))
    answers = (s.execute(words.select("word", small=words.word.lower())).set_index("word")["small"] for s in sides)
    ours, theirs = (a[~a.index.duplicated()] for a in answers)
    other = {w: (small, theirs[w]) for w, small in ours.items() if small != theirs[w]}
    assert other == LOWERED_OTHERWISE
    assert len(ours) > 3000
