"""Report: the tables of a run that clusters fill, from what was found and what the engine counted of its members."""

from __future__ import annotations

from dataclasses import dataclass, field

import ibis
import numpy as np
import pandas as pd
from ibis import Table

from stillwatch.clusters import activity, hypotheses, words
from stillwatch.clusters.drawing import member_links, picture
from stillwatch.clusters.evidence import Evidence
from stillwatch.clusters.families import family_names
from stillwatch.clusters.identity import Identity
from stillwatch.clusters.judge import Tier
from stillwatch.clusters.pooled import reference_of
from stillwatch.clusters.portrait import busiest, portrait
from stillwatch.clusters.selection import Found
from stillwatch.domain import Capability, EvidenceKind
from stillwatch.signals.engine import Engine
from stillwatch.signals.inputs import Coverage, Inputs

DAYS = 30
FAMILIES_SHOWN = 30
LANES_SHOWN = 8
TEMPLATES_LOOKED_AT = 20_000
"""The most used templates of all clusters' members; families are made of these."""


@dataclass
class Report:
    """Tables by name (pandas; columns as in ``run_schema``), and per account its cluster, role and words."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    cluster_of: dict[str, str] = field(default_factory=dict)
    role_of: dict[str, str] = field(default_factory=dict)
    why: dict[str, list[str]] = field(default_factory=dict)
    why_not: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """What a report is written from."""

    inputs: Inputs
    coverage: Coverage
    execute: Engine
    evidence: Evidence
    signals: pd.DataFrame
    """Signals in the order of ``evidence.accounts``."""
    raw_links: pd.DataFrame
    """account_id, source, value, uses, first_seen, last_seen of everything shared."""
    models: pd.DataFrame
    blind: list[str]
    tests: int
    seed: int


def write(m: Material, found: list[Found], identities: list[Identity]) -> Report:
    """All cluster tables. ``found`` and ``identities`` are in queue order."""
    report = Report()
    ids = m.evidence.accounts["account_id"].to_numpy(dtype=object)
    medians = m.signals.drop(columns="account_id").median()
    everyone = {str(k): float(v) for k, v in medians.items()}
    burst = busiest(m.evidence.accounts["created_at"])
    alarmed = [f.members for f in found if f.judged.tier == Tier.ALARM]
    outside = np.setdiff1d(np.arange(m.evidence.n), np.concatenate([*alarmed, np.zeros(0, np.int64)]))
    reference = reference_of(m.signals, m.evidence.owner, outside)
    some = np.unique(np.concatenate([f.members for f in found])) if found else np.zeros(0, dtype=np.int64)
    raw = m.raw_links[m.raw_links["account_id"].isin(ids[some])]  # each cluster looks its links up among these
    rows, reasons, links, nodes, fits, groups = [], [], [], [], [], []
    for rank, (f, identity) in enumerate(zip(found, identities, strict=True), start=1):
        name = identity.cluster_id
        facts = portrait(m.evidence, m.signals, f, everyone, burst, reference)
        why = words.ledger(m.evidence, f, facts, m.tests)
        weighed = hypotheses.weigh(f, facts)
        tied = member_links(m.evidence, f, raw)
        drawn = picture(list(ids[f.members]), tied, seed=m.seed)
        groups.append(pd.DataFrame({"account_id": ids[f.members], "cluster_id": name, "part": drawn.group}))
        reasons.append(why.assign(cluster_id=name))
        links.append(tied.assign(cluster_id=name))
        nodes.append(drawn.nodes.assign(cluster_id=name))
        fits += [
            {
                "cluster_id": name,
                "hypothesis": w.hypothesis.name,
                "fit": w.fit,
                "speaks_for": list(w.speaks_for),
                "speaks_against": list(w.speaks_against),
            }
            for w in weighed
        ]
        rows.append(_cluster_row(rank, f, identity, why, weighed, m))
        own, against = words.account_reasons(m.evidence, f)
        for i, account in enumerate(ids[f.members]):
            report.cluster_of[account] = name
            report.role_of[account] = "core" if f.core[i] else "fringe"
            report.why[account], report.why_not[account] = own[i], against[i]
        for row, text in (f.victims | f.doubted).items():
            report.why_not.setdefault(ids[row], []).insert(0, text)
    members = (
        pd.concat(groups, ignore_index=True) if groups else pd.DataFrame(columns=["account_id", "cluster_id", "part"])
    )
    t = report.tables
    t["clusters"] = pd.DataFrame(rows, columns=_CLUSTER_COLUMNS)
    t["reasons"] = _stacked(reasons, ["cluster_id", *words.LEDGER])
    t["links"] = _stacked(
        links, ["cluster_id", "account_id", "kind", "value", "bits", "sharers", "uses", "first_seen", "last_seen"]
    )
    t["nodes"] = _stacked(nodes, ["cluster_id", "node_id", "kind", "label", "x", "y", "degree", "group"])
    t["hypotheses"] = pd.DataFrame(fits, columns=["cluster_id", "hypothesis", "fit", "speaks_for", "speaks_against"])
    _activity(m, members, t)
    t["markers"] = _markers(m, members)
    return report


_CLUSTER_COLUMNS = [
    "cluster_id",
    "rank",
    "tier",
    "size",
    "core_size",
    "score",
    "base_score",
    "kinds",
    "reasons",
    "against",
    "title",
    "lookalike",
    "stability",
    "previous_size",
    "lineage",
    "blind",
]


def _stacked(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    frames = [f for f in frames if len(f)]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def _cluster_row(
    rank: int, f: Found, identity: Identity, why: pd.DataFrame, weighed: list[hypotheses.Fit], m: Material
) -> dict[str, object]:
    strong = why[why["bits"] > 0]
    against = [*f.judged.short_of, *weighed[0].speaks_against]
    lookalike = hypotheses.best_lookalike(weighed)
    if lookalike:
        best = next(w for w in weighed if hypotheses.LOOKALIKE_NAMES.get(w.hypothesis) == lookalike)
        against += [f"{lookalike}: {t}" for t in best.speaks_for]
    fringe = int((~f.core).sum())
    if fringe > 0.5 * len(f.members):
        against.append(
            f"{words.number(fringe)} of {words.number(len(f.members))} members are fringe: linked in one view only"
        )
    return {
        "cluster_id": identity.cluster_id,
        "rank": rank,
        "tier": f.judged.tier.value,
        "size": len(f.members),
        "core_size": int(f.core.sum()),
        "score": f.judged.score,
        "base_score": f.judged.score,
        "kinds": list(dict.fromkeys((strong if len(strong) else why)["kind"])),
        "reasons": list(why["text"]),
        "against": list(dict.fromkeys(against)),
        "title": words.title(why),
        "lookalike": lookalike,
        "stability": round(f.stability, 4),
        "previous_size": identity.previous_size,
        "lineage": identity.lineage,
        "blind": m.blind,
    }


def _activity(m: Material, members: pd.DataFrame, t: dict[str, pd.DataFrame]) -> None:
    """Fills timeline, templates, capabilities; adds traffic to clusters and template families to links and nodes."""
    run = m.execute
    frame = ibis.memtable(members.astype({"account_id": "str", "cluster_id": "str", "part": "int64"}))
    requests = m.execute.keep(activity.member_requests_expr(m.inputs, frame))
    hours = activity.bin_hours(m.coverage.first_ts, m.coverage.last_ts)
    families = (
        _families(m, requests, t)
        if m.coverage.has("requests.template")
        else pd.DataFrame(columns=["template", "family"])
    )
    shown = (
        t.get("templates", pd.DataFrame(columns=["cluster_id", "template"]))
        .groupby("cluster_id")["template"]
        .apply(lambda s: set(s.iloc[:LANES_SHOWN]))
    )
    lanes = [run(activity.lane_expr(requests, kind, hours)) for kind in ("group", "model", "capability")]
    lane = run(activity.lane_expr(requests, "template", hours, ibis.memtable(families.astype("str"))))
    lanes.append(lane[[f in shown.get(c, ()) for c, f in zip(lane["cluster_id"], lane["lane"], strict=True)]])
    timeline = pd.concat(lanes, ignore_index=True)
    timeline["bin"] = pd.to_datetime(timeline["bin"].astype("int64"), unit="s")
    t["timeline"] = timeline.sort_values(["cluster_id", "lane_kind", "lane", "bin"]).reset_index(drop=True)
    t["capabilities"] = _capabilities(m, frame, requests, t)
    _traffic(m, requests, t)


def _traffic(m: Material, requests: Table, t: dict[str, pd.DataFrame]) -> None:
    """``daily`` of every cluster: requests a day over the last 30 days of the run."""
    daily = m.execute(activity.daily_expr(requests))
    moment = m.inputs.as_of or m.coverage.last_ts
    last = pd.Timestamp(moment) if moment else None
    out: dict[str, np.ndarray] = {c: np.zeros(DAYS, dtype=np.int64) for c in t["clusters"]["cluster_id"]}
    if last is not None and len(daily):
        age = (last.normalize() - pd.to_datetime(daily["day"])).dt.days.to_numpy()
        for cluster, a, n in zip(daily["cluster_id"], age, daily["requests"], strict=True):
            if 0 <= a < DAYS:
                out[cluster][DAYS - 1 - a] += n
    t["clusters"]["daily"] = [list(map(int, out[c])) for c in t["clusters"]["cluster_id"]]


def _families(m: Material, requests: Table, t: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Template families of all clusters; adds the templates table, and their links and nodes."""
    most = m.execute(activity.most_used_expr(requests, TEMPLATES_LOOKED_AT))[["template"]]
    if most.empty:
        return pd.DataFrame(columns=["template", "family"])
    kept = ibis.memtable(most.astype("str"))
    used = m.execute(activity.member_templates_expr(requests.semi_join(kept, "template")))
    texts = m.execute(activity.template_phrases_expr(m.inputs, kept))
    names = family_names(texts[["template", "phrases"]])
    family = names.rename_axis("template").rename("family").reset_index().astype("str")
    used = used.merge(family, on="template")
    grouped = used.groupby(["cluster_id", "family"])
    table = grouped.agg(
        accounts=("account_id", "nunique"),
        requests=("n", "sum"),
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
        flags=("flags", _union),
    ).reset_index()
    whole = m.execute(activity.totals_expr(requests)).set_index("cluster_id")["total"]
    table["share"] = np.round(table["requests"] / table["cluster_id"].map(whole), 6)
    table = table[(table["accounts"] > 1) | (table["share"] >= 0.02)]
    table = table.sort_values(["cluster_id", "accounts", "requests", "family"], ascending=[True, False, False, True])
    table = table.groupby("cluster_id").head(FAMILIES_SHOWN).reset_index(drop=True)
    wanted = family[family["family"].isin(table["family"])]
    users = m.execute(activity.template_accounts_expr(m.inputs, ibis.memtable(wanted)))
    everywhere = users.groupby("family")["account_id"].nunique()
    table["outside"] = (table["family"].map(everywhere).fillna(0).astype("int64") - table["accounts"]).clip(lower=0)
    table["capabilities"] = [[c.value for c in Capability if int(f) & c.bit] for f in table["flags"]]
    t["templates"] = table.rename(columns={"family": "template"}).drop(columns="flags")
    _family_links(m, used, table, everywhere, t)
    return family


