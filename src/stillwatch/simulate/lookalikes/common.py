"""What several look-alikes need: accounts of one house, its templates, its exits, its machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate import authors, calibration, pacing, people, phrasing
from stillwatch.simulate.people import Crowd
from stillwatch.simulate.world import DAY, World

Array = npt.NDArray[Any]
Rng = np.random.Generator


def own_rng(world: World, kind: str, number: int) -> Rng:
    """The group's own randomness."""
    return np.random.default_rng([world.seed, 30, sum(kind.encode()), number])


def one_owner(
    world: World, rng: Rng, n: int, kind: str, *, open_org: float = 0.75, closed_mail: float = 0.85, **given: Any
) -> Crowd:
    """Accounts of one house: mostly an organisation and a mail domain of its own, opened in a few batches."""
    if "created" not in given:
        base = float(rng.uniform(-420, world.days * 0.4))
        waves = np.clip(base + np.abs(rng.normal(0, 60, 4)), -720, world.days - 8)
        born = np.minimum(rng.choice(waves, n) + rng.exponential(rng.uniform(0.05, 6), n), world.days - 2)
        given["created"] = (born * DAY).astype(np.int64)
    org = int(world.mint(1)[0]) if rng.random() < open_org else -1
    house = people.company_domain(rng)
    free = rng.choice(people.MAIL)
    common: dict[str, Any] = {
        "org": np.where(rng.random(n) < 0.93, org, -1),
        "domain": np.where(rng.random(n) < closed_mail, house, free),
        "focus": float(rng.uniform(0.5, 0.95)),
    }
    return people.join(world, rng, n, kind, **(common | given))


def shared_identity(
    world: World,
    crowd: Crowd,
    rng: Rng,
    *,
    cards: int,
    card_share: float = 0.8,
    devices: int = 0,
    device_share: float = 0.0,
    address_share: float = 0.0,
    phone_share: float = 0.0,
) -> None:
    """Cards, devices, a postal address and a phone of one house; private ones for the rest of the accounts."""
    n = len(crowd)
    house = rng.random(n) < card_share
    card = np.where(house, rng.choice(world.mint(cards), n), np.where(rng.random(n) < 0.4, world.mint(n), -1))
    world.identify(crowd.rows, "payment", people.or_by_chance(world, rng, "payment", card))
    people.card_series(world, crowd.part(card >= 0), rng)
    machine = rng.random(n) < device_share
    device = np.where(machine, rng.choice(world.mint(max(1, devices)), n), world.mint(n))
    device = np.where(machine | (rng.random(n) < 0.75), device, -1)
    world.identify(crowd.rows, "device", people.or_by_chance(world, rng, "device", device))
    world.identify(crowd.rows, "email", world.mint(n))
    address = np.where(rng.random(n) < address_share, int(world.mint(1)[0]), -1)
    phone = np.where(rng.random(n) < phone_share, int(world.mint(1)[0]), -1)
    private = np.where(rng.random((2, n)) < 0.3, world.mint(2 * n).reshape(2, n), -1)
    for which, codes in (
        ("address", np.where(address < 0, private[0], address)),
        ("phone", np.where(phone < 0, private[1], phone)),
    ):
        world.identify(crowd.rows, which, people.or_by_chance(world, rng, which, codes))


def own_everything(world: World, crowd: Crowd, rng: Rng) -> None:
    """Strangers: each a card, a device and contacts of one's own."""
    people.own_card(world, crowd, rng)
    people.own_device(world, crowd, rng)
    people.own_contact(world, crowd, rng)


def house_books(
    world: World,
    rng: Rng,
    n: int,
    intents: Sequence[tuple[str, ...]],
    body: Sequence[str],
    *,
    wordings: tuple[int, int] = (1, 5),
    frozen: float = 1.0,
) -> Array:
    """Templates of one house in a few wordings, one to three dealt to each account."""
    text = world.text
    topic = int(rng.integers(len(text.topics)))
    layouts = rng.choice(np.array(phrasing.LAYOUTS), 3, replace=False)
    made: list[int] = []
    for wanted in intents:
        author = authors.random_author(
            rng,
            topic,
            intents=wanted,
            body=str(rng.choice(np.array(body))),
            body_length=2.5 * world.brevity,
            layouts=[str(x) for x in layouts],
            change=(0.15, 0.5),
        )
        made += authors.reworded(text, author, int(rng.integers(*wordings)))
    books = []
    for _ in range(n):
        dealt = rng.choice(np.array(made), min(len(made), int(rng.integers(1, 4))), replace=False)
        books.append(text.book([int(t) for t in dealt], [1 / (j + 1) for j in range(len(dealt))]))
    return np.array(books)


