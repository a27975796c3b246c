"""The hunt page around its answer: the box, the lines of the question, saved searches, the figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from stillwatch.errors import StillwatchError
from stillwatch.pipeline.search import Hunt
from stillwatch.ui import hunt_facts as facts
from stillwatch.ui import hunt_state, kit, labelling, navigation, person, session, words
from stillwatch.ui.hunt_state import Asked
from stillwatch.ui.kit import Figure
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.searching import Search, Term

ANYTHING, ACCOUNT = "anything", "account id"
_NOTE, _TURN = "_hunt_note", "_hunt_turn"


def header(run: Run, asked: Asked, labels: pd.DataFrame) -> None:
    """Title, saved searches, who is here."""
    with kit.header("Hunt", symbol="travel_explore", subtitle=navigation.PAGES["hunt"].question):
        _saved(run, asked, labels)
        person.menu()
    labelling.saved_note()
    kit.problems(hunt_state.problems())


# --- the question ---------------------------------------------------------------------------------------------------


def rail(run: Run, search: Search) -> None:
    """Everything that can be asked, at once visible; each choice counts immediately."""
    with st.form("hunt_find", border=False, clear_on_submit=True, enter_to_submit=True):
        kind = st.selectbox(
            "Look for", [ANYTHING, ACCOUNT, *facts.kinds(run)], key="hunt_kind", persist_state="session",
            format_func=lambda k: "Anything" if k == ANYTHING else "Account id" if k == ACCOUNT
            else facts.kind_word(k),
            help="Anything: a value that this run knows, else a part of an account id",
        )  # fmt: skip
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
            typed = st.text_input(
                "Id, token, card, address, name", key="hunt_typed", max_chars=hunt_state.MAX_VALUE,
                placeholder="Id, token, card, address…", label_visibility="collapsed",
                help="A value in clear becomes its token before it is looked up; it is not kept",
            )  # fmt: skip
            pressed = st.form_submit_button("Search", type="primary", help="Enter does the same")
        if pressed:
            _look_for(run, search, typed, kind)
    note = st.session_state.pop(_NOTE, None)
    if note:
        st.caption(words.md(note, 300))
    terms = search.kinds
    left, right = st.columns(2, gap="small")
    with left:
        _values(run, "model", "Model", terms.get("model", ()))
        _several("Plan", "plans", facts.words_of_accounts(run, "plan"), search.plans)
        _several("Status", "statuses", facts.words_of_accounts(run, "status"), search.statuses)
        _one("Cluster", "cluster", _clusters(search), search.cluster)
        _score(search)
        st.date_input(
            "Active from", value=search.since, key=_set("hunt_since", search.since), format="YYYY-MM-DD",
            on_change=_window, help="Made a request on one of these days; both days count",
        )  # fmt: skip
    with right:
        _values(run, "client", "Client", terms.get("client", ()))
        _several("Pathway", "channels", facts.words_of_accounts(run, "channel"), search.channels)
        _values(run, "outcome", "Outcome", terms.get("outcome", ()))
        _one("Label", "label", facts.LABEL_WORDS, search.label)
        _values(run, "asn", "Network", terms.get("asn", ()))
        st.date_input(
            "to", value=search.until, key=_set("hunt_until", search.until), format="YYYY-MM-DD", on_change=_window
        )


def _score(search: Search) -> None:
    options = sorted({0.2, 0.45, 0.55, 0.8, 0.95, search.least} - {0.0})
    key = _set("hunt_least", search.least or None)
    st.selectbox(
        "Likelihood", options, key=key, placeholder="any", on_change=_least,
        format_func=lambda v: f"{v:.2f}, {words.chance_word(min(v + 0.01, 0.99))}",
        help="Score at least: probability of belonging to a campaign",
    )  # fmt: skip


def _set(key: str, value: Any) -> str:
    """The widget shows what the question says, whoever changed it; its key, for the widget."""
    if st.session_state.get(key) != value or key not in st.session_state:
        st.session_state[key] = value
    return key


def _values(run: Run, kind: str, title: str, chosen: tuple[str, ...]) -> None:
    options = facts.known(run, kind)
    key = _set(f"hunt_of_{kind}", list(chosen))
    st.multiselect(
        title, [*options, *(v for v in chosen if v not in options)], key=key, placeholder="any",
        format_func=lambda v: words.plain(v, 60) or "(blank)", on_change=_values_changed, args=(kind, key),
    )  # fmt: skip


def _values_changed(kind: str, key: str) -> None:
    old = hunt_state.current().search.terms
    chosen = [Term(kind, v) for v in st.session_state[key]]
    hunt_state.ask(terms=(*(t for t in old if t.kind != kind), *chosen))


def _several(title: str, field: str, options: list[str], chosen: tuple[str, ...]) -> None:
    key = _set(f"hunt_{field}", list(chosen))
    st.multiselect(
        title, [*options, *(v for v in chosen if v not in options)], key=key, placeholder="any",
        format_func=lambda v: words.plain(v, 40) or "(blank)",
        on_change=lambda: hunt_state.ask(**{field: tuple(st.session_state[key])}),
    )  # fmt: skip


def _one(title: str, field: str, options: Mapping[str, str], chosen: str) -> None:
    key = _set(f"hunt_{field}", chosen or None)
    st.selectbox(
        title, list(options), key=key, format_func=lambda v: options.get(v, words.plain(v, 30)), placeholder="any",
        on_change=lambda: hunt_state.ask(**{field: st.session_state[key] or ""}),
    )  # fmt: skip


def _clusters(search: Search) -> dict[str, str]:
    ids = session.frame("clusters").sort_values("rank")["cluster_id"].head(300)
    named = {"in": "In any", "out": "In none", **{str(c): str(c) for c in ids}}
    return named | ({search.cluster: search.cluster} if search.cluster and search.cluster not in named else {})


def _window() -> None:
    since, until = st.session_state.get("hunt_since"), st.session_state.get("hunt_until")
    if since and until and since > until:
        st.session_state[_NOTE] = "The first day is after the last; choose another."
        return
    hunt_state.ask(since=since, until=until)


def _least() -> None:
    hunt_state.ask(least=float(st.session_state["hunt_least"] or 0.0))


def _look_for(run: Run, search: Search, typed: str, kind: str) -> None:
    """What was typed becomes a line of the question: a value with its kind, or a part of an id."""
    text = typed.replace("\x00", "").strip()
    if not text:
        return
    if kind == ACCOUNT:
        hunt_state.ask(text=text[: hunt_state.MAX_TEXT])
        st.rerun()
    try:
        found = facts.hunt(run).recognise(text, None if kind == ANYTHING else kind, facts.kinds(run))
    except StillwatchError as e:
        kit.error(e)
        return
    if found:
        term, *others = found
        if others:
            names = ", ".join(facts.kind_word(t.kind).lower() for t in others[:4])
            st.session_state[_NOTE] = f"The same value is also known as {names}; choose that kind to look there."
        hunt_state.ask(terms=tuple(dict.fromkeys((*search.terms, term))))
    elif kind == ANYTHING:
        hunt_state.ask(text=text[: hunt_state.MAX_TEXT])
    else:
        st.session_state[_NOTE] = "That is not an address, so it has no subnet."
    st.rerun()


def lines(search: Search) -> None:
    """The question in words, a pill for each line; switching one off takes it out."""
    said = facts.said(search)
    if not said:
        kit.html(kit.quiet("Nothing is asked yet: these are all accounts of the run, highest score first."))
        return
    key = f"hunt_lines_{facts.digest(search)}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.pills(
            "Question, a press takes a line out", list(said), selection_mode="multi", default=list(said), key=key,
            format_func=lambda s: f":material/close: {words.md(s, 60)}", label_visibility="collapsed",
            on_change=_take_out, args=(said, key),
        )  # fmt: skip
        if len(said) > 1:
            st.button("Start anew", key="hunt_anew", icon=":material/restart_alt:", type="tertiary", on_click=_anew)


def _take_out(said: dict[str, dict[str, Any]], key: str) -> None:
    kept = st.session_state[key]
    for text, change in said.items():
        if text not in kept:
            hunt_state.ask(**change)
            return


def _anew() -> None:
    hunt_state.put(Asked(show=hunt_state.current().show))


def figures(found: dict[str, Any], everybody: int) -> None:
    """What was found, in figures, compared to everything."""
    n = int(found["accounts"] or 0)
    requests = float(found["requests"] or 0)
    kit.figures(
        [
            Figure("Found", words.full(n), f"{words.share(n / max(everybody, 1))} of {words.full(everybody)} accounts"),
            Figure(
                "In clusters",
                words.full(found["clustered"] or 0),
                f"accounts, in {words.count(int(found['clusters'] or 0), 'cluster')}",
            ),
            Figure("Requests", words.number(requests), f"{words.number(requests / max(n, 1))} an account"),
            Figure(
                "Acted on",
                words.full(found["enforced"] or 0),
                f"{words.share((found['enforced'] or 0) / max(n, 1))} banned or suspended",
            ),
            Figure("Active", words.span(found["first"], found["last"]), "first to last request"),
        ]
    )


# --- saved searches -------------------------------------------------------------------------------------------------


def _saved(run: Run, asked: Asked, labels: pd.DataFrame) -> None:
    kept = session.case_store().searches()
    with st.popover(f"Saved {len(kept)}" if len(kept) else "Saved", icon=":material/bookmark:",
                    help="Searches that somebody kept, and keeping this one"):  # fmt: skip
        query = hunt_state.to_query(asked)
        turn = st.session_state.get(_TURN, 0)
        with (
            st.form(f"hunt_save_{turn}", border=False),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            name = st.text_input("Name for this search", max_chars=120, width=230, placeholder="What does it look for?")
            if st.form_submit_button("Keep", icon=":material/bookmark_add:", disabled=not query):
                found = facts.totals(*_asked_of(run, asked.search, labels))
                count = int(found["accounts"] or 0)
                if kit.attempt(
                    lambda: session.case_store().save_search(name, query, count, session.who()),
                    lambda made: f"Kept as {made}; the link in the address bar says the same.",
                ):
                    st.session_state[_TURN] = turn + 1
                    st.rerun()
        if not query:
            kit.html(kit.quiet("Ask something first; then it can be kept under a name."))
        for r in kept.head(40).to_dict("records"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.button(
                    words.md(r["name"], 40), key=f"hunt_open_{r['search_id']}", type="tertiary",
                    help=words.md(f"{r['search_id']} · {r['by']}, {words.day(r['at'])}; found {r['found']:,}", 160),
                    on_click=_open, args=(run, str(r["query"])),
                )  # fmt: skip
                st.space("stretch")
                kit.html(kit.quiet(f"{words.plain(r['by'], 16)} · {r['found']:,}"))
                st.button(
                    "Remove", key=f"hunt_drop_{r['search_id']}", icon=":material/delete:", type="tertiary",
                    help="Off the list; that it was there stays on record",
                    on_click=_drop, args=(str(r["search_id"]),),
                )  # fmt: skip


def _asked_of(run: Run, search: Search, labels: pd.DataFrame) -> tuple[facts.Question, Hunt, dict[str, str]]:
    standing = facts.account_labels(labels)
    return facts.question(run, search, standing), facts.hunt(run), standing


def _open(run: Run, query: str) -> None:
    hunt_state.put(hunt_state.from_query(query, facts.kinds(run)))


def _drop(search_id: str) -> None:
    try:
        session.case_store().remove_search(search_id, session.who())
    except StillwatchError as e:
        st.session_state[_NOTE] = str(e)
