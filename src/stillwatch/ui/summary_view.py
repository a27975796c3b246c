"""The Summary page, for readers without training: prints on two sheets, every figure leads to where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from markupsafe import Markup

from stillwatch.domain import TargetType
from stillwatch.evidence.wording import CONFIDENCE
from stillwatch.ui import blocks, campaign_facts, kit, navigation, session, words
from stillwatch.ui import summary_facts as facts
from stillwatch.ui.campaigns_view import status_chip
from stillwatch.ui.data_facts import moment
from stillwatch.warehouse import runs
from stillwatch.warehouse.runs import Run

PRINT_STYLE = """<style>@media print{
@page{size:A4;margin:14mm}
:root,.stApp{color-scheme:light!important}
header[data-testid=stHeader],[data-testid=stToolbar],[data-testid=stSidebar],.stButton,.stPopover,[data-testid=stPopover],
[data-testid=stPageLink],.sw-screen{display:none!important}
html,body{background:#fff!important}
.stApp,[data-testid=stAppViewContainer],[data-testid=stMain]{position:static!important;overflow:visible!important;
height:auto!important;background:#fff!important;color:#111!important}
.stMainBlockContainer{padding:0!important;max-width:none!important}
[data-testid=stVerticalBlockBorderWrapper],.stVerticalBlock{overflow:visible!important;break-inside:avoid}
*{color:#111!important;border-color:#c5ccd6!important;text-shadow:none!important;box-shadow:none!important}
}</style>"""
"""Printing (Ctrl-P): ink on white paper, no navigation, no buttons."""
PRINT_HINT = Markup('<span class="sw-q sw-screen">Ctrl-P prints this page</span>')


@st.cache_resource(max_entries=256, show_spinner=False)
def _shown(folder: str) -> facts.Shown | None:
    """What one run showed as alarms; None when its files cannot be read any more."""
    run = Run(Path(folder).name, Path(folder))
    table = run.arrow("clusters", columns=["cluster_id", "tier"])
    alarms = frozenset(
        c for c, t in zip(table["cluster_id"].to_pylist(), table["tier"].to_pylist(), strict=True) if t == "alarm"
    )
    made, upto = (moment(run.manifest.get(name)) for name in ("created_at", "as_of"))
    return facts.Shown(made, upto, alarms) if made is not None and upto is not None else None


def shown_runs() -> list[facts.Shown]:
    """Every published run, oldest first."""
    found = [_shown(str(run.folder)) for run in runs.all_runs(session.settings().runs)]
    return [s for s in found if s is not None]


def draw_campaigns(campaigns: pd.DataFrame, inside: pd.DataFrame) -> None:
    """How much, by status; and the way to each campaign that is to be acted on."""
    kit.title("Campaigns by status", "each account counted once in its row")
    table = facts.by_status(campaigns, inside)
    if table.empty:
        kit.html(
            blocks.note("None yet. A cluster that an analyst labels “Distillation” on the Cluster page opens one.")
        )
        return
    rows = [
        (
            status_chip(r["status"]),
            words.full(r["campaigns"]),
            words.full(r["accounts"]),
            words.number(r["requests"]),
            words.number(r["tokens"]),
        )
        for r in table.to_dict("records")
    ]
    kit.html(blocks.grid(("Status", "Campaigns", "Accounts", "Exchanges", "Tokens"), rows))
    active = campaigns[campaigns["status"].isin([str(s) for s in campaign_facts.ACTIVE])]
    for r in active.head(6).to_dict("records"):
        st.page_link(
            navigation.PAGES["campaigns"].file,
            label=words.md(f"{r['campaign_id']} · {r['name']}", 70),
            icon=":material/arrow_forward:",
            query_params={"campaign": r["campaign_id"]},
        )
    if len(active) > 6:
        st.page_link(
            navigation.PAGES["campaigns"].file,
            label=f"{len(active) - 6} more to act on",
            icon=":material/folder_special:",
        )


def draw_capabilities(campaigns: pd.DataFrame, capabilities: pd.DataFrame, clusters: pd.DataFrame) -> None:
    """Exchanges and tokens by what was asked for."""
    kit.title("What was asked for", "exchanges and tokens of campaigns, and of alarms that wait for a decision")
    table = facts.by_capability(campaigns, capabilities, clusters)
    if table.empty:
        kit.html(blocks.note("Not known: no campaign or alarm, or no prompt wording reached the import."))
        return
    most = max(int((table["requests"] + table["waiting_requests"]).max()), 1)
    rows = [
        (
            Markup("{}{}").format(
                campaign_facts.capability(r["capability"]).capitalize(),
                _VALUABLE if r["valuable"] else "",
            ),
            _stack(r["requests"] / most, r["waiting_requests"] / most),
            words.number(r["requests"]),
            words.number(r["tokens"]),
            words.number(r["waiting_requests"]),
        )
        for r in table.to_dict("records")
    ]
    kit.html(
        Markup("{}{}").format(
            blocks.grid(("Asks for", "", "Exchanges", "Tokens", "Waiting"), rows, left=2),
            blocks.note("◆ published campaigns went after it. The pale part of a bar waits for a decision. "
                 "One exchange can ask for several things, so the rows add up to more than the whole."),
        )
    )  # fmt: skip


_VALUABLE = Markup(' <span class="sw-q" title="Published campaigns went after it">◆</span>')


def _stack(first: float, second: float) -> Markup:
    """Two shares of one bar: decided, and waiting."""
    return Markup(
        '<span class="sw-track" style="min-width:7rem;display:flex" aria-hidden="true">'
        '<span class="sw-bar" style="width:{}%;height:100%"></span>'
        '<span class="sw-bar" style="width:{}%;height:100%;opacity:.35"></span></span>'
    ).format(round(first * 100, 1), round(second * 100, 1))


_MOVED = {
    "returned": "Came back after a silence",
    "new": "New since the run before",
    "grown": "Grown",
    "merged": "Merged out of several",
    "split": "Split off another",
    "shrunk": "Shrunk",
    "same": "Much the same",
}


def draw_movements(clusters: pd.DataFrame) -> None:
    """New, grown, returned."""
    kit.title("What changed", "groups in the run shown, compared with the run before")
    table = facts.movements(clusters)
    if table.empty:
        kit.html(blocks.note("The run shown has no groups."))
        return
    rows = [
        (
            _MOVED.get(r["lineage"], words.plain(r["lineage"], 30)),
            words.full(r["clusters"]),
            words.full(r["accounts"]),
            f"{r['change']:+,}" if r["change"] else "–",
        )
        for r in table.to_dict("records")
    ]
    kit.html(blocks.grid(("", "Groups", "Accounts", "Change in accounts"), rows))
    if list(table["lineage"]) == ["new"]:
        kit.html(blocks.note("There is no run before to compare with, so every group is new."))
    waiting = clusters[clusters["lineage"].isin(["returned", "grown", "new"])].sort_values("rank").head(3)
    for r in waiting.to_dict("records"):
        st.page_link(
            navigation.PAGES["cluster"].file,
            label=words.md(
                f"{r['cluster_id']} · {words.lineage(r['lineage'], r['previous_size'], r['size'])} · {r['title']}", 90
            ),
            icon=":material/arrow_forward:",
            query_params={"cluster": r["cluster_id"]},
        )


def draw_decisions(told: facts.Decisions) -> None:
    """Decisions of the last month and those that were turned round."""
    kit.title("Decisions and reversals", f"last {facts.PERIOD.days} days")
    labels = [f"{n:,} {words.label(v).lower()}" for v, n in told.labels.items() if n]
    statuses = [f"{n:,} {campaign_facts.status_title(s).lower()}" for s, n in told.statuses.items() if n]
    pairs = [
        ("Labels", f"{', '.join(labels)}, by {words.count(told.people, 'person', 'people')}" if labels else "none"),
        ("Campaign statuses", ", ".join(statuses) or "none"),
        ("Turned round", words.count(len(told.reversals), "decision") if told.reversals else "none"),
        ("People disagree on", words.count(told.disagreements, "target") if told.disagreements else "nothing"),
    ]
    kit.html(Markup("{}{}").format(kit.facts(pairs), kit.bullets(told.reversals[:5])))


def draw_speed(table: pd.DataFrame) -> None:
    """Time to detect and to decide, campaign by campaign."""
    kit.title("How fast", "from a campaign's first exchange to the first alarm, and from the alarm to a person's word")
    if table.empty:
        kit.html(blocks.note("Told once there is a campaign."))
        return
    rows = [
        (
            f"{r['campaign_id']} · {words.plain(r['name'], 40)}",
            words.day(r["first_request"]),
            words.duration(r["exposed"]) if not pd.isna(r["exposed"]) else "no alarm yet",
            spoken(r["decided_after"]),
        )
        for r in table.head(8).to_dict("records")
    ]
    kit.html(
        Markup("{}{}").format(
            blocks.grid(("Campaign", "First exchange", "To the first alarm", "Then to a decision"), rows),
            blocks.note(
                "The first alarm counts at the time its data ended, so data that was imported late looks like slow "
                "detection."
            ),
        )
    )


def draw_certainty(clusters: pd.DataFrame, people: int) -> None:
    """Likelihood words and what they rest on, never in one sentence."""
    kit.title("How sure we are", "of the groups in the run shown: is one operator behind it?")
    table = facts.certainty(clusters)
    rows = [
        (str(r["word"]).capitalize(), str(r["range"]), words.full(r["clusters"]), words.full(r["accounts"]))
        for r in table.to_dict("records")
        if r["clusters"]
    ]
    known = (
        blocks.grid(("Likelihood", "means", "Groups", "Accounts"), rows)
        if rows
        else blocks.note("The run shown has no groups.")
    )
    basis = (
        f"Confidence is a matter of the basis and is graded for each campaign: high means {CONFIDENCE['High']}; "
        f"low means {CONFIDENCE['Low']}. "
        f"{words.count(people, 'person has', 'people have')} labelled groups or campaigns so far."
    )
    kit.html(Markup("{}{}").format(known, blocks.note(basis)))


def draw_quality(models: pd.DataFrame) -> None:
    """How good the detector is, in words and few figures."""
    kit.title("How good the detector is", "on labelled groups that it had not seen")
    used = models[models["in_use"]] if len(models) else models
    if used.empty:
        kit.html(
            blocks.note(
                "Scores come from the evidence alone; no trained model is in use. "
                "Once analysts have labelled two targets of each sort, the Detector page measures and compares."
            )
        )
    else:
        row = used.iloc[0]
        metrics = dict(row["metrics"])
        pairs: list[tuple[str, str | Markup]] = [
            ("Model in use", f"{row['model_id']}, trained {words.day(row['trained_at'])} by {row['trained_by']}")
        ]
        for name, title in (("candidate", "With the model"), ("base", "Evidence alone")):
            measured = metrics.get(name)
            if measured:
                pairs.append((title, quality_words(measured)))
        kit.html(Markup("{}{}").format(kit.facts(pairs), blocks.note(_sentence(str(metrics.get("statement") or "")))))
    st.page_link(
        navigation.PAGES["detector"].file, label="Open the Detector page", icon=navigation.PAGES["detector"].icon
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def quality_words(measured: dict[str, Any]) -> str:
    """Precision and recall in words."""
    right, found, ranked = (measured.get(k) for k in ("precision", "recall", "average_precision"))
    parts = []
    if right is not None:
        parts.append(f"{words.share(right)} of what it flags is right")
    if found is not None:
        parts.append(f"it finds {words.share(found)} of what is labelled distillation")
    if ranked is not None:
        parts.append(f"average precision {ranked:.2f}")
    return ", ".join(parts) or "not measurable yet"


def draw_limits(run: Run) -> None:
    """What cannot be seen: blind signals of the data, and what no detector can promise."""
    kit.title("What we cannot see")
    blind = [str(b) for b in run.manifest.get("blind") or []]
    kit.html(
        kit.bullets(
            [*(f"{b[:1].upper()}{b[1:]}" for b in blind), *facts.LIMITS]
            if blind
            else ["No signal was blind for this data.", *facts.LIMITS]
        )
    )


def people(labels: pd.DataFrame) -> int:
    """How many people stand behind the labels on clusters and campaigns."""
    said = labels[labels["target_type"].isin([TargetType.CLUSTER, TargetType.CAMPAIGN]) & (labels["source"] != "rule")]
    return int(said["labeler"].nunique())


def speed(campaigns: pd.DataFrame, inside: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Time to detect, from all published runs."""
    return facts.time_to_detect(campaigns, inside, shown_runs(), labels)


def spoken(length: Any) -> str:
    """A duration, or a dash when there was nothing to measure."""
    if pd.isna(length):
        return "–"
    return words.duration(length) if length >= pd.Timedelta(minutes=1) else "< 1 min"
