"""Tables of the case file, as SQLAlchemy 2 models.

Two sorts of tables. *Statements* are never changed once written (labels, statuses, members, notes, promotions,
custody, audit): triggers of the database refuse UPDATE and DELETE. *State* is what is true now and may change
(queue, visits, counters, the head of the audit chain); what changed it stands in the audit log.

All times are naive UTC with microseconds. Text from outside is stored as it came and never interpreted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

LABEL_SCHEMA_VERSION = 1
"""Version of the label row (docs: label export); raised when a column changes its meaning."""

_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only where the type is exactly INTEGER."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class LabelRow(Base):
    """One statement of one person or rule about one target. A correction names the label it supersedes."""

    __tablename__ = "labels"
    __table_args__ = (Index(None, "target_id", postgresql_using="hash"),)  # hash: an id may be 10 kB long

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    label_id: Mapped[str] = mapped_column(String(20), unique=True)
    target_type: Mapped[str] = mapped_column(String(20))
    target_id: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    labeler: Mapped[str] = mapped_column(Text)
    labeled_at: Mapped[datetime] = mapped_column(DateTime)
    source: Mapped[str] = mapped_column(String(20))
    supersedes: Mapped[str | None] = mapped_column(ForeignKey("labels.label_id"), index=True)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime)
    run_id: Mapped[str | None] = mapped_column(String(60))
    members: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    confidence: Mapped[str | None] = mapped_column(String(20))
    evidence_request_ids: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    schema_version: Mapped[int] = mapped_column(Integer)


class CampaignRow(Base):
    """One campaign: its name and birth; status, members and notes are events of their own."""

    __tablename__ = "campaigns"

    campaign_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime)
    created_by: Mapped[str] = mapped_column(Text)
    run_id: Mapped[str | None] = mapped_column(String(60))


class StatusRow(Base):
    """One decision: the campaign's status from then on."""

    __tablename__ = "campaign_statuses"

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.campaign_id"), index=True)
    status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(DateTime)
    decided_by: Mapped[str] = mapped_column(Text)


class MemberRow(Base):
    """A cluster or an account was put into a campaign, or taken out of it."""

    __tablename__ = "campaign_members"

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.campaign_id"), index=True)
    member_type: Mapped[str] = mapped_column(String(20))
    member_id: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(DateTime)
    changed_by: Mapped[str] = mapped_column(Text)
    run_id: Mapped[str | None] = mapped_column(String(60))
    members: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class NoteRow(Base):
    """One note on a campaign."""

    __tablename__ = "notes"

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.campaign_id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(DateTime)
    written_by: Mapped[str] = mapped_column(Text)


class QueueRow(Base):
    """Who holds a cluster, and until when it is put aside."""

    __tablename__ = "queue"

    cluster_id: Mapped[str] = mapped_column(Text, primary_key=True)
    assignee: Mapped[str | None] = mapped_column(Text)
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime)
    snoozed_until: Mapped[datetime | None] = mapped_column(DateTime)
    snoozed_by: Mapped[str | None] = mapped_column(Text)
    snooze_reason: Mapped[str | None] = mapped_column(Text)


class VisitRow(Base):
    """When a person was last here, so that the queue can say what is new since."""

    __tablename__ = "visits"

    person: Mapped[str] = mapped_column(Text, primary_key=True)
    last_seen: Mapped[datetime] = mapped_column(DateTime)
    before: Mapped[datetime | None] = mapped_column(DateTime)


class BundleRow(Base):
    """One evidence bundle that was made."""

    __tablename__ = "bundles"

    bundle_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.campaign_id"), index=True)
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(DateTime)
    made_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    run_id: Mapped[str | None] = mapped_column(String(60))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


class CustodyRow(Base):
    """One access to a bundle: made, downloaded, verified, handed over."""

    __tablename__ = "custody"

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    bundle_id: Mapped[str] = mapped_column(ForeignKey("bundles.bundle_id"), index=True)
    action: Mapped[str] = mapped_column(String(40))
    method: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(DateTime)
    by: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)


