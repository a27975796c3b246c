"""What a provider's data can lack: worlds in which one kind of evidence is gone, or means nothing."""

from __future__ import annotations

import numpy as np

from stillwatch.simulate import ordinary
from stillwatch.simulate.world import DAY, World

KINDS = frozenset({"identifiers", "prompts", "networks", "templates", "clocks", "repeats"})


def apply(world: World, lacks: frozenset[str]) -> None:
    """Take the named evidence away; ``identifiers`` are left out when tables are written."""
    rng = np.random.default_rng([world.seed, 60])
    accounts, streams = world.accounts(), world.streams()
    if "prompts" in lacks:
        accounts["retention"][:] = 2
    if "networks" in lacks:
        ip, asn = world.networks.mixture({"mobile": 1.0}, 1, rng)
        streams["addr"][:] = world.networks.take(ip, asn)
        streams["addr_n"][:] = 1
        world.one_sign_up_address(int(ip[0]))
    if "templates" in lacks:
        streams["book"][:] = world.text.book([int(ordinary.public_templates(world)[0])])
        streams["topic"][:] = 0
    if "clocks" in lacks:
        # every pathway reports by its own clock, some by local time without saying so, every account drifts a little
        channels, at = np.unique(accounts["channel"], return_inverse=True)
        hours = rng.integers(-11, 12, len(channels)) * (rng.random(len(channels)) < 0.6)
        world.skew = (hours[at] * DAY // 24 + rng.normal(0, 120, world.n_accounts) * 1_000_000).astype(np.int64)
    if "repeats" in lacks:
        world.one_request_each()
