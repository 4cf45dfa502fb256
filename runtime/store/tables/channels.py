"""How customers are reached beside e-mail: by what, where, with what right, and what became of each message."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from runtime.store.tables.columns import Id, Instant, metadata, organisation_id

# A channel that an organisation switched on, the carrier that takes its messages, and what was said for it.
channel_switch = Table(
    "channel_switch",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("carrier", String(16), nullable=False),
    Column("switched_on", Boolean, nullable=False),
    Column("details", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", String(200), nullable=False),
)

# Where a customer is reached by a channel, and why we may, as people note it.
contact_point = Table(
    "contact_point",
    metadata,
    Column("customer_id", Id, primary_key=True),
    Column("channel", String(16), primary_key=True),
    organisation_id(),
    Column("address", Text, nullable=False),
    Column("basis", String(24)),
    Column("evidence", Text, nullable=False),  # of the basis, in the words of whoever noted it
    Column("noted_by", String(200), nullable=False),
    Column("noted_at", Instant, nullable=False),
    Index(None, "organisation_id", "channel"),
)

# What the ledger or the CRM tells of it, as it is typed there (`written`) and as it is used; "" with `why` it is not.
told_contact = Table(
    "told_contact",
    metadata,
    Column("customer_id", Id, primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("system", String(32), primary_key=True),
    organisation_id(),
    Column("address", Text, nullable=False),
    Column("written", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("told_at", Instant, nullable=False),
    Index(None, "organisation_id", "channel"),
)

# Addresses at which nothing arrives by a channel, or whose reader is gone: nothing is sent there by it any more.
bad_address = Table(
    "bad_address",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
)

# A telephone that answered STOP: no text goes there, whoever's number it is noted as, until it answers START.
stopped_number = Table(
    "stopped_number",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("number", String(32), primary_key=True),
    Column("stopped_at", Instant, nullable=False),
    Column("words", Text, nullable=False),
    Column("message_id", String(64), nullable=False),
    Column("ended_at", Instant),
)

# By which channel a customer wants no messages, or by `all` of them, as a `source` says: the payer, or the system that
# tells of it. What a person took back has ended, and stays so until that source says something else.
opt_out = Table(
    "opt_out",
    metadata,
    Column("customer_id", Id, primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("source", String(32), primary_key=True),
    organisation_id(),
    Column("said_by", String(200), nullable=False),
    Column("words", Text, nullable=False),
    Column("said_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

# When an address was contacted by an organisation that shares its limit with others of its owner. It names neither: the
# id, of the message, and the address are digests under a key that only those organisations have. It has no organisation
# on purpose: what one of them writes counts for the others.
shared_contact = Table(
    "shared_contact",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("address", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "address"),
    Index(None, "at"),
)

# What a carrier says of a reminder that it took over. `cost` is a decimal text: a text costs less than a cent.
delivery = Table(
    "delivery",
    metadata,
    Column("reminder_id", Id, ForeignKey("reminder.id"), primary_key=True),
    organisation_id(),
    Column("carrier", String(16), nullable=False),
    Column("external_id", String(320), nullable=False),
    Column("state", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("cost", String(32)),
    Column("cost_currency", String(3)),
    Column("handed_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("looked_at", Instant, nullable=False),
    UniqueConstraint("carrier", "external_id"),
    Index(None, "organisation_id", "state"),
)

# The short way to a payer's own page, for where a signed link is too long: a text, a letter.
short_link = Table(
    "short_link",
    metadata,
    Column("code", String(32), primary_key=True),
    organisation_id(),
    Column("customer_id", Id, nullable=False),
    Column("reminder_id", Id, nullable=False),
    Column("expires_at", Instant, nullable=False),
    UniqueConstraint("reminder_id"),
)
