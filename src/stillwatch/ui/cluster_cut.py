"""Splitting and joining clusters by hand, taking that back, and where an old cluster id went."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import streamlit as st
from markupsafe import Markup

from stillwatch.errors import NothingYet, StillwatchError, UnknownTarget
from stillwatch.ui import kit, navigation, queue_facts, session, state, words
from stillwatch.ui.cluster_facts import Cluster

if TYPE_CHECKING:
    from stillwatch.pipeline.recut import Decided

_NOTE = "_cut_note"


def _recut() -> ModuleType:
    """The pipeline's part; two seconds of imports that only a decision needs."""
    from stillwatch.pipeline import recut

    return recut


def _do(work: Callable[[], Decided], said: Callable[[Decided], str], open_id: Callable[[Decided], str | None]) -> bool:
    """Write a decision down and show it; the note is drawn after the rerun. False with an error box when refused."""
    try:
        with st.spinner("Counting the parts again…"):
            done = work()
    except StillwatchError as e:
        kit.error(e)
        return False
    if done.run is not None:
        session.saw_run(done.run.run_id)
    st.session_state[_NOTE] = (f"{said(done)} {done.waits}".strip(), open_id(done) if done.run else None)
    return True


@st.dialog("Split off as a cluster of its own", width="medium")
def split_dialog(cluster: Cluster, accounts: Sequence[str], because: str = "") -> None:
    """Ask for the reason, then split ``accounts`` off."""
    rest = len(cluster.accounts) - len(accounts)
    requests = cluster.accounts.loc[cluster.accounts["account_id"].isin(list(accounts)), "requests"].sum()
    kit.html(
        Markup("<p style='margin:0'><b>{}</b> with {} leave {}; {} stay. Detection keeps them apart from now on.</p>")
        .format(words.count(len(accounts), "account"), words.number(requests, "requests"), cluster.cluster_id, rest)
    )  # fmt: skip
    with st.form("split", border=False):
        reason = st.text_area("Reason", because, height=88, max_chars=2000, key=f"split_reason_{len(accounts)}",
                              placeholder="What sets them apart? Kept in the audit log")  # fmt: skip
        pressed = st.form_submit_button("Split off", type="primary", icon=":material/call_split:")
    if pressed and _do(
        lambda: _recut().split(
            session.settings(), session.case_store(), cluster.cluster_id, accounts, by=session.who(), reason=reason
        ),
        lambda d: f"{words.count(len(d.cut.moved), 'account')} split off as {d.cut.other_id} ({d.cut.decision_id}).",
        lambda d: d.cut.other_id,
    ):
        state.update(selected=(), dropped=frozenset(), out=(), tab="members")
        st.rerun()


@st.dialog("Join another cluster to this one", width="medium")
def merge_dialog(cluster: Cluster) -> None:
    """Choose a cluster and a reason, then join it to this one."""
    others = queue_facts.queue()
    others = others[others["cluster_id"] != cluster.cluster_id]
    names = {
        str(r["cluster_id"]): f"{r['cluster_id']}  {words.count(int(r['size']), 'account')}, {r['title']}"
        for r in others.to_dict("records")
    }
    with st.form("merge", border=False):
        other = st.selectbox("Cluster", list(names), index=None, format_func=lambda c: words.plain(names[c], 90),
                             placeholder="Which one belongs to this?")  # fmt: skip
        reason = st.text_area("Reason", height=88, max_chars=2000, key="merge_reason",
                              placeholder="What makes them one? Kept in the audit log")  # fmt: skip
        pressed = st.form_submit_button("Join", type="primary", icon=":material/call_merge:")
    if not pressed:
        return
    if other is None:
        st.warning("Choose the cluster that is to be joined to this one.")
    elif _do(
        lambda: _recut().merge(
            session.settings(), session.case_store(), cluster.cluster_id, other, by=session.who(), reason=reason
        ),
        lambda d: f"{d.cut.other_id} joined to {d.cut.cluster_id} ({d.cut.decision_id}).",
        lambda _: None,
    ):
        state.update(selected=(), dropped=frozenset(), out=(), tab="members")
        st.rerun()


@st.dialog("Take a decision back")
def undo_dialog(decision_id: str, what: str) -> None:
    """Ask for the reason, then take a split or merge back."""
    st.text(what)
    with st.form("undo", border=False):
        reason = st.text_input("Reason", key=f"undo_{decision_id}", max_chars=2000,
                               placeholder="Why was it wrong? Both stay in the history")  # fmt: skip
        pressed = st.form_submit_button("Take back", type="primary", icon=":material/undo:")
    if pressed and _do(
        lambda: _recut().undo(session.settings(), session.case_store(), decision_id, by=session.who(), reason=reason),
        lambda d: f"{d.cut.decision_id} was taken back; {d.cut.cluster_id} is as it was.",
        lambda _: None,
    ):
        st.rerun()


