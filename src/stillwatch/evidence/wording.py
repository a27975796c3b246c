"""The words of a report: what a probability is called, how far it can be trusted, how good its sources are.

Likelihood words: ICD 203 (2 January 2015), one row of words, never 0 or 100 %. Confidence is about the basis of a
judgement and never shares a sentence with a likelihood. Sources carry Admiralty marks: reliability A-F of the
source, credibility 1-6 of what it says. Markings: FIRST, Traffic Light Protocol 2.0 (August 2022).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from stillwatch.domain import LIKELIHOOD_WORDS, EvidenceKind, likelihood
from stillwatch.errors import InputError

TLP: dict[str, tuple[str, str, str]] = {
    "red": ("TLP:RED", "#ff2b2b", "For the eyes and ears of the named recipients only; no further disclosure."),
    "amber+strict": ("TLP:AMBER+STRICT", "#ffc000", "Limited disclosure: the recipient’s own organisation only."),
    "amber": (
        "TLP:AMBER",
        "#ffc000",
        "Limited disclosure: the recipient’s organisation and its clients, on a need-to-know basis.",
    ),
    "green": ("TLP:GREEN", "#33ff00", "Limited disclosure: within the recipient’s community, not in public."),
    "clear": ("TLP:CLEAR", "#ffffff", "Disclosure is not limited."),
}
"""Label as it must be written, its colour on black, what the recipient may do."""

LIKELIHOOD_RANGES = ("1–5 %", "5–20 %", "20–45 %", "45–55 %", "55–80 %", "80–95 %", "95–99 %")

CONFIDENCE = {
    "High": "two or more independent views agree, several kinds of source, a stable group, and two people have agreed",
    "Moderate": "two independent views agree, but the basis is narrower, less stable, or not reviewed by two people",
    "Low": "one view only, an unstable group, or key sources that are blind",
}
"""What the three levels mean here; they grade the basis, not the outcome."""

ADMIRALTY_RELIABILITY = {
    "A": "completely reliable",
    "B": "usually reliable",
    "C": "fairly reliable",
    "D": "not usually reliable",
    "E": "unreliable",
    "F": "cannot be judged",
}
ADMIRALTY_CREDIBILITY = {
    1: "confirmed by other sources",
    2: "probably true",
    3: "possibly true",
    4: "doubtful",
    5: "improbable",
    6: "cannot be judged",
}


@dataclass(frozen=True)
class SourceKind:
    """Where a kind of evidence comes from and how reliable that source is by its nature."""

    title: str
    source: str
    reliability: str
    why: str


SOURCES: dict[EvidenceKind, SourceKind] = {
    EvidenceKind.PAYMENT: SourceKind(
        "Payment", "provider’s billing records", "B", "kept by the payment processor; a card can be stolen or resold"
    ),
    EvidenceKind.DEVICE: SourceKind(
        "Device", "fingerprint that the client reports", "C", "can be forged; one lab machine serves many people"
    ),
    EvidenceKind.CONTACT: SourceKind(
        "Contact", "what the account holder typed at sign-up", "C", "verified at best once; disposable mail is cheap"
    ),
    EvidenceKind.SIGNUP: SourceKind(
        "Sign-up", "provider’s registration log", "B", "the provider’s own clock and address; campuses sign up together"
    ),
    EvidenceKind.NETWORK: SourceKind(
        "Network", "provider’s gateway log", "B", "seen by the provider; addresses are rented and shared by strangers"
    ),
    EvidenceKind.SESSION: SourceKind(
        "Session", "provider’s request log", "B", "made by the provider; a shared tool can carry a session along"
    ),
    EvidenceKind.TEMPLATE: SourceKind(
        "Prompt template",
        "fingerprints of the provider’s request log",
        "B",
        "computed at import; public templates exist",
    ),
    EvidenceKind.SYSTEM: SourceKind(
        "System prompt", "provider’s request log", "B", "popular agents send the same fixed prompt"
    ),
    EvidenceKind.TIMING: SourceKind(
        "Timing", "provider’s request log", "B", "the provider’s own clock; schedulers and time zones coincide"
    ),
}


@dataclass(frozen=True)
class Confidence:
    """How good the basis of a judgement is, with what that rests on."""

    level: str
    basis: tuple[str, ...]


def tlp(text: str) -> str:
    """The TLP 2.0 label in lower case; InputError for any other word."""
    key = text.strip().lower().removeprefix("tlp:")
    if key not in TLP:
        raise InputError(f"{clean(text, 40)!r} is no TLP 2.0 marking; want one of: {', '.join(TLP)}.")
    return key


def likelihood_words(probability: float) -> tuple[str, str]:
    """The ICD 203 word and its range, e.g. ``("very likely", "80–95 %")``."""
    word = likelihood(min(max(probability, 0.0), 1.0))
    return word, LIKELIHOOD_RANGES[LIKELIHOOD_WORDS.index(word)]


def confidence(kinds: Collection[str], stability: float | None, people: int, blind: Collection[str]) -> Confidence:
    """Grade the basis: kinds of evidence that hold, stability over seeds (0-1), people who agreed, blind signals."""
    known = [k for k in EvidenceKind if str(k) in {str(given) for given in kinds}]
    views = sorted({k.view for k in known})
    steady = stability if stability is not None else 0.0
    if len(views) >= 2 and len(known) >= 3 and steady >= 0.8 and people >= 2 and not blind:
        level = "High"
    elif len(views) >= 2 and steady >= 0.5:
        level = "Moderate"
    else:
        level = "Low"
    return Confidence(
        level,
        (
            f"{plural(len(views), 'independent view')} agree{'s' if len(views) == 1 else ''}"
            + (f" ({', '.join(views)})" if views else ""),
            f"{plural(len(known), 'kind')} of evidence",
            f"the group is found again with a mean overlap of {steady:.0%} when the search starts elsewhere"
            if stability is not None
            else "how stable the group is was not measured",
            f"{plural(people, 'person', 'people')} reviewed it and agreed"
            if people
            else "no person has reviewed and confirmed it yet",
            f"{plural(len(blind), 'signal')} could not be computed" if blind else "no signal was blind",
        ),
    )


def admiralty(kind: EvidenceKind, corroborated: bool) -> str:
    """Grade of one kind in one case: reliability by its nature, credibility by whether another view agrees."""
    return SOURCES[kind].reliability + ("2" if corroborated else "3")


def plural(n: int, one: str, many: str | None = None) -> str:
    """``1 account``, ``2,310 accounts``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def span(first: datetime | None, last: datetime | None) -> str:
    """``2026-10-01 to 2026-11-20``, or that nothing was seen."""
    if first is None or last is None:
        return "no dated request"
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def moment(at: datetime | None) -> str:
    """``2026-11-22 18:00 UTC``."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "–"


_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def clean(text: object, most: int = 200) -> str:
    """Text from outside, fit to be read: one line, no control, direction or invisible characters, at most ``most``.

    It says nothing about HTML: the templates escape.
    """
    plain = _HIDDEN.sub(" ", unicodedata.normalize("NFC", str(text)[: most * 4]).encode("utf-8", "replace").decode())
    plain = " ".join(plain.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def listed(items: Iterable[str], most: int = 5) -> str:
    """``a, b and 3 more``."""
    every = list(items)
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest} more" if rest > 0 else "")
