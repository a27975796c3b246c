"""What one campaign consists of: clusters, accounts, what was asked for, competing explanations."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from markupsafe import Markup

from stillwatch.ui import campaign_facts as facts
from stillwatch.ui import kit, navigation, words

SHOWN_ACCOUNTS = 2_000
"""Accounts in the table; an evidence bundle holds all of them."""


def draw_members(size: facts.Extent) -> None:
    """Clusters, accounts, what was asked for and competing explanations, in tabs."""
    clusters, accounts, asked, others = st.tabs(
        [
            f"Clusters · {len(size.clusters):,}",
            f"Accounts · {len(size.accounts):,}",
            "What was asked for",
            "Competing explanations",
        ]
    )
    with clusters:
        _clusters(size)
    with accounts:
        _accounts(size)
    with asked:
        draw_asked(size.capabilities)
    with others:
        _explanations(size)


def _clusters(size: facts.Extent) -> None:
    if size.clusters.empty:
        st.caption("None of its clusters is in the run shown.")
        return
    table = size.clusters.assign(
        chance=[words.chance_word(s) for s in size.clusters["score"]],
        kinds=[", ".join(words.evidence(k) for k in row) for row in size.clusters["kinds"]],
    )
    event = st.dataframe(
        table,
        key="campaign_clusters",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        on_select="rerun",
        selection_mode="single-row",
        column_order=["cluster_id", "title", "score", "chance", "size", "requests", "daily", "kinds", "last_seen"],
        column_config={
            "cluster_id": kit.column("Cluster", width=90),
            "title": kit.column("What it is"),
            "score": kit.column("Score", "score", width=110),
            "chance": kit.column("One operator is", width=130),
            "size": kit.column("Accounts", "number", width=76),
            "requests": kit.column("Requests", "compact", width=80),
            "daily": kit.column("Requests a day, 30 days", "bars", width=150),
            "kinds": kit.column("Held together by"),
            "last_seen": kit.column("Last active (UTC)", "time", width=140),
        },
    )
    rows = event["selection"]["rows"]
    if rows:
        navigation.go("cluster", cluster=str(table.iloc[rows[0]]["cluster_id"]))


def _accounts(size: facts.Extent) -> None:
    table = size.accounts.head(SHOWN_ACCOUNTS).assign(
        tokens=lambda f: f["input_tokens"].fillna(0) + f["output_tokens"].fillna(0),
        why=lambda f: ["; ".join(words.plain(t, 120) for t in row[:2]) for row in f["reasons"]],
    )
    event = st.dataframe(
        table,
        key="campaign_accounts",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height=320,
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        column_order=["account_id", "cluster_id", "score", "requests", "tokens", "plan", "status", "last_seen", "why"],
        column_config={
            "account_id": kit.column("Account"),
            "cluster_id": kit.column("Cluster", width=90),
            "score": kit.column("Score", "score", width=110),
            "requests": kit.column("Requests", "number", width=84),
            "tokens": kit.column("Tokens", "compact", width=78),
            "plan": kit.column("Plan", width=84),
            "status": kit.column("Status", width=84),
            "last_seen": kit.column("Last active (UTC)", "time", width=140),
            "why": kit.column("Why"),
        },
    )
    if len(size.accounts) > SHOWN_ACCOUNTS:
        st.caption(
            f"The {SHOWN_ACCOUNTS:,} highest scores of {len(size.accounts):,}; an evidence bundle holds all of them."
        )
    rows = event["selection"]["rows"]
    if rows:
        navigation.go("account", account=str(table.iloc[rows[0]]["account_id"]))


def draw_asked(capabilities: pd.DataFrame) -> None:
    """Share of requests by capability, beside the share among accounts in no cluster."""
    table = capabilities[capabilities["capability"] != "none seen"].head(12)
    if table.empty:
        st.caption("Not known: no prompt wording reached the import, or nothing in it was recognised.")
        return
    rows = Markup("").join(
        Markup(
            '<tr style="text-align:right"><td style="text-align:left">{}</td><td style="width:45%">{}</td>'
            '<td class="sw-n">{}</td><td class="sw-n sw-q">{}</td><td class="sw-n sw-q">{}</td></tr>'
        ).format(
            facts.capability(r["capability"]),
            kit.bar(r["share"]),
            words.share(r["share"]),
            words.share(r["benign_share"]),
            words.number(r["tokens"]),
        )
        for r in table.to_dict("records")
    )
    kit.html(
        Markup(
            '<table style="width:100%;border-collapse:collapse;line-height:1.9"><thead><tr class="sw-q">'
            '<th style="text-align:left;font-weight:450">Asks for</th><th></th>'
            '<th style="text-align:right;font-weight:450">of requests</th>'
            '<th style="text-align:right;font-weight:450">elsewhere</th>'
            '<th style="text-align:right;font-weight:450">tokens</th></tr></thead><tbody>{}</tbody></table>'
            '<p class="sw-q" style="margin:.4em 0 0">“Elsewhere” is the share among accounts in no cluster. '
            "One request can ask for several things.</p>"
        ).format(rows)
    )


def _explanations(size: facts.Extent) -> None:
    if size.hypotheses.empty:
        st.caption("Not computed for these clusters.")
        return
    table = size.hypotheses.assign(
        explanation=[words.hypothesis(h) for h in size.hypotheses["hypothesis"]],
        speaks_for=["; ".join(words.plain(t, 160) for t in row) for row in size.hypotheses["speaks_for"]],
        speaks_against=["; ".join(words.plain(t, 160) for t in row) for row in size.hypotheses["speaks_against"]],
    ).sort_values(["cluster_id", "hypothesis"])
    st.dataframe(
        table,
        key="campaign_hypotheses",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        column_order=["cluster_id", "explanation", "fit", "speaks_for", "speaks_against"],
        column_config={
            "cluster_id": kit.column("Cluster", width=90),
            "explanation": kit.column("Explanation", width=250),
            "fit": kit.column("Fit", "score", width=110, help="0 = contradicted, 1 = nothing speaks against it"),
            "speaks_for": kit.column("Speaks for it"),
            "speaks_against": kit.column("Speaks against it"),
        },
    )
    st.caption("Read it to reject: an explanation with one strong point against it falls, however much speaks for it.")
