"""What accounts of all kinds are made of: plans, pathways, mail domains, cards, devices, addresses, clients.

The marginals here are the common ground on which everybody stands, campaigns too: a builder bends only what its
story needs, so that no single column marks its accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate import words
from stillwatch.simulate.world import DAY, World

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

PLANS = {"free": 0.42, "pro": 0.38, "team": 0.12, "startup": 0.04, "enterprise": 0.02, "research": 0.01, "edu": 0.01}
CHANNELS = {
    "first_party": 0.62,
    "cloud_a": 0.14,
    "cloud_b": 0.1,
    "reseller_x": 0.06,
    "reseller_y": 0.05,
    "marketplace": 0.03,
}
VERIFICATION = {"email": 0.55, "phone": 0.3, "none": 0.08, "id": 0.07}
COUNTRIES = {  # code: (share, hours from UTC)
    "US": (0.22, -6), "DE": (0.08, 1), "GB": (0.07, 0), "IN": (0.09, 5), "BR": (0.06, -3), "FR": (0.05, 1),
    "JP": (0.05, 9), "CN": (0.04, 8), "KR": (0.03, 9), "CA": (0.04, -5), "PL": (0.03, 1), "ES": (0.03, 1),
    "NL": (0.03, 1), "TR": (0.02, 3), "ID": (0.03, 7), "VN": (0.02, 7), "SG": (0.02, 8), "AU": (0.03, 10),
    "NG": (0.02, 1), "MX": (0.02, -6), "UA": (0.01, 2), "ZA": (0.01, 2),
}  # fmt: skip
MAIL = ("postbox.example", "inkmail.example", "letterly.example", "mailhaven.example", "quickbox.example")
THROWAWAY = tuple(f"{a}{b}.example" for a in ("tmp", "burn", "ten", "drop") for b in ("mail", "post", "inbox", "note"))
CLIENTS = tuple(
    words.listed(
        "python-sdk/2.11 python-sdk/2.9 node-sdk/5.4 web-app node-sdk/5.1 python-requests/2.32 "
        "python-sdk/2.4 curl/8.9 go-sdk/1.8 okhttp/4.12 java-sdk/3.0 agent-kit/0.9 "
        "chat-desktop/1.6 chain-lib/0.3 ide-plugin/2.2 ide-plugin/2.0 mobile-app/4.1 axios/1.7 "
        "rust-sdk/0.6 ruby-sdk/1.1 open-router/3 flow-runner/1.2 agent-kit/0.7 web-app-beta "
        "php-sdk/0.9 workbench/1 httpx/0.28 aiohttp/3.11 dotnet-sdk/2.1 terminal-agent/1.3"
    )
)
"""Client families, the most used first."""


def choose(rng: np.random.Generator, table: dict[str, float], n: int) -> Array:
    names, share = list(table), np.array(list(table.values()))
    return np.asarray(rng.choice(np.array(names), n, p=share / share.sum()))


@dataclass
class Crowd:
    """Accounts just added, with what later steps need to know of them."""

    rows: Ints
    country: Array
    tz: Array
    created: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, at: Any) -> Crowd:
        return Crowd(self.rows[at], self.country[at], self.tz[at], self.created[at])


def countries(rng: np.random.Generator, n: int, focus: float = 0.0) -> tuple[Array, Array]:
    """Country codes and hours from UTC; ``focus``: share that sits in one country drawn for the group."""
    codes = np.array(list(COUNTRIES))
    share = np.array([v[0] for v in COUNTRIES.values()])
    hours = np.array([v[1] for v in COUNTRIES.values()])
    at = rng.choice(len(codes), n, p=share / share.sum())
    one = rng.choice(len(codes), p=share / share.sum())
    at = np.where(rng.random(n) < focus, one, at)
    return codes[at], hours[at]


def sign_up_times(world: World, rng: np.random.Generator, n: int, *, recent: float = 0.45) -> Ints:
    """Microseconds since the first day: a growing user base over two years, a share within the window itself."""
    old = -rng.exponential(240, n) % 720 - 720
    old = -np.minimum(rng.exponential(220, n), 720)
    young = rng.uniform(-45, world.days - 1, n)
    days = np.where(rng.random(n) < recent, young, old)
    return (days * float(DAY)).astype(np.int64)


def join(world: World, rng: np.random.Generator, n: int, archetype: str, *, focus: float = 0.0, **given: Any) -> Crowd:
    """Add ``n`` accounts with everyday marginals; ``given`` bends single columns."""
    country, tz = countries(rng, n, focus)
    country, tz = given.pop("country", country), given.pop("tz", tz)
    created = np.asarray(given.pop("created", sign_up_times(world, rng, n)))
    columns: dict[str, Any] = {
        "plan": choose(rng, PLANS, n),
        "channel": choose(rng, CHANNELS, n),
        "domain": np.array(MAIL)[(len(MAIL) * rng.random(n) ** 2).astype(int)],
        "verification": choose(rng, VERIFICATION, n),
    } | given
    rows = world.add_accounts(n, created=created, country=country, tz=tz, archetype=archetype, **columns)
    return Crowd(rows, np.broadcast_to(country, n), np.broadcast_to(tz, n), np.broadcast_to(created, n))


def company_domain(rng: np.random.Generator) -> str:
    a, b = rng.choice(words.COMPANIES_A), rng.choice(words.COMPANIES_B)
    return f"{a.lower()}{rng.choice(['', '-'])}{b}{rng.integers(2, 99) if rng.random() < 0.4 else ''}.example"


# ---- what an account was seen with ----


_BY_CHANCE = {"payment": 0.04, "device": 0.08, "phone": 0.12, "address": 0.16}
"""Share of strangers who have such a thing in common with one or two others: gift cards and a friend's card, library
and second-hand machines, recycled and rented numbers, blocks of flats and mail forwarders."""


def or_by_chance(world: World, rng: np.random.Generator, kind: str, codes: Ints) -> Ints:
    """Some of the codes replaced by ones that strangers elsewhere have too; -1 stays."""
    share = _BY_CHANCE[kind]
    pool = world.notes.get(("by chance", kind))
    if pool is None:
        pool = world.notes["by chance", kind] = world.mint(max(12, int(world.size * share / 2.6)))
    met = (codes >= 0) & (rng.random(len(codes)) < share)
    at = np.minimum(len(pool) * rng.random(len(codes)) ** 1.3, len(pool) - 1).astype(int)
    return np.where(met, pool[at], codes)


def own_card(world: World, crowd: Crowd, rng: np.random.Generator, share: float = 0.72) -> None:
    """A card of one's own for those who pay, and the series (issuer range) that the card belongs to."""
    n = len(crowd)
    pays = rng.random(n) < share
    world.identify(crowd.rows, "payment", or_by_chance(world, rng, "payment", np.where(pays, world.mint(n), -1)))
    card_series(world, crowd.part(pays), rng)


