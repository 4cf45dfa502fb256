"""What payers wrote back, what was made of it, and the tasks that came of it."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from runtime.store.tables.columns import Id, Instant, metadata, organisation_id

# One reply each: `candidates` are the customers who may have written it where `customer_id` is not known, `documents`
# the invoices that it is about, `held` those that it holds. `acts` while what it says is to be done without a person;
# `settled_kind` is what a person says that it says.
reply = Table(
    "reply",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("channel", String(16), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("customer_id", Id),
    Column("candidates", JSON, nullable=False),
    Column("sender", String(320), nullable=False),
    Column("message_id", Text),
    Column("subject", Text, nullable=False),
    Column("body_text", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("language", String(8), nullable=False),
    Column("kind", String(16)),
    Column("evidence", JSON, nullable=False),
    Column("doubts", JSON, nullable=False),
    Column("named_day", Date),
    Column("amount_minor", BigInteger),
    Column("currency", String(3)),
    Column("documents", JSON, nullable=False),
    Column("held", JSON, nullable=False),
    Column("holds_until", Instant),
    Column("acts", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("settled_kind", String(16)),
    Column("settled_by", String(200)),
    Column("settled_at", Instant),
    UniqueConstraint("organisation_id", "channel", "external_id"),
    Index(None, "organisation_id", "state"),
    Index(None, "organisation_id", "customer_id"),
)

# What somebody is answered, written before it leaves. `findings` are for people here, `proof` says how it arrived,
# `written` is what a person wrote of it, without what a message has around it.
answer = Table(
    "answer",
    metadata,
    Column("reply_id", Id, ForeignKey("reply.id"), primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("findings", JSON, nullable=False),
    Column("recipient", String(320)),  # none: whoever wrote what it answers
    Column("subject", Text, nullable=False),
    Column("body_text", Text, nullable=False),
    Column("written", Text),
    Column("state", String(16), nullable=False),
    Column("message_id", String(320), nullable=False),
    Column("proof", Text, nullable=False),
    Column("prepared_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("sent_by", String(200)),
    Index(None, "organisation_id", "customer_id"),
    Index(None, "message_id"),
)

task = Table(
    "task",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("kind", String(32), nullable=False),
    Column("subject", Id, nullable=False),
    Column("customer_id", Id),
    Column("text", Text, nullable=False),
    Column("owner", String(200)),
    Column("due_on", Date, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", String(200)),
    Index(None, "organisation_id", "closed_at"),
)

# Who takes tasks, by name, and which kinds; none listed means every kind.
colleague = Table(
    "colleague",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("skills", JSON, nullable=False),
    Column("added_at", Instant, nullable=False),
)
