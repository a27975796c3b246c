"""Prompt text by the million: patterns of fixed fragments and slots, put together by Arrow, never by a Python loop.

A *pattern* is a sentence such as ``"Please check the <noun> for <person>."``. A *template* is a list of units; each
unit is one pattern, or a class of patterns of which one is drawn afresh for every request, kept with a chance and
repeated a number of times. A *book* is what one author uses: templates with weights. Composing ``n`` prompts expands
template -> patterns -> fragments with offset arithmetic and joins the fragments with ``binary_join``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_SLOT = re.compile(r"<([a-z_]+)>")
_HEAD = 3.0
"""Zipf-Mandelbrot: how many of the first words of a list are about equally frequent."""
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Unit:
    """One part of a template: a fixed pattern or a class of patterns (exactly one is set)."""

    pattern: int = -1
    klass: int = -1
    keep: float = 1.0
    """Chance that the part is there at all."""
    repeat: float = 1.0
    """Mean number of repeats, at least one."""


@dataclass
class TextBook:
    """Everything that can be said in one world. Add first, then ``seal``, then ``compose``."""

    topics: tuple[str, ...]
    _fragments: list[str] = field(default_factory=list)
    _fragment_id: dict[str, int] = field(default_factory=dict)
    _slots: dict[str, int] = field(default_factory=dict)
    _slot_ranges: list[list[tuple[int, int]]] = field(default_factory=list)
    _slot_flat: list[bool] = field(default_factory=list)
    _patterns: list[list[int]] = field(default_factory=list)
    _classes: dict[str, int] = field(default_factory=dict)
    _class_range: list[tuple[int, int]] = field(default_factory=list)
    _templates: list[tuple[Unit, ...]] = field(default_factory=list)
    _books: list[tuple[tuple[int, ...], tuple[float, ...]]] = field(default_factory=list)
    _sealed: _Sealed | None = None
    notes: dict[str, int] = field(default_factory=dict)
    """Patterns that many templates use, by their text."""

    # ---- words ----
    def slot(self, name: str, words: Sequence[str] | Mapping[str, Sequence[str]], *, flat: bool = False) -> None:
        """A place filled afresh for every request: one list, or one list per topic. ``flat``: drawn evenly."""
        per_topic = [words[t] for t in self.topics] if isinstance(words, Mapping) else [words]
        ranges = []
        for chosen in per_topic:
            start = len(self._fragments)
            self._fragments.extend(w.replace("-", " ") if not flat else w for w in chosen)
            ranges.append((start, len(chosen)))
        self._slots[name] = len(self._slot_ranges)
        self._slot_ranges.append(ranges * len(self.topics) if len(ranges) == 1 else ranges)
        self._slot_flat.append(flat)

    def _fragment(self, text: str) -> int:
        known = self._fragment_id.get(text)
        if known is None:
            known = self._fragment_id[text] = len(self._fragments)
            self._fragments.append(text)
        return known

    # ---- sentences ----
    def pattern(self, text: str) -> int:
        """Register a sentence; ``<name>`` marks a slot. KeyError when the slot is unknown."""
        elements: list[int] = []
        for i, piece in enumerate(_SLOT.split(text)):
            if i % 2:
                elements.append(-1 - self._slots[piece])
            elif piece:
                elements.append(self._fragment(piece))
        self._patterns.append(elements)
        return len(self._patterns) - 1

    def klass(self, name: str, texts: Sequence[str]) -> int:
        """Register a class of sentences of which one is drawn for every use."""
        start = len(self._patterns)
        for text in texts:
            self.pattern(text)
        self._classes[name] = len(self._class_range)
        self._class_range.append((start, len(texts)))
        return self._classes[name]

    def class_id(self, name: str) -> int:
        return self._classes[name]

    def frozen(self, rng: np.random.Generator, klass: int, topic: int) -> str:
        """One sentence of the class with every slot filled once: an author's own fixed words."""
        start, count = self._class_range[klass]
        out = []
        for element in self._patterns[start + int(rng.integers(count))]:
            if element >= 0:
                out.append(self._fragments[element])
            else:
                first, n = self._slot_ranges[-1 - element][topic]
                out.append(self._fragments[first + int(rng.integers(n))])
        return "".join(out)

    def template(self, units: Sequence[Unit]) -> int:
        self._templates.append(tuple(units))
        return len(self._templates) - 1

    def book(self, templates: Sequence[int], weights: Sequence[float] | None = None) -> int:
        """What one author uses, with weights (even when left out)."""
        w = tuple(weights) if weights is not None else (1.0,) * len(templates)
        self._books.append((tuple(templates), w))
        return len(self._books) - 1

    def units_of(self, template: int) -> tuple[Unit, ...]:
        return self._templates[template]

    def templates_of(self, book: int) -> tuple[int, ...]:
        return self._books[book][0]

    # ---- composing ----
    def seal(self) -> None:
        """Turn lists into flat arrays; nothing can be added afterwards."""
        self._sealed = _Sealed.of(
            self._fragments,
            self._slot_ranges,
            self._slot_flat,
            self._patterns,
            self._class_range,
            self._templates,
            self._books,
        )

    @property
    def sealed(self) -> _Sealed:
        if self._sealed is None:
            self.seal()
        assert self._sealed is not None
        return self._sealed

    def pick_templates(self, rng: np.random.Generator, books: Ints) -> Ints:
        """One template id for every book id."""
        s = self.sealed
        u = s.book_base[books] + rng.random(len(books)) * (1 - 1e-12)
        return s.book_templates[np.searchsorted(s.book_cum, u, side="right")]

    def compose(self, rng: np.random.Generator, templates: Ints, topics: Ints, window: Floats) -> pa.Array:
        """Prompts as an Arrow string array; ``window`` (n, 2) narrows the content slots of a request (task shards)."""
        s = self.sealed
        n = len(templates)
        # templates -> units, kept or not, repeated or not
        units, owner = _expand(s.template_off, templates)
        unit_ids = s.template_units[units]
        keep = rng.random(len(unit_ids)) < s.unit_keep[unit_ids]
        times = np.where(keep, 1 + rng.poisson(np.maximum(s.unit_repeat[unit_ids] - 1, 0)), 0)
        unit_ids, owner = np.repeat(unit_ids, times), np.repeat(owner, times)
        # units -> patterns
        pattern = s.unit_pattern[unit_ids].copy()
        drawn = np.flatnonzero(pattern < 0)
        k = s.unit_class[unit_ids[drawn]]
        pattern[drawn] = s.class_start[k] + (rng.random(len(drawn)) * s.class_count[k]).astype(np.int64)
        # patterns -> fragments
        elements, parent = _expand(s.pattern_off, pattern)
        fragment = s.pattern_elements[elements].astype(np.int64)
        at = np.flatnonzero(fragment < 0)
        slot = -1 - fragment[at]
        prompt = owner[parent[at]]
        topic = topics[prompt]
        low = window[prompt, 0]
        u = low + (window[prompt, 1] - low) * rng.random(len(at))
        count = s.slot_count[slot, topic]
        flat = s.slot_flat[slot]
        steps = np.where(flat, u * count, _HEAD * np.expm1(u * np.log1p(count / _HEAD)))
        fragment[at] = s.slot_start[slot, topic] + np.minimum(steps.astype(np.int64), count - 1)
        # fragments -> text
        sizes = np.bincount(owner[parent], minlength=n)
        offsets = np.zeros(n + 1, np.int32)
        np.cumsum(sizes, out=offsets[1:])
        pieces = pc.take(s.fragments, pa.array(fragment.astype(np.int32)))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), pieces), "")