def card_series(world: World, crowd: Crowd, rng: np.random.Generator, series: Ints | None = None) -> None:
    """The issuer range of a card: a few hundred, some held by very many people."""
    known = world.notes.setdefault("series", world.mint(400))
    at = (np.exp(rng.random(len(crowd)) * np.log(401)) - 1).astype(int)
    world.identify(crowd.rows, "card", known[at] if series is None else series)


def own_contact(
    world: World, crowd: Crowd, rng: np.random.Generator, *, phone: float = 0.45, address: float = 0.35
) -> None:
    """A mail address, and for some a phone number and a postal address."""
    n = len(crowd)
    world.identify(crowd.rows, "email", world.mint(n))
    for kind, share in (("phone", phone), ("address", address)):
        codes = np.where(rng.random(n) < share, world.mint(n), -1)
        world.identify(crowd.rows, kind, or_by_chance(world, rng, kind, codes))


def own_device(world: World, crowd: Crowd, rng: np.random.Generator, share: float = 0.8) -> None:
    """A device of one's own where the provider sees one, for some a second."""
    n = len(crowd)
    seen = rng.random(n) < share
    world.identify(crowd.rows, "device", or_by_chance(world, rng, "device", np.where(seen, world.mint(n), -1)))
    world.identify(crowd.rows, "device", np.where(seen & (rng.random(n) < 0.2), world.mint(n), -1))


def signed_up_from(world: World, crowd: Crowd, ip: Ints) -> None:
    """Sign-up address: the token of a client address, so equal addresses are equal tokens."""
    world.identify(crowd.rows, "signup_ip", (1 << 40) + ip)


# ---- where requests come from ----

HOME_MIX = {"home": 0.6, "office": 0.12, "cloud": 0.16, "mobile": 0.08, "vpn": 0.04}
_WIDTH = 5
_ROAMING = 14
"""Most addresses of one whose carrier hands out another one again and again."""


