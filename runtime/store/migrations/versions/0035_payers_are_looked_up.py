"""Whom an account or a name paid for before is found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_TEXT = sa.String(length=128).with_variant(sa.Text(), "postgresql")


def upgrade() -> None:
    """Apply."""
    op.add_column("receipt", sa.Column("payer_account_key", _TEXT, server_default="", nullable=False))
    op.execute(
        "UPDATE receipt SET payer_account_key = upper(replace(payer_account, ' ', '')) WHERE payer_account <> ''"
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.alter_column("payer_account_key", server_default=None, existing_type=_TEXT, nullable=False)
    for column in ("payer_account_key", "payer_name"):
        op.create_index(op.f(f"ix_receipt_organisation_id_{column}"), "receipt", ["organisation_id", column])


def downgrade() -> None:
    """Take back."""
    for column in ("payer_account_key", "payer_name"):
        op.drop_index(op.f(f"ix_receipt_organisation_id_{column}"), "receipt")
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.drop_column("payer_account_key")
