"""From prompt text to what is kept of it: template fingerprint, phrase sketch, length and capability flags.

What it measures: the frame that a script wraps around its slots. Text is lower-cased and masked (numbers, quoted spans,
addresses, code, names with digits become one placeholder), so one template gives one fingerprint whatever fills its
slots. The sketch keeps keyed hashes of masked 4-grams of words: the first three and the last three, of the first 40
words and of the last 40 the seven with the smallest hash each, of the rest six. Smallest-hash sampling (Broder 1997)
keeps the same phrase in most requests that have it, so an account's own repeated phrases can be found later by
counting, and slot fillers drop out.

The innocent twin: everybody who uses a public template, a popular agent or a course assignment has the same frame.

Hashes are keyed (a keyed linear hash of keyed word hashes, sealed with SipHash-1-3), so nobody without the home's key
can test whether a text was seen. Chinese, Japanese, Thai and other writing without spaces: characters instead of words,
seven to a phrase.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.domain import Capability
from stillwatch.sources.capabilities import LEXICON

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
    plain: np.ndarray[Any, np.dtype[np.uint8]]
    """Of a byte: its lower-case letter when it is one of A to Z, else 0."""


@dataclass(frozen=True)
class _Lexicon:
    """Open-addressing table of wordings, and which tokens end one (by their low 16 bits)."""

    words: np.ndarray[Any, np.dtype[np.uint64]]
    flags: np.ndarray[Any, np.dtype[np.uint32]]
    """Strong capabilities in the low half, weak ones in the high half."""
    endings: np.ndarray[Any, np.dtype[np.bool_]]


class Sketcher:
    """Sketches prompts with one key (32 bytes). Threads may share one: the work is done without the interpreter lock.

    The first one of an installation compiles the scanner, which takes some seconds; later ones load it.
    """

    def __init__(self, key: bytes) -> None:
        from stillwatch.sources import sketching  # loads the compiler, which takes long and is not always needed

        self._compiled = sketching
        self._key = np.frombuffer(key, np.uint64).copy()
        self._key[3] |= np.uint64(1)  # the multiplier of the word hash has to be odd
        self._tables = _tables()
        self._lexicon = _lexicon(self._compiled, self._key, self._tables)

    def sketch(self, prompts: pa.Array) -> Sketch:
        """Sketch a string column. The same text and key give the same sketch, whatever stands around it."""
        prompts = prompts.cast(pa.large_string())
        rows = len(prompts)
        absent = prompts.is_null().to_numpy(zero_copy_only=False)
        template = np.zeros(rows, np.uint64)
        most = self._compiled.KEPT
        phrases = np.zeros((rows, most), np.int32)
        kept = np.zeros(rows, np.int32)
        chars = np.zeros(rows, np.int32)
        flags = np.zeros(rows, np.int32)
        if rows:
            _valid, offsets_buffer, data_buffer = prompts.buffers()
            offsets = np.frombuffer(offsets_buffer, np.int64)[prompts.offset : prompts.offset + rows + 1]
            data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.zeros(0, np.uint8)

            self._compiled.sketch_rows(
                data, offsets, 0, rows, np.zeros(self._compiled.SCRATCH, np.uint64), self._key,
                self._tables.classes, self._tables.lower, self._tables.plain,
                self._lexicon.words, self._lexicon.flags, self._lexicon.endings,
                template, phrases, kept, chars, flags,
            )  # fmt: skip
        kept[absent] = 0
        inside = np.arange(most) < kept[:, None]
        ends = np.concatenate([[0], np.cumsum(kept)]).astype(np.int32)
        listed = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(phrases[inside]), mask=pa.array(absent))
        return Sketch(_hex(template, absent), listed, pa.array(chars, mask=absent), pa.array(flags, mask=absent))


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
    plain = np.array([ord(chr(b).lower()) if b < 128 and chr(b).isalpha() else 0 for b in range(256)], np.uint8)
    return _Tables(classes, lower, plain)


def _lexicon(compiled: ModuleType, key: np.ndarray[Any, Any], tables: _Tables) -> _Lexicon:
    words, flags, endings = np.zeros(_TABLE, np.uint64), np.zeros(_TABLE, np.uint32), np.zeros(1 << 16, np.bool_)
    scratch = np.zeros(compiled.SCRATCH, np.uint64)
    for capability in Capability:
        wording = LEXICON[capability]
        for phrases, bit in ((wording.strong, capability.bit), (wording.weak, capability.bit << 16)):
            for phrase in phrases:
                text = np.frombuffer(phrase.encode(), np.uint8)
                hashed, last, _count = compiled.wording_hash(
                    text, scratch, key, tables.classes, tables.lower, tables.plain
                )
                slot = int(hashed) % _TABLE
                while words[slot] not in (0, hashed):
                    slot = (slot + 1) % _TABLE
                words[slot] = hashed
                flags[slot] |= np.uint32(bit)
                endings[int(last) & 0xFFFF] = True
    return _Lexicon(words, flags, endings)
