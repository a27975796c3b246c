"""Words: the ledger of reasons, for a reader at two in the morning. Every figure is said beside what is normal."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stillwatch.clusters.evidence import HARD, SOFT, Evidence, value_bits
from stillwatch.clusters.portrait import Portrait
from stillwatch.clusters.selection import Found
from stillwatch.domain import EvidenceKind
from stillwatch.graph.rarity import by_owner

NOUN: dict[str, tuple[str, str]] = {
    "payment": ("card or payment method", "cards or payment methods"),
    "card": ("card", "cards"),
    "device": ("device", "devices"),
    "phone": ("phone number", "phone numbers"),
    "email": ("mail address", "mail addresses"),
    "address": ("postal address", "postal addresses"),
    "signup_ip": ("sign-up address", "sign-up addresses"),
    "ip": ("address", "addresses"),
    "network": ("subnet or address", "subnets or addresses"),
    "session": ("conversation", "conversations"),
    "system": ("system prompt", "system prompts"),
}
INNOCENT: dict[str, str] = {
    EvidenceKind.PAYMENT: "a family or a firm that pays for several accounts; a range of prepaid cards",
    EvidenceKind.DEVICE: "a shared computer at home or in a laboratory",
    EvidenceKind.CONTACT: "a household, a front desk, a shared mailbox",
    EvidenceKind.SIGNUP: "a course, a hackathon or a launch day",
    EvidenceKind.NETWORK: "carrier NAT, a campus, a VPN, a cloud egress",
    EvidenceKind.SESSION: "a key migration, or a team that hands work over",
    EvidenceKind.TEMPLATE: "a public template, an assignment, one vendor's product",
    EvidenceKind.SYSTEM: "a popular agent framework with a fixed system prompt",
    EvidenceKind.TIMING: "a wave of enforcement that caught a region or a plan by mistake",
}
LEDGER = ["kind", "text", "innocent", "bits", "values", "accounts", "outside", "p_value"]


def number(value: float) -> str:
    """A figure as people write it: 1,234; 12; 1.3; 0.004."""
    if value == 0:
        return "0"
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def percent(share: float) -> str:
    if 0 < share < 0.01:
        return "under 1 %"
    return f"{100 * share:.0f} %"


def noun(kind: str, count: int = 2) -> str:
    return NOUN.get(kind, (f"shared {kind}", f"shared {kind} values"))[0 if count == 1 else 1]


_KEEP_TIME = (
    "one house behind one gateway, a migration of keys, or a tool that moves all of its users to a new model at once"
)

_NEVER_SLEEPS = "agents left running overnight, a service with users of its own, people who travel or use a VPN"
_RESTLESS, _ACTED_ON = "pause less", "were already banned or suspended"
_TOGETHER = "taken together"
_ONE_JOB = "people with one job: a course, a team, the users of one product"
_SUPPORTS = 3.0
"""Most bits of what pooled requests ask for: wording said most of it already."""
_CONDUCT = 2.0
"""-log10 p from which the way a group works is a reason."""


def ledger(evidence: Evidence, found: Found, portrait: Portrait, tests: int) -> pd.DataFrame:
    """One row per reason of a cluster, strongest first; columns as ``run_schema.REASONS`` without the cluster."""
    rows = [
        *_ties(evidence, found, tests),
        *_wording(evidence, found, tests),
        *_pooled(found, portrait, tests),
        *_moments(evidence, found, portrait, tests),
    ]
    frame = pd.DataFrame(rows, columns=LEDGER)
    return frame.sort_values(["bits", "kind", "text"], ascending=[False, True, True], kind="stable").reset_index(
        drop=True
    )


def _surprise(p: float, tests: int) -> tuple[float, float]:
    """Bits (at most 200) and the p-value after Bonferroni."""
    adjusted = min(1.0, p * tests)
    return round(float(min(200.0, max(0.0, -np.log2(max(adjusted, 1e-300))))), 2), adjusted


def _ties(evidence: Evidence, found: Found, tests: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    size = len(found.members)
    for kind, null in evidence.nulls.items():
        if kind not in evidence.identity:  # several kinds taken together
            continue
        part = evidence.identity[kind]
        excess = null.test(found.members)
        if excess.observed < 2:
            continue
        bits, p = _surprise(excess.p_value, tests)
        held = np.asarray(
            by_owner(part.matrix[found.members], np.unique(evidence.owner[found.members], return_inverse=True)[1]).sum(
                axis=0
            )
        ).ravel()
        tied = held > 1
        touching = np.asarray(part.matrix[:, tied].sum(axis=1)).ravel() > 0
        outside = int(touching.sum() - touching[found.members].sum())
        usual = evidence.usual.get(kind, 0.0)
        text = (
            f"{number(excess.values)} {noun(kind, excess.values)}, each used by 2 or more separate owners "
            "among these accounts "
            f"({number(excess.accounts)} of {number(size)} accounts); "
            f"chance would give {number(round(excess.expected, 2))} such ties, "
            f"here it is {number(excess.observed)}"
        )
        if usual:
            text += f"; in this data set one {noun(kind, 1)} is used by {number(round(usual, 2))} accounts on average"
        # Ties that formed the group cannot test it.
        origin = found.tested.origin
        formed = (origin == "identity" and part.evidence in HARD) or origin == "joint"
        p_value = None if formed else p
        rows.append(
            (part.evidence, text, INNOCENT[part.evidence], bits, excess.values, excess.accounts, outside, p_value)
        )
    return rows


def _wording(evidence: Evidence, found: Found, tests: int) -> list[tuple[object, ...]]:
    t = found.tested
    if t.coherence <= 0 or t.content.observed < 2:
        return []
    counts = evidence.content.counts
    inside = np.asarray(counts[found.members].sum(axis=0)).ravel()
    everywhere = evidence.content.sharers
    own = (inside >= max(3.0, 0.2 * len(found.members))) & (inside >= 0.5 * everywhere)
    if not own.any():
        own = (inside >= 3) & (inside / len(found.members) >= 5 * everywhere / evidence.n)
    users = np.asarray(counts[:, own].sum(axis=1)).ravel() >= max(1.0, 0.1 * own.sum())
    within = int(users[found.members].sum())
    bits, p = _surprise(t.content.p_value, tests)
    what = "phrases" if evidence.content.source == "phrases" else "prompt templates"
    text = (
        f"{number(int(own.sum()))} rare {what} that these accounts repeat "
        f"({number(within)} of {number(len(found.members))} accounts); "
        f"two of them agree {number(round(t.lift, 1))} times as much as two strangers do"
    )
    return [
        (
            EvidenceKind.TEMPLATE.value,
            text,
            INNOCENT[EvidenceKind.TEMPLATE],
            bits,
            int(own.sum()),
            within,
            int(users.sum()) - within,
            p,
        )
    ]


def _pooled(found: Found, portrait: Portrait, tests: int) -> list[tuple[object, ...]]:
    """What the members' requests ask for, pooled. Their own words formed most groups, which it cannot test then."""
    pooled = portrait.pooled
    if pooled is None or min(1.0, pooled.p_value * tests) > 0.01:
        return []
    bits, p = _surprise(pooled.p_value, tests)
    text = (
        f"{percent(pooled.share)} of {number(pooled.requests)} requests {_TOGETHER} ask for {pooled.capability}, "
        f"{percent(pooled.usual)} of those of other owners of equal volume; it takes the traffic of "
        f"{number(pooled.enough)} such owners to tell, about {number(round(pooled.enough * pooled.median))} requests"
    )
    size, kind = len(found.members), EvidenceKind.TEMPLATE.value
    return [(kind, text, _ONE_JOB, min(bits, _SUPPORTS), 1, size, 0, p if found.tested.origin == "identity" else None)]


