"""Lines in the ledger's history of an invoice about what happened here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("organisation", sa.Column("history_from", Instant(), nullable=True))
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_organisation_id_at"), ["organisation_id", "at"])


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_organisation_id_at"))
    op.drop_column("organisation", "history_from")
