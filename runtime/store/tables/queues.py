"""Notices that came, writes that are promised, and calls that are counted."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
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

# Calls made to an account of a vendor, by slice of each limit's window: every process takes from the same budget.
call_count = Table(
    "call_count",
    metadata,
    Column("system", String(32), primary_key=True),
    Column("account", String(128), primary_key=True),
    Column("window_seconds", Integer, primary_key=True),
    Column("of", String(16), primary_key=True),
    Column("slice", BigInteger, primary_key=True),
    Column("calls", Integer, nullable=False),
)

# No call begins before `held_until`; who counts a call locks this row first.
call_hold = Table(
    "call_hold",
    metadata,
    Column("system", String(32), primary_key=True),
    Column("account", String(128), primary_key=True),
    Column("held_until", Instant, nullable=False),
)

# What the vendor itself said is left of a limit, until when we believe it.
call_told = Table(
    "call_told",
    metadata,
    Column("system", String(32), primary_key=True),
    Column("account", String(128), primary_key=True),
    Column("window_seconds", Integer, primary_key=True),
    Column("remaining", Integer, nullable=False),
    Column("until", Instant, nullable=False),
)

# A call on its way; one whose process died counts until its time-out.
call_on_its_way = Table(
    "call_on_its_way",
    metadata,
    Column("token", Id, primary_key=True),
    Column("system", String(32), nullable=False),
    Column("account", String(128), nullable=False),
    Column("until", Instant, nullable=False),
    Index(None, "system", "account"),
)
