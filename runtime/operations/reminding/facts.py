"""The rows behind the evidence: each function reads one kind of fact for many items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, exists, func, select, union, union_all

from connectors.contract import Role
from connectors.records import Kind
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money, total
from receivables.open_item import OpenItem
from receivables.receipt import ReceiptStatus
from reminders.evidence import (
    BankDeclaration,
    BankEvidence,
    CrmEvidence,
    Flag,
    FlagCode,
    Freshness,
    InFlight,
    InFlightKind,
    PlausibleReceipt,
    ProcessorEvidence,
    Read,
)
from reminders.freshness import LEDGER_MAX_AGE
from reminders.holds import DEBIT_SETTLES_WITHIN, distribute_credit, plausible_until
from runtime.operations.applying.applications import proposed_items
from runtime.operations.bank_feeds.feeds import caught_up
from runtime.operations.matching.open_items import open_documents
from runtime.operations.payers.checkouts import begun
from runtime.operations.systems.ledger_accounts import bank_accounts
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.store.connections import Organisation, VendorConnection
from runtime.store.intake import asked_since
from runtime.store.links import links_of
from runtime.store.rows import beside_an_index, chunks

# What reminders rest on beside the ledger, by who says it. In the CRM it is disputes, promises, opt-outs and pauses.
SAID_BY: Mapping[Role, tuple[Kind, ...]] = {
    Role.PROCESSOR: (Kind.PROCESSOR_PAYMENT, Kind.HELD_CASH),
    Role.CRM: (Kind.CONTACT, Kind.INVOICE, Kind.INSTRUCTION),
}
LEFT_OVER = "it is more than what it would pay first"
ASKED = ("pending", "held", "in_flight", "rejected")  # states of proposals that hold what they name
_CHECKOUT_METHODS = frozenset({"card", "checkout"})
_receipt, _proposal, _payment, _held, _hold, _note = (
    table.c for table in (t.receipt, t.proposal, t.ledger_payment, t.held_cash, t.hold, t.document)
)
_ORGANISATION = bindparam("organisation_id", type_=t.receipt.c.organisation_id.type)
_CUSTOMERS: BindParameter[str] = bindparam("customer_ids", expanding=True)


def freshness(db: Connection, organisation: Organisation) -> Freshness:
    """Return when the processor, the CRM and the banks were last read; the ledger's reading is each item's own."""
    # A connection that was lost proves nothing any more, but what it proved grows old: reminders then wait.
    kept = [each for each in connections.connections(db, organisation.id) if each.status != connections.DISCONNECTED]
    processor, crm = (next((each for each in kept if each.role is role), None) for role in (Role.PROCESSOR, Role.CRM))
    return Freshness(
        ledger_read_at=None,
        processors=(ProcessorEvidence(processor.system, _read_until(db, processor)),) if processor else (),
        bank=_bank(db, organisation),
        crm=CrmEvidence(crm.system, _read_until(db, crm)) if crm else None,
    )


def _read_until(db: Connection, connection: VendorConnection) -> datetime | None:
    """Up to when everything is known of a connection that reminders rest on; None while some of it was never read."""
    kinds, known = SAID_BY[connection.role], connections.watermarks(db, connection.id)
    read = [known[kind.value] for kind in kinds if kind.value in known]
    unread = asked_since(db, system=connection.system, account=connection.account.external_id)
    return min([*read, *([unread] if unread else [])]) if len(read) == len(kinds) else None


def _bank(db: Connection, organisation: Organisation) -> tuple[BankEvidence, ...]:
    """What each bank account of the ledger proves; one that declared nothing proves nothing."""
    fed = caught_up(db, organisation.id)
    return tuple(
        BankEvidence(
            account=account.name,
            declares=BankDeclaration(row.declares) if row else BankDeclaration.STATEMENT,
            evidence_until=row.evidence_until if row else None,
            caught_up_at=fed.get(row.identification) if row else None,
            attested_by=row.attested_by if row else None,
            time_zone=organisation.time_zone,
            country=organisation.country,
        )
        for account, row in bank_accounts(db, organisation.id)
    )


_UNDECIDED = (
    select(t.receipt, _proposal.plausible, _proposal.body, _proposal.state.label("asked"))
    .join(t.proposal, _proposal.receipt_id == _receipt.id)
    .where(
        _receipt.organisation_id == _ORGANISATION,
        _proposal.organisation_id == _ORGANISATION,
        _proposal.state.in_(ASKED),
        _receipt.status.in_(("received", "in_flight")),
    )
)
_KEPT_FOR_UNKNOWN = select(t.held_cash).where(
    _held.organisation_id == _ORGANISATION, _held.customer_id.is_(None), _held.amount_minor > 0
)


def receipts(
    db: Connection, organisation: Organisation
) -> tuple[dict[str, list[PlausibleReceipt]], dict[str, list[InFlight]]]:
    """Return what receipts that are not applied may pay, and what is on its way, by item."""
    plausible: defaultdict[str, list[PlausibleReceipt]] = defaultdict(list)
    on_its_way: defaultdict[str, list[InFlight]] = defaultdict(list)
    zone = organisation.zone
    which = {"organisation_id": organisation.id}
    for row in db.execute(_UNDECIDED, which):
        amount = Money(row.amount_minor, row.currency)
        best = set(proposed_items(row.body))
        others = [item_id for item_id in row.plausible if item_id not in best]
        for item_id in row.plausible:
            if row.status == "in_flight":
                on_its_way[item_id].append(in_flight_by(row, amount))
                continue
            rank = 1 if item_id in best else 2 + others.index(item_id)
            why = "it was booked to an account" if row.state == "coded" else "it fits and waits for a decision"
            noticed = row.noticed_at.astimezone(zone).date()
            was_applied = row.asked == "pending" and item_id in best and bool(row.applications)
            plausible[item_id].append(
                PlausibleReceipt(row.id, amount, row.received_on, why, rank, noticed, was_applied=was_applied)
            )
    for row in db.execute(_KEPT_FOR_UNKNOWN, which):
        noticed = row.noticed_at.astimezone(zone).date()
        for rank, item_id in enumerate(row.plausible, 1):
            amount, why = Money(row.amount_minor, row.currency), f"it lies at {row.system} for a payer we do not know"
            plausible[item_id].append(PlausibleReceipt(row.id, amount, row.received_on, why, rank, noticed))
    return plausible, on_its_way


def in_flight_by(row: Any, amount: Money) -> InFlight:  # noqa: ANN401 - a row of the receipt
    """Return what a payment that was begun is to an item, of which it pays `amount`."""
    if row.method in _CHECKOUT_METHODS:
        return InFlight(amount, InFlightKind.CHECKOUT, row.begun_at, row.begun_at + timedelta(hours=1))
    return InFlight(amount, InFlightKind.BANK_DEBIT, row.begun_at, row.begun_at + DEBIT_SETTLES_WITHIN)


def checkouts(db: Connection, organisation_id: str, now: datetime) -> dict[str, list[InFlight]]:
    """Return what may come, by item, from pages on which payers began to pay and that still hold reminders back."""
    found: defaultdict[str, list[InFlight]] = defaultdict(list)
    for each in begun(db, organisation_id, now):
        for document_id, amount in each.amounts.items() if each.holds else ():
            found[document_id].append(InFlight(amount, InFlightKind.CHECKOUT, each.begun_at, each.expires_at))
    return found


_STANDING = (
    select(t.hold)
    .where(
        _hold.organisation_id == _ORGANISATION,
        _hold.document_id.in_(bindparam("document_ids", expanding=True)),
        _hold.released_at.is_(None),
    )
    .order_by(_hold.id)
)


def flags(db: Connection, organisation_id: str, document_ids: Collection[str], now: datetime) -> dict[str, list[Flag]]:
    """Return the holds that stand on these items."""
    found: defaultdict[str, list[Flag]] = defaultdict(list)
    for chunk in chunks(sorted(document_ids)):
        for row in db.execute(_STANDING, {"organisation_id": organisation_id, "document_ids": list(chunk)}):
            if row.until is None or row.until > now:
                found[row.document_id].append(Flag(FlagCode(row.code), row.reason, row.until))
    return found


def credit(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> dict[str, Money]:
    """Return the items that a customer's unapplied credit or cash covers in full, with it, oldest due first."""
    covered: dict[str, Money] = {}
    for chunk in chunks(sorted(customer_ids)):
        left = known_credit(db, organisation_id, chunk)
        items = _owed(db, organisation_id, {customer_id for customer_id, _ in left})
        for key, amount in left.items():
            covered |= dict.fromkeys(distribute_credit(items=items[key], credit=amount), amount)
    return covered


