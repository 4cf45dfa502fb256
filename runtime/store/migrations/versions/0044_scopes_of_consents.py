"""What a consent covers, as its vendor says it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("consent", sa.Column("scopes", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("consent", "scopes")
