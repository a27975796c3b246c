"""Random-looking names for numbers: ids and tokens that say nothing of order, kind or truth.

A number goes through a keyed bijection (three rounds of splitmix64), so equal numbers get equal names, different
numbers different ones, and the same seed the same names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array = npt.NDArray[Any]
_LETTERS = np.frombuffer(b"abcdefghijkmnpqrstuvwxyz23456789", np.uint8)
_NONE = -(1 << 62)


def scramble(codes: Array, key: int) -> npt.NDArray[np.uint64]:
    """Bijection on 64-bit numbers, keyed."""
    x = np.asarray(codes).astype(np.int64).view(np.uint64) ^ np.uint64(key * 0x9E3779B97F4A7C15 % (1 << 64))
    with np.errstate(over="ignore"):
        for a, b in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 0xD6E8FEB86659FD93)):
            x = (x ^ (x >> np.uint64(a))) * np.uint64(b)
    return x ^ (x >> np.uint64(32))


def fixed_width(data: npt.NDArray[np.uint8], missing: Array | None = None) -> pa.Array:
    """Strings of one length from a (n, width) array of bytes; ``missing`` rows become null."""
    n, width = data.shape
    offsets = np.arange(n + 1, dtype=np.int32) * np.int32(width)
    valid = None
    if missing is not None and missing.any():
        valid = pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets.tobytes()), pa.py_buffer(data.tobytes()), valid)


class Namer:
    """Names of one world."""

    def __init__(self, seed: int, *, compact: bool = False) -> None:
        self.seed = seed
        self.compact = compact

    def tokens(self, codes: Array, prefix: str, width: int) -> pa.Array:
        """``prefix_`` and ``width`` (at most 13) letters of base 32; codes of -(1 << 62) are null."""
        codes = np.asarray(codes, np.int64)
        mixed = scramble(codes, self.seed * 1000 + sum(prefix.encode()))
        return fixed_width(_letters(mixed, prefix + "_", min(width, 8) if self.compact else width), codes == _NONE)

    def requests(self, first: int, n: int, *, sequential: bool) -> pa.Array:
        """Request ids in time order: scrambled, or counted up where files have to stay small."""
        codes = np.arange(first, first + n, dtype=np.int64)
        if not sequential:
            return self.tokens(codes, "req", 13)
        digits = (codes[:, None] // 10 ** np.arange(7, -1, -1)) % 10 + 48
        head = np.broadcast_to(np.frombuffer(b"req_", np.uint8), (n, 4))
        return fixed_width(np.concatenate([head, digits.astype(np.uint8)], 1))


def _letters(mixed: npt.NDArray[np.uint64], prefix: str, width: int) -> npt.NDArray[np.uint8]:
    shifts = (np.arange(width, dtype=np.uint64) * np.uint64(5)).astype(np.uint64)
    body = _LETTERS[((mixed[:, None] >> shifts) & np.uint64(31)).astype(np.int64)]
    head = np.broadcast_to(np.frombuffer(prefix.encode(), np.uint8), (len(mixed), len(prefix)))
    return np.concatenate([head, body], 1)
