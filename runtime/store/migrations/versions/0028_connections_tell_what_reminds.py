"""Whether a connected system sends reminders of its own, as it tells."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables.columns import Instant

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("connection", sa.Column("reminds", sa.Boolean(), nullable=True))
    op.add_column("connection", sa.Column("reminds_asked_at", Instant(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("connection", schema=None) as batch_op:
        batch_op.drop_column("reminds_asked_at")
        batch_op.drop_column("reminds")
