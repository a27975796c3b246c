"""The ranked queue as a list of rows: likelihood, what it is, why, how big, how it moved, since when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from stillwatch.ui import look, words
from stillwatch.ui.words import missing, plain

_HERE = Path(__file__).parent


@cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "stillwatch_queue",
        html="<div id='q' role='group' aria-label='Clusters, most pressing first'></div>",
        css=(_HERE / "queue_list.css").read_text(),
        js=(_HERE / "queue_list.js").read_text(),
    )


def draw(
    table: pd.DataFrame,
    *,
    chosen: str | None,
    as_of: datetime,
    on_chosen: Callable[[], None],
    on_opened: Callable[[], None],
    key: str,
) -> None:
    """Rows of ``queue_facts.queue``. Triggers ``chosen`` and ``opened`` carry {id}."""
    rows = [_row(r, as_of) for r in table.to_dict("records")]
    _component()(data={"rows": rows, "chosen": chosen}, key=key, on_chosen_change=on_chosen, on_opened_change=on_opened)


def _row(r: dict[Any, Any], as_of: datetime) -> dict[str, Any]:
    score = 0.0 if missing(r["score"]) else float(r["score"])
    return {
        "id": plain(r["cluster_id"], 40),
        "rank": str(int(r["rank"])),
        "title": plain(r["title"], 120),
        "word": r["word"],
        "percent": round(min(max(score, 0.01), 0.99) * 100),
        "tone": "bad" if score >= 0.8 else "warn" if score >= 0.45 else "quiet",
        "chips": _chips(r),
        "reasons": [
            {"glyph": m.glyph, "light": m.light, "dark": m.dark, "text": words.gist(text, 160)}
            for text, m in zip(list(r["reasons"])[:3], map(look.mark, r["reason_kinds"]), strict=False)
        ],
        "size": words.number(float(r["size"])),
        "requests": words.number(float(r["requests"])),
        "daily": [int(v) for v in r["daily"]],
        "age": f"{words.duration(as_of - r['first_seen'])} old" if not missing(r["first_seen"]) else "",
    }


def _change(r: dict[Any, Any]) -> str:
    """``grown +40``: what happened since the run before, in the fewest words."""
    change = 0 if missing(r["previous_size"]) else int(r["size"]) - int(r["previous_size"])
    return f"{r['lineage']} {change:+,}" if change else str(r["lineage"])


def _chips(r: dict[Any, Any]) -> list[list[str]]:
    chips = []
    if r["tier"] == "alarm":
        chips.append(["alarm", "bad", "Tested evidence in two independent views"])
    if r["lineage"] and r["lineage"] != "same":
        chips.append([_change(r), "info", words.lineage(r["lineage"], r["previous_size"], int(r["size"]))])
    if not missing(r["lookalike"]):
        chips.append(
            [f"looks like {words.hypothesis(r['lookalike'])}", "warn", "The innocent explanation that fits best"]
        )
    if r["label"]:
        chips.append(
            [
                f"{words.label(r['label'])} · {plain(r['labeler'], 20)}",
                look.LABEL_TONES.get(r["label"], "quiet"),
                "Label",
            ]
        )
    if not missing(r["assignee"]):
        chips.append([plain(r["assignee"], 20), "quiet", "Working on it"])
    if r["snoozed"]:
        chips.append([f"until {words.day(r['snoozed_until'])}", "quiet", f"Snoozed: {plain(r['snooze_reason'], 200)}"])
    return chips
