"""Why these accounts are linked: reasons with their rarity, each with a switch, and a button that selects its basis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from stillwatch.domain import EvidenceKind
from stillwatch.ui import words
from stillwatch.ui.look import mark
from stillwatch.ui.words import count, full, missing, plain

_HERE = Path(__file__).parent


@cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "stillwatch_ledger",
        html="<div id='l' role='group' aria-label='Reasons'></div>",
        css=(_HERE / "ledger.css").read_text(),
        js=(_HERE / "ledger.js").read_text(),
    )


def draw(
    reasons: Sequence[Mapping[str, Any]],
    touched: dict[str, int],
    *,
    in_focus: int | None,
    hidden: frozenset[EvidenceKind],
    dropped: frozenset[EvidenceKind],
    chosen: str | None,
    on_chosen: Callable[[], None],
    on_switched: Callable[[], None],
    key: str,
) -> None:
    """One row a reason, strongest first (rows of the run's table). ``touched``: kind -> members in focus that it
    touches.

    ``in_focus`` is the number of members in focus, None for all. ``dropped`` kinds do not count. The triggers
    ``chosen`` and ``switched`` carry {kind}.
    """
    rows = []
    for r in reasons:
        kind = str(r["kind"])
        if kind in hidden:
            continue
        m = mark(kind)
        outside = "nobody outside" if not r["outside"] else f"{count(int(r['outside']), 'account')} outside"
        here = f"{full(touched.get(kind, 0))} of {full(in_focus)} in focus · " if in_focus is not None else ""
        rows.append(
            {
                "kind": kind,
                "title": m.title.lower(),
                "counts": kind not in dropped,
                "glyph": m.glyph,
                "light": m.light,
                "dark": m.dark,
                "text": words.gist(str(r["text"]), 140),
                "note": f"{here}{outside} · {_rest(str(r['text']))}innocent: "
                f"{plain(r['innocent'], 160) if not missing(r['innocent']) else 'no reading known'}",
                "bits": f"{r['bits']:.0f} bits",
                "chosen": kind == chosen,
                "tip": _tip(m.title, r),
            }
        )
    _component()(data={"rows": rows}, key=key, on_chosen_change=on_chosen, on_switched_change=on_switched)


def _rest(text: str) -> str:
    """What a reason is compared to: everything after its first clause."""
    rest = "; ".join(text.split("; ")[1:])
    return f"{plain(rest, 300)} · " if rest else ""


def _tip(title: str, r: Mapping[Any, Any]) -> str:
    tested = "not tested" if missing(r["p_value"]) else f"p = {r['p_value']:.1g} after multiple testing"
    return (
        f"{title}: weight {r['bits']:.1f} bits of surprise against chance among equally busy accounts; {tested}. "
        "Click to select what it rests on."
    )
