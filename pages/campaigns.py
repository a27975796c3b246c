"""Campaigns: what we know of each of them, and where it stands."""

import streamlit as st

from stillwatch.cases.campaigns import Campaign
from stillwatch.errors import UnknownTarget
from stillwatch.ui import campaign_facts as facts
from stillwatch.ui import campaign_members, kit, navigation, person, session, state, words
from stillwatch.ui import campaign_story as story
from stillwatch.ui import campaigns_view as view


def registry(problem: UnknownTarget | None = None) -> None:
    campaigns = store.campaigns()
    with kit.header("Campaigns", symbol="folder_special", subtitle=navigation.PAGES["campaigns"].question):
        person.menu()
    if problem is not None:
        kit.error(problem)
    if campaigns.empty:
        kit.empty(
            "No campaign yet",
            "A campaign gathers the clusters that one operator seems to be behind. Open a cluster on the Triage page "
            "and label it “Distillation” with a reason: that opens its campaign. Its story, decisions and evidence "
            "then live here.",
            symbol="folder_special",
            button="Go to the queue",
            page="triage",
        )
    else:
        view.draw_registry(run, campaigns)


def one(campaign: Campaign) -> None:
    labels = store.labels(current=False)
    standing = session.labels()
    size = facts.extent(campaign, view.tables(run))
    told = story.narrative(campaign, size, standing, store.bundles(), view.now())
    registry_chips = [view.status_chip(campaign.status)]
    if not size.clusters.empty:
        registry_chips.append(kit.score_chip(float(size.clusters["score"].max())))
    with kit.header(
        f"{campaign.campaign_id} · {words.plain(campaign.name, 80)}", symbol="folder_special", chips=registry_chips
    ):
        if st.button("All campaigns", icon=":material/arrow_back:", shortcut="u", key="campaign_back"):
            navigation.go("campaigns", campaign=None)
        if st.button("Export evidence", icon=":material/inventory_2:", shortcut="e", key="campaign_export"):
            navigation.go("evidence", campaign=campaign.campaign_id)
        person.menu()

    view.draw_figures(campaign, size)
    left, right = st.columns([1.9, 1], gap="small")
    with left:
        with st.container(border=True, gap="xsmall"):
            view.draw_story(told)
        with st.container(border=True, gap="xsmall"):
            kit.title("Activity", "requests a day; lines mark model releases and enforcement")
            view.draw_activity(size)
    with right:
        with st.container(border=True, gap="small"):
            view.draw_decisions(campaign)
        with st.container(border=True, gap="xsmall"):
            notes, history, add = st.tabs(
                [f"Notes · {len(campaign.notes):,}", "History", "Add a cluster"], key="campaign_side"
            )
            with notes:
                view.draw_notes(campaign)
            with history:
                view.draw_history(campaign, labels)
            with add:
                view.draw_add(campaign, run)
    with st.container(border=True, gap="xsmall"):
        campaign_members.draw_members(size)


navigation.inside_app()
store = session.case_store()
run = session.current_run()
wanted = state.current().campaign
if wanted is None:
    registry()
else:
    try:
        one(store.campaign(wanted))
    except UnknownTarget as e:
        state.update(campaign=None)
        registry(e)
