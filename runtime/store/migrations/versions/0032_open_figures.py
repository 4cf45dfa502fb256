"""Sums of many open invoices, counted ahead; and indexes for the pages of organisations that have many."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_INDEXES = (("receipt", "customer_id"), ("ledger_payment", "customer_id"), ("reminder", "sent_at"))


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "open_figures",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("counted_at", tables.Instant(), nullable=False),
        sa.Column("took_seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_open_figures_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_open_figures")),
    )
    for table, column in _INDEXES:
        op.create_index(op.f(f"ix_{table}_organisation_id_{column}"), table, ["organisation_id", column])
    columns = ["organisation_id", "status", "due_on", "id"]
    op.create_index(op.f("ix_document_organisation_id_status_due_on_id"), "document", columns)
    op.drop_index(op.f("ix_document_organisation_id_status"), table_name="document")
    op.create_index(op.f("ix_ledger_payment_receipt_id"), "ledger_payment", ["receipt_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index(op.f("ix_ledger_payment_receipt_id"), table_name="ledger_payment")
    op.create_index(op.f("ix_document_organisation_id_status"), "document", ["organisation_id", "status"])
    op.drop_index(op.f("ix_document_organisation_id_status_due_on_id"), table_name="document")
    for table, column in _INDEXES:
        op.drop_index(op.f(f"ix_{table}_organisation_id_{column}"), table_name=table)
    op.drop_table("open_figures")
