"""The fourteen innocents who look guilty (field notes, section 3), each a builder, with its share of a world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stillwatch.simulate.lookalikes import crowds, firms, habits, institutions
from stillwatch.simulate.world import World


@dataclass(frozen=True)
class LookAlike:
    """One kind: how to build a group of it, how many accounts of a world are of it, and how large groups are."""

    build: Callable[[World, int, int], None]
    share: float
    """Of the accounts that look-alikes have in all."""
    smallest: int
    largest: int


BUILDERS: dict[str, LookAlike] = {
    "university_course": LookAlike(institutions.university_course, 0.11, 15, 90),
    "evaluation_vendor": LookAlike(firms.evaluation_vendor, 0.05, 6, 30),
    "enterprise_gateway": LookAlike(institutions.enterprise_gateway, 0.11, 8, 90),
    "reseller": LookAlike(institutions.reseller, 0.12, 10, 100),
    "popular_agent": LookAlike(habits.popular_agent, 0.12, 30, 200),
    "labelling_firm": LookAlike(firms.labelling_firm, 0.05, 6, 40),
    "bank_explanations": LookAlike(firms.bank_explanations, 0.04, 5, 30),
    "ci_fleet": LookAlike(firms.ci_fleet, 0.06, 6, 40),
    "key_migration": LookAlike(firms.key_migration, 0.05, 6, 30),
    "carrier_nat": LookAlike(crowds.carrier_nat, 0.1, 40, 300),
    "hackathon": LookAlike(crowds.hackathon, 0.06, 15, 80),
    "academic_distillation": LookAlike(firms.academic_distillation, 0.035, 4, 20),
    "stolen_key": LookAlike(habits.stolen_key, 0.015, 3, 12),
    "viral_prompt": LookAlike(habits.viral_prompt, 0.08, 40, 300),
}

__all__ = ["BUILDERS", "LookAlike"]
