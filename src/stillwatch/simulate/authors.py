"""Authors: people who type freely, and makers of templates (an app, a script, a course, a campaign's operator).

An author's template is a layout, sentences of an intent settled to his own wording, words of his own frozen in, and
a body drawn afresh for every request. A rewording keeps the author and changes a share of his choices, sometimes the
layout. Campaigns and innocents use the same means; what differs is who shares an author.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stillwatch.simulate import phrasing, words
from stillwatch.simulate.text import TextBook, Unit

_FREE = 3_000
"""Everyday sentences of a world."""
_SETTLED = 120
"""Wordings kept of all sentences of an intent together."""
_SERIALS = ("No. <serial> ", "#<serial>: ", "id=<serial>\n", "[<serial>] ", "case <serial>; ")


def new_textbook(rng: np.random.Generator, brevity: float = 1.0) -> TextBook:
    """A textbook with the slots, the free sentences and one class of sentences per intent.

    The shorter the prompts of the world, the fewer sentences start or end with something more.
    """
    more = min(1.0, brevity / 0.5)
    book = TextBook(tuple(words.TOPICS))
    book.slot("noun", {topic: words.compounds(nouns) for topic, nouns in words.TOPICS.items()})
    book.slot("verb", list(rng.permutation(words.VERBS)))
    book.slot("adjective", list(rng.permutation(words.ADJECTIVES)))
    book.slot("adverb", list(rng.permutation(words.ADVERBS)))
    book.slot("product", words.PRODUCTS, flat=True)
    book.slot("code", words.CODES, flat=True)
    book.slot("person", words.PEOPLE, flat=True)
    book.slot("place", words.PLACES, flat=True)
    book.slot("number", [str(i) for i in range(2, 100)] + [str(i * 25) for i in range(4, 120)], flat=True)
    book.slot("company", [f"{a} {b.title()}" for a in words.COMPANIES_A for b in words.COMPANIES_B], flat=True)
    book.slot("function", [f"{a}_{b}" for a in words.IDENTIFIERS_A for b in words.IDENTIFIERS_B], flat=True)
    book.slot("code_language", words.LANGUAGES_CODE)
    book.slot("human_language", words.LANGUAGES_HUMAN, flat=True)
    book.slot("tone", words.TONES)
    book.slot("format", words.FORMATS)
    book.slot("serial", [f"{i:05d}" for i in range(0, 90_000, 7)], flat=True)
    for language, parts in words.FOREIGN.items():
        for part, listed in parts.items():
            book.slot(f"{language}_{part}", listed)

    def pick(n: int) -> int:
        return int(rng.integers(n))

    def settled(sentences: Sequence[str], times: int, end: str = " ") -> list[str]:
        return sorted({capital(phrasing.settle(s, pick)) + end for s in sentences for _ in range(times)})

    longer = []
    for _ in range(_FREE):
        core = str(rng.choice(phrasing.SENTENCES))
        start = str(rng.choice(phrasing.OPENINGS)) if rng.random() < 0.3 * more else ""
        end = str(rng.choice(phrasing.ENDINGS)) if rng.random() < 0.4 * more else ""
        core = core if not start or core.startswith(("<", "{I", "I ")) else _lower(core)
        longer.append(f"{start}{core[:-1]}{end}{core[-1]}")
    book.klass("free", settled(longer, 1))
    for intent, sentences in phrasing.INTENTS.items():
        book.klass(intent, settled(sentences, _SETTLED // len(sentences) + 1))
    for language, sentences in phrasing.FOREIGN.items():
        book.klass(language, settled(sentences, 6, "" if language == "zh" else " "))
    book.klass("opener", [capital(o) for o in phrasing.OPENERS] + list(phrasing.OPENERS))
    book.klass("closer", phrasing.CLOSERS)
    return book


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _lower(text: str) -> str:
    """First letter small, also inside the first choice."""
    if not text.startswith("{"):
        return text[0].lower() + text[1:]
    close = text.index("}")
    return "{" + "|".join(o[:1].lower() + o[1:] for o in text[1:close].split("|")) + text[close:]


@dataclass(frozen=True)
class Author:
    """Who writes a template. The same author gives the same words again."""

    seed: int
    intents: tuple[str, ...]
    """What is asked for; each adds one to three settled sentences."""
    body: str = "free"
    """Class of the part that differs from request to request."""
    body_length: float = 2.0
    """Mean sentences in that part."""
    layout: str = "plain"
    frozen: int = 1
    """Sentences of his own that never change."""
    topic: int = 0
    serial: bool = False
    """A running number stands in the prompt."""
    change: float = 0.5
    """Share of choices that a rewording changes."""
    asides: float = 0.4
    """Chance of an aside in a sentence."""


def template(book: TextBook, author: Author, variant: int = 0) -> int:
    """Register the author's template (variant 0) or a rewording of it; the template id."""
    own = np.random.default_rng([author.seed, 1])
    other = np.random.default_rng([author.seed, 2, variant])
    pick = phrasing.reworder(author.seed, author.change, variant)

    def part(number: int) -> np.random.Generator:
        """Randomness of one part of the text: the author's own, or anew where this variant rewords it."""
        moved = bool(variant) and other.random() < author.change
        return np.random.default_rng([author.seed, 3, number, variant if moved else 0])

    said: list[str] = []
    for intent in author.intents:
        sentences = phrasing.INTENTS[intent]
        for i in own.permutation(len(sentences))[: int(own.integers(1, 4))]:
            settled = capital(phrasing.settle(sentences[i], pick))
            said.append(phrasing.voiced(settled, part(len(said)), author.asides))
    free = book.class_id("free")
    fixed = [book.frozen(part(100 + i), free, author.topic) for i in range(author.frozen)]
    layout = author.layout
    if variant and other.random() < author.change / 2:
        layout = str(other.choice(phrasing.LAYOUTS))
        said = [said[i] for i in other.permutation(len(said))]
    body = Unit(klass=book.class_id(author.body), repeat=author.body_length)
    return book.template(_lay_out(book, author, layout, own, [s.strip() for s in said], fixed, body))


