"""The Detector page: labels, what to label next, training, comparison, promotion, and what it did to the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from markupsafe import Markup

from stillwatch.config import Settings
from stillwatch.detector import model as models
from stillwatch.domain import LabelValue, TargetType
from stillwatch.errors import StillwatchError, UnknownTarget
from stillwatch.pipeline import learn
from stillwatch.ui import blocks, kit, navigation, session, words
from stillwatch.ui import detector_facts as facts
from stillwatch.warehouse import runs
from stillwatch.warehouse.runs import Run

_VERDICTS = {
    True: ("holds up", "good", "thumb_up"),
    False: ("worse", "warn", "warning"),
    None: ("cannot be compared", "quiet", "info"),
}
_MODEL_COLOURS = ["#3b82d6", "#22a3a3", "#94a3b8"]


def draw_figures(labels: pd.DataFrame, trained: pd.DataFrame, said: facts.Agreement) -> None:
    """The strip on top."""
    used = trained[trained["in_use"]]
    metrics: dict[str, Any] = dict(used.iloc[0]["metrics"]) if len(used) else {}
    measured = metrics.get("candidate") or {}
    rank = measured.get("average_precision")
    people = words.count(labels["labeler"].nunique(), "person", "people")
    others = int(labels["value"].isin([LabelValue.BENIGN, LabelValue.OTHER_ABUSE]).sum())
    positive = int((labels["value"] == LabelValue.DISTILLATION).sum())
    kit.figures(
        [
            kit.Figure("Labels that stand", words.full(len(labels)), f"by {people}"),
            kit.Figure("Distillation", words.full(positive), "labels"),
            kit.Figure("Benign or other abuse", words.full(others), "labels"),
            kit.Figure(
                "People agree",
                f"{said.agreed} of {said.twice}" if said.twice else "–",
                "targets that two people labelled",
                tone="warn" if said.disputed else "",
            ),
            kit.Figure(
                "Model in use",
                str(used.iloc[0]["model_id"]) if len(used) else "none",
                "it ranks the queue" if len(used) else "evidence alone ranks",
            ),
            kit.Figure("Average precision", f"{rank:.2f}" if rank is not None else "–", "of it, on groups held out"),
        ]
    )


def draw_labels(labels: pd.DataFrame, said: facts.Agreement) -> None:
    """Labels by value and source, who gave them, and where people disagree."""
    kit.title("Labels so far", "those that stand: not superseded, not expired")
    if labels.empty:
        kit.html(blocks.note("None yet. Label a cluster or an account on the Cluster page; a reason goes with each."))
        return
    counts = facts.label_counts(labels)
    rows = [
        (r["title"], *(words.full(r[s]) if r[s] else "–" for s in ("human", "import", "rule")), words.full(r["all"]))
        for r in counts.to_dict("records")
    ]
    people = [
        (words.plain(r["labeler"], 40), words.full(r["labels"]), words.share(r["distillation"]), words.day(r["last"]))
        for r in facts.labelers(labels).head(6).to_dict("records")
    ]
    kit.html(
        Markup("{}<div style='height:.7em'></div>{}").format(
            blocks.grid(("Value", "People", "Imported", "Rules", "All"), rows),
            blocks.grid(("Who", "Labels", "Distillation", "Last"), people),
        )
    )
    if said.disputed:
        kit.title("People disagree")
        kit.html(kit.bullets(said.disputed[:6]))


@st.cache_data(max_entries=16, show_spinner="Working out what to ask next …", hash_funcs={Settings: repr})
def _next(settings: Settings, run_id: str, last_label: str) -> pd.DataFrame:
    del run_id, last_label  # the cache key
    return learn.next_labels(settings, 10)


def draw_next(labels: pd.DataFrame, run: Run) -> None:
    """What to label next; a click opens the target."""
    kit.title("Labels that would teach most", "doubtful groups first; select one to open it")
    newest = "" if labels.empty else f"{len(labels)} {labels['label_id'].max()}"
    table = _next(session.settings(), run.run_id, newest)
    if table.empty:
        st.caption("Nothing left to ask in this run: every group is labelled.")
        return
    event = st.dataframe(
        table,
        key="detector_next",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height="content",
        on_select="rerun",
        selection_mode="single-row",
        column_order=["target_id", "score", "size", "why"],
        column_config={
            "target_id": kit.column("Which", width=110),
            "score": kit.column("Score", "score", width=104),
            "size": kit.column("Accounts", "number", width=70),
            "why": kit.column("Why ask"),
        },
    )
    rows = event["selection"]["rows"]
    if rows:
        chosen = table.iloc[rows[0]]
        if chosen["target_type"] == TargetType.CLUSTER:
            navigation.go("cluster", cluster=str(chosen["target_id"]))
        navigation.go("account", account=str(chosen["target_id"]))


def choose(trained: pd.DataFrame) -> dict[str, Any]:
    """Which model to look at; the newest unless somebody picks another."""
    rows = {r["model_id"]: r for r in trained.to_dict("records")}
    ids = list(rows)
    chosen = st.selectbox(
        "Model",
        ids,
        format_func=lambda m: f"{m} · {words.day(rows[m]['trained_at'])}{' · in use' if rows[m]['in_use'] else ''}",
        key=f"detector_model_{ids[0]}",
        label_visibility="collapsed",
        width=260,
    )
    return {str(k): v for k, v in rows[str(chosen)].items()}


def draw_comparison(model: dict[str, Any]) -> None:
    """The model beside the one in use and the evidence alone, measured on groups that none of them had seen."""
    metrics, name = dict(model["metrics"]), str(model["model_id"])
    text, good = facts.verdict(metrics)
    word, tone, symbol = _VERDICTS[good]
    kit.html(Markup('<div class="sw-chips">{} <span>{}</span></div>').format(kit.chip(word, tone, symbol), text))
    table, chart = st.columns([1.35, 1], gap="small")
    with table:
        titles, rows, best = facts.comparison(metrics, name)
        marked = [
            [row[0], *(Markup("<b>{}</b>").format(v) if i == top else v for i, v in enumerate(row[1:]))]
            for row, top in zip(rows, best, strict=True)
        ]
        kit.html(
            Markup("{}{}").format(
                blocks.grid(("", *titles), marked), blocks.note(_sentence(str(metrics.get("statement") or "")))
            )
        )
        seen = int(metrics.get("in_use_seen") or 0)
        if seen:
            st.caption(f"The model in use was trained on {seen:,} of these accounts; that flatters its figures.")
    with chart:
        _calibration(facts.calibration(metrics, name))


def _calibration(points: pd.DataFrame) -> None:
    if points.empty:
        st.caption("Calibration is drawn once it can be measured.")
        return
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dash", "color": "#94a3b8"}, hoverinfo="skip", showlegend=False
    )
    looks = zip(points.groupby("who", sort=False), _MODEL_COLOURS, ("circle", "square", "diamond"), strict=False)
    for (who, bins), colour, symbol in looks:
        figure.add_scatter(
            x=bins["predicted"], y=bins["observed"], name=str(who), mode="lines+markers", customdata=bins["bin"],
            line={"color": colour}, marker={"symbol": symbol, "size": 8},
            hovertemplate="predicted %{x:.2f}, labelled %{y:.2f}<br>%{customdata}",
        )  # fmt: skip
    axis = {"range": [-0.03, 1.03], "tickformat": ".0%", "nticks": 5}
    figure.update_layout(
        height=250, margin={"l": 8, "r": 8, "t": 8, "b": 8}, legend={"orientation": "h", "y": 1.15},
        xaxis={**axis, "title": "predicted"}, yaxis={**axis, "title": "labelled distillation"},
    )  # fmt: skip
    st.plotly_chart(figure, key="detector_calibration", config={"displayModeBar": False})
    st.caption("What was predicted against the share labelled distillation; on the dashed line both agree.")


def draw_use(model: dict[str, Any], in_use: str | None) -> None:
    """Promote the model, or go back from the one in use; each with a reason."""
    settings, who = session.settings(), session.who()
    if not model["in_use"]:
        with (
            st.form("detector_promote", border=False, clear_on_submit=True),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            why = st.text_input("Reason", placeholder="Why it should rank the queue from now on", key="promote_reason")
            sent = st.form_submit_button(f"Promote {model['model_id']}", type="primary", icon=":material/publish:")
        if (
            sent
            and _with_reason(why)
            and kit.attempt(
                lambda: learn.promote(settings, str(model["model_id"]), who, why),
                lambda run: f"{model['model_id']} is in use; the queue is ranked anew in run {run.run_id}",
            )
        ):
            st.rerun()
    elif in_use is not None:
        with (
            st.form("detector_rollback", border=False, clear_on_submit=True),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            why = st.text_input("Reason", placeholder="Why to go back to what ranked before", key="rollback_reason")
            sent = st.form_submit_button("Roll back", icon=":material/undo:")
        if (
            sent
            and _with_reason(why)
            and kit.attempt(
                lambda: learn.rollback(settings, who, why),
                lambda run: f"Rolled back; the queue is ranked anew in run {run.run_id}",
            )
        ):
            st.rerun()


def _with_reason(text: str) -> bool:
    if text.strip():
        return True
    st.warning("Say why: the reason is kept with the decision.", icon=":material/info:")
    return False


def draw_moves(run: Run) -> None:
    """What the last promotion or rollback did to the queue."""
    origin = run.manifest.get("rescored_from")
    kit.title("What it did to the queue", "places before and after the model ranked it")
    if not origin:
        st.caption("The queue stands as detection ranked it. After a promotion, the places before and after are here.")
        return
    now = session.frame("clusters", run=run)
    try:
        before = session.frame("clusters", run=_open(str(session.settings().runs), str(origin)))
    except UnknownTarget:
        st.caption(f"The run before, {words.md(origin)}, is not there any more.")
        return
    st.caption(facts.moved_in_words(now, before))
    table = facts.moves(now, before)
    if table.empty:
        return
    event = st.dataframe(
        table,
        key="detector_moves",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height="content",
        on_select="rerun",
        selection_mode="single-row",
        column_order=["now", "before", "moved", "cluster_id", "score_before", "score", "title"],
        column_config={
            "now": kit.column("Now", "number", width=50),
            "before": kit.column("Before", "number", width=56),
            "moved": st.column_config.NumberColumn("Moved", width=60, format="%+d"),
            "cluster_id": kit.column("Cluster", width=84),
            "score_before": kit.column("Score before", "score", width=104),
            "score": kit.column("Score now", "score", width=104),
            "title": kit.column("What it is"),
        },
    )
    rows = event["selection"]["rows"]
    if rows:
        navigation.go("cluster", cluster=str(table.iloc[rows[0]]["cluster_id"]))


@st.cache_resource(max_entries=8, show_spinner=False)
def _open(place: str, run_id: str) -> Run:
    return runs.open_run(Path(place), run_id)


def draw_details(model: dict[str, Any], trained: pd.DataFrame, promotions: pd.DataFrame) -> None:
    """Errors, weights, card and history."""
    errors, weights, card, history = st.tabs(["Labels it contradicts", "What it looks at", "Model card", "History"])
    metrics = dict(model["metrics"])
    with errors:
        _errors(facts.errors(metrics.get("errors") or []))
    with weights:
        _weights(metrics.get("weights") or [])
    with card:
        _card(str(model["model_id"]))
    with history:
        _history(trained, promotions)


def _errors(table: pd.DataFrame) -> None:
    if table.empty:
        st.caption("None: held out, it says of every labelled target what people say.")
        return
    st.dataframe(
        table,
        key="detector_errors",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height="content" if len(table) < 10 else 320,
        column_config={
            "target_type": kit.column("What", width=70),
            "target_id": kit.column("Which", width=150),
            "value": kit.column("People say", width=110),
            "labeler": kit.column("Who", width=90),
            "reason": kit.column("Why"),
            "accounts": kit.column("Accounts", "number", width=72),
            "probability": kit.column("Held-out model says", "score", width=140),
        },
    )
    st.caption("Either the model has to learn, or the label deserves a second look.")


def _weights(weights: list[dict[str, Any]]) -> None:
    top = weights[:16]
    if not top:
        st.caption("Nothing was learned beyond the evidence itself.")
        return
    most = max(abs(w["weight"]) for w in top) or 1.0
    rows = [
        (
            words.plain(str(w["feature"]).replace("_", " "), 60),
            kit.bar(abs(w["weight"]) / most, None if w["weight"] > 0 else "#94a3b8"),
            f"{w['weight']:+.2f}",
        )
        for w in top
    ]
    kit.html(blocks.grid(("Measure", "", "log-odds per standard deviation"), rows, left=2))
    st.caption("Blue speaks for a campaign, grey against. Every measure is explained in docs/signals.md.")


def _card(model_id: str) -> None:
    try:
        text = (models.folder(session.settings().models, model_id) / "card.md").read_text(encoding="utf-8")
    except (OSError, StillwatchError):
        st.caption("The model's folder is not there any more; its figures above come from the case file.")
        return
    with st.container(height=360, border=False):
        st.markdown(facts.card_text(text))
    st.download_button(
        "Download the card",
        text,
        f"{model_id}-card.md",
        "text/markdown",
        icon=":material/download:",
        on_click="ignore",
        key="detector_card",
    )


def _history(trained: pd.DataFrame, promotions: pd.DataFrame) -> None:
    items = []
    for r in promotions.to_dict("records"):
        did, why = f"{r['action']} {r['model_id'] or 'no model'}", words.plain(r["reason"], 200)
        items.append((r["at"], f"{words.plain(r['by'], 40)}: {did} – {why}"))
    for r in trained.to_dict("records"):
        items.append((r["trained_at"], f"{words.plain(r['trained_by'], 40)}: trained {r['model_id']} on {r['run_id']}"))
    newest = sorted(items, key=lambda i: i[0], reverse=True)
    kit.html(kit.bullets([f"{words.when(at)} · {text}" for at, text in newest[:60]]))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