def _owed(
    db: Connection, organisation_id: str, customer_ids: Collection[str]
) -> Mapping[tuple[str, str], list[OpenItem]]:
    """What these customers owe, by customer and currency."""
    items: defaultdict[tuple[str, str], list[OpenItem]] = defaultdict(list)
    for each in open_documents(db, organisation_id, customer_ids=customer_ids):
        if each.document.kind is DocumentKind.INVOICE and each.open_amount:
            items[(each.document.customer_id, each.open_amount.currency)].append(each.item())
    return items


_CREDIT_NOTES = select(_note.id).where(
    _note.organisation_id == _ORGANISATION,
    _note.customer_id.in_(_CUSTOMERS),
    beside_an_index(_note.status) == DocumentStatus.OPEN.value,
    _note.kind == DocumentKind.CREDIT_NOTE.value,
)
# What the ledger has of a customer's money, what we have, and what a processor keeps. Money of ours counts until the
# ledger shows it; from then on the ledger says what is left of it.
_CASH = union_all(
    select(_payment.customer_id, _payment.currency, func.sum(_payment.unapplied_minor).label("minor"))
    .where(_payment.organisation_id == _ORGANISATION, _payment.customer_id.in_(_CUSTOMERS), _payment.deleted.is_(False))
    .group_by(_payment.customer_id, _payment.currency),
    select(_receipt.customer_id, _receipt.currency, func.sum(_receipt.unapplied_minor))
    .where(
        _receipt.organisation_id == _ORGANISATION,
        _receipt.customer_id.in_(_CUSTOMERS),
        _receipt.status == ReceiptStatus.RECEIVED.value,
        ~exists().where(_payment.organisation_id == _ORGANISATION, _payment.receipt_id == _receipt.id),
    )
    .group_by(_receipt.customer_id, _receipt.currency),
    select(_held.customer_id, _held.currency, func.sum(_held.amount_minor))
    .where(_held.organisation_id == _ORGANISATION, _held.customer_id.in_(_CUSTOMERS), _held.amount_minor > 0)
    .group_by(_held.customer_id, _held.currency),
)


