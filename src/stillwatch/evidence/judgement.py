"""What a report concludes, and what it holds against that: likelihood, confidence, reasons, competing explanations.

Built after ICD 203: a judgement says how likely, a separate sentence says how good its basis is; alternatives stand
beside it (analysis of competing hypotheses, Heuer 1999: the aim is to reject, the least contradicted stands first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stillwatch.domain import EvidenceKind, Hypothesis
from stillwatch.evidence.casefile import CaseFile
from stillwatch.evidence.look import mark
from stillwatch.evidence.wording import Confidence, clean, confidence, likelihood_words, plural

P_VALUE = 0.01
"""Tested reasons weaker than this do not count towards the basis of a judgement."""


@dataclass(frozen=True)
class Reason:
    text: str
    kind: str
    glyph: str
    innocent: str
    bits: float | None
    values: int | None
    accounts: int | None
    outside: int | None
    p: str


@dataclass(frozen=True)
class ClusterView:
    """One cluster as the report judges it."""

    cluster_id: str
    title: str
    size: int
    score: float
    word: str
    range: str
    confidence: Confidence
    reasons: tuple[Reason, ...]
    against: tuple[str, ...]
    lookalike: str
    blind: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """One hypothesis over all clusters of the campaign."""

    name: str
    words: str
    fits: tuple[tuple[str, float | None], ...]
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]


def reviewers(case: CaseFile, cluster_id: str | None = None) -> tuple[set[str], set[str]]:
    """People whose standing label on the campaign or the cluster says distillation, and people who say otherwise."""
    labels = standing(case)
    wanted = {case.campaign.campaign_id, *([cluster_id] if cluster_id else case.campaign.cluster_ids)}
    people = labels[labels["target_id"].isin(wanted) & (labels["source"] != "rule")]
    agree = set(people.loc[people["label"] == "distillation", "labeler"])
    differ = set(people.loc[people["label"] != "distillation", "labeler"])
    decisions = case.frame("decisions")
    confirmed = decisions[(decisions["action"] == "status") & (decisions["detail"] == "confirmed")]
    return agree | set(confirmed["person"]), differ


def standing(case: CaseFile) -> pd.DataFrame:
    """Labels that no later one corrects and that had not expired when the bundle was made."""
    labels = case.frame("labels")
    gone = set(labels["supersedes"].dropna())
    fresh = labels["expires_at"].isna() | (labels["expires_at"] > case.created_at)
    return labels[~labels["label_id"].isin(gone) & fresh]


def clusters(case: CaseFile) -> list[ClusterView]:
    """Every cluster of the campaign, largest first."""
    rows = case.frame("clusters").sort_values(["size", "cluster_id"], ascending=[False, True])
    ledger = case.frame("reasons")
    made = []
    for row in rows.to_dict("records"):
        cluster_id = str(row["cluster_id"])
        own = ledger[ledger["cluster_id"] == cluster_id].sort_values("bits", ascending=False, kind="stable")
        holding = own[own["p_value"].isna() | (own["p_value"] <= P_VALUE)]
        agree, _ = reviewers(case, cluster_id)
        blind = tuple(clean(b, 200) for b in _items(row["blind"]))
        score = float(row["score"]) if pd.notna(row["score"]) else 0.5
        word, span = likelihood_words(score)
        made.append(
            ClusterView(
                cluster_id=cluster_id,
                title=clean(row["title"] or "", 120),
                size=int(row["size"] or 0),
                score=score,
                word=word,
                range=span,
                confidence=confidence(
                    set(holding["kind"]),
                    float(row["stability"]) if pd.notna(row["stability"]) else None,
                    len(agree),
                    blind,
                ),
                reasons=tuple(_reason(r) for r in own.to_dict("records")),
                against=tuple(clean(a, 300) for a in _items(row["against"])),
                lookalike=clean(row["lookalike"], 120) if isinstance(row["lookalike"], str) else "",
                blind=blind,
            )
        )
    return made


def against(case: CaseFile, views: Sequence[ClusterView]) -> list[str]:
    """What speaks against the judgement, over the whole campaign."""
    several = len(views) > 1
    said = [f"{v.cluster_id}: {a}" if several else a for v in views for a in v.against]
    said += [f"{v.cluster_id} also looks like this innocent case: {v.lookalike}" for v in views if v.lookalike]
    said += _hubs(case)
    _, differ = reviewers(case)
    if differ:
        said.append(f"{plural(len(differ), 'person', 'people')} labelled it otherwise (section 7)")
    benign = standing(case)
    benign = benign[(benign["target_type"] == "account") & (benign["label"] == "benign")]
    if len(benign):
        said.append(f"{plural(len(benign), 'account')} in it {'was' if len(benign) == 1 else 'were'} labelled benign")
    fringe = case.frame("accounts")["role"].eq("fringe").sum()
    if fringe:
        said.append(
            f"{plural(int(fringe), 'account')} hang{'s' if fringe == 1 else ''} on it by one view only (fringe)"
        )
    return said


def _hubs(case: CaseFile, most: int = 2) -> list[str]:
    """Shared values that at least as many accounts outside the campaign have: alone they explain themselves."""
    links = case.frame("links")
    values = links.groupby(["kind", "value"]).agg(inside=("account_id", "nunique"), everywhere=("sharers", "max"))
    values = values.assign(outside=values["everywhere"] - values["inside"])
    hubs = values[(values["inside"] >= 2) & (values["outside"] >= values["inside"])].reset_index()
    largest = hubs.sort_values(["outside", "kind", "value"], ascending=[False, True, True]).drop_duplicates("kind")
    return [
        f"one {mark(str(r['kind'])).title.lower()} value that {int(r['inside']):,} of them share is also used by "
        f"{plural(int(r['outside']), 'account')} outside"
        for r in largest.head(most).to_dict("records")
    ]


def explanations(case: CaseFile) -> list[Explanation]:
    """Competing explanations, the least contradicted first; those that nothing was said about come last."""
    rows = case.frame("hypotheses")
    made = []
    for name, group in rows.groupby("hypothesis", sort=True):
        fits = tuple(
            (str(c), None if pd.isna(f) else float(f)) for c, f in zip(group["cluster_id"], group["fit"], strict=True)
        )
        made.append(
            Explanation(
                name=clean(name, 10),
                words=Hypothesis[str(name)].value if str(name) in Hypothesis.__members__ else clean(name, 80),
                fits=fits,
                speaks_for=_merged(group["speaks_for"]),
                speaks_against=_merged(group["speaks_against"]),
            )
        )

    def best(e: Explanation) -> float:
        return max((f for _, f in e.fits if f is not None), default=-1.0)

    return sorted(made, key=lambda e: (len(e.speaks_against) if e.speaks_for else 99, -best(e), e.name))


def corroborated(case: CaseFile) -> bool:
    """Whether two independent views hold in at least one cluster."""
    ledger = case.frame("reasons")
    holding = ledger[ledger["p_value"].isna() | (ledger["p_value"] <= P_VALUE)]
    known = {str(k): k.view for k in EvidenceKind}
    views = holding.assign(view=holding["kind"].map(known)).dropna(subset=["view"])
    return bool((views.groupby("cluster_id")["view"].nunique() >= 2).any())


def _reason(row: dict[Any, Any]) -> Reason:
    m = mark(str(row["kind"]))
    return Reason(
        text=clean(row["text"], 300),
        kind=m.title,
        glyph=str(row["kind"]),
        innocent=clean(row["innocent"], 200) if isinstance(row["innocent"], str) else "",
        bits=None if pd.isna(row["bits"]) else float(row["bits"]),
        values=_whole(row["values"]),
        accounts=_whole(row["accounts"]),
        outside=_whole(row["outside"]),
        p=p_value(row["p_value"]),
    )


def p_value(p: Any) -> str:
    """``0.2``, ``2 × 10⁻⁷``; ``not tested`` for null."""
    if p is None or pd.isna(p):
        return "not tested"
    if p >= 0.001:
        return f"{p:.2g}"
    if p <= 0:
        return "< 10⁻³⁰⁰"
    digits, power = f"{p:.0e}".split("e")
    return f"{digits} × 10{str(int(power)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _merged(lists: pd.Series) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clean(t, 240) for items in lists for t in _items(items)))


def _items(value: Any) -> list[str]:
    return [] if value is None or isinstance(value, float) else [str(v) for v in value]


def _whole(value: Any) -> int | None:
    return None if value is None or pd.isna(value) else int(value)
