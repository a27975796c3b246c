"""The look: one colour, shape and icon per kind of evidence, and the one stylesheet of the HTML blocks in ``kit``.

Colours come in pairs (light theme, dark theme). Streamlit sets CSS ``color-scheme`` on the app, so ``light-dark()``
picks the right one without the server knowing the theme. Each kind also has its own shape, so that nothing hangs on
colour alone; hues were spaced for protan, deutan and tritan eyes (Okabe and Ito 2008) and differ in lightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stillwatch.domain import EvidenceKind, LabelValue
from stillwatch.ui.words import EVIDENCE_TITLES


@dataclass(frozen=True)
class Mark:
    """How one kind is drawn everywhere."""

    title: str
    icon: str
    """Material symbol name."""
    shape: str
    """Shape on the graph canvas (see canvas.js)."""
    glyph: str
    """The same shape as a character, for text and legends."""
    light: str
    dark: str

    @property
    def css(self) -> str:
        return f"light-dark({self.light}, {self.dark})"


def _mark(kind: EvidenceKind, icon: str, shape: str, glyph: str, light: str, dark: str) -> Mark:
    return Mark(EVIDENCE_TITLES[kind], icon, shape, glyph, light, dark)


ACCOUNT = Mark("Account", "person", "dot", "●", "#3b6fd4", "#6ea8fe")
GROUP = Mark("Group", "workspaces", "dot", "◉", "#3b6fd4", "#6ea8fe")
MARKS: dict[str, Mark] = {
    "account": ACCOUNT,
    "payment": _mark(EvidenceKind.PAYMENT, "credit_card", "diamond", "◆", "#b45309", "#fbbf24"),
    "device": _mark(EvidenceKind.DEVICE, "devices", "square", "■", "#047857", "#34d399"),
    "contact": _mark(EvidenceKind.CONTACT, "contact_mail", "cross", "✚", "#4d7c0f", "#bef264"),
    "signup": _mark(EvidenceKind.SIGNUP, "how_to_reg", "triangle", "▲", "#0e7490", "#22d3ee"),
    "network": _mark(EvidenceKind.NETWORK, "lan", "triangleDown", "▼", "#be185d", "#f472b6"),
    "session": _mark(EvidenceKind.SESSION, "cable", "star", "★", "#c2410c", "#ff8552"),
    "template": _mark(EvidenceKind.TEMPLATE, "description", "hexagon", "⬢", "#6d28d9", "#a78bfa"),
    "system": _mark(EvidenceKind.SYSTEM, "terminal", "bar", "▬", "#86198f", "#e879f9"),
    "timing": _mark(EvidenceKind.TIMING, "schedule", "ring", "◎", "#475569", "#cbd5e1"),
}


def mark(kind: str) -> Mark:
    """Mark of a node or evidence kind; an unknown one gets a plain grey dot under its own name."""
    return MARKS.get(kind) or Mark(kind, "help", "dot", "●", "#64748b", "#94a3b8")


LABEL_ICONS: dict[str, str] = {
    LabelValue.DISTILLATION: "gpp_bad",
    LabelValue.BENIGN: "verified_user",
    LabelValue.OTHER_ABUSE: "report",
    LabelValue.UNSURE: "help",
}
LABEL_TONES: dict[str, str] = {
    LabelValue.DISTILLATION: "bad",
    LabelValue.BENIGN: "good",
    LabelValue.OTHER_ABUSE: "warn",
    LabelValue.UNSURE: "quiet",
}

TONES: dict[str, tuple[str, str]] = {
    "bad": ("#b42318", "#fda29b"),
    "warn": ("#93590b", "#fcd27a"),
    "good": ("#067647", "#5fd8a4"),
    "info": ("#1d4ed8", "#93c0ff"),
    "content": ("#6d28d9", "#c4b5fd"),
    "quiet": ("#475569", "#a9b6c8"),
}
"""Tones of chips: text colour on light and on dark; the ground is the same colour, mixed thin."""

_CHIPS = "\n".join(
    f".sw-{tone}{{color:light-dark({light},{dark});"
    f"background:color-mix(in srgb,light-dark({light},{dark}) 13%,transparent)}}"
    for tone, (light, dark) in TONES.items()
)

STYLESHEET = f"<style>{(Path(__file__).parent / 'style.css').read_text()}\n{_CHIPS}</style>"
