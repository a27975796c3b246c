"""The model card: what a model is for, what it rests on, and who must not be judged by it alone.

Sections as skops and the Hugging Face model card have them. Names and reasons come from people and may be hostile:
they are escaped, so that no card runs or fetches anything.
"""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa

from stillwatch.detector.examples import ANCHOR_BELOW
from stillwatch.detector.measures import Scores
from stillwatch.detector.training import Candidate

LOOK_ALIKES = """\
university networks and course assignments; evaluation and benchmark vendors; enterprise gateways with a pool of
keys; honest resellers; users of a popular open-source agent; data-labelling firms with a contract; banks that must
explain decisions; continuous-integration fleets; key migrations; carrier-NAT and VPN regions; hackathon sign-up
bursts; academic distillation with permission; customers whose key was stolen; a prompt gone viral"""
"""Innocents that look guilty (field notes, section 3)."""

_CARD = """\
---
library_name: skops
license: other
tags: [tabular-classification, stillwatch]
model: {model_id}
run: {run_id}
---

# Model {model_id}

## Model description

Probability that an API account belongs to a distillation campaign. A logistic regression around the score that
detection gives without any labels: labels bend that score, they do not replace it. Country, language and plan are
not inputs. The file holds numbers and names only.

## Intended uses and limitations

- Orders a queue for people. It recommends; a named person decides, with a reason.
- **Nobody is to be judged by it alone**, above all these innocents that look alike: {look_alikes}.
- It sees one provider's traffic: transcripts that were bought and resellers' shells stay invisible. It claims no
  completeness.
- Labels of a few clusters teach about clusters of that kind. Retrain when campaigns or products change.

## Training procedure

- Run: {run_id}. Labels: {labels} ({sources}), {span}; kept in labels.parquet.
- Class balance: {distillation} targets of distillation, {benign} others; {accounts:,} accounts. A cluster counts
  1 + ln(size); other_abuse counts as not distillation.
- Agreement of labelers: {agreement}.
- {anchors:,} unlabelled accounts outside clusters with a base score under {below} hold the model near its base score;
  they are not taken for innocent.
- Split: whole clusters are held out (by cluster, not by time: one run is one point in time).

### Hyperparameters

- Width of the normal prior on coefficients: {width} (chosen by the evidence of the labels).
- Features: {features}, asinh, standardised, cut at 5; null says nothing.

## Evaluation results

{statement}

{results}

### Strongest weights

| feature | log-odds per standard deviation |
| --- | ---: |
{weights}

### Labels that the held-out model contradicts

{errors}

## Authors

Trained by {by}, {organisation}.

## Contact

{organisation}.

## Citation

Stillwatch model {model_id}, trained on run {run_id}.
"""


def markdown_text(text: str, limit: int = 300) -> str:
    """Text from outside as plain words in Markdown: no markup, no HTML, no links, one line."""
    line = " ".join(text.split())
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    line = "".join(c if c.isprintable() else "�" for c in line)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_{}\[\]()#+!|~$^-])", r"\\\1", line)
    return re.sub(r"(?i)\b(https?|ftp|www)(?=[:.])", r"\1&#8203;", line)


def render(
    candidate: Candidate,
    *,
    model_id: str,
    run_id: str,
    labels: pa.Table,
    in_use: str | None,
    by: str,
    organisation: str,
) -> str:
    """The card of a model as Markdown with YAML front matter."""
    frame = labels.to_pandas()
    counts = candidate.counts
    span = "no dates"
    if len(frame):
        first, last = (
            pd.Timestamp(t).strftime("%Y-%m-%d") for t in (frame["labeled_at"].min(), frame["labeled_at"].max())
        )
        span = f"{first} to {last} (UTC)"
    sources = ", ".join(f"{n} {s}" for s, n in sorted(frame["source"].value_counts().items()))
    agreement = candidate.agreement
    agreed = (
        f"{agreement.agreed} of {agreement.twice} targets that two people labelled"
        if agreement.twice
        else "not measurable: no target was labelled by two people"
    )
    weights = candidate.model.weights.head(12).itertuples(index=False)
    return _CARD.format(
        model_id=model_id,
        run_id=run_id,
        look_alikes=LOOK_ALIKES,
        labels=counts["labels"],
        sources=markdown_text(sources),
        span=span,
        distillation=counts["groups_distillation"],
        benign=counts["groups_benign"],
        accounts=counts["accounts"],
        agreement=agreed,
        anchors=counts["anchors"],
        below=ANCHOR_BELOW,
        width=candidate.width,
        features=len(candidate.model.scaler.names),
        statement=markdown_text(candidate.statement, 600),
        results="\n".join(_results(candidate, in_use)),
        weights="\n".join(f"| {markdown_text(feature)} | {weight:+.3f} |" for feature, weight in weights),
        errors="\n".join(_errors(candidate)),
        by=markdown_text(by),
        organisation=markdown_text(organisation),
    )


def _results(candidate: Candidate, in_use: str | None) -> list[str]:
    if candidate.candidate is None:
        return []
    columns: list[tuple[str, Scores | None]] = [("this model, held out", candidate.candidate)]
    if in_use:
        columns.append((f"in use ({in_use}; trained on {candidate.in_use_seen} of these accounts)", candidate.in_use))
    columns.append(("base, no labels", candidate.base))
    figures = ("average_precision", "precision", "recall", "f1", "brier")
    lines = ["| | " + " | ".join(name for name, _ in columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for figure in figures:
        cells = [_figure(getattr(s, figure)) if s else "-" for _, s in columns]
        lines.append(f"| {figure.replace('_', ' ')} | " + " | ".join(cells) + " |")
    if candidate.groups:
        g = candidate.groups
        found = f"precision {_figure(g.precision)}, recall {_figure(g.recall)}"
        lines += ["", f"Clusters against labelled campaigns (BCubed): {found}."]
    lines += [
        "",
        "Calibration, held out:",
        "",
        "| predicted | mean | true share | accounts |",
        "| --- | ---: | ---: | ---: |",
    ]
    for b in candidate.candidate.calibration:
        lines.append(f"| {b['from']:.1f} to {b['to']:.1f} | {b['mean']:.2f} | {b['share']:.2f} | {b['accounts']:,} |")
    return lines


def _errors(candidate: Candidate) -> list[str]:
    if not len(candidate.errors):
        return ["None." if candidate.candidate else "Not measurable yet."]
    return [
        f"- {r['target_type']} {markdown_text(r['target_id'], 60)}: {markdown_text(r['labeler'], 60)} says "
        f"{r['value']} ({markdown_text(r['reason'])}); held out it gets {r['probability']:.2f}."
        for r in candidate.errors.head(20).to_dict("records")
    ]


def _figure(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.3f}"
