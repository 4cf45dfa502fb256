"""Under which Message-ID thanks, statements and announcements leave, and about which invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

_SENT = ("thanks", "courtesy")


def upgrade() -> None:
    """Apply."""
    for table in _SENT:
        op.add_column(table, sa.Column("message_id", sa.String(length=320), nullable=True))
        op.create_index(op.f(f"ix_{table}_message_id"), table, ["message_id"])
    op.add_column("courtesy", sa.Column("documents", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("courtesy", "documents")
    for table in _SENT:
        op.drop_index(op.f(f"ix_{table}_message_id"), table_name=table)
        op.drop_column(table, "message_id")
