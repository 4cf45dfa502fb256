"""What happened, and what waits for a person."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from runtime.store.tables.columns import Id, Instant, RowNumber, metadata, organisation_id

event = Table(
    "event",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    organisation_id(),
    Column("at", Instant, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Id, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "organisation_id", "subject"),
    Index(None, "organisation_id", "at"),
)

problem = Table(
    "problem",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("code", String(64), nullable=False),
    Column("subject", Id, nullable=False),
    Column("text", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Index(None, "organisation_id", "resolved_at"),
)
