"""An operator at work: template families in many wordings, light accounts, cover traffic, rented exits.

Innocent twins live in ``lookalikes``: a gateway balances load as well, a vendor has the same templates, a reseller the
same exits. What only an operator has is strangers who share an author.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate import authors, calibration, ordinary, pacing, people
from stillwatch.simulate.campaigns.enrolment import Lives, bundles, enrol
from stillwatch.simulate.campaigns.habits import Habits
from stillwatch.simulate.people import Crowd
from stillwatch.simulate.text import Unit
from stillwatch.simulate.world import World

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

_FIRST = (
    "amber brisk cedar dusky early fallow gilded hazel inland jade kelp lunar misty nether ochre pale russet silver "
    "tawny umber"
)
_SECOND = (
    "heron badger cormorant dormouse egret falcon godwit hare ibis jackdaw kite lark marten newt osprey plover quail "
    "raven stoat tern"
)


def campaign_name(world: World, number: int) -> str:
    """An invented name, different for every campaign of a world."""
    first, second = _FIRST.split(), _SECOND.split()
    order = np.random.default_rng([world.seed, 20]).permutation(len(first) * len(second))
    at = int(order[number % len(order)])
    name = f"{first[at // len(second)]}-{second[at % len(second)]}"
    return name if number < len(order) else f"{name}-{number // len(order)}"


@dataclass(frozen=True)
class Dealt:
    """What each account of a campaign says: book, topic and system prompt."""

    book: Ints
    topic: Ints
    system: Ints


def deal_templates(world: World, rng: np.random.Generator, habits: Habits, lives: Lives) -> Dealt:
    """Write the families, reword them, deal one to three wordings to each account; heirs go on with what was left."""
    text, n = world.text, len(lives.born)
    families: list[list[int]] = []
    for intents in habits.families:
        author = authors.random_author(
            rng,
            int(rng.integers(len(text.topics))),
            intents=intents,
            body=str(rng.choice(np.array(habits.body))),
            body_length=2.5 * world.brevity,
            layouts=habits.layouts,
            change=(habits.change, habits.change),
        )
        frozen = int(rng.poisson(habits.frozen)) if intents else max(1, int(rng.poisson(habits.frozen)))
        author = replace(author, frozen=frozen)
        if habits.bodies == 1:
            families.append(authors.reworded(text, author, habits.wordings))
            continue
        kinds = [str(b) for b in rng.permutation(np.array(habits.body))[: habits.bodies]]
        families.append(
            [authors.template(text, replace(author, body=kinds[v % len(kinds)]), v) for v in range(habits.wordings)]
        )
    own_system = np.where(rng.random(len(families)) < habits.system, world.mint(len(families)), -1)
    public = ordinary.public_templates(world)
    book, topic = np.zeros(n, np.int64), rng.integers(0, len(text.topics), n)
    home = rng.integers(0, len(families), n)
    for i in range(n):
        family = families[home[i]]
        dealt = [int(t) for t in rng.choice(family, min(len(family), int(rng.integers(1, 4))), replace=False)]
        if len(families) > 1 and rng.random() < 0.5:
            dealt.append(int(rng.choice(families[int(rng.integers(len(families)))])))
        if rng.random() < habits.own_tag:
            tag = Unit(pattern=authors.once(text, text.frozen(rng, text.class_id("closer"), int(topic[i])) + " "))
            dealt = [text.template([tag, *text.units_of(t)]) for t in dealt]
        if rng.random() < 0.15:
            dealt.append(int(rng.choice(public)))
        book[i] = text.book(dealt, [1 / (j + 1) for j in range(len(dealt))])
    heirs = np.flatnonzero(lives.heir_of >= 0)
    book[heirs], topic[heirs], home[heirs] = (a[lives.heir_of[heirs]] for a in (book, topic, home))
    return Dealt(book, topic, own_system[home])


def exits(world: World, crowd: Crowd, rng: np.random.Generator, habits: Habits) -> dict[str, Array]:
    """Rented exits: a slice of a provider's, each account with a few of them and a few that only it uses.

    Signs the accounts up as well: from an exit, several from one where the operator is careless.
    """
    nets, n = world.networks, len(crowd)
    size = max(4, int(n * habits.exits_per_account))
    if habits.provider < 3:
        all_ip, all_asn = people.proxies(world, habits.provider)
        at = rng.integers(0, len(all_ip), size)
        ip, asn = all_ip[at], all_asn[at]
    else:
        block = nets.pick("cloud", 1, rng, even=True)
        ip, asn = nets.hosts("cloud", np.repeat(block, size), rng)
        close = rng.random(size) < 0.5
        ip[close] = nets.near(np.repeat(ip[:1], int(close.sum())), rng)
    if habits.stock:
        known_ip, known_asn = world.notes.setdefault(("stock", habits.stock, "exits"), (ip, asn))
        at = rng.integers(0, len(known_ip), size)
        both = rng.random(size) < 0.5
        ip, asn = np.where(both, known_ip[at], ip), np.where(both, known_asn[at], asn)
    width = habits.exits
    mine = rng.integers(0, size, (n, width))
    own = rng.random((n, width)) < habits.sticky
    kind = "mobile" if rng.random() < 0.1 else "home"
    network = nets.pick(kind, 2 * n, rng).reshape(n, 2)[:, rng.integers(0, 2, width)]
    other, other_asn = nets.hosts(kind, network.ravel(), rng)
    ips = np.where(own, other.reshape(n, width), ip[mine])
    asns = np.where(own, other_asn.reshape(n, width), asn[mine])
    careless = bundles(rng, n, habits.per_sign_up_ip)
    people.signed_up_from(world, crowd, ips[careless % n, 0])
    return {
        "addr": nets.take(ips.ravel(), asns.ravel()) + np.arange(n) * width,
        "addr_n": rng.integers(1, width + 1, n),
        "addr_skew": rng.uniform(0.8, 3.0, n),
        "addr_hop": rng.random(n) < habits.hop,
    }


def work(world: World, crowd: Crowd, rng: np.random.Generator, habits: Habits, lives: Lives, **bent: Any) -> Dealt:
    """The traffic of the campaign and its cover; ``bent`` replaces columns of the campaign's own streams."""
    n = len(crowd)
    said = deal_templates(world, rng, habits, lives)
    per_day = habits.per_day * world.mean_requests / 200 * world.campaign_load
    level = per_day * np.exp(habits.spread * rng.standard_normal(n) - habits.spread**2 / 2)
    total = level * (lives.stop - lives.start)
    k = habits.alike
    cover = rng.beta(k * habits.cover, k * (1 - habits.cover), n) if k else np.full(n, habits.cover)
    days: dict[str, Any] = {"start": lives.start, "stop": lives.stop}
    spread, skip = rng.uniform(0.5, 1.3, n), rng.uniform(0.05, 0.6, n)
    counts = pacing.daily(
        world,
        rng,
        total * (1 - cover),
        **days,
        week="all" if habits.clock in ("wavy", "flat", "two_shifts") else "soft",
        spread=spread,
        skip=skip,
        ramp=habits.ramp,
        duty=(rng.uniform(1.5, 5), rng.uniform(1, 6)) if habits.pacing == "turns" else None,
        balance=habits.pacing == "balanced",
    )
    hours = np.array([pacing.clock(world, habits.clock, rng, 0.3) for _ in range(3)])
    offset, many = world.client_list(list(people.popular_clients(rng, max(1, habits.clients))))
    shift = int(rng.integers(-8, 10))
    model = people.model_habit(world, n, rng)
    follows = rng.random(n) < habits.followers
    common: dict[str, Any] = {
        **exits(world, crowd, rng, habits),
        **({"client": offset + rng.integers(0, many, n)} if habits.clients else people.clients(world, n, rng)),
        "model": np.where(follows, -1, model["model"]),
        "lag": np.where(follows, habits.lag * rng.uniform(0.6, 1.6, n), model["lag"]),
        "follow": model["follow"],
        "side": model["side"],
        "sessions_known": rng.random(n) < 0.85,
        "in_sd": rng.uniform(0.5, 1.2, n),
        "out_sd": rng.uniform(0.5, 1.2, n),
        "error": rng.beta(1, 60, n),
        "limit": rng.beta(1, 70, n),
    }
    order = rng.permutation(n)
    pool = world.replay_pools(1)[0] if habits.replay else -1
    refuse = np.clip(habits.refused * rng.lognormal(-0.3, 0.8, n), 0, 0.8)
    if habits.probing < 1:
        refuse = np.where(rng.permutation(n) < np.ceil(habits.probing * n), refuse, rng.beta(1, 25, n))
    # an artefact is tried where it is of use: many accounts carry none, some several
    replay = np.minimum(rng.exponential(habits.replay, n), 0.5) if habits.replay else 0.0
    columns: dict[str, Any] = common | {
        "book": said.book,
        "topic": said.topic,
        "wander": rng.beta(2, 3, n),
        "clock": rng.choice(hours, n),
        "tz": np.where(rng.random(n) < 0.6, shift, crowd.tz),
        "session": rng.uniform(1.0, 5.0, n),
        "gap": rng.lognormal(rng.uniform(2.5, 4.5), 0.7, n),
        "gap_sd": rng.uniform(0.4, 1.2, n),
        "in_mu": rng.normal(calibration.CHAT_IN[0] - 0.3, 0.6) + rng.normal(0, 0.5, n),
        "out_mu": rng.normal(calibration.CHAT_OUT[0] + 0.4, 0.4) + rng.normal(0, 0.5, n),
        "refuse": refuse,
        "tools": np.where(rng.random(n) < 0.7, habits.tools, 0),
        "system": np.where(rng.random(n) < rng.uniform(0.4, 0.9), said.system, -1),
        "low": order / n if habits.shards else 0.0,
        "high": (order + 1) / n if habits.shards else 1.0,
        "replay_pool": pool,
        "taken": True,
        "replay": replay,
    }
    world.add_streams(crowd.rows, counts, **(columns | bent))
    side = pacing.daily(world, rng, total * cover, **days, week="soft", spread=spread, skip=skip)
    _everyday(world, crowd, rng, side, common)
    _past(world, crowd, rng, lives)
    thieves = world.notes.setdefault("thieves", [])
    thieves += [(int(said.book[i]), int(columns["addr"][i]), int(columns["addr_n"][i])) for i in range(min(n, 20))]
    return said


