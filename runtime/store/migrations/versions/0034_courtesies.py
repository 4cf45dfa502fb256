"""Messages beside reminders: monthly statements and instalments that come up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("organisation", sa.Column("statements_on", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "courtesy",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body_text", sa.Text(), nullable=False),
        sa.Column("decided_at", tables.Instant(), nullable=False),
        sa.Column("sent_at", tables.Instant(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_courtesy_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courtesy")),
    )
    with op.batch_alter_table("courtesy", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_courtesy_organisation_id_customer_id"), ["organisation_id", "customer_id"], unique=False
        )


def downgrade() -> None:
    """Take back."""
    op.drop_table("courtesy")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("statements_on")
