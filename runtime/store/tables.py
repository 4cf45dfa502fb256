"""The tables. Money is an integer of minor units beside its currency; instants are aware and in UTC.

Every table of business data has `organisation_id` and is only ever queried with it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

ID_LENGTH = 64
_Id = String(ID_LENGTH)
# SQLite numbers rows by itself only in a column declared INTEGER.
_Sequence = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware instant. SQLite keeps no zone, so UTC goes in and comes out; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into UTC; ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must have a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the instant back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _their_text(length: int) -> String:
    """Text as long as vendors and banks make it: PostgreSQL would refuse a page for one name; SQLite never does."""
    return String(length).with_variant(Text(), "postgresql")


def _organisation() -> Column[Any]:
    return Column("organisation_id", _Id, ForeignKey("organisation.id"), nullable=False)


def _minor(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=nullable)


def _currency() -> Column[Any]:
    return Column("currency", String(3), nullable=False)


organisation = Table(
    "organisation",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("base_currency", String(3), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("country", String(2), nullable=False),
    Column("sending_on", Boolean, nullable=False, server_default=false()),
    Column("created_at", Instant, nullable=False),
)

consent = Table(
    "consent",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("system", String(32), nullable=False),
    Column("access_token", LargeBinary, nullable=False),
    Column("refresh_token", LargeBinary, nullable=False),
    Column("key_version", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("generation", Integer, nullable=False),
)

connection = Table(
    "connection",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("system", String(32), nullable=False),
    Column("role", String(16), nullable=False),
    Column("account", String(128), nullable=False),
    Column("account_name", _their_text(200), nullable=False),
    Column("instance_url", String(300), nullable=False),
    Column("consent_id", _Id, ForeignKey("consent.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("connected_at", Instant, nullable=False),
    UniqueConstraint("system", "account"),
    UniqueConstraint("organisation_id", "role"),
)

oauth_state = Table(
    "oauth_state",
    metadata,
    Column("state", String(128), primary_key=True),
    _organisation(),
    Column("system", String(32), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
)

customer = Table(
    "customer",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("name", _their_text(300), nullable=False),
    Column("number", _their_text(128)),
    Column("email", String(320)),
    Column("parent_id", _Id),
    Column("country", _their_text(64)),
    Column("opted_out", Boolean, nullable=False, server_default=false()),
    Column("deleted", Boolean, nullable=False, server_default=false()),
    Column("merged_into", _Id),
    Column("changed_at", Instant, nullable=False),
    Column("shown_at", Instant),
    Index(None, "organisation_id"),
)

document = Table(
    "document",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("customer_id", _Id, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("number", _their_text(128), nullable=False),
    Column("references", JSON, nullable=False),
    _currency(),
    _minor("total_minor"),
    _minor("balance_minor"),
    Column("issued_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("status", String(16), nullable=False),
    Column("sent", Boolean, nullable=False),
    Column("disputed", Boolean, nullable=False, server_default=false()),
    Column("dispute_reason", Text),
    Column("promised_on", Date),
    Column("purchase_order", Text),
    Column("note", Text),
    Column("read_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("shown_at", Instant),
    Index(None, "organisation_id", "status"),
    Index(None, "organisation_id", "customer_id"),
    Index(None, "organisation_id", "number"),
)

link = Table(
    "link",
    metadata,
    _organisation(),
    Column("system", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("local_id", _Id, nullable=False),
    Column("version", String(64), nullable=False),
    Column("base", JSON, nullable=False),
    Column("read_at", Instant),
    UniqueConstraint("organisation_id", "system", "kind", "external_id"),
    # Not the organisation first: PostgreSQL would rather read all of an organisation by it than look up a whole key.
    Index(None, "local_id", "organisation_id"),
)

watermark = Table(
    "watermark",
    metadata,
    Column("connection_id", _Id, ForeignKey("connection.id"), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("since", Instant, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("name", _their_text(200), nullable=False),
    Column("handle", String(128), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("currency", String(3)),
    Index(None, "organisation_id", "purpose"),
)

bank_account = Table(
    "bank_account",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("identification", String(64), nullable=False),
    _currency(),
    Column("ledger_account", String(128)),
    Column("declares", String(16), nullable=False),
    Column("evidence_until", Date),
    Column("attested_by", String(200)),
    UniqueConstraint("organisation_id", "identification", "currency"),
)

receipt = Table(
    "receipt",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("source", String(16), nullable=False),
    Column("source_account", String(128), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("received_on", Date, nullable=False),
    Column("begun_at", Instant),
    _currency(),
    _minor("amount_minor"),
    _minor("fee_minor", nullable=True),
    _minor("unapplied_minor"),
    _minor("refunded_minor"),
    Column("dispute", String(16), nullable=False),
    Column("payer_name", _their_text(300), nullable=False),
    Column("payer_account", _their_text(128), nullable=False),
    Column("remittance", Text, nullable=False),
    Column("customer_id", _Id),
    Column("hints", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("method", String(32), nullable=False),
    Column("applications", Integer, nullable=False),
    Column("noticed_at", Instant, nullable=False),
    Column("read_at", Instant),
    Column("changed_at", Instant, nullable=False),
    Column("shown_at", Instant),
    UniqueConstraint("organisation_id", "source", "external_id"),
    Index(None, "organisation_id", "state"),
)

allocation = Table(
    "allocation",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("receipt_id", _Id, ForeignKey("receipt.id"), nullable=False),
    Column("document_id", _Id, nullable=False),
    Column("is_credit", Boolean, nullable=False),
    _currency(),
    _minor("amount_minor"),
    Column("created_at", Instant, nullable=False),
    Column("posted_at", Instant),
    Column("undone_at", Instant),
    Index(None, "organisation_id", "document_id"),
    Index(None, "organisation_id", "receipt_id"),
)

residual = Table(
    "residual",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("receipt_id", _Id, ForeignKey("receipt.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    _currency(),
    _minor("amount_minor"),
    Column("undone_at", Instant),
    Index(None, "organisation_id", "receipt_id"),
)

proposal = Table(
    "proposal",
    metadata,
    Column("receipt_id", _Id, ForeignKey("receipt.id"), primary_key=True),
    _organisation(),
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
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("receipt_id", _Id, ForeignKey("receipt.id"), nullable=False),
    Column("items", JSON, nullable=False),
    Column("refused_by", String(200), nullable=False),
    Column("refused_at", Instant, nullable=False),
    Index(None, "organisation_id", "receipt_id"),
)

ledger_payment = Table(
    "ledger_payment",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("external_id", String(128), nullable=False),
    Column("customer_id", _Id),
    Column("received_on", Date, nullable=False),
    _currency(),
    _minor("amount_minor"),
    _minor("unapplied_minor"),
    Column("reference", Text, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("coded", Boolean, nullable=False),
    Column("payer_name", _their_text(300), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("receipt_id", _Id),
    Column("read_at", Instant, nullable=False),
    UniqueConstraint("organisation_id", "external_id"),
    Index(None, "organisation_id", "currency", "amount_minor"),
)

payout = Table(
    "payout",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("external_id", String(128), nullable=False),
    Column("arrival_on", Date, nullable=False),
    _currency(),
    _minor("amount_minor"),
    _minor("fees_minor"),
    Column("state", String(16), nullable=False),
    Column("lines", JSON, nullable=False),
    Column("receipt_id", _Id),
    UniqueConstraint("organisation_id", "external_id"),
)

statement = Table(
    "statement",
    metadata,
    Column("id", _Sequence, primary_key=True, autoincrement=True),
    _organisation(),
    Column("file", _their_text(300), nullable=False),
    Column("account", String(64), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("imported_at", Instant, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", _Sequence, primary_key=True, autoincrement=True),
    Column("system", String(32), nullable=False),
    Column("account", String(128), nullable=False),
    Column("event_id", String(128), nullable=False),
    Column("kind", String(32)),
    Column("external_id", String(128), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("problem", Text),
    Column("done_at", Instant),
    UniqueConstraint("system", "account", "event_id"),
    Index(None, "state", "next_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Sequence, primary_key=True, autoincrement=True),
    _organisation(),
    Column("system", String(32), nullable=False),
    Column("key", _Id, nullable=False),
    Column("intent", JSON, nullable=False),
    Column("subject", _Id, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("in_doubt", Boolean, nullable=False, server_default=false()),
    Column("next_at", Instant, nullable=False),
    Column("external_ids", JSON, nullable=False),
    Column("problem", Text),
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant),
    UniqueConstraint("organisation_id", "system", "key"),
    Index(None, "state", "next_at"),
    Index(None, "organisation_id", "subject"),
)

hold = Table(
    "hold",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("document_id", _Id, nullable=False),
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
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("customer_id", _Id, nullable=False),
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
    Index(None, "organisation_id", "state"),
    Index(None, "organisation_id", "customer_id"),
)

reminder_item = Table(
    "reminder_item",
    metadata,
    Column("reminder_id", _Id, ForeignKey("reminder.id"), primary_key=True),
    Column("document_id", _Id, primary_key=True),
    _organisation(),
    Column("level", Integer, nullable=False),
    _currency(),
    _minor("amount_minor"),
    Column("state", String(16), nullable=False),
    Column("certificate", String(64)),
    Index(None, "organisation_id", "document_id"),
)

# One reserved slot for each item and level of each channel: the database itself refuses a second message.
reminder_slot = Table(
    "reminder_slot",
    metadata,
    Column("document_id", _Id, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("channel", String(16), primary_key=True),
    _organisation(),
    Column("reminder_id", _Id, nullable=False),
)

certificate = Table(
    "certificate",
    metadata,
    Column("digest", String(64), primary_key=True),
    _organisation(),
    Column("sequence", Integer, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("document_id", _Id, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("organisation_id", "sequence"),
    Index(None, "organisation_id", "document_id"),
)

conflict = Table(
    "conflict",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("local_id", _Id, nullable=False),
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
    Column("organisation_id", _Id, ForeignKey("organisation.id"), primary_key=True),
    Column("field", String(32), primary_key=True),
    Column("owner", String(16), nullable=False),
)

# Where money that closes an item without cash is posted: account and tax code by kind of residual.
treatment = Table(
    "treatment",
    metadata,
    Column("organisation_id", _Id, ForeignKey("organisation.id"), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("account", String(128), nullable=False),
    Column("tax_code", String(64), nullable=False),
)

# A CRM account that may be one of our customers: no exact key says so, and a person decides.
link_proposal = Table(
    "link_proposal",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("system", String(32), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("name", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("candidates", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("customer_id", _Id),
    Column("found_at", Instant, nullable=False),
    Column("weighed_at", Instant),
    Column("decided_at", Instant),
    Column("decided_by", String(200)),
    UniqueConstraint("organisation_id", "system", "external_id"),
    Index(None, "organisation_id", "state"),
)

# Calls made to an account of a vendor, by slice of each limit's window: every process takes from the same budget.
call_count = Table(
    "call_count",
    metadata,
    Column("system", String(32), primary_key=True),
    Column("account", String(128), primary_key=True),
    Column("window_seconds", Integer, primary_key=True),
    Column("of", String(16), primary_key=True),
    Column("slice", BigInteger, primary_key=True),
    Column("calls", Integer, nullable=False),
)

# No call begins before `held_until`; who counts a call locks this row first.
call_hold = Table(
    "call_hold",
    metadata,
    Column("system", String(32), primary_key=True),
    Column("account", String(128), primary_key=True),
    Column("held_until", Instant, nullable=False),
)

# What the vendor itself said is left of a limit, until when we believe it.
call_told = Table(
    "call_told",
    metadata,
    Column("system", String(32), primary_key=True),
    Column("account", String(128), primary_key=True),
    Column("window_seconds", Integer, primary_key=True),
    Column("remaining", Integer, nullable=False),
    Column("until", Instant, nullable=False),
)

# A call on its way; one whose process died counts until its time-out.
call_on_its_way = Table(
    "call_on_its_way",
    metadata,
    Column("token", _Id, primary_key=True),
    Column("system", String(32), nullable=False),
    Column("account", String(128), nullable=False),
    Column("until", Instant, nullable=False),
    Index(None, "system", "account"),
)

event = Table(
    "event",
    metadata,
    Column("id", _Sequence, primary_key=True, autoincrement=True),
    _organisation(),
    Column("at", Instant, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", _Id, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "organisation_id", "subject"),
)

problem = Table(
    "problem",
    metadata,
    Column("id", _Id, primary_key=True),
    _organisation(),
    Column("code", String(64), nullable=False),
    Column("subject", _Id, nullable=False),
    Column("text", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Index(None, "organisation_id", "resolved_at"),
)
