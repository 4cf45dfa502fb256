"""Where an answer goes whose question did not come by e-mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("answer", sa.Column("recipient", sa.String(length=320), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("answer", "recipient")
