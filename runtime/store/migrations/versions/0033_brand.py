"""How pages for payers look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "brand",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=True),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_brand_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_brand")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("brand")
