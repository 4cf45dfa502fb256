"""Answers to payers, and whether sure ones leave by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("answers_on", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.add_column(sa.Column("message_id", sa.Text(), nullable=True))
    op.create_table(
        "answer",
        sa.Column("reply_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body_text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message_id", sa.String(length=320), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("prepared_at", tables.Instant(), nullable=False),
        sa.Column("sent_at", tables.Instant(), nullable=True),
        sa.Column("sent_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_answer_organisation_id")),
        sa.ForeignKeyConstraint(["reply_id"], ["reply.id"], name=op.f("fk_answer_reply_id")),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_answer")),
    )
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_answer_organisation_id_customer_id"), ["organisation_id", "customer_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_answer_message_id"), ["message_id"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table("answer")
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.drop_column("message_id")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("answers_on")
