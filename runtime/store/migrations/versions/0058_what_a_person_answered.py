"""What a person answered, without what a message has around it: the payer's page shows it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("answer", sa.Column("written", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("answer", "written")
