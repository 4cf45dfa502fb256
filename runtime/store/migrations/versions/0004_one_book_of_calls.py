"""What is known of the calls to a vendor's account stands in one row instead of in four tables."""

from __future__ import annotations

import json
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

from runtime.store import tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "call_book",
        *_account(),
        sa.Column("book", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("system", "account", name=op.f("pk_call_book")),
    )
    _carry_counts_over()
    for table in ("call_on_its_way", "call_told", "call_hold", "call_count"):
        op.drop_table(table)


def downgrade() -> None:
    """Take back; what was counted is forgotten."""
    op.create_table(
        "call_count",
        *_account(),
        sa.Column("window_seconds", sa.Integer(), nullable=False),
        sa.Column("of", sa.String(length=16), nullable=False),
        sa.Column("slice", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("system", "account", "window_seconds", "of", "slice", name=op.f("pk_call_count")),
    )
    op.create_table(
        "call_hold",
        *_account(),
        sa.Column("held_until", tables.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("system", "account", name=op.f("pk_call_hold")),
    )
    op.create_table(
        "call_told",
        *_account(),
        sa.Column("window_seconds", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("until", tables.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("system", "account", "window_seconds", name=op.f("pk_call_told")),
    )
    op.create_table(
        "call_on_its_way",
        sa.Column("token", sa.String(length=64), nullable=False),
        *_account(),
        sa.Column("until", tables.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_call_on_its_way")),
    )
    with op.batch_alter_table("call_on_its_way", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_on_its_way_system_account"), ["system", "account"], unique=False)
    op.drop_table("call_book")


def _account() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("system", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
    )


def _carry_counts_over() -> None:
    """A day's calls still count: an upgrade gives nobody a second budget."""
    names = ("system", "account", "window_seconds", "of", "slice", "calls")
    old = sa.table("call_count", *map(sa.column, names))
    new = sa.table("call_book", *map(sa.column, ("system", "account", "book")))
    counts: defaultdict[tuple[str, str], defaultdict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in op.get_bind().execute(sa.select(old)):
        counts[row.system, row.account][f"{row.window_seconds} {row.of}"][row.slice] = row.calls
    for (system, account), known in counts.items():
        values = {"system": system, "account": account, "book": json.dumps({"counts": known})}
        op.execute(sa.insert(new).values(values))
