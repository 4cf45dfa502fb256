"""When a reading of a document showed less paid than was known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("document", sa.Column("less_paid_at", Instant(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("document", "less_paid_at")
