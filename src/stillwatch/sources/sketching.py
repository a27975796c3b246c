"""The compiled part of ``prompts``: one pass over the bytes of each prompt, with the lock of the interpreter released.

Words are hashed while they are read; nothing is copied. See ``prompts`` for what the result means.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from stillwatch.domain import Capability

EDGE, SIDE, BODY = 3, 7, 6
KEPT = 2 * EDGE + 2 * SIDE + BODY
"""Phrases kept: the first and the last three, seven each of the first and of the last 40 words, six of the rest."""
WINDOW = 80
"""Head and tail in half words: a word counts 2, a character of a script without spaces 1."""
RING = 128
GRAM, SOLID_GRAM = 4, 7
LONGEST, MAX_WORDS = 8, 4
"""Longest wording of the lexicon in characters of a script without spaces, and in words."""
QUOTE_BYTES, CODE_BYTES = 2_000, 200
"""Longest quoted span and longest span of code in a line that count as slots."""

_WORD, _SOLID, _MASKED, _FENCE, _END = 1, 2, 3, 4, 0
_SLOT = np.uint64(11)
"""The one placeholder: a slot that holds a number here and a quoted word there is the same slot."""
_U = np.uint64

# No function here allocates, so numba's reference counts are left out: they took five sixths of the time.
_jit: Any = njit(nogil=True, forceinline=True, _nrt=False)


def _entry(function: Any) -> Any:
    """A function that others call: its compiled code is kept beside the module or in the user's cache, if possible."""
    options = {"nogil": True, "_nrt": False}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for the cache: compile anew in every process
        return njit(**options)(function)


SCRATCH = (8, RING)
"""Shape of the working memory of one thread (uint64)."""
_TOKENS, _EDGES, _HEAD, _BODY, _TAIL, _LATE, _LATE_AT, _FOUND = range(8)
_FENCED = Capability.CODING.bit


@_jit
def _decode(data, i, end):  # type: ignore[no-untyped-def]
    """Code point at i and its length in bytes; text is valid UTF-8."""
    b = np.int64(data[i])
    if b < 0x80:
        return b, 1
    if b < 0xE0 and i + 1 < end:
        return (b & 0x1F) << 6 | np.int64(data[i + 1]) & 0x3F, 2
    if b < 0xF0 and i + 2 < end:
        return (b & 0x0F) << 12 | (np.int64(data[i + 1]) & 0x3F) << 6 | np.int64(data[i + 2]) & 0x3F, 3
    return 0x20000 if b == 0xF0 and i + 1 < end and data[i + 1] >= 0xA0 else 0x1F600, 4


@_jit
def _class(cp, classes):  # type: ignore[no-untyped-def]
    if cp < 0x10000:
        return np.int64(classes[cp])
    return 3 if cp == 0x20000 else 0  # rare Chinese characters; emoji separate


@_jit
def _closing(cp):  # type: ignore[no-untyped-def]
    """The quotation mark that closes this one, 0 when it opens nothing."""
    if cp == 0x22:
        return 0x22
    if cp == 0x201C or cp == 0x201D:
        return 0x201D
    if cp == 0x201E:
        return 0x201C
    if cp == 0xAB:
        return 0xBB
    if cp == 0x300C:
        return 0x300D
    if cp == 0x300E:
        return 0x300F
    return 0


@_jit
def _span(data, i, stop, end, closing, lines):  # type: ignore[no-untyped-def]
    """Position after the closing mark, which has to come before ``stop`` (and on this line), or -1."""
    while i < stop:
        if data[i] == 10 and not lines:
            return -1
        cp, n = _decode(data, i, end)
        i += n
        if cp == closing:
            return i
    return -1


@_jit
def _fence(data, i, end):  # type: ignore[no-untyped-def]
    """Position after the next three of the byte at i, which opens a fence of three; -1 when it is none."""
    mark = data[i]
    if i + 2 >= end or data[i + 1] != mark or data[i + 2] != mark:
        return -1
    j = i + 3
    while j + 2 < end and not (data[j] == mark and data[j + 1] == mark and data[j + 2] == mark):
        j += 1
    return min(j + 3, end)


@_jit
def _wraps(data, i, j, begin, end):  # type: ignore[no-untyped-def]
    """Whether a span is the whole text: then it is no slot in it."""
    if i != begin:
        return False
    while j < end and data[j] <= 32:
        j += 1
    return j == end


@_jit
def _to_space(data, i, end):  # type: ignore[no-untyped-def]
    while i < end and data[i] > 32:
        i += 1
    return i


@_jit
def _rotl(x, b):  # type: ignore[no-untyped-def]
    return (x << _U(b)) | (x >> _U(64 - b))


