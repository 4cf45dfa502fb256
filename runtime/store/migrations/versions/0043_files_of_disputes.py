"""Files that payers send with a dispute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0043"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "dispute_file",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_dispute_file_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_file")),
    )
    op.create_index("ix_dispute_file_organisation_id_document_id", "dispute_file", ["organisation_id", "document_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("dispute_file")
