"""Links from a ledger's invoices to our pages of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("organisation", sa.Column("links_back_on", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("document", sa.Column("linked_back", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_column("linked_back")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("links_back_on")