@_jit
def _next_token(data, i, begin, end, key, classes, lower, plain):  # type: ignore[no-untyped-def]
    """Kind, hash and end of the next token at or after i, in the text that lies from begin to end."""
    while i < end:
        if data[i] <= 32:
            i += 1
            continue
        cp, n = _decode(data, i, end)
        kind = _class(cp, classes)
        if kind == 0:
            if cp == 0x60 or cp == 0x22:  # backtick or straight quotation mark, three of them or one
                j = _fence(data, i, end)
                if j > 0 and not _wraps(data, i, j, begin, end):
                    return _FENCE if cp == 0x60 else _MASKED, _SLOT, j
            closing = 0x60 if cp == 0x60 else _closing(cp)
            if closing:
                limit = CODE_BYTES if cp == 0x60 else QUOTE_BYTES
                j = _span(data, i + n, min(end, i + limit), end, closing, cp != 0x60)
                if j > 0 and not _wraps(data, i, j, begin, end):
                    return _MASKED, _SLOT, j
            i += n
            continue
        if kind == 3:
            return _SOLID, _finish((key[2] ^ _U(cp)) * key[3]), i + n
        # a word or a number: letters, marks, digits, underscores, and what joins them without a space
        h = key[2]
        mixed = False
        number = True
        while i < end:
            if plain[data[i]] != 0:  # most of all text
                number = False
                h = (_rotl(h, 5) ^ _U(plain[data[i]])) * key[3]
                i += 1
                continue
            cp, n = _decode(data, i, end)
            kind = _class(cp, classes)
            if kind == 1 or kind == 2:
                mixed |= kind == 2 or cp == 0x5F
                number &= kind == 2 or cp == 0x5F
                if cp < 0x2000:
                    cp = np.int64(lower[cp])
                h = (_rotl(h, 5) ^ _U(cp)) * key[3]
                i += n
                continue
            # joined: 12,500.75  2024-03-01  3f25-4f89  a.name@host  setup.py  don't
            joins = cp == 0x2E or (mixed and (cp == 0x2C or cp == 0x3A or cp == 0x2D or cp == 0x2F))
            if not (joins or cp == 0x27 or cp == 0x2019) or i + n >= end:
                break
            after, _m = _decode(data, i + n, end)
            follows = _class(after, classes)
            if follows != 2 and (follows != 1 or number):
                break
            mixed |= joins
            i += n
        if i + 2 < end and data[i] == 0x3A and data[i + 1] == 0x2F and data[i + 2] == 0x2F:
            return _MASKED, _SLOT, _to_space(data, i, end)
        if i + 1 < end and data[i] == 0x40 and data[i + 1] > 0x2F:
            return _MASKED, _SLOT, _to_space(data, i, end)
        if mixed:
            return _MASKED, _SLOT, i
        return _WORD, _finish(h), i
    return _END, _U(0), end


@_jit
def _finish(h):  # type: ignore[no-untyped-def]
    h ^= h >> _U(32)
    h *= _U(0xD6E8FEB86659FD93)
    h ^= h >> _U(32)
    return h


@_jit
def _round(v0, v1, v2, v3):  # type: ignore[no-untyped-def]
    v0 += v1
    v1 = _rotl(v1, 13) ^ v0
    v0 = _rotl(v0, 32)
    v2 += v3
    v3 = _rotl(v3, 16) ^ v2
    v0 += v3
    v3 = _rotl(v3, 21) ^ v0
    v2 += v1
    v1 = _rotl(v1, 17) ^ v2
    v2 = _rotl(v2, 32)
    return v0, v1, v2, v3


@_jit
def _seal(m, k0, k1):  # type: ignore[no-untyped-def]
    """SipHash-1-3 of one word."""
    v0, v1 = k0 ^ _U(0x736F6D6570736575), k1 ^ _U(0x646F72616E646F6D)
    v2, v3 = k0 ^ _U(0x6C7967656E657261), k1 ^ _U(0x7465646279746573) ^ m
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= m
    v2 ^= _U(0xFF)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@_jit
def _gram(scratch, count, n, key):  # type: ignore[no-untyped-def]
    """Keyed hash of the last n tokens: a keyed linear hash, sealed."""
    total = _U(n)
    for j in range(n):
        total = total * key[3] + scratch[_TOKENS, (count - 1 - j) & (LONGEST - 1)]
    return _seal(_finish(total), key[0], key[1])


@_jit
def _keep(scratch, which, size, limit, h):  # type: ignore[no-untyped-def]
    """Insert h into one ascending list of the smallest without repeats; returns the new size."""
    if size == limit and h >= scratch[which, size - 1]:
        return size
    at = size
    while at > 0 and scratch[which, at - 1] > h:
        at -= 1
    if at > 0 and scratch[which, at - 1] == h:
        return size
    last = size if size < limit else limit - 1
    for j in range(last, at, -1):
        scratch[which, j] = scratch[which, j - 1]
    scratch[which, at] = h
    return last + 1


