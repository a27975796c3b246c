"""What the hunt page shows, as data: the answer to its question, cached; words for kinds and questions; the drawing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from scipy import sparse

from stillwatch.domain import UNATTRIBUTED, LabelValue, evidence_kind
from stillwatch.graph import layout
from stillwatch.pipeline.search import Hunt, Page
from stillwatch.signals.sightings import DAY, REQUEST_KINDS
from stillwatch.ui import canvas, session, words
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.searching import Search, Term

PAGE = 100
"""Accounts on one page of an answer."""
DRAWN_ACCOUNTS, DRAWN_VALUES = 160, 80
"""The most that a drawing of an answer holds; more is a hair ball, and the table has them all."""
LABEL_LIMIT = 20_000
"""Accounts that one bulk label may reach."""
KIND_WORDS = {
    "ip": "Client address", "subnet": "Subnet", "asn": "Network (ASN)", "client": "Client", "model": "Model",
    "session": "Conversation", "template": "Prompt template", "system": "System prompt", "outcome": "Outcome",
    "signup_ip": "Sign-up address",
}  # fmt: skip
_EVIDENCE = {
    "ip": "network", "subnet": "network", "asn": "network", "session": "session", "template": "template",
    "system": "system", "client": "client", "model": "model", "outcome": "outcome",
}  # fmt: skip
_HUNT = "_hunt_engine"


def digest(*parts: Any) -> str:
    """A short name for some values: widgets and drawings of one question keep theirs."""
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()[:12]


def hunt(run: Run) -> Hunt:
    """The search engine over a run; one a session, renewed with the run and the warehouse."""
    warehouse = session.warehouse()
    key = (str(run.folder), tuple(sorted(warehouse.versions.items())))
    held: tuple[object, Hunt] | None = st.session_state.get(_HUNT)
    if held is None or held[0] != key:
        held = (key, Hunt(session.settings(), run, warehouse))
        st.session_state[_HUNT] = held
    return held[1]


def kinds(run: Run) -> list[str]:
    """Kinds of values that the run's accounts were seen with, identifiers first."""
    return _kinds(str(run.folder), run)


@st.cache_resource(max_entries=8, show_spinner=False)
def _kinds(folder: str, _run: Run) -> list[str]:
    del folder  # the cache's key
    if not _run.has("sightings"):
        return list(REQUEST_KINDS)
    column = _run.arrow("sightings", columns=["kind"])["kind"]
    found = {str(k) for k in column.unique().to_pylist()} - {DAY}
    return [
        *sorted(found - set(REQUEST_KINDS)),
        *(k for k in REQUEST_KINDS if k in found or k in ("session", "template")),
    ]


def kind_word(kind: str) -> str:
    """A kind of value in words."""
    return KIND_WORDS.get(kind) or words.sentence(words.plain(kind.replace("_", " "), 30))


def evidence_of(kind: str) -> str:
    """Kind of evidence that a kind of value counts as, for its colour and shape."""
    return _EVIDENCE.get(kind) or str(evidence_kind(kind.removesuffix("_on_file")))


def known(run: Run, kind: str) -> list[str]:
    """Values of a kind to choose from, most accounts first."""
    return list(_known(str(run.folder), hunt(run), kind)["value"])


@st.cache_resource(max_entries=64, show_spinner=False)
def _known(folder: str, _hunt: Hunt, kind: str) -> pd.DataFrame:
    del folder
    return _hunt.known(kind)


def words_of_accounts(run: Run, column: str) -> list[str]:
    """Distinct values of plan, channel or status in the run."""
    return _words_of_accounts(str(run.folder), run, column)


@st.cache_resource(max_entries=32, show_spinner=False)
def _words_of_accounts(folder: str, _run: Run, column: str) -> list[str]:
    del folder
    values = _run.arrow("accounts", columns=[column])[column].unique().to_pylist()
    return sorted(str(v) for v in values if v)[:300]


