"""What became of past matches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "past_case",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("receipt_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=16), nullable=False),
        sa.Column("said_by", sa.String(length=200), nullable=False),
        sa.Column("said_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_past_case_organisation_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_past_case_receipt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_case")),
    )
    with op.batch_alter_table("past_case", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_past_case_organisation_id_said_at"), ["organisation_id", "said_at"], unique=False
        )


def downgrade() -> None:
    """Take back."""
    op.drop_table("past_case")
