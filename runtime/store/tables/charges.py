"""What late payment costs: on whose terms, at which rates, and what was decided for which invoice and days."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Date, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from runtime.store.tables.columns import Id, Instant, currency, metadata, minor, organisation_id

# The contract's own rate and flat fee, where they count instead of the law's; and when a charge is to be paid.
charge_terms = Table(
    "charge_terms",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("contract_basis_points", Integer),
    minor("contract_fee_minor"),
    Column("due_days", Integer, nullable=False),
    Column("set_by", String(200), nullable=False),
    Column("set_at", Instant, nullable=False),
)

# Reference rates as a person read them off their source, each from its first day.
reference_rate = Table(
    "reference_rate",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("since", Date, primary_key=True),
    Column("basis_points", Integer, nullable=False),
    Column("set_by", String(200), nullable=False),
    Column("set_at", Instant, nullable=False),
)

# A decision about an invoice's lateness from `since` through `until`. No two of an invoice begin on the same day.
charge = Table(
    "charge",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("document_id", Id, nullable=False),
    Column("customer_id", Id, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    currency(),
    minor("interest_minor"),
    minor("fixed_minor"),
    Column("arithmetic", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_by", String(200), nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("charge_document_id", Id),
    UniqueConstraint("organisation_id", "document_id", "since"),
    Index(None, "organisation_id", "charge_document_id"),
)
