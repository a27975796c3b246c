"""Campaigns: clusters and accounts that one operator is thought to be behind, from first suspicion to decision.

Everything is an event (put in, taken out, status decided, note written), so a campaign's story can be told as it
was on any day, and a decision keeps its reason when it is appealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from stillwatch.cases.database import NAME_LIMIT, Database, Transaction, reason_text, storable
from stillwatch.cases.models import CampaignRow, MemberRow, NoteRow, StatusRow
from stillwatch.cases.targets import Targets
from stillwatch.domain import CampaignStatus, TargetType
from stillwatch.errors import InputError, UnknownTarget

_ENDED = (CampaignStatus.CLOSED, CampaignStatus.REJECTED)


@dataclass(frozen=True)
class Campaign:
    """One campaign as it stands. Frames are oldest first; ``cluster_ids`` and ``account_ids`` are those inside now."""

    campaign_id: str
    name: str
    status: CampaignStatus
    reason: str
    created_at: datetime
    created_by: str
    run_id: str | None
    cluster_ids: tuple[str, ...]
    account_ids: tuple[str, ...]
    accounts_when_added: dict[str, tuple[str, ...]]
    """cluster -> the accounts it had when it was put into the campaign."""
    statuses: pd.DataFrame
    """status, reason, decided_at, decided_by."""
    members: pd.DataFrame
    """member_type, member_id, action (added, removed), reason, changed_at, changed_by, run_id."""
    notes: pd.DataFrame
    """text, written_at, written_by."""


class CampaignBook(Database):
    """The campaigns of the case file."""

    targets: Targets

    def create_campaign(
        self, name: str, cluster_ids: Sequence[str], by: str, reason: str, account_ids: Sequence[str] = ()
    ) -> str:
        """Open a campaign of clusters and single accounts; gives its id, such as ``K-0001``."""
        reason = reason_text(reason)
        title = storable("the name", name.strip()[:NAME_LIMIT])
        if not title:
            raise InputError("a campaign needs a name that people will recognise it by.")
        snapshots = self._snapshots(cluster_ids, account_ids)
        if not cluster_ids and not account_ids:
            raise InputError("a campaign needs at least one cluster or account.")
        with self._write(by) as tx:
            campaign_id = tx.next_id("K")
            tx.session.add(
                CampaignRow(
                    campaign_id=campaign_id, name=title, reason=reason, created_at=tx.now, created_by=tx.by,
                    run_id=self.targets.run_id(),
                )
            )  # fmt: skip
            tx.session.flush()
            _decide(tx, campaign_id, CampaignStatus.OPEN, reason)
            tx.record("create_campaign", "campaign", campaign_id, reason, name=title)
            _change(tx, campaign_id, "added", cluster_ids, account_ids, reason, snapshots)
        return campaign_id

    def add_to_campaign(
        self, campaign_id: str, by: str, reason: str, cluster_ids: Sequence[str] = (), account_ids: Sequence[str] = ()
    ) -> int:
        """Put clusters and accounts into a campaign; gives how many were not in it yet."""
        reason = reason_text(reason)
        snapshots = self._snapshots(cluster_ids, account_ids)
        with self._write(by) as tx:
            _must_exist(tx.session, campaign_id)
            if _status(tx.session, campaign_id) in _ENDED:
                why = f"campaign {campaign_id} is {_status(tx.session, campaign_id)}; open it again before changing it."
                raise tx.refuse("add_to_campaign", "campaign", campaign_id, why)
            inside = _inside(tx.session, campaign_id)
            clusters = [c for c in dict.fromkeys(cluster_ids) if ("cluster", c) not in inside]
            accounts = [a for a in dict.fromkeys(account_ids) if ("account", a) not in inside]
            _change(tx, campaign_id, "added", clusters, accounts, reason, snapshots)
        return len(clusters) + len(accounts)

    def remove_from_campaign(
        self, campaign_id: str, by: str, reason: str, cluster_ids: Sequence[str] = (), account_ids: Sequence[str] = ()
    ) -> int:
        """Take clusters and accounts out of a campaign; gives how many were in it. Their history stays."""
        reason = reason_text(reason)
        with self._write(by) as tx:
            _must_exist(tx.session, campaign_id)
            inside = _inside(tx.session, campaign_id)
            clusters = [c for c in dict.fromkeys(cluster_ids) if ("cluster", c) in inside]
            accounts = [a for a in dict.fromkeys(account_ids) if ("account", a) in inside]
            _change(tx, campaign_id, "removed", clusters, accounts, reason, {})
        return len(clusters) + len(accounts)

    def set_status(self, campaign_id: str, status: str, by: str, reason: str) -> None:
        """Decide a campaign's status (domain.CampaignStatus) with a reason."""
        reason = reason_text(reason)
        if status not in {str(s) for s in CampaignStatus}:
            raise InputError(f"status is {str(status)[:60]!a}; want one of {', '.join(CampaignStatus)}.")
        with self._write(by) as tx:
            _must_exist(tx.session, campaign_id)
            before = _status(tx.session, campaign_id)
            if before == status:
                why = f"campaign {campaign_id} is {status} already; nothing was changed."
                raise tx.refuse("set_status", "campaign", campaign_id, why, status=str(status))
            _decide(tx, campaign_id, CampaignStatus(status), reason)
            tx.record("set_status", "campaign", campaign_id, reason, before=before, status=str(status))

    def add_note(self, campaign_id: str, text: str, by: str) -> None:
        """Write a note; it is kept as typed and cannot be changed later."""
        text = storable("the note", text)
        if not text.strip():
            raise InputError("the note is empty; write something or leave it.")
        if len(text) > 100_000:
            raise InputError(f"the note has {len(text):,} characters; want at most 100,000.")
        with self._write(by) as tx:
            _must_exist(tx.session, campaign_id)
            tx.session.add(NoteRow(campaign_id=campaign_id, text=text, written_at=tx.now, written_by=tx.by))
            tx.record("add_note", "campaign", campaign_id, "", characters=len(text))

    def campaigns(self) -> pd.DataFrame:
        """All campaigns, newest first: campaign_id, name, status, status_at, status_by, reason (of the status),
        created_at, created_by, clusters and accounts (how many single ones are inside), notes (how many),
        cluster_ids and account_ids (lists).
        """
        last = select(func.max(StatusRow.seq).label("seq")).group_by(StatusRow.campaign_id).subquery()
        query = (
            select(
                CampaignRow.campaign_id, CampaignRow.name, StatusRow.status,
                StatusRow.decided_at.label("status_at"), StatusRow.decided_by.label("status_by"), StatusRow.reason,
                CampaignRow.created_at, CampaignRow.created_by,
            )
            .join(StatusRow, StatusRow.campaign_id == CampaignRow.campaign_id)
            .join(last, last.c.seq == StatusRow.seq)
            .order_by(CampaignRow.campaign_id.desc())
        )  # fmt: skip
        frame = self._frame(query)
        with self._read() as session:
            inside: dict[str, list[tuple[str, str]]] = {}
            for event in session.execute(_latest_changes()):
                if event.action == "added":
                    inside.setdefault(event.campaign_id, []).append((event.member_type, event.member_id))
            counts = session.execute(select(NoteRow.campaign_id, func.count()).group_by(NoteRow.campaign_id))
            noted = {row[0]: row[1] for row in counts}
        for kind, column in (("cluster", "cluster_ids"), ("account", "account_ids")):
            ids = [[m for k, m in inside.get(c, []) if k == kind] for c in frame["campaign_id"]]
            frame[column] = pd.Series(ids, index=frame.index, dtype=object)
        frame["clusters"] = frame["cluster_ids"].map(len).astype("int64")
        frame["accounts"] = frame["account_ids"].map(len).astype("int64")
        frame["notes"] = pd.Series([noted.get(c, 0) for c in frame["campaign_id"]], dtype="int64", index=frame.index)
        return frame

    def campaign(self, campaign_id: str) -> Campaign:
        """One campaign with its whole story; ``UnknownTarget`` when there is none of that id."""
        with self._read() as session:
            row = _must_exist(session, campaign_id)
            status = _status(session, campaign_id)
            inside = _inside(session, campaign_id)
        return Campaign(
            campaign_id=row.campaign_id,
            name=row.name,
            status=CampaignStatus(status),
            reason=row.reason,
            created_at=row.created_at,
            created_by=row.created_by,
            run_id=row.run_id,
            cluster_ids=tuple(m for k, m in inside if k == "cluster"),
            account_ids=tuple(m for k, m in inside if k == "account"),
            accounts_when_added={m: tuple(snapshot) for (k, m), snapshot in inside.items() if k == "cluster"},
            statuses=self._events(StatusRow, campaign_id),
            members=self._events(MemberRow, campaign_id),
            notes=self._events(NoteRow, campaign_id),
        )

    def _events(self, table: type[StatusRow] | type[MemberRow] | type[NoteRow], campaign_id: str) -> pd.DataFrame:
        columns = [c for c in table.__table__.columns if c.name not in ("seq", "campaign_id", "members")]
        return self._frame(select(*columns).where(table.campaign_id == campaign_id).order_by(table.seq))

    def _snapshots(self, cluster_ids: Sequence[str], account_ids: Sequence[str]) -> dict[str, tuple[str, list[str]]]:
        snapshots = self.targets.members(cluster_ids, None) if cluster_ids else {}
        known = self.targets.known_accounts(account_ids) if account_ids else set()
        missing = [f"cluster {c[:60]!a}" for c in cluster_ids if c not in snapshots]
        missing += [f"account {a[:60]!a}" for a in account_ids if a not in known]
        if missing:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise UnknownTarget(f"there is no {', no '.join(missing[:5])}{more}; nothing was changed.")
        return snapshots


