"""Messages that a person approves before they leave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("organisation", sa.Column("approvals_on", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("reminder", sa.Column("digest", sa.String(length=64), nullable=True))
    op.create_table(
        "approval",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.Column("decided_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_approval_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_approval_organisation_id_digest"), ["organisation_id", "digest"], unique=False
        )


def downgrade() -> None:
    """Take back."""
    op.drop_table("approval")
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.drop_column("digest")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("approvals_on")
