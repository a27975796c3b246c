"""The knobs of an operator, and the five ways in which operators come by their accounts.

Published habits (field notes, section 1): load balancing over light accounts, cards or card series in common,
residential proxies, throw-away mail, bought accounts, virtual cards with few accounts a card, replacement after a ban.
Every campaign draws one way (or two, half and half) and its own value of every knob, so that two campaigns share a
story and not a fingerprint. Each way leaves at least one tie of identity; none leaves all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from stillwatch.simulate import people, phrasing

Rng = np.random.Generator


@dataclass(frozen=True)
class Habits:
    """Knobs of one campaign. Sizes ``per_x`` are mean accounts on one x; ``x_known`` is the share that shows an x."""

    # what is asked
    families: tuple[tuple[str, ...], ...] = (("reasoning",),)
    """Intents of each template family."""
    body: tuple[str, ...] = ("maths", "knowledge", "coding", "free")
    bodies: int = 1
    """Kinds of content that the wordings of a family take in turn: one frame around a mixed task list."""
    wordings: int = 6
    change: float = 0.4
    layouts: tuple[str, ...] = phrasing.LAYOUTS
    frozen: float = 1.0
    system: float = 0.3
    """Chance that a family has a system prompt of its own."""
    shards: bool = False
    """Each account works on a slice of the task list."""
    own_tag: float = 0.2
    """Share of accounts that put words of their own in front."""
    tools: int = 0
    refused: float = 0.02
    probing: float = 1.0
    """Share of accounts that are refused that often; the others work with what got through."""
    # how much and when
    per_day: float = 18.0
    lifetime: float = 14.0
    spread: float = 0.9
    """Sigma of the log of requests between accounts."""
    pacing: str = "steady"  # steady, balanced, turns
    clock: str = "two_shifts"
    cover: float = 0.3
    """Share of an account's traffic that has nothing to do with the campaign."""
    alike: float = 0.0
    """How alike the accounts are in that share: the sum of a beta distribution's two numbers; 0: all the same."""
    lag: float = 4.0
    """Days to a new model."""
    followers: float = 0.8
    """Share of accounts that use the newest model."""
    ramp: float = 0.0
    # sign-up and life
    sign_up: str = "batches"  # batches, trickle, aged
    joined_by: float = 1.0
    """Part of the window in which the accounts of a trickle have all arrived."""
    bought: float = 0.2
    """Share of accounts that had another owner long before."""
    banned: float = 0.05
    pools: int = 1
    """Two pools: the second takes over when the first is swept."""
    # identity
    paying: float = 0.7
    per_card: float = 2.0
    series: float = 0.3
    """Share of cards from a few unusual issuer ranges."""
    per_device: float = 1.5
    device_known: float = 0.75
    per_phone: float = 1.5
    phone_known: float = 0.45
    per_address: float = 1.2
    address_known: float = 0.35
    per_sign_up_ip: float = 1.3
    mail: str = "mixed"  # free, throwaway, own, mixed
    fake_org: float = 0.0
    """Share of accounts under one invented organisation."""
    focus: float = 0.2
    plans: dict[str, float] = field(default_factory=lambda: dict(people.PLANS))
    channels: dict[str, float] = field(default_factory=lambda: dict(people.CHANNELS))
    stock: str = ""
    """Campaigns with the same stock share cards, devices and exits (a broker's pool)."""
    # exits
    provider: int = 0
    """Proxy provider, or 3: a block of cloud addresses."""
    exits_per_account: float = 2.0
    sticky: float = 0.6
    """Share of an account's exits that only it uses."""
    exits: int = 6
    hop: float = 0.1
    clients: int = 3
    """Clients of the operator's; 0: every account its own."""
    replay: float = 0.0
    """Share of sessions that carry an artefact of another account."""


def _farm(rng: Rng) -> dict[str, Any]:
    """A room of phones: devices and numbers in common, throw-away mail, batches."""
    return {
        "per_device": rng.uniform(2.5, 5),
        "per_phone": rng.uniform(2, 4),
        "per_card": rng.uniform(1.0, 1.8),
        "mail": rng.choice(["throwaway", "mixed"]),
        "sign_up": "batches",
        "per_sign_up_ip": rng.uniform(1.2, 2.5),
        "provider": int(rng.integers(3)),
        "bought": 0.1,
    }


def _shop(rng: Rng) -> dict[str, Any]:
    """Bought accounts with a past of their own; virtual cards, few accounts a card."""
    return {
        "per_device": 1.1,
        "per_phone": 1.0,
        "per_card": rng.uniform(1.8, 3),
        "series": rng.uniform(0.3, 0.7),
        "mail": "free",
        "sign_up": "aged",
        "bought": 0.7,
        "provider": int(rng.integers(2)),
        "paying": rng.uniform(0.7, 0.9),
    }