def places(world: World) -> tuple[Ints, Ints]:
    """Addresses where strangers meet by chance: cafés, dormitories, shared offices, libraries."""
    if "places" not in world.notes:
        mix = {"home": 0.55, "office": 0.3, "campus": 0.15}
        world.notes["places"] = world.networks.mixture(mix, max(20, world.size // 7), world.rng)
    ip, asn = world.notes["places"]
    return ip, asn


def proxies(world: World, provider: int) -> tuple[Ints, Ints]:
    """Exits that one of three proxy providers rents to anybody: the privacy-minded and campaigns alike."""
    known = world.notes.setdefault("proxies", {})
    if provider not in known:
        mix = ({"home": 0.9, "mobile": 0.1}, {"home": 0.7, "vpn": 0.2, "cloud": 0.1}, {"vpn": 0.6, "cloud": 0.4})[
            provider
        ]
        known[provider] = world.networks.mixture(
            mix, max(60, world.size // 4), np.random.default_rng([world.seed, 5, provider])
        )
    ip, asn = known[provider]
    return ip, asn


def home_book(
    world: World, crowd: Crowd, rng: np.random.Generator, mix: dict[str, float] | None = None
) -> dict[str, Array]:
    """Each account its own few addresses: one network mostly, a second place, a mobile exit, a café, a rented proxy.

    Some roam: their carrier gives them more addresses than an operator rents for an account. Returns the address
    columns of a stream; signs the accounts up from the first address.
    """
    n = len(crowd)
    nets = world.networks
    ip = np.zeros((n, _WIDTH), np.int64)
    asn = np.zeros((n, _WIDTH), np.int64)
    main = choose(rng, mix or HOME_MIX, n)
    for kind in mix or HOME_MIX:
        at = np.flatnonzero(main == kind)
        network = nets.pick(kind, len(at), rng)
        for j in range(3):  # the provider hands out another address of the same network
            ip[at, j], asn[at, j] = nets.hosts(kind, network, rng)
    near = rng.random(n) < 0.5
    ip[near, 1] = nets.near(ip[near, 0], rng)
    for j in (3, 4):
        ip[:, j], asn[:, j] = nets.mixture({"home": 0.4, "mobile": 0.35, "office": 0.1, "vpn": 0.15}, n, rng)
    known, known_asn = places(world)
    here = np.flatnonzero(rng.random(n) < 0.3)
    spot = np.minimum(len(known) * rng.random(len(here)) ** 1.6, len(known) - 1).astype(int)
    slot = rng.choice([0, 1, 2, 3], len(here), p=[0.3, 0.4, 0.2, 0.1])
    ip[here, slot], asn[here, slot] = known[spot], known_asn[spot]
    private = rng.random(n) < 0.06
    for provider in range(3):
        rented, rented_asn = proxies(world, provider)
        at = np.flatnonzero(private & (rng.random(n) < 0.5))
        for j in range(_WIDTH):
            spot = rng.integers(0, len(rented), len(at))
            ip[at, j], asn[at, j] = rented[spot], rented_asn[spot]
    used = np.where(private, _WIDTH, rng.choice([1, 2, 3, 4, 5], n, p=[0.3, 0.2, 0.18, 0.16, 0.16]))
    offset = nets.take(ip.ravel(), asn.ravel()) + np.arange(n) * _WIDTH
    roams = np.flatnonzero((rng.random(n) < 0.09) & ~private)
    far, far_asn = nets.hosts("mobile", np.repeat(nets.pick("mobile", len(roams), rng), _ROAMING), rng)
    far[::_ROAMING], far_asn[::_ROAMING] = ip[roams, 0], asn[roams, 0]
    offset[roams] = nets.take(far, far_asn) + np.arange(len(roams)) * _ROAMING
    used[roams] = rng.integers(6, _ROAMING + 1, len(roams))
    phone_ip, _ = nets.mixture({"mobile": 1.0}, n, rng)  # many sign up on the way
    signed_up_from(world, crowd, np.where(rng.random(n) < 0.25, phone_ip, ip[:, 0]))
    return {"addr": offset, "addr_n": used, "addr_skew": rng.uniform(1.0, 3.5, n)}


def popular_clients(rng: np.random.Generator, n: int) -> Array:
    """Client names, popular ones more often."""
    rank = np.exp(rng.random(n) * np.log(len(CLIENTS) + 1)) - 1
    return np.asarray(np.array(CLIENTS)[rank.astype(int)])


def clients(world: World, n: int, rng: np.random.Generator, *, most: int = 3) -> dict[str, Array]:
    """Each account one to ``most`` clients; popular ones more often."""
    names = popular_clients(rng, n * most)
    offset, _ = world.client_list(list(names))
    count = np.minimum(1 + rng.poisson(0.45, n), most)
    return {"client": offset + np.arange(n) * most, "client_n": count}


def model_habit(world: World, n: int, rng: np.random.Generator) -> dict[str, Array]:
    """Newest flagship after a while, or pinned to one model, or the small one."""
    names = world.releases
    flag = [i for i, r in enumerate(names) if r.flagship and r.day <= 0]
    small = [i for i, r in enumerate(names) if not r.flagship]
    kind = rng.random(n)
    pinned = np.where(kind < 0.5, -1, np.where(kind < 0.75, rng.choice(flag, n), rng.choice(small, n)))
    return {
        "model": pinned,
        "lag": np.where(rng.random(n) < 0.25, rng.exponential(1.5, n), rng.exponential(16, n)),
        "follow": rng.choice([0.6, 0.8, 0.95, 1.0], n),
        "side": rng.choice(small + flag, n),
    }
