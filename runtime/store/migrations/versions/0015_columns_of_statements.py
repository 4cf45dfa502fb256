"""What the columns of delimited statements mean."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "statement_columns",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("header", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("replaces", sa.String(length=64), nullable=True),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("set_at", tables.Instant(), nullable=False),
        sa.Column("ended_at", tables.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_statement_columns_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_columns")),
    )
    op.create_index("ix_statement_columns_organisation_id_header", "statement_columns", ["organisation_id", "header"])
    op.create_table(
        "pending_statement",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=300).with_variant(sa.Text(), "postgresql"), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_pending_statement_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_statement")),
    )
    op.create_index(
        "ix_pending_statement_organisation_id_uploaded_at", "pending_statement", ["organisation_id", "uploaded_at"]
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("pending_statement")
    op.drop_table("statement_columns")