def _past(world: World, crowd: Crowd, rng: np.random.Generator, lives: Lives) -> None:
    """Bought accounts: now and then the owner before was still asking in the first weeks, from home."""
    had = np.flatnonzero(lives.bought & (lives.start > 4) & (rng.random(len(crowd)) < 0.6))
    if len(had):
        before = crowd.part(had)
        total = pacing.volumes(rng, len(had), 0.05 * world.mean_requests + 2, 1.0)
        counts = pacing.daily(world, rng, total, stop=lives.start[had] * rng.uniform(0.2, 0.9, len(had)), skip=0.7)
        where: dict[str, Any] = people.home_book(world, before, rng)
        _everyday(world, before, rng, counts, where | people.clients(world, len(had), rng))


def _everyday(world: World, crowd: Crowd, rng: np.random.Generator, counts: Array, common: dict[str, Any]) -> None:
    """Traffic that looks like anybody's."""
    n = len(crowd)
    kinds = rng.choice(["single", "developer", "hobbyist"], n)
    book = np.zeros(n, np.int64)
    for kind in ("single", "developer", "hobbyist"):
        at = np.flatnonzero(kinds == kind)
        book[at] = ordinary.everyday_books(world, crowd.part(at), rng, kind, np.arange(len(at)))
    everyday = np.concatenate([pacing.shared_clocks(world, h) for h in ("day", "evening", "office")])
    columns: dict[str, Any] = common | {
        "book": book,
        "topic": rng.integers(0, len(world.text.topics), n),
        "wander": rng.beta(1, 3, n),
        "clock": rng.choice(everyday, n),
        "tz": crowd.tz,
        "session": rng.uniform(1.2, 6.0, n),
        "gap": rng.lognormal(4.4, 0.6, n),
        "in_mu": calibration.CHAT_IN[0] + rng.normal(-0.6, 0.8, n),
        "out_mu": calibration.CHAT_OUT[0] + rng.normal(0.2, 0.8, n),
        "refuse": rng.beta(1, 60, n),
        "tools": np.where(rng.random(n) < 0.2, rng.integers(1, 14, n), 0),
        "system": np.where(rng.random(n) < 0.2, world.mint(n), -1),
    }
    world.add_streams(crowd.rows, counts, **columns)


def run(world: World, number: int, n: int, archetype: str, habits: Habits, **bent: Any) -> Crowd:
    """Sign up and set to work; the accounts of the campaign."""
    rng = np.random.default_rng([world.seed, 21, number])
    lives = Lives.draw(world, rng, habits, n)
    crowd = enrol(world, rng, habits, lives, campaign_name(world, number), archetype)
    work(world, crowd, rng, habits, lives, **bent)
    return crowd
