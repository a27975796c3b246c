"""Labels: what people and rules say of accounts, clusters and campaigns.

Nothing is overwritten. A label stands until the same person says something else of the same target, or until it
expires; people who disagree stand side by side and ``verdicts`` counts them. A rule gives way to people: a
person's label supersedes the rule's, and a rule cannot speak where a person has spoken (Osprey's vocabulary:
reason, expiry, human beats rule). An import of analysts' labels counts as people's word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import KeyedColumnElement

from stillwatch.cases.campaigns import accounts_inside
from stillwatch.cases.database import Database, Transaction, exists_in, person, reason_text, storable
from stillwatch.cases.models import LABEL_SCHEMA_VERSION, CampaignRow, LabelRow
from stillwatch.cases.targets import Targets
from stillwatch.domain import Label, LabelSource, LabelValue, TargetType
from stillwatch.errors import InputError, StillwatchError, UnknownTarget

SHOWN_PROBLEMS = 20


class Confidence(StrEnum):
    """How good the basis of a label is (ICD 203); null = not said."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"


@dataclass(frozen=True)
class Statement:
    """One label to be written. ``row`` is its row in a file, for messages."""

    target_type: str
    target_id: str
    value: str
    reason: str
    labeler: str
    source: str = LabelSource.HUMAN
    run_id: str | None = None
    expires_at: datetime | None = None
    confidence: str | None = None
    evidence_request_ids: tuple[str, ...] = ()
    row: int | None = None

    @property
    def target(self) -> tuple[str, str]:
        return self.target_type, self.target_id


@dataclass(frozen=True)
class Saved:
    """What became of some statements: the labels that now stand for them, how many are new, how many stood already."""

    labels: tuple[Label, ...]
    added: int
    unchanged: int


@dataclass(frozen=True)
class Refuse:
    """A statement that the rules do not allow."""

    why: str


@dataclass(frozen=True)
class Accept:
    """A statement to write down; ``supersedes`` is the label that it takes the place of."""

    supersedes: LabelRow | None


@dataclass(frozen=True)
class Keep:
    """A statement that stands already, word for word."""

    label: LabelRow


def decide(statement: Statement, standing: Sequence[LabelRow]) -> Refuse | Accept | Keep:
    """What to do with a statement, given the labels that stand on its target (oldest first)."""
    people = [r for r in standing if r.source != LabelSource.RULE]
    if statement.source == LabelSource.RULE:
        if people:
            said = people[-1]
            return Refuse(
                f"{said.labeler} has already said {said.value} of {statement.target_type} {statement.target_id}, "
                "and a person beats a rule."
            )
        own = [r for r in standing if r.source == LabelSource.RULE]
    else:
        own = [r for r in people if r.labeler == statement.labeler] or [r for r in standing if r not in people]
    for row in own:
        same = (row.value, row.reason, row.labeler, row.source, row.expires_at)
        if same == (statement.value, statement.reason, statement.labeler, statement.source, statement.expires_at):
            return Keep(row)
    return Accept(own[-1] if own else None)


def stands(now: datetime) -> ColumnElement[bool]:
    """Condition: the label is neither superseded nor expired at ``now``."""
    newer = aliased(LabelRow)
    superseded = select(newer.seq).where(newer.supersedes == LabelRow.label_id).exists()
    return ~superseded & or_(LabelRow.expires_at.is_(None), LabelRow.expires_at > now)


