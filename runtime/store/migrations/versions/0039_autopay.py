"""Invoices that are paid by themselves from a means that their payer saved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("organisation", sa.Column("autopay_on", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "mandate",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("ceiling_minor", sa.BigInteger(), nullable=True),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("consent_version", sa.Integer(), nullable=False),
        sa.Column("consent_language", sa.String(length=8), nullable=False),
        sa.Column("agreed_by", sa.String(length=200), nullable=False),
        sa.Column("agreed_at", tables.Instant(), nullable=False),
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("page_external_id", sa.String(length=128), nullable=True),
        sa.Column("page_address", sa.Text(), nullable=True),
        sa.Column("page_expires_at", tables.Instant(), nullable=False),
        sa.Column("payer_external_id", sa.String(length=128), nullable=True),
        sa.Column("means_external_id", sa.String(length=128), nullable=True),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("ending", sa.String(length=16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("ended_at", tables.Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_mandate_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate")),
    )
    op.create_table(
        "automatic_payment",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("mandate_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("take_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("courtesy_id", sa.String(length=64), nullable=False),
        sa.Column("announced_at", tables.Instant(), nullable=False),
        sa.Column("promised_at", tables.Instant(), nullable=True),
        sa.Column("external_id", sa.String(length=128), nullable=True),
        sa.Column("settled_at", tables.Instant(), nullable=True),
        sa.Column("decline", sa.JSON(), nullable=True),
        sa.Column("then", sa.String(length=16), nullable=False),
        sa.Column("told_by", sa.String(length=64), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_automatic_payment_organisation_id")
        ),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandate.id"], name=op.f("fk_automatic_payment_mandate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automatic_payment")),
        sa.UniqueConstraint(
            "organisation_id",
            "document_id",
            "attempt",
            name=op.f("uq_automatic_payment_organisation_id_document_id_attempt"),
        ),
    )
    for table, column in (
        ("mandate", "state"),
        ("mandate", "customer_id"),
        ("automatic_payment", "state"),
        ("automatic_payment", "mandate_id"),
    ):
        op.create_index(op.f(f"ix_{table}_organisation_id_{column}"), table, ["organisation_id", column])


def downgrade() -> None:
    """Take back."""
    op.drop_table("automatic_payment")
    op.drop_table("mandate")
    op.drop_column("organisation", "autopay_on")