def _lay_out(
    book: TextBook,
    author: Author,
    layout: str,
    own: np.random.Generator,
    said: list[str],
    fixed: list[str],
    body: Unit,
) -> list[Unit]:
    def text(t: str) -> Unit:
        return Unit(pattern=once(book, t))

    start = [text(str(own.choice(_SERIALS)))] if author.serial else []
    first, second, third = phrasing.HEADINGS[int(own.integers(len(phrasing.HEADINGS)))]
    rules, aside = " ".join(said), "".join(fixed)
    match layout:
        case "headings":
            colon = str(own.choice([": ", ":\n", " - "]))
            return [*start, text(f"{first}{colon}{rules}\n{second}{colon}"), body, text(f"\n{third}{colon}{aside}")]
        case "tags":
            a, b = first.upper().replace(" ", "_"), second.upper().replace(" ", "_")
            return [*start, text(f"<{a}>{rules}</{a}>\n<{b}>"), body, text(f"</{b}>\n{aside}")]
        case "bullets":
            mark = str(own.choice(["- ", "* ", "+ ", "• "]))
            return [*start, text("".join(f"{mark}{line.strip()}\n" for line in [*said, *fixed])), body]
        case "json":
            key = str(own.choice(["input", "text", "payload", "query", "content", "item"]))
            return [*start, text('{"' + first.lower() + f'": "{rules} {aside}", "{key}": "'), body, text('"}')]
        case "shell":
            fence = str(own.choice(["```", "---", '"""', "====="]))
            return [*start, text(f"{aside}\n{fence}\n"), body, text(f"\n{fence}\n{rules}")]
        case "prefix":
            between = str(own.choice([" | ", " >> ", " :: ", " // ", "\n\n"]))
            return [*start, text(f"{aside}{between}{rules}{between}"), body]
        case "few_shot":
            a, b = str(own.choice(["Q", "In", "User", "Example"])), str(own.choice(["A", "Out", "Reply", "Result"]))
            shown = [book.frozen(own, book.class_id(author.body), author.topic).strip() for _ in range(2)]
            seen = "".join(f"{a}: {s}\n{b}: {book.frozen(own, book.class_id('free'), author.topic)}\n" for s in shown)
            return [text(f"{rules} {aside}\n{seen}"), *start, text(f"{a}: "), body, text(f"\n{b}:")]
        case "chatty":
            low = rules[:1].lower() + rules[1:]
            opener = Unit(klass=book.class_id("opener"), keep=0.5)
            return [*start, opener, text(" "), body, text(f"{low.rstrip('.')} {aside}")]
        case "terse":
            short = " ".join(rules.split()[:8])
            return [*start, text(f"{short}{own.choice([': ', ' -> ', ', ', '; '])}"), body]
        case _:
            if own.random() < 0.5:
                return [*start, body, text(f"{rules} {aside}")]
            return [*start, text(f"{aside}{rules} "), body]


