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
CLIENTS = (
    "python-sdk/2.11", "python-sdk/2.9", "node-sdk/5.4", "web-app", "node-sdk/5.1", "python-requests/2.32", "python-sdk/2.4",
    "curl/8.9", "go-sdk/1.8", "okhttp/4.12", "java-sdk/3.0", "agent-kit/0.9", "chat-desktop/1.6", "chain-lib/0.3", "ide-plugin/2.2",
    "ide-plugin/2.0", "mobile-app/4.1", "axios/1.7", "rust-sdk/0.6", "ruby-sdk/1.1", "open-router/3", "flow-runner/1.2",
    "agent-kit/0.7", "web-app-beta", "php-sdk/0.9", "workbench/1", "httpx/0.28", "aiohttp/3.11", "dotnet-sdk/2.1", "terminal-agent/1.3",
)  # fmt: skip


def choose(rng: np.random.Generator, table: dict[str, float], n: int) -> Array:
    names, share = list(table), np.array(list(table.values()))
    return rng.choice(np.array(names), n, p=share / share.sum())


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


def own_card(world: World, crowd: Crowd, rng: np.random.Generator, share: float = 0.72) -> None:
    """A card of one's own for those who pay, and the series (issuer range) that the card belongs to."""
    n = len(crowd)
    pays = rng.random(n) < share
    world.identify(crowd.rows[pays], "payment", world.mint(int(pays.sum())))
    card_series(world, crowd.part(pays), rng)


def card_series(world: World, crowd: Crowd, rng: np.random.Generator, series: Ints | None = None) -> None:
    """The issuer range of a card: a few hundred, some held by very many people."""
    known = world.notes.setdefault("series", world.mint(400))
    at = (np.exp(rng.random(len(crowd)) * np.log(401)) - 1).astype(int)
    world.identify(crowd.rows, "card", known[at] if series is None else series)


def own_contact(
    world: World, crowd: Crowd, rng: np.random.Generator, *, phone: float = 0.45, address: float = 0.35
) -> None:
    n = len(crowd)
    world.identify(crowd.rows, "email", world.mint(n))
    with_phone = rng.random(n) < phone
    world.identify(crowd.rows[with_phone], "phone", world.mint(int(with_phone.sum())))
    with_address = rng.random(n) < address
    world.identify(crowd.rows[with_address], "address", world.mint(int(with_address.sum())))


def own_device(world: World, crowd: Crowd, rng: np.random.Generator, share: float = 0.8) -> None:
    n = len(crowd)
    seen = rng.random(n) < share
    world.identify(crowd.rows[seen], "device", world.mint(int(seen.sum())))
    second = seen & (rng.random(n) < 0.2)
    world.identify(crowd.rows[second], "device", world.mint(int(second.sum())))


def signed_up_from(world: World, crowd: Crowd, ip: Ints) -> None:
    """Sign-up address: the token of a client address, so equal addresses are equal tokens."""
    world.identify(crowd.rows, "signup_ip", (1 << 40) + ip)


# ---- where requests come from ----


def home_book(
    world: World, crowd: Crowd, rng: np.random.Generator, *, kinds: dict[str, float] | None = None
) -> dict[str, Array]:
    """Each account its own few addresses: one network mostly, a second place, now and then a mobile exit.

    Returns the address columns of a stream; signs the accounts up from the first address.
    """
    n = len(crowd)
    nets = world.networks
    width = 5
    ip = np.zeros((n, width), np.int64)
    asn = np.zeros((n, width), np.int64)
    mix = kinds or {"home": 0.6, "office": 0.12, "cloud": 0.16, "mobile": 0.08, "vpn": 0.04}
    main = choose(rng, mix, n)
    for kind in mix:
        at = np.flatnonzero(main == kind)
        network = nets.pick(kind, len(at), rng)
        ip[at, 0], asn[at, 0] = nets.hosts(kind, network, rng)
        for j in (1, 2):  # the provider hands out another address of the same network
            ip[at, j], asn[at, j] = nets.hosts(kind, network, rng)
    near = rng.random(n) < 0.5
    ip[near, 1] = nets.near(ip[near, 0], rng)
    other = choose(rng, {"home": 0.4, "mobile": 0.35, "office": 0.1, "vpn": 0.15}, n)
    for kind in ("home", "mobile", "office", "vpn"):
        at = np.flatnonzero(other == kind)
        for j in (3, 4):
            network = nets.pick(kind, len(at), rng)
            ip[at, j], asn[at, j] = nets.hosts(kind, network, rng)
    used = rng.choice([1, 2, 3, 4, 5], n, p=[0.34, 0.2, 0.16, 0.15, 0.15])
    offset = nets.take(ip.ravel(), asn.ravel())
    signed_up_from(world, crowd, ip[:, 0])
    return {
        "addr": offset + np.arange(n) * width,
        "addr_n": used,
        "addr_skew": rng.uniform(1.2, 4.0, n),
    }


def shared_book(
    world: World, ips: tuple[Ints, Ints], n: int, rng: np.random.Generator, skew: float = 1.0
) -> dict[str, Array]:
    """All ``n`` accounts behind the same addresses."""
    offset = world.networks.take(*ips)
    return {"addr": np.full(n, offset), "addr_n": np.full(n, len(ips[0])), "addr_skew": np.full(n, skew)}


def clients(world: World, n: int, rng: np.random.Generator, *, most: int = 3) -> dict[str, Array]:
    """Each account one to ``most`` clients; popular ones more often."""
    rank = np.exp(rng.random((n, most)) * np.log(len(CLIENTS) + 1)) - 1
    names = np.array(CLIENTS)[rank.astype(int)]
    offset, _ = world.client_list(list(names.ravel()))
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
