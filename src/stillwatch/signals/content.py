"""Content: how focused the prompts of one account are, without reading them.

Highly repetitive structure and few topics gave campaigns away (Anthropic, 2026-02). Innocent twins: every product with
one fixed prompt, continuous integration, classification jobs, an assignment that a whole course works on.
"""

from __future__ import annotations

import ibis
from ibis import Table

from stillwatch.signals.base import FEBRUARY, Family, Measure, Signal
from stillwatch.signals.inputs import Inputs
from stillwatch.signals.tallies import tally

MEASURES = (
    Measure(
        Signal(
            "system_prompts",
            "distinct system prompts",
            "count",
            FEBRUARY,
            "a team with several products",
            ("requests", "requests.system_hash"),
        ),
        lambda counts: counts.system_prompts.fill_null(0),
    ),
)


def templates_expr(inputs: Inputs) -> Table:
    """Spread of an account's requests over prompt templates."""
    t = tally(inputs, "spread:template")
    total = ibis.window(group_by="account_id")
    share = t.mutate(p=t.uses / (t.uses * t.k).sum().over(total).cast("float64"))
    return share.group_by("account_id").aggregate(
        templates=share.k.sum(),
        template_entropy=-(share.k * share.p * share.p.ln()).sum() / ibis.literal(2.0).ln(),
        top_template_share=share.p.max(),
    )


FAMILIES = (
    Family(
        (
            Signal(
                "templates",
                "distinct prompt templates (prompts with numbers, quotes and names masked)",
                "count",
                FEBRUARY,
                "any chat user has many, any product few",
                ("requests", "requests.template"),
            ),
            Signal(
                "template_entropy",
                "how evenly requests spread over templates; 0 = always the same",
                "bits",
                FEBRUARY,
                "products with one fixed prompt",
                ("requests", "requests.template"),
            ),
            Signal(
                "top_template_share",
                "share of the most used template",
                "share",
                FEBRUARY,
                "products with one fixed prompt",
                ("requests", "requests.template"),
            ),
        ),
        templates_expr,
    ),
)
