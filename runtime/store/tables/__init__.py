"""The tables. Money is an integer of minor units beside its currency; instants are aware and in UTC.

Every table of business data has `organisation_id` and is only ever queried with it.
"""

from __future__ import annotations

from runtime.store.tables.channels import (
    bad_address,
    channel_switch,
    contact_point,
    delivery,
    opt_out,
    shared_contact,
    short_link,
    stopped_number,
    told_contact,
)
from runtime.store.tables.charges import charge, charge_terms, reference_rate
from runtime.store.tables.columns import ID_LENGTH, Instant, metadata
from runtime.store.tables.discounts import discount
from runtime.store.tables.documents import account, customer, dispute_file, document, open_figures
from runtime.store.tables.in_step import conflict, field_owner, link, link_proposal, tombstone, watermark
from runtime.store.tables.installation import brand, connection, consent, oauth_state, organisation
from runtime.store.tables.journal import event, problem
from runtime.store.tables.mail import mail, mailbox
from runtime.store.tables.money import (
    allocation,
    bank_account,
    checkout,
    debit,
    held_cash,
    ledger_payment,
    past_case,
    payer_account,
    payout,
    pending_statement,
    proposal,
    receipt,
    refusal,
    residual,
    statement,
    statement_columns,
    tax_code,
    treatment,
)
from runtime.store.tables.people import identity, invitation, membership, person, session
from runtime.store.tables.plans import automatic_payment, mandate, payment_plan
from runtime.store.tables.queues import call_book, inbox, outbox
from runtime.store.tables.reminders import (
    approval,
    certificate,
    courtesy,
    hold,
    message_copy,
    policy_book,
    reminder,
    reminder_item,
    reminder_slot,
    thanks,
)
from runtime.store.tables.replies import answer, colleague, reply, task

__all__ = [
    "ID_LENGTH",
    "Instant",
    "account",
    "allocation",
    "answer",
    "approval",
    "automatic_payment",
    "bad_address",
    "bank_account",
    "brand",
    "call_book",
    "certificate",
    "channel_switch",
    "charge",
    "charge_terms",
    "checkout",
    "colleague",
    "conflict",
    "connection",
    "consent",
    "contact_point",
    "courtesy",
    "customer",
    "debit",
    "delivery",
    "discount",
    "dispute_file",
    "document",
    "event",
    "field_owner",
    "held_cash",
    "hold",
    "identity",
    "inbox",
    "invitation",
    "ledger_payment",
    "link",
    "link_proposal",
    "mail",
    "mailbox",
    "mandate",
    "membership",
    "message_copy",
    "metadata",
    "oauth_state",
    "open_figures",
    "opt_out",
    "organisation",
    "outbox",
    "past_case",
    "payer_account",
    "payment_plan",
    "payout",
    "pending_statement",
    "person",
    "policy_book",
    "problem",
    "proposal",
    "receipt",
    "reference_rate",
    "refusal",
    "reminder",
    "reminder_item",
    "reminder_slot",
    "reply",
    "residual",
    "session",
    "shared_contact",
    "short_link",
    "statement",
    "statement_columns",
    "stopped_number",
    "task",
    "tax_code",
    "thanks",
    "told_contact",
    "tombstone",
    "treatment",
    "watermark",
]
