"""Strangers who do the same thing: a popular agent, a prompt gone viral, and customers whose key was stolen."""

from __future__ import annotations

import numpy as np

from stillwatch.simulate import authors, ordinary, pacing, people
from stillwatch.simulate.lookalikes import common
from stillwatch.simulate.world import DAY, World


def popular_agent(world: World, number: int, accounts: int) -> None:
    """Users of one open-source agent: one system prompt and one frame around very different work."""
    kind = "popular_agent"
    rng = common.start(world, kind, number)
    n = accounts
    crowd = people.join(world, rng, n, kind)
    people.own_card(world, crowd, rng)
    people.own_device(world, crowd, rng)
    people.own_contact(world, crowd, rng)
    author = authors.random_author(rng, int(rng.integers(len(world.text.topics))), intents=["tools"])
    frames = authors.reworded(world.text, author, int(rng.integers(1, 4)))
    books = np.array([world.text.book([int(rng.choice(frames)), *world.text.templates_of(int(b))[:2]], [3, 1, 1][: 1 + len(world.text.templates_of(int(b))[:2])]) for b in ordinary.everyday_books(world, crowd, rng, "hobbyist", np.arange(n))])  # fmt: skip
    ordinary.traffic(
        world, crowd, rng, "developer", books=books, system=int(ordinary.public_agents(world)[number % 40]),
        tools=int(rng.integers(5, 20)), client=common.world_client(world, "agent-kit/0.9"), client_n=1,
    )  # fmt: skip


def viral_prompt(world: World, number: int, accounts: int) -> None:
    """One prompt that thousands copy within days, word for word or nearly."""
    kind = "viral_prompt"
    rng = common.start(world, kind, number)
    n = accounts
    crowd = people.join(world, rng, n, kind)
    people.own_card(world, crowd, rng)
    people.own_device(world, crowd, rng)
    people.own_contact(world, crowd, rng)
    author = authors.random_author(
        rng, int(rng.integers(len(world.text.topics))), intents=[str(rng.choice(["reasoning", "rewriting", "writing"]))]
    )
    frames = authors.reworded(world.text, author, 3)
    book = world.text.book(frames, [6, 1, 1])
    ordinary.traffic(world, crowd, rng, "single", mean=world.mean_requests * 0.7)
    day = float(rng.uniform(2, world.days * 0.7))
    begin = day + rng.exponential(4, n)
    counts = pacing.daily(
        world,
        rng,
        pacing.volumes(rng, n, 8, 1.0) + 1,
        start=np.maximum(begin, crowd.created / DAY),
        stop=begin + rng.exponential(8, n) + 1,
        skip=0.2,
    )
    common.machine(
        world,
        crowd,
        rng,
        np.full(n, book),
        mean=0,
        clock="evening",
        week="home",
        counts=counts,
        **people.home_book(world, crowd, rng),
    )


def stolen_key(world: World, number: int, accounts: int) -> None:
    """Real customers whose key leaked: years of their own use, then a stranger's traffic from a stranger's exits."""
    kind = "stolen_key"
    rng = common.start(world, kind, number)
    n = accounts
    crowd = people.join(world, rng, n, kind, created=(-rng.uniform(30, 700, n) * DAY).astype(np.int64))
    people.own_card(world, crowd, rng)
    people.own_device(world, crowd, rng)
    people.own_contact(world, crowd, rng)
    ordinary.traffic(world, crowd, rng, "developer", mean=world.mean_requests * 0.5)
    thief = world.notes.get("thieves")
    books = (
        rng.choice(np.asarray(thief), n)
        if thief is not None
        else common.house_books(world, rng, n, [("reasoning",)], body="maths")
    )
    begin = rng.uniform(world.days * 0.3, world.days * 0.9, n)
    counts = pacing.daily(
        world,
        rng,
        pacing.volumes(rng, n, world.mean_requests * 0.4, 0.8),
        start=begin,
        stop=begin + rng.uniform(1, 12, n),
        week="all",
    )
    exits = world.networks.hosts("home", world.networks.pick("home", 3 * n, rng), rng)
    common.machine(
        world,
        crowd,
        rng,
        books,
        mean=0,
        clock="flat",
        week="all",
        counts=counts,
        **people.shared_book(world, exits, n, rng),
    )
