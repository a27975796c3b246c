"""The answer of a hunt: as table, as what the accounts share, as graph, as timeline; and the moves from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa
import streamlit as st

from stillwatch.evidence.tables import csv_bytes
from stillwatch.pipeline.search import Hunt
from stillwatch.ui import canvas, hunt_label, hunt_state, kit, look, navigation, session, words
from stillwatch.ui import hunt_facts as facts
from stillwatch.ui.hunt_state import Asked
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.searching import Search, Term

GRAPH, CHART = 370, 340
"""Pixels of drawing and chart; tables are as high as the window allows."""
_VIEW_WORDS = {"table": "Accounts", "shared": "In common", "graph": "Graph", "timeline": "Timeline"}
_GO, _GRAPH, _PICKED = "_hunt_go", "hunt_graph", "_hunt_picked"


@st.fragment
def answer(run: Run, asked: Asked, labels: pd.DataFrame, total: int) -> None:
    """Draw the answer in the view that was chosen; ticks and picks rerun this alone."""
    wanted = st.session_state.pop(_GO, None)
    if wanted:
        navigation.go("account", account=wanted)
    now = hunt_state.current()  # a move inside this fragment may have changed it
    if replace(now.search, order="") != replace(asked.search, order=""):
        st.rerun()
    asked = replace(now, page=min(now.page, max(-(-total // facts.PAGE), 1)))
    standing = facts.account_labels(labels)
    question, hunt = facts.question(run, asked.search, standing), facts.hunt(run)
    with kit.title_row():
        st.segmented_control(
            "Show as", list(_VIEW_WORDS), format_func=_VIEW_WORDS.__getitem__, key=_shown("hunt_show", asked.show),
            label_visibility="collapsed", required=True, on_change=_show,
        )  # fmt: skip
        if asked.show == "table":
            _table_moves(run, asked, standing, total, question, hunt)
        elif asked.show == "shared":
            _shared_moves(standing, question, hunt)
        elif asked.show == "timeline":
            _timeline_moves(question)
        else:
            kit.html(kit.quiet("double-click opens an account · shift+click adds to what is picked"))
    if asked.show == "table":
        with st.container(height=330, border=False, key="fit_hunt_table"):
            _table(asked, standing, question, hunt)
        with kit.title_row():
            _footer(asked, standing, total, question, hunt)
    elif asked.show == "shared":
        with st.container(height=380, border=False, key="fit_hunt_shared"):
            _shared(standing, question, hunt)
    elif asked.show == "graph":
        _graph(total, standing, question, hunt)
    else:
        _timeline(standing, question, hunt)


def _shown(key: str, value: str) -> str:
    st.session_state[key] = value
    return key


def _show() -> None:
    hunt_state.put(replace(hunt_state.current(), show=st.session_state["hunt_show"] or "table"))


# --- accounts -------------------------------------------------------------------------------------------------------


def _key(asked: Asked, question: facts.Question) -> str:
    return f"hunt_rows_{facts.digest(question, asked.page)}"


def _ticked(key: str, rows: pd.DataFrame) -> list[int]:
    chosen = st.session_state.get(key)
    return [r for r in (chosen.selection.rows if chosen else []) if r < len(rows)]


def _table_moves(
    run: Run, asked: Asked, standing: Mapping[str, str], total: int, question: facts.Question, hunt: Hunt
) -> None:
    """Open, label; the buttons are always there, so that nothing jumps."""
    rows = facts.page(question, asked.page, hunt, standing).rows
    chosen = rows.iloc[_ticked(_key(asked, question), rows)]
    ids = [str(a) for a in chosen["account_id"]]
    one = len(ids) == 1
    if st.button("Account", key="hunt_open", icon=":material/person_search:", shortcut="O", disabled=not one,
                 help="Open the ticked account"):  # fmt: skip
        navigation.go("account", account=ids[0])
    inside = [str(c) for c in chosen["cluster_id"].dropna().unique()]
    if st.button(inside[0] if len(inside) == 1 else "Cluster", key="hunt_to_cluster", icon=":material/hub:",
                 disabled=len(inside) != 1, help="Open their cluster with the ticked accounts selected"):  # fmt: skip
        navigation.go("cluster", cluster=inside[0], selected=tuple(ids))
    what = f"Label {len(ids):,} ticked" if ids else f"Label all {total:,}"
    if st.button(what, key="hunt_to_label", icon=":material/label:", disabled=not total,
                 help="Shows how many and a sample first; needs a reason"):  # fmt: skip
        hunt_label.dialog(run, question, hunt, standing, ids, total)


def _footer(asked: Asked, standing: Mapping[str, str], total: int, question: facts.Question, hunt: Hunt) -> None:
    """Order, page, download."""
    order = [o for o in facts.ORDER_WORDS if o != "matches" or asked.search.terms]
    st.selectbox(
        "Order", order, key=_shown("hunt_order", asked.search.order if asked.search.order in order else "score"),
        format_func=lambda o: f"by {facts.ORDER_WORDS[o].lower()}", label_visibility="collapsed", width=150,
        on_change=_reorder,
    )  # fmt: skip
    st.space("stretch")
    pages = max(-(-total // facts.PAGE), 1)
    at = min(asked.page, pages)
    st.button("Back", key="hunt_back", icon=":material/chevron_left:", disabled=at <= 1, on_click=_turn,
              args=(at - 1,), help=f"{facts.PAGE} accounts a page")  # fmt: skip
    st.html(str(kit.quiet(f"{at:,} of {pages:,}")), width="content")
    st.button("On", key="hunt_on", icon=":material/chevron_right:", disabled=at >= pages, on_click=_turn,
              args=(at + 1,), help=f"{facts.PAGE} accounts a page")  # fmt: skip
    st.download_button(
        "CSV", lambda: _csv(question, hunt, standing), "accounts-found.csv", "text/csv", icon=":material/download:",
        on_click="ignore", key="hunt_csv", disabled=not total, help="All accounts found; goes on record",
    )  # fmt: skip


def _reorder() -> None:
    hunt_state.ask(order=st.session_state["hunt_order"])


def _turn(page: int) -> None:
    hunt_state.put(replace(hunt_state.current(), page=page))


def _csv(question: facts.Question, hunt: Hunt, standing: Mapping[str, str]) -> bytes:
    rows = hunt.page(question.search, standing, 0, 1_000_000).rows
    session.case_store().record_export(
        "hunt", len(rows), session.who(), query=hunt_state.to_query(Asked(question.search))
    )
    rows["label"] = pd.Series([standing.get(str(a)) for a in rows["account_id"]], index=rows.index, dtype="str")
    return csv_bytes(pa.Table.from_pandas(rows, preserve_index=False))


def _table(asked: Asked, standing: Mapping[str, str], question: facts.Question, hunt: Hunt) -> None:
    rows = facts.page(question, asked.page, hunt, standing).rows
    columns = ["account_id", "score", "cluster_id", "label", "requests", "active_days", "plan", "channel", "status",
               "created_at", "last_seen"]  # fmt: skip
    if asked.search.terms:
        columns.insert(4, "uses")
    said = pd.Series([standing.get(str(a)) for a in rows["account_id"]], index=rows.index, dtype=object)
    shown = rows.assign(
        label=said.map(words.label, na_action="ignore").fillna(""), cluster_id=rows["cluster_id"].fillna("")
    )
    column = kit.column
    st.dataframe(
        shown[columns], hide_index=True, row_height=kit.ROW_HEIGHT, height="stretch", on_select="rerun",
        selection_mode="multi-row", key=_key(asked, question), alt="Accounts found",
        column_config={
            "account_id": column("Account", width=170), "score": column("Score", "score", width=92),
            "cluster_id": column("Cluster", width=80), "label": column("Label", width=90),
            "uses": column("Matches", "number", width=72, help="Requests or records with what was asked for"),
            "requests": column("Requests", "number", width=76), "active_days": column("Days", "number", width=52),
            "plan": column("Plan", width=78), "channel": column("Pathway", width=88),
            "status": column("Status", width=78), "created_at": column("Signed up", "day", width=92),
            "last_seen": column("Last request", "time", width=132),
        },
    )  # fmt: skip


# --- what they have in common ---------------------------------------------------------------------------------------


def _shared_moves(standing: Mapping[str, str], question: facts.Question, hunt: Hunt) -> None:
    table = facts.shared(question, hunt, standing)
    row = next(iter(_ticked(_shared_key(question), table)), None)
    term = Term(str(table["kind"].iat[row]), str(table["value"].iat[row])) if row is not None else None
    st.button("Narrow to it", key="hunt_narrow", icon=":material/filter_alt:", disabled=term is None,
              on_click=_pivot, args=(term, False), help="Only those found that have it")  # fmt: skip
    st.button("Everybody with it", key="hunt_pivot", icon=":material/alt_route:", disabled=term is None,
              on_click=_pivot, args=(term, True), help="A new question: all accounts that have it")  # fmt: skip
    kit.html(kit.quiet("first what is more usual here than elsewhere; tick one to go on"))


def _shared_key(question: facts.Question) -> str:
    return f"hunt_shared_{facts.digest(question)}"


def _shared(standing: Mapping[str, str], question: facts.Question, hunt: Hunt) -> None:
    table = facts.shared(question, hunt, standing)
    if table.empty:
        kit.empty(
            "They share nothing that this run lists",
            "No card, device, contact, address, network, conversation or template is had by two of them.",
            symbol="link_off",
        )
        return
    shown = table.assign(
        kind=[f"{look.mark(facts.evidence_of(k)).glyph} {facts.kind_word(k)}" for k in table["kind"]],
        share=table["here"] / table["everywhere"],
    )
    column = kit.column
    st.dataframe(
        shown[["kind", "value", "here", "everywhere", "share", "uses", "first", "last"]],
        hide_index=True, row_height=kit.ROW_HEIGHT, height="stretch", on_select="rerun", selection_mode="single-row",
        key=_shared_key(question), alt="Values that the found accounts have in common",
        column_config={
            "kind": column("Kind", width=140), "value": column("Value (token or name)", width=190),
            "here": column("Found with it", "number", width=88, help="Accounts of the answer that have it"),
            "everywhere": column("Everywhere", "number", width=80, help="Accounts of the run that have it"),
            "share": column("Of all with it", "score", width=104, help="Share of its accounts that were found"),
            "uses": column("Uses", "number", width=66), "first": column("First", "day", width=92),
            "last": column("Last", "day", width=92),
        },
    )  # fmt: skip


def _pivot(term: Term, anew: bool) -> None:
    old = hunt_state.current()
    if anew:
        hunt_state.put(Asked(Search(terms=(term,))))
    else:
        others = (t for t in old.search.terms if t.kind != term.kind)
        hunt_state.put(Asked(replace(old.search, terms=(*others, term))))


# --- graph ----------------------------------------------------------------------------------------------------------


def _graph(total: int, standing: Mapping[str, str], question: facts.Question, hunt: Hunt) -> None:
    made = facts.picture(question, GRAPH, hunt, standing)
    if made is None:
        kit.empty("Nothing to draw", "No two of the first accounts of the answer have a value in common; the table "
                  "lists them all.", symbol="scatter_plot")  # fmt: skip
        return
    picked = [p for p in st.session_state.get(_PICKED, ()) if p in set(made.drawing.ids)]
    lit = [*picked, *(n for p in picked for n in made.neighbours[p])] if picked else None
    near = set(lit or made.drawing.ids)
    table = made.accounts[made.accounts["account_id"].isin(near)]
    left, right = st.columns([2.4, 1], gap="small")
    with left:
        canvas.draw(
            made.drawing, marks=canvas.Marks(selected=picked, lit=lit), on_picked=_picked, on_opened=_opened,
            on_hidden=lambda: None, key=_GRAPH,
        )  # fmt: skip
    with right:
        what = "near what is picked" if picked else f"drawn, of {total:,} found"
        kit.html(kit.quiet(f"{words.count(len(table), 'account')} {what}"))
        event = st.dataframe(
            table, hide_index=True, row_height=kit.ROW_HEIGHT, height=GRAPH, on_select="rerun",
            selection_mode="single-row", key=f"hunt_drawn_{facts.digest(picked, made.drawing.name)}",
            alt="Accounts in the drawing; tick one to open it",
            column_config={
                "account_id": kit.column("Account", width=140),
                "links": kit.column("Shares", "number", width=56, help="Drawn values that it has"),
            },
        )  # fmt: skip
        rows = [r for r in event.selection.rows if r < len(table)]
        if rows:
            navigation.go("account", account=str(table["account_id"].iat[rows[0]]))


def _picked() -> None:
    event = st.session_state[_GRAPH].picked or {}
    ids = [str(i) for i in event.get("ids", ())]
    old = list(st.session_state.get(_PICKED, ()))
    if event.get("how") in ("add", "toggle"):
        ids = [*(i for i in old if i not in ids), *(i for i in ids if i not in old)]
    st.session_state[_PICKED] = tuple(ids)


def _opened() -> None:
    node = str((st.session_state[_GRAPH].opened or {}).get("id", ""))
    kind, colon, _ = node.partition(":")
    if not (colon and kind in look.MARKS):
        st.session_state[_GO] = node


# --- timeline -------------------------------------------------------------------------------------------------------


def _timeline_moves(question: facts.Question) -> None:
    window = _brushed(st.session_state.get(_days_key(question)))
    text = f"Ask for {window[0]} to {window[1]}" if window else "Ask for these days"
    st.button(text, key="hunt_days_use", icon=":material/date_range:", disabled=window is None,
              on_click=_use, args=window or (None, None))  # fmt: skip
    kit.html(kit.quiet("requests a day of everything found, by cluster; drag over days to choose a window"))


def _days_key(question: facts.Question) -> str:
    return f"hunt_days_{facts.digest(question)}"


def _timeline(standing: Mapping[str, str], question: facts.Question, hunt: Hunt) -> None:
    days = facts.activity(question, hunt, standing)
    if days.empty:
        kit.empty(
            "No requests to draw",
            "None of the found accounts made a request that was imported: only identifiers or the accounts table name "
            "them.",
            symbol="timeline",
        )
        return
    parts = list(days.groupby("part")["requests"].sum().sort_values(ascending=False).index)
    bars = (
        alt.Chart(days.assign(day=days["day"].dt.tz_localize("UTC")))
        .mark_bar()
        .encode(
            x=alt.X(
                "utcyearmonthdate(day):T", title=None, axis=alt.Axis(format="%d %b", grid=False, labelOverlap=True)
            ),
            y=alt.Y("requests:Q", title="requests a day", axis=alt.Axis(tickCount=5)),
            color=alt.Color(
                "part:N", title=None, sort=parts, legend=alt.Legend(orient="top", columns=8, symbolSize=60)
            ),
            tooltip=[
                alt.Tooltip("day:T", format="%d %b %Y"), alt.Tooltip("part:N", title="cluster"),
                alt.Tooltip("requests:Q", format=","), alt.Tooltip("accounts:Q", format=","),
            ],
        )
        .add_params(alt.selection_interval(name="days", encodings=["x"]))
        .properties(height=CHART)
    )  # fmt: skip
    with st.container(key="plain_chart_hunt"):
        st.altair_chart(bars, key=_days_key(question), on_select="rerun", selection_mode="days",
                        alt="Requests a day of the found accounts, by cluster")  # fmt: skip


def _brushed(event: Any) -> tuple[date, date] | None:
    """First and last day under the brush."""
    chosen = event.selection.get("days") if event else None
    ends = next(iter(chosen.values()), None) if chosen else None
    if not ends or len(ends) < 2:
        return None
    first, last = (pd.Timestamp(float(e), unit="ms").date() for e in (min(ends), max(ends)))
    return first, last


def _use(since: date | None, until: date | None) -> None:
    hunt_state.ask(since=since, until=until)
