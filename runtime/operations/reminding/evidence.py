"""Gather the facts that reminders are decided on, for many items in a few queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select

from receivables.allocation import Allocation
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.open_item import OpenItem
from receivables.promise import Dispute, PromiseToPay
from reminders.evidence import (
    Channel,
    ContactEvidence,
    Flag,
    Freshness,
    InFlight,
    ItemEvidence,
    LawfulBasis,
    PlausibleReceipt,
    Read,
)
from reminders.places import country_code, time_zone_of
from runtime.operations.autopay.mandates import under_way
from runtime.operations.matching.open_items import OpenDocument, open_documents, unshown_allocations
from runtime.operations.reaching.bad_addresses import Bad, bad_addresses, normal
from runtime.operations.reminding import facts as facts_of
from runtime.operations.reminding.withdraw import IN_DOUBT, PLANNED, SENT
from runtime.operations.systems.less_paid import with_unread_payments
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks

_NOT_READ: Mapping[str, Any] = {"name": "", "email": None, "parent_id": None, "country": None, "opted_out": False}
_named, _sent = t.reminder_item.c, t.reminder.c
_REMINDED = (
    select(_named.document_id, func.max(_named.level), func.max(_sent.sent_at))
    .join(t.reminder, _sent.id == _named.reminder_id)
    .where(
        _named.organisation_id == bindparam("organisation_id"),
        _named.document_id.in_(bindparam("document_ids", expanding=True)),
        (_named.state == SENT) | ((_named.state == PLANNED) & (_sent.state == IN_DOUBT)),
        _sent.sent_at.is_not(None),
    )
    .group_by(_named.document_id)
)


@dataclass
class Facts:
    """Everything read for one gathering, keyed for the items."""

    organisation: Organisation
    now: datetime
    freshness: Freshness
    customers: Mapping[str, Mapping[str, Any]]
    read_at: Mapping[str, datetime]
    status: Mapping[str, DocumentStatus]
    disputes: Mapping[str, Mapping[str, Any]]
    allocations: Mapping[str, list[Allocation]] = field(default_factory=dict)
    plausible: Mapping[str, list[PlausibleReceipt]] = field(default_factory=dict)
    in_flight: dict[str, list[InFlight]] = field(default_factory=dict)
    flags: Mapping[str, list[Flag]] = field(default_factory=dict)
    covered: Mapping[str, Money] = field(default_factory=dict)
    contacted: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)
    versions: Mapping[str, list[Read]] = field(default_factory=dict)
    being_written: Collection[str] = ()
    less_paid: Collection[str] = ()
    bad_addresses: Bad = field(default_factory=dict)


def gather(
    db: Connection, organisation: Organisation, *, now: datetime, document_ids: Collection[str] | None = None
) -> list[ItemEvidence]:
    """Return the evidence of every open invoice, or of exactly these invoices, whatever their state is now."""
    documents = [
        each
        for each in open_documents(db, organisation.id, document_ids=document_ids)
        if each.document.kind is DocumentKind.INVOICE
    ]
    facts = _read_facts(db, organisation, now, documents)
    return [_evidence(facts, each) for each in documents]


def reminded(db: Connection, organisation_id: str, document_ids: Collection[str]) -> dict[str, tuple[int, datetime]]:
    """Return, by invoice, the highest level sent about it and when. What may have left counts as sent."""
    which = {"organisation_id": organisation_id}
    return {
        row[0]: (row[1], row[2])
        for chunk in chunks(sorted(document_ids))
        for row in db.execute(_REMINDED, which | {"document_ids": list(chunk)})
    }


def place_of(organisation: Organisation, country: str | None) -> tuple[str, str]:
    """Return the country of a customer, from what the ledger says of it, and its time zone.

    A country of several times is taken to keep the organisation's own.
    """
    code = country_code(country) or organisation.country
    return code, time_zone_of(code) or organisation.time_zone


def _evidence(facts: Facts, each: OpenDocument) -> ItemEvidence:
    document = each.document
    item_id = document.document_id
    said = facts.disputes[item_id]
    return ItemEvidence(
        item=_item(each),
        document_status=facts.status[item_id],
        document_sent=document.sent,
        document_total=document.total,
        ledger_balance=document.balance,
        contact=_contact(facts, document.customer_id),
        freshness=replace(
            facts.freshness,
            ledger_read_at=facts.read_at[item_id],
            is_being_written=item_id in facts.being_written,
            has_unread_payments=item_id in facts.less_paid,
        ),
        credit_available=facts.covered.get(item_id, Money.zero(document.total.currency)),
        our_allocations=tuple(facts.allocations.get(item_id, ())),
        in_flight=tuple(facts.in_flight.get(item_id, ())),
        plausible_receipts=tuple(facts.plausible.get(item_id, ())),
        disputes=(Dispute(item_id, said["dispute_reason"] or "no reason given"),) if said["disputed"] else (),
        promises=(PromiseToPay(item_id, said["promised_on"]),) if said["promised_on"] else (),
        flags=tuple(facts.flags.get(item_id, ())),
        versions=tuple(facts.versions.get(item_id, ())),
    )


def _item(each: OpenDocument) -> OpenItem:
    """The item with the ledger's own balance: what we applied beside it is evidence of its own."""
    document = each.document
    return OpenItem(
        item_id=document.document_id,
        kind=document.kind,
        number=document.number,
        customer_id=document.customer_id,
        customer_name=each.customer_name,
        open_amount=document.balance,
        issued_on=document.issued_on,
        due_on=document.due_on,
        references=document.references,
        parent_id=each.parent_id,
    )


