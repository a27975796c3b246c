"""Labelling many accounts at once: how many, which ones, what stood on them before, and only then the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st
from markupsafe import Markup

from stillwatch.domain import LabelValue, TargetType
from stillwatch.pipeline.search import Hunt
from stillwatch.ui import hunt_facts as facts
from stillwatch.ui import kit, labelling, words
from stillwatch.warehouse.runs import Run

SAMPLE = 8


@st.dialog("Label accounts", width="large")
def dialog(
    run: Run, question: facts.Question, hunt: Hunt, standing: Mapping[str, str], ticked: Sequence[str], total: int
) -> None:
    """Count and sample first; the accounts that get the label are exactly those counted here."""
    ids = list(ticked) or hunt.ids(question.search, standing, facts.LABEL_LIMIT)
    kit.html(
        Markup('<p style="margin:0;font-size:1.1rem"><b>{}</b> {}</p>').format(
            words.count(len(ids), "account"),
            "that you ticked" if ticked else f"of {words.count(total, 'found account')}, by the question on this page",
        )
    )
    if not ticked and total > len(ids):
        st.warning(
            f"One label reaches at most {facts.LABEL_LIMIT:,} accounts; the first {len(ids):,} in order would get it. "
            "Narrow the question, or label twice."
        )
    _before(ids, standing)
    _sample(run, ids, standing)
    with st.form("hunt_label_form", border=False):
        value = st.selectbox("Label", list(LabelValue), index=None, format_func=words.label, placeholder="Choose…")
        reason = st.text_area(
            "Reason", height=80, max_chars=2000, placeholder="What do all of them have in common that decides it?"
        )
        pressed = st.form_submit_button(
            f"Label {words.count(len(ids), 'account')}", type="primary", icon=":material/check:"
        )
    kit.html(kit.quiet("Nothing is overwritten: earlier labels stay on record, and each account can be labelled anew."))
    if pressed:
        with st.spinner(f"Labelling {words.count(len(ids), 'account')}"):
            done = labelling.save(TargetType.ACCOUNT, ids, value, reason, run.run_id)
        if done:
            st.rerun()


def _before(ids: Sequence[str], standing: Mapping[str, str]) -> None:
    """What was said of them so far."""
    said = Counter(standing[a] for a in ids if a in standing)
    chips = [kit.chip(f"{n:,} × {words.label(v)}", "quiet", "label") for v, n in said.most_common()]
    without = len(ids) - said.total()
    chips.append(kit.chip(f"{without:,} without a label", "quiet"))
    kit.html(Markup('<div class="sw-chips">{} {}</div>').format("So far:", Markup(" ").join(chips)))


def _sample(run: Run, ids: Sequence[str], standing: Mapping[str, str]) -> None:
    """Some of them, evenly out of the whole list, so that the end of it is seen as well as its beginning."""
    step = max(len(ids) // SAMPLE, 1)
    some = list(ids[::step])[:SAMPLE]
    columns = ["account_id", "score", "cluster_id", "requests", "plan", "status"]
    rows = run.frame("accounts", filters=[("account_id", "in", some)], columns=columns)
    rows = rows.set_index("account_id").reindex(some).reset_index()
    rows["label"] = pd.Series([words.label(standing[a]) if a in standing else None for a in some], dtype=object)
    if len(some) < len(ids):
        kit.title("A sample", f"{len(some)} of {len(ids):,}, evenly out of the list")
    rows = rows.assign(label=rows["label"].fillna(""), cluster_id=rows["cluster_id"].fillna(""))
    column = kit.column
    st.dataframe(
        rows, hide_index=True, row_height=kit.ROW_HEIGHT, alt="A sample of the accounts to label",
        height=kit.ROW_HEIGHT * (len(rows) + 1) + 3,
        column_config={
            "account_id": column("Account", width=220), "score": column("Score", "score", width=100),
            "cluster_id": column("Cluster", width=90), "requests": column("Requests", "number", width=80),
            "plan": column("Plan", width=80), "status": column("Status", width=80),
            "label": column("Label so far", width=110),
        },
    )  # fmt: skip
