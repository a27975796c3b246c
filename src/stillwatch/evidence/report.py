"""``report.html``: the campaign on paper. One file, no script, no request, readable in print and on a dark screen.

Facts stand apart from inferences, inferences apart from the words of people; every figure names the exhibit (a file
of the bundle with its SHA-256) that it can be checked in. Text from outside is cleaned here and escaped by the
template; the page's own security policy forbids every script, so that nothing could run if an escape were missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pandas as pd
from jinja2 import DictLoader, Environment, StrictUndefined

from stillwatch.domain import LIKELIHOOD_WORDS, TRAINING_VALUE
from stillwatch.evidence import judgement, wording
from stillwatch.evidence.casefile import CaseFile
from stillwatch.evidence.charts import timeline
from stillwatch.evidence.drawing import drawing
from stillwatch.evidence.look import MARKS, OTHER, mark
from stillwatch.evidence.seal import spoken
from stillwatch.evidence.wording import clean, moment, plural

MOST_ACCOUNTS = 40
MOST_TEMPLATES = 8
MOST_CLUSTERS = 6


@dataclass(frozen=True)
class Exhibit:
    """One file of the bundle, as the report cites it."""

    name: str
    what: str
    rows: int | None
    sha256: str


def report(case: CaseFile, exhibits: Sequence[Exhibit], fingerprint: str) -> bytes:
    """The report. ``fingerprint``: of the key that will seal the bundle."""
    environment = Environment(
        loader=DictLoader({n: _text(n) for n in ("report.html", "report.css", "macros.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "clean": clean,
        "moment": lambda at: "–" if at is None or pd.isna(at) else moment(at),
        "day": lambda at: "–" if at is None or pd.isna(at) else f"{at:%Y-%m-%d}",
        "number": lambda n: "–" if n is None or pd.isna(n) else f"{n:,.0f}",
        "percent": _percent,
        "upper_first": lambda text: text[:1].upper() + text[1:],
        "kind": lambda k: k if k in MARKS else "other",
    }
    return environment.get_template("report.html").render(**_context(case, exhibits, fingerprint)).encode()


def _context(case: CaseFile, exhibits: Sequence[Exhibit], fingerprint: str) -> dict[str, Any]:
    label, colour, rule = wording.TLP[case.tlp]
    views = judgement.clusters(case)
    drawn = drawing(case, most_nodes=420, most_links=1_100)
    return {
        "case": case,
        "campaign": case.campaign,
        "run": case.provenance,
        "tlp": {"label": label, "colour": colour, "rule": rule},
        "marks": {**MARKS, "other": OTHER},
        "figures": _figures(case),
        "clusters": views[:MOST_CLUSTERS],
        "clusters_more": max(len(views) - MOST_CLUSTERS, 0),
        "against": judgement.against(case, views),
        "reviewers": sorted(judgement.reviewers(case)[0]),
        "timeline": timeline(case.frame("timeline"), case.frame("markers")),
        "drawing": drawn,
        "by_key": {n.key: n for n in drawn.nodes},
        "shared": _shared(case),
        "capabilities": _capabilities(case),
        "templates": _templates(case),
        "make_up": [_counts(case, c) for c in ("status", "plan", "channel", "role")],
        "explanations": judgement.explanations(case),
        "sources": _sources(case),
        "blind": _blind(case, views),
        "accounts": _accounts(case),
        "accounts_total": case.tables["accounts"].num_rows,
        "labels": case.frame("labels").sort_values("labeled_at", kind="stable").tail(60).to_dict("records"),
        "labels_total": case.tables["labels"].num_rows,
        "decisions": case.frame("decisions").to_dict("records"),
        "custody": case.frame("custody").to_dict("records"),
        "exhibits": exhibits,
        "fingerprint": spoken(fingerprint),
        "likelihoods": list(zip(LIKELIHOOD_WORDS, wording.LIKELIHOOD_RANGES, strict=True)),
        "confidences": wording.CONFIDENCE,
        "reliability": wording.ADMIRALTY_RELIABILITY,
        "credibility": wording.ADMIRALTY_CREDIBILITY,
        "plural": plural,
    }


def _figures(case: CaseFile) -> list[tuple[str, str, str]]:
    """The strip of key figures: value, what it is, compared to what."""
    a = case.frame("accounts")
    n = len(a)
    first, last = a["first_seen"].min(), a["last_seen"].max()
    days = max((last - first).days + 1, 1) if pd.notna(first) and pd.notna(last) else 1
    requests = int(a["requests"].sum())
    stopped = int(a["status"].isin(["banned", "suspended"]).sum())
    out_tokens, in_tokens = int(a["output_tokens"].sum()), int(a["input_tokens"].sum())
    return [
        (f"{n:,}", "account" if n == 1 else "accounts", f"in {plural(len(case.campaign.cluster_ids), 'cluster')}"),
        (f"{requests:,}", "requests", f"{requests / max(n, 1) / days:,.1f} per account and day"),
        (_compact(out_tokens), "tokens answered", f"{_compact(in_tokens)} tokens asked"),
        (f"{days:,}", "days", wording.span(*(None if pd.isna(d) else d for d in (first, last)))),
        (f"{stopped:,}", "banned or suspended", f"{_percent(stopped / max(n, 1))} of the accounts"),
    ]


def _shared(case: CaseFile) -> list[dict[str, Any]]:
    """Per kind of evidence: values that two or more accounts of the campaign share. Counted, not judged."""
    links = case.frame("links")
    per_value = links.groupby(["kind", "value"]).agg(
        accounts=("account_id", "nunique"), everywhere=("sharers", "max"), uses=("uses", "sum")
    )
    per_value = per_value[per_value["accounts"] >= 2].reset_index()
    touched = links.merge(per_value[["kind", "value"]], on=["kind", "value"])
    made = []
    for kind, group in per_value.groupby("kind", sort=True):
        accounts = touched.loc[touched["kind"] == kind, "account_id"].nunique()
        made.append(
            {
                "kind": str(kind),
                "title": mark(str(kind)).title,
                "values": len(group),
                "accounts": int(accounts),
                "share": accounts / max(case.tables["accounts"].num_rows, 1),
                "largest": int(group["accounts"].max()),
                "everywhere": int(group["everywhere"].max()) if group["everywhere"].notna().any() else None,
                "uses": int(group["uses"].sum()),
            }
        )
    return sorted(made, key=lambda r: (-r["accounts"], r["kind"]))


def _capabilities(case: CaseFile) -> list[dict[str, Any]]:
    """What was asked for, beside what accounts outside any cluster ask for."""
    rows = case.frame("capabilities")
    total = case.frame("clusters")["requests"].sum()
    grouped = rows.groupby("capability").agg(
        requests=("requests", "sum"), tokens=("tokens", "sum"), benign=("benign_share", "mean")
    )
    grouped = grouped.sort_values("requests", ascending=False, kind="stable").head(8)
    return [
        {
            "name": clean(name, 40).replace("_", " "),
            "requests": int(r["requests"]),
            "share": min(float(r["requests"]) / max(float(total), 1.0), 1.0),
            "benign": None if pd.isna(r["benign"]) else min(float(r["benign"]), 1.0),
            "valued": name in TRAINING_VALUE,
        }
        for name, r in grouped.iterrows()
    ]


def _templates(case: CaseFile) -> list[dict[str, Any]]:
    rows = case.frame("templates").sort_values("requests", ascending=False, kind="stable").head(MOST_TEMPLATES)
    return [{**_keyed(r), "capabilities": _words(r["capabilities"])} for r in rows.to_dict("records")]


def _words(value: Any) -> str:
    """A list of words from a table, for one cell."""
    return "" if value is None or isinstance(value, float) else wording.listed([clean(v, 30) for v in value], 3)


def _counts(case: CaseFile, column: str) -> tuple[str, list[tuple[str, int]]]:
    counts = case.frame("accounts")[column].fillna("unknown").value_counts().head(6)
    title = {"status": "Status", "plan": "Plan", "channel": "Pathway", "role": "Part in the cluster"}[column]
    return title, [(clean(k, 30), int(v)) for k, v in counts.items()]


def _sources(case: CaseFile) -> list[dict[str, str]]:
    """Admiralty grade of each kind of evidence that occurs."""
    present = {*case.frame("reasons")["kind"], *case.frame("links")["kind"]}
    agreed = judgement.corroborated(case)
    return [
        {
            "kind": str(k),
            "title": s.title,
            "source": s.source,
            "grade": wording.admiralty(k, agreed),
            "why": s.why,
        }
        for k, s in wording.SOURCES.items()
        if k in present
    ]


def _blind(case: CaseFile, views: Sequence[judgement.ClusterView]) -> list[str]:
    """Signals that could not be computed: of the run, of a source, of a cluster; each said once."""
    said = [clean(b, 240) for b in case.provenance.blind]
    said += [clean(b, 240) for s in case.provenance.sources for b in s.blind]
    said += [b for v in views for b in v.blind]
    return list(dict.fromkeys(said))


def _accounts(case: CaseFile) -> list[dict[str, Any]]:
    """The accounts with the highest scores, each with its own reasons."""
    rows = case.frame("accounts").sort_values(["score", "account_id"], ascending=[False, True]).head(MOST_ACCOUNTS)
    return [
        {
            **_keyed(r),
            "name": clean(r["account_id"], 60),
            "why": [clean(t, 160) for t in (r["reasons"] if r["reasons"] is not None else [])][:2],
            "but": [clean(t, 160) for t in (r["against"] if r["against"] is not None else [])][:2],
        }
        for r in rows.to_dict("records")
    ]


def _keyed(row: Any) -> dict[str, Any]:
    """A row of ``to_dict("records")``, whose keys pandas types as anything hashable."""
    return dict(row)


def _percent(share: float | None) -> str:
    if share is None or pd.isna(share):
        return "–"
    if 0 < share < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= share < 1 else f"{share * 100:.0f} %"


def _compact(n: float) -> str:
    for step, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= step:
            return f"{n / step:.1f}".removesuffix(".0") + f" {letter}"
    return f"{n:,.0f}"


def _text(name: str) -> str:
    return (resources.files("stillwatch.evidence") / "templates" / name).read_text(encoding="utf-8")
