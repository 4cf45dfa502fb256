"""Bank transfers to the account that a processor keeps for a payer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0051"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("organisation", sa.Column("transfers_on", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("checkout", sa.Column("by_transfer", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "payer_account",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("kept_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_payer_account_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "system", "external_id", name=op.f("pk_payer_account")),
    )
    op.create_index(
        op.f("ix_payer_account_organisation_id_customer_id"), "payer_account", ["organisation_id", "customer_id"]
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("payer_account")
    op.drop_column("checkout", "by_transfer")
    op.drop_column("organisation", "transfers_on")