def reworded(book: TextBook, author: Author, variants: int) -> list[int]:
    """The author's template and its rewordings."""
    return [template(book, author, v) for v in range(variants)]


def free_writer(book: TextBook, rng: np.random.Generator, length: float, language: str = "free") -> int:
    """A book of somebody who types as he goes: everyday sentences, some with habits of greeting and thanks."""
    opener = [
        Unit(klass=book.class_id("opener"), keep=float(rng.choice([0.0, 0.3, 0.8]))),
        Unit(pattern=once(book, " "), keep=0.9),
    ]
    closer = Unit(klass=book.class_id("closer"), keep=float(rng.choice([0.0, 0.2, 0.6])))
    body = Unit(klass=book.class_id(language), repeat=length)
    kinds = [book.template([*opener, body]), book.template([body, closer])]
    weights = [4.0, 3.0]
    if language == "free":
        for intent in rng.choice(list(phrasing.INTENTS), 4, replace=False):
            asked = Unit(klass=book.class_id(str(intent)))
            kinds.append(book.template([asked, replace(body, keep=0.6, repeat=max(1.0, length / 2))]))
            weights.append(float(rng.uniform(0.3, 1.6)))
    return book.book(kinds, weights)


def once(book: TextBook, text: str) -> int:
    """Pattern of a piece that many templates may use."""
    if text not in book.notes:
        book.notes[text] = book.pattern(text)
    return book.notes[text]


def random_author(
    rng: np.random.Generator,
    topic: int,
    *,
    intents: Sequence[str] | None = None,
    body: str | None = None,
    body_length: float = 1.5,
    layouts: Sequence[str] = phrasing.LAYOUTS,
    change: tuple[float, float] = (0.3, 0.7),
) -> Author:
    """A maker of a template: one or two intents unless given, any layout, more or less words of his own."""
    if intents is None:
        intents = [str(i) for i in rng.choice(list(phrasing.INTENTS), int(rng.integers(1, 3)), replace=False)]
    if body is None:
        body = str(rng.choice(["free", *phrasing.INTENTS])) if rng.random() < 0.5 else "free"
    return Author(
        seed=int(rng.integers(1 << 40)),
        intents=tuple(intents),
        body=body,
        body_length=float(max(1.0, body_length * np.exp(rng.normal(0, 0.5)))),
        layout=str(rng.choice(np.array(layouts))),
        frozen=int(rng.integers(0, 4)),
        topic=topic,
        serial=bool(rng.random() < 0.15),
        change=float(rng.uniform(*change)),
        asides=float(rng.uniform(0.1, 0.7)),
    )
