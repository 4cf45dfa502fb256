"""What holds a reminder back, what was sent, and the proof of it."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from runtime.store.tables.columns import Id, Instant, currency, metadata, minor, organisation_id, their_text

hold = Table(
    "hold",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("document_id", Id, nullable=False),
    Column("code", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", Instant),
    Column("placed_by", String(200), nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("released_at", Instant),
    Index(None, "organisation_id", "document_id"),
)

reminder = Table(
    "reminder",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("level", Integer, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body_text", Text, nullable=False),
    Column("body_html", Text, nullable=False),
    Column("planned_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("withdrawn_at", Instant),
    Column("why", Text, nullable=False),
    Column("shown_at", Instant),
    Column("digest", String(64)),  # of what it says, while it is planned
    Column("needs_approval", Boolean, nullable=False, server_default=false()),  # by its level's policy
    Index(None, "organisation_id", "state"),
    Index(None, "organisation_id", "customer_id"),
    Index(None, "organisation_id", "sent_at"),
    Index("ix_reminder_organisation_id_address", "organisation_id", text("lower(recipient)")),
)

reminder_item = Table(
    "reminder_item",
    metadata,
    Column("reminder_id", Id, ForeignKey("reminder.id"), primary_key=True),
    Column("document_id", Id, primary_key=True),
    organisation_id(),
    Column("level", Integer, nullable=False),
    currency(),
    minor("amount_minor"),
    Column("state", String(16), nullable=False),
    Column("certificate", String(64)),
    Index(None, "organisation_id", "document_id"),
)

# What a person said of a message before it left, by the digest of what it says.
approval = Table(
    "approval",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("decided_by", String(200), nullable=False),
    Column("decided_at", Instant, nullable=False),
    Index(None, "organisation_id", "digest"),
)

# What an organisation decided its reminders by: every version that was set, as its author wrote it.
policy_book = Table(
    "policy_book",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("set_by", String(200), nullable=False),
    Column("set_at", Instant, nullable=False),
)

# Who signs messages of a tone; of an empty one, all that have no name of their own.
signature = Table(
    "signature",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("tone", String(16), primary_key=True),
    Column("name", their_text(80), nullable=False),
)

# An organisation's own words, in versions; an empty text says that ours count again. No tone: they are for all tones.
message_copy = Table(
    "message_copy",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("language", String(8), primary_key=True),
    Column("tone", String(16), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("set_by", String(200), nullable=False),
    Column("set_at", Instant, nullable=False),
)

# One row a payment that somebody was thanked for, or not: it is there before the message leaves, so there is one.
thanks = Table(
    "thanks",
    metadata,
    Column("receipt_id", Id, ForeignKey("receipt.id"), primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("state", String(16), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body_text", Text, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("why", Text, nullable=False),
    Column("message_id", String(320)),  # what a bounce and a reply name it by
    Index(None, "organisation_id", "sent_at"),
    Index(None, "message_id"),
    Index("ix_thanks_organisation_id_address", "organisation_id", text("lower(recipient)")),
)

# A message beside reminders, of a kind, about one thing: it is there before the message leaves, so there is one.
courtesy = Table(
    "courtesy",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("about", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body_text", Text, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("why", Text, nullable=False),
    Column("message_id", String(320)),
    Column("documents", JSON),  # the invoices that it rests on
    Index(None, "organisation_id", "customer_id"),
    Index(None, "message_id"),
    Index("ix_courtesy_organisation_id_address", "organisation_id", text("lower(recipient)")),
)

# One reserved slot for each item and level of each channel: the database itself refuses a second message.
reminder_slot = Table(
    "reminder_slot",
    metadata,
    Column("document_id", Id, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("channel", String(16), primary_key=True),
    organisation_id(),
    Column("reminder_id", Id, nullable=False),
)

certificate = Table(
    "certificate",
    metadata,
    Column("digest", String(64), primary_key=True),
    organisation_id(),
    Column("sequence", Integer, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("document_id", Id, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("organisation_id", "sequence"),
    Index(None, "organisation_id", "document_id"),
)
