"""Evidence: bundles to hand out, their custody, and checking one that came back."""

import streamlit as st

from stillwatch.ui import evidence_view as view
from stillwatch.ui import kit, navigation, person, session, state

navigation.inside_app()
store = session.case_store()
campaigns, bundles, custody = store.campaigns(), store.bundles(), store.custody()
with kit.header("Evidence", symbol="inventory_2", subtitle=navigation.PAGES["evidence"].question):
    person.menu()

key = view.our_key(bundles)
view.draw_trouble(key)
view.draw_figures(campaigns, bundles, custody, key)
left, right = st.columns([1, 1.25], gap="small")
with left.container(border=True, gap="small"):
    kit.title("Make a bundle", "sealed, and checked before it appears")
    if campaigns.empty:
        kit.empty(
            "No campaign to export",
            "Evidence is exported campaign by campaign. Label a cluster “Distillation” on the Cluster page: that opens "
            "its campaign.",
            symbol="inventory_2",
            button="Go to the queue",
            page="triage",
        )
    elif session.run_or_none() is None:
        kit.nothing_yet("")
    else:
        view.draw_export(campaigns, state.current().campaign, key)
with right:
    with st.container(border=True, gap="small"):
        kit.title("Bundles made so far", "select one to see its custody and download it")
        view.draw_bundles(bundles, custody, key)
    with st.container(border=True, gap="small"):
        kit.title("Verify a bundle", "every byte, and whose seal it is; works offline too")
        view.draw_verify(bundles)