def _virtual(rng: Rng) -> dict[str, Any]:
    """Cards of their own for nearly every account, all from one or two issuer ranges; own mail domains for some."""
    return {
        "per_card": rng.uniform(1.1, 1.5),
        "series": rng.uniform(0.7, 0.95),
        "per_device": rng.uniform(1.2, 2),
        "mail": rng.choice(["mixed", "own"]),
        "sign_up": "trickle",
        "paying": rng.uniform(0.75, 0.95),
        "provider": int(rng.choice([2, 3])),
        "per_sign_up_ip": rng.uniform(1.1, 1.6),
    }


def _crowd(rng: Rng) -> dict[str, Any]:
    """People paid to sign up: real cards and devices; postal addresses, sign-up places and a few numbers in common."""
    return {
        "per_card": 1.05,
        "per_device": 1.15,
        "per_phone": rng.uniform(1.2, 2),
        "per_address": rng.uniform(2, 4),
        "address_known": rng.uniform(0.4, 0.6),
        "per_sign_up_ip": rng.uniform(1.5, 3),
        "series": 0.1,
        "mail": "free",
        "sign_up": rng.choice(["trickle", "batches"]),
        "bought": 0.4,
        "provider": 0,
        "sticky": 0.75,
        "focus": 0.5,
    }


def _cards(rng: Rng) -> dict[str, Any]:
    """Few stolen or prepaid cards, used again and again until they fail."""
    return {
        "per_card": rng.uniform(2.5, 4.5),
        "series": rng.uniform(0.2, 0.6),
        "paying": rng.uniform(0.6, 0.9),
        "per_device": rng.uniform(1.0, 1.6),
        "sign_up": rng.choice(["batches", "trickle"]),
        "mail": rng.choice(["mixed", "throwaway", "free"]),
        "provider": int(rng.integers(4)),
        "per_sign_up_ip": rng.uniform(1, 1.6),
    }


WAYS: dict[str, Callable[[Rng], dict[str, Any]]] = {
    "farm": _farm,
    "shop": _shop,
    "virtual": _virtual,
    "crowd": _crowd,
    "cards": _cards,
}


def draw(rng: Rng, *, ways: tuple[str, ...] = tuple(WAYS), **story: Any) -> Habits:
    """A campaign's habits: one of the ways, random knobs around it, and what the archetype's story fixes."""
    way = str(rng.choice(np.array(ways)))
    knobs: dict[str, Any] = {
        "pacing": str(rng.choice(["steady", "balanced", "turns"])),
        "clock": str(rng.choice(["two_shifts", "wavy", "day", "office", "evening", "student"])),
        "cover": float(rng.uniform(0.1, 0.45)),
        "per_day": float(rng.uniform(13, 34)),
        "lifetime": float(rng.uniform(9, 30)),
        "spread": float(rng.uniform(0.8, 1.4)),
        "wordings": int(rng.integers(4, 10)),
        "change": float(rng.uniform(0.25, 0.6)),
        "frozen": float(rng.uniform(0.3, 2.0)),
        "layouts": tuple(str(x) for x in rng.choice(np.array(phrasing.LAYOUTS), 4, replace=False)),
        "system": float(rng.choice([0.0, 0.3, 0.8])),
        "own_tag": float(rng.choice([0.0, 0.2, 0.5])),
        "lag": float(rng.uniform(1, 12)),
        "followers": float(rng.uniform(0.5, 0.95)),
        "banned": float(rng.uniform(0.02, 0.09)),
        "device_known": float(rng.uniform(0.6, 0.9)),
        "phone_known": float(rng.uniform(0.3, 0.6)),
        "address_known": float(rng.uniform(0.25, 0.5)),
        "exits_per_account": float(rng.uniform(1, 3)),
        "sticky": float(rng.uniform(0.4, 0.8)),
        "exits": int(rng.choice([2, 3, 5, 8])),
        "hop": float(rng.choice([0.0, 0.1, 0.3])),
        "clients": int(rng.integers(1, 6)),
        "ramp": float(rng.choice([0.0, 0.0, 5.0])),
        "fake_org": float(rng.uniform(0.3, 0.7)) if rng.random() < 0.12 else 0.0,
        "shards": bool(rng.random() < 0.3),
        "focus": float(rng.uniform(0, 0.4)),
    }
    drawn = {k: v.item() if isinstance(v, np.generic) else v for k, v in (knobs | WAYS[way](rng) | story).items()}
    return replace(Habits(), **drawn)
