"""The Campaigns page: the registry, and one campaign with its story, size, members and decisions."""

from __future__ import annotations

from datetime import UTC, datetime

import altair as alt
import pandas as pd
import streamlit as st
from markupsafe import Markup

from stillwatch.cases.campaigns import Campaign
from stillwatch.domain import CampaignStatus
from stillwatch.ui import campaign_facts as facts
from stillwatch.ui import campaign_story as story
from stillwatch.ui import kit, navigation, session, timeline, words
from stillwatch.warehouse.runs import Run

TABLES = ("accounts", "clusters", "timeline", "markers", "capabilities", "hypotheses")
_CLUSTER_COLOURS = ["#3b82d6", "#8ab4f0", "#1d4f91", "#64748b", "#a9b6c8", "#5b6ee1", "#2b8a9e", "#475569"]
"""Blues and greys: the bright colours belong to the kinds of evidence."""


def now() -> datetime:
    """Naive UTC, as all times in the stores."""
    return datetime.now(UTC).replace(tzinfo=None)


def tables(run: Run) -> dict[str, pd.DataFrame]:
    """The run's tables that campaigns are measured by."""
    return {name: session.frame(name, run=run) for name in TABLES}


def status_chip(status: str) -> Markup:
    """A campaign's status in its colour, with its meaning on hover."""
    tone, meaning = facts.STATUS_TONES.get(status, "quiet"), facts.STATUS_MEANING.get(status, "")
    return kit.chip(facts.status_title(status), tone, None, meaning)


def draw_registry(run: Run, campaigns: pd.DataFrame) -> None:
    """All campaigns as a table; a click on a row opens the campaign."""
    frames = tables(run)
    table = facts.registry(campaigns, frames["accounts"], frames["clusters"], session.labels())
    active = campaigns["status"].isin([str(s) for s in facts.ACTIVE])
    upheld = campaigns["status"].isin([str(s) for s in facts.UPHELD])
    of_upheld = facts.memberships(campaigns[upheld], frames["accounts"])["account_id"].nunique()
    kit.figures(
        [
            kit.Figure("Campaigns", words.full(len(campaigns)), "all that were ever opened"),
            kit.Figure("To act on", words.full(int(active.sum())), "open, in review or confirmed"),
            kit.Figure("Upheld", words.full(int(upheld.sum())), "confirmed, mitigated or closed"),
            kit.Figure("Rejected", words.full(int((campaigns["status"] == CampaignStatus.REJECTED).sum())), "innocent"),
            kit.Figure("Accounts, upheld", words.full(of_upheld), f"of {len(frames['accounts']):,} in the data"),
            kit.Figure("Requests, all", words.number(int(table["requests"].sum())), "campaigns may share accounts"),
        ]
    )
    choice = st.pills(
        "Status",
        ["To act on", "Upheld", "Rejected"],
        key="campaign_filter",
        label_visibility="collapsed",
        help="Show only these",
    )
    chosen = {"To act on": active, "Upheld": upheld, "Rejected": campaigns["status"] == CampaignStatus.REJECTED}
    shown = table[chosen[choice].to_numpy()] if choice else table
    shown = shown.assign(age=[words.ago(t, now()) for t in shown["created_at"]])
    event = st.dataframe(
        shown,
        key="campaign_registry",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        on_select="rerun",
        selection_mode="single-row",
        height="content" if len(shown) < 20 else 620,
        placeholder="–",
        column_order=[
            "campaign_id", "name", "status", "likelihood", "confidence", "clusters", "accounts", "requests", "tokens",
            "last_seen", "age", "created_by", "status_by",
        ],
        column_config={
            "campaign_id": kit.column("Campaign", width=82),
            "name": kit.column("Name"),
            "status": kit.column("Status", width=86),
            "likelihood": kit.column("One operator is", help="ICD 203 word for the scores of its clusters"),
            "confidence": kit.column("Confidence", width=84, help="How good the basis is: High, Moderate, Low"),
            "clusters": kit.column("Clusters", "number", width=66),
            "accounts": kit.column("Accounts", "number", width=74),
            "requests": kit.column("Requests", "compact", width=78),
            "tokens": kit.column("Tokens", "compact", width=72),
            "last_seen": kit.column("Last active (UTC)", "time", width=132),
            "age": kit.column("Opened", width=92),
            "created_by": kit.column("By", width=84),
            "status_by": kit.column("Decided by", width=84),
        },
    )  # fmt: skip
    st.caption("Select a row to open the campaign.")
    rows = event["selection"]["rows"]
    if rows:
        navigation.go("campaigns", campaign=str(shown.iloc[rows[0]]["campaign_id"]))


