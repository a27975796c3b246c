"""Detector: labels in, a model out, measured before anybody puts it to use."""

import streamlit as st

from stillwatch.ui import data_view, kit, navigation, person, session
from stillwatch.ui import detector_facts as facts
from stillwatch.ui import detector_view as view

navigation.inside_app()
run = session.current_run()
store = session.case_store()
labels, trained, promotions = session.labels(), store.models(), store.promotions()
in_use = store.model_in_use()
said = facts.agreement(labels)

chip = kit.chip(f"{in_use} in use", "good", "check_circle") if in_use else kit.chip("evidence alone ranks the queue")
with kit.header("Detector", symbol="model_training", chips=[chip], subtitle=navigation.PAGES["detector"].question):
    if st.button(
        "Train",
        type="primary",
        icon=":material/model_training:",
        disabled=labels.empty or data_view.busy(),
        key="detector_train",
        help="Trains on the labels that stand and measures on groups held out; nothing is put to use by it",
    ):
        data_view.start("Training", [("train", "--by", session.who())])
    person.menu()
data_view.draw_job()
view.draw_figures(labels, trained, said)

left, right = st.columns([1.9, 1], gap="small")
with left.container(border=True, gap="xsmall"):
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        kit.title("Model", "measured on labelled groups that it had not seen")
        model = view.choose(trained) if len(trained) else None
    if model is None:
        kit.empty(
            "No model yet",
            "The queue is ranked by the evidence alone. Label at least two groups as distillation and two as something "
            "else, then press Train: the model is measured beside the evidence alone before anybody puts it to use.",
            symbol="model_training",
            button="Go to the queue and label",
            page="triage",
        )
    else:
        view.draw_comparison(model)
        view.draw_use(model, in_use)
with right.container(border=True, gap="xsmall"):
    view.draw_labels(labels, said)
left, right = st.columns([1.3, 1], gap="small")
with left.container(border=True, gap="xsmall"):
    view.draw_next(labels, run)
with right.container(border=True, gap="xsmall"):
    view.draw_moves(run)
if model is not None:
    with st.container(border=True, gap="xsmall"):
        view.draw_details(model, trained, promotions)
