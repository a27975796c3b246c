"""How well does detection find campaigns without labels, beside other methods, on simulated worlds?

    python benchmarks/bench_quality.py [--scenarios NAME ...] [--seeds N ...] [--none-seeds N ...] [--scale F]
        [--ablate NAME:SEED ...] [--ablate-scale F] [--work DIR] [--out FILE] [--docs FILE] [--keep]

Every world is simulated, imported and detected as a user would do it; truth is opened only to count. Seeds 101-120,
301-316 and 901 were used while detection was built; the default seeds are kept apart and never looked at for tuning.
Results of earlier calls in the same --work folder are kept, so the whole table can be made in parts; worlds are deleted
after they were counted (--keep leaves them).

Beside ours, on the same run's data: volume, components of shared identifiers (hub cap 50), components of shared
templates, Leiden on the rarity-weighted account-value graph, IsolationForest on the signals, Fraudar (UGFraud) and the
coordination network toolkit (both from requirements-bench.txt; without them their columns are empty), the best single
signal. Each scores accounts; figures are average precision and the best F1 over all thresholds (kinder than any real
use). The ceiling is a classifier that is told the truth, scored out of fold over accounts (quality/ceiling.py).
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pandas as pd

import stillwatch
from quality import ablation, tables
from quality.baselines import HUB_CAP, baselines, best_f1, figures
from quality.ceiling import ceiling
from quality.counting import counts
from quality.world import world
from stillwatch.config import settings
from stillwatch.detector.evaluation import evaluate
from stillwatch.detector.truth import read_truth
from stillwatch.pipeline.detect import detect
from stillwatch.pipeline.ingest import import_path
from stillwatch.simulate.run import simulate
from stillwatch.warehouse.runs import Run

SCENARIOS = (
    "a_small_balanced", "b_pathways", "c_release_pivot", "d_proxy_pool", "e_fixed_prefix", "f_session_replay",
    "g_cleaner", "h_relay", "i_sweep", "j_low_and_slow", "mixed",
)  # fmt: skip
SEEDS = (911, 912)
NONE_SEEDS = tuple(range(911, 921))
ABLATE = ("mixed:911", "a_small_balanced:911")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", nargs="*", default=list(SCENARIOS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--none-seeds", nargs="*", type=int, default=list(NONE_SEEDS), help="seeds of world none")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--ablate", nargs="*", default=list(ABLATE), help="worlds, NAME:SEED")
    parser.add_argument("--ablate-scale", type=float, default=0.5)
    parser.add_argument("--work", type=Path, default=Path("build/bench/quality"))
    parser.add_argument("--out", type=Path, default=Path("build/bench/quality.json"))
    parser.add_argument("--docs", type=Path, help="Markdown file whose marked section gets the tables")
    parser.add_argument("--keep", action="store_true", help="leave the worlds in the work folder")
    args = parser.parse_args()
    todo = [(name, seed) for seed in args.seeds for name in args.scenarios]
    for name, seed in [*todo, *(("none", seed) for seed in args.none_seeds)]:
        place = args.work / f"{name}-{seed}-{args.scale:g}"
        if not (place / "result.json").exists():
            result = measure(name, seed, args.scale, place)
            finish(place, result, args.keep)
            print(tables.line(result), flush=True)
    for world_name in args.ablate:
        name, _, seed = world_name.partition(":")
        place = args.work / f"ablation-{name}-{seed}-{args.ablate_scale:g}"
        if not (place / "result.json").exists():
            finish(place, ablate(name, int(seed), args.ablate_scale, place), args.keep)
    results = [json.loads(p.read_text()) for p in sorted(args.work.glob("*/result.json"))]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    report = {"python": platform.python_version(), "machine": platform.machine(), "results": results}
    args.out.write_text(json.dumps(report, indent=1))
    text = tables.markdown([r for r in results if "removed" not in r], [r for r in results if "removed" in r])
    print(text)
    if args.docs:
        commits = ", ".join(sorted({str(r["commit"]) for r in results}))
        note = f"Code: {commits}. Command: `make bench-quality`, or parts of it (see `--help`)."
        tables.write_section(args.docs, text, note)


def measure(scenario: str, seed: int, scale: float, place: Path) -> dict[str, Any]:
    """Simulate, import, detect and count one world."""
    home = settings(place / "home")
    truth = prepared(scenario, seed, scale, place)
    import_path(home, place / "data")
    begun, cpu = time.perf_counter(), time.process_time()
    run = detect(home)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    accounts = run.frame("accounts").merge(truth, on="account_id")
    positive = accounts["campaign"].notna().to_numpy()
    result = {
        "scenario": scenario, "seed": seed, "scale": scale, "commit": commit(),
        "requests": int(run.manifest["counts"]["requests"]),
        "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1),
        "ours": ours(run, truth), "ours_f1": best_f1(positive, accounts["score"].to_numpy()),
        "counts": counts(
            run.frame("accounts", columns=["account_id", "cluster_id", "score"]),
            run.frame("clusters", columns=["cluster_id", "rank", "tier"]), truth,
        ),
    }  # fmt: skip
    return result | (beside(place, truth) if positive.any() else {})


def beside(place: Path, truth: pd.DataFrame) -> dict[str, Any]:
    """The other methods and the ceiling on an imported world; kept in its folder, since they do not need a run."""
    kept = place / "beside.json"
    if not kept.exists():
        seen = world(place / "home", truth, HUB_CAP)
        figures_of = {"baselines": baselines(seen), "ceiling": figures(seen.positive, ceiling(seen))}
        kept.write_text(json.dumps(figures_of, indent=1))
    return dict(json.loads(kept.read_text()))


def ablate(scenario: str, seed: int, scale: float, place: Path) -> dict[str, Any]:
    """One world, again and again with one kind of evidence taken out of the data; stopped, it goes on where it was."""
    truth, kept = prepared(scenario, seed, scale, place), place / "removed.json"
    removed = json.loads(kept.read_text()) if kept.exists() else {}
    for name in (n for n in ablation.REMOVALS if n not in removed):
        home = settings(place / "home")
        shutil.rmtree(place / "home", ignore_errors=True)
        import_path(home, ablation.without(place / "data", name, place / "part"))
        found = ours(detect(home), truth)
        removed[name] = {
            "ap": found["average_precision"], "alarms": found["alarm_clusters"], "false": found["false_clusters"],
            "found": found["campaigns_found"],
        }  # fmt: skip
        kept.write_text(json.dumps(removed, indent=1))
        print(f"{scenario} seed {seed} without {name}: {removed[name]}", flush=True)
    return {"scenario": scenario, "seed": seed, "scale": scale, "commit": commit(), "removed": removed}


def prepared(scenario: str, seed: int, scale: float, place: Path) -> pd.DataFrame:
    """Truth of a world that is simulated where it is not there yet."""
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "data" / "truth.parquet").exists():
        simulate(scenario, scale=scale, seed=seed, out=place / "data")
    return read_truth(place / "data" / "truth.parquet")


def ours(run: Run, truth: pd.DataFrame) -> dict[str, Any]:
    """The figures of ``stillwatch evaluate``."""
    return {k: v for k, v in evaluate(run, truth).to_dict().items() if k != "notes"}


def commit() -> str:
    """Commit of the code that is measured, or its version outside a clone."""
    folder = Path(stillwatch.__file__).parent
    said = subprocess.run(["git", "-C", str(folder), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return said.stdout.strip() or stillwatch.__version__


def finish(place: Path, result: dict[str, Any], keep: bool) -> None:
    """Write the result, drop the world."""
    (place / "result.json").write_text(json.dumps(result, indent=1))
    for part in () if keep else ("home", "data", "part"):
        shutil.rmtree(place / part, ignore_errors=True)


if __name__ == "__main__":
    main()