def known_credit(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> dict[tuple[str, str], Money]:
    """Return what these customers have to their credit, by customer and currency; those without any are left out."""
    credit: defaultdict[tuple[str, str], int] = defaultdict(int)
    theirs = {"organisation_id": organisation_id, "customer_ids": list(customer_ids)}
    for note in open_documents(db, organisation_id, document_ids=db.scalars(_CREDIT_NOTES, theirs).all()):
        credit[(note.document.customer_id, note.open_amount.currency)] += note.open_amount.minor
    for customer_id, currency, minor in db.execute(_CASH, theirs):
        credit[(customer_id, currency)] += int(minor or 0)
    return {key: Money(minor, key[1]) for key, minor in credit.items() if minor > 0}


_SUGGESTED = (
    select(_receipt.id, _receipt.customer_id, _receipt.received_on, _receipt.noticed_at, _proposal.body)
    .join(t.proposal, _proposal.receipt_id == _receipt.id)
    .where(
        _receipt.organisation_id == _ORGANISATION,
        _receipt.customer_id.in_(_CUSTOMERS),
        _receipt.status == ReceiptStatus.RECEIVED.value,
        _proposal.state == "pending",
    )
)


def left_over(
    db: Connection, organisation: Organisation, customer_ids: Collection[str], now: datetime
) -> dict[str, list[PlausibleReceipt]]:
    """Return the items that what is left of money that a person is asked about would cover in full, with that money.

    What it would pay first is left out. It counts beside what the customer has to their credit, and for as many days as
    any money that may pay an item.
    """
    found: defaultdict[str, list[PlausibleReceipt]] = defaultdict(list)
    for chunk in chunks(sorted(customer_ids)):
        left, paid_first = _left_of_suggestions(db, organisation, chunk, now)
        if not left:
            continue
        known = known_credit(db, organisation.id, chunk)
        items = _owed(db, organisation.id, {customer_id for customer_id, _ in left})
        for key, receipts_left in left.items():
            amounts = [each.amount for each in receipts_left]
            amount = total([known[key], *amounts] if key in known else amounts, key[1])
            others = [each for each in items[key] if each.item_id not in paid_first]
            for item_id in distribute_credit(items=others, credit=amount):
                found[item_id] += receipts_left
    return found


def _left_of_suggestions(
    db: Connection, organisation: Organisation, customer_ids: Collection[str], now: datetime
) -> tuple[dict[tuple[str, str], list[PlausibleReceipt]], set[str]]:
    """What known payers have sent beside the items that it would pay, by customer and currency; and those items."""
    left: defaultdict[tuple[str, str], list[PlausibleReceipt]] = defaultdict(list)
    paid_first: set[str] = set()
    for row in db.execute(_SUGGESTED, {"organisation_id": organisation.id, "customer_ids": list(customer_ids)}):
        paid_first |= set(proposed_items(row.body))
        amount = Money(row.body["best"]["unapplied"]["minor"], row.body["best"]["unapplied"]["currency"])
        noticed = row.noticed_at.astimezone(organisation.zone).date()
        each = PlausibleReceipt(row.id, amount, row.received_on, LEFT_OVER, 1, noticed)
        until = plausible_until(each, organisation.time_zone)
        if amount and (until is None or now < until):
            left[(row.customer_id, amount.currency)].append(each)
    return left, paid_first


_allocation, _outbox = t.allocation.c, t.outbox.c
_MOVED = (
    select(_allocation.document_id)
    .join(t.outbox, _outbox.subject == _allocation.receipt_id)
    .join(t.document, t.document.c.id == _allocation.document_id)
    .where(_outbox.organisation_id == _ORGANISATION)
)
_IS_UNDO = _outbox.intent["intent"].as_string() == "undo_posting"
_UNFINISHED = _outbox.state.in_((queues.NEW, *queues.SET_ASIDE))
# A posting that may stand; one that stands and is to be taken off, which nobody tried yet or which the ledger refused;
# and one that was taken off after the balance was read. A lease ends after what it was claimed for was done.
_BEING_WRITTEN = union(
    _MOVED.where(_UNFINISHED, _outbox.in_doubt.is_(True), _allocation.posted_at.is_(None)),
    _MOVED.where(_UNFINISHED, _IS_UNDO, _allocation.undone_at.is_not(None)),
    _MOVED.where(
        _outbox.state == queues.DONE,
        _outbox.next_at > bindparam("recently"),
        _outbox.done_at > t.document.c.read_at,
        _IS_UNDO,
        _allocation.undone_at.is_not(None),
    ),
)


def being_written(db: Connection, organisation_id: str, now: datetime) -> set[str]:
    """Return the documents whose balance in the ledger we are about to change: we post money there, or take it off."""
    which = {"organisation_id": organisation_id, "recently": now - LEDGER_MAX_AGE}
    return set(db.scalars(_BEING_WRITTEN, which))


def versions(db: Connection, organisation_id: str, read_at: Mapping[str, datetime]) -> dict[str, list[Read]]:
    """Return what each item was read as, where and when."""
    found: defaultdict[str, list[Read]] = defaultdict(list)
    for link in links_of(db, organisation_id, list(read_at)):
        if link["version"]:
            subject = f"{link['kind']} {link['external_id']}"
            found[link["local_id"]].append(Read(link["system"], subject, link["version"], read_at[link["local_id"]]))
    return found
