"""Crowds of strangers that circumstance puts together: a carrier's NAT, a hackathon."""

from __future__ import annotations

import numpy as np

from stillwatch.simulate import ordinary, people
from stillwatch.simulate.lookalikes import common
from stillwatch.simulate.world import DAY, World


def carrier_nat(world: World, number: int, accounts: int) -> None:
    """A region behind a handful of addresses of one carrier or VPN; nothing else in common."""
    kind = "carrier_nat"
    rng = common.start(world, kind, number)
    crowd = people.join(world, rng, accounts, kind, focus=0.9)
    people.own_card(world, crowd, rng)
    people.own_device(world, crowd, rng)
    people.own_contact(world, crowd, rng)
    exits = common.exits_of(world, rng, str(rng.choice(["mobile", "vpn"])), int(rng.integers(3, 12)))
    at = rng.random(accounts) < 0.7
    people.signed_up_from(world, crowd.part(at), rng.choice(exits[0], int(at.sum())))
    ordinary.traffic(world, crowd, rng, "single", **common.behind(world, crowd, rng, exits, 1.0))


def hackathon(world: World, number: int, accounts: int) -> None:
    """A weekend: sign-ups within hours at one venue, promotion credits of one voucher, the organiser's starter prompt."""
    kind = "hackathon"
    rng = common.start(world, kind, number)
    n = accounts
    day = float(rng.uniform(3, world.days - 6))
    created = ((day + rng.exponential(0.25, n)) * DAY).astype(np.int64)
    crowd = people.join(
        world,
        rng,
        n,
        kind,
        focus=0.6,
        created=created,
        plan=people.choose(rng, {"startup": 0.4, "free": 0.4, "pro": 0.2}, n),
    )
    voucher = int(world.mint(1)[0])
    world.identify(crowd.rows, "payment", np.where(rng.random(n) < 0.6, voucher, world.mint(n)))
    people.own_contact(world, crowd, rng)
    people.own_device(world, crowd, rng)
    exits = common.exits_of(world, rng, "office", 3)
    at = rng.random(n) < 0.8
    people.signed_up_from(world, crowd.part(at), rng.choice(exits[0], int(at.sum())))
    books = common.house_books(world, rng, n, [("tools",), ("coding",), ("data_synthesis",)], body="free", wordings=3)
    span = common.pacing.daily(
        world,
        rng,
        common.pacing.volumes(rng, n, world.mean_requests * 0.5, 1.0),
        start=day,
        stop=day + rng.uniform(2, 5, n),
        week="all",
        skip=0.0,
    )
    common.machine(
        world,
        crowd,
        rng,
        books,
        mean=0,
        clock="owl",
        week="all",
        counts=span,
        **common.behind(world, crowd, rng, exits, 0.9),
    )
    ordinary.traffic(world, crowd, rng, "hobbyist", mean=world.mean_requests * 0.3)
