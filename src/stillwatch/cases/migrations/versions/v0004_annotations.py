"""Notes on the timeline of a cluster, a statement each; taking one back is one too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "annotations"
APPEND_ONLY = (TABLE,)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("annotation_id", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("cluster_id", sa.String(length=60), nullable=False),
        sa.Column("begin", sa.DateTime(), nullable=False),
        sa.Column("end", sa.DateTime(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=60), nullable=True),
        sa.Column("supersedes", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(["supersedes"], ["annotations.annotation_id"], name=op.f("fk_annotations_supersedes")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_annotations")),
        sa.UniqueConstraint("annotation_id", name=op.f("uq_annotations_annotation_id")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_annotations_supersedes")),
    )
    op.create_index(op.f("ix_annotations_cluster_id"), TABLE, ["cluster_id"])
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION stillwatch_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {TABLE}_no_{verb.lower()} BEFORE {verb} ON {TABLE} "
            f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
        )
