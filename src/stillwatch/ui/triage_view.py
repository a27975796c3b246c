"""The triage page: the ranked queue, its filters, and what is known of the chosen cluster before it is opened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st
from markupsafe import Markup

from stillwatch.ui import (
    cluster_view,
    kit,
    labelling,
    navigation,
    person,
    queue_facts,
    queue_list,
    session,
    state,
    triage_moves,
    words,
)

_VIEW_WORDS = {
    "open": "Open",
    "mine": "Mine",
    "new": "New or changed",
    "snoozed": "Snoozed",
    "labelled": "Labelled",
    "all": "All",
}
_TIER_WORDS = {"any": "Any", "alarm": "Alarm", "review": "Review"}
_ROWS = 60
_QUEUE = "queue"
_WAY = "_queue_to_open"


def header(table: pd.DataFrame) -> None:
    """Title with what waits, and the moves that need no choice."""
    who = session.who()
    waiting = queue_facts.visible(table, "open", "any", "", who)
    alarms = int((waiting["tier"] == "alarm").sum())
    before = session.case_store().visit(who)
    made = session.moment("created_at")
    news = before is not None and made is not None and made > before
    subtitle = f"{words.count(len(waiting), 'cluster')} wait for a verdict, {words.count(alarms, 'alarm')} among them"
    if before is None:
        subtitle += ". Scores are leads, not findings."
    else:
        seen = "a new run was published since" if news else "no new run since"
        subtitle += f" · your last visit: {words.when(before)}, {seen}"
    with kit.header("Triage", symbol="checklist", subtitle=subtitle):
        if st.button(
            "Take the next", icon=":material/skip_next:", shortcut="N", type="primary", disabled=waiting.empty
        ):
            _take_next(waiting)
        person.menu()
    labelling.saved_note()


def _take_next(waiting: pd.DataFrame) -> None:
    taken = queue_facts.take_next(None, waiting)
    if taken is not None:
        navigation.go("cluster", cluster=taken)


@st.fragment
def queue(table: pd.DataFrame) -> None:
    """Filters, list and preview; a click on a row reruns this alone."""
    wanted = st.session_state.pop(_WAY, None)
    if wanted:
        navigation.go("cluster", cluster=wanted)
    who = session.who()
    counts = {v: len(queue_facts.visible(table, v, "any", "", who)) for v in queue_facts.VIEWS}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        view = st.segmented_control(
            "Show", list(queue_facts.VIEWS), format_func=lambda v: f"{_VIEW_WORDS[v]} {counts[v]}", default="open",
            key="view", bind="query-params", label_visibility="collapsed", required=True,
        )  # fmt: skip
        tier = st.segmented_control(
            "Tier", list(queue_facts.TIERS), format_func=_TIER_WORDS.__getitem__, default="any", key="tier",
            bind="query-params", label_visibility="collapsed", required=True,
        )  # fmt: skip
        changed = st.selectbox(
            "What changed", list(triage_moves.CHANGES), format_func=triage_moves.CHANGES.__getitem__, key="change",
            bind="query-params", label_visibility="collapsed", width=172,
        )  # fmt: skip
        search = st.text_input(
            "Search", key="q", bind="query-params", label_visibility="collapsed", icon=":material/search:", width=200,
            placeholder="Id, title or reason", max_chars=200,
        )  # fmt: skip
    since = triage_moves.since_visit(session.case_store().visit(who))
    kept = since if changed == "since" else (changed or "any")
    rows = queue_facts.visible(table, view or "open", tier or "any", search or "", who, kept)
    if rows.empty:
        _nothing(view or "open", bool(search) or tier != "any", counts, changed or "any")
        return
    chosen = state.current().cluster
    if chosen not in set(rows["cluster_id"]):
        chosen = str(rows["cluster_id"].iat[0])
    left, right = st.columns([2.1, 1], gap="small")
    with left.container(border=True, height=610, gap="xsmall", key="tall_list"):
        queue_list.draw(
            rows.head(_ROWS),
            chosen=chosen,
            as_of=session.moment("as_of") or session.utc_now(),
            on_chosen=_chosen,
            on_opened=_opened,
            key=_QUEUE,
        )
        if len(rows) > _ROWS:
            st.caption(f"The first {_ROWS} of {len(rows):,}; narrow the filters for the rest.")
    with right.container(border=True, height=610, gap="small", key="tall_preview"):
        _preview(rows[rows["cluster_id"] == chosen].iloc[0].to_dict(), since.get(str(chosen)))


def _chosen() -> None:
    state.update(cluster=str((st.session_state[_QUEUE].chosen or {}).get("id", "")) or None)


def _opened() -> None:
    st.session_state[_WAY] = str((st.session_state[_QUEUE].opened or {}).get("id", "")) or None


def _preview(r: dict[Any, Any], since: str | None) -> None:
    cluster_id = str(r["cluster_id"])
    mine = r["assignee"] == session.who()
    theirs = bool(r["assignee"]) and not mine
    kit.html(
        Markup('<div class="sw-chips"><b style="font-size:1.1rem">{}</b> {} {}</div><div class="sw-q">{}</div>').format(
            cluster_id, kit.tier_chip(r["tier"]), kit.score_chip(r["score"]), words.plain(r["title"], 200)
        )
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("Open", icon=":material/hub:", shortcut="O", type="primary", key="open"):
            navigation.go("cluster", cluster=cluster_id)
        if st.button("Release" if mine else "Assign to me", icon=":material/person_add:", shortcut="A", key="claim",
                     disabled=theirs):  # fmt: skip
            queue_facts.claim_or_release(cluster_id, mine)
        if st.button("Take over" if theirs else "Hand over", icon=":material/move_up:", shortcut="H", key="hand_over",
                     help="With a reason; it goes on record"):  # fmt: skip
            triage_moves.hand_over(cluster_id, r["assignee"])
        if r["snoozed"]:
            if st.button("Wake", icon=":material/alarm:", key="wake"):
                queue_facts.snooze(cluster_id, timedelta(seconds=-1), "woken from the queue")
        else:
            cluster_view.snooze_button(cluster_id)
    if r["snoozed"]:
        kit.html(kit.chip(f"snoozed until {words.day(r['snoozed_until'])}: {r['snooze_reason']}", "quiet", "snooze"))
    if r["assignee"]:
        held = f", since {words.when(r['claimed_at'])}" if r["claimed_at"] else ""
        kit.html(kit.chip(f"held by {'you' if mine else r['assignee']}{held}", "quiet", "person"))
    if not words.missing(r["lookalike"]):
        kit.html(
            kit.chip(
                f"looks like: {words.hypothesis(r['lookalike'])}", "warn", "balance", "Rule this out before you act"
            )
        )
    kit.title("Why they belong together")
    pairs = zip(list(r["reasons"])[:6], r["reason_kinds"], strict=False)
    kit.html(
        Markup('<ul class="sw-list">{}</ul>').format(
            Markup("").join(Markup("<li>{}</li>").format(kit.kind(kind, words.gist(text, 200))) for text, kind in pairs)
        )
    )
    kit.title("Speaks against")
    kit.html(kit.bullets(list(r["against"]), "Nothing found that speaks against; that is not proof."))
    kit.title("Size and time")
    tokens = float(r["input_tokens"]) + float(r["output_tokens"])
    kit.html(
        kit.facts(
            [
                ("Accounts", f"{words.full(r['size'])}, {words.full(r['core_size'])} in the core"),
                ("Requests", f"{words.full(r['requests'])}, {words.number(tokens)} tokens"),
                ("Changed", f"{r['change']}; since your last visit: {since or 'no change'}"),
                ("Active", words.span(r["first_seen"], r["last_seen"])),
                ("Not visible", ", ".join(str(b).split(":")[0] for b in r["blind"]) or "nothing missing"),
            ]
        )
    )


def _nothing(view: str, narrowed: bool, counts: dict[str, int], changed: str) -> None:
    if changed == "since" and not narrowed:
        kit.empty(
            "Nothing changed since your last visit",
            "No cluster of this view is new, larger or smaller than it was then. “Any change” shows all of them.",
            symbol="task_alt",
        )
    elif narrowed or changed != "any":
        kit.empty(
            "Nothing matches", "Clear the search, or choose another tier, change or view.", symbol="filter_alt_off"
        )
    elif counts["all"] == 0:
        kit.empty(
            "This run found no clusters",
            "Nothing hangs together more than chance explains. That is a result, not a proof: see on the Data page "
            "what the source cannot tell, import more days, and run detection again.",
            symbol="task_alt",
            button="Go to Data",
        )
    else:
        texts = {
            "open": "Every cluster has a verdict, is snoozed or is held by somebody else. New runs bring new ones.",
            "mine": "You hold no cluster. Press N to take the next one.",
            "new": "Nothing is new or changed against the run before.",
            "snoozed": "Nothing is put aside.",
            "labelled": "No cluster has a label yet. Open one and say what it is.",
        }
        kit.empty(f"Nothing under “{_VIEW_WORDS[view]}”", texts.get(view, ""), symbol="task_alt")
