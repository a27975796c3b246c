"""How does detection grow, and what does it cost beside one pass of the engine over the same table?

    python benchmarks/bench_scale.py [--scales F ...] [--one-more-day F ...] [--seed N] [--work DIR] [--out FILE]
                                     [--docs FILE]

Scale 1 of the world ``incident`` is the whole incident: 24,000 campaign accounts among 224,000, 30 to 40 million
requests. Each world is simulated, imported and detected once, one after the other; results in the same --work folder
are kept, so the table can be made in parts. The yardstick runs on the same table right before and right after detection
(the mean counts): count, distinct templates, first and last time of every account, one DuckDB query with the same
threads. Detection runs in a process of its own whose peak memory (VmHWM) is read at its end. Seconds are by the wall
clock; CPU seconds stand beside them, for other work on the machine slows the clock, and so does the load average.

One more day: the last day is kept back, detection runs, the day is imported. Then detection runs twice on the same data
and the same earlier run: with what it had counted before, and in a copy of the home without (the full run, whose cost
the table tells). All tables of the two runs have to be the same bytes. Two shares are told: of detection alone, and of
all work from files to clusters, where the full run also imports all days, and the day's only the new one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from stillwatch.config import settings
from stillwatch.pipeline.detect import detect
from stillwatch.pipeline.ingest import import_path
from stillwatch.simulate.run import simulate
from stillwatch.warehouse import runs
from stillwatch.warehouse.run_schema import RUN_TABLES
from stillwatch.warehouse.store import Warehouse

SCALES = (0.125, 0.5, 1.0)
MARKS = ("<!-- scale:begin -->", "<!-- scale:end -->")
YARDSTICK = (
    "SELECT count(*), sum(n), sum(templates) FROM (SELECT account_id, count(*) AS n, "
    "count(DISTINCT template) AS templates, min(ts) AS first, max(ts) AS last FROM requests GROUP BY account_id)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scales", nargs="+", type=float, default=list(SCALES))
    parser.add_argument("--one-more-day", nargs="*", type=float, default=[SCALES[0]], metavar="F")
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--work", type=Path, default=Path("build/bench/scale"))
    parser.add_argument("--out", type=Path, default=Path("build/bench/scale.json"))
    parser.add_argument("--docs", type=Path, help="Markdown file whose marked section gets the table")
    parser.add_argument("--detect", type=Path, metavar="HOME", help=argparse.SUPPRESS)
    parser.add_argument("--yardstick", type=Path, metavar="HOME", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.detect or args.yardstick:
        print(json.dumps(detected(args.detect) if args.detect else yardstick(args.yardstick)))
        return
    for scale in args.scales:
        place = args.work / f"incident-{args.seed}-{scale:g}"
        if not (place / "result.json").exists():
            result = measure(scale, args.seed, place, scale in args.one_more_day)
            (place / "result.json").write_text(json.dumps(result, indent=1))
    results = [json.loads(p.read_text()) for p in args.work.glob("*/result.json")]
    results.sort(key=lambda r: r["requests"])
    report = {
        "python": platform.python_version(), "duckdb": duckdb.__version__, "machine": platform.machine(),
        "cores": os.cpu_count(), "slope": slope(results, "seconds"), "cpu_slope": slope(results, "cpu_seconds"),
        "results": results,
    }  # fmt: skip
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1))
    table = markdown(report)
    print(table)
    if args.docs:
        write_section(args.docs, table)


def measure(scale: float, seed: int, place: Path, one_more_day: bool) -> dict[str, Any]:
    """Simulate, import and detect one world; parts that an earlier call finished are kept."""
    place.mkdir(parents=True, exist_ok=True)
    home, data, last = place / "home", place / "data", place / "last"
    if not (place / "imported.json").exists():
        made = simulate("incident", scale=scale, seed=seed, out=data)
        if one_more_day:
            (last / "requests").mkdir(parents=True)
            newest = max((data / "requests").iterdir())
            newest.rename(last / "requests" / newest.name)
            shutil.copy(data / "accounts.parquet", last)  # a data set names its accounts
        begun, cpu = time.perf_counter(), time.process_time()
        import_path(settings(home), data)
        took = {"import": round(time.perf_counter() - begun, 1), "import_cpu": round(time.process_time() - cpu, 1)}
        (place / "imported.json").write_text(json.dumps({"simulate": round(made.seconds, 1), **took}))
        shutil.rmtree(data)
    full, day = home, place / "day.json"
    if last.exists():
        if not day.exists():
            child("--detect", home)
            cpu = time.process_time()
            rows = import_path(settings(home), last).rows_new["requests"]
            day.write_text(json.dumps({"rows": rows, "import_cpu": round(time.process_time() - cpu, 1)}))
        full, more = place / "full", place / "more"
        for copy in (full, more):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(home, copy)
    shutil.rmtree(full / "cache", ignore_errors=True)
    before = child("--yardstick", full)
    own = child("--detect", full)
    after = child("--yardstick", full)
    pass_seconds = (before["seconds"] + after["seconds"]) / 2
    result = {
        "scale": scale, "seed": seed, **json.loads((place / "imported.json").read_text()), **own,
        "yardstick": round(pass_seconds, 2), "yardstick_cpu": (before["cpu_seconds"] + after["cpu_seconds"]) / 2,
        "ratio": round(own["seconds"] / pass_seconds, 1), "load": round(os.getloadavg()[1], 1),
    }  # fmt: skip
    if last.exists():
        again = child("--detect", more)
        pair = [runs.current(settings(h).runs) for h in (more, full)]
        different = [n for n in RUN_TABLES if pair[0].file(n).read_bytes() != pair[1].file(n).read_bytes()]
        new = json.loads(day.read_text())
        everything = result["import_cpu"] + new["import_cpu"] + own["cpu_seconds"]
        result["one_more_day"] = {
            **new, "different": different, "seconds": again["seconds"],
            "cpu_seconds": again["cpu_seconds"], "share": round(again["seconds"] / own["seconds"], 3),
            "cpu_share": round(again["cpu_seconds"] / own["cpu_seconds"], 3),
            "cpu_share_with_import": round((new["import_cpu"] + again["cpu_seconds"]) / everything, 3),
            "steps": again["steps"],
        }  # fmt: skip
        shutil.rmtree(full)
        shutil.rmtree(more)
    return result


def child(what: str, home: Path) -> dict[str, Any]:
    """A measurement in a process of its own; what it says on the way goes to this one's error output."""
    command = [sys.executable, __file__, what, str(home)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def yardstick(home: Path) -> dict[str, Any]:
    """Seconds of one pass over the requests, in an engine that just started."""
    warehouse = Warehouse.open(settings(home))
    engine = warehouse.backend()
    warehouse.table("requests")
    begun, cpu = time.perf_counter(), time.process_time()
    engine.raw_sql(YARDSTICK).fetchall()
    return {"seconds": time.perf_counter() - begun, "cpu_seconds": round(time.process_time() - cpu, 2)}


def detected(home: Path) -> dict[str, Any]:
    """Detection with its steps: seconds, CPU seconds, peak memory in GB."""
    begun, cpu, steps = time.perf_counter(), time.process_time(), []

    def progress(text: str, _share: float) -> None:
        steps.append((text, round(time.perf_counter() - begun, 1), round(time.process_time() - cpu, 1), peak()))
        print(f"{steps[-1][1]:8.1f} s {steps[-1][2]:8.1f} s CPU {peak():6.2f} GB  {text}", file=sys.stderr, flush=True)

    run = detect(settings(home), progress=progress)
    return {
        "accounts": run.manifest["counts"]["accounts"], "requests": run.manifest["counts"]["requests"],
        "candidates": run.manifest["parameters"]["candidates"], "alarms": run.manifest["counts"]["alarms"],
        "seconds": round(time.perf_counter() - begun, 1), "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_gb": peak(), "steps": steps,
    }  # fmt: skip


def peak() -> float:
    """Most memory that this process ever had, in GB (10^9 bytes)."""
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(kilobytes) * 1024 / 1e9, 2)


