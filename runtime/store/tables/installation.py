"""Who uses the product, and what they have connected."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, Text, UniqueConstraint, false

from runtime.store.tables.columns import Id, Instant, metadata, organisation_id, their_text

organisation = Table(
    "organisation",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("base_currency", String(3), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("country", String(2), nullable=False),
    Column("sending_on", Boolean, nullable=False, server_default=false()),
    Column("thanks_since", Instant),
    Column("card_payments_on", Boolean, nullable=False, server_default=false()),
    Column("transfers_on", Boolean, nullable=False, server_default=false()),
    Column("pay_button_on", Boolean, nullable=False, server_default=false()),
    Column("links_back_on", Boolean, nullable=False, server_default=false()),
    Column("history_from", Instant),  # events from then on may be untold in the ledger's history; null: none are told
    Column("answers_on", Boolean, nullable=False, server_default=false()),
    Column("others_remind", Boolean),
    Column("payers_instalments", Integer, nullable=False, server_default="0"),  # that they agree on by themselves
    Column("statements_on", Boolean, nullable=False, server_default=false()),
    Column("approvals_on", Boolean, nullable=False, server_default=false()),
    Column("discounts_on", Boolean, nullable=False, server_default=false()),  # some policy offered any
    Column("approvals_by_level", Boolean, nullable=False, server_default=false()),  # of the policies that count
    Column("autopay_on", Boolean, nullable=False, server_default=false()),
    Column("charges_on", Boolean, nullable=False, server_default=false()),
    Column("limit_key", String(64)),  # of those that share a limit on contacts with this one; None: it counts alone
    Column("limit_shared_by", Id),  # the owner of all of them
    Column("created_at", Instant, nullable=False),
)

consent = Table(
    "consent",
    metadata,
    Column("id", Id, primary_key=True),
    Column("system", String(32), nullable=False),
    Column("access_token", LargeBinary, nullable=False),
    Column("refresh_token", LargeBinary, nullable=False),
    Column("key_version", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("scopes", Text),  # what the vendor last said that it covers, with spaces between; None: it never did
)

connection = Table(
    "connection",
    metadata,
    Column("id", Id, primary_key=True),
    organisation_id(),
    Column("system", String(32), nullable=False),
    Column("role", String(16), nullable=False),
    Column("account", String(128), nullable=False),
    Column("account_name", their_text(200), nullable=False),
    Column("instance_url", String(300), nullable=False),
    Column("consent_id", Id, ForeignKey("consent.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("connected_at", Instant, nullable=False),
    Column("reminds", Boolean),  # whether it sends reminders of its own, where it tells
    Column("reminds_asked_at", Instant),
    Column("tax_codes_asked_at", Instant),
    Column("tax_codes_read_at", Instant),  # when those that are kept were read, None before the first time
    UniqueConstraint("system", "account"),
    UniqueConstraint("organisation_id", "role"),
)

oauth_state = Table(
    "oauth_state",
    metadata,
    Column("state", String(128), primary_key=True),
    organisation_id(),
    Column("system", String(32), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("person_id", Id),  # who began it, and so who may end it; nobody named: it was begun on this machine
)

# How an organisation's pages for payers look; the logo is a PNG that we drew from what was uploaded.
brand = Table(
    "brand",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisation.id"), primary_key=True),
    Column("colour", String(7)),
    Column("logo", LargeBinary),
)
