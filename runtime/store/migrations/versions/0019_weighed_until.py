"""Until when what planning said of a customer stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("customer", sa.Column("weighed_until", tables.Instant(), nullable=True))
    op.create_index(op.f("ix_customer_parent_id"), "customer", ["parent_id"])
    op.create_index(op.f("ix_customer_organisation_id_id"), "customer", ["organisation_id", "id"])
    op.drop_index(op.f("ix_customer_organisation_id"), "customer")


def downgrade() -> None:
    """Take back."""
    op.create_index(op.f("ix_customer_organisation_id"), "customer", ["organisation_id"])
    op.drop_index(op.f("ix_customer_organisation_id_id"), "customer")
    op.drop_index(op.f("ix_customer_parent_id"), "customer")
    op.drop_column("customer", "weighed_until")
