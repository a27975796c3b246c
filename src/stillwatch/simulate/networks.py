"""Client addresses: invented networks of several kinds inside 240.0.0.0/4, a range that belongs to nobody.

An address book is a slice of one long table; several accounts can point at the same slice (a shared exit), and
a slice can hold addresses of several networks (home, office, mobile).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

KINDS: dict[str, tuple[int, int]] = {
    "home": (120, 18),  # (networks, bits of host space of each)
    "mobile": (24, 6),  # carrier NAT: few addresses, many people
    "cloud": (14, 14),
    "vpn": (10, 8),
    "office": (160, 8),
    "campus": (40, 8),
}
_BASE = 0xF0000000


@dataclass
class Networks:
    """All networks of a world and the address table; ``take`` fills it."""

    rng: np.random.Generator
    base: dict[str, Ints] = field(default_factory=dict)
    number: dict[str, Ints] = field(default_factory=dict)
    _ip: list[Ints] = field(default_factory=list)
    _asn: list[Ints] = field(default_factory=list)
    _size: int = 0

    def __post_init__(self) -> None:
        at = _BASE
        numbers = 4_200_000_000 + self.rng.permutation(90_000)[: sum(n for n, _ in KINDS.values())]
        used = 0
        for kind, (n, bits) in KINDS.items():
            step = 1 << max(bits, 16)
            self.base[kind] = at + np.arange(n, dtype=np.int64) * step
            self.number[kind] = numbers[used : used + n].astype(np.int64)
            at += n * step
            used += n

    def pick(self, kind: str, n: int, rng: np.random.Generator, *, even: bool = False) -> Ints:
        """``n`` networks of a kind, popular ones more often unless ``even``."""
        count = KINDS[kind][0]
        u = rng.random(n)
        return (u * count if even else np.exp(u * np.log1p(count)) - 1).astype(np.int64).clip(0, count - 1)

    def hosts(self, kind: str, network: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """One random address in each of the given networks: (ip, asn)."""
        size = 1 << KINDS[kind][1]
        ip = self.base[kind][network] + rng.integers(0, size, len(network))
        return ip, self.number[kind][network]

    def near(self, ip: Ints, rng: np.random.Generator) -> Ints:
        """Another address in the same /24."""
        return (ip & ~np.int64(255)) | rng.integers(0, 256, len(ip))

    def mixture(self, mix: dict[str, float], n: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """``n`` addresses of networks of several kinds by their shares: (ip, asn)."""
        kinds, share = list(mix), np.array(list(mix.values()))
        kind = rng.choice(len(kinds), n, p=share / share.sum())
        ip, asn = np.zeros(n, np.int64), np.zeros(n, np.int64)
        for i, name in enumerate(kinds):
            at = np.flatnonzero(kind == i)
            ip[at], asn[at] = self.hosts(name, self.pick(name, len(at), rng), rng)
        return ip, asn

    def take(self, ip: Ints, asn: Ints) -> int:
        """Put addresses into the table; the offset of the first."""
        self._ip.append(np.asarray(ip, np.int64))
        self._asn.append(np.asarray(asn, np.int64))
        self._size += len(ip)
        return self._size - len(ip)

    def table(self) -> tuple[Ints, Ints]:
        if not self._ip:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.concatenate(self._ip), np.concatenate(self._asn)


def dotted(ip: npt.NDArray[Any]) -> pa.Array:
    """Addresses as text, one string per number."""
    names = pa.array([str(i) for i in range(256)])
    octets = [pc.take(names, pa.array(((ip >> shift) & 255).astype(np.int32))) for shift in (24, 16, 8, 0)]
    return pc.binary_join_element_wise(*octets, ".")
