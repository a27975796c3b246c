"""How fast is import? Rows a second against DuckDB's own COPY, and megabytes of prompt text a second.

    python benchmarks/bench_import.py [--rows N] [--text-mb N] [--threads N] [--rounds N] [--out FILE]

Without text: DuckDB writes contract Parquet (every column but ``prompt``, 60 days). The yardstick is one ``COPY`` of
that file to day-partitioned Parquet; against it stands the whole import of the data set: all checks, tokens,
de-duplication, Delta commit and publishing. Both run in turn, so that a busy machine slows both. With text: the
import of requests that carry prompts of about 1 kB. Targets: a third of COPY's rows a second, 50 MB of text a second.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import duckdb

from stillwatch.config import Settings, settings
from stillwatch.pipeline.ingest import import_path
from stillwatch.sources.prompts import Sketcher

TARGET_RATIO, TARGET_MB = 1 / 3, 50
DAYS = 60

ACCOUNTS = """
    SELECT 'acct_' || lpad(i::VARCHAR, 7, '0') AS account_id, TIMESTAMP '2026-06-01' + to_minutes(i) AS created_at,
        CASE WHEN i % 5 = 0 THEN 'org_' || i % 400 END AS org_id,
        ['free', 'pro', 'team', 'enterprise'][1 + (hash(i) % 4)::INT] AS plan,
        ['first_party', 'cloud_a', 'reseller_x'][1 + (hash(i * 3) % 3)::INT] AS channel,
        'mail' || hash(i * 7) % 900 || '.example' AS email_domain, 'DE' AS country, 'email' AS verification,
        'active' AS status, NULL::TIMESTAMP AS status_at
    FROM range({accounts}) t(i)
"""
REQUESTS = """
    SELECT 'req_' || md5(i::VARCHAR) AS request_id,
        'acct_' || lpad((hash(i) % {accounts})::VARCHAR, 7, '0') AS account_id,
        TIMESTAMP '2026-08-01' + to_microseconds((i * {step})::BIGINT) AS ts,
        ['model-large', 'model-small', 'model-code'][1 + (hash(i * 5) % 3)::INT] AS model,
        '10.' || hash(i) % {accounts} // 250 % 250 || '.' || hash(i) % {accounts} % 250 || '.' || hash(i * 7) % 12
            AS ip,
        'AS' || 64500 + hash(i) % {accounts} % 900 AS asn, 'sdk-' || hash(i * 11) % 40 AS client,
        'ses_' || md5((i // 5)::VARCHAR) AS session_id, (hash(i * 13) % 4000)::INT AS input_tokens,
        (hash(i * 17) % 2000)::INT AS output_tokens, (hash(i * 19) % 8)::INT AS tool_count,
        ['ok', 'ok', 'ok', 'error', 'refused'][1 + (hash(i * 23) % 5)::INT] AS status,
        md5((hash(i * 29) % 5000)::VARCHAR) AS system_hash, {prompt}
    FROM range({rows}) t(i)
"""
HASHED = "md5((hash(i * 31) % 50000)::VARCHAR) AS prompt_hash"
WRITTEN = """
    'Please read the task number ' || i || ' and answer step by step. ' || array_to_string(list_transform(range(150),
        lambda x: ['the', 'answer', 'of', 'river', 'mountain', 'because', 'seven', 'function', 'history', 'colour',
              'it', 'translate', 'window', 'paper', 'quietly', '42'][1 + (hash(i * 1000 + x) % 16)::INT]), ' ')
        || ' Write the result as "value ' || i || '" and nothing else.' AS prompt
"""


def make_data(folder: Path, rows: int, prompt: str) -> float:
    """Write a contract data set; returns megabytes of prompt text."""
    folder.mkdir()
    accounts = max(rows // 200, 50)
    step = DAYS * 86_400_000_000 // max(rows, 1)
    con = duckdb.connect()
    con.execute(f"COPY ({ACCOUNTS.format(accounts=accounts)}) TO '{folder}/accounts.parquet'")
    sql = REQUESTS.format(accounts=accounts, step=step, prompt=prompt, rows=rows)
    con.execute(f"COPY ({sql}) TO '{folder}/requests.parquet'")
    if prompt == HASHED:
        return 0.0
    row = con.execute(f"SELECT sum(strlen(prompt)) / 1e6 FROM '{folder}/requests.parquet'").fetchone()
    return float(row[0]) if row else 0.0


def time_copy(data: Path, target: Path, config: Settings) -> float:
    """Seconds DuckDB takes to write the requests as day-partitioned Parquet, with its own defaults."""
    con = duckdb.connect(config={"threads": config.threads, "memory_limit": f"{config.memory_gb}GB"})
    begun = time.monotonic()
    rows = f"SELECT *, ts::DATE AS day FROM '{data}/requests.parquet'"
    con.execute(f"COPY ({rows}) TO '{target}' (FORMAT parquet, PARTITION_BY (day))")
    took = time.monotonic() - begun
    con.close()
    shutil.rmtree(target)
    return took


def time_import(data: Path, home: Path, config: Settings, rows: int) -> float:
    """Seconds the whole import takes into a new home; every row has to arrive."""
    begun = time.monotonic()
    report = import_path(config.at(home), data)
    took = time.monotonic() - begun
    if report.rows_new["requests"] != rows or report.rows_set_aside:
        raise SystemExit(f"the import lost rows: {report}")
    shutil.rmtree(home)
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--text-mb", type=int, default=400)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    config = replace(settings(), threads=args.threads, keep_prompts=False)
    result: dict[str, object] = {"machine": platform.platform(), "threads": args.threads, "rows": args.rows}
    with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as place:
        base = Path(place)
        begun = time.monotonic()
        Sketcher(bytes(32))
        result["compile_seconds"] = round(time.monotonic() - begun, 2)
        print(f"making {args.rows:,} requests", file=sys.stderr)
        make_data(base / "plain", args.rows, HASHED)
        copies, imports = [], []
        for _ in range(args.rounds):
            copies.append(time_copy(base / "plain", base / "copy", config))
            imports.append(time_import(base / "plain", base / "home", config, args.rows))
            print(f"COPY {copies[-1]:.1f} s, import {imports[-1]:.1f} s", file=sys.stderr)
        text_rows = args.text_mb * 1000
        megabytes = make_data(base / "text", text_rows, WRITTEN)
        texts = [time_import(base / "text", base / "home", config, text_rows) for _ in range(args.rounds)]
    copy, ours, text = (statistics.median(x) for x in (copies, imports, texts))
    result |= {
        "copy_seconds": copies,
        "import_seconds": imports,
        "copy_rows_per_second": args.rows / copy,
        "import_rows_per_second": args.rows / ours,
        "ratio": copy / ours,
        "text_megabytes": megabytes,
        "text_seconds": texts,
        "text_mb_per_second": megabytes / text,
    }
    print(f"{'':34}{'rows/s':>12}{'seconds':>10}")
    print(f"{'DuckDB COPY to day partitions':34}{args.rows / copy:12,.0f}{copy:10.1f}")
    print(f"{'import, everything included':34}{args.rows / ours:12,.0f}{ours:10.1f}")
    print(f"ratio {copy / ours:.2f} (target {TARGET_RATIO:.2f})")
    print(f"prompt text: {megabytes:,.0f} MB in {text:.1f} s = {megabytes / text:.0f} MB/s (target {TARGET_MB})")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=1))
    return 0 if copy / ours >= TARGET_RATIO and megabytes / text >= TARGET_MB else 1


if __name__ == "__main__":
    sys.exit(main())
