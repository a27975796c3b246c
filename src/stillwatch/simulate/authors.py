"""Authors: people who type freely, and makers of templates (an app, a script, a campaign's operator).

An author's template is a layout, sentences of an intent settled to his own wording, words of his own frozen in, and
a body drawn afresh for every request. ``reword`` keeps the author and changes a share of his choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stillwatch.simulate import phrasing, words
from stillwatch.simulate.text import TextBook, Unit

BODY_VARIANTS = 60


def new_textbook(rng: np.random.Generator) -> TextBook:
    """A textbook with the slots, the free sentences and one body class per intent."""
    book = TextBook(tuple(words.TOPICS))
    book.slot("noun", {t: w.split() for t, w in words.TOPICS.items()})
    book.slot("verb", list(rng.permutation(words.VERBS)))
    book.slot("adjective", list(rng.permutation(words.ADJECTIVES)))
    book.slot("adverb", words.ADVERBS)
    book.slot("person", words.PEOPLE, flat=True)
    book.slot("place", words.PLACES, flat=True)
    book.slot("number", [str(i) for i in range(2, 100)] + [str(i * 25) for i in range(4, 120)], flat=True)
    book.slot("company", [f"{a} {b.title()}" for a in words.COMPANIES_A for b in words.COMPANIES_B], flat=True)
    book.slot("function", [f"{a}_{b}" for a in words.IDENTIFIERS_A for b in words.IDENTIFIERS_B], flat=True)
    book.slot("code_language", words.LANGUAGES_CODE)
    book.slot("human_language", words.LANGUAGES_HUMAN, flat=True)
    book.slot("tone", words.TONES)
    book.slot("format", [f.replace("-", " ") for f in words.FORMATS])
    book.slot("serial", [f"{i:05d}" for i in range(0, 90_000, 7)], flat=True)
    pick = _dice(rng)
    free = sorted({_cap(phrasing.settle(s, pick)) + " " for s in phrasing.SENTENCES for _ in range(60)})
    book.klass("free", free)
    for intent, sentences in phrasing.INTENTS.items():
        said = sorted(
            {
                _cap(phrasing.settle(s, pick)) + " "
                for s in sentences
                for _ in range(BODY_VARIANTS // len(sentences) * 2)
            }
        )
        book.klass(intent, said)
    book.klass("opener", [o[0].upper() + o[1:] for o in phrasing.OPENERS] + list(phrasing.OPENERS))
    book.klass("closer", phrasing.CLOSERS)
    return book


def _dice(rng: np.random.Generator):  # type: ignore[no-untyped-def]
    return lambda n: int(rng.integers(n))


def _cap(text: str) -> str:
    return text[0].upper() + text[1:]


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


def template(book: TextBook, author: Author, variant: int = 0) -> int:
    """Register the author's template (variant 0) or a rewording of it; the template id."""
    own = np.random.default_rng([author.seed, 1])
    pick = phrasing.reworder(author.seed, author.change, variant)
    said: list[str] = []
    for intent in author.intents:
        sentences = phrasing.INTENTS[intent]
        for i in own.permutation(len(sentences))[: int(own.integers(1, 4))]:
            said.append(_cap(phrasing.settle(sentences[i], pick)))
    fixed: list[str] = []
    for _ in range(author.frozen):
        chooser = (
            own if variant == 0 or own.random() > author.change else np.random.default_rng([author.seed, 2, variant])
        )
        fixed.append(book.frozen(chooser, book.class_id("free"), author.topic))
    body = Unit(klass=book.class_id(author.body), repeat=author.body_length)
    return book.template(_lay_out(book, author, own, said, fixed, body))


