"""How much of what was really sent arrives: gateway logs through their readers, against a ground truth of the traffic.

    python benchmarks/check_gateway.py FOLDER [--home DIR] [--json FILE]

FOLDER holds ``litellm/``, ``otel_openai/`` and ``nginx/``, each set with a ``ground_truth.csv`` (one row a request that
was sent). For every set and column: rows that are equal, of rows that can be compared. With ``--home`` each set also
goes through the whole import, twice; the second time has to add nothing.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from stillwatch.config import settings
from stillwatch.domain import UNATTRIBUTED
from stillwatch.pipeline.ingest import import_path
from stillwatch.sources.registry import pick
from stillwatch.warehouse.store import Warehouse

NGINX = Path(__file__).resolve().parent.parent / "docs" / "mappings" / "nginx.yaml"
LATE = 3.0
"""Seconds that a log's start may lie after the client's clock when it sent: proxies stamp after authentication."""
Truth = dict[str, str]
Row = dict[str, Any]


@dataclass
class Set:
    """One set of logs and how its ground truth is spelt."""

    name: str
    path: Path
    truth: Path
    expected: Callable[[Truth], Row]
    format: str | None = None
    mapping: Path | None = None
    unseen: Callable[[Truth], bool] = field(default=lambda _truth: False)
    """Requests that this log cannot know of; they are counted apart."""


def sha(value: str, length: int) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:length]


def status(http: str) -> set[str] | None:
    """What a status may be called. Only the log can tell a refusal (400) from another error."""
    if not http:
        return None
    return {"200": {"ok"}, "429": {"rate_limited"}, "400": {"error", "refused"}}.get(http, {"error"})


def expect_litellm(truth: Truth) -> Row:
    return {
        "request_id": truth["litellm_call_id"] or None,
        # Nobody can know whose a key is that does not exist.
        "account_id": None if truth["kind"] == "badkey" else truth["user"] or truth["key_hash"],
        "model": truth["model_asked"],
        "ip": truth["source_ip"],
        "client": truth["user_agent"],
        "session_id": truth["session_id"],
        "input_tokens": truth["input_tokens"],
        "output_tokens": truth["output_tokens"],
        "tool_count": truth["tools"],
        "status": status(truth["http_status"]),
        "system": truth["system"],
        "prompt": truth["prompt_sha256"],
    }


def expect_otel(truth: Truth) -> Row:
    inside = truth["app_span"] == "1"
    return {
        "request_id": truth["response_id"] or None,
        "account_id": truth["user_id_on_parent_span"] or UNATTRIBUTED,
        "model": truth["model_asked"],
        "ip": truth["source_ip"] if inside else "",
        "session_id": truth["session_on_parent_span"],
        "input_tokens": truth["input_tokens"],
        "output_tokens": truth["output_tokens"],
        "tool_count": truth["tools"],
        "status": status(truth["http_status"]),
        "system": truth["system_sha"],
        "prompt": truth["prompt_sha256"],
    }


def expect_nginx(ids: dict[str, str]) -> Callable[[Truth], Row]:
    def expected(truth: Truth) -> Row:
        return {
            "request_id": ids.get(truth["response_id"]),
            "account_id": truth["user"],
            "model": truth["model_asked"],
            "ip": truth["source_ip"],
            "client": truth["user_agent"],
            "input_tokens": truth["input_tokens"],
            "output_tokens": truth["output_tokens"],
            "status": status(truth["http_status"]),
        }

    return expected


def sets(folder: Path) -> list[Set]:
    found: list[Set] = []
    for run in sorted((folder / "litellm").glob("run_*")):
        truth = run / "ground_truth.csv"
        for part, format_ in (
            ("standard_logging_payload.jsonl.gz", None),
            ("LiteLLM_SpendLogs.csv.gz", None),
            ("otlp_traces.jsonl.gz", "otel"),
            ("", None),
        ):
            name = f"litellm/{run.name} {part or 'whole folder'}"
            found.append(Set(name, run / part if part else run, truth, expect_litellm, format_))
    for run in sorted((folder / "otel_openai").glob("*_*content")):
        # The old package does not instrument the Responses API at all.
        old = run.name.startswith("v2")
        found.append(
            Set(
                f"otel_openai/{run.name}",
                run,
                run / "ground_truth.csv",
                expect_otel,
                unseen=lambda truth, old=old: old and truth["op"] == "responses",  # type: ignore[misc]
            )
        )
    nginx = folder / "nginx"
    if nginx.is_dir():
        lines = (json.loads(line) for line in (nginx / "stub_app.jsonl").read_text().splitlines())
        ids = {line["response_id"]: line["request_id"] for line in lines if line.get("response_id")}
        found.append(Set("nginx by mapping", nginx, nginx / "ground_truth.csv", expect_nginx(ids), mapping=NGINX))
    return found


def requests_of(one: Set) -> list[Row]:
    data = pick(one.path, one.format, one.mapping).read(one.path, one.mapping)
    table = next(t for t in data.tables if t.name == "requests")
    return [row for batch in table.batches for row in batch.to_pylist()]  # type: ignore[union-attr]


def seconds(row: Row) -> float:
    return float(row["ts"].replace(tzinfo=UTC).timestamp())


def pairs(truths: list[Truth], rows: list[Row], expected: Callable[[Truth], Row]) -> list[tuple[Truth, Row]]:
    """Requests that were sent with the rows that tell of them: by id, and the rest by start time and likeness.

    Refusals at the door get no id that the client saw, and several can be on the way at once: the assignment that
    agrees in most columns, and then in time, is taken.
    """
    by_id = {row["request_id"]: row for row in rows}
    matched = [(t, by_id.pop(i)) for t in truths if (i := expected(t)["request_id"]) in by_id]
    done = {id(t) for t, _ in matched}
    left, free = [t for t in truths if id(t) not in done], list(by_id.values())
    if not left or not free:
        return matched
    cost = np.full((len(left), len(free)), 1e6)
    for i, truth in enumerate(left):
        wanted, sent = expected(truth), float(truth["sent_at"])
        for j, row in enumerate(free):
            late = seconds(row) - sent
            if -0.05 <= late < LATE * 10:
                cost[i, j] = late / 100 - sum(same(c, v, row) is True for c, v in wanted.items())
    chosen = zip(*linear_sum_assignment(cost), strict=True)
    return matched + [(left[i], free[j]) for i, j in chosen if cost[i, j] < 1e6]


def same(column: str, wanted: Any, row: Row) -> bool | None:
    """Whether a row says what was sent; null where that cannot be compared."""
    got = row.get({"system": "system_hash"}.get(column, column))
    if column == "request_id" or wanted is None or (column in ("input_tokens", "output_tokens") and not wanted):
        return None
    if column == "status":
        return got in wanted
    if column == "tool_count" and got is None:
        return None
    if column in ("system", "prompt"):
        got = (sha(got, 16) if column == "prompt" else got[: len(wanted) or 1]) if got else ""
    return ("" if got is None else str(got)) == wanted


def compare(one: Set) -> dict[str, str]:
    with one.truth.open(newline="") as stream:
        truths = list(csv.DictReader(stream))
    unseen = [t for t in truths if one.unseen(t)]
    truths = [t for t in truths if not one.unseen(t)]
    rows = requests_of(one)
    matched = pairs(truths, rows, one.expected)
    counts: dict[str, list[int]] = {"arrived": [len(matched), len(truths)], "rows": [len(rows), len(matched)]}
    lags = []
    for truth, row in matched:
        wanted = one.expected(truth)
        lag = seconds(row) - float(truth["sent_at"])
        lags.append(lag)
        count(counts, "time", -0.05 <= lag < LATE)
        for column, value in wanted.items():
            equal = same(column, value, row)
            if column == "tool_count":
                count(counts, "tool_count known", equal is not None)
            if equal is not None:
                count(counts, column, equal)
    result = {column: f"{equal}/{total}" for column, (equal, total) in counts.items()}
    result["median lag"] = f"{sorted(lags)[len(lags) // 2]:.3f} s" if lags else "-"
    if unseen:
        result["not instrumented"] = str(len(unseen))
    return result


def count(counts: dict[str, list[int]], column: str, equal: bool) -> None:
    counts.setdefault(column, [0, 0])
    counts[column][0] += equal
    counts[column][1] += 1


def imported(one: Set, home: Path) -> str:
    where = settings(Path(tempfile.mkdtemp(dir=home, prefix="gateway-")))
    stored = []
    for _ in range(2):
        report = import_path(where, one.path, format=one.format, mapping=one.mapping)
        stored.append(Warehouse.open(where).table("requests").count().execute())
    return f"{stored[0]} stored, {sum(report.rows_set_aside.values())} set aside; again: {stored[1] - stored[0]} more"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path, help="also import each set, into a fresh home below this folder")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    args = parser.parse_args()
    results: dict[str, dict[str, str]] = {}
    for one in sets(args.folder):
        start = time.perf_counter()
        results[one.name] = compare(one)
        results[one.name]["read in"] = f"{time.perf_counter() - start:.2f} s"
        if args.home:
            args.home.mkdir(parents=True, exist_ok=True)
            results[one.name]["import"] = imported(one, args.home)
        print(one.name)
        print("   " + "   ".join(f"{column} {value}" for column, value in results[one.name].items()))
    if args.json:
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        args.json.write_text(json.dumps({"at": stamp, "sets": results}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
