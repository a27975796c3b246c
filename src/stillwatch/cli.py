"""The command line: parse, call one function of the pipeline, say what it did in plain words or as JSON.

Exit codes: 0 done, 1 a check failed, 2 bad usage or bad input (one message, no traceback), 130 interrupted.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from stillwatch import __version__
from stillwatch.config import Settings, child_environment, is_text, settings
from stillwatch.errors import InputError, StillwatchError, UnknownTarget
from stillwatch.terminal import INTERRUPTED, Out, ending_on_ctrl_c, printable

LABELS = ("distillation", "benign", "other_abuse", "unsure")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; docs/cli.md is generated from it."""
    common = _Parser(add_help=False)
    common.add_argument(
        "--home",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="data folder (default: STILLWATCH_HOME or ./.stillwatch)",
    )
    common.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object, for machines"
    )

    parser = _Parser(
        prog="stillwatch",
        description="Find distillation networks in API telemetry, and spare the innocent.",
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"stillwatch {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, run: Any) -> argparse.ArgumentParser:
        p = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", parents=[common])
        p.set_defaults(run=run)
        return p

    p = command("import", "load a data set into the warehouse", _import)
    p.add_argument("path", metavar="PATH", type=_path, help="file or folder")
    p.add_argument("--format", type=_word, help="contract, litellm, otel, mapping (default: recognised by content)")
    p.add_argument("--mapping", metavar="FILE", type=_path, help="mapping file for any other table")

    p = command("simulate", "write a simulated data set with truth, in the telemetry contract", _simulate)
    p.add_argument("--scenario", required=True, type=_word, metavar="NAME", help="`--scenario list` names them all")
    p.add_argument("--scale", type=float, default=1.0, metavar="F", help="size, 1 = as described (default 1)")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="same seed, same bytes (default 0)")
    p.add_argument("--out", type=_path, metavar="DIR", help="folder to write (must be empty or new)")

    p = command("detect", "signals, graph, clusters, scores; publishes a run", _detect)
    p.add_argument("--as-of", metavar="TIME", type=_time, help="ISO 8601; only what was known then")

    p = command("accounts", "write the published run's accounts: account_id, cluster_id, score", _accounts)
    p.add_argument("--out", required=True, type=_path, metavar="FILE.parquet", help="file to write")

    p = command("clusters", "the queue of the published run", _clusters)
    p.add_argument("--limit", type=_positive, metavar="N", default=20, help="rows to print (default 20)")

    p = command("label", "label an account, a cluster or a campaign", _label)
    p.add_argument(
        "target",
        nargs="?",
        type=_word,
        metavar="TARGET",
        help="id; prefix account:, cluster: or campaign: if it is not clear",
    )
    p.add_argument("value", nargs="?", type=_word, metavar="VALUE", help=", ".join(LABELS))
    p.add_argument("--reason", type=_word, metavar="TEXT", help="why (kept in the audit log)")
    p.add_argument(
        "--by", type=_word, metavar="NAME", help="who says so (default: STILLWATCH_USER or the system's user)"
    )
    p.add_argument(
        "--from", dest="file", type=_path, metavar="FILE.csv", help="target_type, target_id, label, reason, labeler"
    )

    p = command("train", "train on the current labels; print held-out metrics beside the model in use", _train)
    p.add_argument("--promote", action="store_true", help="put the new model to use")
    p.add_argument(
        "--by", type=_word, metavar="NAME", help="who decides (default: STILLWATCH_USER or the system's user)"
    )

    p = command("evaluate", "score the published run against truth", _evaluate)
    p.add_argument(
        "--truth", required=True, type=_path, metavar="FILE", help="truth table: account_id, campaign, archetype"
    )

    p = commands.add_parser("evidence", help="write or check a signed evidence bundle", description="Evidence bundles.")
    actions = p.add_subparsers(dest="action", required=True, metavar="ACTION")
    e = actions.add_parser("export", help="write the bundle of a campaign", parents=[common])
    e.add_argument("campaign", type=_word, metavar="CAMPAIGN", help="campaign id, e.g. K-0001")
    e.add_argument(
        "--out", required=True, type=_path, metavar="DIR", help="folder to write the bundle into (must be new)"
    )
    e.add_argument(
        "--by", type=_word, metavar="NAME", help="who exports (default: STILLWATCH_USER or the system's user)"
    )
    e.add_argument("--tlp", type=_word, default="amber+strict", help="TLP 2.0 marking (default amber+strict)")
    e.add_argument("--redaction", type=_word, default="full", help="full or pseudonymous (default full)")
    e.add_argument("--audience", type=_word, default="recipient", metavar="NAME", help="for whom pseudonyms are made")
    e.set_defaults(run=_export)
    e = actions.add_parser("verify", help="check a bundle offline", parents=[common])
    e.add_argument("path", metavar="PATH", type=_path, help="bundle folder or .zip")
    e.add_argument("--key", metavar="FILE", type=_path, help="public key that you were given by another way")
    e.set_defaults(run=_verify)

    p = command("serve", "start the web app", _serve)
    p.add_argument("--port", type=_port, metavar="N", help="port (default: STILLWATCH_PORT or 8501)")
    p.add_argument("--address", default="127.0.0.1", metavar="HOST", help="address to listen on (default 127.0.0.1)")

    command("doctor", "check the installation, the stores and the engine, and say what to do", _doctor)
    return parser


