"""What the CRM tells of a customer's business. Accounts that are known already are read once more for it."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0049"
down_revision = "0047"
branch_labels = None
depends_on = None

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # everything changed since, and what was deleted is told too


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "customer", sa.Column("industry", sa.String(length=255).with_variant(sa.Text(), "postgresql"), nullable=True)
    )
    op.add_column("customer", sa.Column("employees", sa.Integer(), nullable=True))
    connection = sa.table("connection", sa.column("id"), sa.column("role"))
    watermark = sa.table("watermark", sa.column("connection_id"), sa.column("kind"), sa.column("since", Instant()))
    crms = sa.select(connection.c.id).where(connection.c.role == "crm")
    accounts = (watermark.c.kind == "customer") & watermark.c.connection_id.in_(crms)
    op.execute(sa.update(watermark).where(accounts).values(since=_LONG_AGO))


def downgrade() -> None:
    """Take back."""
    op.drop_column("customer", "employees")
    op.drop_column("customer", "industry")
