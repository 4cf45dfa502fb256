"""Gather the facts that reminders are decided on, for many items in a few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from connectors.contract import AccountPurpose, Kind, Role
from receivables.allocation import Allocation
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.open_item import OpenItem
from receivables.promise import Dispute, PromiseToPay
from reminders.evidence import (
    BankDeclaration,
    BankEvidence,
    Channel,
    ContactEvidence,
    Flag,
    FlagCode,
    Freshness,
    InFlight,
    InFlightKind,
    ItemEvidence,
    LawfulBasis,
    PlausibleReceipt,
    ProcessorEvidence,
    Read,
)
from reminders.holds import distribute_credit
from runtime.operations.open_items import OpenDocument, open_documents
from runtime.operations.withdraw import SENT
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.links import links_of

DEBIT_SETTLES_WITHIN = timedelta(days=7)  # Bacs takes longest of what Stripe offers, see VENDORS
_WEEK = timedelta(days=7)
_CHECKOUT_METHODS = frozenset({"card", "checkout"})
# One zone a country where it has one; a country of many zones falls back to the organisation's own.
_ZONES = {
    "GB": "Europe/London",
    "IE": "Europe/Dublin",
    "DE": "Europe/Berlin",
    "FR": "Europe/Paris",
    "NL": "Europe/Amsterdam",
    "BE": "Europe/Brussels",
    "AT": "Europe/Vienna",
    "CH": "Europe/Zurich",
    "ES": "Europe/Madrid",
    "IT": "Europe/Rome",
}


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
    in_flight: Mapping[str, list[InFlight]] = field(default_factory=dict)
    flags: Mapping[str, list[Flag]] = field(default_factory=dict)
    covered: Mapping[str, Money] = field(default_factory=dict)
    contacted: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)
    versions: Mapping[str, list[Read]] = field(default_factory=dict)


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
    """Return, by invoice, the highest level sent about it and when."""
    item, reminder = t.reminder_item, t.reminder
    rows = db.execute(
        select(item.c.document_id, func.max(item.c.level), func.max(reminder.c.sent_at))
        .join(reminder, reminder.c.id == item.c.reminder_id)
        .where(
            item.c.organisation_id == organisation_id,
            item.c.document_id.in_(document_ids),
            item.c.state == SENT,
            reminder.c.sent_at.is_not(None),
        )
        .group_by(item.c.document_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


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
        freshness=_with_reading(facts.freshness, facts.read_at[item_id]),
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


def _with_reading(freshness: Freshness, read_at: datetime) -> Freshness:
    return Freshness(ledger_read_at=read_at, processors=freshness.processors, bank=freshness.bank)


def _contact(facts: Facts, customer_id: str) -> ContactEvidence:
    customer = facts.customers[customer_id]
    parent = facts.customers.get(customer["parent_id"] or "")
    # A branch without an address of its own is reached through the parent that pays for it.
    address = customer["email"] or (parent["email"] if parent else None)
    country = (customer["country"] or facts.organisation.country).upper()
    count, last = facts.contacted.get(customer_id, (0, None))
    return ContactEvidence(
        recipient_id=customer_id,
        recipient_name=customer["name"],
        channel=Channel.EMAIL,
        address=address,
        lawful_basis=LawfulBasis.CONTRACT,
        time_zone=_ZONES.get(country, facts.organisation.time_zone),
        country=country if len(country) == 2 else facts.organisation.country,
        opted_out=customer["opted_out"],
        contacts_this_week=count,
        last_contact_at=last,
    )


def _read_facts(db: Connection, organisation: Organisation, now: datetime, documents: Sequence[OpenDocument]) -> Facts:
    ids = [each.document.document_id for each in documents]
    rows = _by_id(db, t.document, organisation.id)
    facts = Facts(
        organisation=organisation,
        now=now,
        freshness=_freshness(db, organisation),
        customers=_by_id(db, t.customer, organisation.id),
        read_at={item_id: rows[item_id]["read_at"] for item_id in ids},
        status={item_id: DocumentStatus(rows[item_id]["status"]) for item_id in ids},
        disputes={item_id: rows[item_id] for item_id in ids},
    )
    facts.allocations = _allocations(db, organisation.id)
    facts.plausible, facts.in_flight = _receipts(db, organisation)
    facts.flags = _flags(db, organisation.id, now)
    facts.covered = _credit(db, organisation.id)
    facts.contacted = _contacts(db, organisation.id, now)
    facts.versions = _versions(db, organisation.id, facts.read_at)
    return facts


def _by_id(db: Connection, table: Any, organisation_id: str) -> dict[str, Mapping[str, Any]]:  # noqa: ANN401
    rows = db.execute(select(table).where(table.c.organisation_id == organisation_id))
    return {row.id: dict(row._mapping) for row in rows}


def _freshness(db: Connection, organisation: Organisation) -> Freshness:
    processor = connections.connection_for_role(db, organisation.id, Role.PROCESSOR)
    processors: tuple[ProcessorEvidence, ...] = ()
    if processor is not None:
        caught_up = connections.watermark(db, processor.id, Kind.PROCESSOR_PAYMENT)
        processors = (ProcessorEvidence(processor.system, caught_up),)
    return Freshness(ledger_read_at=None, processors=processors, bank=_bank(db, organisation))


def _bank(db: Connection, organisation: Organisation) -> tuple[BankEvidence, ...]:
    """What each bank account of the ledger proves; one that declared nothing proves nothing."""
    declared = {
        row.ledger_account: row
        for row in db.execute(select(t.bank_account).where(t.bank_account.c.organisation_id == organisation.id))
        if row.ledger_account is not None
    }
    accounts = db.execute(
        select(t.account)
        .where(t.account.c.organisation_id == organisation.id, t.account.c.purpose == AccountPurpose.BANK.value)
        .order_by(t.account.c.handle)
    )
    evidence = []
    for account in accounts:
        row = declared.get(account.handle)
        evidence.append(
            BankEvidence(
                account=account.name,
                declares=BankDeclaration(row.declares) if row else BankDeclaration.STATEMENT,
                evidence_until=row.evidence_until if row else None,
                attested_by=row.attested_by if row else None,
                time_zone=organisation.time_zone,
                country=organisation.country,
            )
        )
    return tuple(evidence)


def _allocations(db: Connection, organisation_id: str) -> dict[str, list[Allocation]]:
    """Our allocations that the ledger's balance, as last read, cannot show yet (see open_items)."""
    allocation = t.allocation
    rows = db.execute(
        select(allocation.c.document_id, allocation.c.amount_minor, allocation.c.currency)
        .join(t.document, t.document.c.id == allocation.c.document_id)
        .where(
            allocation.c.organisation_id == organisation_id,
            allocation.c.undone_at.is_(None),
            allocation.c.posted_at.is_(None) | (allocation.c.posted_at >= t.document.c.read_at),
        )
    )
    found: defaultdict[str, list[Allocation]] = defaultdict(list)
    for row in rows:
        found[row.document_id].append(Allocation(row.document_id, Money(row.amount_minor, row.currency)))
    return found


