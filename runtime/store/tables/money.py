"""Money that arrived, what it pays, and what a person said about it."""

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
    UniqueConstraint,
    false,
)

from runtime.store.tables.columns import Id, Instant, RowNumber, currency, metadata, minor, organisation_id, their_text

bank_account = Table(
    "bank_account",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("identification", String(64), nullable=False),
    currency(),
    Column("ledger_account", String(128)),
    Column("declares", String(16), nullable=False),
    Column("evidence_until", Date),
    minor("closing_minor", nullable=True),  # the balance at the end of that day
    Column("attested_by", String(200)),
    UniqueConstraint("organisation_id", "identification", "currency"),
)

# Bank accounts that a processor reads for the organisation: `account` is the processor's, `external_id` the bank's.
bank_feed = Table(
    "bank_feed",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("system", String(16), nullable=False),
    Column("account", String(64), nullable=False),
    Column("state", String(8), nullable=False),
    Column("ledger_account", String(128), nullable=False),
    Column("page_external_id", String(128), nullable=False),
    Column("page_expires_at", Instant, nullable=False),
    Column("external_id", String(64), nullable=False),
    Column("name", their_text(200), nullable=False),
    Column("ending", String(8), nullable=False),
    currency(),
    Column("first_lines", JSON, nullable=False),
    Column("sign", Integer),
    Column("counts_from", Date),
    Column("told", JSON, nullable=False),
    Column("reading", String(64)),
    Column("caught_up_at", Instant),
    Column("begun_at", Instant, nullable=False),
    Index(None, "organisation_id", "state"),
)

