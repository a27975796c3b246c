"""Firms with one purpose and many keys: their templates are tight, their words are a campaign's words.

Evaluation vendor, labelling firm, bank, continuous integration, a key migration, academic distillation with
permission: graders, reasons and examples by the thousand, openly, under one owner.
"""

from __future__ import annotations

import numpy as np

from stillwatch.simulate import pacing, people
from stillwatch.simulate.lookalikes import common
from stillwatch.simulate.world import DAY, World


def evaluation_vendor(world: World, number: int, accounts: int) -> None:
    """Benchmarks on the day of a release: new model at once, graders, everything in two days."""
    kind = "evaluation_vendor"
    rng = common.start(world, kind, number)
    crowd = common.one_owner(world, rng, accounts, kind, open_org=0.6)
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.8, devices=1, device_share=0.4)
    books = common.house_books(
        world, rng, accounts, [("grading", "reasoning"), ("grading",), ("reasoning",)], body="maths", wordings=4
    )
    days = [r.day for r in world.releases if 0 < r.day < world.days] or [world.days / 2]
    counts = sum(
        pacing.daily(world, rng, pacing.volumes(rng, accounts, world.mean_requests * 0.7, 0.8), start=d, stop=d + rng.uniform(1, 4, accounts), week="all", skip=0.0)
        for d in days
    )  # fmt: skip
    counts = counts + pacing.daily(world, rng, np.full(accounts, world.mean_requests * 0.15), week="work")
    common.machine(
        world, crowd, rng, books, mean=0, clock="wavy", week="all", counts=counts, lag=rng.uniform(0.05, 0.8, accounts), model=-1,
        **common.behind(world, crowd, rng, common.exits_of(world, rng, "cloud", 6), 0.9),
    )  # fmt: skip


def labelling_firm(world: World, number: int, accounts: int) -> None:
    """Labelling and synthetic data under contract: rubrics, preferences and examples all day, in shifts."""
    kind = "labelling_firm"
    rng = common.start(world, kind, number)
    crowd = common.one_owner(world, rng, accounts, kind, open_org=0.6)
    common.shared_identity(
        world, crowd, rng, cards=2, card_share=0.85, devices=max(2, accounts // 5), device_share=0.6, address_share=0.5
    )
    books = common.house_books(
        world,
        rng,
        accounts,
        [("grading",), ("data_synthesis",), ("rewriting", "grading")],
        body="knowledge",
        wordings=4,
    )
    common.machine(
        world, crowd, rng, books, mean=world.mean_requests * 2, clock="two_shifts", week="soft",
        **common.behind(world, crowd, rng, common.exits_of(world, rng, "office", 3), 0.8),
    )  # fmt: skip


def bank_explanations(world: World, number: int, accounts: int) -> None:
    """A bank that has to explain its decisions: reasoning asked for in every request, by rule."""
    kind = "bank_explanations"
    rng = common.start(world, kind, number)
    crowd = common.one_owner(world, rng, accounts, kind, open_org=0.8)
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.9, address_share=0.7)
    books = common.house_books(
        world, rng, accounts, [("reasoning", "extraction"), ("reasoning",)], body="free", wordings=3
    )
    common.machine(
        world, crowd, rng, books, mean=world.mean_requests * 1.5, clock="office", week="work",
        **common.behind(world, crowd, rng, common.exits_of(world, rng, "office", 4), 1.0),
    )  # fmt: skip


def ci_fleet(world: World, number: int, accounts: int) -> None:
    """Build machines: the same prompts day and night, many addresses of one cloud, no ramp."""
    kind = "ci_fleet"
    rng = common.start(world, kind, number)
    crowd = common.one_owner(world, rng, accounts, kind, open_org=0.6)
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.8)
    books = common.house_books(world, rng, accounts, [("coding",), ("coding", "reasoning")], body="coding", wordings=2)
    common.machine(
        world, crowd, rng, books, mean=world.mean_requests * 2, clock="wavy", week="soft", session=1.5,
        addr_hop=rng.random(accounts) < 0.5, **common.behind(world, crowd, rng, common.exits_of(world, rng, "cloud", 40), 1.0),
    )  # fmt: skip


def key_migration(world: World, number: int, accounts: int) -> None:
    """Old keys stop on a day and new ones go on with the same work: a hand-over without a ban."""
    kind = "key_migration"
    rng = common.start(world, kind, number)
    n = accounts
    day = float(rng.uniform(world.days * 0.25, world.days * 0.75))
    new = np.arange(n) % 2 == 1
    created = np.where(new, day - rng.uniform(0, 3, n), -rng.uniform(30, 500, n))
    crowd = common.one_owner(world, rng, n, kind, open_org=0.5, created=(created * DAY).astype(np.int64))
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.8, address_share=0.4)
    books = common.house_books(
        world, rng, n, [("extraction",), ("translation",), ("writing",)], body="free", wordings=2
    )
    shift = rng.exponential(0.6, n)
    counts = pacing.daily(
        world, rng, pacing.volumes(rng, n, world.mean_requests * 1.2, 1.0),
        start=np.where(new, day + shift - 0.3, 0), stop=np.where(new, world.days, day + shift), week="work",
    )  # fmt: skip
    common.machine(
        world, crowd, rng, books, mean=0, clock="office", week="work", counts=counts,
        **common.behind(world, crowd, rng, common.exits_of(world, rng, "office", 4), 0.8),
    )  # fmt: skip


def academic_distillation(world: World, number: int, accounts: int) -> None:
    """A research group that distils with permission: a campaign's content under a name and a contract."""
    kind = "academic_distillation"
    rng = common.start(world, kind, number)
    crowd = common.one_owner(
        world,
        rng,
        accounts,
        kind,
        open_org=0.7,
        plan=people.choose(rng, {"research": 0.6, "edu": 0.2, "pro": 0.2}, accounts),
    )
    common.shared_identity(world, crowd, rng, cards=1, card_share=0.6, devices=2, device_share=0.4, address_share=0.6)
    books = common.house_books(
        world, rng, accounts, [("reasoning",), ("data_synthesis", "reasoning"), ("grading",)], body="maths", wordings=5
    )
    common.machine(
        world, crowd, rng, books, mean=world.mean_requests * 2.5, clock="wavy", week="all",
        **common.behind(world, crowd, rng, common.exits_of(world, rng, "campus", 4), 0.8),
    )  # fmt: skip
