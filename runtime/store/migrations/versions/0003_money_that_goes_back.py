"""Debits of bank statements, which may take back money that came earlier."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    text = sa.Text()
    op.create_table(
        "debit",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("source_account", sa.String(length=128), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("original_minor", sa.BigInteger(), nullable=True),
        sa.Column("payee_name", sa.String(length=300).with_variant(text, "postgresql"), nullable=False),
        sa.Column("payee_account", sa.String(length=128).with_variant(text, "postgresql"), nullable=False),
        sa.Column("remittance", text, nullable=False),
        sa.Column("references", sa.JSON(), nullable=False),
        sa.Column("taken_back", text, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("receipt_id", sa.String(length=64), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("refused", sa.JSON(), nullable=False),
        sa.Column("held", sa.JSON(), nullable=False),
        sa.Column("changed_at", tables.Instant(), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.Column("decided_at", tables.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_debit_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit")),
        sa.UniqueConstraint("organisation_id", "external_id", name=op.f("uq_debit_organisation_id_external_id")),
    )
    with op.batch_alter_table("debit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_debit_organisation_id_state"), ["organisation_id", "state"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table("debit")
