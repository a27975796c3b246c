"""Saying what a cluster or some accounts are: the form, the dialog behind the keys, the history of labels."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from markupsafe import Markup

from stillwatch.cases.labels import Statement
from stillwatch.domain import CampaignStatus, LabelValue, TargetType
from stillwatch.errors import StillwatchError
from stillwatch.pipeline.labels import save_label
from stillwatch.ui import kit, navigation, queue_facts, session, words

_NOTE, _GO, _SAVED = "_label_note", "_campaign_to_open", "_labels_saved"


def save(
    target: TargetType, ids: Sequence[str], value: str | None, reason: str, run_id: str, campaign: str | None = None
) -> bool:
    """Save one label per target, all or none; what was done is shown by ``saved_note`` after the rerun.

    A cluster called distillation goes into ``campaign`` when one is named, else it opens its own.
    """
    if value is None:
        st.warning("Choose a label first. “Unsure” is a good answer: it tells the next person that you looked.")
        return False
    if not reason.strip():
        st.warning("A label needs a reason: it is kept in the audit log and read when a decision is appealed.")
        return False
    store, by = session.case_store(), session.who()
    try:
        if target == TargetType.CLUSTER:
            if campaign:
                store.add_to_campaign(campaign, by, reason, cluster_ids=ids)
            done = save_label(session.settings(), store, target, ids[0], value, reason=reason, by=by, run_id=run_id)
            note = f"Saved: {words.label(value)} for {ids[0]}, by {by}."
            if done.campaign_id:
                note += f" Campaign {done.campaign_id} {'was opened for it' if done.opened else 'holds it'}."
            st.session_state[_NOTE] = (note, done.campaign_id)
            if value != LabelValue.UNSURE:
                queue_facts.done_with(ids[0])
        else:
            saved = store.add_labels([Statement(target, i, value, reason, by, run_id=run_id) for i in ids], by)
            same = f" {words.count(saved.unchanged, 'account')} had it already." if saved.unchanged else ""
            note = f"Saved: {words.label(value)} for {words.count(saved.added, 'account')}, by {by}.{same}"
            st.session_state[_NOTE] = (note, None)
    except StillwatchError as e:
        kit.error(e)
        return False
    st.session_state[_SAVED] = st.session_state.get(_SAVED, 0) + 1
    return True


def saved_note() -> None:
    """What was saved by the last action, once, with the way to the campaign it touched."""
    chosen = st.session_state.pop(_GO, None)
    if chosen:
        navigation.go("campaigns", campaign=chosen)
    note: tuple[str, str | None] | None = st.session_state.pop(_NOTE, None)
    if note is None:
        return
    text, campaign = note
    st.toast(words.md(text, 400), icon=":material/check_circle:")  # seen wherever the page is scrolled to
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.success(words.md(text, 400), icon=":material/check_circle:")
        if campaign:
            st.button(
                "Open campaign",
                key="open_campaign",
                icon=":material/folder_special:",
                on_click=_campaign,
                args=(campaign,),
            )


def _campaign(campaign: str) -> None:
    st.session_state[_GO] = campaign


def form(scopes: dict[str, tuple[TargetType, Sequence[str]]], run_id: str) -> None:
    """Label form. ``scopes``: what can be labelled, in words -> (target type, ids). Reruns the page when saved.

    The key names the first target and the labels saved so far: nothing typed for one target is left in another's form.
    """
    first = next(iter(scopes.values()))[1][0]
    key = f"label {first} {st.session_state.get(_SAVED, 0)}"
    with st.form(key, border=False, clear_on_submit=False):
        names = list(scopes)
        scope = names[0]
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            if len(names) > 1:
                scope = st.selectbox(
                    "Label what", names, index=len(names) - 1, key=f"{key}_{len(names)}", label_visibility="collapsed",
                    width=170,
                )  # fmt: skip
            value = st.selectbox(
                "Label", list(LabelValue), index=None, format_func=words.label, key=f"{key}_value",
                placeholder="Label…", label_visibility="collapsed", width=130,
            )  # fmt: skip
            pressed = st.form_submit_button("Save label", type="primary", icon=":material/check:")
        reason = st.text_input(
            "Reason", key=f"{key}_reason", max_chars=2000, label_visibility="collapsed",
            placeholder=f"Reason for labelling {'' if len(names) > 1 else names[0].lower()} (kept in the audit log)",
        )  # fmt: skip
    if pressed:
        target, ids = scopes[scope]
        if save(target, ids, value, reason, run_id):
            st.rerun()


@st.dialog("Label this cluster", width="medium")
def dialog(cluster_id: str, value: str, reasons: Sequence[str], run_id: str, next_id: str | None) -> None:
    """Verdict on a whole cluster: label preset, reason to write, the next item opens when saved."""
    kit.html(
        Markup('<div class="sw-chips">{} {}</div>').format(
            kit.label_chip(value), Markup("for <b>{}</b>").format(cluster_id)
        )
    )
    if reasons:
        kit.html(Markup('<p class="sw-q" style="margin:0">On the table:</p>{}').format(kit.bullets(list(reasons)[:4])))
    with st.form("label_dialog", border=False):
        reason = st.text_area(
            "Reason", height=88, max_chars=2000, placeholder="What decides it for you, in a sentence or two"
        )
        campaign = _campaign_choice(cluster_id) if value == LabelValue.DISTILLATION else None
        go_on = st.checkbox("Open the next in the queue", value=True, disabled=next_id is None)
        pressed = st.form_submit_button("Save label", type="primary", icon=":material/check:")
    if pressed and save(TargetType.CLUSTER, [cluster_id], value, reason, run_id, campaign):
        following = queue_facts.take_next(cluster_id, queue_facts.queue()) if go_on and next_id else None
        if following:
            navigation.go("cluster", cluster=following)
        st.rerun()


def _campaign_choice(cluster_id: str) -> str | None:
    """Which campaign the cluster goes into; None = its own, or the one that holds it already."""
    campaigns = session.case_store().campaigns()
    if campaigns.empty or any(cluster_id in ids for ids in campaigns["cluster_ids"]):
        return None
    running = campaigns[~campaigns["status"].isin([CampaignStatus.CLOSED, CampaignStatus.REJECTED])]
    names = dict(zip(running["campaign_id"], running["name"], strict=True))
    chosen: str | None = st.selectbox(
        "Campaign",
        [None, *names],
        format_func=lambda c: "Open a new campaign" if c is None else f"{c}  {words.plain(names[c], 60)}",
        help="One operator may be behind several clusters: put them into one campaign",
    )
    return chosen


def history(target: TargetType, target_id: str) -> None:
    """Every label the target ever had, newest first; superseded ones are quiet."""
    rows = session.history(target, target_id)
    if rows.empty:
        kit.html(kit.bullets((), f"No label yet for this {target.value}."))
        return
    items = []
    for r in rows.to_dict("records"):
        state = "" if r["stands"] else " (superseded or expired)"
        items.append(
            Markup('<li style="opacity:{}">{} <span class="sw-q">{} · {}{}</span><br>{}</li>').format(
                "1" if r["stands"] else ".6",
                kit.label_chip(str(r["value"])),
                words.plain(r["labeler"], 40),
                words.when(r["labeled_at"]),
                state,
                words.plain(r["reason"], 600),
            )
        )
    kit.html(Markup('<ul class="sw-list">{}</ul>').format(Markup("").join(items)))
