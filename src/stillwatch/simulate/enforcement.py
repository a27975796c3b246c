"""Past enforcement among the innocent, and accounts whose prompts are not kept.

Campaign accounts are banned by their builder, because bans change what the others do; here are the noisy ones: spam,
chargebacks, mistakes.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.world import DAY, World


def apply(world: World, unkept: float) -> None:
    """Set status and time of it (requests after that time are not made), and whose prompts are not kept.

    ``unkept``: share of all accounts without prompt text; half of them leave a hash of the template.
    """
    rng = np.random.default_rng([world.seed, 40])
    accounts = world.accounts()
    n = world.n_accounts
    guilty = accounts["campaign"] != ""
    u = rng.random(n)
    at = np.flatnonzero(~guilty & (u < 0.013) & (accounts["status_at"] < 0))
    low = np.maximum(accounts["created"][at] / DAY + 1, 1.0)
    when = np.minimum(low + rng.random(len(at)) * np.maximum(world.days - 0.5 - low, 0.1), world.days - 0.1)
    accounts["status"][at] = np.where(rng.random(len(at)) < 0.6, "banned", "suspended")
    accounts["status_at"][at] = (when * DAY).astype(np.int64)
    retention = rng.random(n)
    accounts["retention"][:] = np.select([retention < unkept / 2, retention < unkept], [2, 1], 0)
