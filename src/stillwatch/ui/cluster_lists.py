"""The lists beside the graph (members, shared values, parts, bridges) and the reason ledger with its switches.

Together the lists hold everything that the graph shows. Ticked rows are a choice inside the selection: they ring nodes
in the graph and say what a label, a split or a drop is for.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from stillwatch.clusters.whatif import WhatIf
from stillwatch.domain import EvidenceKind, TargetType
from stillwatch.ui import cluster_cut, cluster_links, cluster_requests, kit, labelling, ledger, navigation, state, words
from stillwatch.ui.cluster_facts import Cluster, Focus, reasons_in_focus, touched_by

TABS = {"members": "Members", "values": "Values", "parts": "Parts", "bridges": "Bridges"}
_TAB = "list_choice"
_HEIGHT, _LINE = kit.ROW_HEIGHT * 6 + 3, 42
"""Pixels of a list, and of the line of actions that some lists have below them: all tabs are as high."""


def digest(*parts: Any) -> str:
    """A short name for some values, for keys of widgets."""
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()[:12]


def ticked(table: pa.Table, key: str) -> list[str]:
    """Accounts whose rows are ticked in the list of members."""
    chosen = st.session_state.get(key)
    rows = chosen.selection.rows if chosen else []
    return [str(table["account"][r].as_py()) for r in rows if r < len(table)]


def draw(
    cluster: Cluster, filters: state.Filters, seen: Focus, table: pa.Table, key: str, chosen: list[str], now: WhatIf
) -> None:
    """The chosen list, then reasons and label form. ``table``: the members in focus."""
    names = {**TABS, "members": f"Members {len(table):,}"}
    st.session_state[_TAB] = filters.tab  # Back and saved views change it too
    with kit.title_row():
        st.segmented_control(
            "List", list(TABS), format_func=names.__getitem__, key=_TAB, required=True,
            label_visibility="collapsed", on_change=_tab,
        )  # fmt: skip
        st.space("stretch")
        if filters.dropped or filters.out:
            st.button("Count all", key="count_all", icon=":material/replay:", on_click=_count_all,
                      help="Count every reason, value and account again")  # fmt: skip
        if filters.tab == "members":
            _member_actions(cluster, seen, table, chosen, brief=bool(filters.dropped or filters.out))
    if filters.tab == "values":
        _values(cluster, filters, seen)
    elif filters.tab == "parts":
        _parts(cluster, filters, now)
    elif filters.tab == "bridges":
        _bridges(cluster, filters, now)
    else:
        _members(filters, seen, table, key)
    with st.container(height=176, border=False, gap="xsmall"):
        _ledger(cluster, filters, seen, now)
    _label(cluster, seen, chosen)


def _tab() -> None:
    state.update(tab=st.session_state[_TAB] or "members")


def _frame(data: Any, key: str, columns: dict[str, Any], alt: str, height: int = _HEIGHT - _LINE) -> list[int]:
    """One dense list; gives the ticked rows."""
    event: Any = st.dataframe(
        data, key=key, height=height, row_height=kit.ROW_HEIGHT, hide_index=True,
        on_select="rerun", selection_mode="multi-row", alt=alt, column_config=columns,
    )  # fmt: skip
    return [r for r in event.selection.rows if r < len(data)]


# --- members ----------------------------------------------------------------------------------------------------------


def _member_actions(cluster: Cluster, seen: Focus, table: pa.Table, chosen: list[str], *, brief: bool) -> None:
    leaving = chosen if len(chosen) > 1 else sorted(seen.accounts or ())
    if 1 < len(leaving) < len(cluster.accounts) - 1 and st.button(
        "Split off", key="split_members", icon=":material/call_split:",
        help=f"Make these {len(leaving):,} accounts a cluster of their own, with a reason; it can be taken back",
    ):  # fmt: skip
        cluster_cut.split_dialog(cluster, leaving)
    if len(chosen) == 1:
        if st.button("Open account", key="open_account", icon=":material/person_search:", shortcut="O"):
            navigation.go("account", account=chosen[0])
    elif chosen:
        st.button(
            f"Keep {len(chosen)}", key="keep", icon=":material/filter_alt:", on_click=_select, args=(tuple(chosen),),
            help="Make the ticked rows the selection",
        )  # fmt: skip
    if not brief:
        requests = words.number(pc.sum(table["requests"]).as_py() or 0)
        note = "In focus" if seen.accounts is not None else f"{requests} requests"
        kit.html(kit.quiet(note if cluster.bins_soon is not None else f"{note}; days still counted"))


def _members(filters: state.Filters, seen: Focus, table: pa.Table, key: str) -> None:
    if filters.selected and "sel" not in state.to_params(filters):
        st.caption("The selection is too large for a link; it stays in this session.")
    if seen.unknown:
        st.caption(f"{words.count(seen.unknown, 'id')} of the link's selection is not in this cluster.")
    column = kit.column
    _frame(
        table,
        key,
        {
            "account": column("Account", width=92),
            "risk": column("Risk", "score", width=68, help="Probability that the account belongs to a campaign"),
            "trend": column("14 days", "bars", width=60),
            "window": column("In window", "number", width=74, help="Requests inside the brushed window"),
            "requests": column("Requests", "compact", width=60),
            "links": column("Links", "number", width=40, help="Shared values that link it to other members"),
            "role": column("Role", width=52, help="core: links of its own in two views; fringe: in one view only"),
            "label": column("Label", width=84),
            "status": column("Status", width=74),
        },
        "Members in focus, highest score first",
        _HEIGHT,
    )


def _select(nodes: tuple[str, ...]) -> None:
    state.update(selected=nodes)


# --- values, parts, bridges -------------------------------------------------------------------------------------------


def _values(cluster: Cluster, filters: state.Filters, seen: Focus) -> None:
    table = cluster_links.values_table(cluster, seen, filters.hidden)
    column = kit.column
    rows = _frame(
        table.drop(["node", "kind"]),
        f"values_{digest(cluster.cluster_id, filters.selected, filters.window, filters.hidden)}",
        {
            "title": column("Kind", width=72),
            "value": column("Value", width=118),
            "here": column("Here", "number", width=44, help="Members that have it"),
            "everywhere": column("All", "number", width=44, help="Accounts that have it, everywhere"),
            "bits": column("Bits", "bits", width=44, help="Rarity: 10 bits is about 1 account in 1,000"),
            "uses": column("Uses", "compact", width=50, help="Requests or records behind it"),
            "first": column("First", "day", width=84),
            "last": column("Last", "day", width=84),
        },
        "Shared values in focus, rarest first",
    )
    nodes = tuple(str(table["node"][r].as_py()) for r in rows)
    _node_actions(filters, nodes, words.count(len(table), "shared value"), behind=(cluster, seen))


def _node_actions(
    filters: state.Filters, nodes: tuple[str, ...], note: str, behind: tuple[Cluster, Focus] | None = None
) -> None:
    """Select or drop what is ticked, or list the requests behind it (else behind what is in focus)."""
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", height=_LINE - 8, border=False, key="node_actions"
    ):
        kit.html(kit.quiet(note))
        st.space("stretch")
        if behind is not None and st.button(
            "Requests",
            key="requests_open",
            icon=":material/list_alt:",
            help="The requests behind it, without their text",
        ):
            cluster, seen = behind
            picked = nodes or tuple(s for s in seen.selected if s in cluster.sharers_of and s not in cluster.position)
            users = frozenset(a for n in nodes for a in cluster.sharers_of.get(n, ())) if nodes else seen.accounts
            cluster_requests.show(cluster, picked, users, filters.window)
        if nodes:
            st.button(
                f"Select {len(nodes)}", key="select_nodes", icon=":material/filter_alt:", on_click=_select,
                args=(nodes,), help="Show who has it, in graph, members and timeline",
            )  # fmt: skip
            st.button(
                f"Drop {len(nodes)}", key="drop_nodes", icon=":material/block:", on_click=_drop_nodes, args=(nodes,),
                help="Do not count it and see what is left",
            )  # fmt: skip
        elif filters.out:
            st.button(f"Count {words.count(len(filters.out), 'dropped node')} again", key="count_nodes",
                      icon=":material/replay:", on_click=_restore_nodes)  # fmt: skip


def _drop_nodes(nodes: tuple[str, ...]) -> None:
    state.update(out=tuple(dict.fromkeys((*state.current().out, *nodes))))


def _restore_nodes() -> None:
    state.update(out=())


def _parts(cluster: Cluster, filters: state.Filters, now: WhatIf) -> None:
    table = cluster_links.parts_table(cluster, now)
    column = kit.column
    rows = _frame(
        table.drop(columns="part"),
        f"parts_{digest(cluster.cluster_id, filters.dropped, filters.out)}",
        {
            "name": column("Part", width=84),
            "accounts": column("Accounts", "number", width=66),
            "requests": column("Requests", "compact", width=66),
            "values": column("Values", "number", width=52, help="Shared values inside the part"),
            "kinds": column("Held by", "list", width=190),
        },
        "Parts that are left, largest first",
    )
    chosen = tuple(a for r in rows for a in cluster_links.accounts_of(cluster, now, int(table["part"].iloc[r])))
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", height=_LINE - 8, border=False, key="part_actions"
    ):
        kit.html(kit.quiet("connected by what counts" if not chosen else words.count(len(chosen), "account")))
        st.space("stretch")
        if chosen:
            st.button("Select", key="select_part", icon=":material/filter_alt:", on_click=_select, args=(chosen,))
            if len(chosen) < len(cluster.accounts) and st.button(
                "Split off", key="split_part", icon=":material/call_split:"
            ):
                cluster_cut.split_dialog(cluster, chosen, _why(filters))


def _why(filters: state.Filters) -> str:
    """Where the parts come from, as the beginning of a reason."""
    gone = [words.evidence(k).lower() for k in EvidenceKind if k in filters.dropped]
    gone += [words.count(len(filters.out), "single node")] if filters.out else []
    return f"Without {' and '.join(gone)} these accounts are not tied to the others. " if gone else ""


def _bridges(cluster: Cluster, filters: state.Filters, now: WhatIf) -> None:
    table = cluster_links.bridges_table(now)
    column = kit.column
    rows = _frame(
        table.drop(columns="node"),
        f"bridges_{digest(cluster.cluster_id, filters.dropped, filters.out)}",
        {
            "name": column("Value or account", width=150),
            "kind": column("Kind", width=84),
            "cuts": column("Takes off", "number", width=66, help="Accounts that would not be tied to the largest part"),
            "apart": column("Pieces", width=120, help="Accounts in each piece without it"),
        },
        "Bridges: what alone holds parts together",
    )
    note = "each alone holds these pieces together" if len(table) else "nothing hangs on a single value or account"
    _node_actions(filters, tuple(str(table["node"].iloc[r]) for r in rows), note)


# --- reasons ----------------------------------------------------------------------------------------------------------

_VERDICTS = {
    "holds": ("good", "link", "Holds"), "splits": ("warn", "call_split", "Splits"),
    "shrinks": ("warn", "compress", "Shrinks"), "dissolves": ("bad", "scatter_plot", "Dissolves"),
}  # fmt: skip


def _ledger(cluster: Cluster, filters: state.Filters, seen: Focus, now: WhatIf) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="ledger_head"):
        if filters.dropped or filters.out:
            _outcome(cluster, filters, now)
        else:
            kit.title("Why these are linked", "switch one off to see what is left")
    chosen = next((k for k in cluster.weights if filters.selected and filters.selected == touched_by(cluster, k)), None)
    ledger.draw(
        cluster.reason_rows,
        reasons_in_focus(cluster, seen),
        in_focus=None if seen.accounts is None else len(seen.accounts),
        hidden=filters.hidden,
        dropped=filters.dropped,
        chosen=chosen,
        on_chosen=lambda: _chosen(cluster),
        on_switched=_switched,
        key="ledger",
    )


def _outcome(cluster: Cluster, filters: state.Filters, now: WhatIf) -> None:
    """What is left without the dropped reasons: one chip, the weight, and the way back."""
    word, meaning = cluster_links.verdict(cluster, now)
    tone, symbol, title = _VERDICTS[word]
    left, whole, views = cluster_links.weight(cluster, filters.dropped)
    kit.html(kit.chip(f"{title}: {meaning}", tone, symbol, "Accounts still connected by the shared values that count"))
    weight = f"{left:.0f} of {whole:.0f} bits, {words.count(views, 'view')}"
    thin = views < 2 <= cluster_links.weight(cluster, ())[2]
    kit.html(kit.chip(weight, "warn", None, "An alarm needs two independent views") if thin else kit.quiet(weight))


def _count_all() -> None:
    state.update(dropped=frozenset(), out=())


def _chosen(cluster: Cluster) -> None:
    kind = str((st.session_state["ledger"].chosen or {}).get("kind", ""))
    rests_on = touched_by(cluster, kind)
    state.update(selected=() if rests_on == state.current().selected else rests_on)


def _switched() -> None:
    kind = str((st.session_state["ledger"].switched or {}).get("kind", ""))
    if kind in {k.value for k in EvidenceKind}:
        state.update(dropped=state.current().dropped ^ {EvidenceKind(kind)})


def _label(cluster: Cluster, seen: Focus, chosen: list[str]) -> None:
    scopes: dict[str, tuple[TargetType, Any]] = {"The whole cluster": (TargetType.CLUSTER, [cluster.cluster_id])}
    if seen.accounts:
        scopes[f"{words.count(len(seen.accounts), 'account')} in focus"] = (TargetType.ACCOUNT, sorted(seen.accounts))
    if chosen:
        scopes[f"{words.count(len(chosen), 'ticked account')}"] = (TargetType.ACCOUNT, chosen)
    labelling.form(scopes, cluster.run.run_id)


def members_key(cluster: Cluster, filters: state.Filters) -> str:
    """Key of the list of members: another selection is another list, with nothing ticked."""
    return f"members_{digest(cluster.cluster_id, filters.selected, filters.window)}"