def _moments(evidence: Evidence, found: Found, portrait: Portrait, tests: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    size = len(found.members)
    if portrait.burst >= 0.2 and portrait.burst >= 4 * portrait.burst_usual and size * portrait.burst >= 4:
        surprise = size * portrait.burst * np.log2(portrait.burst / max(portrait.burst_usual, 1e-6)) / 4
        rows.append(
            (
                EvidenceKind.SIGNUP.value,
                f"{number(round(size * portrait.burst))} of {number(size)} accounts signed up within 48 hours; "
                "the busiest 48 hours of the "
                f"whole data set hold {percent(portrait.burst_usual)} of all sign-ups",
                INNOCENT[EvidenceKind.SIGNUP],
                round(float(min(40.0, surprise)), 2),
                1,
                round(size * portrait.burst),
                0,
                None,
            )
        )
    t = found.tested
    if t.enforced >= 2:
        bits, p = _surprise(t.enforced_p, tests)
        rows.append(
            (
                EvidenceKind.TIMING.value,
                f"{number(t.enforced)} of these accounts {_ACTED_ON}; "
                "of as many accounts of the same plans and "
                f"verification {number(round(t.enforced_expected, 1))} would be",
                INNOCENT[EvidenceKind.TIMING],
                bits,
                1,
                t.enforced,
                0,
                p,
            )
        )
    if found.judged.conduct >= _CONDUCT and evidence.conduct is not None:
        bits, p = _surprise(10.0**-found.judged.conduct, tests)
        more = int((evidence.conduct[found.members] > 0).sum())
        text = (
            f"{number(more)} of {number(size)} accounts {_RESTLESS} and come from more networks than the average "
            "account of equal volume on equally many days; few groups that write alike go as far"
        )
        rows.append((EvidenceKind.TIMING.value, text, _NEVER_SLEEPS, bits, 1, more, 0, p))
    for sign in t.timing.signs:
        bits, p = _surprise(sign.p_value, tests)
        if sign.p_value <= 0.01:
            kind = EvidenceKind.TIMING
            rows.append((kind.value, sign.words, _KEEP_TIME, bits, 1, sign.owners, 0, p))
    return rows


def title(reasons: pd.DataFrame) -> str:
    """A few words for a cluster."""
    short = {
        "payment": "shared cards",
        "device": "shared devices",
        "contact": "shared contact details",
        "signup": "sign-ups in common",
        "network": "shared subnets",
        "session": "conversations in common",
        "template": "the same rare phrases",
        "system": "the same system prompt",
        "timing": "work in step",
        _RESTLESS: "work without pause",
        _ACTED_ON: "past enforcement",
        _TOGETHER: "the same things asked",
    }
    # Reasons of one kind are of several sorts: what they say tells which.
    said = [
        next((m for m in (_RESTLESS, _ACTED_ON, _TOGETHER) if m in text), k)
        for k, text in zip(reasons["kind"], reasons["text"], strict=True)
    ]
    told = pd.Series(said, index=reasons.index)
    kinds = list(dict.fromkeys(told[reasons["bits"] > 3]))[:2] or list(dict.fromkeys(told))[:1]
    words = " and ".join(short[k] for k in kinds)
    return words[:1].upper() + words[1:] if words else "Weakly tied accounts"


def account_reasons(evidence: Evidence, found: Found) -> tuple[list[list[str]], list[list[str]]]:
    """For each member, why and why not, from its own links only."""
    members, t = found.members, found.tested
    owner = np.unique(evidence.owner[members], return_inverse=True)[1]
    why: list[list[tuple[float, str]]] = [[] for _ in members]
    against: list[list[str]] = [[] for _ in members]
    for kind, part in evidence.identity.items():
        if part.evidence not in (*HARD, *SOFT) or not part.matrix.nnz:
            continue
        inside = part.matrix[members].tocsr()
        held = np.asarray(by_owner(inside, owner).sum(axis=0)).ravel()
        sharers, bits = part.sharers, value_bits(evidence, kind)
        for i in range(len(members)):
            values = inside.indices[inside.indptr[i] : inside.indptr[i + 1]]
            values = values[held[values] > 1]
            if len(values):
                best = values[np.lexsort((values, sharers[values]))[0]]
                more = f" and {number(len(values) - 1)} more" if len(values) > 1 else ""
                text = (
                    f"shares a {noun(kind, 1)}{more} with {number(held[best] - 1)} other "
                    f"{'owner' if held[best] == 2 else 'owners'} in this "
                    f"cluster; {number(sharers[best])} accounts in the whole data set have it"
                )
                why[i].append((float(bits[values].sum()), text))
    scores = found.wording[members]
    middle = float(np.median(scores)) if len(scores) else 0.0
    status = evidence.accounts["status"].to_numpy(dtype=object)[members]
    for i in range(len(members)):
        if t.coherence > 0 and scores[i] > 0.5 * middle:
            fit = scores[i] / max(middle, 1e-9)
            why[i].append(
                (
                    20.0 * min(fit, 2.0),
                    f"repeats the rare phrases of this cluster ({number(round(fit, 1))} times the median member)",
                )
            )
        elif evidence.content.source != "nothing":
            against[i].append(
                "its wording is not that of the cluster"
                if scores[i] <= 0.1 * middle
                else "its wording fits the cluster only in part"
            )
        if status[i] in ("banned", "suspended"):
            why[i].append((4.0, f"was {status[i]} before"))
        if not t.linked[i]:
            against[i].append(
                "no card, device, contact, conversation or rare subnet of its own ties it to another owner here"
            )
    return [[text for _, text in sorted(w, key=lambda x: (-x[0], x[1]))] for w in why], against