class LabelBook(Database):
    """The labels of the case file."""

    targets: Targets

    def add_label(
        self,
        target_type: str,
        target_id: str,
        value: str,
        reason: str,
        by: str,
        source: str = LabelSource.HUMAN,
        run_id: str | None = None,
        expires_at: datetime | None = None,
    ) -> Label:
        """Say ``value`` of one target. The same statement again gives the label that stands.

        ``expires_at`` is UTC. ``run_id`` is the run that was looked at (default: the published one); a label on a
        cluster keeps that run's members, one on a campaign the accounts in it.
        Raises InputError, UnknownTarget, RefusedChange (a rule against a person).
        """
        statement = Statement(target_type, target_id, value, reason, by, source, run_id, expires_at)
        return self.add_labels([statement], by).labels[0]

    def add_labels(self, statements: Sequence[Statement], by: str) -> Saved:
        """Write many statements, all of them or none. ``by`` is who hands them in, each has its own labeler.

        All problems are collected and raised once, with the row of each.
        """
        cleaned, problems = _clean(statements, self._clock())
        snapshots = self._look_up(cleaned, problems)
        _raise_all(problems, statements)
        if not cleaned:
            return Saved((), 0, 0)
        with self._write(by) as tx:
            self._unknown_campaigns(tx, cleaned, statements)
            standing = _standing(tx.session, cleaned, tx.now)
            decisions = [decide(s, standing.get(s.target, [])) for s in cleaned]
            refused = [(s, d) for s, d in zip(cleaned, decisions, strict=True) if isinstance(d, Refuse)]
            if refused:
                first, refusal = refused[0]
                more = f" And {len(refused) - 1} more of this kind; nothing was written." if len(refused) > 1 else ""
                raise tx.refuse("label", *first.target, refusal.why + more, value=first.value, labeler=first.labeler)
            rows, added = self._save(tx, cleaned, decisions, snapshots)
            return Saved(tuple(_label(r) for r in rows), added, len(statements) - added)

    def _save(
        self,
        tx: Transaction,
        statements: Sequence[Statement],
        decisions: Sequence[Refuse | Accept | Keep],
        snapshots: dict[str, tuple[str, list[str]]],
    ) -> tuple[list[LabelRow], int]:
        new = sum(isinstance(d, Accept) for d in decisions)
        ids = iter(tx.next_ids("L", new, 6) if new else [])
        published = self.targets.run_id() if new else None
        rows: list[LabelRow] = []
        for statement, decision in zip(statements, decisions, strict=True):
            if not isinstance(decision, Accept):
                rows += [decision.label] if isinstance(decision, Keep) else []
                continue
            run_id: str | None = statement.run_id or published
            members: list[str] | None = None
            if statement.target_type == TargetType.CLUSTER:
                run_id, members = snapshots[statement.target_id]
            elif statement.target_type == TargetType.CAMPAIGN:
                members = accounts_inside(tx.session, statement.target_id)
            row = LabelRow(
                label_id=next(ids),
                target_type=statement.target_type,
                target_id=statement.target_id,
                value=statement.value,
                reason=statement.reason,
                labeler=statement.labeler,
                labeled_at=tx.now,
                source=statement.source,
                supersedes=decision.supersedes.label_id if decision.supersedes else None,
                expires_at=statement.expires_at,
                run_id=run_id,
                members=members,
                confidence=statement.confidence,
                evidence_request_ids=list(statement.evidence_request_ids) or None,
                schema_version=LABEL_SCHEMA_VERSION,
            )
            tx.session.add(row)
            rows.append(row)
            tx.record(
                "label", row.target_type, row.target_id, row.reason,
                label_id=row.label_id, value=row.value, labeler=row.labeler, source=row.source,
                supersedes=row.supersedes, run_id=row.run_id,
            )  # fmt: skip
        return rows, new

    def _look_up(
        self, statements: Sequence[Statement], problems: list[tuple[int | None, str]]
    ) -> dict[str, tuple[str, list[str]]]:
        """Members of the labelled clusters; unknown accounts and clusters become problems."""
        accounts = {s.target_id for s in statements if s.target_type == TargetType.ACCOUNT}
        known = self.targets.known_accounts(accounts) if accounts else set()
        clusters = [s for s in statements if s.target_type == TargetType.CLUSTER]
        snapshots: dict[str, tuple[str, list[str]]] = {}
        for run_id in {s.run_id for s in clusters}:
            ids = {s.target_id for s in clusters if s.run_id == run_id}
            snapshots |= self.targets.members(ids, run_id)
        for s in statements:
            if s.target_type == TargetType.ACCOUNT and s.target_id not in known:
                problems.append((s.row, f"there is no account {_short(s.target_id)}"))
            if s.target_type == TargetType.CLUSTER and s.target_id not in snapshots:
                where = (
                    f"in run {s.run_id}"
                    if s.run_id
                    else "in any run; run `stillwatch detect` and `stillwatch clusters`"
                )
                problems.append((s.row, f"there is no cluster {_short(s.target_id)} {where}"))
        return snapshots

    def _unknown_campaigns(self, tx: Transaction, cleaned: Sequence[Statement], given: Sequence[Statement]) -> None:
        problems = [
            (s.row, f"there is no campaign {_short(s.target_id)}")
            for s in cleaned
            if s.target_type == TargetType.CAMPAIGN and not exists_in(tx.session, CampaignRow.campaign_id, s.target_id)
        ]
        _raise_all(problems, given)

    def labels(self, current: bool = True, members: bool = False) -> pd.DataFrame:
        """Labels, newest first: label_id, target_type, target_id, value, reason, labeler, labeled_at, source,
        supersedes, expires_at, run_id, confidence, schema_version; with ``members`` also the accounts that a
        cluster or campaign had when it was labelled. ``current``: only those that stand (not superseded, not expired).
        """
        query = select(*_columns(members)).order_by(LabelRow.seq.desc())
        return self._frame(query.where(stands(self._clock())) if current else query)

    def history(self, target_type: str, target_id: str) -> pd.DataFrame:
        """Every label that one target ever had, newest first, with ``stands`` true for those that still do."""
        query = (
            select(*_columns(False), stands(self._clock()).label("stands"))
            .where(LabelRow.target_type == target_type, LabelRow.target_id == target_id)
            .order_by(LabelRow.seq.desc())
        )
        return self._frame(query)

    def verdicts(self) -> pd.DataFrame:
        """What stands on each target when votes are counted: target_type, target_id, value, votes, labelers, agreed.

        The value with most votes; a tie is ``unsure``. ``labelers`` counts who spoke, ``agreed`` is true when all
        said the same. Votes of rules only count where no person spoke (they cannot stand beside a person's).
        """
        votes: dict[tuple[str, str], Counter[str]] = {}
        for kind, target, value in self.labels()[["target_type", "target_id", "value"]].itertuples(index=False):
            votes.setdefault((kind, target), Counter())[value] += 1
        rows = []
        for (kind, target), counts in sorted(votes.items()):
            (value, most), *others = counts.most_common()
            tie = bool(others) and others[0][1] == most
            said = str(LabelValue.UNSURE) if tie else value
            rows.append((kind, target, said, most, counts.total(), not others))
        return pd.DataFrame(rows, columns=["target_type", "target_id", "value", "votes", "labelers", "agreed"])


