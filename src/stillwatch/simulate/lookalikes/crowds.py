"""Crowds of strangers that circumstance puts together: a carrier's NAT, a hackathon."""

from __future__ import annotations

from typing import Any

import numpy as np

from stillwatch.simulate import ordinary, pacing, people
from stillwatch.simulate.lookalikes import common
from stillwatch.simulate.world import DAY, World


def carrier_nat(world: World, number: int, accounts: int) -> None:
    """A region behind a handful of addresses of one carrier or VPN; nothing else in common."""
    kind, n = "carrier_nat", accounts
    rng = common.own_rng(world, kind, number)
    crowd = people.join(world, rng, n, kind, focus=0.9)
    common.own_everything(world, crowd, rng)
    exits = common.block(world, rng, str(rng.choice(["mobile", "vpn"])), int(rng.integers(3, 12)))
    where: dict[str, Any] = common.behind(world, crowd, rng, exits, 1.0, signed_up=0.7)
    ordinary.traffic(world, crowd, rng, "single", **where)


def hackathon(world: World, number: int, accounts: int) -> None:
    """A weekend: sign-ups within hours at one venue, credits of one voucher, the organiser's starter prompt."""
    kind, n = "hackathon", accounts
    rng = common.own_rng(world, kind, number)
    day = float(rng.uniform(2, world.days - 6))
    born = day + rng.exponential(0.2, n)
    crowd = people.join(
        world,
        rng,
        n,
        kind,
        focus=0.6,
        created=(born * DAY).astype(np.int64),
        plan=people.choose(rng, {"startup": 0.4, "free": 0.4, "pro": 0.2}, n),
    )
    voucher = np.where(rng.random(n) < 0.65, int(world.mint(1)[0]), world.mint(n))
    world.identify(crowd.rows, "payment", np.where(rng.random(n) < 0.9, voucher, -1))
    people.own_contact(world, crowd, rng)
    people.own_device(world, crowd, rng)
    where = common.behind(world, crowd, rng, common.block(world, rng, "office", 3), 0.9, signed_up=0.8)
    intents = [("tools",), ("coding",), ("data_synthesis",), ("reasoning",)]
    chosen = [intents[i] for i in rng.permutation(4)[:3]]
    books = common.house_books(world, rng, n, chosen, ("free", "coding"), wordings=(1, 5))
    counts = pacing.daily(
        world,
        rng,
        pacing.volumes(rng, n, 0.4 * world.mean_requests, 1.0),
        start=born,
        stop=born + rng.uniform(1.5, 5, n),
        week="all",
        skip=0.0,
    )
    common.machines(world, crowd, rng, books, counts, clock="owl", session=rng.uniform(2, 7, n), **where)
    ordinary.traffic(world, crowd, rng, "hobbyist", mean=0.4 * world.mean_requests, **where)
