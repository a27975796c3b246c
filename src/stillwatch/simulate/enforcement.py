"""Past enforcement: a few per cent of campaign accounts and some noisy innocents are already banned or suspended."""

from __future__ import annotations

import numpy as np

from stillwatch.simulate.world import DAY, World


def apply(world: World) -> None:
    """Set status and time of it; requests after that time are not made."""
    rng = np.random.default_rng([world.seed, 40])
    accounts = world.accounts()
    n = world.n_accounts
    guilty = accounts["campaign"] != ""
    u = rng.random(n)
    struck = np.where(guilty, u < 0.05, u < 0.012)
    free = accounts["status_at"] < 0
    at = np.flatnonzero(struck & free)
    low = np.maximum(accounts["created"][at] / DAY + 1, 1.0)
    when = np.minimum(low + rng.random(len(at)) * np.maximum(world.days - 0.5 - low, 0.1), world.days - 0.1)
    accounts["status"][at] = np.where(rng.random(len(at)) < 0.6, "banned", "suspended")
    accounts["status_at"][at] = (when * DAY).astype(np.int64)
    retention = rng.random(n)
    accounts["retention"][:] = np.select([retention < 0.03, retention < 0.06], [2, 1], 0)