def menu(cluster: Cluster) -> None:
    """Popover of the page header: lineage of this cluster, joining, taking back."""
    with st.popover("Lineage", icon=":material/account_tree:", help="Split and joined by hand; take it back here"):
        if st.button("Join another cluster…", key="merge_open", icon=":material/call_merge:", width="stretch"):
            merge_dialog(cluster)
        decisions = session.case_store().cluster_decisions(cluster.cluster_id)
        if decisions.empty:
            st.caption("Nobody split or joined this cluster yet. To split, select accounts, or drop a reason and "
                       "take a part.")  # fmt: skip
        for r in decisions.to_dict("records"):
            what = words_of(r)
            kit.html(
                Markup('<p style="margin:0;opacity:{}">{} <span class="sw-q">{}, {}</span><br>{}</p>').format(
                    "1" if r["stands"] else ".6", what, words.plain(r["decided_by"], 40),
                    words.when(r["decided_at"]), words.plain(r["reason"], 400),
                )
            )  # fmt: skip
            if r["stands"] and st.button(
                f"Take {r['decision_id']} back", key=f"undo_open_{r['decision_id']}", icon=":material/undo:"
            ):
                undo_dialog(str(r["decision_id"]), what)


def words_of(r: Mapping[Hashable, Any]) -> str:
    """One decision in a sentence."""
    if r["action"] == "undo":
        return f"{r['decision_id']}: {r['supersedes']} was taken back"
    n = words.count(int(r["accounts"]), "account")
    if r["action"] == "split":
        return f"{r['decision_id']}: {n} split off {r['cluster_id']} as {r['other_id']}"
    return f"{r['decision_id']}: {r['other_id']} ({n}) joined to {r['cluster_id']}"


def note(cluster: Cluster) -> None:
    """What was decided a moment ago, and decisions that the published run does not show yet."""
    said: tuple[str, str | None] | None = st.session_state.pop(_NOTE, None)
    if said is not None:
        text, other = said
        st.toast(words.md(text, 400), icon=":material/check_circle:")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.success(words.md(text, 400), icon=":material/check_circle:")
            if other:
                st.button(f"Open {other}", key="open_split", icon=":material/hub:", on_click=_open, args=(other,))
    standing, applied = session.case_store().standing_decisions(), cluster.run.manifest.get("decisions") or ()
    if set(standing) == {str(d) for d in applied}:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.warning("The published run does not show all splits and merges that stand.", icon=":material/pending:")
        if st.button("Apply them now", key="apply_cuts", icon=":material/sync:"):
            try:
                with st.spinner("Counting the parts again…"):
                    run = _recut().republish(session.settings(), session.case_store())
            except StillwatchError as e:
                kit.error(e)
                return
            session.saw_run(run.run_id)
            st.rerun()


def _open(cluster_id: str) -> None:
    state.update(cluster=cluster_id)


def successor(cluster_id: str) -> str | None:
    """The cluster that people's decisions put in the place of one that is gone, if the published run has it."""
    now, steps = session.case_store().forwarded(cluster_id)
    if not steps or now not in set(session.frame("clusters")["cluster_id"]):
        return None
    st.session_state.setdefault(_NOTE, (f"An old link: {'; '.join(steps)}.", None))
    return now


def whereabouts(cluster_id: str) -> tuple[str, list[tuple[str, int]]]:
    """For a cluster that the published run lacks: a sentence, and the clusters that have its accounts now, with how
    many each.
    """
    try:
        found = session.case_store().targets.members([cluster_id], None).get(cluster_id)
        accounts = session.frame("accounts")
    except (NothingYet, UnknownTarget):
        found = None
    if found is None:
        return "No earlier run had a cluster of that id either.", []
    run_id, members = found
    now = accounts.loc[accounts["account_id"].isin(members), "cluster_id"]
    homes = [(str(c), int(n)) for c, n in now.value_counts().items()]
    free = len(members) - sum(n for _, n in homes)
    parts = [f"{n:,} are now in {c}" for c, n in homes[:5]]
    parts += [f"{free:,} are in no cluster"] if free else []
    return f"In run {run_id} it had {words.count(len(members), 'account')}: {', '.join(parts)}.", homes[:5]


def gone(e: UnknownTarget, cluster_id: str) -> None:
    """Page of a cluster that is no more: what became of its accounts, and ways on."""
    kit.error(e)
    sentence, homes = whereabouts(cluster_id)
    kit.html(Markup("<p style='margin:0'>{}</p>").format(words.plain(sentence, 600)))
    with st.container(horizontal=True, gap="small"):
        for home, n in homes:
            st.button(f"Open {home} ({n:,})", key=f"open_{home}", icon=":material/hub:", on_click=_open, args=(home,))
        if st.button("Go to the queue", icon=navigation.PAGES["triage"].icon, type="primary"):
            navigation.go("triage", cluster=None)