def account_labels(labels: pd.DataFrame) -> dict[str, str]:
    """Label that stands on each labelled account; where people differ, the newest word."""
    own = labels[labels["target_type"] == "account"].drop_duplicates("target_id")
    return dict(zip(own["target_id"], own["value"], strict=True))


# --- answers, cached by run, warehouse and question -----------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """A search together with what it is asked of; equal questions have equal answers."""

    folder: str
    versions: tuple[tuple[str, int], ...]
    search: Search
    labels: str
    """Fingerprint of the labels, where the search asks for labels."""


def question(run: Run, search: Search, labels: Mapping[str, str]) -> Question:
    """The cache key of a search."""
    mark = digest(sorted(labels.items())) if search.label else ""
    return Question(str(run.folder), tuple(sorted(session.warehouse().versions.items())), search, mark)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Question: repr})
def page(asked: Question, number: int, _hunt: Hunt, _labels: Mapping[str, str]) -> Page:
    """One page of found accounts, from 1."""
    return _hunt.page(asked.search, _labels, (number - 1) * PAGE, PAGE)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Question: repr})
def totals(asked: Question, _hunt: Hunt, _labels: Mapping[str, str]) -> dict[str, Any]:
    """Figures over everything found."""
    return _hunt.totals(asked.search, _labels)


@st.cache_resource(max_entries=24, show_spinner=False, hash_funcs={Question: repr})
def shared(asked: Question, _hunt: Hunt, _labels: Mapping[str, str]) -> pd.DataFrame:
    """What the found accounts have in common."""
    return _hunt.shared(asked.search, _labels)


@st.cache_resource(max_entries=24, show_spinner=False, hash_funcs={Question: repr})
def activity(asked: Question, _hunt: Hunt, _labels: Mapping[str, str]) -> pd.DataFrame:
    """Requests a day: day (datetime), part (cluster id, ``other clusters`` or ``no cluster``), requests, accounts."""
    found = _hunt.activity(asked.search, _labels)
    ids = found["cluster_id"].where(found["cluster_id"].notna(), "no cluster")
    busiest = found.assign(part=ids)[ids != "no cluster"].groupby("part")["requests"].sum().nlargest(6).index
    part = ids.where(ids.isin([*busiest, "no cluster"]), "other clusters")
    found = found.assign(part=part, day=pd.to_datetime(found["day"]))
    return found.groupby(["day", "part"], as_index=False)[["requests", "accounts"]].sum()


@dataclass(frozen=True)
class Picture:
    """The drawing of an answer, and the accounts and values in it."""

    drawing: canvas.Drawing
    accounts: pd.DataFrame
    """account_id, links; most links first."""
    neighbours: dict[str, list[str]]
    """Node -> nodes one step away."""


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={Question: repr})
def picture(asked: Question, height: int, _hunt: Hunt, _labels: Mapping[str, str]) -> Picture | None:
    """Found accounts and the values that tie them; null when nothing ties two of them. The same answer, the same
    picture."""
    ids = _hunt.ids(asked.search, _labels, DRAWN_ACCOUNTS)
    values = _hunt.shared(asked.search, _labels, DRAWN_VALUES * 3)
    values = values[~values["kind"].isin(["client", "asn"])].head(DRAWN_VALUES)
    if not ids or values.empty:
        return None
    lines = _hunt.links(ids, values)
    lines = lines[lines.groupby(["kind", "value"])["account_id"].transform("size") > 1]
    if lines.empty:
        return None
    lines = lines.assign(kind=[evidence_of(str(k)) for k in lines["kind"]], value=lines["kind"] + ":" + lines["value"])
    nodes = _nodes(lines)
    name = f"hunt {digest(asked)}"
    drawing = canvas.build(nodes, lines, name=name, family=name, height=height)
    counts = lines.groupby("account_id").size().rename("links").reset_index()
    neighbours: dict[str, list[str]] = {}
    for account, hub in zip(lines["account_id"], lines["kind"] + ":" + lines["value"], strict=True):
        neighbours.setdefault(account, []).append(hub)
        neighbours.setdefault(hub, []).append(account)
    counts = counts.sort_values(["links", "account_id"], ascending=[False, True], ignore_index=True)
    return Picture(drawing, counts, neighbours)


