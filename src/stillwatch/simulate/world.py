"""The plan of a world: accounts, what they were seen with, and streams of traffic, all as arrays.

Builders (ordinary people, look-alikes, campaigns) only add to a ``World``; nothing is emitted until it is whole.
A *stream* is one kind of traffic of one account: who, which book of templates, at what hours, from which addresses,
with which clients and models. ``counts`` says how many requests it makes on each day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.simulate.networks import Networks
from stillwatch.simulate.text import TextBook

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
DAY = np.int64(86_400_000_000)
"""Microseconds in a day; all times inside a world are microseconds since its first day."""

ACCOUNT_COLUMNS: dict[str, tuple[str, Any]] = {
    "created": ("i8", None),
    "org": ("i8", -1),
    "plan": ("U12", None),
    "channel": ("U12", None),
    "domain": ("U40", ""),
    "country": ("U2", ""),
    "verification": ("U8", ""),
    "status": ("U10", "active"),
    "status_at": ("i8", -1),
    "campaign": ("U32", ""),
    "archetype": ("U32", None),
    "retention": ("i1", 0),  # 0 prompt text is kept, 1 only a hash of its template, 2 nothing
    "tz": ("i1", 0),
}
STREAM_COLUMNS: dict[str, tuple[str, Any]] = {
    "account": ("i4", None),
    "book": ("i4", None),
    "topic": ("i2", 0),
    "wander": ("f4", 0.1),  # share of requests outside the author's topic
    "clock": ("i2", None),
    "tz": ("i1", 0),
    "session": ("f4", 3.0),  # mean requests per session
    "gap": ("f4", 90.0),  # median seconds between requests of a session
    "gap_sd": ("f4", 1.0),
    "addr": ("i8", None),
    "addr_n": ("i4", None),
    "addr_skew": ("f4", 2.0),
    "addr_hop": ("?", False),  # a new address for every request instead of every session
    "client": ("i4", None),
    "client_n": ("i2", 1),
    "model": ("i2", -1),  # pinned model, or -1: the newest flagship
    "lag": ("f4", 10.0),  # days from a release to its adoption
    "follow": ("f4", 0.9),  # share of requests that use that model, the rest go to ``side``
    "side": ("i2", 0),
    "in_mu": ("f4", 6.0),
    "in_sd": ("f4", 1.0),
    "out_mu": ("f4", 5.0),
    "out_sd": ("f4", 0.9),
    "refuse": ("f4", 0.01),
    "error": ("f4", 0.015),
    "limit": ("f4", 0.01),
    "tools": ("i2", 0),  # most tools offered in a request
    "system": ("i8", -1),
    "system_keep": ("f4", 0.95),
    "sessions_known": ("?", True),
    "replay_pool": ("i4", -1),
    "replay": ("f4", 0.0),
    "low": ("f4", 0.0),  # window on the content slots: a shard of a task list
    "high": ("f4", 1.0),
    "taken": ("?", False),  # the campaign's own work, not its cover: what truth counts
}


@dataclass(frozen=True)
class Release:
    """One model and the day it came out, counted from the world's first day (may be negative)."""

    name: str
    day: float
    flagship: bool


