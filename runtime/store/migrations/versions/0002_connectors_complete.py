"""What complete connectors keep: call budgets, proposals of links, owners of fields, treatments, settled conflicts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Text that vendors and banks choose, with the length it had. SQLite keeps no lengths, so nothing changes there.
_THEIR_TEXT = (
    ("connection", "account_name", 200),
    ("customer", "name", 300),
    ("customer", "number", 128),
    ("customer", "country", 64),
    ("document", "number", 128),
    ("account", "name", 200),
    ("receipt", "payer_name", 300),
    ("receipt", "payer_account", 128),
    ("ledger_payment", "payer_name", 300),
    ("statement", "file", 300),
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "call_count",
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("window_seconds", sa.Integer(), nullable=False),
        sa.Column("of", sa.String(length=16), nullable=False),
        sa.Column("slice", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("system", "account", "window_seconds", "of", "slice", name=op.f("pk_call_count")),
    )
    op.create_table(
        "call_hold",
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("held_until", tables.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("system", "account", name=op.f("pk_call_hold")),
    )
    op.create_table(
        "call_told",
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("window_seconds", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("until", tables.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("system", "account", "window_seconds", name=op.f("pk_call_told")),
    )
    op.create_table(
        "call_on_its_way",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("until", tables.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_call_on_its_way")),
    )
    with op.batch_alter_table("call_on_its_way", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_on_its_way_system_account"), ["system", "account"], unique=False)

    op.create_table(
        "field_owner",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_field_owner_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "field", name=op.f("pk_field_owner")),
    )
    op.create_table(
        "link_proposal",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("found_at", tables.Instant(), nullable=False),
        sa.Column("weighed_at", tables.Instant(), nullable=True),
        sa.Column("decided_at", tables.Instant(), nullable=True),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_link_proposal_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_proposal")),
        sa.UniqueConstraint(
            "organisation_id", "system", "external_id", name=op.f("uq_link_proposal_organisation_id_system_external_id")
        ),
    )
    with op.batch_alter_table("link_proposal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_link_proposal_organisation_id_state"), ["organisation_id", "state"], unique=False
        )

    op.create_table(
        "treatment",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("tax_code", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_treatment_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "kind", name=op.f("pk_treatment")),
    )
    with op.batch_alter_table("conflict", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settled_at", tables.Instant(), nullable=True))
        batch_op.add_column(sa.Column("settled_by", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("restored", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_index(
            batch_op.f("ix_conflict_organisation_id_settled_at"), ["organisation_id", "settled_at"], unique=False
        )

    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into", sa.String(length=64), nullable=True))

    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.add_column(sa.Column("purchase_order", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("note", sa.Text(), nullable=True))

    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.add_column(sa.Column("read_at", tables.Instant(), nullable=True))
        batch_op.drop_index(batch_op.f("ix_link_organisation_id_local_id"))
        batch_op.create_index(
            batch_op.f("ix_link_local_id_organisation_id"), ["local_id", "organisation_id"], unique=False
        )

    if op.get_bind().dialect.name == "postgresql":
        for table, column, length in _THEIR_TEXT:
            op.alter_column(table, column, existing_type=sa.String(length=length), type_=sa.Text())


def downgrade() -> None:
    """Take back."""
    if op.get_bind().dialect.name == "postgresql":
        for table, column, length in _THEIR_TEXT:
            cut = f'left("{column}", {length})'
            op.alter_column(
                table,
                column,
                existing_type=sa.Text(),
                type_=sa.String(length=length),
                postgresql_using=cut,
            )

    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_link_local_id_organisation_id"))
        batch_op.create_index(
            batch_op.f("ix_link_organisation_id_local_id"), ["organisation_id", "local_id"], unique=False
        )
        batch_op.drop_column("read_at")

    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_column("note")
        batch_op.drop_column("purchase_order")

    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_column("merged_into")

    with op.batch_alter_table("conflict", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conflict_organisation_id_settled_at"))
        batch_op.drop_column("restored")
        batch_op.drop_column("settled_by")
        batch_op.drop_column("settled_at")

    op.drop_table("treatment")
    with op.batch_alter_table("link_proposal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_link_proposal_organisation_id_state"))

    op.drop_table("link_proposal")
    op.drop_table("field_owner")
    with op.batch_alter_table("call_on_its_way", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_call_on_its_way_system_account"))

    for table in ("call_on_its_way", "call_told", "call_hold", "call_count"):
        op.drop_table(table)
