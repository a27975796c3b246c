"""Institutions: a university course, an enterprise behind its gateway, an honest reseller.

All three share addresses, payers and sign-up days openly. What a campaign lacks is that openness: one organisation,
one closed mail domain, or users whose content has nothing in common.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate import ordinary, people
from stillwatch.simulate.lookalikes import common
from stillwatch.simulate.world import DAY, World


def university_course(world: World, number: int, accounts: int) -> None:
    """One campus exit, one week of sign-ups, the same assignment in everybody's words, load before the deadline."""
    kind = "university_course"
    rng = common.start(world, kind, number)
    n = accounts
    week = float(rng.uniform(-10, world.days * 0.5))
    created = (np.where(rng.random(n) < 0.75, week + rng.exponential(1.2, n), -rng.uniform(0, 300, n)) * DAY).astype(
        np.int64
    )
    domain = f"{people.company_domain(rng).split('.')[0]}-university.example"
    crowd = common.one_owner(
        world, rng, n, kind, created=created, open_org=0.35, domain=np.where(rng.random(n) < 0.6, domain, people.MAIL[0]),
        plan=people.choose(rng, {"edu": 0.4, "free": 0.45, "pro": 0.15}, n),
    )  # fmt: skip
    common.shared_identity(
        world, crowd, rng, cards=1, card_share=0.3, devices=max(2, n // 12), device_share=0.3, address_share=0.4
    )
    intents = [[("reasoning",), ("maths",)], [("coding",), ("reasoning",)], [("writing",), ("grading",)]][
        int(rng.integers(3))
    ]
    books = common.house_books(
        world, rng, n, intents, body=str(rng.choice(["maths", "coding", "knowledge"])), wordings=4
    )
    common.machine(
        world, crowd, rng, books, mean=world.mean_requests * 0.3, clock="student", week="soft",
        session=rng.uniform(2, 7, n), gap=rng.lognormal(4.5, 0.5, n), client=common.world_client(world, "web-app"),
        **common.behind(world, crowd, rng, common.exits_of(world, rng, "campus", 4)),
    )  # fmt: skip
    ordinary.traffic(world, crowd, rng, "single", mean=world.mean_requests * 0.2)


def enterprise_gateway(world: World, number: int, accounts: int) -> None:
    """A pool of keys behind one gateway: every key a light user, one card, one prompt layer, load balanced."""
    kind = "enterprise_gateway"
    rng = common.start(world, kind, number)
    crowd = common.one_owner(
        world,
        rng,
        accounts,
        kind,
        open_org=0.6,
        plan=people.choose(rng, {"enterprise": 0.5, "team": 0.3, "pro": 0.2}, accounts),
    )
    common.shared_identity(
        world, crowd, rng, cards=int(rng.integers(1, 3)), card_share=0.9, devices=2, device_share=0.3, address_share=0.6
    )
    books = common.house_books(
        world, rng, accounts, [("extraction",), ("writing",), ("tools",)], body="free", wordings=3
    )
    common.machine(
        world, crowd, rng, books, mean=world.mean_requests * 1.3, clock="office", week="work",
        tools=int(rng.integers(0, 10)), **common.behind(world, crowd, rng, common.exits_of(world, rng, "office", 6), 1.0),
    )  # fmt: skip


def reseller(world: World, number: int, accounts: int) -> None:
    """Sub-accounts that one reseller opened and pays for; the users behind them have nothing in common."""
    kind = "reseller"
    rng = common.start(world, kind, number)
    crowd = common.one_owner(
        world,
        rng,
        accounts,
        kind,
        open_org=0.3,
        focus=0.3,
        channel=str(rng.choice(["reseller_x", "reseller_y", "marketplace"])),
    )
    common.shared_identity(
        world, crowd, rng, cards=int(rng.integers(1, 5)), card_share=0.85, phone_share=0.3, address_share=0.3
    )
    ordinary.traffic(
        world, crowd, rng, "developer", mean=world.mean_requests * 0.6,
        **common.behind(world, crowd, rng, common.exits_of(world, rng, "cloud", 10), 0.8),
    )  # fmt: skip
