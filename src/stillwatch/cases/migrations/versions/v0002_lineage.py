"""Clusters split and joined by hand, and named views of a cluster; both are statements that stay as written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("cluster_decisions", "saved_views")


def upgrade() -> None:
    op.create_table(
        "cluster_decisions",
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("decision_id", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("cluster_id", sa.String(length=60), nullable=False),
        sa.Column("other_id", sa.String(length=60), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("stayed", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=60), nullable=True),
        sa.Column("supersedes", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["cluster_decisions.decision_id"], name=op.f("fk_cluster_decisions_supersedes")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_cluster_decisions")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_cluster_decisions_decision_id")),
    )
    for column in ("cluster_id", "other_id", "supersedes"):
        op.create_index(op.f(f"ix_cluster_decisions_{column}"), "cluster_decisions", [column])
    op.create_table(
        "saved_views",
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("cluster_id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_saved_views")),
    )
    op.create_index(op.f("ix_saved_views_cluster_id"), "saved_views", ["cluster_id"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in APPEND_ONLY:
        if not sqlite:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION stillwatch_append_only()"
            )
            continue
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
