"""Institutions: a university course, an enterprise behind its gateway, an honest reseller.

All three share addresses, payers and sign-up days. What a campaign lacks is openness: one organisation, one closed
mail domain, or users whose content has nothing in common.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate import ordinary, pacing, people
from stillwatch.simulate.lookalikes import common
from stillwatch.simulate.world import DAY, World


def university_course(world: World, number: int, accounts: int) -> None:
    """One campus, sign-ups in the week of the assignment, the same exercise in everybody's words, then the deadline."""
    kind, n = "university_course", accounts
    rng = common.own_rng(world, kind, number)
    week = float(rng.uniform(-10, world.days * 0.5))
    born = np.where(rng.random(n) < 0.75, week + rng.exponential(1.2, n), -rng.uniform(0, 300, n))
    campus = f"{people.company_domain(rng).split('.')[0]}-university.example"
    crowd = common.one_owner(
        world,
        rng,
        n,
        kind,
        open_org=0.4,
        created=(born * DAY).astype(np.int64),
        domain=np.where(rng.random(n) < rng.uniform(0.4, 0.9), campus, people.MAIL[int(rng.integers(3))]),
        plan=people.choose(rng, {"edu": 0.4, "free": 0.45, "pro": 0.15}, n),
    )
    common.shared_identity(
        world, crowd, rng, cards=1, card_share=0.2, devices=max(2, n // 10), device_share=0.35, address_share=0.5
    )
    exercise = [
        ([("reasoning",), ("maths",)], ("maths", "knowledge")),
        ([("coding",), ("reasoning",)], ("coding",)),
        ([("writing",), ("grading",)], ("knowledge", "free")),
        ([("data_synthesis",), ("grading",)], ("knowledge", "maths")),
    ][int(rng.integers(4))]
    books = common.house_books(world, rng, n, *exercise, wordings=(2, 6))
    where = common.behind(world, crowd, rng, common.block(world, rng, "campus", int(rng.integers(2, 7))), 0.7)
    due = week + float(rng.uniform(7, 18))
    counts = pacing.daily(
        world,
        rng,
        pacing.volumes(rng, n, 0.3 * world.mean_requests, 0.9),
        start=np.maximum(born, 0),
        stop=due + rng.exponential(2, n),
        spread=1.2,
        skip=0.4,
    )
    web = common.world_client(world, "web-app")
    where |= common.one_conversation(world, rng, n, 0.5, (0.02, 0.12))  # a chat that is handed around
    common.machines(
        world, crowd, rng, books, counts, clock="student", session=rng.uniform(2, 7, n), client=web, **where
    )
    ordinary.traffic(world, crowd, rng, "single", mean=0.35 * world.mean_requests, **where)


def enterprise_gateway(world: World, number: int, accounts: int) -> None:
    """A pool of keys behind one gateway: every key a light user, one payer, one prompt layer, load dealt out evenly."""
    kind, n = "enterprise_gateway", accounts
    rng = common.own_rng(world, kind, number)
    channel = str(people.choose(rng, people.CHANNELS, 1)[0])
    second = str(people.choose(rng, people.CHANNELS, 1)[0])
    crowd = common.one_owner(
        world,
        rng,
        n,
        kind,
        plan=people.choose(rng, {"enterprise": 0.4, "team": 0.3, "pro": 0.3}, n),
        channel=np.where(rng.random(n) < 0.7, channel, second),
    )
    cards = int(rng.integers(1, 4))
    common.shared_identity(
        world, crowd, rng, cards=cards, card_share=0.85, devices=2, device_share=0.3, address_share=0.5
    )
    intents = [("extraction",), ("writing",), ("tools",), ("rewriting",), ("knowledge",), ("reasoning",)]
    chosen = [intents[i] for i in rng.permutation(6)[: int(rng.integers(1, 4))]]
    books = common.house_books(world, rng, n, chosen, ("free", "knowledge", "extraction"))
    counts = common.load(world, crowd, rng, 1.0, balance=bool(rng.random() < 0.7))
    where = common.behind(world, crowd, rng, common.block(world, rng, "office", int(rng.integers(2, 9))), 0.95)
    common.machines(
        world,
        crowd,
        rng,
        books,
        counts,
        clock=str(rng.choice(["office", "wavy"])),
        tools=int(rng.integers(0, 10)),
        **common.one_conversation(world, rng, n, 0.6, (0.02, 0.2)),  # the next key of the pool goes on
        **where,
    )


def reseller(world: World, number: int, accounts: int) -> None:
    """Sub-accounts that a reseller opens and pays for; the people behind them have nothing in common."""
    kind, n = "reseller", accounts
    rng = common.own_rng(world, kind, number)
    born = np.minimum(rng.uniform(-300, world.days - 3) + rng.exponential(60, n), world.days - 2)
    crowd = common.one_owner(
        world,
        rng,
        n,
        kind,
        open_org=0.3,
        closed_mail=float(rng.uniform(0.2, 0.8)),
        focus=0.3,
        created=(born * DAY).astype(np.int64),
        channel=str(rng.choice(["reseller_x", "reseller_y", "marketplace", "first_party"])),
    )
    common.shared_identity(
        world, crowd, rng, cards=int(rng.integers(1, 8)), card_share=0.8, phone_share=0.3, address_share=0.3
    )
    exits = (
        common.block(world, rng, "cloud", int(rng.integers(4, 16))) if rng.random() < 0.6 else people.proxies(world, 1)
    )
    where = common.behind(world, crowd, rng, exits, 0.75, signed_up=0.5)
    ordinary.traffic(world, crowd, rng, "developer", mean=0.6 * world.mean_requests, **where)
