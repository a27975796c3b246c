"""Audit: who did what, when and why, and is the record whole?"""

import streamlit as st

from stillwatch.ui import audit_facts, audit_view, navigation, session

navigation.inside_app()
store = session.case_store()
shown = audit_facts.load()
audit_view.header(store)
with st.container(border=True, gap="small"):
    audit_view.filters(store, shown)
with st.container(border=True, gap="xsmall"):
    audit_view.log(store)
