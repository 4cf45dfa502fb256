"""Debts that are paid in instalments, and invoices that are paid by themselves from a saved means."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Date, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from runtime.store.tables.columns import Id, Instant, currency, metadata, minor, organisation_id

# A plan of a customer: the invoices that it is for, what was open of them in all, and [[day, minor units], …].
payment_plan = Table(
    "payment_plan",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("documents", JSON, nullable=False),
    currency(),
    minor("total_minor"),
    Column("instalments", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("consent", Text, nullable=False),
    Column("agreed_by", String(200), nullable=False),
    Column("agreed_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("why", Text, nullable=False),
    Index(None, "organisation_id", "state"),
    Index(None, "organisation_id", "customer_id"),
)

# What a payer agreed to for autopay, and the means that they saved for it; `consent` is word for word what they read.
mandate = Table(
    "mandate",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("state", String(16), nullable=False),
    currency(),
    minor("ceiling_minor", nullable=True),
    Column("days_before", Integer, nullable=False),
    Column("consent", Text, nullable=False),
    Column("consent_version", Integer, nullable=False),
    Column("consent_language", String(8), nullable=False),
    Column("agreed_by", String(200), nullable=False),
    Column("agreed_at", Instant, nullable=False),
    Column("system", String(32), nullable=False),
    Column("account", String(128), nullable=False),  # of the organisation at the processor, where the means is saved
    Column("page_external_id", String(128)),
    Column("page_address", Text),
    Column("page_expires_at", Instant, nullable=False),
    Column("payer_external_id", String(128)),
    Column("means_external_id", String(128)),
    Column("method", String(32), nullable=False),
    Column("ending", String(16), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", String(200)),
    Column("why", Text, nullable=False),
    Index(None, "organisation_id", "state"),
    Index(None, "organisation_id", "customer_id"),
)

# One invoice that a mandate pays: told of beforehand by the message `courtesy_id`, taken at the processor once.
automatic_payment = Table(
    "automatic_payment",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("mandate_id", Id, ForeignKey("mandate.id"), nullable=False),
    Column("customer_id", Id, nullable=False),
    Column("document_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),  # from 1 on: the database itself refuses the same one twice
    currency(),
    minor("amount_minor"),
    Column("take_on", Date, nullable=False),
    Column("state", String(16), nullable=False),
    Column("courtesy_id", Id, nullable=False),
    Column("announced_at", Instant, nullable=False),
    Column("promised_at", Instant),
    Column("external_id", String(128)),
    Column("settled_at", Instant),
    Column("decline", JSON),
    Column("then", String(16), nullable=False),
    Column("told_by", Id),  # the message that said that it failed
    Column("why", Text, nullable=False),
    UniqueConstraint("organisation_id", "document_id", "attempt"),
    Index(None, "organisation_id", "state"),
    Index(None, "organisation_id", "mandate_id"),
)
