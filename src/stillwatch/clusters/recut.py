"""Recut: the tables of a run with people's splits and merges applied, without detecting anew.

Who is in which cluster changes, and everything that can be counted again is: members, links, drawing, traffic,
templates. What needs a test against chance (bits, p-values, explanations) keeps the figure of the cluster that it was
found in, scaled to what is left and marked so, until the next detection run tests the pieces by themselves. Places of
nodes stay, so that nothing jumps; a cluster joined from two shows them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from stillwatch.clusters import words
from stillwatch.clusters.identity import new_id
from stillwatch.domain import HandCut

Frames = dict[str, pd.DataFrame]
Measure = Callable[[pd.DataFrame], Frames]
"""(account_id, cluster_id, part) of some clusters -> their ``timeline``, ``capabilities``; empty without requests."""
MARK = "cut by hand; tested anew at the next detection run"
TOUCHED = (
    "accounts", "clusters", "reasons", "links", "nodes", "timeline", "markers", "templates", "capabilities",
    "hypotheses",
)  # fmt: skip


def inverse(cut: HandCut) -> HandCut:
    """The decision that takes this one back, for runs that were detected with it."""
    return replace(cut, action="merge" if cut.action == "split" else "split")


def assign(accounts: pd.DataFrame, links: pd.DataFrame, cuts: Sequence[HandCut]) -> pd.Series:
    """Cluster of each account after some decisions, by account_id. ``accounts``: account_id, cluster_id."""
    cluster = accounts.set_index("account_id")["cluster_id"].copy()
    for cut in cuts:
        moved, stayed = cluster.index.isin(list(cut.moved)), cluster.index.isin(list(cut.stayed))
        if cut.action == "merge":
            homes = [cluster[side].value_counts() for side in (stayed, moved)]
            if all(len(h) for h in homes) and homes[0].index[0] != homes[1].index[0]:
                cluster[cluster == homes[1].index[0]] = homes[0].index[0]
            continue
        both = set(cluster[moved]) & set(cluster[stayed])
        for name in sorted(both):
            inside = (cluster == name).to_numpy()
            leaves = inside & (moved | _nearer(cluster.index, inside & ~moved & ~stayed, moved, stayed, links))
            used = set(cluster)
            fresh = cut.other_id if cut.other_id not in used else new_id(frozenset(cluster.index[leaves]), used)
            cluster[leaves] = fresh
    return cluster


def _nearer(index: pd.Index, new: np.ndarray, moved: np.ndarray, stayed: np.ndarray, links: pd.DataFrame) -> np.ndarray:
    """Which of the new accounts share more bits with those that leave than with those that stay."""
    out = np.zeros(len(index), dtype=bool)
    if not new.any() or links.empty:
        return out
    value = links["kind"].astype(str) + ":" + links["value"].astype(str)
    pull = pd.Series(0.0, index=index[new])
    for side, sign in ((moved, 1.0), (stayed, -1.0)):
        held = set(value[links["account_id"].isin(index[side])])
        mine = links[value.isin(held) & links["account_id"].isin(index[new])]
        pull = pull.add(sign * mine.groupby("account_id")["bits"].sum(), fill_value=0.0)
    out[index.isin(pull[pull > 0].index)] = True
    return out


def recut(base: Mapping[str, pd.DataFrame], cuts: Sequence[HandCut], measure: Measure) -> Frames:
    """Tables of the touched clusters (``base`` holds theirs, all of ``TOUCHED``) after the decisions."""
    before = base["accounts"].set_index("account_id")["cluster_id"]
    after = assign(base["accounts"], base["links"], cuts)
    sizes = before.value_counts()
    sources = {c: before[part.index].value_counts() for c, part in after.groupby(after)}
    same = [c for c, s in sources.items() if list(s.index) == [c] and s.iloc[0] == sizes[c] == (after == c).sum()]
    changed = [str(c) for c in sources if c not in same]
    out: dict[str, list[pd.DataFrame]] = {n: [base[n][base[n]["cluster_id"].isin(same)]] for n in TOUCHED}
    nodes = {c: _nodes(base, c, after, sources[c]) for c in changed}
    if changed:
        drawn = pd.concat([n[n["kind"] == "account"] for n in nodes.values()])
        parts = drawn.rename(columns={"node_id": "account_id", "group": "part"})
        measured = measure(parts[["account_id", "cluster_id", "part"]])
    for c in changed:
        for name, frame in _rebuilt(base, c, after, sources[c], sizes, nodes[c], measured).items():
            out[name].append(frame)
    return {name: pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)[list(base[name].columns)]
            for name, frames in out.items()}  # fmt: skip


def _nodes(base: Mapping[str, pd.DataFrame], cluster: str, after: pd.Series, sources: pd.Series) -> pd.DataFrame:
    """Drawing of one cluster: its members and the values that two or more of them share, at their old places."""
    members = after.index[after == cluster]
    links = _links(base, cluster, after)
    values = set(links["kind"].astype(str) + ":" + links["value"].astype(str))
    frames, offset = [], 0
    order = [str(s) for s in sources.index]
    for i, source in enumerate(order):
        part = base["nodes"][base["nodes"]["cluster_id"] == source]
        keep = part[part["node_id"].isin(members) & (part["kind"] == "account") | part["node_id"].isin(values)]
        if len(order) > 1:  # side by side: each in a column of its own
            share = 1.0 / len(order)
            keep = keep.assign(
                x=(keep["x"] * share + 1600.0 * (share * (i + 0.5) - 0.5)).round(2), group=keep["group"] + offset
            )
            offset += int(part["group"].max()) + 1 if len(part) else 0
        frames.append(keep)
    out = pd.concat(frames).drop_duplicates("node_id").assign(cluster_id=cluster)
    value = links["kind"].astype(str) + ":" + links["value"].astype(str)
    degree = pd.concat([links["account_id"].value_counts(), value.value_counts()])
    return out.assign(degree=out["node_id"].map(degree[~degree.index.duplicated()]).fillna(0).astype("int64"))


def _links(base: Mapping[str, pd.DataFrame], cluster: str, after: pd.Series) -> pd.DataFrame:
    links = base["links"]
    own = links[links["account_id"].map(after) == cluster]
    held = own.groupby(["kind", "value"])["account_id"].transform("nunique")
    return own[held > 1].assign(cluster_id=cluster)


def _rebuilt(
    base: Mapping[str, pd.DataFrame], cluster: str, after: pd.Series, sources: pd.Series, sizes: pd.Series,
    nodes: pd.DataFrame, measured: Frames,
) -> Frames:  # fmt: skip
    """Every table of one changed cluster."""
    origin = cluster if cluster in sources.index else str(sources.index[0])
    whole = bool((sources == sizes.reindex(sources.index)).all())
    members = base["accounts"][base["accounts"]["account_id"].isin(after.index[after == cluster])]
    members = members.assign(cluster_id=cluster)
    links = _links(base, cluster, after)

    def of(table: str) -> pd.DataFrame:
        return base[table][base[table]["cluster_id"].isin(sources.index)]

    reasons = _reasons(of("reasons"), of("links"), links, len(members), sources, sizes).assign(cluster_id=cluster)
    told: dict[str, pd.DataFrame] = {name: measured[name][measured[name]["cluster_id"] == cluster] for name in measured}
    if "timeline" not in told:
        told["timeline"] = _summed_timeline(of("timeline"), cluster) if whole else of("timeline").iloc[:0]
    if "capabilities" not in told:
        told["capabilities"] = (
            _summed_capabilities(of("capabilities"), cluster) if whole else of("capabilities").iloc[:0]
        )
    usual = of("capabilities").groupby("capability")["benign_share"].mean()
    told["capabilities"] = told["capabilities"].assign(benign_share=told["capabilities"]["capability"].map(usual))
    row = _row(of("clusters").set_index("cluster_id").loc[[origin, *sources.index.drop(origin)]], cluster, origin,
               members, reasons, told["timeline"], whole, sizes)  # fmt: skip
    own = base["hypotheses"][base["hypotheses"]["cluster_id"] == origin]
    return {
        "accounts": members,
        "clusters": pd.DataFrame([row]),
        "reasons": reasons,
        "links": links,
        "nodes": nodes,
        "hypotheses": own.assign(cluster_id=cluster),
        "markers": _markers(members, cluster),
        "templates": _templates(of("templates"), links, cluster, float(members["requests"].sum()), whole),
        **told,
    }


def _row(
    old: pd.DataFrame, cluster: str, origin: str, members: pd.DataFrame, reasons: pd.DataFrame, timeline: pd.DataFrame,
    whole: bool, sizes: pd.Series,
) -> dict[str, object]:  # fmt: skip
    """Row of ``clusters``. A part that was split off is a review until it was tested; a joined cluster keeps the best
    of its sources."""
    first = old.iloc[0]
    row: dict[str, object] = {str(k): v for k, v in first.to_dict().items()}
    if whole:
        best = old.sort_values(["tier", "score"], ascending=[True, False]).iloc[0]  # alarm before review
        row |= {k: best[k] for k in ("tier", "score", "base_score", "lookalike", "stability", "title")}
        lineage = "merged"
    elif cluster == origin:
        lineage = "shrunk"
    else:
        score = float(min(first["base_score"], members["base_score"].mean()))
        row |= {"tier": "review", "score": score, "base_score": score, "title": words.title(reasons)}
        lineage = "split"
    against = list(dict.fromkeys(t for texts in old["against"] for t in texts))
    blind = list(dict.fromkeys(t for texts in old["blind"] for t in texts))
    if timeline.empty:
        blind.append("activity over time of this part is counted at the next detection run")
    days = np.zeros(len(first["daily"]), dtype=np.int64)
    if whole:
        days = np.sum([np.asarray(d, dtype=np.int64) for d in old["daily"] if len(d) == len(days)], axis=0)
    elif len(timeline) and len(days):
        lanes = timeline[timeline["lane_kind"] == "group"]
        age = (pd.Timestamp(members["last_seen"].max()).normalize() - lanes["bin"].dt.floor("D")).dt.days
        for a, n in zip(age, lanes["requests"], strict=True):
            if 0 <= a < len(days):
                days[len(days) - 1 - a] += n
    return row | {
        "cluster_id": cluster,
        "size": len(members),
        "core_size": int((members["role"] == "core").sum()),
        "requests": int(members["requests"].sum()),
        "input_tokens": int(members["input_tokens"].sum()),
        "output_tokens": int(members["output_tokens"].sum()),
        "first_seen": members["first_seen"].min(),
        "last_seen": members["last_seen"].max(),
        "kinds": list(dict.fromkeys(reasons.loc[reasons["bits"] > 0, "kind"])),
        "reasons": list(reasons["text"]),
        "against": [*against, MARK],
        "daily": [int(d) for d in days],
        "previous_size": int(sizes[cluster]) if cluster in sizes.index else None,
        "lineage": lineage,
        "blind": blind,
    }


def _reasons(
    old: pd.DataFrame, old_links: pd.DataFrame, links: pd.DataFrame, size: int, sources: pd.Series, sizes: pd.Series
) -> pd.DataFrame:
    """Reasons that links carry, counted again; the others in the share of members that is left. Bits at most 200."""
    rows = []
    for key, part in old.groupby(["cluster_id", "kind"], sort=False):
        source, kind = (str(k) for k in key)
        before = int(((old_links["cluster_id"] == source) & (old_links["kind"] == kind)).sum())
        mine = links[(links["kind"] == kind)]
        share = float(sources[source]) / float(sizes[source])
        if before and kind != "template":
            from_here = old_links.loc[(old_links["cluster_id"] == source) & (old_links["kind"] == kind)]
            left = mine.merge(from_here[["account_id", "value"]], on=["account_id", "value"])
            if left.empty:
                continue
            values, accounts = left["value"].nunique(), left["account_id"].nunique()
            held = left.groupby("value").agg(here=("account_id", "nunique"), sharers=("sharers", "first"))
            text = (
                f"{words.number(values)} {_noun(kind, values)}, shared by {words.number(accounts)} "
                f"of {words.number(size)} accounts; {MARK}"
            )
            outside = int((held["sharers"] - held["here"]).clip(lower=0).max())
            rows.append((kind, text, part["innocent"].iloc[0], float(part["bits"].sum()) * len(left) / before, values,
                         accounts, outside, None))  # fmt: skip
        else:
            for r in part.to_dict("records"):
                gist = str(r["text"]).split("; ")[0]
                text = f"{gist}; said of all {words.number(sizes[source])} accounts of {source}, {MARK}"
                rows.append((kind, text, r["innocent"], float(r["bits"]) * share, r["values"],
                             min(size, round(float(r["accounts"]) * share)), r["outside"], None))  # fmt: skip
    frame = pd.DataFrame(rows, columns=words.LEDGER)
    frame["bits"] = frame["bits"].astype(float).clip(upper=200.0).round(2)
    return frame.sort_values(["bits", "kind", "text"], ascending=[False, True, True], kind="stable")


def _noun(kind: str, count: int) -> str:
    own = {"signup": ("sign-up address", "sign-up addresses"), "contact": ("contact detail", "contact details")}
    return own[kind][count != 1] if kind in own else words.noun(kind, count)


def _summed_timeline(old: pd.DataFrame, cluster: str) -> pd.DataFrame:
    """Cells of clusters without a member in common add up; groups of different clusters stay different lanes."""
    if old["cluster_id"].nunique() > 1:
        named = old["lane"].where(old["lane_kind"] != "group", old["cluster_id"] + " " + old["lane"])
        old = old.assign(lane=named)
    keys = ["lane_kind", "lane", "bin", "hours"]
    return old.groupby(keys, as_index=False)[["requests", "tokens", "accounts"]].sum().assign(cluster_id=cluster)


def _summed_capabilities(old: pd.DataFrame, cluster: str) -> pd.DataFrame:
    total = float((old["requests"] / old["share"].where(old["share"] > 0)).groupby(old["cluster_id"]).max().sum())
    out = old.groupby("capability", as_index=False)[["requests", "tokens"]].sum()
    return out.assign(cluster_id=cluster, share=(out["requests"] / max(total, 1.0)).clip(upper=1.0).round(6))


def _templates(old: pd.DataFrame, links: pd.DataFrame, cluster: str, requests: float, whole: bool) -> pd.DataFrame:
    """Template families: of a joined cluster summed, of a part those whose users are known one by one."""
    if whole:
        users = (old["accounts"] + old["outside"]).groupby(old["template"]).max()
        out = old.groupby("template", as_index=False, sort=False).agg(
            accounts=("accounts", "sum"), requests=("requests", "sum"), capabilities=("capabilities", "first"),
            first_seen=("first_seen", "min"), last_seen=("last_seen", "max"),
        )  # fmt: skip
        out["outside"] = (out["template"].map(users) - out["accounts"]).clip(lower=0).astype("int64")
    else:
        mine = links[links["kind"] == "template"]
        out = mine.groupby("value", as_index=False).agg(
            accounts=("account_id", "nunique"), requests=("uses", "sum"), sharers=("sharers", "first"),
            first_seen=("first_seen", "min"), last_seen=("last_seen", "max"),
        )  # fmt: skip
        out = out.rename(columns={"value": "template"})
        out["outside"] = (out.pop("sharers") - out["accounts"]).clip(lower=0)
        asked = dict(zip(old["template"], old["capabilities"], strict=True))
        found = [list(asked.get(t, ())) for t in out["template"]]
        out["capabilities"] = pd.Series(found, index=out.index, dtype=object)
    share = (out["requests"] / max(requests, 1.0)).clip(upper=1.0).round(6)
    return out.assign(cluster_id=cluster, share=share).sort_values("requests", ascending=False, kind="stable")


def _markers(members: pd.DataFrame, cluster: str) -> pd.DataFrame:
    """Enforcement days of the members."""
    hit = members[members["status"].isin(["banned", "suspended"]) & members["status_at"].notna()]
    rows = [
        {
            "cluster_id": cluster,
            "at": part["status_at"].min(),
            "kind": "enforcement",
            "text": f"{words.number(len(part))} {'account was' if len(part) == 1 else 'accounts were'} {status}",
            "accounts": len(part),
        }
        for (_, status), part in hit.groupby([hit["status_at"].dt.floor("D"), "status"])
    ]
    return pd.DataFrame(rows, columns=["cluster_id", "at", "kind", "text", "accounts"])