class ModelRow(Base):
    """One trained model."""

    __tablename__ = "models"

    model_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(60))
    labels_sha256: Mapped[str] = mapped_column(String(64))
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON)
    trained_at: Mapped[datetime] = mapped_column(DateTime)
    trained_by: Mapped[str] = mapped_column(Text)


class PromotionRow(Base):
    """A model was put to use; ``model_id`` null: back to the scores without a trained model."""

    __tablename__ = "promotions"

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    model_id: Mapped[str | None] = mapped_column(ForeignKey("models.model_id"))
    action: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime)
    by: Mapped[str] = mapped_column(Text)


class ClusterDecisionRow(Base):
    """A person split a cluster, joined two, or took such a decision back. ``supersedes`` names what was taken back."""

    __tablename__ = "cluster_decisions"

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    decision_id: Mapped[str] = mapped_column(String(20), unique=True)
    action: Mapped[str] = mapped_column(String(20))
    cluster_id: Mapped[str] = mapped_column(String(60), index=True)
    other_id: Mapped[str] = mapped_column(String(60), index=True)
    moved: Mapped[list[str]] = mapped_column(JSON)
    stayed: Mapped[list[str]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(DateTime)
    decided_by: Mapped[str] = mapped_column(Text)
    run_id: Mapped[str | None] = mapped_column(String(60))
    supersedes: Mapped[str | None] = mapped_column(ForeignKey("cluster_decisions.decision_id"), index=True)


class SavedViewRow(Base):
    """A name for what somebody looked at, or (empty query) that the name was taken away again."""

    __tablename__ = "saved_views"

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    cluster_id: Mapped[str] = mapped_column(String(60), index=True)
    name: Mapped[str] = mapped_column(Text)
    query: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(DateTime)
    saved_by: Mapped[str] = mapped_column(Text)


class SavedSearchRow(Base):
    """A search was saved or removed; the newest row of an id stands."""

    __tablename__ = "saved_searches"

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    search_id: Mapped[str] = mapped_column(String(20), index=True)
    action: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    query: Mapped[str] = mapped_column(Text)
    found: Mapped[int] = mapped_column(_SEQUENCE)
    at: Mapped[datetime] = mapped_column(DateTime)
    by: Mapped[str] = mapped_column(Text)


class AnnotationRow(Base):
    """A note on a moment or a span of a cluster's timeline, or that one was taken back (then ``text`` says why)."""

    __tablename__ = "annotations"

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True)
    annotation_id: Mapped[str] = mapped_column(String(20), unique=True)
    action: Mapped[str] = mapped_column(String(20))
    cluster_id: Mapped[str] = mapped_column(String(60), index=True)
    begin: Mapped[datetime] = mapped_column(DateTime)
    end: Mapped[datetime | None] = mapped_column(DateTime)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime)
    by: Mapped[str] = mapped_column(Text)
    run_id: Mapped[str | None] = mapped_column(String(60))
    supersedes: Mapped[str | None] = mapped_column(ForeignKey("annotations.annotation_id"), unique=True)


class AuditRow(Base):
    """One thing that somebody did, or tried to do. ``hash`` covers the row and the hash before it."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "target_id", postgresql_using="hash"),)  # hash: an id may be 10 kB long

    seq: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(DateTime, index=True)
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(40), index=True)
    outcome: Mapped[str] = mapped_column(String(10))
    target_type: Mapped[str] = mapped_column(String(20))
    target_id: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    details: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHeadRow(Base):
    """The last link of the chain. Every writer locks this one row first, so the chain cannot fork."""

    __tablename__ = "audit_head"

    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(_SEQUENCE)
    hash: Mapped[str] = mapped_column(String(64))


class CounterRow(Base):
    """The last number given out for ids such as ``K-0001``."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[int] = mapped_column(_SEQUENCE)


APPEND_ONLY = (
    "labels", "campaigns", "campaign_statuses", "campaign_members", "notes", "bundles", "custody", "models",
    "promotions", "audit", "cluster_decisions", "saved_views", "saved_searches", "annotations",
)  # fmt: skip
"""Tables of statements; the migration that makes one puts triggers on it."""
