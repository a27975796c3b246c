"""An operator: accounts that claim to be strangers and are run by one hand.

Published habits (field notes, section 1): load balanced over many light accounts, cards or card series in common,
residential proxies, throw-away mail, replacement after a ban, a template family in many wordings. Each habit is a knob
with a range, drawn per campaign, so that two campaigns of one archetype share a story and not a fingerprint.
Innocent twins: lookalikes/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate import authors, calibration, ordinary, pacing, people, phrasing
from stillwatch.simulate.people import Crowd
from stillwatch.simulate.world import DAY, World

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

_FIRST = "amber brisk cedar dusky early fallow gilded hazel inland jade kelp lunar misty nether ochre pale russet silver tawny umber".split()
_SECOND = "heron badger cormorant dormouse egret falcon godwit hare ibis jackdaw kite lark marten newt osprey plover quail raven stoat tern".split()


@dataclass
class Habits:
    """Knobs of one campaign; ``draw`` fills what an archetype leaves open."""

    per_day: float = 18.0
    """Requests per account and active day, before the spread over accounts."""
    lifetime: float = 14.0
    """Median days an account is used."""
    intents: tuple[tuple[str, ...], ...] = (("reasoning",),)
    """One entry per template family."""
    body: tuple[str, ...] = ("maths", "knowledge", "coding")
    wordings: int = 6
    """Rewordings of each family."""
    change: float = 0.4
    frozen: int = 1
    layouts: tuple[str, ...] = phrasing.LAYOUTS
    cover: float = 0.3
    """Share of an account's traffic that has nothing to do with the campaign."""
    per_card: float = 3.0
    """Accounts per payment card (1 = a card of its own)."""
    paying: float = 0.6
    series: float = 0.5
    """Share of cards from one unusual issuer range."""
    per_device: float = 2.0
    device_known: float = 0.5
    per_phone: float = 2.0
    phone_known: float = 0.3
    mail: str = "mixed"  # free, throwaway, own, mixed
    sign_up: str = "batches"  # batches, trickle, aged
    exits: str = "residential"  # residential, vpn, cloud, mixed
    exits_per_account: float = 1.5
    sticky: float = 0.6
    """Share of sessions that come from an account's own exits and not from the common pool."""
    clock: str = "two_shifts"
    clients: int = 2
    lag: float = 4.0
    refuse: float = 0.03
    tools: int = 0
    ramp: float = 0.0
    focus: float = 0.3
    plans: dict[str, float] = field(default_factory=lambda: dict(people.PLANS))
    channels: dict[str, float] = field(default_factory=lambda: dict(people.CHANNELS))
    fake_orgs: float = 0.05
    shards: bool = False
    replay: float = 0.0
    system: float = 0.2
    """Chance that a family has a system prompt of its own."""
    first_day: float = 0.0
    last_day: float | None = None


def campaign_name(world: World, number: int) -> str:
    """An invented name, different for every campaign of a world."""
    order = np.random.default_rng([world.seed, 20]).permutation(len(_FIRST) * len(_SECOND))
    at = int(order[number % len(order)])
    name = f"{_FIRST[at // len(_SECOND)]}-{_SECOND[at % len(_SECOND)]}"
    return name if number < len(order) else f"{name}-{number // len(order)}"


def bundles(rng: np.random.Generator, n: int, size: float) -> Ints:
    """Group numbers for ``n`` things in bundles of about ``size`` (geometric above one), shuffled."""
    if size <= 1:
        return np.arange(n)
    sizes = rng.geometric(1 / size, n)
    return np.repeat(np.arange(n), sizes)[:n][rng.permutation(n)]


