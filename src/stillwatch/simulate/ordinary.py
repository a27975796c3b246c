"""Ordinary people: singles, households, small teams, hobbyists, developers with scripts, night owls.

Households and small teams share cards, devices and addresses for reasons of their own: they are the bulk of all
sharing that a provider sees. Some write their own templates, some copy public ones, most just type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate import authors, calibration, pacing, people
from stillwatch.simulate.people import Crowd
from stillwatch.simulate.world import DAY, World

Array = npt.NDArray[Any]

SHARES = {"single": 0.44, "household": 0.12, "small_team": 0.13, "hobbyist": 0.1, "developer": 0.16, "night_owl": 0.05}
_BUSY = {"developer": 1.6, "small_team": 1.2, "single": 0.8, "hobbyist": 0.7, "household": 0.6, "night_owl": 1.2}
_OWN_TEMPLATE = {
    "developer": 0.75,
    "small_team": 0.5,
    "hobbyist": 0.35,
    "single": 0.16,
    "night_owl": 0.3,
    "household": 0.08,
}
_HOURS = {"developer": ("office", "flat", "day", "wavy"), "small_team": ("office", "day"), "night_owl": ("owl",)}
_WEEK = {"developer": "work", "small_team": "work", "night_owl": "home", "household": "home"}
_LANGUAGE = {"ES": "es", "MX": "es", "DE": "de", "CN": "zh", "SG": "zh"}
_AT_ONCE = 25_000


def everyday(world: World, n: int) -> None:
    """The background of a world: ``n`` accounts."""
    rng = np.random.default_rng([world.seed, 11])
    sizes = {kind: int(share * n) for kind, share in SHARES.items()}
    sizes["single"] += n - sum(sizes.values())
    for kind, count in sizes.items():
        for begin in range(0, count, _AT_ONCE):
            _crowd(world, rng, kind, min(_AT_ONCE, count - begin))


def _crowd(world: World, rng: np.random.Generator, kind: str, n: int) -> None:
    if kind not in ("household", "small_team"):
        crowd = people.join(world, rng, n, kind, org=np.where(rng.random(n) < 0.06, world.mint(n), -1))
        people.own_contact(world, crowd, rng)
        people.own_card(world, crowd, rng)
        people.own_device(world, crowd, rng)
        traffic(world, crowd, rng, kind)
        return
    sizes = rng.integers(2, 5 if kind == "household" else 10, n)
    groups = np.repeat(np.arange(n), sizes)[:n]
    top = int(groups[-1]) + 1
    first = np.searchsorted(groups, groups)
    country, tz = people.countries(rng, n)
    created = people.sign_up_times(world, rng, n)
    together = created[first] + (rng.exponential(1.0, n) * DAY).astype(np.int64)
    created = np.minimum(np.where(rng.random(n)[first] < 0.4, together, created), world.end - DAY)
    given: dict[str, Any] = {"country": country[first], "tz": tz[first], "created": created}
    if kind == "small_team":
        domains = np.array([people.company_domain(rng) for _ in range(top)])
        free = np.array(people.MAIL)[(len(people.MAIL) * rng.random(n) ** 2).astype(int)]
        given["domain"] = np.where((rng.random(top) < 0.6)[groups], domains[groups], free)
        given["org"] = np.where((rng.random(top) < 0.45)[groups], world.mint(top)[groups], -1)
        given["plan"] = rng.choice(["pro", "team", "team", "startup", "free"], top)[groups]
    crowd = people.join(world, rng, n, kind, **given)
    people.own_contact(world, crowd, rng, phone=0.0, address=0.0)
    _share(world, crowd, rng, groups, kind)
    pool = np.where((rng.random(top) < 0.3)[groups], world.replay_pools(top)[groups], -1)
    traffic(world, crowd, rng, kind, groups, replay_pool=pool, replay=rng.uniform(0.02, 0.1, n))


def _share(world: World, crowd: Crowd, rng: np.random.Generator, groups: Array, kind: str) -> None:
    """One card, one device or one phone for several members of a group, each with its own chance."""
    n, top = len(crowd), int(groups[-1]) + 1
    chances = {"household": (0.6, 0.5, 0.3, 0.5), "small_team": (0.7, 0.25, 0.1, 0.4)}[kind]
    known = (0.7, 0.8, 0.45, 0.35)
    for sort, chance, seen in zip(("payment", "device", "phone", "address"), chances, known, strict=True):
        shares = (rng.random(top) < chance)[groups] & (rng.random(n) < 0.85)
        codes = np.where(shares, world.mint(top)[groups], world.mint(n))
        codes = np.where(shares | (rng.random(n) < seen), codes, -1)
        world.identify(crowd.rows, sort, people.or_by_chance(world, rng, sort, codes))
    people.card_series(world, crowd.part(rng.random(n) < 0.7), rng)


def traffic(
    world: World,
    crowd: Crowd,
    rng: np.random.Generator,
    kind: str,
    groups: Array | None = None,
    *,
    mean: float | None = None,
    books: Array | None = None,
    **bent: Any,
) -> None:
    """Everyday traffic of a crowd: own hours, own words, own addresses; ``bent`` replaces stream columns."""
    n = len(crowd)
    groups = np.arange(n) if groups is None else groups
    total = pacing.volumes(rng, n, (world.mean_requests if mean is None else mean) * _BUSY[kind])
    start = np.maximum(crowd.created / DAY, 0)
    leaves = rng.random(n) < 0.3
    counts = pacing.daily(
        world,
        rng,
        total,
        start=start,
        stop=np.where(leaves, start + rng.exponential(world.days / 3, n) + 1, world.days),
        week=_WEEK.get(kind, "soft"),
        spread=rng.uniform(0.5, 1.4, n),
        skip=rng.uniform(0.05, 0.8, n),
        duty=(4.0, 6.0) if kind == "hobbyist" else None,
    )
    hours = np.concatenate([pacing.shared_clocks(world, h) for h in _HOURS.get(kind, ("day", "evening", "student"))])
    script = rng.random(n) < (0.5 if kind == "developer" else 0.12)
    curious = rng.random(n) < 0.06  # or of a profession whose questions sound bad
    columns: dict[str, Any] = {
        "book": everyday_books(world, crowd, rng, kind, groups, curious) if books is None else books,
        "topic": rng.integers(0, len(world.text.topics), n),
        "wander": rng.beta(1, 4, n),
        "clock": rng.choice(hours, n),
        "tz": crowd.tz,
        "session": np.where(script, rng.uniform(1, 3, n), rng.uniform(1.2, 7, n)),
        "gap": np.where(script, rng.lognormal(2, 1, n), rng.lognormal(np.log(calibration.TURN_GAP[0]), 0.5, n)),
        "gap_sd": rng.uniform(0.5, 1.2, n),
        "in_mu": np.where(script, calibration.CODE_IN[0], calibration.CHAT_IN[0]) + rng.normal(-0.6, 0.8, n),
        "in_sd": rng.uniform(0.5, 1.3, n),
        "out_mu": calibration.CHAT_OUT[0] + rng.normal(0.2, 0.8, n),
        "out_sd": rng.uniform(0.5, 1.2, n),
        "refuse": np.where(curious, rng.uniform(0.1, 0.5, n), rng.beta(1, 60, n)),
        "error": rng.beta(1, 60, n),
        "limit": rng.beta(1, 70, n),
        "tools": np.where(rng.random(n) < 0.25, rng.integers(1, 14, n), 0),
        "system": _systems(world, rng, n),
        "sessions_known": rng.random(n) < 0.85,
        **people.clients(world, n, rng),
        **people.model_habit(world, n, rng),
    }
    if "addr" not in bent:
        columns |= people.home_book(world, crowd, rng)
    if "replay_pool" not in bent:
        columns |= _shared_default_id(world, rng, n)
    world.add_streams(crowd.rows, counts, **(columns | bent))


def _systems(world: World, rng: np.random.Generator, n: int) -> Array:
    """System prompts: none, an own one, or that of a popular agent."""
    agents = public_agents(world)
    popular = agents[(np.exp(rng.random(n) * np.log(len(agents) + 1)) - 1).astype(int)]
    return np.select([rng.random(n) < 0.12, rng.random(n) < 0.4], [popular, world.mint(n)], -1)


def _shared_default_id(world: World, rng: np.random.Generator, n: int) -> dict[str, Array]:
    """A badly written client sends the same few session ids for everybody who uses it."""
    if "default id" not in world.notes:
        world.notes["default id"] = int(world.replay_pools(1)[0])
    uses = rng.random(n) < 0.04
    return {"replay_pool": np.where(uses, world.notes["default id"], -1), "replay": rng.uniform(0.05, 0.6, n)}


def public_agents(world: World) -> Array:
    """System prompts of popular open-source agents: known to everybody."""
    if "agents" not in world.notes:
        world.notes["agents"] = world.mint(40)
    return np.asarray(world.notes["agents"])


def public_templates(world: World) -> Array:
    """Prompt templates that anybody can find and copy, most popular first; the tail has a handful of users."""
    if "public" not in world.notes:
        rng = np.random.default_rng([world.seed, 12])
        topics = len(world.text.topics)
        made = [
            authors.template(world.text, authors.random_author(rng, int(rng.integers(topics)), body_length=1.2))
            for _ in range(min(1500, max(70, world.size // 35)))
        ]
        world.notes["public"] = np.array(made)
    return np.asarray(world.notes["public"])


def _popular(rng: np.random.Generator, listed: Array) -> int:
    return int(listed[int(np.exp(rng.random() * np.log(len(listed) + 1)) - 1)])


def _free_books(world: World, language: str) -> Array:
    """Books of people who just type, from terse to long-winded; made once a world."""
    made = world.notes.setdefault("free books", {})
    if language not in made:
        rng = np.random.default_rng([world.seed, 13, len(made)])
        # sentences per prompt: lognormal, as words per prompt are (calibration.WORDS)
        lengths = np.exp(np.log(5.5 * world.brevity) + 0.6 * rng.standard_normal(40))
        made[language] = np.array([authors.free_writer(world.text, rng, max(1.0, s), language) for s in lengths])
    return np.asarray(made[language])


def everyday_books(
    world: World, crowd: Crowd, rng: np.random.Generator, kind: str, groups: Array, curious: Array | None = None
) -> Array:
    """A book for each account: free writing, own templates, public templates, or several of these."""
    text = world.text
    out = rng.choice(_free_books(world, "free"), len(crowd))
    for country, language in _LANGUAGE.items():
        speaks = (crowd.country == country) & (rng.random(len(crowd)) < 0.45)
        out[speaks] = rng.choice(_free_books(world, language), int(speaks.sum()))
    public = public_templates(world)
    writes = rng.random(len(crowd)) < _OWN_TEMPLATE[kind]
    copies = rng.random(len(crowd)) < 0.18
    probes = np.zeros(len(crowd), bool) if curious is None else curious
    last_group, last_book = -1, -1
    for i in np.flatnonzero(writes | copies | probes):
        if kind == "small_team" and groups[i] == last_group and rng.random() < 0.7:
            out[i] = last_book
            continue
        topic = int(rng.integers(len(text.topics)))
        made: list[int] = []
        if writes[i]:
            for _ in range(1 + int(rng.poisson(1.2))):
                author = authors.random_author(rng, topic, body_length=2.2 * world.brevity)
                made += authors.reworded(text, author, 1 + int(rng.random() < 0.25))
        if probes[i]:
            author = authors.random_author(rng, topic, intents=["safety"], body_length=1.0)
            made += authors.reworded(text, author, 3)
        if copies[i]:
            made += [_popular(rng, public) for _ in range(1 + int(rng.poisson(0.5)))]
        typed = text.templates_of(int(out[i]))[:3]
        weights = [1.0 / (j + 1) for j in range(len(made))] + [float(rng.choice([0.05, 0.3, 1.0]))] * len(typed)
        out[i] = text.book([*made, *typed], weights)
        last_group, last_book = int(groups[i]), int(out[i])
    return out
