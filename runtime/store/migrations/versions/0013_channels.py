"""Channels beside e-mail: switches, contact points, what carriers say, stopped telephones, short links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _organisation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f(f"fk_{table}_organisation_id"))


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "channel_switch",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("carrier", sa.String(length=16), nullable=False),
        sa.Column("switched_on", sa.Boolean(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("changed_at", tables.Instant(), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        _organisation("channel_switch"),
        sa.PrimaryKeyConstraint("organisation_id", "channel", name=op.f("pk_channel_switch")),
    )
    op.create_table(
        "contact_point",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("basis", sa.String(length=24), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("noted_by", sa.String(length=200), nullable=False),
        sa.Column("noted_at", tables.Instant(), nullable=False),
        sa.Column("bounced_address", sa.Text(), nullable=True),
        sa.Column("bounced_at", tables.Instant(), nullable=True),
        sa.Column("bounced_why", sa.Text(), nullable=False),
        _organisation("contact_point"),
        sa.PrimaryKeyConstraint("customer_id", "channel", name=op.f("pk_contact_point")),
    )
    op.create_table(
        "stopped_number",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("stopped_at", tables.Instant(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("ended_at", tables.Instant(), nullable=True),
        _organisation("stopped_number"),
        sa.PrimaryKeyConstraint("organisation_id", "number", name=op.f("pk_stopped_number")),
    )
    op.create_table(
        "delivery",
        sa.Column("reminder_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("carrier", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.String(length=320), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("cost", sa.String(length=32), nullable=True),
        sa.Column("cost_currency", sa.String(length=3), nullable=True),
        sa.Column("handed_at", tables.Instant(), nullable=False),
        sa.Column("changed_at", tables.Instant(), nullable=False),
        sa.Column("looked_at", tables.Instant(), nullable=False),
        _organisation("delivery"),
        sa.ForeignKeyConstraint(["reminder_id"], ["reminder.id"], name=op.f("fk_delivery_reminder_id")),
        sa.PrimaryKeyConstraint("reminder_id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("carrier", "external_id", name=op.f("uq_delivery_carrier_external_id")),
    )
    op.create_table(
        "short_link",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("reminder_id", sa.String(length=64), nullable=False),
        sa.Column("expires_at", tables.Instant(), nullable=False),
        _organisation("short_link"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_short_link")),
        sa.UniqueConstraint("reminder_id", name=op.f("uq_short_link_reminder_id")),
    )
    for table, column in (("contact_point", "channel"), ("delivery", "state")):
        name = op.f(f"ix_{table}_organisation_id_{column}")
        op.create_index(name, table, ["organisation_id", column], unique=False)


def downgrade() -> None:
    """Take back."""
    for table in ("short_link", "delivery", "stopped_number", "contact_point", "channel_switch"):
        op.drop_table(table)
