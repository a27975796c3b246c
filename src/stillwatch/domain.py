"""The words that all stages speak: tables and columns with their meaning, evidence kinds, labels, likelihoods."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import pyarrow as pa

Progress = Callable[[str, float | None], None]
"""Called by long work as ``progress("what is being done now", fraction done or None)``."""


def no_progress(_what: str, _done: float | None = None) -> None:
    """Say nothing."""


ColumnType = Literal[
    "string", "timestamp", "date", "int32", "int64", "double", "bool", "list<string>", "list<int32>", "list<double>"
]

_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "list<string>": pa.list_(pa.string()),
    "list<int32>": pa.list_(pa.int32()),
    "list<double>": pa.list_(pa.float64()),
}


@dataclass(frozen=True)
class Column:
    """One column and what it means; docs/columns.md is generated from these."""

    name: str
    type: ColumnType
    meaning: str
    required: bool = False

    @property
    def arrow(self) -> pa.DataType:
        return _ARROW[self.type]


@dataclass(frozen=True)
class TableSpec:
    """One table: its name, what a row is, its columns and the columns that are unique together."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema. All timestamps are naive UTC with microseconds."""
        return pa.schema([pa.field(c.name, c.arrow) for c in self.columns])

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


ENFORCED = ("banned", "suspended")
"""Account states that past enforcement leaves."""


class EvidenceKind(StrEnum):
    """A kind of thing that two accounts can have in common. One colour, shape and icon each, everywhere."""

    PAYMENT = "payment"
    DEVICE = "device"
    CONTACT = "contact"  # phone, email, postal address
    SIGNUP = "signup"  # sign-up address, sign-up burst with look-alike registration
    NETWORK = "network"  # client address or subnet
    SESSION = "session"  # a session artefact seen in two accounts
    TEMPLATE = "template"  # prompt template or repeated phrases
    SYSTEM = "system"  # system prompt, tool schema
    TIMING = "timing"  # coordinated timing, hand-over

    @property
    def view(self) -> str:
        """Which independent view a kind belongs to: ``identity``, ``content``, ``behaviour``.

        Network address and identity are one view (resellers pass both); see docs/signals.md.
        """
        if self in (EvidenceKind.TEMPLATE, EvidenceKind.SYSTEM):
            return "content"
        return "behaviour" if self is EvidenceKind.TIMING else "identity"


IDENTIFIER_KINDS: dict[str, EvidenceKind] = {
    "payment": EvidenceKind.PAYMENT,
    "card": EvidenceKind.PAYMENT,
    "device": EvidenceKind.DEVICE,
    "phone": EvidenceKind.CONTACT,
    "email": EvidenceKind.CONTACT,
    "address": EvidenceKind.CONTACT,
    "signup_ip": EvidenceKind.SIGNUP,
    "ip": EvidenceKind.NETWORK,
}
"""identifiers.kind -> evidence kind; see ``evidence_kind`` for the others."""


def evidence_kind(identifier_kind: str) -> EvidenceKind:
    """Evidence kind of ``identifiers.kind``; an unknown kind is read as a contact detail."""
    return IDENTIFIER_KINDS.get(identifier_kind.lower(), EvidenceKind.CONTACT)


UNATTRIBUTED = "unattributed"
"""account_id of requests whose source names nobody. They are kept and counted, but link no accounts to each other."""

UNKNOWN_MODEL = "unknown"
"""model of requests that were refused before their model was logged."""


class Capability(StrEnum):
    """What a request asks the model for, as far as its wording shows. Bit ``1 << index`` in ``capabilities``."""

    REASONING = "reasoning"  # asks for the reasoning behind an answer to be written out
    GRADING = "grading"  # rubric grading, preference judgement, reward
    REWRITING = "rewriting"  # rewrite, paraphrase, make safe for a censor
    CODING = "coding"
    TOOLS = "tools"  # agentic work, tool use, orchestration, computer use
    MATHS = "maths"
    TRANSLATION = "translation"
    EXTRACTION = "extraction"  # structured data out of text, classification
    KNOWLEDGE = "knowledge"  # questions and answers, explanations
    WRITING = "writing"  # creative or business writing
    DATA_SYNTHESIS = "data_synthesis"  # asks for many examples, instruction data, variations
    SAFETY = "safety"  # policy probing, jailbreak sweeps

    @property
    def bit(self) -> int:
        return 1 << list(Capability).index(self)


