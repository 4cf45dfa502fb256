"""Levels of policies that a person approves before they leave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    off = sa.false()
    op.add_column("organisation", sa.Column("approvals_by_level", sa.Boolean(), server_default=off, nullable=False))
    op.add_column("reminder", sa.Column("needs_approval", sa.Boolean(), server_default=off, nullable=False))


def downgrade() -> None:
    """Take back."""
    op.drop_column("reminder", "needs_approval")
    op.drop_column("organisation", "approvals_by_level")
