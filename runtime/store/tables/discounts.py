"""Discounts for early payment: what payers were told that they may take off, and what came of it."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, String, Table

from runtime.store.tables.columns import Id, Instant, currency, metadata, minor

# One of an invoice: what it was told with first stays, whatever becomes of the policy.
discount = Table(
    "discount",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("document_id", Id, primary_key=True),
    Column("customer_id", Id, nullable=False),
    currency(),
    minor("total_minor"),
    minor("amount_minor"),
    Column("last_on", Date, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("policy", String(80), nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("receipt_id", Id),
    Column("paid_on", Date),
    Column("decided_by", String(200)),
    Column("decided_at", Instant),
    Index(None, "organisation_id", "state"),
    Index(None, "receipt_id"),
)
