"""The language that a payer chose to be written to in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("customer", sa.Column("language", sa.String(8), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("customer", "language")