@dataclass(frozen=True)
class _Sealed:
    fragments: pa.Array
    slot_start: Ints
    slot_count: Ints
    slot_flat: npt.NDArray[np.bool_]
    pattern_off: Ints
    pattern_elements: npt.NDArray[np.int32]
    class_start: Ints
    class_count: Ints
    template_off: Ints
    template_units: Ints
    unit_pattern: Ints
    unit_class: Ints
    unit_keep: Floats
    unit_repeat: Floats
    book_base: Floats
    book_cum: Floats
    book_templates: Ints

    @classmethod
    def of(
        cls,
        fragments: list[str],
        slot_ranges: list[list[tuple[int, int]]],
        slot_flat: list[bool],
        patterns: list[list[int]],
        class_range: list[tuple[int, int]],
        templates: list[tuple[Unit, ...]],
        books: list[tuple[tuple[int, ...], tuple[float, ...]]],
    ) -> _Sealed:
        ranges = np.array(slot_ranges, np.int64)
        units: dict[Unit, int] = {}
        unit_of = [units.setdefault(u, len(units)) for t in templates for u in t]
        listed = list(units)
        classes = np.array(class_range, np.int64).reshape(-1, 2)
        cum, of_book, base = [], [], np.arange(len(books), dtype=np.float64)
        for i, (ids, weights) in enumerate(books):
            share = np.cumsum(np.array(weights, np.float64))
            share = i + share / share[-1]
            share[-1] = i + 1
            cum.append(share)
            of_book.append(np.array(ids, np.int64))
        return cls(
            fragments=pa.array(fragments, pa.string()),
            slot_start=ranges[:, :, 0],
            slot_count=ranges[:, :, 1],
            slot_flat=np.array(slot_flat),
            pattern_off=_offsets([len(p) for p in patterns]),
            pattern_elements=np.array([e for p in patterns for e in p], np.int32),
            class_start=classes[:, 0],
            class_count=classes[:, 1],
            template_off=_offsets([len(t) for t in templates]),
            template_units=np.array(unit_of, np.int64),
            unit_pattern=np.array([u.pattern for u in listed], np.int64),
            unit_class=np.array([u.klass for u in listed], np.int64),
            unit_keep=np.array([u.keep for u in listed]),
            unit_repeat=np.array([u.repeat for u in listed]),
            book_base=base,
            book_cum=np.concatenate(cum) if cum else np.zeros(0),
            book_templates=np.concatenate(of_book) if of_book else np.zeros(0, np.int64),
        )


def _offsets(sizes: Sequence[int]) -> Ints:
    out = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(np.array(sizes, np.int64), out=out[1:])
    return out


def _expand(offsets: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Positions of all children of ``rows`` in a flat child array, and which row (by position) each belongs to."""
    sizes = offsets[rows + 1] - offsets[rows]
    owner = np.repeat(np.arange(len(rows)), sizes)
    ends = np.cumsum(sizes)
    within = np.arange(len(owner)) - np.repeat(ends - sizes, sizes)
    return offsets[rows][owner] + within, owner