def draw_figures(campaign: Campaign, size: facts.Extent) -> None:
    """The strip on top of one campaign."""
    since = "since it was put together"
    kit.figures(
        [
            kit.Figure("Accounts", words.full(len(size.accounts)), f"{size.joined:,} joined {since}"),
            kit.Figure("Clusters", words.full(len(size.clusters)), f"{len(size.gone):,} not in this run"),
            kit.Figure("Requests", words.number(size.requests), f"{words.share(size.share_of_all)} of all in the data"),
            kit.Figure("Tokens", words.number(size.tokens), f"{words.number(size.output_tokens)} of them out"),
            kit.Figure("Active", words.span(size.first_seen, size.last_seen), f"last {words.when(size.last_seen)}"),
            kit.Figure("Opened", words.ago(campaign.created_at, now()), f"by {words.plain(campaign.created_by, 30)}"),
        ]
    )


def draw_story(sections: tuple[story.Section, ...]) -> None:
    """Six questions and their answers, in two columns."""
    blocks = Markup("").join(
        Markup('<section style="break-inside:avoid;margin:0 0 .8em"><div class="sw-t">{}</div>{}</section>').format(
            s.question,
            Markup("").join(
                Markup('<p style="margin:0 0 .3em;line-height:1.5;overflow-wrap:anywhere">{}</p>').format(t)
                for t in s.sentences
            ),
        )
        for s in sections
    )
    kit.html(Markup('<div style="columns:2 22rem;column-gap:2rem">{}</div>').format(blocks))


def draw_activity(size: facts.Extent) -> None:
    """Requests a day, one colour a cluster, with releases and enforcement as markers."""
    if size.daily.empty:
        st.caption("No dated requests of its clusters in this run.")
        return
    largest = size.daily.groupby("cluster_id")["requests"].sum().nlargest(7).index
    daily = size.daily.assign(
        cluster=size.daily["cluster_id"].where(size.daily["cluster_id"].isin(largest), "all others")
    ).groupby(["day", "cluster"], as_index=False)["requests"].sum()  # fmt: skip
    peak = daily.groupby("day")["requests"].sum().max()
    day_axis = alt.Axis(format="%-d %b", grid=False, labelOverlap=True)
    bars = (
        alt.Chart(daily)
        .mark_bar()
        .encode(
            x=alt.X("day:T", title=None, timeUnit="utcyearmonthdate", axis=day_axis),
            y=alt.Y(
                "requests:Q",
                title="requests a day",
                axis=alt.Axis(format="~s", tickCount=4),
                scale=alt.Scale(domainMax=float(peak * 1.18)),
            ),
            color=alt.Color(
                "cluster:N",
                title=None,
                scale=alt.Scale(range=_CLUSTER_COLOURS),
                legend=alt.Legend(orient="top", direction="horizontal"),
            ),
            tooltip=[
                alt.Tooltip("cluster:N", title="Cluster"),
                alt.Tooltip("utcyearmonthdate(day):T", title="Day (UTC)", format="%-d %b %Y"),
                alt.Tooltip("requests:Q", title="Requests", format=","),
            ],
        )
    )  # fmt: skip
    layers: list[alt.Chart | alt.LayerChart] = [bars]
    first, last = daily["day"].min(), daily["day"].max() + pd.Timedelta("1D")
    inside = size.markers[(size.markers["at"] >= first) & (size.markers["at"] <= last)]
    if not inside.empty:
        lines = alt.Chart(inside[["at", "kind"]]).mark_rule(color="#6b7f9f", strokeWidth=1.5)
        # Half as wide as a cluster's timeline, so flags need twice the distance not to cover one another.
        words_above = alt.Chart(timeline.flags(inside, (last - first) * 2)).mark_text(
            align="left", dx=4, color="#6b7f9f", fontSize=11, limit=165
        )
        when = alt.X("utcyearmonthdatehours(at):T")
        layers.append(lines.encode(x=when, strokeDash=alt.StrokeDash("kind:N", title=None, legend=None)))
        layers.append(words_above.encode(x=when, y=alt.value(-6), text="what:N"))
    st.altair_chart(
        alt.layer(*layers).properties(height=190),
        key="campaign_activity",
        alt="Requests a day of the campaign's clusters",
    )