statement = Table(
    "statement",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    organisation_id(),
    Column("file", their_text(300), nullable=False),
    Column("account", String(64), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("imported_at", Instant, nullable=False),
)

receipt = Table(
    "receipt",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("source", String(16), nullable=False),
    Column("source_account", String(128), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("received_on", Date, nullable=False),
    Column("begun_at", Instant),
    currency(),
    minor("amount_minor"),
    minor("fee_minor", nullable=True),
    minor("unapplied_minor"),
    minor("refunded_minor"),
    Column("dispute", String(16), nullable=False),
    Column("payer_name", their_text(300), nullable=False),
    Column("payer_account", their_text(128), nullable=False),
    Column("payer_account_key", their_text(128), nullable=False),
    Column("remittance", Text, nullable=False),
    Column("customer_id", Id),
    Column("hints", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("method", String(32), nullable=False),
    Column("decline", JSON(none_as_null=True)),
    Column("applications", Integer, nullable=False),
    Column("noticed_at", Instant, nullable=False),
    Column("version", String(64)),
    Column("modified_at", Instant),
    Column("read_at", Instant),
    Column("changed_at", Instant, nullable=False),
    Column("shown_at", Instant),
    UniqueConstraint("organisation_id", "source", "external_id"),
    Index(None, "organisation_id", "state"),
    Index(None, "organisation_id", "customer_id"),
    Index(None, "organisation_id", "payer_account_key"),
    Index(None, "organisation_id", "payer_name"),
)

proposal = Table(
    "proposal",
    metadata,
    Column("receipt_id", Id, ForeignKey("receipt.id"), primary_key=True),
    organisation_id(),
    Column("decision", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", JSON, nullable=False),
    Column("plausible", JSON, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("decided_by", String(200)),
    Column("decided_at", Instant),
    Index(None, "organisation_id", "state"),
)

# What a person refused for a receipt, by its set of items: the same question is not asked twice.
refusal = Table(
    "refusal",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("receipt_id", Id, ForeignKey("receipt.id"), nullable=False),
    Column("items", JSON, nullable=False),
    Column("refused_by", String(200), nullable=False),
    Column("refused_at", Instant, nullable=False),
    Index(None, "organisation_id", "receipt_id"),
)

# What became of the matches proposed for a receipt, one a set of items: how good the evidence was, and the last word.
past_case = Table(
    "past_case",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("receipt_id", Id, ForeignKey("receipt.id"), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("band", Integer, nullable=False),
    Column("word", String(16), nullable=False),
    Column("said_by", String(200), nullable=False),
    Column("said_at", Instant, nullable=False),
    Index(None, "organisation_id", "said_at"),
)

# A line of a bank statement by which money left. What takes back no receipt keeps no name and no text.
debit = Table(
    "debit",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("source_account", String(128), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("booked_on", Date, nullable=False),
    currency(),
    minor("amount_minor"),
    minor("original_minor", nullable=True),
    Column("payee_name", their_text(300), nullable=False),
    Column("payee_account", their_text(128), nullable=False),
    Column("remittance", Text, nullable=False),
    Column("references", JSON, nullable=False),
    Column("taken_back", Text),
    Column("state", String(16), nullable=False),
    Column("receipt_id", Id),
    Column("reasons", JSON, nullable=False),
    Column("refused", JSON, nullable=False),
    Column("held", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("decided_by", String(200)),
    Column("decided_at", Instant),
    UniqueConstraint("organisation_id", "external_id"),
    Index(None, "organisation_id", "state"),
)

allocation = Table(
    "allocation",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("receipt_id", Id, ForeignKey("receipt.id"), nullable=False),
    Column("document_id", Id, nullable=False),
    Column("is_credit", Boolean, nullable=False),
    currency(),
    minor("amount_minor"),
    Column("created_at", Instant, nullable=False),
    Column("posted_at", Instant),
    Column("undone_at", Instant),
    Index(None, "organisation_id", "document_id"),
    Index(None, "organisation_id", "receipt_id"),
)

residual = Table(
    "residual",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("receipt_id", Id, ForeignKey("receipt.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    currency(),
    minor("amount_minor"),
    Column("undone_at", Instant),
    Index(None, "organisation_id", "receipt_id"),
)

# Where money that closes an item without cash is posted: account and tax code by kind of residual.
treatment = Table(
    "treatment",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("account", String(128), nullable=False),
    Column("tax_code", String(64), nullable=False),
)

# The ledger's tax codes of what is sold, as it listed them last (`connection.tax_codes_read_at`).
tax_code = Table(
    "tax_code",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("code", String(64), primary_key=True),
    Column("name", their_text(200), nullable=False),
    Column("per_cent", String(32), nullable=False),
)

ledger_payment = Table(
    "ledger_payment",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("external_id", String(128), nullable=False),
    Column("customer_id", Id),
    Column("received_on", Date, nullable=False),
    currency(),
    minor("amount_minor"),
    minor("unapplied_minor"),
    Column("reference", Text, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("coded", Boolean, nullable=False),
    Column("payer_name", their_text(300), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("receipt_id", Id),
    Column("version", String(64)),
    Column("modified_at", Instant),
    Column("read_at", Instant, nullable=False),
    UniqueConstraint("organisation_id", "external_id"),
    Index(None, "organisation_id", "currency", "amount_minor"),
    Index(None, "organisation_id", "customer_id"),
    Index(None, "organisation_id", "received_on"),
    Index(None, "receipt_id"),
)

payout = Table(
    "payout",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("external_id", String(128), nullable=False),
    Column("arrival_on", Date, nullable=False),
    currency(),
    minor("amount_minor"),
    minor("fees_minor"),
    Column("state", String(16), nullable=False),
    Column("lines", JSON, nullable=False),
    Column("receipt_id", Id),
    Column("version", String(64)),
    Column("modified_at", Instant),
    Column("read_at", Instant),
    UniqueConstraint("organisation_id", "external_id"),
)

# Pages of the processor on which payers began to pay, for what: [[document id, minor units]].
checkout = Table(
    "checkout",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("amounts", JSON, nullable=False),
    currency(),
    minor("amount_minor"),
    Column("address", Text),
    Column("holds", Boolean, nullable=False),
    Column("by_transfer", Boolean, nullable=False, server_default=false()),
    Column("begun_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index(None, "organisation_id", "expires_at"),
)

# Payers whom a processor keeps because we asked it to, so that each has an account of their own to transfer money to.
payer_account = Table(
    "payer_account",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("system", String(32), primary_key=True),
    Column("external_id", String(128), primary_key=True),
    Column("account", String(128), nullable=False),  # of ours at the processor: another one keeps other payers
    Column("customer_id", Id, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Index(None, "organisation_id", "customer_id"),
)

# Money that a payer sent and that a processor keeps for them, by currency: it is no receipt until it pays something.
held_cash = Table(
    "held_cash",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("system", String(32), nullable=False),
    Column("external_id", String(128), nullable=False),
    currency(),
    minor("amount_minor"),
    Column("payer_name", their_text(300), nullable=False),
    Column("payer_email", String(320)),
    Column("remittance", Text, nullable=False),
    Column("received_on", Date, nullable=False),
    Column("movements", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("customer_id", Id),
    Column("plausible", JSON, nullable=False),
    Column("noticed_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("organisation_id", "system", "external_id", "currency"),
    Index(None, "organisation_id", "customer_id"),
)

# What the columns of an organisation's delimited statements mean, by the digest of their headings, in versions.
statement_columns = Table(
    "statement_columns",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("header", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("replaces", Id),
    Column("set_by", String(200), nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index(None, "organisation_id", "header"),
)

# Statement files of which a person has yet to say what their columns mean; they are kept for a day.
pending_statement = Table(
    "pending_statement",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("file", their_text(300), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("uploaded_at", Instant, nullable=False),
    Index(None, "organisation_id", "uploaded_at"),
)