def mail_contact(
    organisation: Organisation, customers: Mapping[str, Mapping[str, Any]], customer_id: str, *, bad: Bad
) -> ContactEvidence:
    """Return how a customer is reached by e-mail, of rows that hold the parents too; what was sent is not counted."""
    # A document can be read before its customer is: until then nobody can be written to.
    customer = customers.get(customer_id, _NOT_READ)
    parent = customers.get(customer["parent_id"] or "")
    # A branch without an address at which mail arrives is reached through the parent that pays for it.
    addresses = [each["email"] for each in (customer, parent) if each is not None and each["email"]]
    working = [each for each in addresses if (Channel.EMAIL, normal(each)) not in bad]
    address = next(iter([*working, *addresses]), None)
    country, time_zone = place_of(organisation, customer["country"])
    return ContactEvidence(
        recipient_id=customer_id,
        recipient_name=customer["name"],
        channel=Channel.EMAIL,
        address=address,
        lawful_basis=LawfulBasis.CONTRACT,
        time_zone=time_zone,
        country=country,
        opted_out=any(each["opted_out"] for each in _owners(customer, parent, address)),
        bounced=address is not None and not working,
    )


def _contact(facts: Facts, customer_id: str) -> ContactEvidence:
    count, last = facts.contacted.get(customer_id, (0, None))
    mail = mail_contact(facts.organisation, facts.customers, customer_id, bad=facts.bad_addresses)
    return replace(mail, contacts_this_week=count, last_contact_at=last)


def _owners(
    customer: Mapping[str, Any], parent: Mapping[str, Any] | None, address: str | None
) -> list[Mapping[str, Any]]:
    """Who is written to: the customer, and the parent where the address is only theirs."""
    is_parents = parent is not None and address is not None and normal(address) != normal(customer["email"] or "")
    return [customer, parent] if parent is not None and is_parents else [customer]


def _read_facts(db: Connection, organisation: Organisation, now: datetime, documents: Sequence[OpenDocument]) -> Facts:
    ids = [each.document.document_id for each in documents]
    rows = _by_id(db, t.document, organisation.id, ids)
    customers = customers_with_parents(db, organisation.id, {each.document.customer_id for each in documents})
    facts = Facts(
        organisation=organisation,
        now=now,
        freshness=facts_of.freshness(db, organisation),
        customers=customers,
        read_at={item_id: rows[item_id]["read_at"] for item_id in ids},
        status={item_id: DocumentStatus(rows[item_id]["status"]) for item_id in ids},
        disputes={item_id: rows[item_id] for item_id in ids},
    )
    facts.allocations = _allocations(db, organisation.id, ids)
    facts.plausible, facts.in_flight = facts_of.receipts(db, organisation)
    for item_id, began in facts_of.checkouts(db, organisation.id, now).items():
        facts.in_flight[item_id] = [*facts.in_flight.get(item_id, ()), *began]
    for item_id, automatic in under_way(db, organisation, ids).items():
        facts.in_flight[item_id] = [*facts.in_flight.get(item_id, ()), *automatic]
    facts.flags = facts_of.flags(db, organisation.id, ids, now)
    facts.covered = facts_of.credit(db, organisation.id, list(customers))
    facts.contacted = facts_of.contacts(db, organisation.id, list(customers), now)
    facts.being_written = facts_of.being_written(db, organisation.id)
    facts.less_paid = with_unread_payments(
        db, organisation.id, {item_id: row["less_paid_at"] for item_id, row in rows.items()}
    )
    facts.bad_addresses = bad_addresses(db, organisation.id)
    facts.versions = facts_of.versions(db, organisation.id, facts.read_at)
    return facts


def _allocations(db: Connection, organisation_id: str, ids: Sequence[str]) -> dict[str, list[Allocation]]:
    found: dict[str, list[Allocation]] = {}
    for chunk in chunks(ids):
        found |= unshown_allocations(db, organisation_id, where=t.document.c.id.in_(chunk))
    return found


def _by_id(db: Connection, table: Table, organisation_id: str, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for chunk in chunks(sorted(ids)):
        rows = db.execute(select(table).where(table.c.organisation_id == organisation_id, table.c.id.in_(chunk)))
        found |= {row.id: dict(row._mapping) for row in rows}
    return found


def customers_with_parents(db: Connection, organisation_id: str, ids: set[str]) -> dict[str, Mapping[str, Any]]:
    """Return the rows of these customers and of the parents that pay for them."""
    found = _by_id(db, t.customer, organisation_id, ids)
    parents = {row["parent_id"] for row in found.values() if row["parent_id"]} - found.keys()
    return found | _by_id(db, t.customer, organisation_id, parents)
