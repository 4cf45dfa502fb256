"""The format in which a payer wants invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("customer", sa.Column("invoice_format", sa.String(16), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("customer", "invoice_format")
