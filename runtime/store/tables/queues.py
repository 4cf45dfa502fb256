"""Notices that came, writes that are promised, and calls that are counted."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from runtime.store.tables.columns import Id, Instant, RowNumber, metadata, organisation_id

inbox = Table(
    "inbox",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("system", String(32), nullable=False),
    Column("account", String(128), nullable=False),
    Column("event_id", String(128), nullable=False),
    Column("kind", String(32)),
    Column("external_id", String(128), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("problem", Text),
    Column("done_at", Instant),
    UniqueConstraint("system", "account", "event_id"),
    Index(None, "state", "next_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    organisation_id(),
    Column("system", String(32), nullable=False),
    Column("key", Id, nullable=False),
    Column("intent", JSON, nullable=False),
    Column("subject", Id, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("in_doubt", Boolean, nullable=False, server_default=false()),
    Column("next_at", Instant, nullable=False),
    Column("external_ids", JSON, nullable=False),
    Column("problem", Text),
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant),
    UniqueConstraint("organisation_id", "system", "key"),
    Index(None, "state", "next_at"),
    Index(None, "organisation_id", "subject"),
)

# What is known of the calls to a vendor's account, a connectors.limits.CallBook as JSON: every process takes from the
# same budget.
call_book = Table(
    "call_book",
    metadata,
    Column("system", String(32), primary_key=True),
    Column("account", String(128), primary_key=True),
    Column("book", Text, nullable=False),
)
