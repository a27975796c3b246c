"""Capability mix: what the wording of the prompts asks the model for.

Campaigns map onto what is worth training on: reasoning elicitation, rubric grading, agentic work, coding (Anthropic,
2026-02; Google, 2026-02). Innocent twins: banks that must explain decisions, evaluation vendors, teachers, coders.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
from ibis import Table, Value

from stillwatch.domain import TRAINING_VALUE, Capability
from stillwatch.signals.base import FEBRUARY, Measure, Signal
from stillwatch.signals.tallies import share

_TWIN = {
    Capability.REASONING: "banks that must explain decisions, tutors",
    Capability.GRADING: "evaluation vendors, teachers",
    Capability.REWRITING: "editors, publishers",
    Capability.CODING: "every developer",
    Capability.TOOLS: "users of agent frameworks",
    Capability.MATHS: "students",
    Capability.TRANSLATION: "translators",
    Capability.EXTRACTION: "data teams",
    Capability.KNOWLEDGE: "every chat user",
    Capability.WRITING: "marketing teams",
    Capability.DATA_SYNTHESIS: "data-labelling firms with a contract",
    Capability.SAFETY: "red teams",
}
_NEEDS = ("requests", "requests.capabilities")


def _share(name: str) -> Callable[[Table], Value]:
    return lambda counts: share(counts[f"asks_{name}"], counts.flags_known)


MEASURES = (
    *(
        Measure(
            Signal(
                f"asks_{c.value}",
                f"share of requests whose wording asks for {c.value.replace('_', ' ')}",
                "share",
                FEBRUARY,
                _TWIN[c],
                _NEEDS,
            ),
            _share(c.value),
        )
        for c in Capability
    ),
    Measure(
        Signal(
            "training_value",
            "share of requests that ask for something worth training a model on: "
            + ", ".join(sorted(c.value.replace("_", " ") for c in TRAINING_VALUE)),
            "share",
            FEBRUARY,
            "developers, evaluation vendors",
            _NEEDS,
        ),
        _share("training"),
    ),
)


def asked_for(flags: Value) -> Value:
    """Names of the capabilities of a bit set, as an array; 'none seen' where there is none."""
    names = ibis.array(
        [ibis.ifelse((flags & c.bit) > 0, ibis.literal(c.value), ibis.null("string")) for c in Capability]
    )
    names = names.filter(lambda name: name.notnull())
    return ibis.ifelse(names.length() > 0, names, ibis.array([ibis.literal("none seen")]))
