"""Who signs messages, of every tone or of one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "signature",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("tone", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80).with_variant(sa.Text(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_signature_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "tone", name=op.f("pk_signature")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("signature")
