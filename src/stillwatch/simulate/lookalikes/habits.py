"""Strangers who do the same thing: a popular agent, a prompt gone viral, and customers whose key was stolen."""

from __future__ import annotations

from typing import Any

import numpy as np

from stillwatch.simulate import authors, ordinary, pacing, people
from stillwatch.simulate.lookalikes import common
from stillwatch.simulate.world import DAY, World


def popular_agent(world: World, number: int, accounts: int) -> None:
    """Users of one open-source agent: one system prompt and one frame around very different work."""
    kind, n = "popular_agent", accounts
    rng = common.own_rng(world, kind, number)
    crowd = people.join(world, rng, n, kind)
    common.own_everything(world, crowd, rng)
    text = world.text
    author = authors.random_author(rng, int(rng.integers(len(text.topics))), intents=["tools"], body="free")
    frames = authors.reworded(text, author, int(rng.integers(1, 4)))  # one per version of the agent
    books = []
    for own in ordinary.everyday_books(world, crowd, rng, "hobbyist", np.arange(n)):
        typed = text.templates_of(int(own))[:2]
        books.append(text.book([int(rng.choice(frames)), *typed], [3.0, *[float(rng.uniform(0.1, 2))] * len(typed)]))
    bent: dict[str, Any] = {
        "system": int(ordinary.public_agents(world)[number % 40]),
        "tools": int(rng.integers(5, 20)),
        "client": common.world_client(
            world, str(rng.choice(["agent-kit/0.9", "terminal-agent/1.3", "ide-plugin/2.2"]))
        ),
        "client_n": 1,
        **common.one_conversation(world, rng, n, 0.4, (0.03, 0.3)),  # a version that sends one id for all
    }
    ordinary.traffic(world, crowd, rng, "developer", books=np.array(books), **bent)


def viral_prompt(world: World, number: int, accounts: int) -> None:
    """One prompt that thousands copy within days, word for word or nearly."""
    kind, n = "viral_prompt", accounts
    rng = common.own_rng(world, kind, number)
    crowd = people.join(world, rng, n, kind)
    common.own_everything(world, crowd, rng)
    wanted = str(rng.choice(["reasoning", "rewriting", "writing", "grading"]))
    author = authors.random_author(rng, int(rng.integers(len(world.text.topics))), intents=[wanted])
    book = world.text.book(authors.reworded(world.text, author, 3), [6, 1, 1])
    where = people.home_book(world, crowd, rng)
    ordinary.traffic(world, crowd, rng, "single", mean=0.8 * world.mean_requests, **where)
    day = float(rng.uniform(2, world.days * 0.7))
    begin = np.maximum(day + rng.exponential(4, n), crowd.created / DAY)
    total = 1 + pacing.volumes(rng, n, 0.06 * world.mean_requests, 1.0)
    counts = pacing.daily(world, rng, total, start=begin, stop=begin + rng.exponential(8, n) + 1, skip=0.2)
    common.machines(world, crowd, rng, np.full(n, book), counts, clock="evening", system=-1, **where)


def stolen_key(world: World, number: int, accounts: int) -> None:
    """Real customers whose key leaked: their own use as ever, then a stranger's traffic from a stranger's exits.

    About half of the strangers are the campaigns of the world, the rest are thieves of their own.
    """
    kind, n = "stolen_key", accounts
    rng = common.own_rng(world, kind, number)
    crowd = people.join(world, rng, n, kind, created=(-rng.uniform(30, 700, n) * DAY).astype(np.int64))
    common.own_everything(world, crowd, rng)
    ordinary.traffic(world, crowd, rng, "developer", mean=0.6 * world.mean_requests)
    books = common.house_books(world, rng, n, [("knowledge",), ("reasoning",)], ("maths", "free"))
    ip, asn = people.proxies(world, int(rng.integers(3)))
    rented = rng.integers(0, len(ip), 3 * n)
    addr = world.networks.take(ip[rented], asn[rented]) + 3 * np.arange(n)
    many = np.full(n, 3)
    thieves = world.notes.get("thieves", [])
    by_campaign = (rng.random(n) < 0.5) if thieves else np.zeros(n, bool)
    for i in np.flatnonzero(by_campaign):
        books[i], addr[i], many[i] = thieves[int(rng.integers(len(thieves)))]
    begin = rng.uniform(world.days * 0.3, world.days * 0.9, n)
    total = pacing.volumes(rng, n, 0.4 * world.mean_requests, 0.8)
    counts = pacing.daily(world, rng, total, start=begin, stop=begin + rng.uniform(1, 12, n), week="all")
    common.machines(
        world, crowd, rng, books, counts, clock="wavy", addr=addr, addr_n=many, system=-1, taken=by_campaign
    )