def _union(flags: pd.Series) -> int:
    return int(np.bitwise_or.reduce(flags.fillna(0).to_numpy(dtype=np.int64)))


def _family_links(
    m: Material, used: pd.DataFrame, table: pd.DataFrame, everywhere: pd.Series, t: dict[str, pd.DataFrame]
) -> None:
    """Links and nodes of the template families that two or more members use."""
    shared = table[table["accounts"] > 1].groupby("cluster_id").head(LANES_SHOWN)[["cluster_id", "family"]]
    uses = used.merge(shared, on=["cluster_id", "family"])
    uses = (
        uses.groupby(["cluster_id", "family", "account_id"])
        .agg(uses=("n", "sum"), first_seen=("first_seen", "min"), last_seen=("last_seen", "max"))
        .reset_index()
    )
    if uses.empty:
        return
    population = max(int((m.signals["requests"] > 0).sum()), 1)
    sharers = uses["family"].map(everywhere).astype("int64")
    links = uses.assign(
        kind=EvidenceKind.TEMPLATE.value,
        value=uses["family"],
        sharers=sharers,
        bits=np.round(np.maximum(0.0, np.log2(population / np.maximum(sharers, 1))), 3),
    )
    t["links"] = _stacked([t["links"], links], list(t["links"].columns))
    places = t["nodes"][t["nodes"]["kind"] == "account"].set_index(["cluster_id", "node_id"])[["x", "y", "group"]]
    spots = uses.join(places, on=["cluster_id", "account_id"])
    hub = (
        spots.groupby(["cluster_id", "family"])
        .agg(
            x=("x", "mean"),
            y=("y", "mean"),
            degree=("account_id", "size"),
            group=("group", lambda g: int(g.mode().iloc[0])),
        )
        .reset_index()
    )
    place = hub.groupby("cluster_id").cumcount().to_numpy()
    turn = place * np.pi * (3.0 - np.sqrt(5.0))
    hub["x"] = (hub["x"] + 46.0 * np.sqrt(place) * np.cos(turn)).clip(-800, 800).round(2)
    hub["y"] = (hub["y"] + 46.0 * np.sqrt(place) * np.sin(turn)).clip(-450, 450).round(2)
    nodes = hub.assign(
        node_id="template:" + hub["family"], kind=EvidenceKind.TEMPLATE.value, label="template " + hub["family"]
    )
    t["nodes"] = _stacked([t["nodes"], nodes], list(t["nodes"].columns))
    degree = links.groupby(["cluster_id", "account_id"]).size()
    extra = pd.MultiIndex.from_frame(t["nodes"][["cluster_id", "node_id"]]).map(degree.to_dict())
    t["nodes"]["degree"] = t["nodes"]["degree"].astype("int64") + pd.Series(extra, index=t["nodes"].index).fillna(
        0
    ).astype("int64")


