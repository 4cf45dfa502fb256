"""Opt-outs by channel: whoever had asked for no messages gets none by any. What was sent is found by where it went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store.tables import Instant

revision = "0047"
down_revision = "0051"
branch_labels = None
depends_on = None

_SENT = ("reminder", "thanks", "courtesy")
# Who said it stands in the history; where nothing does, it was the CRM.
_KEEP = """
    INSERT INTO opt_out (customer_id, channel, source, organisation_id, said_by, words, said_at)
    SELECT customer.id, 'all', 'payer', customer.organisation_id,
        coalesce(
            said.actor,
            (SELECT max(system) FROM connection
             WHERE connection.organisation_id = customer.organisation_id AND connection.role = 'crm'),
            'crm'
        ),
        coalesce(said.detail, ''), coalesce(said.at, customer.changed_at)
    FROM customer LEFT JOIN event AS said ON said.action = 'opted_out' AND said.id = (
        SELECT max(id) FROM event WHERE event.organisation_id = customer.organisation_id
        AND event.subject = customer.id AND event.action IN ('opted_out', 'opt_out_taken_back')
    )
    WHERE customer.opted_out
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "opt_out",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("said_by", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("said_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_opt_out_organisation_id")),
        sa.PrimaryKeyConstraint("customer_id", "channel", "source", name=op.f("pk_opt_out")),
    )
    op.execute(_KEEP)
    op.drop_column("customer", "opted_out")
    for table in _SENT:
        columns: list[str | sa.TextClause] = ["organisation_id", sa.text("lower(recipient)")]
        op.create_index(op.f(f"ix_{table}_organisation_id_address"), table, columns)


def downgrade() -> None:
    """Take back."""
    for table in _SENT:
        op.drop_index(op.f(f"ix_{table}_organisation_id_address"), table_name=table)
    op.add_column("customer", sa.Column("opted_out", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        "UPDATE customer SET opted_out = true WHERE id IN (SELECT customer_id FROM opt_out WHERE ended_at IS NULL)"
    )
    op.drop_table("opt_out")
