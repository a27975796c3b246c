"""How long does a hunt take over tens of millions of requests?

    python benchmarks/bench_hunt.py HOME [--times N] [--rounds N] [--out FILE]

HOME has data and a run (made by ``stillwatch import`` and ``stillwatch detect``). It is not changed: a run N times as
large is made of its own in a temporary folder (every account and every identifier N times under names of their own;
models, clients, networks and days stay common), and its requests are written N times over, one file a day, as an
import writes them (1.5 GB and a minute or two at 40 million). Then questions are timed without any cache; a question's
time is the median of its rounds. Targets: by account 300 ms, by identifier 1 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import duckdb

from stillwatch.config import settings
from stillwatch.pipeline.search import Hunt
from stillwatch.warehouse import runs
from stillwatch.warehouse.delta import LOOK_UP
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.schema import WAREHOUSE
from stillwatch.warehouse.searching import Search, Term
from stillwatch.warehouse.store import Warehouse, duckdb_type

COMMON = "('model', 'client', 'asn', 'outcome', 'day', 'system')"


OWN = ("session_id", "template")
"""Columns of the requests whose values get names of their own; each goes with its account."""


class Enlarged(Warehouse):
    """A warehouse with other requests."""

    requests: tuple[str, ...] = ()

    def files(self, name: str) -> list[str]:
        return list(self.requests) if name == "requests" else super().files(name)


def enlarge_requests(warehouse: Warehouse, place: Path, times: int) -> tuple[str, ...]:
    """The requests with every account ``times`` times, a file a day; columns that no hunt reads are left empty."""
    kept = {"request_id", "prompt", "phrases", "prompt_chars", "import_id", "capabilities"}
    columns = [
        f"NULL::{duckdb_type(c.type)} AS {c.name}" if c.name in kept
        else f"account_id || '_' || n AS {c.name}" if c.name == "account_id"
        else f"left(md5({c.name} || n), 24) AS {c.name}" if c.name in OWN
        else c.name
        for c in WAREHOUSE["requests"].columns
        if c.name != "day"
    ]  # fmt: skip
    written = []
    with duckdb.connect() as con:
        for day, files in groupby(warehouse.files("requests"), lambda f: Path(f).parent.name):
            target = place / "requests" / day / "all.parquet"
            target.parent.mkdir(parents=True)
            con.execute(
                f"COPY (SELECT {', '.join(columns)} FROM read_parquet({list(files)}), range({times}) t(n)) "
                f"TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, {LOOK_UP})"
            )
            written.append(str(target))
    return tuple(written)


def enlarge(run: Run, place: Path, times: int) -> Run:
    """A run with every account ``times`` times."""
    folder = place / run.run_id
    folder.mkdir()
    (folder / "manifest.json").write_text((run.folder / "manifest.json").read_text())
    own = f"CASE WHEN kind IN {COMMON} THEN {{}} ELSE {{}} END"
    columns = {
        "accounts": "* REPLACE (account_id || '_' || n AS account_id)",
        "sightings": "kind, " + own.format("value", "left(md5(value || n), 24)") + " AS value, "
        "account_id || '_' || n AS account_id, "
        + own.format(f"sharers * {times}", "sharers")
        + " AS sharers, uses, first_seen, last_seen",
    }
    with duckdb.connect() as con:
        for name, order in (("accounts", "account_id"), ("sightings", "kind, value, account_id")):
            con.execute(
                f"COPY (SELECT {columns[name]} FROM read_parquet('{run.file(name)}'), range({times}) t(n) "
                f"ORDER BY {order}) TO '{folder / name}.parquet' (COMPRESSION zstd, ROW_GROUP_SIZE 20480)"
            )
    return Run(run.run_id, folder)


def questions(run: Run, warehouse: Warehouse) -> dict[str, Callable[[Hunt], object]]:
    """What is asked: name -> how."""
    seen = run.frame("sightings", filters=[("kind", "!=", "day")], columns=["kind", "value", "sharers"])
    seen = seen.drop_duplicates(["kind", "value"]).sort_values(["sharers", "value"], ascending=[False, True])
    most = dict(seen.groupby("kind")["value"].first().items())
    accounts = run.frame("accounts", columns=["account_id"])["account_id"]
    days = run.frame("sightings", filters=[("kind", "=", "day")], columns=["value"])["value"]
    middle = date.fromisoformat(sorted(days.unique())[days.nunique() // 2])
    window = {"since": middle, "until": middle + timedelta(days=1)}

    def page(search: Search) -> Callable[[Hunt], object]:
        return lambda hunt: hunt.page(search, {})

    out = {"everything, first page": page(Search()), "account, by id": page(Search(text=str(accounts.iloc[-1])))}
    out |= {f"{kind}, most shared": page(Search(terms=(Term(str(kind), str(v)),))) for kind, v in most.items()}
    out["active on two days"] = page(Search(**window))
    if "model" in most:
        out["model on two days"] = page(Search(terms=(Term("model", str(most["model"])),), **window))
    requests = warehouse.table("requests")
    for kind, column in (("session", "session_id"), ("template", "template")):
        held = set(seen[seen["kind"] == kind]["value"])
        some = requests.filter(requests[column].notnull()).select(column).limit(2_000).to_pandas()[column]
        if lone := next((v for v in some if v not in held), None):
            out[f"{kind} of one account"] = page(Search(terms=(Term(kind, str(lone)),)))
    identifiers = [k for k in most if k in ("card", "payment", "device", "email", "phone")]
    if identifiers:
        top = Search(terms=(Term(identifiers[0], str(most[identifiers[0]])),))
        out |= {
            "figures over what was found": lambda h: h.totals(top, {}),
            "what they have in common": lambda h: h.shared(top, {}),
            "requests a day": lambda h: h.activity(top, {}),
        }
    out["typed, nobody has it"] = lambda h: h.recognise("nobody has this", None, list(most))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    options = parser.parse_args()
    own = settings(options.home)
    warehouse = Enlarged.open(own)
    with tempfile.TemporaryDirectory() as place:
        run = enlarge(runs.current(own.runs), Path(place), options.times)
        warehouse.requests = enlarge_requests(Warehouse.open(own), Path(place), options.times)
        rows = warehouse.table("requests").count().execute()
        sizes = {n: run.arrow(n, columns=["account_id"]).num_rows for n in ("accounts", "sightings")}
        print(f"{rows:,} requests, {sizes['accounts']:,} accounts, {sizes['sightings']:,} sightings")
        figures: dict[str, float] = {}
        cpu: dict[str, float] = {}
        for name, ask in questions(run, warehouse).items():
            taken, used = [], []
            for _ in range(options.rounds):
                hunt = Hunt(own, run, warehouse)
                start, before = time.perf_counter(), time.process_time()
                ask(hunt)
                taken.append((time.perf_counter() - start) * 1000)
                used.append((time.process_time() - before) * 1000)
            figures[name], cpu[name] = statistics.median(taken), statistics.median(used)
            print(f"{name:32}{figures[name]:8.0f} ms, processor {cpu[name]:6.0f} ms", flush=True)
        print(f"load {os.getloadavg()[0]:.1f}")
    if options.out:
        options.out.write_text(
            json.dumps({"requests": int(rows), **sizes, "median_ms": figures, "cpu_ms": cpu}, indent=1)
        )


if __name__ == "__main__":
    main()