@_jit
def _fold(folded, token):  # type: ignore[no-untyped-def]
    return _finish(_rotl(folded, 7) ^ token) | _U(1)


@_jit
def _blanks(masked, n):  # type: ignore[no-untyped-def]
    """How many of the last n tokens are placeholders."""
    bits = masked & ((1 << n) - 1)
    blanks = 0
    while bits:
        bits &= bits - 1
        blanks += 1
    return blanks


@_entry
def wording_hash(text, scratch, key, classes, lower, plain):  # type: ignore[no-untyped-def]
    """Of a wording of the lexicon: its tokens folded from the last to the first, its last token, their number."""
    count = 0
    i = 0
    while True:
        kind, token, i = _next_token(text, i, 0, len(text), key, classes, lower, plain)
        if kind == _END:
            break
        scratch[_TOKENS, count & (LONGEST - 1)] = token
        count += 1
    folded = _U(0)
    for j in range(count - 1, max(count - 1 - LONGEST, -1), -1):
        folded = _fold(folded, scratch[_TOKENS, j & (LONGEST - 1)])
    return folded, scratch[_TOKENS, (count - 1) & (LONGEST - 1)], count


@_entry
def sketch_rows(  # type: ignore[no-untyped-def]
    data, offsets, start, stop, scratch, key, classes, lower, plain, words, flags, endings,
    template, phrases, kept, chars, capabilities,
):  # fmt: skip
    """Sketch rows start to stop of Arrow text; results go into the last five arrays."""
    last_slot = _U(len(words) - 1)
    for row in range(start, stop):
        begin, end = offsets[row], offsets[row + 1]
        i = begin
        length = 0
        for j in range(begin, end):
            length += (data[j] & 0xC0) != 0x80
        chars[row] = length
        whole = key[2]
        last = strong = weak = _U(0)
        count = at = grams = heads = bodies = tails = masked = 0
        while True:
            kind, token, i = _next_token(data, i, begin, end, key, classes, lower, plain)
            if kind == _END:
                break
            is_masked = kind >= _MASKED
            if kind == _FENCE:
                strong |= _U(_FENCED)
            if is_masked and token == last:
                continue  # a run of numbers is one number
            last = token
            whole = (_rotl(whole, 23) ^ token) * key[3]
            scratch[_TOKENS, count & (LONGEST - 1)] = token
            count += 1
            at += 1 if kind == _SOLID else 2
            masked = (masked << 1 | is_masked) & 0x7F
            n = SOLID_GRAM if kind == _SOLID else GRAM
            if count >= n and _blanks(masked, n) <= 2:
                h = _gram(scratch, count, n, key)
                if grams < EDGE:
                    scratch[_EDGES, grams] = h
                elif at <= WINDOW:
                    heads = _keep(scratch, _HEAD, heads, SIDE, h)
                else:
                    bodies = _keep(scratch, _BODY, bodies, BODY, h)
                scratch[_LATE, grams & (RING - 1)] = h
                scratch[_LATE_AT, grams & (RING - 1)] = _U(at)
                grams += 1
            if not is_masked and endings[token & _U(0xFFFF)]:
                folded = _U(0)
                for j in range(count - 1, max(count - 1 - LONGEST, -1), -1):
                    folded = _fold(folded, scratch[_TOKENS, j & (LONGEST - 1)])
                    slot = folded & last_slot
                    while words[slot] != _U(0) and words[slot] != folded:
                        slot = (slot + _U(1)) & last_slot
                    if words[slot] == folded:
                        flag = _U(flags[slot])
                        strong |= flag & _U(0xFFFF)
                        strong |= weak & (flag >> _U(16))
                        weak |= flag >> _U(16)
                    if kind == _WORD and count - j >= MAX_WORDS:
                        break
        template[row] = _seal(_finish(whole), key[0], key[1])
        capabilities[row] = np.int32(strong)
        first = min(grams, EDGE)
        for back in range(1, min(grams, RING) + 1):
            h = scratch[_LATE, (grams - back) & (RING - 1)]
            if back <= EDGE:
                scratch[_EDGES, first] = h
                first += 1
            elif np.int64(scratch[_LATE_AT, (grams - back) & (RING - 1)]) > at - WINDOW:
                tails = _keep(scratch, _TAIL, tails, SIDE, h)
            else:
                break
        unique = 0
        for which, many in ((_EDGES, first), (_HEAD, heads), (_BODY, bodies), (_TAIL, tails)):
            for j in range(many):
                # sampled by the high half, kept by the low half: small hashes would collide
                signed = np.int64(np.int32(scratch[which, j] & _U(0xFFFFFFFF)))
                unique = _keep(scratch, _FOUND, unique, KEPT, _U(signed + 0x80000000))
        for j in range(unique):
            phrases[row, j] = np.int32(np.int64(scratch[_FOUND, j]) - 0x80000000)
        kept[row] = unique