def slope(results: list[dict[str, Any]], of: str) -> float | None:
    """Log-log slope of seconds over requests, by least squares."""
    if len(results) < 2:
        return None
    x, y = (np.log([float(r[c]) for r in results]) for c in ("requests", of))
    return round(float(np.polyfit(x, y, 1)[0]), 3)


def markdown(report: dict[str, Any]) -> str:
    """The tables of docs/benchmarks.md."""
    results = report["results"]
    head = [
        "scale", "accounts", "requests", "import s", "detect s (CPU s)", "one pass s (CPU s)", "detect / pass",
        "by CPU", "peak GB", "load",
    ]  # fmt: skip
    rows = [
        [
            f"{r['scale']:g}", f"{r['accounts']:,}", f"{r['requests']:,}", f"{r['import']:,}",
            f"{r['seconds']:,} ({r['cpu_seconds']:,})", f"{r['yardstick']} ({r['yardstick_cpu']:.2f})",
            f"{r['ratio']:g}", f"{r['cpu_seconds'] / r['yardstick_cpu']:.0f}", f"{r['peak_gb']}", f"{r['load']:g}",
        ]
        for r in results
    ]  # fmt: skip
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
    if report["slope"] is not None:
        lines += ["", f"Log-log slope over requests: {report['slope']} by the clock, {report['cpu_slope']} by CPU."]
    more = [r for r in results if r.get("one_more_day")]
    if more:
        lines += [
            "",
            "| one more day on | new requests | s (CPU s) | of the full run | by CPU | imports included | result |",
        ]
        lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for r in more:
        m = r["one_more_day"]
        same = "same bytes" if not m["different"] else f"different: {', '.join(m['different'])}"
        lines.append(
            f"| {r['requests'] - m['rows']:,} | {m['rows']:,} | {m['seconds']:,} ({m['cpu_seconds']:,}) | "
            f"{m['share']:.0%} | {m['cpu_share']:.0%} | {m['cpu_share_with_import']:.0%} | {same} |"
        )
    largest = results[-1] if results else None
    if largest:
        lines += ["", f"Steps at {largest['requests']:,} requests:", "", "| step begins | s | CPU s | peak GB so far |"]
        lines += ["| --- | --- | --- | --- |", *(f"| {t} | {s} | {c} | {p} |" for t, s, c, p in largest["steps"])]
    return "\n".join(lines)


def write_section(page: Path, table: str) -> None:
    """Put the tables between the marks of a page; the marks are added where they are missing."""
    text = page.read_text()
    if MARKS[0] not in text:
        text = text.rstrip() + f"\n\n## Scale\n\n{MARKS[0]}\n{MARKS[1]}\n"
    before, rest = text.split(MARKS[0])
    note = "\nCommand: `make bench-scale` (`python benchmarks/bench_scale.py --help`); world `incident`, seed 77.\n\n"
    page.write_text(f"{before}{MARKS[0]}{note}{table}\n{MARKS[1]}{rest.split(MARKS[1])[1]}")


if __name__ == "__main__":
    main()