def _receipts(
    db: Connection, organisation: Organisation
) -> tuple[dict[str, list[PlausibleReceipt]], dict[str, list[InFlight]]]:
    """Return what receipts that are not applied may pay, and what is on its way, by item."""
    plausible: defaultdict[str, list[PlausibleReceipt]] = defaultdict(list)
    on_its_way: defaultdict[str, list[InFlight]] = defaultdict(list)
    zone = organisation.zone
    rows = db.execute(
        select(t.receipt, t.proposal.c.plausible, t.proposal.c.body)
        .join(t.proposal, t.proposal.c.receipt_id == t.receipt.c.id)
        .where(
            t.receipt.c.organisation_id == organisation.id,
            t.proposal.c.state.in_(("pending", "held", "in_flight")),
            t.receipt.c.status.in_(("received", "in_flight")),
        )
    )
    for row in rows:
        amount = Money(row.amount_minor, row.currency)
        best = {allocation["item_id"] for allocation in row.body["best"]["allocations"]}
        others = [item_id for item_id in row.plausible if item_id not in best]
        for item_id in row.plausible:
            if row.status == "in_flight":
                on_its_way[item_id].append(_on_its_way(row, amount))
                continue
            rank = 1 if item_id in best else 2 + others.index(item_id)
            why = "it was booked to an account" if row.state == "coded" else "it fits and waits for a decision"
            noticed = row.noticed_at.astimezone(zone).date()
            plausible[item_id].append(PlausibleReceipt(row.id, amount, row.received_on, why, rank, noticed))
    return plausible, on_its_way