def block(world: World, rng: Rng, kind: str, count: int) -> tuple[Array, Array]:
    """``count`` addresses close together in one network."""
    network = world.networks.pick(kind, 1, rng, even=True)
    ip, asn = world.networks.hosts(kind, network, rng)
    return world.networks.near(np.repeat(ip, count), rng), np.repeat(asn, count)


def behind(
    world: World, crowd: Crowd, rng: Rng, exits: tuple[Array, Array], share: float, *, signed_up: float = 0.6
) -> dict[str, Array]:
    """Accounts that mostly sit behind common exits and else at home; some of them signed up there."""
    n, width = len(crowd), 4
    ip, asn = exits
    there = rng.random(n) < signed_up
    people.signed_up_from(world, crowd.part(there), rng.choice(ip, int(there.sum())))
    columns = people.home_book(world, crowd, rng)
    at = rng.integers(0, len(ip), (n, width))
    ips, asns = ip[at], asn[at]
    away = rng.random(n) < 0.4
    ips[away, width - 1], asns[away, width - 1] = world.networks.mixture(
        {"home": 0.8, "mobile": 0.2}, int(away.sum()), rng
    )
    inside = rng.random(n) < share
    offset = world.networks.take(ips.ravel(), asns.ravel()) + np.arange(n) * width
    columns["addr"] = np.where(inside, offset, columns["addr"])
    columns["addr_n"] = np.where(inside, rng.integers(1, width + 1, n), columns["addr_n"])
    return columns


def machines(world: World, crowd: Crowd, rng: Rng, books: Array, counts: Array, *, clock: str, **bent: Any) -> None:
    """Traffic of scripts that all run for one purpose."""
    n = len(crowd)
    hours = np.array([pacing.clock(world, clock, rng, 0.3) for _ in range(2)])
    offset, _ = world.client_list(list(people.popular_clients(rng, 3)))
    columns: dict[str, Any] = {
        "book": books,
        "topic": int(rng.integers(len(world.text.topics)))
        if rng.random() < 0.5
        else rng.integers(0, len(world.text.topics), n),
        "wander": rng.beta(2, 4, n),
        "clock": rng.choice(hours, n),
        "tz": crowd.tz,
        "session": rng.uniform(1, 5, n),
        "gap": rng.lognormal(rng.uniform(1.5, 4), 0.8, n),
        "gap_sd": rng.uniform(0.4, 1.2, n),
        "in_mu": rng.normal(calibration.CHAT_IN[0], 0.7) + rng.normal(0, 0.4, n),
        "in_sd": rng.uniform(0.4, 1.1, n),
        "out_mu": rng.normal(calibration.CHAT_OUT[0] + 0.3, 0.5) + rng.normal(0, 0.4, n),
        "out_sd": rng.uniform(0.5, 1.1, n),
        "refuse": rng.beta(1, 60, n),
        "error": rng.beta(1, 60, n),
        "limit": rng.beta(1, 70, n),
        "system": int(world.mint(1)[0]) if rng.random() < 0.5 else -1,
        "client": offset + rng.integers(0, 3, n),
        "sessions_known": rng.random(n) < 0.8,
        **people.model_habit(world, n, rng),
    }
    world.add_streams(crowd.rows, counts, **(columns | bent))


def one_conversation(world: World, rng: Rng, n: int, chance: float, share: tuple[float, float]) -> dict[str, Array]:
    """Stream columns: with ``chance``, sessions of this house pass from key to key, ``share`` (low, high) of each's."""
    pool = int(world.replay_pools(1)[0]) if rng.random() < chance else -1
    return {"replay_pool": np.full(n, pool), "replay": rng.uniform(*share, n)}


def load(
    world: World, crowd: Crowd, rng: Rng, mean: float, *, week: str = "work", balance: bool = False, sigma: float = 1.0
) -> Array:
    """Requests per account and day of a house: ``mean`` is in units of the world's mean account."""
    n = len(crowd)
    total = pacing.volumes(rng, n, mean * world.mean_requests, sigma)
    begin = np.maximum(crowd.created / DAY, 0)
    spread, skip = rng.uniform(0.4, 1.1, n), rng.uniform(0.05, 0.5, n)
    return pacing.daily(world, rng, total, start=begin, week=week, spread=spread, skip=skip, balance=balance)


def world_client(world: World, name: str) -> int:
    """Offset of a client registered once for a world."""
    known = world.notes.setdefault("one client", {})
    if name not in known:
        known[name] = world.client_list([name])[0]
    return int(known[name])
