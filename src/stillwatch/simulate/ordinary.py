"""Ordinary people: singles, households, small teams, hobbyists, developers with scripts, night owls.

Households and small teams share cards, devices and addresses for reasons of their own: they are the bulk of all
sharing that a provider sees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate import authors, calibration, pacing, people, phrasing
from stillwatch.simulate.people import Crowd
from stillwatch.simulate.world import DAY, World

Array = npt.NDArray[Any]


def everyday(world: World, n: int) -> None:
    """The background of a world: ``n`` accounts."""
    rng = np.random.default_rng([world.seed, 11])
    share = {
        "single": 0.46,
        "household": 0.12,
        "small_team": 0.12,
        "hobbyist": 0.1,
        "developer": 0.15,
        "night_owl": 0.05,
    }
    sizes = {k: int(v * n) for k, v in share.items()}
    sizes["single"] += n - sum(sizes.values())
    for kind, count in sizes.items():
        for part in _pieces(count, 25_000):
            _crowd(world, rng, kind, part)


def _pieces(n: int, size: int) -> list[int]:
    return [min(size, n - i) for i in range(0, n, size)]


def _crowd(world: World, rng: np.random.Generator, kind: str, n: int) -> None:
    groups = np.arange(n)
    given: dict[str, Any] = {}
    if kind in ("household", "small_team"):
        low, high = (2, 4) if kind == "household" else (2, 9)
        sizes = rng.integers(low, high + 1, n)
        groups = np.repeat(np.arange(n), sizes)[:n]
        first = np.searchsorted(groups, groups)
        country, tz = people.countries(rng, n)
        given |= {"country": country[first], "tz": tz[first]}
        created = people.sign_up_times(world, rng, n)
        together = rng.random(n)[first] < 0.4
        given["created"] = np.where(
            together, created[first] + (rng.exponential(3.0, n) * DAY / 3).astype(np.int64), created
        )
        given["created"] = np.minimum(given["created"], world.end - DAY)
    if kind == "small_team":
        domains = np.array([people.company_domain(rng) for _ in range(int(groups.max()) + 1)])
        closed = rng.random(int(groups.max()) + 1) < 0.6
        mail = np.array(people.MAIL)[(len(people.MAIL) * rng.random(n) ** 2).astype(int)]
        given["domain"] = np.where(closed[groups], domains[groups], mail)
        orgs = world.mint(int(groups.max()) + 1)
        given["org"] = np.where((rng.random(int(groups.max()) + 1) < 0.45)[groups], orgs[groups], -1)
        plan = rng.choice(["pro", "team", "team", "startup", "free"], int(groups.max()) + 1)
        given["plan"] = plan[groups]
    crowd = people.join(world, rng, n, kind, **given)
    people.own_contact(world, crowd, rng)
    if kind in ("household", "small_team"):
        _share(world, crowd, rng, groups, kind)
    else:
        people.own_card(world, crowd, rng)
        people.own_device(world, crowd, rng)
    traffic(world, crowd, rng, kind, groups)


def _share(world: World, crowd: Crowd, rng: np.random.Generator, groups: Array, kind: str) -> None:
    """One card, one device or one phone for several members of a group, each with its own chance."""
    top = int(groups.max()) + 1
    chances = {"household": (0.6, 0.5, 0.3, 0.5), "small_team": (0.7, 0.25, 0.1, 0.4)}[kind]
    for sort, chance in zip(("payment", "device", "phone", "address"), chances, strict=True):
        common = world.mint(top)[groups]
        own = world.mint(len(crowd))
        shares = (rng.random(top) < chance)[groups] & (rng.random(len(crowd)) < 0.85)
        has = shares | (rng.random(len(crowd)) < 0.5)
        world.identify(crowd.rows, sort, np.where(has, np.where(shares, common, own), -1))
    pays = rng.random(len(crowd)) < 0.7
    people.card_series(world, crowd.part(pays), rng)


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
    book = everyday_books(world, crowd, rng, kind, groups) if books is None else books
    made = {"developer": 2.2, "small_team": 1.3, "single": 0.8, "hobbyist": 0.7, "household": 0.6, "night_owl": 1.2}
    total = pacing.volumes(rng, n, (mean or world.mean_requests) * made.get(kind, 1.0))
    born = crowd.created / DAY
    start = np.maximum(born, 0)
    stop = np.where(rng.random(n) < 0.25, start + rng.exponential(world.days / 3, n) + 1, world.days)
    week = {"developer": "work", "small_team": "work", "night_owl": "home", "household": "home"}.get(kind, "soft")
    counts = pacing.daily(
        world,
        rng,
        total,
        start=start,
        stop=stop,
        week=week,
        spread=rng.uniform(0.5, 1.4, n),
        skip=rng.uniform(0.05, 0.8, n),
    )
    hours = {"developer": ["office", "flat", "day", "wavy"], "small_team": ["office", "day"], "night_owl": ["owl"]}.get(
        kind, ["day", "evening", "student"]
    )
    clock = rng.choice(np.concatenate([pacing.shared_clocks(world, h) for h in hours]), n)
    script = rng.random(n) < (0.5 if kind == "developer" else 0.12)
    t_in, s_in = np.where(script, calibration.CODE_IN[0], calibration.CHAT_IN[0]), rng.uniform(0.5, 1.3, n)
    columns: dict[str, Any] = {
        "book": book,
        "topic": rng.integers(0, len(world.text.topics), n),
        "wander": rng.beta(1, 4, n),
        "clock": clock,
        "tz": crowd.tz,
        "session": np.where(script, rng.uniform(1, 3, n), rng.uniform(1.2, 7, n)),
        "gap": np.where(script, rng.lognormal(2, 1, n), rng.lognormal(np.log(calibration.TURN_GAP[0]), 0.5, n)),
        "gap_sd": rng.uniform(0.5, 1.2, n),
        "in_mu": t_in + rng.normal(-0.6, 0.8, n),
        "in_sd": s_in,
        "out_mu": calibration.CHAT_OUT[0] + rng.normal(0.2, 0.8, n),
        "out_sd": rng.uniform(0.5, 1.2, n),
        "refuse": rng.beta(1, 60, n),
        "error": rng.beta(1, 60, n),
        "limit": rng.beta(1, 90, n),
        "tools": np.where(rng.random(n) < 0.25, rng.integers(1, 14, n), 0),
        "system": np.where(rng.random(n) < 0.45, world.mint(n), -1),
        "sessions_known": rng.random(n) < 0.85,
        **people.home_book(world, crowd, rng),
        **people.clients(world, n, rng),
        **people.model_habit(world, n, rng),
    }
    agents = public_agents(world)
    uses = (rng.random(n) < 0.12) & (rng.random(n) < 0.9)
    columns["system"] = np.where(
        uses, agents[(np.exp(rng.random(n) * np.log(len(agents) + 1)) - 1).astype(int)], columns["system"]
    )
    columns |= bent
    world.add_streams(crowd.rows, counts, **columns)


def public_agents(world: World) -> Array:
    """System prompts of popular open-source agents: known to everybody."""
    return np.asarray(world.notes.setdefault("agents", world.mint(40)))


def public_templates(world: World) -> Array:
    """Prompt templates that anybody can find and use, most popular first."""
    if "public" not in world.notes:
        rng = np.random.default_rng([world.seed, 12])
        made = []
        for _ in range(70):
            author = authors.random_author(rng, int(rng.integers(len(world.text.topics))))
            made.append(authors.template(world.text, author))
        world.notes["public"] = np.array(made)
    return np.asarray(world.notes["public"])


def everyday_books(world: World, crowd: Crowd, rng: np.random.Generator, kind: str, groups: Array) -> Array:
    """A book for each account: free writing, an own template or two, or a public template."""
    text = world.text
    length = 3.2 * world.brevity
    if "free" not in world.notes:
        world.notes["free"] = np.array(
            [authors.free_writer(text, rng, max(1.0, length * s)) for s in np.linspace(0.5, 2.2, 24)]
        )
    free = world.notes["free"]
    public = public_templates(world)
    out = rng.choice(free, len(crowd))
    own_share = {
        "developer": 0.75,
        "small_team": 0.5,
        "hobbyist": 0.3,
        "single": 0.14,
        "night_owl": 0.3,
        "household": 0.08,
    }[kind]
    last_group, last_book = -1, -1
    for i in np.flatnonzero(rng.random(len(crowd)) < own_share):
        if kind == "small_team" and groups[i] == last_group and rng.random() < 0.7:
            out[i] = last_book
            continue
        topic = int(rng.integers(len(text.topics)))
        made = []
        for _ in range(int(rng.integers(1, 4))):
            if rng.random() < 0.3:
                made.append(int(public[int(np.exp(rng.random() * np.log(len(public) + 1))) - 1]))
            else:
                made.append(
                    authors.template(text, authors.random_author(rng, topic, body_length=max(1.0, length * 0.6)))
                )
        extra = text.templates_of(int(out[i]))[:2]
        weights = [1.0 / (j + 1) for j in range(len(made))] + [float(rng.choice([0.05, 0.3, 1.0]))] * len(extra)
        out[i] = text.book([*made, *extra], weights)
        last_group, last_book = int(groups[i]), int(out[i])
    return out


__all__ = ["everyday", "everyday_books", "phrasing", "public_agents", "public_templates", "traffic"]
