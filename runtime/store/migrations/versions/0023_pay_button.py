"""Whether a ledger's pay-now button opens a page of ours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("organisation", sa.Column("pay_button_on", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("pay_button_on")
