"""Stillwatch: page settings, who is asking, navigation. Start it with ``stillwatch serve``."""

from pathlib import Path

import streamlit as st

from stillwatch.ui import kit, navigation, person, session, state

st.set_page_config(
    page_title="Stillwatch",
    page_icon=str(Path(__file__).parent / "static" / "icon.png"),
    layout="wide",
    initial_sidebar_state="collapsed",
    menu_items={"About": person.ABOUT},
)
kit.stylesheet()
page = st.navigation(navigation.pages(), position="top")
state.load()
person.notices()
kit.problems(state.problems())
with kit.guarded():
    page.run()
session.freeze_after_warm_up(page.title)
