"""Summary: how things stand, for a manager; prints as it is."""

import streamlit as st

from stillwatch.ui import blocks, campaign_facts, kit, navigation, person, session, words
from stillwatch.ui import summary_facts as facts
from stillwatch.ui import summary_view as view
from stillwatch.ui.campaigns_view import now
from stillwatch.ui.data_facts import moment

navigation.inside_app()
run = session.current_run()
store = session.case_store()
campaigns, labels = store.campaigns(), session.labels()
accounts, clusters = session.frame("accounts", run=run), session.frame("clusters", run=run)
inside, total = facts.members(campaigns, accounts), int(accounts["requests"].sum())
upheld = facts.reach(campaigns, inside, total, campaign_facts.UPHELD)
active = facts.reach(campaigns, inside, total, campaign_facts.ACTIVE)
waiting = facts.undecided(clusters, campaigns, labels)
speed = view.speed(campaigns, inside, labels)

st.html(view.PRINT_STYLE)
subtitle = f"Data up to {words.when(moment(run.manifest.get('as_of')))} · run {run.run_id}"
with kit.header("Summary", symbol="monitoring", subtitle=subtitle):
    kit.html(view.PRINT_HINT)
    person.menu()
kit.html(blocks.lead(facts.headline(campaigns, upheld, active, len(waiting), len(clusters))))
exposed, decided = speed["exposed"].median(), speed["decided_after"].median()
kit.figures(
    [
        kit.Figure("To act on", words.full(active.campaigns), "campaigns open, in review or confirmed"),
        kit.Figure("Alarms waiting", words.full(len(waiting)), "groups nobody decided on yet"),
        kit.Figure("Exchanges, upheld", words.number(upheld.requests), f"{words.share(upheld.share)} of all requests"),
        kit.Figure("Tokens, upheld", words.number(upheld.tokens), f"over {words.count(upheld.accounts, 'account')}"),
        kit.Figure("Time to detect", view.spoken(exposed), "median, first exchange to alarm"),
        kit.Figure("Time to decide", view.spoken(decided), "median, alarm to a person's word"),
    ]
)
left, right = st.columns(2, gap="small")
with left:
    with st.container(border=True, gap="xsmall"):
        view.draw_campaigns(campaigns, inside)
    with st.container(border=True, gap="xsmall"):
        view.draw_movements(clusters)
    with st.container(border=True, gap="xsmall"):
        view.draw_speed(speed)
    with st.container(border=True, gap="xsmall"):
        view.draw_quality(store.models())
with right:
    with st.container(border=True, gap="xsmall"):
        view.draw_capabilities(campaigns, session.frame("capabilities", run=run), clusters)
    with st.container(border=True, gap="xsmall"):
        view.draw_certainty(clusters, view.people(labels))
    with st.container(border=True, gap="xsmall"):
        statuses = store.audit(limit=None, action="set_status", outcome="done")
        view.draw_decisions(facts.decisions(store.labels(current=False), store.verdicts(), statuses, now()))
    with st.container(border=True, gap="xsmall"):
        view.draw_limits(run)
