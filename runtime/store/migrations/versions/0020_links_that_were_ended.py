"""When somebody ended the links to a customer's page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables.columns import Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("customer", sa.Column("links_ended_at", Instant(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("customer", "links_ended_at")
