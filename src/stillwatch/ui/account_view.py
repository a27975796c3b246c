"""The account page: who it is, why its score, what it did when, what it shares with whom, its labels and requests."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from stillwatch.domain import TargetType
from stillwatch.errors import StillwatchError
from stillwatch.signals.compute import SIGNALS
from stillwatch.ui import account_facts, kit, labelling, look, navigation, person, session, words
from stillwatch.ui.account_facts import Account
from stillwatch.ui.kit import Figure

_SPLITS = {"model": "By model", "capability": "By what it asks", "status": "By outcome"}
_SHOWN_REQUESTS = 200
_REVEALED = "_revealed_prompts"


def search_box(account_id: str | None) -> None:
    """Find another account by its whole id."""
    text = st.text_input(
        "Account id", key="account_search", label_visibility="collapsed", icon=":material/search:", width=250,
        placeholder="Account id, or a part of it", max_chars=2000,
    )  # fmt: skip
    if text and text.strip() and text.strip() != account_id and text != st.session_state.get("_account_searched"):
        st.session_state["_account_searched"] = text
        navigation.go("account", account=text.strip())


def nobody(wanted: str | None, problem: str | None) -> None:
    """No account chosen, or an unknown one: say so and offer the likely ones."""
    with kit.header("Account", symbol="person_search", subtitle=navigation.PAGES["account"].question):
        search_box(wanted)
        person.menu()
    if problem:
        st.warning(words.md(words.sentence(problem), 500), icon=":material/person_off:")
    found = account_facts.search(wanted or "")
    if found.empty and wanted:
        kit.title("No id of this run holds that text", "accounts with the highest score instead")
        found = account_facts.search("")
    else:
        kit.title("Accounts", "ids that hold the text" if wanted else "highest score first; tick one to open it")
    column = kit.column
    event = st.dataframe(
        found[["account_id", "score", "cluster_id", "role", "requests", "plan", "status", "last_seen"]],
        hide_index=True, row_height=kit.ROW_HEIGHT, height=520, on_select="rerun", selection_mode="single-row",
        key="accounts_found", alt="Accounts of the run",
        column_config={
            "account_id": column("Account", width=220),
            "score": column("Score", "score", width=110),
            "cluster_id": column("Cluster", width=90),
            "role": column("Role", width=70),
            "requests": column("Requests", "number", width=90),
            "plan": column("Plan", width=90),
            "status": column("Status", width=90),
            "last_seen": column("Last request", "time", width=150),
        },
    )  # fmt: skip
    rows = event.selection.rows
    if rows and rows[0] < len(found):
        navigation.go("account", account=str(found["account_id"].iat[rows[0]]))


def header(account: Account, labels: pd.DataFrame) -> None:
    """Identity, verdict so far, way to the cluster."""
    row = account.row or {}
    said = session.label_of(TargetType.ACCOUNT, account.account_id, labels)
    chips = [
        kit.chip(
            words.chance(row.get("score")), _tone(row.get("score")), None, "Probability of being part of a campaign"
        )
    ]
    if not account.row:
        chips = [kit.chip("not in this run", "warn", "update", "Imported after the run, or later than its as-of time")]
    if row.get("role") and not words.missing(row["role"]):
        chips.append(
            kit.chip(str(row["role"]), "info", "hub", "core: links of its own in two views; fringe: in one only")
        )
    status = row.get("status")
    if status and not words.missing(status):
        chips.append(kit.chip(str(status), "bad" if status in ("banned", "suspended") else "quiet", "badge"))
    if account.row and not row.get("known", True):
        chips.append(kit.chip("not in the accounts table", "warn", "question_mark", "Only requests name it"))
    if said:
        chips.append(kit.label_chip(str(said["value"]), str(said["labeler"])))
    owner = row.get("owner")
    subtitle = (
        f"belongs openly to: {owner}"
        if owner and not words.missing(owner)
        else "stands alone: no open owner was inferred"
    )
    with kit.header(account.account_id, symbol="person", chips=chips, subtitle=subtitle):
        search_box(account.account_id)
        if account.cluster_id and st.button(
            account.cluster_id,
            key="to_cluster",
            icon=":material/hub:",
            shortcut="O",
            help="Open its cluster with this account selected",
        ):
            navigation.go("cluster", cluster=account.cluster_id, selected=(account.account_id,))
        person.menu()
    labelling.saved_note()


def _tone(score: Any) -> str:
    if score is None or words.missing(score):
        return "quiet"
    return "bad" if score >= 0.8 else "warn" if score >= 0.45 else "quiet"


def figures(account: Account) -> None:
    """The strip of numbers."""
    row = account.row or account_facts.profile(account.account_id)
    requests = float(row.get("requests") or len(account.requests))
    days = row.get("active_days")
    tokens = float(row.get("input_tokens") or 0) + float(row.get("output_tokens") or 0)
    shared = account.shared
    rare = shared[shared["sharers"] > 1]
    kit.figures(
        [
            Figure("Requests", words.number(requests), _rate(requests, days)),
            Figure("Tokens", words.number(tokens), f"{words.number(float(row.get('output_tokens') or 0))} out"),
            Figure("Active", words.span(row.get("first_seen"), row.get("last_seen")),
                   words.count(days, "active day") if days else ""),
            Figure("Signed up", words.day(row.get("created_at")), _wait(row)),
            Figure("Plan", str(_known(row, "plan")), f"pathway: {_known(row, 'channel')}"),
            Figure("Shares", words.count(len(rare), "value"), f"of {words.full(len(shared))} seen with it"),
        ]
    )  # fmt: skip


def _known(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return "not known" if value is None or words.missing(value) else words.plain(value, 40)


def _rate(requests: float, days: float | None) -> str:
    return f"{words.number(requests / days)} a day when active" if days else ""


def _wait(row: dict[str, Any]) -> str:
    created, first = row.get("created_at"), row.get("first_seen")
    if words.missing(created) or words.missing(first) or created is None or first is None:
        return ""
    return f"first request after {words.duration(first - created)}"


def activity(account: Account) -> None:
    """Requests a day, split; and why the score is what it is."""
    left, right = st.columns([1.72, 1], gap="small")
    with left.container(border=True, gap="xsmall", height=304):
        with kit.title_row():
            kit.title("Requests a day", _span_note(account))
            st.space("stretch")
            by = st.segmented_control(
                "Split", list(_SPLITS), format_func=_SPLITS.__getitem__, default="model",
                key="account_split", persist_state="session",
                label_visibility="collapsed", required=True,
            )  # fmt: skip
        _chart(account, by or "model")
    with right.container(border=True, gap="small", height=304):
        row = account.row or {}
        kit.title("Why this score", words.chance_word(row.get("score")))
        kit.html(kit.bullets(list(row.get("reasons", ())), "Nothing ties it to other accounts in this run."))
        kit.title("Speaks against")
        kit.html(kit.bullets(list(row.get("against", ())), "Nothing found that speaks against; that is not proof."))


def _span_note(account: Account) -> str:
    if len(account.requests) >= account_facts.MAX_REQUESTS:
        return f"the newest {account_facts.MAX_REQUESTS:,} requests"
    return words.count(len(account.requests), "request")


def _chart(account: Account, by: str) -> None:
    daily = account.daily(by)
    if daily.empty:
        kit.html(
            kit.bullets(
                (), "No requests of this account were imported: only identifiers or the accounts table name it."
            )
        )
        return
    daily = daily.assign(day=daily["day"].dt.tz_localize("UTC"))
    bars = (
        alt.Chart(daily)
        .mark_bar(cornerRadiusTopLeft=1, cornerRadiusTopRight=1)
        .encode(
            x=alt.X(
                "utcyearmonthdate(day):T", title=None, axis=alt.Axis(format="%d %b", grid=False, labelOverlap=True)
            ),
            y=alt.Y("requests:Q", title=None, axis=alt.Axis(tickCount=4)),
            color=alt.Color("part:N", title=None, legend=alt.Legend(orient="top", columns=8, symbolSize=60, offset=2)),
            tooltip=[
                alt.Tooltip("day:T", format="%d %b %Y"),
                alt.Tooltip("part:N", title=_SPLITS[by].lower()),
                alt.Tooltip("requests:Q", format=","),
            ],
        )
        .properties(height=232)
    )
    with st.container(key="plain_chart_account"):
        st.altair_chart(bars, key="account_daily", alt=f"Requests a day {_SPLITS[by].lower()}")


@st.fragment
def sharing(account: Account) -> None:
    """What it shares, and with whom: tick a value to see its other accounts, tick an account to open it."""
    left, right = st.columns([1.3, 1], gap="small")
    table = account.shared
    with left.container(border=True, gap="xsmall", height=304):
        kit.title("Identifiers and shared values", "rarest first; tick one to see who shares it")
        if table.empty:
            kit.html(kit.bullets((), "Nothing is known that it was seen with: the source names no identifiers for it."))
            chosen: list[int] = []
        else:
            chosen = _shared_table(table, account.account_id)
    with right.container(border=True, gap="xsmall", height=304):
        if not chosen:
            kit.title("Shared by")
            kit.html(kit.bullets((), "Tick a value on the left."))
            return
        row = {str(k): v for k, v in table.iloc[chosen[0]].to_dict().items()}
        others = account_facts.neighbours(account, row)
        token = str(row["value"]).partition(":")[2] or str(row["value"])
        value = f"{look.mark(row['evidence']).title.lower()} {words.short(token, 20)}"
        kit.title("Shared by", f"{words.count(len(others), 'other account')} with {value}")
        if others.empty:
            kit.html(kit.bullets((), "No other account has it."))
            return
        _neighbours(others, f"{account.account_id} {row['kind']} {row['value']}")


def _shared_table(table: pd.DataFrame, account_id: str) -> list[int]:
    shown = table.assign(
        value=[str(v).partition(":")[2] or str(v) for v in table["value"]],  # without the kind that stands beside it
        kind=[f"{look.mark(e).glyph} {k}" for e, k in zip(table["evidence"], table["kind"], strict=True)],
    )
    column = kit.column
    event = st.dataframe(
        shown[["kind", "value", "sharers", "bits", "uses", "first", "last"]],
        hide_index=True, row_height=kit.ROW_HEIGHT, height=242, on_select="rerun", selection_mode="single-row",
        key=f"shared_{account_id}", placeholder="", alt="Identifiers and shared values of the account",
        column_config={
            "kind": column("Kind", width=104),
            "value": column("Value (token)", width=150),
            "sharers": column("Accounts", "number", width=74, help="Accounts that have it, everywhere"),
            "bits": column("Bits", "bits", width=58, help="Rarity; empty for values that did not survive as a link"),
            "uses": column("Uses", "number", width=58, help="Requests or records behind the link"),
            "first": column("First", "day", width=92),
            "last": column("Last", "day", width=92),
        },
    )  # fmt: skip
    return [r for r in event.selection.rows if r < len(table)]


def _neighbours(others: pd.DataFrame, value: str) -> None:
    column = kit.column
    event = st.dataframe(
        others[["account_id", "score", "cluster_id", "requests", "status"]],
        hide_index=True, row_height=kit.ROW_HEIGHT, height=242, on_select="rerun", selection_mode="single-row",
        key=f"neighbours_{value}", alt="Other accounts with the chosen value",
        column_config={
            "account_id": column("Account", width=150),
            "score": column("Score", "score", width=90),
            "cluster_id": column("Cluster", width=84),
            "requests": column("Requests", "compact", width=74),
            "status": column("Status", width=80),
        },
    )  # fmt: skip
    rows = [r for r in event.selection.rows if r < len(others)]
    if rows:
        navigation.go("account", account=str(others["account_id"].iat[rows[0]]))


def habits(account: Account) -> None:
    """Templates, how it compares with everybody, and the label form with its history."""
    left, middle, right = st.columns([1.1, 1.1, 1], gap="small")
    column = kit.column
    with left.container(border=True, gap="xsmall", height=304):
        kit.title("Templates", words.count(len(account.templates), "wording"))
        if account.templates.empty:
            kit.html(kit.bullets((), "No prompt templates: the source has no prompts and no template hashes."))
        else:
            st.dataframe(
                account.templates[["template", "requests", "share", "asks", "last"]].head(200),
                hide_index=True, row_height=kit.ROW_HEIGHT, height=242, alt="Prompt templates of the account",
                column_config={
                    "template": column("Template", width=100),
                    "requests": column("Requests", "number", width=64),
                    "share": column("Share", "share", width=50),
                    "asks": column("Asks for", "list", width=86),
                    "last": column("Last", "day", width=84),
                },
            )  # fmt: skip
    with middle.container(border=True, gap="xsmall", height=304):
        kit.title("Beside all accounts", "oddest first; 50 is the middle")
        _compared(account)
    with right.container(border=True, gap="small", height=304):
        kit.title("Label")
        labelling.form({"This account": (TargetType.ACCOUNT, [account.account_id])}, account.run.run_id)
        labelling.history(TargetType.ACCOUNT, account.account_id)


def _short_meaning(signal: str) -> str:
    """What a signal means, as short as a column; the unit beside it says that it is a share."""
    meaning = SIGNALS[signal].meaning if signal in SIGNALS else signal.replace("_", " ")
    return meaning.removeprefix("share of requests whose ")


def _compared(account: Account) -> None:
    table = account.compared
    if table.empty:
        kit.html(kit.bullets((), "No signals: the account had no request up to the run's time."))
        return
    units = {s.name: s.unit for s in SIGNALS.values()}
    shown = table.assign(
        what=[_short_meaning(n) for n in table["signal"]],
        unit=[units.get(n, "") for n in table["signal"]],
        rank=table["rank"] * 100,
    )
    column = kit.column
    st.dataframe(
        shown[["what", "rank", "value", "median", "unit"]],
        hide_index=True, row_height=kit.ROW_HEIGHT, height=242, alt="Signals of the account beside all accounts",
        column_config={
            "what": column("Signal", width=178),
            "value": column("Value", "number", width=56, format="%.3g"),
            "median": column("Median", "number", width=58, format="%.3g"),
            "unit": column("Unit", width=52),
            "rank": column(
                "Rank", "score", width=74, min_value=0, max_value=100, format="%.0f", help="Accounts below it, %"
            ),
        },
    )  # fmt: skip


def requests(account: Account) -> None:
    """Recent requests; prompt text only where it was kept, and only after a reason went into the audit log."""
    with st.container(border=True, gap="xsmall"):
        shown = account.requests.head(_SHOWN_REQUESTS)
        kit.title("Recent requests", f"newest {len(shown):,} of {len(account.requests):,}; prompt text is hidden")
        if shown.empty:
            kit.html(kit.bullets((), "No requests of this account were imported."))
            return
        asks = pd.Series(account.capability_names[: len(shown)], index=shown.index, dtype=object)
        column = kit.column
        st.dataframe(
            shown.assign(asks=asks).drop(columns=["capabilities"]),
            hide_index=True, row_height=kit.ROW_HEIGHT, height=320, alt="Recent requests of the account",
            column_config={
                "ts": column("Time (UTC)", "time", width=140, format="D MMM YYYY, HH:mm:ss"),
                "model": column("Model", width=110), "status": column("Outcome", width=84),
                "asks": column("Asks for", "list", width=150), "client": column("Client", width=120),
                "ip": column("Address (token)", width=120), "asn": column("Network", width=100),
                "session_id": column("Session", width=100), "input_tokens": column("In", "number", width=60),
                "output_tokens": column("Out", "number", width=60), "tool_count": column("Tools", "number", width=54),
                "template": column("Template", width=120), "prompt_chars": column("Chars", "number", width=60),
                "request_id": column("Request", width=110),
            },
        )  # fmt: skip
        _prompts(account)


def _prompts(account: Account) -> None:
    if not account.prompts_kept:
        kit.html(kit.quiet("No prompt text was kept at import; fingerprints and lengths are all there is."))
        return
    open_for: dict[str, int] = st.session_state.setdefault(_REVEALED, {})
    if account.account_id in open_for:
        texts = account_facts.reveal(account.account_id, open_for[account.account_id])
        st.dataframe(texts, hide_index=True, height=300, alt="Prompt text, revealed with a reason",
                     column_config={"prompt": kit.column("Prompt", width=900)})  # fmt: skip
        return
    with st.form("reveal", border=False), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        reason = st.text_input(
            "Reason for reading prompt text", max_chars=2000, width=420,
            placeholder="Why must somebody read what was asked? Goes into the audit log",
        )  # fmt: skip
        many = st.number_input("Requests", 1, 500, 20, width=110)
        pressed = st.form_submit_button("Reveal prompt text", icon=":material/visibility:")
    if not pressed:
        return
    if not reason.strip():
        st.warning("Say why: relayed traffic holds other people's words.")
        return
    try:
        rows = min(int(many), account.prompts_kept)
        session.case_store().record_reveal(TargetType.ACCOUNT, account.account_id, rows, session.who(), reason)
    except StillwatchError as e:
        kit.error(e)
        return
    open_for[account.account_id] = rows
    st.rerun()
