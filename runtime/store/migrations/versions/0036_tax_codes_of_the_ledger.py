"""The ledger's tax codes, which people choose from, and when they were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("connection", sa.Column("tax_codes_asked_at", Instant(), nullable=True))
    op.add_column("connection", sa.Column("tax_codes_read_at", Instant(), nullable=True))
    op.create_table(
        "tax_code",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200).with_variant(sa.Text(), "postgresql"), nullable=False),
        sa.Column("per_cent", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_tax_code_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "code", name=op.f("pk_tax_code")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("tax_code")
    op.drop_column("connection", "tax_codes_read_at")
    op.drop_column("connection", "tax_codes_asked_at")
