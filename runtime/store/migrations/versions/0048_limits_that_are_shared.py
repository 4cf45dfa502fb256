"""A weekly limit on contacts that organisations of one owner share: digests of addresses, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0048"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "shared_contact",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_contact")),
    )
    op.create_index(op.f("ix_shared_contact_address"), "shared_contact", ["address"])
    op.create_index(op.f("ix_shared_contact_at"), "shared_contact", ["at"])
    op.add_column("organisation", sa.Column("limit_key", sa.String(length=64), nullable=True))
    op.add_column("organisation", sa.Column("limit_shared_by", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("organisation", "limit_shared_by")
    op.drop_column("organisation", "limit_key")
    op.drop_index(op.f("ix_shared_contact_at"), table_name="shared_contact")
    op.drop_index(op.f("ix_shared_contact_address"), table_name="shared_contact")
    op.drop_table("shared_contact")
