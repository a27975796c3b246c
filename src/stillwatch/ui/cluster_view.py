"""The cluster page around its working part: who and what it is, actions, figures, explanations, history."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import streamlit as st
from markupsafe import Markup

from stillwatch.domain import TRAINING_VALUE, LabelValue, TargetType
from stillwatch.ui import cluster_cut, kit, labelling, navigation, person, queue_facts, session, words
from stillwatch.ui.cluster_facts import Cluster
from stillwatch.ui.kit import Figure


def header(cluster: Cluster, labels: pd.DataFrame, queue: pd.DataFrame) -> None:
    """Identity, verdict so far, and what can be done next; keys stand on the buttons."""
    row = cluster.row
    said = session.label_of(TargetType.CLUSTER, cluster.cluster_id, labels)
    chips = [
        kit.tier_chip(row["tier"]),
        kit.score_chip(row["score"]),
        kit.chip(words.lineage(row["lineage"], row["previous_size"], int(row["size"])), "info", "history"),
    ]
    if said:
        chips.append(kit.label_chip(str(said["value"]), str(said["labeler"])))
    if not words.missing(row["lookalike"]):
        chips.append(
            kit.chip(
                f"looks like: {words.hypothesis(row['lookalike'])}",
                "warn",
                "balance",
                "The innocent explanation that fits best",
            )
        )
    held = queue[queue["cluster_id"] == cluster.cluster_id].iloc[0]
    if held["assignee"]:
        chips.append(kit.chip(str(held["assignee"]), "quiet", "person", "Working on it"))
    if held["snoozed"]:
        chips.append(kit.chip(f"snoozed until {words.day(held['snoozed_until'])}", "quiet", "snooze"))
    following = queue_facts.next_after(cluster.cluster_id, queue)
    run_id = cluster.run.run_id
    with kit.header(cluster.cluster_id, symbol="hub", chips=chips, subtitle=str(row["title"])):
        mine = held["assignee"] == session.who()
        if st.button("Release" if mine else "Assign to me", icon=":material/person_add:", shortcut="A", key="claim"):
            queue_facts.claim_or_release(cluster.cluster_id, mine)
        snooze_button(cluster.cluster_id)
        cluster_cut.menu(cluster)
        for value, key in ((LabelValue.BENIGN, "B"), (LabelValue.DISTILLATION, "X")):
            kind = "primary" if value == LabelValue.DISTILLATION else "secondary"
            icon = ":material/verified_user:" if value == LabelValue.BENIGN else ":material/gavel:"
            if st.button(words.label(value), key=f"verdict_{value}", icon=icon, shortcut=key, type=kind):  # type: ignore[arg-type]
                labelling.dialog(cluster.cluster_id, value, list(row["reasons"]), run_id, following)
        if st.button("Next", icon=":material/skip_next:", shortcut="N", key="next", disabled=following is None):
            navigation.go("cluster", cluster=queue_facts.take_next(cluster.cluster_id, queue) or cluster.cluster_id)
        person.menu()
    labelling.saved_note()
    cluster_cut.note(cluster)


@st.dialog("Put aside for a while")
def snooze(cluster_id: str) -> None:
    """Snooze a cluster, with a reason for whoever meets it again."""
    with st.form("snooze", border=False):
        reason = st.text_input("Reason", key="snooze_reason", placeholder="What are we waiting for?", max_chars=2000)
        days = st.number_input("Days", 1, 90, 7, key="snooze_days", width=120)
        if st.form_submit_button("Put aside", type="primary", icon=":material/snooze:"):
            queue_facts.snooze(cluster_id, timedelta(days=int(days)), reason)


def snooze_button(cluster_id: str) -> None:
    """Button that opens ``snooze``."""
    if st.button("Snooze", icon=":material/snooze:", shortcut="Z", key="snooze_open"):
        snooze(cluster_id)


def figures(cluster: Cluster) -> None:
    """The strip of numbers: how many, how much, since when, compared to what."""
    row = cluster.row
    size, requests = int(row["size"]), float(row["requests"])
    tokens = float(row["input_tokens"]) + float(row["output_tokens"])
    active = max(float(cluster.accounts["active_days"].sum()), 1.0)
    reasons = cluster.reasons
    bits = float(reasons["bits"].sum())
    views = sorted({queue_facts.view_of(str(k)) for k in reasons["kind"]})
    enforced = int(cluster.accounts["status"].isin(["banned", "suspended"]).sum())
    out, into = words.number(float(row["output_tokens"])), words.number(float(row["input_tokens"]))
    meaning = f"Surprise against chance among equally busy accounts, over all reasons; views: {', '.join(views)}"
    kit.figures(
        [
            Figure("Accounts", words.full(size), f"{words.full(row['core_size'])} in the core"),
            Figure(
                "Requests",
                words.number(requests),
                f"{words.number(requests / active)} per active day",
                title="Mean over the days on which each member was active",
            ),
            Figure("Tokens", words.number(tokens), f"{out} out, {into} in"),
            *_taken(cluster),
            Figure(
                "Evidence",
                f"{bits:.0f} bits",
                f"in {words.count(len(views), 'independent view')}",
                title=meaning,
            ),
            Figure(
                "Stability",
                words.share(row["stability"]),
                "with other seeds",
                title="Share of the members that stay together when groups are formed with other seeds",
            ),
            Figure(
                "Acted on",
                words.full(enforced),
                f"{words.share(enforced / max(size, 1))} of the accounts",
                title="Banned or suspended",
            ),
            Figure("Active", words.span(row["first_seen"], row["last_seen"]), f"last {words.when(row['last_seen'])}"),
        ]
    )


def _taken(cluster: Cluster) -> list[Figure]:
    """Extraction without its cover traffic, as an estimate; nothing where the run cannot tell."""
    whole = cluster.taken[cluster.taken["capability"].isna()] if len(cluster.taken) else cluster.taken
    if whole.empty:
        return []
    row = whole.iloc[0]
    parts = cluster.taken[cluster.taken["capability"].isin([c.value for c in TRAINING_VALUE])].head(3)
    most = [
        f"{p.replace('_', ' ')} {words.number(n)}" for p, n in zip(parts["capability"], parts["requests"], strict=True)
    ]
    meaning = (
        f"{words.full(row['carried'])} requests are written in frames that other members use, too; the estimate adds "
        "what accounts may hide in which less was seen than is usual, and leaves out what members in doubt may not "
        f"have done; the rest is cover or unknown. {words.number(row['tokens'])} tokens. "
        f"Of training value: {', '.join(most) or 'none'}"
    )
    low, high = words.number(row["low"]), words.number(row["high"])
    span = f"{low} to {high} (95 %)" if low != high else "the rest is cover or unknown"
    return [Figure("Taken, estimated", words.number(row["requests"]), span, title=meaning)]


def explanations(cluster: Cluster) -> None:
    """Competing hypotheses, what it asked for, templates, what is missing, history of labels."""
    left, right = st.columns([1.25, 1], gap="small")
    with left.container(border=True, gap="small"):
        kit.title("Competing explanations", "best fit first; the aim is to reject")
        kit.html(_hypotheses(cluster))
    with right.container(border=True, gap="small"):
        kit.title("What it asked for", "share of requests, against accounts in no cluster")
        kit.html(_capabilities(cluster))
    left, right = st.columns([1.25, 1], gap="small")
    with left.container(border=True, gap="small"):
        _templates(cluster)
    with right.container(border=True, gap="small"):
        kit.title("Speaks against")
        kit.html(kit.bullets(list(cluster.row["against"]), "Nothing found that speaks against; that is not proof."))
        kit.title("Not visible here", "silence is not evidence of absence")
        kit.html(kit.bullets(list(cluster.row["blind"]), "Every signal could be computed for this cluster."))
        kit.title("Labels")
        labelling.history(TargetType.CLUSTER, cluster.cluster_id)


def _hypotheses(cluster: Cluster) -> Markup:
    rows = []
    for h in cluster.hypotheses.to_dict("records"):
        name = str(h["hypothesis"])
        colour = "light-dark(#b42318,#f87171)" if name == "H1" else "light-dark(#067647,#34d399)"
        parts = [Markup("<span>+ {}</span>").format(words.plain(t, 200)) for t in h["speaks_for"]]
        parts += [Markup('<span class="sw-q">− {}</span>').format(words.plain(t, 200)) for t in h["speaks_against"]]
        rows.append(
            Markup(
                '<tr><td style="width:29%"><b>{}</b> {}</td><td style="width:19%"><span class="sw-fit">'
                '<span class="sw-n">{}</span>{}</span></td><td>{}</td></tr>'
            ).format(
                name,
                words.hypothesis(name),
                f"{float(h['fit']):.2f}",
                kit.bar(float(h["fit"]), colour),
                Markup("<br>").join(parts) or Markup('<span class="sw-q">nothing either way</span>'),
            )
        )
    head = Markup("<tr><th>Explanation</th><th>Fit, 0 to 1</th><th>Speaks for + and against −</th></tr>")
    return Markup('<table class="sw-table">{}{}</table>').format(head, Markup("").join(rows))


def _capabilities(cluster: Cluster) -> Markup:
    valued = {c.value for c in TRAINING_VALUE}
    rows = []
    top = max([*cluster.capabilities["share"].fillna(0), *cluster.capabilities["benign_share"].fillna(0), 0.01])
    for c in cluster.capabilities.to_dict("records"):
        name, own, others = str(c["capability"]), float(c["share"] or 0), float(c["benign_share"] or 0)
        star = (
            Markup(' <span title="Published campaigns went after it" class="sw-q">◆</span>') if name in valued else ""
        )
        ratio = f"{own / others:.1f}×" if others > 0.001 else "only here" if own else ""
        rows.append(
            Markup(
                "<tr><td>{}{}</td><td><div class='sw-pair'>{}{}</div></td><td class='sw-n'>{}</td>"
                "<td class='sw-n sw-q'>{}</td><td class='sw-n'>{}</td></tr>"
            ).format(
                words.plain(name, 40).replace("_", " "),
                star,
                kit.bar(own / top),
                kit.bar(others / top, "light-dark(#94a3b8,#64748b)"),
                words.share(own),
                words.share(others),
                ratio,
            )
        )
    head = Markup(
        "<tr><th>Capability</th><th style='width:34%'></th><th>Here</th><th>Elsewhere</th><th>Ratio</th></tr>"
    )
    foot = Markup(
        '<p class="sw-q" style="margin:.4em 0 0">◆ published campaigns went after it. Blue: here; grey: elsewhere.</p>'
    )
    return Markup('<table class="sw-table">{}{}</table>{}').format(head, Markup("").join(rows), foot)


def _templates(cluster: Cluster) -> None:
    kit.title("Template families", "one wording with changing slots; prompt text is not shown")
    templates = cluster.templates
    if templates.empty:
        kit.html(kit.bullets((), "No prompt templates: the source has no prompts and no template hashes."))
        return
    column = kit.column
    st.dataframe(
        templates.drop(columns=["cluster_id"]),
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height=min(kit.ROW_HEIGHT * (len(templates) + 1) + 3, 260),
        alt="Template families of the cluster",
        column_config={
            "template": column("Family", width=100),
            "accounts": column("Accounts", "number", width=64),
            "outside": column("Outside", "number", width=58, help="Accounts outside the cluster that used it"),
            "requests": column("Requests", "number", width=66),
            "share": column("Share", "share", width=60, help="Of the cluster's requests"),
            "capabilities": column("Asks for", "list", width=130),
            "first_seen": column("First", "day", width=84),
            "last_seen": column("Last", "day", width=84),
        },
    )
