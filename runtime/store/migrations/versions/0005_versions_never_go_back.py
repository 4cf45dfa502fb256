"""What is known of an object's version, so that an older one never replaces it; what was deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STAMPED = ("receipt", "ledger_payment", "payout")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tombstone",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("modified_at", tables.Instant(), nullable=True),
        sa.Column("read_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_tombstone_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "system", "kind", "external_id", name=op.f("pk_tombstone")),
    )
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.add_column(sa.Column("modified_at", tables.Instant(), nullable=True))
        batch_op.add_column(sa.Column("surpassed", sa.Boolean(), server_default=sa.false(), nullable=False))
    for table in _STAMPED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("version", sa.String(length=64), nullable=True))
            batch_op.add_column(sa.Column("modified_at", tables.Instant(), nullable=True))
    with op.batch_alter_table("payout", schema=None) as batch_op:
        batch_op.add_column(sa.Column("read_at", tables.Instant(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("payout", schema=None) as batch_op:
        batch_op.drop_column("read_at")
    for table in _STAMPED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("modified_at")
            batch_op.drop_column("version")
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.drop_column("surpassed")
        batch_op.drop_column("modified_at")
    op.drop_table("tombstone")
