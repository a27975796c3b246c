"""Stillwatch: the server, page settings, who is asking, navigation. Start it with ``stillwatch serve``."""

import streamlit as st

from stillwatch.ui import warmup

if __name__ == "app":  # the server loads this file by its name, once; every run of a page calls it something else
    app = st.App(__file__, lifespan=warmup.lifespan)
else:
    from stillwatch.ui import frame, kit, navigation, person, state

    navigation.configure()
    kit.stylesheet()
    page = navigation.open_pages()
    state.load()
    person.notices()
    kit.problems(state.problems())
    frame.run(page)
    warmup.visited()
