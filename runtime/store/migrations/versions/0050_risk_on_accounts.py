"""Accounts of the CRM show a risk: each customer is shown once more, so that those of whom nothing changes have one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0050"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    customer = sa.table("customer", sa.column("shown_at", Instant()))
    op.execute(sa.update(customer).values(shown_at=None))


def downgrade() -> None:
    """Take back: what was shown stays shown."""
