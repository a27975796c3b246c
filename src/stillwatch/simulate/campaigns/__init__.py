"""The ten campaign archetypes of the field notes, one module each, and what operators have in common."""

from __future__ import annotations

from collections.abc import Callable

from stillwatch.simulate.campaigns import (
    a_small_balanced,
    b_pathways,
    c_release_pivot,
    d_proxy_pool,
    e_fixed_prefix,
    f_session_replay,
    g_cleaner,
    h_relay,
    i_sweep,
    j_low_and_slow,
)
from stillwatch.simulate.world import World

BUILDERS: dict[str, Callable[[World, int, int], None]] = {
    module.ARCHETYPE: module.build
    for module in (
        a_small_balanced,
        b_pathways,
        c_release_pivot,
        d_proxy_pool,
        e_fixed_prefix,
        f_session_replay,
        g_cleaner,
        h_relay,
        i_sweep,
        j_low_and_slow,
    )
}
"""Archetype -> ``build(world, number of campaign, accounts)``."""

__all__ = ["BUILDERS"]
