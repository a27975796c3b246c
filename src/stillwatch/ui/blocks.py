"""Blocks of text that print: a lead paragraph, a plain table, a quiet note. All text is escaped on its way."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup


def grid(heads: Sequence[str], rows: Sequence[Sequence[str | Markup]], *, left: int = 1) -> Markup:
    """A plain table that prints; the first ``left`` columns are text, the others numbers."""
    head = Markup("").join(
        Markup('<th scope="col" style="text-align:{};font-weight:450;padding:.15em .6em .15em 0">{}</th>').format(
            "left" if i < left else "right", h
        )
        for i, h in enumerate(heads)
    )
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup(
                    '<td class="sw-n" style="text-align:{};padding:.15em .6em .15em 0;overflow-wrap:anywhere">{}</td>'
                ).format("left" if i < left else "right", cell)
                for i, cell in enumerate(row)
            )
        )
        for row in rows
    )
    return Markup(
        '<table style="width:100%;border-collapse:collapse;line-height:1.6"><thead><tr class="sw-q">{}</tr></thead>'
        "<tbody>{}</tbody></table>"
    ).format(head, body)


def note(text: str) -> Markup:
    """A quiet line under a block."""
    return Markup('<p class="sw-q" style="margin:.4em 0 0;line-height:1.45">{}</p>').format(text)


def lead(sentences: Sequence[str]) -> Markup:
    """The answer first, in larger type."""
    return Markup('<p style="font-size:1.12em;line-height:1.55;margin:0;max-width:78rem">{}</p>').format(
        " ".join(sentences)
    )