def _columns(members: bool) -> list[KeyedColumnElement[Any]]:
    left_out = {"seq", "evidence_request_ids"} | (set() if members else {"members"})
    return [c for c in LabelRow.__table__.columns if c.name not in left_out]


def _standing(
    session: Session, statements: Sequence[Statement], now: datetime
) -> dict[tuple[str, str], list[LabelRow]]:
    ids = sorted({s.target_id for s in statements})
    found: dict[tuple[str, str], list[LabelRow]] = {}
    for start in range(0, len(ids), 500):
        chunk = ids[start : start + 500]
        query = select(LabelRow).where(LabelRow.target_id.in_(chunk), stands(now)).order_by(LabelRow.seq)
        for row in session.scalars(query):
            found.setdefault((row.target_type, row.target_id), []).append(row)
    return found


def _clean(statements: Sequence[Statement], now: datetime) -> tuple[list[Statement], list[tuple[int | None, str]]]:
    """Statements with their words checked, doubles left out; and what is wrong with the others."""
    kept: dict[tuple[str, str, str], Statement] = {}
    problems: list[tuple[int | None, str]] = []
    for s in statements:
        try:
            clean = Statement(
                target_type=_one_of(TargetType, "target_type", s.target_type),
                target_id=_target(s.target_id),
                value=_one_of(LabelValue, "label", s.value),
                reason=reason_text(s.reason),
                labeler=person(s.labeler),
                source=_one_of(LabelSource, "source", s.source),
                run_id=_run(s.run_id),
                expires_at=_end(s.expires_at, now),
                confidence=s.confidence and _one_of(Confidence, "confidence", s.confidence),
                evidence_request_ids=s.evidence_request_ids,
                row=s.row,
            )
        except InputError as e:
            problems.append((s.row, str(e).rstrip(".")))
            continue
        before = kept.setdefault((*clean.target, clean.labeler), clean)
        if before.value != clean.value:
            earlier = f" (row {before.row} says {before.value})" if before.row is not None else ""
            problems.append(
                (s.row, f"{clean.labeler} calls {clean.target_type} {_short(clean.target_id)} {clean.value}{earlier}; "
                        "one person can say one thing of one target")
            )  # fmt: skip
    return list(kept.values()), problems


