"""Discounts for early payment that were offered, and what came of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    off = sa.false()
    op.add_column("organisation", sa.Column("discounts_on", sa.Boolean(), server_default=off, nullable=False))
    op.create_table(
        "discount",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("offered_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("receipt_id", sa.String(length=64), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_discount_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "document_id", name=op.f("pk_discount")),
    )
    with op.batch_alter_table("discount", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_discount_organisation_id_state"), ["organisation_id", "state"])
        batch_op.create_index(batch_op.f("ix_discount_receipt_id"), ["receipt_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("discount")
    op.drop_column("organisation", "discounts_on")
