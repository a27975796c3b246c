"""The fourteen innocents who look guilty (field notes, section 3), each a builder."""

from __future__ import annotations

from collections.abc import Callable

from stillwatch.simulate.lookalikes import crowds, firms, habits, institutions
from stillwatch.simulate.world import World

BUILDERS: dict[str, Callable[[World, int, int], None]] = {
    "university_course": institutions.university_course,
    "evaluation_vendor": firms.evaluation_vendor,
    "enterprise_gateway": institutions.enterprise_gateway,
    "reseller": institutions.reseller,
    "popular_agent": habits.popular_agent,
    "labelling_firm": firms.labelling_firm,
    "bank_explanations": firms.bank_explanations,
    "ci_fleet": firms.ci_fleet,
    "key_migration": firms.key_migration,
    "carrier_nat": crowds.carrier_nat,
    "hackathon": crowds.hackathon,
    "academic_distillation": firms.academic_distillation,
    "stolen_key": habits.stolen_key,
    "viral_prompt": habits.viral_prompt,
}
"""Kind -> ``build(world, number of group, accounts)``."""

__all__ = ["BUILDERS"]
