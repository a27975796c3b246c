"""Registration: how an account came to be, and what it has in common with others at that moment.

Similar registration details and bursts of sign-ups are named by AA26-251A; a coding-agent vendor saw 20,000
organisations created in three days (2025-10). Innocent twins: hackathons, courses, a launch day.
"""

from __future__ import annotations

import ibis
from ibis import Table

from stillwatch.signals.base import ADVISORY, Family, Signal
from stillwatch.signals.inputs import Inputs, slot_of
from stillwatch.signals.tallies import tally


def sign_up_neighbours_expr(inputs: Inputs) -> Table:
    """Other accounts with the same mail domain, plan and pathway that signed up within the same six hours."""
    a = inputs.accounts
    a = a.select("account_id", "email_domain", "plan", "channel", slot=slot_of(a.created_at, hours=6))
    same = ibis.window(group_by=[a.slot, a.email_domain, a.plan, a.channel])
    return a.select("account_id", sign_up_neighbours=a.count().over(same) - 1)


def shared_sessions_expr(inputs: Inputs) -> Table:
    """Conversations of an account that another account took part in, too."""
    spread, shared = tally(inputs, "spread:session"), tally(inputs, "shared:session")
    every = spread.select("account_id").distinct()
    found = shared.group_by("account_id").aggregate(shared_sessions=shared.count())
    both = every.left_join(found, "account_id")
    return both.select("account_id", shared_sessions=both.shared_sessions.fill_null(0))


FAMILIES = (
    Family(
        (
            Signal(
                "sign_up_neighbours",
                "other accounts with the same mail domain, plan and pathway that signed up in the same six hours",
                "accounts",
                ADVISORY,
                "hackathons, courses, a launch day",
                ("accounts",),
            ),
        ),
        sign_up_neighbours_expr,
    ),
    Family(
        (
            Signal(
                "shared_sessions",
                "conversations that another account took part in, too",
                "conversations",
                "Anthropic report (2026-09): thinking signatures replayed across sessions",
                "a key migration, a team",
                ("requests", "requests.session_id"),
            ),
        ),
        shared_sessions_expr,
    ),
)