def _must_exist(session: Session, campaign_id: str) -> CampaignRow:
    row = session.get(CampaignRow, campaign_id)
    if row is None:
        raise UnknownTarget(f"there is no campaign {campaign_id[:60]!a}; the Campaigns page lists them.")
    return row


def _status(session: Session, campaign_id: str) -> str:
    query = select(StatusRow.status).where(StatusRow.campaign_id == campaign_id).order_by(StatusRow.seq.desc()).limit(1)
    return session.execute(query).scalar_one()


def _decide(tx: Transaction, campaign_id: str, status: CampaignStatus, reason: str) -> None:
    tx.session.add(
        StatusRow(campaign_id=campaign_id, status=str(status), reason=reason, decided_at=tx.now, decided_by=tx.by)
    )
    tx.session.flush()


def _latest_changes() -> Select[str, str, str, str]:
    last = (
        select(func.max(MemberRow.seq).label("seq"))
        .group_by(MemberRow.campaign_id, MemberRow.member_type, MemberRow.member_id)
        .subquery()
    )
    return (
        select(MemberRow.campaign_id, MemberRow.member_type, MemberRow.member_id, MemberRow.action)
        .join(last, last.c.seq == MemberRow.seq)
        .order_by(MemberRow.seq)
    )


def _inside(session: Session, campaign_id: str) -> dict[tuple[str, str], list[str]]:
    """(member_type, member_id) -> accounts when it was added, for what is in the campaign now."""
    inside: dict[tuple[str, str], list[str]] = {}
    for row in session.scalars(select(MemberRow).where(MemberRow.campaign_id == campaign_id).order_by(MemberRow.seq)):
        key = (row.member_type, row.member_id)
        if row.action == "added":
            inside[key] = row.members or []
        else:
            inside.pop(key, None)
    return inside


def accounts_inside(session: Session, campaign_id: str) -> list[str]:
    """Accounts that a campaign means now: its single ones, and those its clusters had when they were put in."""
    found: set[str] = set()
    for (kind, member), snapshot in _inside(session, campaign_id).items():
        found |= set(snapshot) if kind == TargetType.CLUSTER else {member}
    return sorted(found)


def _change(
    tx: Transaction,
    campaign_id: str,
    action: str,
    cluster_ids: Sequence[str],
    account_ids: Sequence[str],
    reason: str,
    snapshots: dict[str, tuple[str, list[str]]],
) -> None:
    for kind, ids in ((TargetType.CLUSTER, cluster_ids), (TargetType.ACCOUNT, account_ids)):
        for member in dict.fromkeys(ids):
            run_id, members = snapshots.get(member, (None, None)) if kind == TargetType.CLUSTER else (None, None)
            tx.session.add(
                MemberRow(
                    campaign_id=campaign_id, member_type=str(kind), member_id=member, action=action, reason=reason,
                    changed_at=tx.now, changed_by=tx.by, run_id=run_id, members=members,
                )
            )  # fmt: skip
            tx.record(f"member_{action}", "campaign", campaign_id, reason, member_type=str(kind), member_id=member)
