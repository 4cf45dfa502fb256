"""Debts that are paid in instalments."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, String, Table, Text

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