def enrol(world: World, rng: np.random.Generator, habits: Habits, n: int, name: str, archetype: str) -> Crowd:
    """Sign the accounts up: when, with which mail, cards, devices and phones."""
    last = world.days if habits.last_day is None else habits.last_day
    if habits.sign_up == "aged":
        born = -rng.uniform(20, 500, n)
    elif habits.sign_up == "batches":
        waves = np.sort(rng.uniform(habits.first_day - 25, last - 6, max(1, round(n / rng.uniform(6, 25)))))
        born = rng.choice(waves, n) + rng.exponential(0.08, n)
    else:
        born = rng.uniform(habits.first_day - 60, last - 4, n)
    stolen_age = rng.random(n) < 0.25  # bought from people who had signed up long ago
    born = np.where(stolen_age, -rng.exponential(200, n), born)
    created = (np.clip(born, -720, world.days - 1) * DAY).astype(np.int64)
    domains = _domains(rng, habits, n)
    org = np.where(rng.random(n) < habits.fake_orgs, world.mint(n), -1)
    verified = people.choose(rng, people.VERIFICATION, n)
    crowd = people.join(
        world,
        rng,
        n,
        archetype,
        focus=habits.focus,
        created=created,
        domain=domains,
        org=org,
        verification=verified,
        plan=people.choose(rng, habits.plans, n),
        channel=people.choose(rng, habits.channels, n),
        campaign=name,
    )
    pays = rng.random(n) < habits.paying
    card = world.mint(n)[bundles(rng, n, habits.per_card)]
    world.identify(crowd.rows, "payment", np.where(pays, card, -1))
    odd = world.notes.setdefault("series", world.mint(400))[rng.integers(40, 400, int(rng.integers(1, 4)))]
    from_odd = pays & (rng.random(n) < habits.series)
    people.card_series(world, crowd.part(from_odd), rng, rng.choice(odd, int(from_odd.sum())))
    people.card_series(world, crowd.part(pays & ~from_odd), rng)
    device = world.mint(n)[bundles(rng, n, habits.per_device)]
    world.identify(crowd.rows, "device", np.where(rng.random(n) < habits.device_known, device, -1))
    phone = world.mint(n)[bundles(rng, n, habits.per_phone)]
    world.identify(crowd.rows, "phone", np.where(rng.random(n) < habits.phone_known, phone, -1))
    world.identify(crowd.rows, "email", world.mint(n))
    world.identify(crowd.rows, "address", np.where(rng.random(n) < 0.3, world.mint(n), -1))
    return crowd


