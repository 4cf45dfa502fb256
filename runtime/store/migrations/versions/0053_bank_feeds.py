"""Bank accounts that a processor reads for the organisation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0053"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "bank_feed",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("ledger_account", sa.String(length=128), nullable=False),
        sa.Column("page_external_id", sa.String(length=128), nullable=False),
        sa.Column("page_expires_at", Instant(), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200).with_variant(sa.Text(), "postgresql"), nullable=False),
        sa.Column("ending", sa.String(length=8), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("first_lines", sa.JSON(), nullable=False),
        sa.Column("sign", sa.Integer(), nullable=True),
        sa.Column("counts_from", sa.Date(), nullable=True),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("reading", sa.String(length=64), nullable=True),
        sa.Column("caught_up_at", Instant(), nullable=True),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_bank_feed_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_feed")),
    )
    op.create_index("ix_bank_feed_organisation_id_state", "bank_feed", ["organisation_id", "state"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("bank_feed")
