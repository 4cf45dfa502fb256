"""What keeps two systems in step: the identity map, how far was read, and what a person decides."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint, false

from runtime.store.tables.columns import Id, Instant, metadata, organisation_id

link = Table(
    "link",
    metadata,
    organisation_id(),
    Column("system", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("local_id", Id, nullable=False),
    Column("version", String(64), nullable=False),
    Column("modified_at", Instant),
    Column("surpassed", Boolean, nullable=False, server_default=false()),
    Column("base", JSON, nullable=False),
    Column("read_at", Instant),
    UniqueConstraint("organisation_id", "system", "kind", "external_id"),
    # Not the organisation first: PostgreSQL would rather read all of an organisation by it than look up a whole key.
    Index(None, "local_id", "organisation_id"),
)

# What a vendor deleted: an older state of it that is shown later brings nothing back.
tombstone = Table(
    "tombstone",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("system", String(32), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("external_id", String(128), primary_key=True),
    Column("version", String(64), nullable=False),
    Column("modified_at", Instant),
    Column("read_at", Instant, nullable=False),
)

# A CRM account that may be one of our customers: no exact key says so, and a person decides.
link_proposal = Table(
    "link_proposal",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("system", String(32), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("name", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("candidates", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("customer_id", Id),
    Column("found_at", Instant, nullable=False),
    Column("weighed_at", Instant),
    Column("decided_at", Instant),
    Column("decided_by", String(200)),
    UniqueConstraint("organisation_id", "system", "external_id"),
    Index(None, "organisation_id", "state"),
)

watermark = Table(
    "watermark",
    metadata,
    Column("connection_id", Id, ForeignKey("connection.id"), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("since", Instant, nullable=False),
)

conflict = Table(
    "conflict",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("local_id", Id, nullable=False),
    Column("field", String(32), nullable=False),
    Column("system", String(32), nullable=False),
    Column("kept", Text, nullable=False),
    Column("lost", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", String(200)),
    Column("restored", Boolean, nullable=False, server_default=false()),
    Index(None, "organisation_id", "settled_at"),
)

# Whose word counts for a field, where an administrator decided otherwise than sync/merge.py.
field_owner = Table(
    "field_owner",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("field", String(32), primary_key=True),
    Column("owner", String(16), nullable=False),
)
