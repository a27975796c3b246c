"""Hunt: who has this, and what else do they share?"""

import streamlit as st

from stillwatch.ui import hunt_answer, hunt_facts, hunt_state, hunt_view, kit, navigation, session


def show() -> None:
    run = session.current_run()
    asked = hunt_state.load(hunt_facts.kinds(run))
    labels = session.labels()
    hunt_view.header(run, asked, labels)
    left, right = st.columns([1, 3.6], gap="small")
    with left.container(border=True, gap="xsmall", key="hunt_rail"):
        hunt_view.rail(run, asked.search)
    with right:
        with st.container(gap="xsmall", key="hunt_question"):
            hunt_view.lines(asked.search)
        standing = hunt_facts.account_labels(labels)
        question, hunt = hunt_facts.question(run, asked.search, standing), hunt_facts.hunt(run)
        found = hunt_facts.totals(question, hunt, standing)
        hunt_view.figures(found, int(run.manifest.get("counts", {}).get("accounts", 0)))
        with st.container(border=True, gap="xsmall"):
            if not found["accounts"]:
                kit.empty("Nobody is found", hunt_facts.nobody(asked.search), symbol="search_off")
            else:
                hunt_answer.answer(run, asked, labels, int(found["accounts"]))


navigation.inside_app()
show()