TRAINING_VALUE = frozenset(
    {Capability.REASONING, Capability.GRADING, Capability.DATA_SYNTHESIS, Capability.TOOLS, Capability.CODING}
)
"""Capabilities that published campaigns went after (field notes: what gave it away)."""


class LabelValue(StrEnum):
    """What an analyst can say of an account, a cluster or a campaign."""

    DISTILLATION = "distillation"
    BENIGN = "benign"
    OTHER_ABUSE = "other_abuse"
    UNSURE = "unsure"


class TargetType(StrEnum):
    ACCOUNT = "account"
    CLUSTER = "cluster"
    CAMPAIGN = "campaign"


class LabelSource(StrEnum):
    """Who said it. A human beats a rule; an import counts as human testimony of somebody else."""

    HUMAN = "human"
    RULE = "rule"
    IMPORT = "import"


class CampaignStatus(StrEnum):
    """Ladder of a campaign; every step needs a reason."""

    OPEN = "open"
    IN_REVIEW = "in_review"
    CONFIRMED = "confirmed"
    MITIGATED = "mitigated"
    CLOSED = "closed"
    REJECTED = "rejected"


class Hypothesis(StrEnum):
    """Competing explanations of a cluster (field notes, section 5)."""

    H1 = "distillation by one operator"
    H2 = "reseller with mixed customers"
    H3 = "one enterprise behind a shared gateway"
    H4 = "university or course"
    H5 = "evaluation or red team"
    H6 = "shared public template"
    H7 = "stolen keys"
    H8 = "free-tier abuse"
    H9 = "data artefact"


LIKELIHOOD_WORDS = (
    "almost no chance",
    "very unlikely",
    "unlikely",
    "roughly even chance",
    "likely",
    "very likely",
    "almost certain",
)
"""ICD 203 words (2 January 2015), from 1-5 % to 95-99 %."""
_LIKELIHOOD_EDGES = (0.05, 0.20, 0.45, 0.55, 0.80, 0.95)


def likelihood(probability: float) -> str:
    """ICD 203 word for a calibrated probability in [0, 1]; at a shared edge the less certain word is taken."""
    if not 0 <= probability <= 1:
        raise ValueError(f"a probability lies between 0 and 1, not at {probability}")
    step = bisect_right if probability < 0.5 else bisect_left
    return LIKELIHOOD_WORDS[step(_LIKELIHOOD_EDGES, probability)]


@dataclass(frozen=True)
class HandCut:
    """A standing decision of a person on clusters: ``split`` keeps ``moved`` apart from ``stayed``, ``merge`` joins
    them. Meant by accounts, not by ids, so that it holds in later runs too.
    """

    decision_id: str
    action: Literal["split", "merge"]
    cluster_id: str
    """The cluster that keeps its id."""
    other_id: str
    """The cluster that was split off, or that went into the first one."""
    moved: frozenset[str]
    stayed: frozenset[str]


@dataclass(frozen=True)
class Label:
    """One statement about one target. Append-only; a correction supersedes."""

    label_id: str
    target_type: TargetType
    target_id: str
    value: LabelValue
    reason: str
    labeler: str
    labeled_at: str
    source: LabelSource
    supersedes: str | None = None
    expires_at: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class ImportReport:
    """What an import did. ``blind`` names the signals that this source cannot feed, with the reason."""

    import_id: str
    source: str
    format: str
    rows_in: dict[str, int] = field(default_factory=dict)
    rows_new: dict[str, int] = field(default_factory=dict)
    rows_set_aside: dict[str, int] = field(default_factory=dict)
    rejects_file: str | None = None
    reject_examples: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    seconds: float = 0.0
    already_known: bool = False
