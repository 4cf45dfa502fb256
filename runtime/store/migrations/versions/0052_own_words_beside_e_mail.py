"""Own words for texts, calls and thank-yous, beside those for e-mails that there were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("message_copy", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=8), nullable=False, server_default="email"))
        batch_op.drop_constraint(op.f("pk_message_copy"), type_="primary")
        batch_op.create_primary_key(op.f("pk_message_copy"), ["organisation_id", "kind", "language", "tone", "version"])
    with op.batch_alter_table("message_copy", schema=None) as batch_op:
        batch_op.alter_column("kind", server_default=None, existing_type=sa.String(length=8), nullable=False)


def downgrade() -> None:
    """Take back."""
    op.execute("DELETE FROM message_copy WHERE kind <> 'email'")
    with op.batch_alter_table("message_copy", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("pk_message_copy"), type_="primary")
        batch_op.create_primary_key(op.f("pk_message_copy"), ["organisation_id", "language", "tone", "version"])
        batch_op.drop_column("kind")