def _domains(rng: np.random.Generator, habits: Habits, n: int) -> Array:
    free = np.array(people.MAIL)[(len(people.MAIL) * rng.random(n) ** 2).astype(int)]
    throw = rng.choice(rng.choice(np.array(people.THROWAWAY), 3, replace=False), n)
    own = np.array([people.company_domain(rng) for _ in range(max(1, n // 6))])[bundles(rng, n, 6.0) % max(1, n // 6)]
    weights = {"free": (1.0, 0.0, 0.0), "throwaway": (0.4, 0.6, 0.0), "own": (0.5, 0.0, 0.5), "mixed": (0.7, 0.2, 0.1)}[
        habits.mail
    ]
    return np.choose(rng.choice(3, n, p=weights), [free, throw, own])


def exits(world: World, crowd: Crowd, rng: np.random.Generator, habits: Habits) -> dict[str, Array]:
    """Proxy exits: a pool of the operator's, each account with favourites of its own from the same pool."""
    nets, n = world.networks, len(crowd)
    size = max(4, int(n * habits.exits_per_account))
    mix = {
        "residential": {"home": 0.9, "mobile": 0.1},
        "vpn": {"vpn": 0.6, "cloud": 0.4},
        "cloud": {"cloud": 0.85, "office": 0.15},
        "mixed": {"home": 0.5, "vpn": 0.2, "cloud": 0.2, "mobile": 0.1},
    }[habits.exits]
    kind = people.choose(rng, mix, size)
    ip, asn = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for k in mix:
        at = np.flatnonzero(kind == k)
        ip[at], asn[at] = nets.hosts(k, nets.pick(k, len(at), rng), rng)
    some = np.flatnonzero(rng.random(size) < 0.25)  # providers of exits hold neighbouring addresses
    ip[some] = nets.near(ip[rng.integers(0, size, len(some))], rng)
    width = 6
    mine = rng.integers(0, size, (n, width))
    own_ip, own_asn = ip[mine], asn[mine]
    fresh = rng.random((n, width)) < habits.sticky  # not from the pool at all: an exit nobody else used
    other, other_asn = nets.hosts("home", nets.pick("home", n * width, rng), rng)
    own_ip = np.where(fresh, other.reshape(n, width), own_ip)
    own_asn = np.where(fresh, other_asn.reshape(n, width), own_asn)
    people.signed_up_from(world, crowd, own_ip[:, int(rng.integers(0, 2))])
    return {
        "addr": nets.take(own_ip.ravel(), own_asn.ravel()) + np.arange(n) * width,
        "addr_n": rng.integers(1, width + 1, n),
        "addr_skew": rng.uniform(0.8, 3.0, n),
    }


def family_books(world: World, rng: np.random.Generator, habits: Habits, n: int) -> tuple[Array, Array, Array]:
    """Template families in many wordings, dealt to accounts: (book, topic, system prompt) per account."""
    text = world.text
    families = []
    for intents in habits.intents:
        author = authors.Author(
            seed=int(rng.integers(1 << 40)),
            intents=intents,
            body=str(rng.choice(habits.body)),
            body_length=float(max(1.0, rng.uniform(0.6, 1.8) * 3 * world.brevity)),
            layout=str(rng.choice(habits.layouts)),
            frozen=int(rng.poisson(habits.frozen)),
            topic=int(rng.integers(len(text.topics))),
            serial=bool(rng.random() < 0.2),
            change=habits.change,
        )
        families.append(authors.reworded(text, author, habits.wordings))
    system = np.where(rng.random(len(families)) < habits.system, world.mint(len(families)), -1)
    books, topics, systems = [], [], []
    public = ordinary.public_templates(world)
    deals: list[int] = []
    home = rng.integers(0, len(families), n)
    for _ in range(max(2, min(n, 4 * habits.wordings))):
        deals.append(-1)
    for i in range(n):
        family = families[home[i]]
        own = rng.choice(family, min(len(family), int(rng.integers(1, 4))), replace=False)
        extra = []
        if len(families) > 1 and rng.random() < 0.5:
            extra.append(int(rng.choice(families[int(rng.integers(len(families)))])))
        if rng.random() < 0.2:
            extra.append(int(rng.choice(public)))
        weights = [1.0 / (j + 1) for j in range(len(own))] + [0.3] * len(extra)
        books.append(text.book([*map(int, own), *extra], weights))
        topics.append(int(rng.integers(len(text.topics))))
        systems.append(int(system[home[i]]))
    return np.array(books), np.array(topics), np.array(systems)


def work(world: World, crowd: Crowd, rng: np.random.Generator, habits: Habits, **bent: Any) -> None:
    """The traffic of the campaign and its cover, account by account light, together steady."""
    n = len(crowd)
    book, topic, system = family_books(world, rng, habits, n)
    last = float(world.days if habits.last_day is None else habits.last_day)
    born = np.maximum(crowd.created / DAY, habits.first_day)
    start = np.minimum(np.maximum(born, 0) + rng.exponential(1.5, n) * (rng.random(n) < 0.7), last - 2)
    if habits.sign_up == "aged":
        start = rng.uniform(habits.first_day, max(habits.first_day + 1, last - 5), n)
    life = habits.lifetime * np.exp(0.8 * rng.standard_normal(n))
    stop = np.minimum(start + life, last)
    level = habits.per_day * world.mean_requests / 200 * np.exp(0.8 * rng.standard_normal(n))
    total = level * (stop - start)
    per = rng.uniform(0.4, 1.2, n)
    skip = rng.uniform(0.05, 0.5, n)
    counts = pacing.daily(
        world,
        rng,
        total * (1 - habits.cover),
        start=start,
        stop=stop,
        week="all",
        spread=per,
        skip=skip,
        ramp=habits.ramp,
    )
    side = pacing.daily(world, rng, total * habits.cover, start=start, stop=stop, week="soft", spread=per, skip=skip)
    hours = np.array([pacing.clock(world, habits.clock, rng, 0.3) for _ in range(3)])
    names = list(rng.choice(np.array(people.CLIENTS), habits.clients, replace=False))
    offset, many = world.client_list(names)
    shift = int(rng.integers(-8, 10))
    common: dict[str, Any] = {
        "tz": np.where(rng.random(n) < 0.7, shift, crowd.tz),
        **exits(world, crowd, rng, habits),
        "client": offset + rng.integers(0, many, n),
        "client_n": 1,
        "lag": habits.lag * rng.uniform(0.5, 1.5, n),
        "model": np.where(rng.random(n) < 0.8, -1, people.model_habit(world, n, rng)["model"]),
        "sessions_known": rng.random(n) < 0.85,
    }
    edges = (
        np.sort(rng.random((n, 2)), axis=1)
        if not habits.shards
        else np.stack([np.arange(n), np.arange(n) + 1.0], 1) / n
    )
    slots = edges if habits.shards else np.tile([0.0, 1.0], (n, 1))
    columns: dict[str, Any] = common | {
        "book": book,
        "topic": topic,
        "wander": rng.beta(2, 4, n),
        "clock": rng.choice(hours, n),
        "session": rng.uniform(1.0, 5.0, n),
        "gap": rng.lognormal(3.6, 0.8, n),
        "gap_sd": rng.uniform(0.4, 1.2, n),
        "in_mu": rng.normal(calibration.CHAT_IN[0] - 0.4, 0.7) + rng.normal(0, 0.4, n),
        "in_sd": rng.uniform(0.5, 1.1, n),
        "out_mu": rng.normal(calibration.CHAT_OUT[0] + 0.5, 0.4) + rng.normal(0, 0.4, n),
        "out_sd": rng.uniform(0.5, 1.0, n),
        "refuse": habits.refuse,
        "tools": habits.tools,
        "system": system,
        "follow": rng.uniform(0.6, 1.0, n),
        "low": slots[:, 0],
        "high": slots[:, 1],
        "replay_pool": world.notes.setdefault("replay_pools", 0) if habits.replay else -1,
        "replay": habits.replay,
    }
    if habits.replay:
        world.notes["replay_pools"] += 1
    world.add_streams(crowd.rows, counts, **(columns | bent))
    kinds = rng.choice(["single", "developer", "hobbyist"], n)
    cover_book = np.zeros(n, np.int64)
    for kind in ("single", "developer", "hobbyist"):
        at = np.flatnonzero(kinds == kind)
        cover_book[at] = ordinary.everyday_books(world, crowd.part(at), rng, kind, np.arange(len(at)))
    everyday = np.concatenate([pacing.shared_clocks(world, h) for h in ("day", "evening", "office")])
    cover: dict[str, Any] = common | {
        "book": cover_book,
        "topic": rng.integers(0, len(world.text.topics), n),
        "wander": rng.beta(1, 3, n),
        "clock": rng.choice(everyday, n),
        "tz": crowd.tz,
        "session": rng.uniform(1.2, 6.0, n),
        "gap": rng.lognormal(4.4, 0.6, n),
        "in_mu": calibration.CHAT_IN[0] + rng.normal(-0.6, 0.8, n),
        "out_mu": calibration.CHAT_OUT[0] + rng.normal(0.2, 0.8, n),
        "refuse": rng.beta(1, 60, n),
        "system": np.where(rng.random(n) < 0.3, world.mint(n), -1),
    }
    world.add_streams(crowd.rows, side, **cover)


def run(world: World, number: int, n: int, archetype: str, habits: Habits, **bent: Any) -> Crowd:
    """Sign up and set to work; the accounts of the campaign."""
    rng = np.random.default_rng([world.seed, 21, number])
    crowd = enrol(world, rng, habits, n, campaign_name(world, number), archetype)
    work(world, crowd, rng, habits, **bent)
    return crowd