def _raise_all(problems: list[tuple[int | None, str]], given: Sequence[Statement]) -> None:
    if not problems:
        return
    kind: type[StillwatchError] = UnknownTarget if all("there is no" in p for _, p in problems) else InputError
    if len(given) == 1 and len(problems) == 1 and problems[0][0] is None:
        raise kind(problems[0][1] + ".")
    lines = [
        f"row {row}: {what}" if row is not None else what for row, what in sorted(problems, key=lambda p: p[0] or 0)
    ]
    more = [f"… and {len(lines) - SHOWN_PROBLEMS} more"] if len(lines) > SHOWN_PROBLEMS else []
    head = f"{len(lines)} of {len(given)} labels cannot be taken; nothing was written:"
    raise kind("\n".join([head, *lines[:SHOWN_PROBLEMS], *more]))


def _one_of(kind: type[StrEnum], what: str, given: str) -> str:
    word = str(given).strip().lower()
    if word not in {str(v) for v in kind}:
        raise InputError(f"{what} is {_short(given)}; want one of {', '.join(kind)}")
    return word


def _end(given: datetime | None, now: datetime) -> datetime | None:
    if given is None:
        return None
    if given.tzinfo is not None:
        raise InputError("expires_at carries a time zone; want naive UTC")
    if given <= now:
        raise InputError(f"expires_at is {given:%Y-%m-%d %H:%M} UTC, which has passed; such a label would never stand")
    return given


def _run(given: str | None) -> str | None:
    if given is not None and not 0 < len(given) <= 60:
        raise InputError(f"run_id is {_short(given)}; want the id of a run")
    return given


def _target(given: str) -> str:
    if not given:
        raise InputError("target_id is empty; want the id of an account, a cluster or a campaign")
    return storable("target_id", given)


def _short(text: str) -> str:
    """Hostile text for a message: quoted, without line breaks, cut."""
    return ascii(text) if len(text) <= 60 else ascii(text[:57]) + "…"


def _label(row: LabelRow) -> Label:
    return Label(
        label_id=row.label_id,
        target_type=TargetType(row.target_type),
        target_id=row.target_id,
        value=LabelValue(row.value),
        reason=row.reason,
        labeler=row.labeler,
        labeled_at=row.labeled_at.isoformat(timespec="microseconds"),
        source=LabelSource(row.source),
        supersedes=row.supersedes,
        expires_at=row.expires_at.isoformat(timespec="microseconds") if row.expires_at else None,
        run_id=row.run_id,
    )
