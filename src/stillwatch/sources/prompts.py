"""From prompt text to what is kept of it: template fingerprint, phrase sketch, length and capability flags.

What it measures: the frame that a script wraps around its slots. Text is lower-cased and masked (numbers, quoted spans,
addresses, code, names with digits become placeholders), so one template gives one fingerprint whatever fills its
slots. The sketch keeps keyed hashes of masked 4-grams of words: of the first 40 words and of the last 40 the ten
with the smallest hash each, of the rest six. Smallest-hash sampling (Broder 1997) keeps the same phrase in every
request that has it, so an account's own repeated phrases can be found later by counting, and slot fillers drop out.

The innocent twin: everybody who uses a public template, a popular agent or a course assignment has the same frame.

Hashes are keyed (SipHash-2-4 over keyed word hashes), so nobody without the home's key can test whether a text was
seen. Chinese, Japanese, Thai and other writing without spaces: characters instead of words, seven to a phrase.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.domain import Capability
from stillwatch.sources.capabilities import LEXICON
from stillwatch.sources.sketching import KEPT, sketch_rows, token_hashes

_LETTER, _DIGIT, _SOLID = 1, 2, 3
_TABLE = 8192
_SCRIPTS_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Japanese kana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Chinese characters
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
)


@dataclass(frozen=True)
class Sketch:
    """What is kept of a column of prompts, one value a prompt, null where there was none."""

    template: pa.Array
    """string: 16 hexadecimal characters."""
    phrases: pa.Array
    """list<int32>: ascending, without repeats, at most 26."""
    chars: pa.Array
    """int32: length in characters."""
    capabilities: pa.Array
    """int32: bit set of ``domain.Capability``."""


@dataclass(frozen=True)
class _Tables:
    """Lookup arrays for the compiled scanner."""

    classes: np.ndarray[Any, np.dtype[np.uint8]]
    lower: np.ndarray[Any, np.dtype[np.uint32]]


class Sketcher:
    """Sketches prompts with one key (32 bytes)."""

    def __init__(self, key: bytes, threads: int | None = None) -> None:
        self._key = np.frombuffer(key, np.uint64).copy()
        self._key[3] |= np.uint64(1)  # the multiplier of the word hash has to be odd
        self._tables = _tables()
        self._words, self._flags = _lexicon(self._key, self._tables)
        self._threads = max(1, threads or os.cpu_count() or 1)

    def sketch(self, prompts: pa.Array) -> Sketch:
        """Sketch a string column. The same text and key give the same sketch, whatever stands around it."""
        prompts = prompts.cast(pa.large_string())
        rows = len(prompts)
        absent = prompts.is_null().to_numpy(zero_copy_only=False)
        template = np.zeros(rows, np.uint64)
        phrases = np.zeros((rows, KEPT), np.int32)
        kept = np.zeros(rows, np.int32)
        chars = np.zeros(rows, np.int32)
        flags = np.zeros(rows, np.int32)
        if rows:
            _valid, offsets_buffer, data_buffer = prompts.buffers()
            offsets = np.frombuffer(offsets_buffer, np.int64)[prompts.offset : prompts.offset + rows + 1]
            data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.zeros(0, np.uint8)

            def part(bounds: tuple[int, int]) -> None:
                sketch_rows(
                    data, offsets, *bounds, self._key, self._tables.classes, self._tables.lower,
                    self._words, self._flags, template, phrases, kept, chars, flags,
                )  # fmt: skip

            parts = list(_parts(offsets, self._threads))
            if len(parts) > 1:
                with ThreadPoolExecutor(len(parts)) as pool:
                    list(pool.map(part, parts))
            else:
                part(parts[0])
        kept[absent] = 0
        inside = np.arange(KEPT) < kept[:, None]
        ends = np.concatenate([[0], np.cumsum(kept)]).astype(np.int32)
        listed = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(phrases[inside]), mask=pa.array(absent))
        return Sketch(_hex(template, absent), listed, pa.array(chars, mask=absent), pa.array(flags, mask=absent))


def _parts(offsets: np.ndarray[Any, Any], threads: int) -> Iterator[tuple[int, int]]:
    """Row ranges of about equal text, one a thread."""
    rows = len(offsets) - 1
    total = int(offsets[-1] - offsets[0])
    if total < 1 << 16:
        threads = 1
    cuts = np.searchsorted(offsets, offsets[0] + total * np.arange(1, threads) // threads)
    edges = [0, *(int(c) for c in cuts), rows]
    for start, stop in zip(edges, edges[1:], strict=False):
        yield start, stop


def _hex(values: np.ndarray[Any, Any], absent: np.ndarray[Any, Any]) -> pa.Array:
    """64-bit numbers as 16 hexadecimal characters each."""
    rows = len(values)
    text = np.frombuffer(values.astype(">u8").tobytes().hex().encode(), np.uint8)
    offsets = np.arange(rows + 1, dtype=np.int64) * 16
    plain = pa.LargeStringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(text)).cast(pa.string())
    return pa.compute.if_else(pa.array(absent), pa.nulls(rows, pa.string()), plain)


@cache
def _tables() -> _Tables:
    """Character classes (0 separator, letter, digit, character of a script without spaces) and lower case."""
    classes = np.zeros(1 << 16, np.uint8)
    for code in range(1 << 16):
        kind = unicodedata.category(chr(code))
        classes[code] = _DIGIT if kind == "Nd" else _LETTER if kind[0] in "LM" else 0
    classes[ord("_")] = _LETTER
    for low, high in _SCRIPTS_WITHOUT_SPACES:
        block = classes[low : high + 1]
        block[block == _LETTER] = _SOLID
    lower = np.arange(0x2000, dtype=np.uint32)
    for code in range(0x2000):
        small = chr(code).lower()
        if len(small) == 1:
            lower[code] = ord(small)
    return _Tables(classes, lower)


def _lexicon(key: np.ndarray[Any, Any], tables: _Tables) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Open-addressing table: hash of a wording -> strong flags (low half) and weak flags (high half)."""
    words = np.zeros(_TABLE, np.uint64)
    flags = np.zeros(_TABLE, np.uint32)
    for capability in Capability:
        wording = LEXICON[capability]
        for phrases, bit in ((wording.strong, capability.bit), (wording.weak, capability.bit << 16)):
            for phrase in phrases:
                hashed = token_hashes(np.frombuffer(phrase.encode(), np.uint8), key, tables.classes, tables.lower)
                slot = int(hashed) % _TABLE
                while words[slot] not in (0, hashed):
                    slot = (slot + 1) % _TABLE
                words[slot] = hashed
                flags[slot] |= np.uint32(bit)
    return words, flags
