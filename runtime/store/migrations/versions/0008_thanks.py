"""Thanks for payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "thanks",
        sa.Column("receipt_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body_text", sa.Text(), nullable=False),
        sa.Column("decided_at", tables.Instant(), nullable=False),
        sa.Column("sent_at", tables.Instant(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_thanks_organisation_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_thanks_receipt_id")),
        sa.PrimaryKeyConstraint("receipt_id", name=op.f("pk_thanks")),
    )
    with op.batch_alter_table("thanks", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_thanks_organisation_id_sent_at"), ["organisation_id", "sent_at"], unique=False
        )
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("thanks_since", tables.Instant(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("thanks_since")
    op.drop_table("thanks")
