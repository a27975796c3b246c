"""Named worlds: how many accounts, how long, which campaigns, what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field

from stillwatch.simulate.campaigns import BUILDERS as CAMPAIGNS


@dataclass(frozen=True)
class Scenario:
    """One world at scale 1."""

    name: str
    description: str
    """One sentence."""
    accounts: int = 5_000
    mean_requests: float = 200.0
    days: int = 60
    campaigns: tuple[tuple[str, float], ...] = ()
    """(archetype, share of all accounts) for each campaign."""
    lookalikes: float = 0.3
    """Share of all accounts that belong to a look-alike group."""
    brevity: float = 0.5
    """Length of prompts, 1 = as the public pools have it."""
    campaign_load: float = 1.0
    """Factor on what campaign accounts ask a day."""
    unkept: float = 0.06
    """Share of accounts whose prompts are not kept."""
    compact: bool = False
    """Sequential request ids and whole seconds, so that files stay small."""
    lacks: frozenset[str] = field(default_factory=frozenset)
    """Evidence that is missing or means nothing; see hardcases.KINDS."""


_MAIN = {
    "a_small_balanced": (("a_small_balanced", 0.006),) * 4 + (("e_fixed_prefix", 0.006),),
    "b_pathways": (("b_pathways", 0.015), ("b_pathways", 0.009), ("a_small_balanced", 0.004)),
    "c_release_pivot": (("c_release_pivot", 0.015), ("c_release_pivot", 0.009), ("f_session_replay", 0.005)),
    "d_proxy_pool": (("d_proxy_pool", 0.03), ("d_proxy_pool", 0.008)),
    "e_fixed_prefix": (("e_fixed_prefix", 0.016), ("e_fixed_prefix", 0.01), ("b_pathways", 0.005)),
    "f_session_replay": (("f_session_replay", 0.014), ("f_session_replay", 0.009), ("a_small_balanced", 0.004)),
    "g_cleaner": (("g_cleaner", 0.006), ("g_cleaner", 0.005), ("d_proxy_pool", 0.01)),
    "h_relay": (("h_relay", 0.016), ("h_relay", 0.01), ("c_release_pivot", 0.006)),
    "i_sweep": (("i_sweep", 0.012), ("i_sweep", 0.009), ("a_small_balanced", 0.005)),
    "j_low_and_slow": (("j_low_and_slow", 0.002),) * 3,
}
_MIXED = tuple(
    (a, s)
    for a, s in zip(CAMPAIGNS, (0.004, 0.005, 0.005, 0.008, 0.005, 0.004, 0.003, 0.004, 0.004, 0.002), strict=True)
)
_STORY = {
    "a_small_balanced": "small campaigns, load balanced over light accounts with cards in common",
    "b_pathways": "campaigns over several pathways and account types",
    "c_release_pivot": "high volume that moves to a new model within a day",
    "d_proxy_pool": "a large proxy pool with cover traffic",
    "e_fixed_prefix": "a fixed prefix, two pools, failover after a ban",
    "f_session_replay": "session artefacts replayed in other accounts",
    "g_cleaner": "few accounts at a high rate that clean what others took",
    "h_relay": "relays of an operator's own users, tagged by a harness",
    "i_sweep": "technique sweeps, mostly refused",
    "j_low_and_slow": "three of 0.2 % of the accounts each, a twentieth of their traffic, no payment in common",
}

_ALL = [
    Scenario(
        "sample",
        "The small committed world: 3,000 accounts, about 120,000 requests, several campaigns, every look-alike.",
        accounts=3_000,
        mean_requests=35.0,
        days=45,
        campaigns=(
            ("a_small_balanced", 0.02),
            ("e_fixed_prefix", 0.02),
            ("d_proxy_pool", 0.03),
            ("c_release_pivot", 0.016),
        ),
        brevity=0.2,
        compact=True,
    ),
    *(Scenario(a, f"A hard world: {_STORY[a]}.", campaigns=_MAIN[a]) for a in CAMPAIGNS),
    Scenario("mixed", "One campaign of every archetype among every look-alike.", campaigns=_MIXED),
    Scenario("none", "No campaign at all: ordinary people and every look-alike."),
    Scenario(
        "incident",
        "The incident: 24,000 campaign accounts with 16 M requests among 200,000 others with 24 M.",
        accounts=224_000,
        mean_requests=122.0,
        campaign_load=1.75,
        campaigns=(
            ("d_proxy_pool", 0.055),
            ("d_proxy_pool", 0.027),
            ("d_proxy_pool", 0.010),
            ("e_fixed_prefix", 0.008),
            ("c_release_pivot", 0.005),
            ("b_pathways", 0.0021),
        ),
        brevity=0.35,
    ),
    Scenario(
        "no_identifiers",
        "A mixed world whose provider hands in no identifiers.",
        campaigns=_MIXED,
        lacks=frozenset({"identifiers"}),
    ),
    Scenario(
        "no_prompts", "A mixed world without prompt text or hashes.", campaigns=_MIXED, lacks=frozenset({"prompts"})
    ),
    Scenario(
        "one_nat",
        "A mixed world in which every account comes from one address.",
        campaigns=_MIXED,
        lacks=frozenset({"networks"}),
    ),
    Scenario(
        "one_template",
        "A mixed world in which everybody uses one template.",
        campaigns=_MIXED,
        lacks=frozenset({"templates"}),
    ),
    Scenario(
        "clock_skew",
        "A mixed world whose request times are off by up to hours, by pathway.",
        campaigns=_MIXED,
        lacks=frozenset({"clocks"}),
    ),
    Scenario("single_requests", "Accounts with one request each.", campaigns=_MIXED, lacks=frozenset({"repeats"})),
]
SCENARIOS: dict[str, Scenario] = {s.name: s for s in _ALL}
