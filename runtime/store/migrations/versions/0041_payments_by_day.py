"""An index for what the ledger recorded lately: invoices that were paid late are looked for among it."""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_NAME = "ix_ledger_payment_organisation_id_received_on"


def upgrade() -> None:
    """Apply."""
    op.create_index(op.f(_NAME), "ledger_payment", ["organisation_id", "received_on"])


def downgrade() -> None:
    """Take back."""
    op.drop_index(op.f(_NAME), table_name="ledger_payment")
