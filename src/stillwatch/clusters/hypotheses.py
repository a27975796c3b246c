"""Hypotheses: how well each competing explanation fits a cluster (analysis of competing hypotheses; the aim is to
reject).

Each rule names what speaks for and against in words. A fit near 1 means nothing speaks against and something speaks
for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stillwatch.clusters.portrait import Portrait
from stillwatch.clusters.selection import Found
from stillwatch.clusters.words import number, percent
from stillwatch.domain import Hypothesis


@dataclass(frozen=True)
class Fit:
    """How well one hypothesis fits, with its words."""

    hypothesis: Hypothesis
    fit: float
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]


class _Scale:
    """Collects what speaks for and against; fit = for / (for + against), pulled to 0.2 without any word."""

    def __init__(self) -> None:
        self.pro: list[tuple[float, str]] = []
        self.con: list[tuple[float, str]] = []

    def say(self, holds: bool | None, weight: float, yes: str, no: str = "") -> None:
        """Adds ``yes`` to what speaks for or ``no`` to what speaks against; None = unknown, silent."""
        if holds is None:
            return
        if holds:
            self.pro.append((weight, yes))
        elif no:
            self.con.append((weight, no))

    def fit(self, hypothesis: Hypothesis) -> Fit:
        pro, con = sum(w for w, _ in self.pro), sum(w for w, _ in self.con)
        value = (pro + 0.2) / (pro + con + 1.0)
        return Fit(hypothesis, round(value, 4), tuple(t for _, t in self.pro), tuple(t for _, t in self.con))


def weigh(found: Found, p: Portrait) -> list[Fit]:
    """The nine hypotheses, H1 first."""
    rules: dict[Hypothesis, Callable[[_Scale, Found, Portrait], None]] = {
        Hypothesis.H1: _one_operator,
        Hypothesis.H2: _reseller,
        Hypothesis.H3: _gateway,
        Hypothesis.H4: _course,
        Hypothesis.H5: _evaluation,
        Hypothesis.H6: _template,
        Hypothesis.H7: _stolen,
        Hypothesis.H8: _free_tier,
        Hypothesis.H9: _artefact,
    }
    out = []
    for hypothesis, rule in rules.items():
        scale = _Scale()
        rule(scale, found, p)
        out.append(scale.fit(hypothesis))
    return out


def _coherent(f: Found) -> bool:
    return f.tested.lift >= 5 and f.tested.coherence >= 0.05


def _tied(f: Found) -> float:
    return f.tested.hard.accounts / max(len(f.members), 1)


def _share(p: Portrait, signal: str) -> float | None:
    value = p.medians.get(signal)
    return None if value is None or value != value else value


def _above(value: float | None, bar: float) -> bool | None:
    return None if value is None else value >= bar


def _one_operator(s: _Scale, f: Found, p: Portrait) -> None:
    t = f.tested
    s.say(
        _coherent(f),
        3,
        f"two members agree in wording {number(round(t.lift))} times as much as strangers",
        "members do not speak alike",
    )
    s.say(
        _tied(f) >= 0.15 and t.hard.observed >= 3,
        3,
        f"{percent(_tied(f))} of the accounts share a card, device, contact or conversation with a separate owner here",
        "hardly any card, device, contact or conversation ties separate owners",
    )
    s.say(
        t.owners >= 0.5 * len(f.members),
        1,
        f"the accounts present themselves as {number(t.owners)} separate owners",
        "most members belong openly to one owner",
    )
    s.say(
        _above(p.times("training_value"), 1.5),
        1,
        "they ask for what a model can be trained on far more than others do",
        "they do not ask for training material more than others do",
    )
    s.say(
        (t.enforced >= 4 and t.enforced >= 4 * t.enforced_expected) or None,
        1,
        f"{number(t.enforced)} of them were banned or suspended before",
    )


def _reseller(s: _Scale, f: Found, p: Portrait) -> None:
    s.say(
        not _coherent(f),
        2,
        "members write about different things",
        "members write the same things; customers of a reseller would not",
    )
    s.say(
        None if p.top_channel is None else p.top_channel >= 0.9 and p.top_channel_name not in (None, "first_party"),
        1,
        f"nearly all come through {p.top_channel_name}",
        "they come through several pathways or directly",
    )
    s.say(
        p.hub_networks >= 0.5,
        1,
        "most use an address that many unrelated accounts use",
        "they do not share a common exit",
    )


def _gateway(s: _Scale, f: Found, p: Portrait) -> None:
    s.say(
        None if p.top_org is None else p.top_org >= 0.8,
        2,
        "they name one organisation",
        "they name no common organisation",
    )
    s.say(
        f.tested.owners <= 0.3 * len(f.members),
        2,
        "they are few open owners",
        f"they are {number(f.tested.owners)} separate owners",
    )
    s.say(p.hub_networks >= 0.5, 1, "most leave through one well-known exit", "no common exit")
    s.say(
        None if p.top_plan_name is None else p.top_plan_name in ("enterprise", "team"),
        1,
        f"their plan is {p.top_plan_name}",
        f"their plan is {p.top_plan_name}",
    )


def _course(s: _Scale, f: Found, p: Portrait) -> None:
    s.say(p.burst >= 0.5, 1, f"{percent(p.burst)} signed up within 48 hours", "sign-ups are spread out")
    s.say(
        None if p.top_domain is None else p.top_domain >= 0.6,
        1,
        f"most have mail at {p.top_domain_name}",
        "their mail domains differ",
    )
    s.say(p.hub_networks >= 0.5, 1, "most use one well-known network, as a campus would", "no campus network")
    s.say(
        None if p.top_plan_name is None else p.top_plan_name in ("edu", "research", "free"),
        0.5,
        f"their plan is {p.top_plan_name}",
    )
    s.say(
        _tied(f) < 0.1,
        1,
        "hardly any shared card, device or contact",
        f"{percent(_tied(f))} share a card, device or contact: a class does not",
    )


def _evaluation(s: _Scale, f: Found, p: Portrait) -> None:
    s.say(_above(_share(p, "asks_grading"), 0.2), 1, "many requests grade answers", "few requests grade answers")
    s.say(_above(_share(p, "models"), 3), 1, "members try several models", "members keep to few models")
    s.say(
        f.tested.owners <= 0.3 * len(f.members),
        2,
        "they are few open owners",
        "vendors and red teams do not pose as separate owners",
    )


def _template(s: _Scale, f: Found, p: Portrait) -> None:
    s.say(_coherent(f), 1, "members repeat the same phrases", "members do not repeat the same phrases")
    s.say(
        f.tested.hard.observed < 3 and f.tested.soft.observed < 6,
        2,
        "nothing but the wording ties them",
        f"{number(f.tested.hard.observed + f.tested.soft.observed)} ties between separate owners besides the wording",
    )
    s.say(p.burst < 0.3, 0.5, "sign-ups are spread out, as users of a public template are", "sign-ups come in a burst")


def _stolen(s: _Scale, f: Found, p: Portrait) -> None:
    age = _share(p, "hours_to_first_request")
    s.say(
        None if age is None else age > 24 * 7,
        1,
        "members were quiet long after sign-up",
        "members worked from the start",
    )
    s.say(
        None if p.top_plan_name is None else p.top_plan_name not in ("free",),
        0.5,
        "members pay",
        "members are on a free plan: nothing to steal",
    )
    s.say(
        _tied(f) < 0.1,
        1,
        "the victims of a theft share no card, device or contact",
        "shared cards, devices or contacts: victims would not have them",
    )


def _free_tier(s: _Scale, f: Found, p: Portrait) -> None:
    s.say(
        None if p.top_plan_name is None else p.top_plan_name == "free",
        2,
        "nearly all are on the free plan" if (p.top_plan or 0) > 0.8 else "the most common plan is free",
        f"the most common plan is {p.top_plan_name}",
    )
    s.say(
        None if p.times("training_value") is None else (p.times("training_value") or 0) < 1.5,
        1,
        "what they ask for is what everybody asks for",
        "they ask for training material",
    )
    s.say(not _coherent(f), 1, "members write about different things", "members write the same things")


def _artefact(s: _Scale, f: Found, p: Portrait) -> None:
    t = f.tested
    views = (t.content.strength > 4) + (t.hard.strength > 4) + (t.soft.strength > 4)
    s.say(views < 2, 1, "only one kind of evidence shows anything", f"{views} kinds of evidence agree")
    s.say(
        p.medians.get("requests", 0.0) < 3,
        1,
        "members have hardly any requests",
        "members have enough requests to judge",
    )


LOOKALIKE_NAMES = {
    Hypothesis.H2: "reseller with mixed customers",
    Hypothesis.H3: "enterprise behind a shared gateway",
    Hypothesis.H4: "university or course",
    Hypothesis.H5: "evaluation or red team",
    Hypothesis.H6: "shared public template",
    Hypothesis.H7: "stolen keys",
    Hypothesis.H8: "free-tier abuse",
    Hypothesis.H9: "data artefact",
}


def best_lookalike(fits: list[Fit]) -> str | None:
    """Name of the innocent (or other) explanation that fits at least as well as one operator does; None if none."""
    campaign = fits[0].fit
    others = [f for f in fits[1:] if f.fit >= max(0.5, campaign)]
    return LOOKALIKE_NAMES[max(others, key=lambda f: (f.fit, f.hypothesis.name)).hypothesis] if others else None
