"""Cash that a processor keeps for payers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    text = sa.Text()
    op.create_table(
        "held_cash",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("payer_name", sa.String(length=300).with_variant(text, "postgresql"), nullable=False),
        sa.Column("payer_email", sa.String(length=320), nullable=True),
        sa.Column("remittance", text, nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("movements", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("plausible", sa.JSON(), nullable=False),
        sa.Column("noticed_at", tables.Instant(), nullable=False),
        sa.Column("changed_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_held_cash_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_cash")),
        sa.UniqueConstraint(
            "organisation_id",
            "system",
            "external_id",
            "currency",
            name=op.f("uq_held_cash_organisation_id_system_external_id_currency"),
        ),
    )
    with op.batch_alter_table("held_cash", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_held_cash_organisation_id_customer_id"), ["organisation_id", "customer_id"], unique=False
        )


def downgrade() -> None:
    """Take back."""
    op.drop_table("held_cash")
