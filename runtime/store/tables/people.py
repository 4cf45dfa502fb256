"""Who signs in, where they belong, and for how long they stay signed in."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table, UniqueConstraint

from runtime.store.tables.columns import Id, Instant, metadata, organisation_id

EMAIL_LENGTH = 200  # as long as the name of whoever acts, wherever that is kept

person = Table(
    "person",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", String(EMAIL_LENGTH), nullable=False),
    Column("name", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
)

# What a provider calls a person. The subject is theirs for good; an address may pass to somebody else.
identity = Table(
    "identity",
    metadata,
    Column("issuer", String(200), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("person_id", Id, ForeignKey("person.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Index(None, "person_id"),
)

membership = Table(
    "membership",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("person_id", Id, ForeignKey("person.id"), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("since", Instant, nullable=False),
    Column("added_by", String(200), nullable=False),
    Index(None, "person_id"),
)

# A link that makes whoever holds it and signs in with this address a member, once. Only its secret's digest is kept.
invitation = Table(
    "invitation",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("digest", String(64), nullable=False),
    Column("email", String(EMAIL_LENGTH), nullable=False),
    Column("role", String(16), nullable=False),
    Column("invited_by", String(200), nullable=False),
    Column("invited_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    UniqueConstraint("digest"),
    UniqueConstraint("organisation_id", "email"),
)

# A browser that is signed in. Its cookie is a random secret of which only the digest is kept.
session = Table(
    "session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("person_id", Id, ForeignKey("person.id"), nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index(None, "person_id"),
)
