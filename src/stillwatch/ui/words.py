"""Words and numbers as the pages say them, and the two escapes that keep other people's text harmless.

Ids, names, prompts and user agents are written by attackers. Inside HTML they go through ``markupsafe`` (every
``Markup.format`` argument is escaped); inside Markdown through ``md`` or ``code``. Numbers carry units.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

from markupsafe import Markup

from stillwatch.domain import EvidenceKind, Hypothesis, LabelValue, likelihood

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_JOINER = "\u2060"  # breaks the automatic links that Markdown makes of bare addresses

EVIDENCE_TITLES: dict[EvidenceKind, str] = {
    EvidenceKind.PAYMENT: "Payment",
    EvidenceKind.DEVICE: "Device",
    EvidenceKind.CONTACT: "Contact",
    EvidenceKind.SIGNUP: "Sign-up",
    EvidenceKind.NETWORK: "Network",
    EvidenceKind.SESSION: "Session",
    EvidenceKind.TEMPLATE: "Template",
    EvidenceKind.SYSTEM: "System prompt",
    EvidenceKind.TIMING: "Timing",
}

LABEL_TITLES: dict[LabelValue, str] = {
    LabelValue.DISTILLATION: "Distillation",
    LabelValue.BENIGN: "Benign",
    LabelValue.OTHER_ABUSE: "Other abuse",
    LabelValue.UNSURE: "Unsure",
}


def plain(text: object, limit: int = 200) -> str:
    """Text on one line without control, bidirectional or invisible characters, cut to ``limit``."""
    clean = _CONTROL.sub(" ", str(text)).strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def md(text: object, limit: int = 200) -> str:
    """Text for Markdown: shown as it is; no markup, image, directive, formula or link comes of it."""
    escaped = _MARKDOWN.sub(r"\\\1", plain(text, limit))
    escaped = escaped.replace("\\:/", f"\\:{_JOINER}/").replace("@", f"{_JOINER}@")
    return re.sub(r"(?i)\b(www)(?=\\\.)", rf"\1{_JOINER}", escaped)


def code(text: object, limit: int = 120) -> str:
    """Text as a Markdown code span, whatever backticks it holds."""
    clean = plain(text, limit) or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", clean)), default=0) + 1)
    pad = " " if clean.startswith("`") or clean.endswith("`") else ""
    return f"{fence}{pad}{clean}{pad}{fence}"


def short(text: object, limit: int = 18) -> str:
    """An id short enough for a label: head and tail, the middle left out."""
    clean = plain(text, 400)
    if len(clean) <= limit:
        return clean
    head = (limit - 1) * 2 // 3
    return f"{clean[:head]}…{clean[-(limit - 1 - head) :]}"


def missing(value: object) -> bool:
    """True for None, NaN and NaT."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or str(value) == "NaT"


def number(value: float | int | None, unit: str = "") -> str:
    """Compact number with its unit: ``14.3 M requests``; an en dash when unknown."""
    if missing(value) or value is None:
        return "–"
    size, sign = abs(float(value)), "-" if value < 0 else ""
    text = ""
    for step, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= step * 0.9995:
            scaled = size / step
            text = f"{sign}{scaled:.0f} {letter}" if scaled >= 99.95 else f"{sign}{scaled:.1f} {letter}"
            break
    if not text:
        text = f"{sign}{size:.0f}" if size == int(size) or size >= 100 else f"{sign}{size:.2g}"
    return f"{text} {unit}" if unit else text


def full(value: float | int | None) -> str:
    """A whole number in full: ``14,302,118``."""
    return "–" if missing(value) or value is None else f"{value:,.0f}"


def count(n: float | int, noun: str, plural: str | None = None) -> str:
    """``1 account``, ``2,310 accounts``."""
    return f"{full(n)} {noun if n == 1 else plural or noun + 's'}"


def share(value: float | None, digits: int = 0) -> str:
    """A share in [0, 1] as per cent; never rounds a part to nothing or to everything."""
    if missing(value) or value is None:
        return "–"
    percent = value * 100
    if 0 < percent < 0.5 and digits == 0:
        return "<1 %"
    if 99.5 < percent < 100 and digits == 0:
        return ">99 %"
    return f"{percent:.{digits}f} %"


def chance(probability: float | None) -> str:
    """ICD 203 word with its score: ``very likely (92 %)``. Never says 0 or 100."""
    if missing(probability) or probability is None:
        return "not scored"
    p = min(max(float(probability), 0.01), 0.99)
    return f"{likelihood(p)} ({p * 100:.0f} %)"


def chance_word(probability: float | None) -> str:
    """The ICD 203 word alone."""
    return (
        "not scored" if missing(probability) or probability is None else likelihood(min(max(probability, 0.01), 0.99))
    )


def when(moment: datetime | None, *, seconds: bool = False) -> str:
    """``18 Nov 2026, 06:05 UTC``."""
    if missing(moment) or moment is None:
        return "unknown"
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC" if seconds else f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def day(moment: datetime | None) -> str:
    """``18 Nov 2026``."""
    return "unknown" if missing(moment) or moment is None else f"{moment.day} {moment:%b %Y}"


def span(first: datetime | None, last: datetime | None) -> str:
    """``3 Oct to 18 Nov 2026``."""
    if missing(first) or missing(last) or first is None or last is None:
        return "unknown"
    if first.date() == last.date():
        return day(first)
    head = f"{first.day} {first:%b}" if first.year == last.year else day(first)
    return f"{head} to {day(last)}"


def duration(length: timedelta) -> str:
    """The largest fitting unit: ``3 h``, ``12 days``."""
    seconds = max(length.total_seconds(), 0)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    days = seconds / 86400
    return f"{days:.0f} days" if days < 60 else f"{days / 30.44:.0f} months"


def ago(moment: datetime | None, now: datetime) -> str:
    """``3 h ago``; both naive UTC."""
    return "unknown" if missing(moment) or moment is None else f"{duration(now - moment)} ago"


def evidence(kind: str) -> str:
    """Title of an evidence kind as stored in a run; unknown kinds as they are."""
    try:
        return EVIDENCE_TITLES[EvidenceKind(kind)]
    except ValueError:
        return plain(kind, 30)


def label(value: str) -> str:
    """Title of a label value as stored; unknown ones as they are."""
    try:
        return LABEL_TITLES[LabelValue(value)]
    except ValueError:
        return plain(value, 30)


def hypothesis(name: str | None) -> str:
    """Words of a hypothesis by its member name (``H3``); other text as it is."""
    if name is None or missing(name):
        return ""
    return Hypothesis[name].value if name in Hypothesis.__members__ else plain(name, 80)


def lineage(word: str | None, previous: float | None, size: int) -> str:
    """What changed since the run before, compared to what: ``grown, 118 more than 522``."""
    if word is None or missing(word):
        return "new"
    if missing(previous) or previous is None or word in ("new", "same"):
        return word
    change = size - int(previous)
    if change == 0:
        return word
    return f"{word}, {abs(change):,} {'more' if change > 0 else 'fewer'} than {int(previous):,}"


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def gist(reason: str, limit: int = 110) -> str:
    """The first clause of a reason: what was found. The rest says compared to what."""
    return plain(reason.split("; ")[0], limit)


def lines(texts: list[str] | tuple[str, ...]) -> Markup:
    """Escaped list items, for kit blocks."""
    return Markup("").join(Markup("<li>{}</li>").format(plain(t, 400)) for t in texts)