class _Parser(argparse.ArgumentParser):
    """Bad usage is one message like any other error: as JSON where that was asked for, and nothing raw."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}.\n{self.format_usage().strip()}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    out = Out(as_json="--json" in words)  # known before the line is understood: it may be wrong
    try:
        args = build_parser().parse_args(words)
        out.as_json = getattr(args, "json", False)
        with ending_on_ctrl_c(lambda: _interrupted(out)):
            return int(args.run(args, settings(getattr(args, "home", None)), out))
    except StillwatchError as e:
        out.error(str(e))
        return e.exit_code
    except KeyboardInterrupt:
        return _interrupted(out)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as e:
        place = f" ({printable(str(e.filename))})" if e.filename else ""
        out.error(f"the system refused: {e.strerror or e}{place}. Check the path, its permissions and the free space.")
        return 2
    except Exception as e:
        if str(e) == "Query interrupted":  # how DuckDB tells of a Ctrl-C that came while it was computing
            return _interrupted(out)
        engine = sys.modules.get("duckdb")  # most commands never need it
        if engine is None or not isinstance(e, engine.Error):
            raise
        out.error(
            f"the engine gave up: {(str(e).splitlines() or [type(e).__name__])[0]}. A data file is damaged, or memory "
            "(STILLWATCH_MEMORY_GB) or the disk ran out; `stillwatch doctor` says more. Nothing was published."
        )
        return 2


def _interrupted(out: Out) -> int:
    out.error("interrupted; what was published before is as it was. The same command again takes it up.")
    return INTERRUPTED


def _import(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.pipeline.ingest import import_path

    with out.progress() as progress:
        report = import_path(cfg, args.path, format=args.format, mapping=args.mapping, progress=progress)
    out.result(report)
    if report.already_known:
        out.say(f"{report.source}: these files were imported before; nothing was added.")
    for table, rows in report.rows_in.items():
        new, aside = report.rows_new.get(table, 0), report.rows_set_aside.get(table, 0)
        out.say(f"{table}: {rows:,} rows in, {new:,} new, {aside:,} set aside")
    for text in report.reject_examples:
        out.say(f"  set aside: {text}")
    if report.rejects_file:
        out.say(f"Rows set aside are kept with their reasons in {report.rejects_file}")
    for text in report.warnings:
        out.say(f"Warning: {text}")
    for text in report.blind:
        out.say(f"Blind: {text}")
    out.say(f"Done in {report.seconds:.1f} s. Next: stillwatch detect")
    return 0


def _simulate(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.simulate import SCENARIOS, simulate

    if args.scenario == "list":
        out.result({name: s.description for name, s in SCENARIOS.items()})
        for name, s in SCENARIOS.items():
            out.say(f"{name:24} {s.description}")
        return 0
    if args.out is None:
        raise InputError("--out is missing: name the folder to write the data set into.")
    with out.progress() as progress:
        report = simulate(args.scenario, scale=args.scale, seed=args.seed, out=args.out, progress=progress)
    out.result(report)
    out.say(str(report))
    return 0


def _detect(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.pipeline.detect import detect

    with out.progress() as progress:
        run = detect(cfg, as_of=args.as_of, progress=progress)
    counts = run.manifest.get("counts", {})
    out.result(run.manifest)
    out.say(f"Published run {run.run_id}: " + ", ".join(f"{v:,} {k}" for k, v in counts.items()))
    for text in run.manifest.get("blind", []):
        out.say(f"Blind: {text}")
    out.say("Next: stillwatch clusters, or stillwatch serve")
    return 0


def _accounts(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.pipeline.reports import write_accounts

    rows = write_accounts(cfg, args.out)
    out.result({"file": str(args.out), "accounts": rows})
    out.say(f"Wrote {rows:,} accounts to {args.out}")
    return 0


def _clusters(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.pipeline.reports import queue

    run_id, rows = queue(cfg, limit=args.limit)
    out.result(rows)
    if not rows:
        out.say(f"Run {run_id} has no clusters: nothing hangs together more than chance explains.")
    for r in rows:
        out.say(
            f"{r['rank']:>3}  {r['cluster_id']}  {r['tier']:<6}  score {r['score']:.2f}  {r['size']:>6,} accounts  "
            f"{r['requests']:>10,} requests  {r['first_seen']:.10} to {r['last_seen']:.10}"
        )
        for text in r["reasons"][:3]:
            out.say(f"       {printable(text)}")
    return 0


def _label(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.pipeline.labels import label_file, label_target

    by = args.by or cfg.user
    if args.file:
        if args.target or args.value:
            raise InputError("give either TARGET VALUE or --from FILE.csv, not both.")
        added, known = label_file(cfg, args.file, by=by)
        out.result({"added": added, "already_known": known})
        out.say(f"Saved {added:,} labels from {args.file}; {known:,} were already there.")
        return 0
    if not (args.target and args.value):
        raise InputError("say what and how: stillwatch label TARGET VALUE --reason TEXT, or --from FILE.csv.")
    if not (args.reason or "").strip():
        raise InputError("--reason is missing: a label without its reason cannot be defended.")
    saved = label_target(cfg, args.target, args.value, reason=args.reason, by=by)
    label = saved.label
    out.result(saved)
    out.say(f"Saved {label.label_id}: {label.target_type} {label.target_id} is {label.value}, says {label.labeler}.")
    if saved.campaign_id:
        out.say(f"Campaign {saved.campaign_id} {'was opened for it' if saved.opened else 'holds it already'}.")
    out.say("Next: stillwatch train")
    return 0


def _train(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.pipeline.learn import train

    with out.progress() as progress:
        report = train(cfg, promote=args.promote, by=args.by or cfg.user, progress=progress)
    out.result(report)
    out.say(str(report))
    return 0


def _evaluate(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.pipeline.learn import evaluate

    evaluation = evaluate(cfg, args.truth)
    out.result(evaluation)
    out.say(str(evaluation))
    return 0


def _export(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.pipeline.bundle import export

    bundle = export(
        cfg,
        args.campaign,
        args.out,
        by=args.by or cfg.user,
        tlp=args.tlp,
        redaction=args.redaction,
        audience=args.audience,
    )
    out.result(bundle)
    out.say(f"Wrote bundle {bundle.bundle_id} to {bundle.path}")
    for text in bundle.gaps:
        out.say(f"Not in it: {printable(text)}")
    out.say(f"SHA-256 that fixes every byte: {bundle.sha256}")
    out.say(f"Fingerprint of our key, to be told to the recipient by another way: {bundle.fingerprint}")
    out.say(f"Check it with: stillwatch evidence verify {bundle.path} --key {bundle.public_key}")
    return 0


def _verify(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.evidence.verify import verify

    found = verify(args.path, args.key)
    out.result(found)
    for check in found.checks:
        out.say(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {printable(check.detail)}")
    if not found.ok:
        out.say("The bundle must not be relied on.")
    elif found.origin_proven:
        out.say("The bundle is whole, and the holder of the key that you gave sealed it.")
    else:
        out.say("The bundle is whole. Who sealed it is NOT proven: give the sender's public key with --key.")
    return 0 if found.ok else 1


def _serve(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    import subprocess

    app = Path(__file__).resolve().parents[2] / "app.py"
    if not app.is_file():
        raise UnknownTarget(f"app.py is not at {app.parent}: run from a checkout (pip install -e .).")
    port = args.port or cfg.port
    host = "localhost" if args.address == "127.0.0.1" else args.address
    out.say(f"Stillwatch listens on http://{host}:{port}  (Ctrl-C stops it)")
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(app),
        f"--server.port={port}",
        f"--server.address={args.address}",
    ]
    return subprocess.call(command, cwd=app.parent, env=child_environment(cfg))


def _doctor(args: argparse.Namespace, cfg: Settings, out: Out) -> int:
    from stillwatch.pipeline.doctor import examine

    checks = examine(cfg)
    out.result([vars(c) for c in checks])
    for check in checks:
        out.say(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {printable(check.detail)}")
    return 0 if all(c.ok for c in checks) else 1


def _word(text: str) -> str:
    """Any text; bytes that are not UTF-8 reach a program as half characters that nothing can store."""
    if not is_text(text):
        raise argparse.ArgumentTypeError(f"{text[:60]!a} is not UTF-8 text")
    return text


def _path(text: str) -> Path:
    """A path; engines and stores know only names in UTF-8."""
    return Path(_word(text))


def _positive(text: str) -> int:
    if not re.fullmatch("0*[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text[:60]!a} is not a whole number above 0")
    return int(text)


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text[:60]!a} is not a port; want 1 to 65535")
    return int(text)


def _time(text: str) -> datetime:
    """ISO 8601 to naive UTC; without a zone it is read as UTC."""
    try:
        when = datetime.fromisoformat(text)
        return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
    except (ValueError, OverflowError):  # too large: a time near the year 1 or 9999 with an offset
        raise argparse.ArgumentTypeError(
            f"{text[:60]!a} is not a time; want ISO 8601, e.g. 2026-10-31T00:00:00Z"
        ) from None
