"""The audit page: filters, the log page by page, one row in full, the check of the chain, the log as a file."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st
from markupsafe import Markup

from stillwatch.cases.store import CaseStore
from stillwatch.errors import StillwatchError
from stillwatch.ui import audit_facts as facts
from stillwatch.ui import kit, navigation, person, session, words
from stillwatch.ui.audit_facts import Shown
from stillwatch.ui.campaigns_view import now

_CHECKED = "_audit_checked"
_OUTCOMES = {"done": "Done", "refused": "Refused"}
HEIGHT = 450


def header(store: CaseStore) -> None:
    """Title, the check of the chain, who is here."""
    with kit.header("Audit", symbol="policy", subtitle=navigation.PAGES["audit"].question):
        if st.button("Check the chain", icon=":material/link:", type="primary", shortcut="K", key="audit_check",
                     help="Reads every row and checks that each follows from the one before"):  # fmt: skip
            _check(store)
        person.menu()
    kit.problems(facts.problems())
    checked: facts.Checked | None = st.session_state.get(_CHECKED)
    if checked is not None:
        show, icon = (st.success, ":material/verified:") if checked.whole else (st.error, ":material/link_off:")
        show(words.md(f"{checked.text} Checked {words.when(checked.at, seconds=True)}.", 700), icon=icon)


def _check(store: CaseStore) -> None:
    try:
        with st.spinner("Reading every row of the log"):
            whole, broken = store.verify_chain()
            length, head = store.chain_head()
    except StillwatchError as e:
        st.session_state[_CHECKED] = facts.Checked(False, words.sentence(str(e)), 0, now())
        return
    text = facts.chain_words(whole, broken, length, head)
    st.session_state[_CHECKED] = facts.Checked(whole, text, length, now())


def filters(store: CaseStore, shown: Shown) -> None:
    """Person, action, target, outcome, words and days, on one line; each choice counts at once."""
    known = store.trail_words()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _one("Person", "actor", {a: words.plain(a, 40) for a in known["actor"]}, shown.actor, 140)
        _one("Did", "action", {a: words.sentence(facts.action_words(a)) for a in known["action"]}, shown.action, 180)
        _one("To", "target_type", {t: words.sentence(words.plain(t, 30)) for t in known["target_type"]},
             shown.target_type, 115)  # fmt: skip
        _one("Outcome", "outcome", _OUTCOMES, shown.outcome, 110)
        st.text_input(
            "Words in target, reason or details", key=_set("audit_search", shown.search), width=210, max_chars=200,
            icon=":material/search:", placeholder="Id, word of a reason…",
            on_change=lambda: facts.change(search=st.session_state["audit_search"].replace("\x00", "")),
        )  # fmt: skip
        for title, name, value in (("From", "since", shown.since), ("to", "until", shown.until)):
            st.date_input(
                title, value=value, key=_set(f"audit_{name}", value), format="YYYY-MM-DD", width=126, on_change=_days
            )
        if shown != Shown(page=shown.page):
            st.button("Clear", key="audit_clear", icon=":material/filter_alt_off:", shortcut="Escape", on_click=_clear)


def _set(key: str, value: object) -> str:
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return key


def _one(title: str, name: str, options: dict[str, str], chosen: str, width: int) -> None:
    known = options if not chosen or chosen in options else {**options, chosen: words.plain(chosen, 40)}
    key = _set(f"audit_{name}", chosen or None)
    st.selectbox(
        title, list(known), key=key, format_func=lambda v: known.get(v, v), placeholder="any", width=width,
        on_change=lambda: facts.change(**{name: st.session_state[key] or ""}),
    )  # fmt: skip


def _days() -> None:
    since, until = st.session_state["audit_since"], st.session_state["audit_until"]
    if since and until and since > until:
        st.toast("The first day is after the last; choose another.")
        return
    facts.change(since=since, until=until)


def _clear() -> None:
    facts.change(**{n: getattr(Shown(), n) for n in ("actor", "action", "outcome", "target_type", "search", "since")},
                 until=None)  # fmt: skip


@st.fragment
def log(store: CaseStore) -> None:
    """The rows, and one of them in full."""
    shown = facts.current()  # turning a page reruns this alone
    wanted = shown.wanted()
    total = store.trail_length(wanted)
    pages = max(-(-total // facts.PAGE), 1)
    at = min(shown.page, pages)
    with kit.title_row():
        kit.title("Log", f"{words.count(total, 'row')}, newest first")
        st.space("stretch")
        st.button("Back", key="audit_back", icon=":material/chevron_left:", disabled=at <= 1,
                  on_click=lambda: facts.change(page=at - 1))  # fmt: skip
        st.html(str(kit.quiet(f"{at:,} of {pages:,}")), width="content")
        st.button("On", key="audit_on", icon=":material/chevron_right:", disabled=at >= pages,
                  on_click=lambda: facts.change(page=at + 1))  # fmt: skip
        st.download_button(
            "CSV", lambda: _export(store, shown), "audit-log.csv", "text/csv", icon=":material/download:",
            on_click="ignore", key="audit_csv", disabled=not 0 < total <= facts.EXPORT_LIMIT,
            help=f"All rows of this answer, up to {facts.EXPORT_LIMIT:,}; taking them out goes on record",
        )  # fmt: skip
    if not total:
        kit.empty(
            "Nothing on record" if shown == Shown() else "No row of the log fits",
            "Labels, claims, statuses, exports and looks at prompt text appear here as they happen, with who and why."
            if shown == Shown()
            else "Take a filter away, or widen the days.",
            symbol="policy",
            button="Go to the queue" if shown == Shown() else None,
            page="triage",
        )
        return
    rows = store.trail(wanted, (at - 1) * facts.PAGE, facts.PAGE)
    left, right = st.columns([2.5, 1], gap="small")
    with left.container(height=HEIGHT, border=False, key="fit_audit_rows"):
        chosen = _table(rows)
    with right:
        _in_full(rows.iloc[chosen])


def _table(rows: pd.DataFrame) -> int:
    shown = pd.DataFrame(
        {
            "seq": rows["seq"],
            "at": rows["at"],
            "actor": [words.plain(a, 60) for a in rows["actor"]],
            "what": [words.sentence(facts.action_words(a)) for a in rows["action"]],
            "target": [f"{t} {words.plain(i, 80)}".strip() for t, i in
                       zip(rows["target_type"], rows["target_id"], strict=True)],
            "outcome": [_OUTCOMES.get(o, words.plain(o, 20)) for o in rows["outcome"]],
            "reason": [words.plain(r, 300) for r in rows["reason"]],
            "details": [facts.in_brief(d) for d in rows["details"]],
        }
    )  # fmt: skip
    column = kit.column
    event = st.dataframe(
        shown, hide_index=True, row_height=kit.ROW_HEIGHT, height="stretch", on_select="rerun",
        selection_mode="single-row", key=f"audit_rows_{rows['seq'].iloc[0]}_{len(rows)}", alt="Rows of the audit log",
        column_config={
            "seq": column("Row", "number", width=60), "at": column("When (UTC)", "time", width=140),
            "actor": column("Who", width=100), "what": column("Did", width=150), "target": column("To", width=150),
            "outcome": column("Outcome", width=72), "reason": column("Why", width=260),
            "details": column("Details", width=260),
        },
    )  # fmt: skip
    return next((r for r in event.selection.rows if r < len(rows)), 0)


def _in_full(row: pd.Series) -> None:
    """Everything that one row says, and the way to what it is about."""
    with st.container(border=True, height=HEIGHT, gap="small", key="fit_audit_row"):
        kit.title(f"Row {int(row['seq']):,}", "tick another on the left")
        chips = [
            kit.chip(_OUTCOMES.get(row["outcome"], row["outcome"]), "bad" if row["outcome"] == "refused" else "good")
        ]
        kit.html(
            Markup('<div class="sw-chips"><b>{}</b> {} {}</div>').format(
                words.plain(row["actor"], 80), facts.action_words(row["action"]), Markup("").join(chips)
            )
        )
        kit.html(
            kit.facts(
                [
                    ("When", words.when(row["at"], seconds=True)),
                    ("Target", f"{row['target_type']} {words.plain(row['target_id'], 300)}"),
                    (
                        "Why" if row["outcome"] == "done" else "Refused because",
                        row["reason"] or "no reason was asked for",
                    ),
                    *facts.detail_pairs(row["details"]),
                    ("Hash", f"{row['hash'][:16]}…"),
                ]
            )
        )
        _way_there(str(row["target_type"]), str(row["target_id"]))


def _way_there(kind: str, name: str) -> None:
    if kind == "account" and name:
        if st.button("Open the account", key="audit_account", icon=navigation.PAGES["account"].icon):
            navigation.go("account", account=name)
    elif kind == "cluster" and re.fullmatch(r"C-[0-9A-Za-z]{1,24}", name):
        if st.button("Open the cluster", key="audit_cluster", icon=navigation.PAGES["cluster"].icon):
            navigation.go("cluster", cluster=name)
    elif kind == "campaign" and re.fullmatch(r"K-[0-9]{1,9}", name):
        if st.button("Open the campaign", key="audit_campaign", icon=navigation.PAGES["campaigns"].icon):
            navigation.go("campaigns", campaign=name)
    elif kind == "search" and st.button("Go to Hunt", key="audit_hunt", icon=navigation.PAGES["hunt"].icon):
        navigation.go("hunt")


def _export(store: CaseStore, shown: Shown) -> bytes:
    rows = store.trail(shown.wanted(), 0, facts.EXPORT_LIMIT)
    store.record_export("audit", len(rows), session.who(), filters=facts.to_params(shown))
    return facts.to_csv(rows)
