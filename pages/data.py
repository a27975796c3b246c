"""Data: what was imported, what it cannot tell, and the work of bringing in more."""

import streamlit as st

from stillwatch.ui import blocks, campaigns_view, kit, navigation, person, session
from stillwatch.ui import data_facts as facts
from stillwatch.ui import data_view as view


def show() -> None:
    holding = view.holdings()
    run = session.run_or_none()
    with kit.header("Data", symbol="database", subtitle=navigation.PAGES["data"].question):
        fresh = run is not None and not facts.behind(holding, run)
        if not holding.empty and st.button(
            "Run detection",
            icon=":material/play_circle:",
            type="secondary" if fresh else "primary",
            disabled=view.busy(),
            key="data_detect",
            help="Reads everything that was imported and publishes a new run; the pages stay usable meanwhile",
        ):
            view.start("Detection", [("detect",)])
        person.menu()
    view.draw_job()

    if holding.empty and view.busy():
        kit.html(blocks.note("The pages fill as soon as the import is done; you can leave this one meanwhile."))
        return
    if holding.empty:
        kit.empty(
            "Nothing imported yet",
            "Stillwatch reads a provider's tables (accounts, requests, identifiers) or gateway logs (LiteLLM, "
            "OpenTelemetry). Secrets and identifiers become keyed tokens at the door; prompt text becomes fingerprints "
            "and is dropped.",
            symbol="upload_file",
        )
        with st.container(border=True, gap="small"):
            view.draw_import(first=True)
        return

    view.draw_figures(holding, run)
    left, right = st.columns([1.9, 1], gap="small")
    with left.container(border=True, gap="xsmall"):
        kit.title("Sources and imports")
        kit.html(blocks.note(" ".join(facts.freshness(holding, run, campaigns_view.now()))))
        view.draw_imports(holding)
    with right.container(border=True, gap="xsmall"):
        kit.title("Import more", "the same file twice adds nothing")
        view.draw_import(first=False)
    with st.container(border=True, gap="xsmall"):
        aside, blind, tables, published = st.tabs(
            [f"Rows set aside · {holding.set_aside:,}", "What it cannot tell", "Tables", "Runs"]
        )
        with aside:
            view.draw_rejected(holding)
        with blind:
            view.draw_blind(holding, run)
        with tables:
            view.draw_tables(holding)
        with published:
            view.draw_runs(run)


navigation.inside_app()
show()
