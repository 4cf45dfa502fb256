"""Whom an organisation sells to, what they owe, and the accounts of the ledger."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
)

from runtime.store.tables.columns import Id, Instant, currency, metadata, minor, organisation_id, their_text

customer = Table(
    "customer",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("name", their_text(300), nullable=False),
    Column("number", their_text(128)),
    Column("email", String(320)),
    Column("parent_id", Id),
    Column("country", their_text(64)),
    Column("language", String(8)),
    Column("invoice_format", String(16)),  # what they asked for; None: as the ledger prints it
    Column("links_ended_at", Instant),
    Column("is_business", Boolean),  # what a person said; None: their name tells
    Column("industry", their_text(255)),  # what the CRM tells of their business, in its own word
    Column("employees", Integer),
    Column("deleted", Boolean, nullable=False, server_default=false()),
    Column("merged_into", Id),
    Column("changed_at", Instant, nullable=False),
    Column("shown_at", Instant),
    Column("weighed_until", Instant),
    Index(None, "organisation_id", "id"),
    Index(None, "parent_id"),
)

document = Table(
    "document",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("number", their_text(128), nullable=False),
    Column("references", JSON, nullable=False),
    currency(),
    minor("total_minor"),
    minor("balance_minor"),
    Column("issued_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("status", String(16), nullable=False),
    Column("sent", Boolean, nullable=False),
    Column("disputed", Boolean, nullable=False, server_default=false()),
    Column("dispute_reason", Text),
    Column("promised_on", Date),
    minor("promise_leaves_minor", nullable=True),  # what is open once a promise of a part is kept
    Column("purchase_order", Text),
    Column("note", Text),
    Column("read_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("less_paid_at", Instant),  # when a reading last showed less paid than was known
    Column("shown_at", Instant),
    Column("first_shown", JSON),  # what a first write to the CRM says, kept before it is sent; {} once answered
    Column("linked_back", Boolean, nullable=False, server_default=false()),  # the ledger was told of our page of it
    Index(None, "organisation_id", "status", "due_on", "id"),
    Index(None, "organisation_id", "customer_id"),
    Index(None, "organisation_id", "number"),
)

# Files that payers sent with a dispute. `ends_at`: when a file is removed, known once the dispute is over.
dispute_file = Table(
    "dispute_file",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("document_id", Id, nullable=False),
    Column("name", String(100), nullable=False),
    Column("media_type", String(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Index(None, "organisation_id", "document_id"),
)

account = Table(
    "account",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("name", their_text(200), nullable=False),
    Column("handle", String(128), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("currency", String(3)),
    Index(None, "organisation_id", "purpose"),
)

# The sums of the open invoices of an organisation that has many, as they were counted last.
open_figures = Table(
    "open_figures",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("body", JSON, nullable=False),
    Column("counted_at", Instant, nullable=False),
    Column("took_seconds", Integer, nullable=False),
)