def _on_its_way(row: Any, amount: Money) -> InFlight:  # noqa: ANN401 - a row of the query above
    if row.method in _CHECKOUT_METHODS:
        return InFlight(amount, InFlightKind.CHECKOUT, row.begun_at, row.begun_at + timedelta(hours=1))
    return InFlight(amount, InFlightKind.BANK_DEBIT, row.begun_at, row.begun_at + DEBIT_SETTLES_WITHIN)


def _flags(db: Connection, organisation_id: str, now: datetime) -> dict[str, list[Flag]]:
    found: defaultdict[str, list[Flag]] = defaultdict(list)
    rows = db.execute(select(t.hold).where(t.hold.c.organisation_id == organisation_id, t.hold.c.released_at.is_(None)))
    for row in rows:
        if row.until is None or row.until > now:
            found[row.document_id].append(Flag(FlagCode(row.code), row.reason, row.until))
    return found


def _credit(db: Connection, organisation_id: str) -> dict[str, Money]:
    """Return the items that a customer's unapplied credit covers in full, with the credit, oldest due first."""
    credit: defaultdict[tuple[str, str], int] = defaultdict(int)
    items: defaultdict[tuple[str, str], list[OpenItem]] = defaultdict(list)
    for each in open_documents(db, organisation_id):
        key = (each.document.customer_id, each.open_amount.currency)
        if each.document.kind is DocumentKind.CREDIT_NOTE:
            credit[key] += each.open_amount.minor
        elif each.open_amount:
            items[key].append(each.item())
    for table, owner in ((t.ledger_payment, t.ledger_payment.c.receipt_id), (t.receipt, None)):
        statement = select(table.c.customer_id, table.c.currency, func.sum(table.c.unapplied_minor)).where(
            table.c.organisation_id == organisation_id, table.c.customer_id.is_not(None)
        )
        # Our own postings are counted once: as our receipts, not again as the ledger's payments.
        if owner is not None:
            statement = statement.where(owner.is_(None), t.ledger_payment.c.deleted.is_(False))
        for customer_id, currency, minor in db.execute(statement.group_by(table.c.customer_id, table.c.currency)):
            credit[(customer_id, currency)] += int(minor or 0)
    covered: dict[str, Money] = {}
    for key, minor in credit.items():
        if minor > 0:
            amount = Money(minor, key[1])
            covered |= dict.fromkeys(distribute_credit(items=items[key], credit=amount), amount)
    return covered


def _contacts(db: Connection, organisation_id: str, now: datetime) -> dict[str, tuple[int, datetime]]:
    """Return, by customer, how many messages went out in seven days and when the last one did."""
    rows = db.execute(
        select(t.reminder.c.customer_id, func.count(), func.max(t.reminder.c.sent_at))
        .where(
            t.reminder.c.organisation_id == organisation_id,
            t.reminder.c.state == SENT,
            t.reminder.c.sent_at > now - _WEEK,
        )
        .group_by(t.reminder.c.customer_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _versions(db: Connection, organisation_id: str, read_at: Mapping[str, datetime]) -> dict[str, list[Read]]:
    found: defaultdict[str, list[Read]] = defaultdict(list)
    for link in links_of(db, organisation_id, list(read_at)):
        if link["version"]:
            subject = f"{link['kind']} {link['external_id']}"
            found[link["local_id"]].append(Read(link["system"], subject, link["version"], read_at[link["local_id"]]))
    return found