def _nodes(lines: pd.DataFrame) -> pd.DataFrame:
    """Positions and sizes of accounts and values, connected parts apart from each other."""
    hubs = lines["kind"] + ":" + lines["value"]
    accounts = pd.Index(sorted(lines["account_id"].unique()))
    values = pd.Index(sorted(hubs.unique()))
    a = accounts.get_indexer(lines["account_id"])
    v = values.get_indexer(hubs) + len(accounts)
    n = len(accounts) + len(values)
    half = sparse.csr_matrix((np.ones(len(a)), (a, v)), shape=(n, n))
    graph = sparse.csr_matrix(half + half.T)
    _, part = sparse.csgraph.connected_components(graph, directed=False)
    order = np.argsort(-np.bincount(part), kind="stable")
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.arange(len(order))
    xy = layout.draw(graph, group[part])
    kind_of = dict(zip(hubs, lines["kind"], strict=True))
    return pd.DataFrame(
        {
            "node_id": [*accounts, *values],
            "kind": ["account"] * len(accounts) + [kind_of[h] for h in values],
            "label": [*accounts, *(h.rpartition(":")[2] for h in values)],
            "x": xy[:, 0],
            "y": xy[:, 1],
            "degree": np.diff(graph.indptr),
            "group": group[part],
        }
    )


# --- words ----------------------------------------------------------------------------------------------------------

LABEL_WORDS = {"some": "Any label", "none": "No label", **{v.value: words.LABEL_TITLES[v] for v in LabelValue}}
ORDER_WORDS = {
    "score": "Score", "requests": "Requests", "newest": "Newest sign-up", "last": "Last request", "matches": "Matches",
}  # fmt: skip


def term_words(term: Term) -> str:
    """A value with its kind: ``Device 3fa2…91``."""
    return f"{kind_word(term.kind)} {words.short(term.value, 22)}"


def said(search: Search) -> dict[str, dict[str, Any]]:
    """Every line of a question in words -> the change that takes it out (see ``hunt_state.ask``)."""
    out: dict[str, dict[str, Any]] = {}
    if search.text:
        out[f"id holds “{words.plain(search.text, 30)}”"] = {"text": ""}
    for term in search.terms:
        text = term_words(term)
        while text in out:  # two values whose short forms are alike
            text += " "
        out[text] = {"terms": tuple(t for t in search.terms if t != term)}
    for name, values, what in (
        ("plans", search.plans, "plan"),
        ("channels", search.channels, "pathway"),
        ("statuses", search.statuses, "status"),
    ):
        if values:
            out[f"{what} {' or '.join(words.plain(v, 24) for v in values[:3])}{' …' if len(values) > 3 else ''}"] = {
                name: ()
            }
    if search.cluster:
        named = {"in": "in a cluster", "out": "in no cluster"}.get(search.cluster, f"in {search.cluster}")
        out[named] = {"cluster": ""}
    if search.label:
        out[f"label: {LABEL_WORDS[search.label].lower()}"] = {"label": ""}
    if search.least:
        out[f"score from {search.least:.2f}"] = {"least": 0.0}
    if search.windowed:
        begin, end = search.since or "the beginning", search.until or "the end"
        out[f"active {begin} to {end}"] = {"since": None, "until": None}
    return out


def nobody(search: Search) -> str:
    """What to do when nothing was found."""
    if search.text == UNATTRIBUTED:
        return "Requests that name no account are kept and counted, but they are nobody's."
    if search.text and not search.terms:
        return (
            "No account id of this run holds it, and no value that this run lists is it. A conversation or a template "
            "of one single account is found when its kind is chosen beside the box."
        )
    return "Take away a line of the question above, widen the window, or look at what the accounts have in common."
