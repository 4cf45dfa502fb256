"""Late charges: terms, reference rates, decisions; and which customers are businesses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("organisation", sa.Column("charges_on", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("customer", sa.Column("is_business", sa.Boolean(), nullable=True))
    op.create_table(
        "charge_terms",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("contract_basis_points", sa.Integer(), nullable=True),
        sa.Column("contract_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("due_days", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("set_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_charge_terms_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_charge_terms")),
    )
    op.create_table(
        "reference_rate",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("basis_points", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("set_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_reference_rate_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "since", name=op.f("pk_reference_rate")),
    )
    op.create_table(
        "charge",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("interest_minor", sa.BigInteger(), nullable=False),
        sa.Column("fixed_minor", sa.BigInteger(), nullable=False),
        sa.Column("arithmetic", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.Column("decided_at", tables.Instant(), nullable=False),
        sa.Column("charge_document_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_charge_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge")),
        sa.UniqueConstraint(
            "organisation_id", "document_id", "since", name=op.f("uq_charge_organisation_id_document_id_since")
        ),
    )
    with op.batch_alter_table("charge", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_charge_organisation_id_charge_document_id"),
            ["organisation_id", "charge_document_id"],
            unique=False,
        )


def downgrade() -> None:
    """Take back."""
    op.drop_table("charge")
    op.drop_table("reference_rate")
    op.drop_table("charge_terms")
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_column("is_business")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("charges_on")
