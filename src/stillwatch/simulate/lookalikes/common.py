"""What several look-alikes need: one owner's accounts, and templates of one house."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate import authors, calibration, ordinary, pacing, people
from stillwatch.simulate.people import Crowd
from stillwatch.simulate.world import DAY, World

Array = npt.NDArray[Any]


def start(world: World, kind: str, number: int) -> np.random.Generator:
    """The group's own randomness."""
    return np.random.default_rng([world.seed, 30, sum(kind.encode()), number])


def house_books(
    world: World,
    rng: np.random.Generator,
    n: int,
    intents: list[tuple[str, ...]],
    *,
    body: str,
    wordings: int = 3,
    frozen: int = 2,
) -> Array:
    """Templates of one house in a few wordings, dealt to its accounts."""
    text = world.text
    made = []
    for wanted in intents:
        author = authors.Author(
            seed=int(rng.integers(1 << 40)),
            intents=wanted,
            body=body,
            body_length=max(1.0, float(rng.uniform(0.8, 1.6)) * 3 * world.brevity),
            layout=str(rng.choice(authors.phrasing.LAYOUTS)),
            frozen=frozen,
            topic=int(rng.integers(len(text.topics))),
            serial=bool(rng.random() < 0.3),
            change=float(rng.uniform(0.15, 0.5)),
        )
        made += authors.reworded(text, author, wordings)
    books = []
    for _ in range(n):
        chosen = rng.choice(made, min(len(made), int(rng.integers(1, 4))), replace=False)
        books.append(text.book([int(c) for c in chosen], [1 / (j + 1) for j in range(len(chosen))]))
    return np.array(books)


def shared_identity(
    world: World,
    crowd: Crowd,
    rng: np.random.Generator,
    *,
    cards: int,
    card_share: float = 0.8,
    devices: int = 0,
    device_share: float = 0.0,
    address_share: float = 0.0,
    phone_share: float = 0.0,
) -> None:
    """Cards, devices, a postal address and a phone of one house, and private ones for the rest."""
    n = len(crowd)
    common = rng.choice(world.mint(max(cards, 1)), n)
    own = world.mint(n)
    uses = (rng.random(n) < card_share) & (cards > 0)
    world.identify(crowd.rows, "payment", np.where(uses, common, np.where(rng.random(n) < 0.3, own, -1)))
    people.card_series(world, crowd, rng)
    if devices:
        at = rng.random(n) < device_share
        world.identify(crowd.rows, "device", np.where(at, rng.choice(world.mint(devices), n), world.mint(n)))
    else:
        people.own_device(world, crowd, rng)
    world.identify(crowd.rows, "email", world.mint(n))
    world.identify(crowd.rows, "address", np.where(rng.random(n) < address_share, int(world.mint(1)[0]), -1))
    world.identify(crowd.rows, "phone", np.where(rng.random(n) < phone_share, int(world.mint(1)[0]), -1))


def exits_of(world: World, rng: np.random.Generator, kind: str, count: int) -> tuple[Array, Array]:
    """``count`` addresses close together in one network."""
    network = world.networks.pick(kind, 1, rng, even=True)
    ip, asn = world.networks.hosts(kind, network, rng)
    return world.networks.near(np.repeat(ip, count), rng), np.repeat(asn, count)


def behind(
    world: World, crowd: Crowd, rng: np.random.Generator, exits: tuple[Array, Array], share: float = 0.85
) -> dict[str, Array]:
    """Accounts that mostly sit behind common exits and otherwise at home."""
    n = len(crowd)
    columns = people.home_book(world, crowd, rng)
    ip, asn = exits
    width = 4
    at = rng.integers(0, len(ip), (n, width))
    home_ip, home_asn = world.networks.hosts("home", world.networks.pick("home", n, rng), rng)
    ips, asns = ip[at], asn[at]
    away = rng.random(n) < 0.5
    ips[away, 3], asns[away, 3] = home_ip[away], home_asn[away]
    inside = rng.random(n) < share
    offset = world.networks.take(ips.ravel(), asns.ravel()) + np.arange(n) * width
    columns["addr"] = np.where(inside, offset, columns["addr"])
    columns["addr_n"] = np.where(inside, rng.integers(1, width + 1, n), columns["addr_n"])
    return columns


def one_owner(
    world: World,
    rng: np.random.Generator,
    n: int,
    kind: str,
    *,
    open_org: float = 0.8,
    focus: float = 0.8,
    **given: Any,
) -> Crowd:
    """Accounts of one house: a domain and mostly an organisation of its own, signed up over months or in batches."""
    if "created" not in given:
        base = float(-rng.uniform(20, 400))
        waves = np.clip(base + np.abs(rng.normal(0, 80, 4)), -720, world.days - 8)
        given["created"] = (np.clip(rng.choice(waves, n) + rng.exponential(4, n), -720, world.days - 2) * DAY).astype(
            np.int64
        )
    org = int(world.mint(1)[0]) if rng.random() < open_org else -1
    domain = people.company_domain(rng)
    given = {"org": org, "domain": np.where(rng.random(n) < 0.9, domain, people.MAIL[0])} | given
    return people.join(world, rng, n, kind, focus=focus, **given)


def machine(
    world: World,
    crowd: Crowd,
    rng: np.random.Generator,
    books: Array,
    *,
    mean: float,
    clock: str,
    week: str,
    **bent: Any,
) -> None:
    """Traffic of scripts that all run for one purpose."""
    n = len(crowd)
    hours = np.array([pacing.clock(world, clock, rng, 0.3) for _ in range(2)])
    names = rng.choice(np.array(people.CLIENTS), 2, replace=False)
    offset, _ = world.client_list(list(names))
    total = pacing.volumes(rng, n, mean, 1.0)
    begin = np.maximum(crowd.created / DAY, 0)
    counts = bent.pop("counts", None)
    if counts is None:
        counts = pacing.daily(
            world, rng, total, start=begin, week=week, spread=rng.uniform(0.4, 1.0, n), skip=rng.uniform(0.05, 0.4, n)
        )
    columns: dict[str, Any] = {
        "book": books,
        "topic": int(rng.integers(len(world.text.topics))),
        "wander": rng.beta(2, 4, n),
        "clock": rng.choice(hours, n),
        "tz": crowd.tz,
        "session": rng.uniform(1, 4, n),
        "gap": rng.lognormal(2.5, 1, n),
        "in_mu": rng.normal(calibration.CHAT_IN[0], 0.7) + rng.normal(0, 0.3, n),
        "in_sd": rng.uniform(0.4, 1.0, n),
        "out_mu": rng.normal(calibration.CHAT_OUT[0] + 0.4, 0.5) + rng.normal(0, 0.3, n),
        "refuse": rng.beta(1, 60, n),
        "system": int(world.mint(1)[0]) if rng.random() < 0.6 else -1,
        "client": offset + rng.integers(0, 2, n),
        "sessions_known": rng.random(n) < 0.8,
        **people.model_habit(world, n, rng),
    }
    world.add_streams(crowd.rows, counts, **(columns | bent))


__all__ = [
    "behind",
    "exits_of",
    "house_books",
    "machine",
    "one_owner",
    "ordinary",
    "pacing",
    "shared_identity",
    "start",
    "world_client",
]


def world_client(world: World, name: str) -> int:
    """Offset of a client registered once for a world."""
    known = world.notes.setdefault("one_client", {})
    if name not in known:
        known[name] = world.client_list([name])[0]
    return int(known[name])