@dataclass
class World:
    """Everything planned so far. Use ``add_accounts``, ``identify`` and ``add_streams``."""

    seed: int
    size: int
    """Accounts that the world is planned for; pools that everybody shares are sized by it."""
    first_day: np.datetime64
    days: int
    mean_requests: float
    brevity: float
    campaign_load: float
    """Factor on what campaign accounts ask a day."""
    releases: tuple[Release, ...]
    text: TextBook
    networks: Networks
    rng: np.random.Generator
    clocks: list[Array] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    _accounts: dict[str, list[Array]] = field(default_factory=lambda: {c: [] for c in ACCOUNT_COLUMNS})
    _streams: dict[str, list[Array]] = field(default_factory=lambda: {c: [] for c in STREAM_COLUMNS})
    _load: list[tuple[Array, Array, Array]] = field(default_factory=list)
    _identifiers: list[tuple[Ints, str, Ints]] = field(default_factory=list)
    _n_accounts: int = 0
    _n_streams: int = 0
    _minted: int = 1
    skew: Ints | None = None
    """Microseconds by which each account's clock is off."""
    notes: dict[Any, Any] = field(default_factory=dict)

    @property
    def n_accounts(self) -> int:
        return self._n_accounts

    @property
    def end(self) -> int:
        """Microseconds from the first day to the end of the world."""
        return int(self.days * DAY)

    def mint(self, n: int) -> Ints:
        """``n`` fresh token codes, never used before in this world."""
        out = np.arange(self._minted, self._minted + n, dtype=np.int64)
        self._minted += n
        return out

    def replay_pools(self, n: int) -> Ints:
        """``n`` fresh pools of session artefacts; streams of one pool can carry each other's sessions."""
        first = int(self.notes.get("replay pools", 0))
        self.notes["replay pools"] = first + n
        return np.arange(first, first + n)

    def clock(self, weights: Sequence[float] | Array) -> int:
        """Register a day's shape (24 weights, local time)."""
        w = np.asarray(weights, np.float64)
        self.clocks.append(w / w.sum())
        return len(self.clocks) - 1

    def client_list(self, names: Sequence[str]) -> tuple[int, int]:
        """Register clients, the most used first; offset and length for a stream."""
        self.clients.extend(names)
        return len(self.clients) - len(names), len(names)

    def add_accounts(self, n: int, **columns: Any) -> Ints:
        """Add ``n`` accounts; every value is one for all or an array of ``n``. Returns their row numbers."""
        _append(self._accounts, ACCOUNT_COLUMNS, n, columns)
        self._n_accounts += n
        return np.arange(self._n_accounts - n, self._n_accounts)

    def identify(self, accounts: Ints, kind: str, codes: Ints) -> None:
        """Accounts were seen with these tokens (parallel arrays); negative codes are skipped."""
        codes = np.broadcast_to(codes, accounts.shape)
        known = codes >= 0
        self._identifiers.append((accounts[known], kind, codes[known]))

    def add_streams(self, account: Ints, counts: Array, **columns: Any) -> Ints:
        """Add one stream per row of ``counts`` (n, days); returns the stream numbers."""
        n = len(account)
        _append(self._streams, STREAM_COLUMNS, n, {"account": account, **columns})
        rows, days = np.nonzero(counts)
        self._load.append(
            ((rows + self._n_streams).astype(np.int32), days.astype(np.int16), counts[rows, days].astype(np.int32))
        )
        self._n_streams += n
        return np.arange(self._n_streams - n, self._n_streams)

    def accounts(self) -> dict[str, Array]:
        _merge(self._accounts)
        return {c: v[0] for c, v in self._accounts.items()}

    def streams(self) -> dict[str, Array]:
        _merge(self._streams)
        return {c: v[0] for c, v in self._streams.items()}

    def load(self) -> tuple[Array, Array, Array]:
        """(stream, day, requests), sorted by day."""
        stream, day, count = (np.concatenate([part[i] for part in self._load]) for i in range(3))
        order = np.lexsort((stream, day))
        return stream[order], day[order], count[order]

    def one_request_each(self) -> None:
        """Keep the first request of every account and drop the rest."""
        stream, day, _ = self.load()
        _, first = np.unique(self.streams()["account"][stream], return_index=True)
        self._load = [(stream[first], day[first], np.ones(len(first), np.int32))]

    def one_sign_up_address(self, ip: int) -> None:
        """Everybody signed up from one address."""
        self._identifiers = [
            (r, k, np.full_like(c, (1 << 40) + ip) if k == "signup_ip" else c) for r, k, c in self._identifiers
        ]

    def seen_with(self) -> dict[str, tuple[Ints, Ints]]:
        """Kind -> (account, token code), each pair once, as a provider would know them.

        An account signs up from one address with one mail: the first told counts. Bought through a cloud, an account
        mostly has no card and no device that the provider sees.
        """
        through = self.accounts()["channel"]
        rng = np.random.default_rng([self.seed, 6])
        hidden = np.isin(through, ["cloud_a", "cloud_b"]) & (rng.random(len(through)) < 0.7)
        out = {}
        for kind in dict.fromkeys(k for _, k, _ in self._identifiers):
            rows = np.concatenate([r for r, k, _ in self._identifiers if k == kind])
            codes = np.concatenate([c for _, k, c in self._identifiers if k == kind])
            if kind in ("signup_ip", "email"):
                rows, first = np.unique(rows, return_index=True)
                codes = codes[first]
            if kind in ("payment", "card", "device", "phone"):
                rows, codes = rows[~hidden[rows]], codes[~hidden[rows]]
            pairs = np.unique(np.stack([rows, codes], 1), axis=0)
            out[kind] = (pairs[:, 0], pairs[:, 1])
        return out


def _append(store: dict[str, list[Array]], spec: dict[str, tuple[str, Any]], n: int, given: dict[str, Any]) -> None:
    unknown = set(given) - set(spec)
    if unknown:
        raise KeyError(f"no such column: {', '.join(sorted(unknown))}")
    for name, (kind, default) in spec.items():
        value = given.get(name, default)
        if value is None:
            raise KeyError(f"column {name} needs a value")
        store[name].append(np.array(np.broadcast_to(np.asarray(value), (n,)), dtype=kind))


def _merge(store: dict[str, list[Array]]) -> None:
    for name, parts in store.items():
        if len(parts) != 1:
            store[name] = [np.concatenate(parts)]