def draw_decisions(campaign: Campaign) -> None:
    """Where the campaign stands, and the form that moves it on."""
    kit.title("Decision", facts.STATUS_MEANING.get(campaign.status, ""))
    ladder = Markup('<span class="sw-q" aria-hidden="true">›</span>').join(
        status_chip(s)
        if s == campaign.status
        else Markup('<span class="sw-q" title="{}">{}</span>').format(facts.STATUS_MEANING[s], facts.STATUS_TITLES[s])
        for s in CampaignStatus
    )
    kit.html(Markup('<div class="sw-chips">{}</div>').format(ladder))
    with st.form("campaign_status", border=False, clear_on_submit=True):
        left, right = st.columns([1, 2.2], gap="small", vertical_alignment="bottom")
        status = left.selectbox(
            "New status",
            [str(s) for s in CampaignStatus if s != campaign.status],
            format_func=facts.status_title,
            key="campaign_new_status",
        )
        reason = right.text_input("Reason", placeholder="Why (kept with the decision)", key="campaign_status_reason")
        sent = st.form_submit_button("Save decision", type="primary", icon=":material/gavel:")
    if sent and kit.attempt(
        lambda: session.case_store().set_status(campaign.campaign_id, status, session.who(), reason),
        f"{campaign.campaign_id} is now {facts.status_title(status).lower()}",
    ):
        st.rerun()


def draw_notes(campaign: Campaign) -> None:
    """Notes, newest first, shown as typed; and the form for another."""
    with st.form("campaign_note", border=False, clear_on_submit=True):
        text = st.text_area("Note", height=76, placeholder="What you found out, for whoever reads this next")
        sent = st.form_submit_button("Add note", icon=":material/add_comment:")
    if sent and kit.attempt(
        lambda: session.case_store().add_note(campaign.campaign_id, text, session.who()), "Note added"
    ):
        st.rerun()
    for note in campaign.notes.iloc[::-1].head(50).to_dict("records"):
        kit.html(
            Markup(
                '<div style="margin:0 0 .5em"><div class="sw-q">{} · {}</div>'
                '<div style="white-space:pre-wrap;overflow-wrap:anywhere">{}</div></div>'
            ).format(words.plain(note["written_by"], 60), words.when(note["written_at"]), note["text"][:4000])
        )


def draw_history(campaign: Campaign, labels: pd.DataFrame) -> None:
    """Everything that people decided about it, newest first."""
    table = story.history(campaign, labels)
    items = Markup("").join(
        Markup('<li><span class="sw-q">{} · {}</span><br>{}<span class="sw-q">{}</span></li>').format(
            words.when(row["at"]), words.plain(row["by"], 40), row["what"], f" – {words.plain(row['why'], 300)}"
        )
        for row in table.head(100).to_dict("records")
    )
    kit.html(Markup('<ul class="sw-list sw-dots">{}</ul>').format(items))


def draw_add(campaign: Campaign, run: Run) -> None:
    """Put another cluster in, or take one out."""
    clusters = session.frame("clusters", run=run)
    free = clusters[~clusters["cluster_id"].isin(campaign.cluster_ids)]
    titles = {
        r["cluster_id"]: f"{r['cluster_id']} · {words.plain(r['title'], 60)} · {r['size']:,}"
        for r in free.to_dict("records")
    }
    with st.form("campaign_add", border=False, clear_on_submit=True):
        chosen = st.selectbox(
            "Cluster to add", list(titles), format_func=titles.__getitem__, index=None, key="campaign_add_id"
        )
        reason = st.text_input("Reason", placeholder="Why it belongs here", key="campaign_add_reason")
        sent = st.form_submit_button("Add cluster", icon=":material/add_link:")
    store, who = session.case_store(), session.who()
    if sent and chosen is None:
        st.warning("Choose a cluster first.", icon=":material/info:")
    elif sent and kit.attempt(
        lambda: store.add_to_campaign(campaign.campaign_id, who, reason, [str(chosen)]),
        f"{chosen} is in {campaign.campaign_id}",
    ):
        st.rerun()
    if len(campaign.cluster_ids) > 1:
        with st.form("campaign_remove", border=False, clear_on_submit=True):
            out = st.selectbox("Cluster to take out", list(campaign.cluster_ids), index=None, key="campaign_remove_id")
            why = st.text_input("Reason", placeholder="Why it does not belong here", key="campaign_remove_reason")
            removed = st.form_submit_button("Take out", icon=":material/link_off:")
        if removed and out is None:
            st.warning("Choose a cluster first.", icon=":material/info:")
        elif removed and kit.attempt(
            lambda: store.remove_from_campaign(campaign.campaign_id, who, why, [str(out)]), f"{out} was taken out"
        ):
            st.rerun()