def _capabilities(m: Material, members: Table, requests: Table, t: dict[str, pd.DataFrame]) -> pd.DataFrame:
    columns = ["cluster_id", "capability", "requests", "tokens", "share", "benign_share"]
    if not m.coverage.has("requests.capabilities"):
        return pd.DataFrame(columns=columns)
    here = m.execute(activity.capability_totals_expr(requests))
    whole = m.execute(activity.totals_expr(requests.filter(requests.capabilities.notnull()))).set_index("cluster_id")[
        "total"
    ]
    other = m.execute(activity.capability_elsewhere_expr(m.inputs, members)).iloc[0]
    usual = {c.value: other[c.value] for c in Capability} | {"none seen": other["none_seen"]}
    here["share"] = np.round(here["requests"] / here["cluster_id"].map(whole).astype("float64"), 6)
    total = float(other["total"] or 0)
    here["benign_share"] = [round(float(usual[c] or 0) / total, 6) if total else np.nan for c in here["capability"]]
    return here.sort_values(["cluster_id", "requests", "capability"], ascending=[True, False, True])[
        columns
    ].reset_index(drop=True)


def _markers(m: Material, members: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    first, last = m.coverage.first_ts, m.coverage.last_ts
    for model, at in zip(m.models["model"], m.models["released_at"], strict=True):
        if first is None or last is None or first <= at <= last:
            rows.append(
                {"cluster_id": None, "at": at, "kind": "release", "text": f"{model} was released", "accounts": None}
            )
    a = m.evidence.accounts[["account_id", "status", "status_at"]].merge(members, on="account_id")
    a = a[a["status"].isin(["banned", "suspended"]) & a["status_at"].notna()]
    a = a.assign(day=a["status_at"].dt.floor("D"))
    for (cluster, _day, status), part in a.groupby(["cluster_id", "day", "status"]):
        many = "account was" if len(part) == 1 else "accounts were"
        rows.append(
            {
                "cluster_id": cluster,
                "at": part["status_at"].min(),
                "kind": "enforcement",
                "text": f"{words.number(len(part))} {many} {status}",
                "accounts": len(part),
            }
        )
    out = pd.DataFrame(rows, columns=["cluster_id", "at", "kind", "text", "accounts"])
    return out.sort_values(["at", "kind", "text"], kind="stable").reset_index(drop=True)
