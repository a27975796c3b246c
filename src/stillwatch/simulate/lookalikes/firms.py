"""Firms with one purpose and many keys: their templates are tight, their words are a campaign's words.

Evaluation vendor, labelling firm, bank, continuous integration, key migration, academic distillation with permission:
grades, reasons and examples by the thousand, openly, under one owner.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate import pacing, people
from stillwatch.simulate.lookalikes import common
from stillwatch.simulate.world import DAY, World


def evaluation_vendor(world: World, number: int, accounts: int) -> None:
    """Benchmarks on the day of a release: the new model at once, graders, nearly all in days; some are red teams."""
    kind, n = "evaluation_vendor", accounts
    rng = common.own_rng(world, kind, number)
    crowd = common.one_owner(world, rng, n, kind)
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.8, devices=1, device_share=0.4)
    red_team = rng.random() < 0.3
    intents = (
        [("safety", "reasoning"), ("safety",)] if red_team else [("grading", "reasoning"), ("grading",), ("reasoning",)]
    )
    books = common.house_books(world, rng, n, intents, ("maths", "coding", "knowledge"), wordings=(2, 7))
    counts = common.load(world, crowd, rng, 0.2)
    for day in (r.day for r in world.releases if 0 < r.day < world.days):
        total = pacing.volumes(rng, n, 0.5 * world.mean_requests, 0.8)
        end = day + rng.uniform(1, 5, n)
        counts = counts + pacing.daily(world, rng, total, start=day, stop=end, week="all", skip=0.0)
    where = common.behind(world, crowd, rng, common.block(world, rng, "cloud", int(rng.integers(2, 10))), 0.9)
    common.machines(
        world,
        crowd,
        rng,
        books,
        counts,
        clock="wavy",
        model=-1,
        lag=rng.uniform(0.05, 0.8, n),
        refuse=rng.uniform(0.2, 0.5, n) if red_team else rng.beta(1, 40, n),
        **where,
    )


def labelling_firm(world: World, number: int, accounts: int) -> None:
    """Labels and synthetic data under contract: rubrics, preferences and examples all day, in shifts."""
    kind, n = "labelling_firm", accounts
    rng = common.own_rng(world, kind, number)
    crowd = common.one_owner(world, rng, n, kind)
    common.shared_identity(
        world, crowd, rng, cards=2, card_share=0.85, devices=max(2, n // 4), device_share=0.6, address_share=0.6
    )
    intents = [("grading",), ("data_synthesis",), ("rewriting", "grading")]
    books = common.house_books(world, rng, n, intents, ("knowledge", "free", "maths"), wordings=(2, 6))
    counts = common.load(world, crowd, rng, 1.6, week="soft")
    where = common.behind(world, crowd, rng, common.block(world, rng, "office", int(rng.integers(2, 5))), 0.85)
    where |= common.one_conversation(world, rng, n, 0.5, (0.02, 0.12))  # from shift to shift
    common.machines(world, crowd, rng, books, counts, clock="two_shifts", **where)


def bank_explanations(world: World, number: int, accounts: int) -> None:
    """A bank that has to explain its decisions: reasons asked for in every request, by rule."""
    kind, n = "bank_explanations", accounts
    rng = common.own_rng(world, kind, number)
    crowd = common.one_owner(world, rng, n, kind, open_org=0.85)
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.9, address_share=0.7)
    books = common.house_books(world, rng, n, [("reasoning", "extraction"), ("reasoning",)], ("free", "extraction"))
    where = common.behind(world, crowd, rng, common.block(world, rng, "office", 4), 1.0)
    common.machines(
        world, crowd, rng, books, common.load(world, crowd, rng, 1.3, balance=True), clock="office", **where
    )


def ci_fleet(world: World, number: int, accounts: int) -> None:
    """Build machines: the same prompts day and night, many addresses of one cloud, full use from the first day."""
    kind, n = "ci_fleet", accounts
    rng = common.own_rng(world, kind, number)
    crowd = common.one_owner(world, rng, n, kind)
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.8)
    intents = [("coding",), ("coding", "reasoning"), ("grading", "coding")]
    books = common.house_books(world, rng, n, intents[: int(rng.integers(1, 4))], ("coding",), wordings=(1, 4))
    counts = common.load(world, crowd, rng, 1.6, week="soft")
    where = common.behind(world, crowd, rng, common.block(world, rng, "cloud", 60), 1.0)
    where |= common.one_conversation(world, rng, n, 0.5, (0.03, 0.3))  # the number of the build
    hop = rng.random(n) < 0.5
    common.machines(world, crowd, rng, books, counts, clock="wavy", session=1.5, addr_hop=hop, **where)


def key_migration(world: World, number: int, accounts: int) -> None:
    """Old keys stop on a day and new ones go on with the same work: a hand-over without a ban."""
    kind, n = "key_migration", accounts
    rng = common.own_rng(world, kind, number)
    day = float(rng.uniform(world.days * 0.2, world.days * 0.8))
    new = np.arange(n) % 2 == 1
    born = np.where(new, day - rng.uniform(0, 3, n), -rng.uniform(30, 500, n))
    crowd = common.one_owner(world, rng, n, kind, open_org=0.6, created=(born * DAY).astype(np.int64))
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.8, address_share=0.4)
    intents = [("extraction",), ("translation",), ("writing",), ("reasoning",)]
    chosen = [intents[i] for i in rng.permutation(4)[:2]]
    books = common.house_books(world, rng, n, chosen, ("free", "extraction"), wordings=(1, 3))
    pairs = n // 2
    books[1 : 2 * pairs : 2] = books[0 : 2 * pairs : 2]  # the successor says what its predecessor said
    shift = rng.exponential(0.5, n)
    counts = pacing.daily(
        world,
        rng,
        pacing.volumes(rng, n, 1.1 * world.mean_requests, 1.0),
        start=np.where(new, day + shift - 0.3, 0),
        stop=np.where(new, world.days, day + shift),
        week="work",
        spread=0.8,
        skip=0.3,
    )
    where = common.behind(world, crowd, rng, common.block(world, rng, "office", 4), 0.8)
    where |= common.one_conversation(world, rng, n, 0.7, (0.02, 0.15))  # it goes on under the new key
    common.machines(world, crowd, rng, books, counts, clock="office", **where)


def academic_distillation(world: World, number: int, accounts: int) -> None:
    """A research group that distils with permission: a campaign's content under a name and a contract."""
    kind, n = "academic_distillation", accounts
    rng = common.own_rng(world, kind, number)
    crowd = common.one_owner(
        world, rng, n, kind, plan=people.choose(rng, {"research": 0.55, "edu": 0.25, "pro": 0.2}, n)
    )
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.6, devices=2, device_share=0.4, address_share=0.6)
    intents = [("reasoning",), ("data_synthesis", "reasoning"), ("grading",)]
    books = common.house_books(world, rng, n, intents, ("maths", "coding", "knowledge"), wordings=(2, 6))
    counts = common.load(world, crowd, rng, 2.0, week="all")
    where = common.behind(world, crowd, rng, common.block(world, rng, "campus", 4), 0.8)
    common.machines(world, crowd, rng, books, counts, clock="wavy", **where)
