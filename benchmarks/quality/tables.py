"""The tables of docs/benchmarks.md from the results of single worlds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from quality.baselines import NAMES

MARKS = ("<!-- quality:begin -->", "<!-- quality:end -->")
Result = dict[str, Any]


def line(r: Result) -> str:
    """One world in a line."""
    o = r["ours"]
    return (
        f"{r['scenario']:18s} seed {r['seed']}: AP {cell(o['average_precision'])}, "
        f"recall at 0.99 {cell(o['recall_at_precision_99'])}, found {o['campaigns_found']}/{len(o['campaigns'])}, "
        f"{o['alarm_clusters']} alarms, {o['false_clusters']} false, {r['seconds']} s"
    )


def markdown(results: list[Result], ablations: list[Result]) -> str:
    """All tables; worlds without a campaign count for false alarms and look-alikes only."""
    with_campaign = [r for r in results if r["ours"]["campaigns"]]
    parts = [ours(results, with_campaign), beside(with_campaign), look_alikes(results)]
    if any(r["counts"]["slow"] for r in results):
        parts.append(slow(results))
    if ablations:
        parts.append(ablated(ablations))
    return "\n\n".join(parts)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))


def cell(value: float | None) -> str:
    """Two digits, a dash for nothing."""
    return "–" if value is None else f"{value:.2f}"


def mean(values: list[float | None]) -> str:
    """Mean of what there is."""
    known = [v for v in values if v is not None]
    return f"**{np.mean(known):.2f}**" if known else "–"


def ours(results: list[Result], counted: list[Result]) -> str:
    """What this product finds."""
    head = [
        "world", "seed", "scale", "AP", "recall at 0.99", "the same, stolen keys left out",
        "best F1", "found", "found, sisters as one", "alarms",
        "false alarms", "in review", "detect s (CPU s)",
    ]  # fmt: skip
    rows = [
        [
            r["scenario"], str(r["seed"]), f"{r['scale']:g}", cell(r["ours"]["average_precision"]),
            cell(r["ours"]["recall_at_precision_99"]), cell(r["counts"]["without_victims"]["recall"]),
            cell(r["ours_f1"]),
            of(r["ours"]["campaigns_found"], r), of(r["counts"]["found_with_sisters"], r),
            str(r["ours"]["alarm_clusters"]), str(r["ours"]["false_clusters"]), str(r["counts"]["review"]),
            f"{r['seconds']:.0f} ({r['cpu_seconds']:.0f})",
        ]
        for r in results
    ]  # fmt: skip
    total = sum(len(r["ours"]["campaigns"]) for r in counted)
    strict = sum(r["ours"]["campaigns_found"] for r in counted)
    sisters = sum(r["counts"]["found_with_sisters"] for r in counted)
    rows.append(
        [
            f"**mean or sum, {len(counted)} worlds with campaigns**", "", "",
            mean([r["ours"]["average_precision"] for r in counted]),
            mean([r["ours"]["recall_at_precision_99"] for r in counted]),
            mean([r["counts"]["without_victims"]["recall"] for r in counted]), mean([r["ours_f1"] for r in counted]),
            f"{strict} of {total} ({strict / max(total, 1):.0%})",
            f"{sisters} of {total} ({sisters / max(total, 1):.0%})",
            str(sum(r["ours"]["alarm_clusters"] for r in counted)),
            str(sum(r["ours"]["false_clusters"] for r in counted)), "", "",
        ]
    )  # fmt: skip
    return table(head, rows)


def of(found: int, r: Result) -> str:
    """Campaigns found, of all in the world."""
    total = len(r["ours"]["campaigns"])
    return f"{found} of {total}" if total else "–"


def beside(counted: list[Result]) -> str:
    """Other methods on the same worlds, AP / best F1."""
    head = ["world", "seed", "ours", *NAMES, "best single signal (AUC)", "told the truth"]

    def both(figures: dict[str, Any]) -> str:
        return f"{cell(figures['ap'])} / {cell(figures['f1'])}"

    rows = [
        [
            r["scenario"], str(r["seed"]), f"{cell(r['ours']['average_precision'])} / {cell(r['ours_f1'])}",
            *(both(r["baselines"][n]) for n in NAMES),
            f"{r['baselines']['best single signal']['signal']} {cell(r['baselines']['best single signal']['auc'])}",
            both(r["ceiling"]),
        ]
        for r in counted
    ]  # fmt: skip
    means = [
        f"{mean([r['baselines'][n]['ap'] for r in counted])} / {mean([r['baselines'][n]['f1'] for r in counted])}"
        for n in NAMES
    ]
    top = f"{mean([r['ceiling']['ap'] for r in counted])} / {mean([r['ceiling']['f1'] for r in counted])}"
    own = f"{mean([r['ours']['average_precision'] for r in counted])} / {mean([r['ours_f1'] for r in counted])}"
    single = mean([r["baselines"]["best single signal"]["auc"] for r in counted])
    return table(head, [*rows, ["**mean**", "", own, *means, single, top]])


def look_alikes(results: list[Result]) -> str:
    """Innocents in an alarm, by kind, over all worlds."""
    kinds: dict[str, list[tuple[int, float]]] = {}
    for r in results:
        for look in r["ours"]["look_alikes"]:
            kinds.setdefault(look["archetype"], []).append((look["accounts"], look["alarmed"]))
    rows = []
    for kind, seen in sorted(kinds.items()):
        total = sum(n for n, _ in seen)
        hit = round(sum(n * share for n, share in seen))
        rows.append([kind, f"{total:,}", str(hit), f"{hit / max(total, 1):.1%}"])
    return table(["innocent archetype", "accounts", "in an alarm", "share"], rows)


def slow(results: list[Result]) -> str:
    """Low-and-slow campaigns in the queue."""
    rows = [
        [
            r["scenario"], str(r["seed"]), s["campaign"], str(s["accounts"]),
            "nowhere" if s["rank"] is None else str(s["rank"]), str(s["in_queue_head"]), str(s["by_score"]),
        ]
        for r in results
        for s in r["counts"]["slow"]
    ]  # fmt: skip
    head = [
        "world", "seed", "low-and-slow campaign", "accounts", "first queue row with 3 of them",
        "of them in the first 100 queue rows", "among the 100 highest account scores",
    ]  # fmt: skip
    return table(head, rows)


def ablated(ablations: list[Result]) -> str:
    """AP, alarms and campaigns found with one kind of evidence removed."""
    head = ["removed", *(f"{a['scenario']} {a['seed']}, scale {a['scale']:g}" for a in ablations), "mean AP"]
    names = list(dict.fromkeys(name for a in ablations for name in a["removed"]))
    rows = []
    for name in names:
        seen = [a["removed"].get(name) for a in ablations]
        cells = [
            "–" if s is None else f"AP {cell(s['ap'])}, {s['alarms']} alarms, {s['false']} false, {s['found']} found"
            for s in seen
        ]
        rows.append([name, *cells, mean([s["ap"] for s in seen if s])])
    return table(head, rows)


def write_section(page: Path, tables: str, note: str) -> None:
    """Put the tables between the marks of a page; the marks are added where they are missing."""
    text = page.read_text() if page.exists() else "# Benchmarks\n"
    if MARKS[0] not in text:
        text = text.rstrip() + f"\n\n## Detection quality\n\n{MARKS[0]}\n{MARKS[1]}\n"
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    page.write_text(f"{before}{MARKS[0]}\n{note}\n\n{tables}\n{MARKS[1]}{after}")
