"""How each kind of evidence is drawn in a bundle: the colours and shapes of the pages, so that a recipient and an
analyst speak of the same picture. Hues are spaced for colour-blind eyes (Okabe and Ito 2008); each kind also has its
own shape. ``tests/evidence`` proves that the pages use the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """Title, shape, the same shape as a character, colour on a light ground and on a dark one."""

    title: str
    shape: str
    glyph: str
    light: str
    dark: str


MARKS: dict[str, Mark] = {
    "account": Mark("Account", "dot", "●", "#3b6fd4", "#6ea8fe"),
    "payment": Mark("Payment", "diamond", "◆", "#b45309", "#fbbf24"),
    "device": Mark("Device", "square", "■", "#047857", "#34d399"),
    "contact": Mark("Contact", "cross", "✚", "#4d7c0f", "#bef264"),
    "signup": Mark("Sign-up", "triangle", "▲", "#0e7490", "#22d3ee"),
    "network": Mark("Network", "triangleDown", "▼", "#be185d", "#f472b6"),
    "session": Mark("Session", "star", "★", "#c2410c", "#ff8552"),
    "template": Mark("Template", "hexagon", "⬢", "#6d28d9", "#a78bfa"),
    "system": Mark("System prompt", "bar", "▬", "#86198f", "#e879f9"),
    "timing": Mark("Timing", "ring", "◎", "#475569", "#cbd5e1"),
}
OTHER = Mark("Other", "dot", "●", "#64748b", "#94a3b8")


def mark(kind: str) -> Mark:
    """Mark of a node or evidence kind; a grey dot for one that is not known."""
    return MARKS.get(kind, OTHER)
