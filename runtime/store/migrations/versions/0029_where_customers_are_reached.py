"""What ledger and CRM tell of telephones and postal addresses; what bounced has one home, for every channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_BOUNCED = ("bounced_address", "bounced_at", "bounced_why")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "told_contact",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("written", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("told_at", tables.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_told_contact_organisation_id")),
        sa.PrimaryKeyConstraint("customer_id", "channel", "system", name=op.f("pk_told_contact")),
    )
    op.create_index(op.f("ix_told_contact_organisation_id_channel"), "told_contact", ["organisation_id", "channel"])
    with op.batch_alter_table("bad_address", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(length=16), nullable=False, server_default="email"))
        batch_op.alter_column("address", type_=sa.Text(), existing_type=sa.String(length=320), nullable=False)
        batch_op.drop_constraint(op.f("pk_bad_address"), type_="primary")
        batch_op.create_primary_key(op.f("pk_bad_address"), ["organisation_id", "channel", "address"])
    with op.batch_alter_table("bad_address", schema=None) as batch_op:
        batch_op.alter_column("channel", server_default=None, existing_type=sa.String(length=16), nullable=False)
    op.execute(
        "INSERT INTO bad_address (organisation_id, channel, address, why, found_at) "
        "SELECT organisation_id, channel, "
        "CASE channel WHEN 'email' THEN lower(bounced_address) ELSE bounced_address END, "
        "min(bounced_why), min(bounced_at) FROM contact_point WHERE bounced_address IS NOT NULL "
        "GROUP BY 1, 2, 3 ON CONFLICT DO NOTHING"
    )
    op.execute("DELETE FROM contact_point WHERE address = ''")
    with op.batch_alter_table("contact_point", schema=None) as batch_op:
        for column in _BOUNCED:
            batch_op.drop_column(column)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("contact_point", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bounced_address", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("bounced_at", tables.Instant(), nullable=True))
        batch_op.add_column(sa.Column("bounced_why", sa.Text(), nullable=False, server_default=""))
    op.execute("DELETE FROM bad_address WHERE channel <> 'email'")
    with op.batch_alter_table("bad_address", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("pk_bad_address"), type_="primary")
        batch_op.create_primary_key(op.f("pk_bad_address"), ["organisation_id", "address"])
        batch_op.drop_column("channel")
        batch_op.alter_column("address", type_=sa.String(length=320), existing_type=sa.Text(), nullable=False)
    op.drop_index(op.f("ix_told_contact_organisation_id_channel"), table_name="told_contact")
    op.drop_table("told_contact")
