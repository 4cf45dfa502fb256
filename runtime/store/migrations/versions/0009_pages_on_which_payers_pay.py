"""Pages on which payers pay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("card_payments_on", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "checkout",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("amounts", sa.JSON(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("begun_at", tables.Instant(), nullable=False),
        sa.Column("expires_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_checkout_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkout")),
    )
    with op.batch_alter_table("checkout", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_checkout_organisation_id_expires_at"), ["organisation_id", "expires_at"], unique=False
        )


def downgrade() -> None:
    """Take back."""
    op.drop_table("checkout")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("card_payments_on")