def _lay_out(
    book: TextBook, author: Author, own: np.random.Generator, said: list[str], fixed: list[str], body: Unit
) -> list[Unit]:
    def text(t: str) -> Unit:
        return Unit(pattern=book.pattern(t))

    number = [
        text(str(own.choice(["No. <serial> ", "#<serial>: ", "id=<serial>\n", "[<serial>] ", "case <serial>; "])))
    ]
    start = number if author.serial else []
    first, second, third = phrasing.HEADINGS[int(own.integers(len(phrasing.HEADINGS)))]
    rules = " ".join(said)
    aside = " ".join(fixed)
    match author.layout:
        case "headings":
            colon = str(own.choice([": ", ":\n", " - "]))
            return [
                *start,
                text(f"{first}{colon}{rules}\n"),
                text(f"{second}{colon}"),
                body,
                text(f"\n{third}{colon}{aside}"),
            ]
        case "tags":
            a, b = first.upper().replace(" ", "_"), second.upper().replace(" ", "_")
            return [*start, text(f"<{a}>{rules}</{a}>\n<{b}>"), body, text(f"</{b}>\n{aside}")]
        case "bullets":
            mark = str(own.choice(["- ", "* ", "1) ", "• "]))
            lines = "".join(f"{mark}{line}\n" for line in [*said, *fixed])
            return [*start, text(lines), body]
        case "json":
            key = str(own.choice(["input", "text", "payload", "query", "content", "item"]))
            return [*start, text('{"' + first.lower() + f'": "{rules} {aside}", "{key}": "'), body, text('"}')]
        case "shell":
            fence = str(own.choice(["```", "---", '"""', "====="]))
            return [*start, text(f"{aside}\n{fence}\n"), body, text(f"\n{fence}\n{rules}")]
        case "prefix":
            sep = str(own.choice([" | ", " >> ", " :: ", " // ", "\n\n"]))
            return [*start, text(f"{aside}{sep}{rules}{sep}"), body]
        case _:
            return (
                [*start, body, text(f"{rules} {aside}")]
                if own.random() < 0.5
                else [*start, text(f"{aside} {rules} "), body]
            )


def reworded(book: TextBook, author: Author, variants: int) -> list[int]:
    """The author's template and its rewordings."""
    return [template(book, author, v) for v in range(variants)]


def free_writer(book: TextBook, rng: np.random.Generator, length: float) -> int:
    """A book of somebody who types as he goes: everyday sentences, some with habits of greeting and thanks."""
    opener = [
        Unit(klass=book.class_id("opener"), keep=float(rng.choice([0.0, 0.3, 0.8]))),
        Unit(pattern=_once(book, ", "), keep=0.3),
    ]
    closer = [Unit(klass=book.class_id("closer"), keep=float(rng.choice([0.0, 0.2, 0.6])))]
    body = Unit(klass=book.class_id("free"), repeat=length)
    kinds = [book.template([*opener, body]), book.template([body, *closer])]
    for intent in rng.choice(list(phrasing.INTENTS), 3, replace=False):
        kinds.append(
            book.template(
                [Unit(klass=book.class_id(str(intent))), replace(body, keep=0.6, repeat=max(1.0, length / 2))]
            )
        )
    return book.book(kinds, [4, 3, 1.5, 1, 0.5])


def _once(book: TextBook, text: str) -> int:
    """Pattern of a piece that many templates use."""
    if text not in book.notes:
        book.notes[text] = book.pattern(text)
    return int(book.notes[text])


def random_author(
    rng: np.random.Generator, topic: int, *, intents: Sequence[str] | None = None, body_length: float = 1.5
) -> Author:
    """An ordinary maker of a template: one or two intents, any layout, more or less words of his own."""
    chosen = intents or [str(i) for i in rng.choice(list(phrasing.INTENTS), int(rng.integers(1, 3)), replace=False)]
    return Author(
        seed=int(rng.integers(1 << 40)),
        intents=tuple(chosen),
        body=str(rng.choice(["free", "free", *phrasing.INTENTS])) if rng.random() < 0.5 else "free",
        body_length=float(body_length * rng.uniform(0.6, 1.8)),
        layout=str(rng.choice(phrasing.LAYOUTS)),
        frozen=int(rng.integers(0, 4)),
        topic=topic,
        serial=bool(rng.random() < 0.15),
        change=float(rng.uniform(0.3, 0.7)),
    )
