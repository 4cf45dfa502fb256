"""The rows behind the evidence: each function reads one kind of fact for many items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select

from connectors.contract import Role
from connectors.records import Kind
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
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
from reminders.holds import DEBIT_SETTLES_WITHIN, distribute_credit
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
_CHECKOUT_METHODS = frozenset({"card", "checkout"})


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
    kinds = SAID_BY[connection.role]
    read = [at for kind in kinds if (at := connections.watermark(db, connection.id, kind)) is not None]
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


def receipts(
    db: Connection, organisation: Organisation
) -> tuple[dict[str, list[PlausibleReceipt]], dict[str, list[InFlight]]]:
    """Return what receipts that are not applied may pay, and what is on its way, by item."""
    plausible: defaultdict[str, list[PlausibleReceipt]] = defaultdict(list)
    on_its_way: defaultdict[str, list[InFlight]] = defaultdict(list)
    zone = organisation.zone
    rows = db.execute(
        select(t.receipt, t.proposal.c.plausible, t.proposal.c.body, t.proposal.c.state.label("asked"))
        .join(t.proposal, t.proposal.c.receipt_id == t.receipt.c.id)
        .where(
            t.receipt.c.organisation_id == organisation.id,
            t.proposal.c.organisation_id == organisation.id,
            t.proposal.c.state.in_(("pending", "held", "in_flight", "rejected")),
            t.receipt.c.status.in_(("received", "in_flight")),
        )
    )
    for row in rows:
        amount = Money(row.amount_minor, row.currency)
        best = set(proposed_items(row.body))
        others = [item_id for item_id in row.plausible if item_id not in best]
        for item_id in row.plausible:
            if row.status == "in_flight":
                on_its_way[item_id].append(_on_its_way(row, amount))
                continue
            rank = 1 if item_id in best else 2 + others.index(item_id)
            why = "it was booked to an account" if row.state == "coded" else "it fits and waits for a decision"
            noticed = row.noticed_at.astimezone(zone).date()
            was_applied = row.asked == "pending" and item_id in best and bool(row.applications)
            plausible[item_id].append(
                PlausibleReceipt(row.id, amount, row.received_on, why, rank, noticed, was_applied=was_applied)
            )
    for row in db.execute(_kept_for_unknown(organisation.id)):
        noticed = row.noticed_at.astimezone(zone).date()
        for rank, item_id in enumerate(row.plausible, 1):
            amount, why = Money(row.amount_minor, row.currency), f"it lies at {row.system} for a payer we do not know"
            plausible[item_id].append(PlausibleReceipt(row.id, amount, row.received_on, why, rank, noticed))
    return plausible, on_its_way


def _kept_for_unknown(organisation_id: str) -> Select[Any]:
    held = t.held_cash.c
    return select(t.held_cash).where(
        held.organisation_id == organisation_id, held.customer_id.is_(None), held.amount_minor > 0
    )


def _on_its_way(row: Any, amount: Money) -> InFlight:  # noqa: ANN401 - a row of the query above
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


def flags(db: Connection, organisation_id: str, document_ids: Collection[str], now: datetime) -> dict[str, list[Flag]]:
    """Return the holds that stand on these items."""
    found: defaultdict[str, list[Flag]] = defaultdict(list)
    hold = t.hold.c
    for chunk in chunks(sorted(document_ids)):
        mine = (hold.organisation_id == organisation_id) & hold.document_id.in_(chunk)
        for row in db.execute(select(t.hold).where(mine, hold.released_at.is_(None)).order_by(hold.id)):
            if row.until is None or row.until > now:
                found[row.document_id].append(Flag(FlagCode(row.code), row.reason, row.until))
    return found


def credit(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> dict[str, Money]:
    """Return the items that a customer's unapplied credit or cash covers in full, with it, oldest due first."""
    covered: dict[str, Money] = {}
    for chunk in chunks(sorted(customer_ids)):
        left = _credit_left(db, organisation_id, chunk)
        items: defaultdict[tuple[str, str], list[OpenItem]] = defaultdict(list)
        for each in open_documents(db, organisation_id, customer_ids={customer_id for customer_id, _ in left}):
            if each.document.kind is DocumentKind.INVOICE and each.open_amount:
                items[(each.document.customer_id, each.open_amount.currency)].append(each.item())
        for key, amount in left.items():
            covered |= dict.fromkeys(distribute_credit(items=items[key], credit=amount), amount)
    return covered


def known_credit(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> dict[tuple[str, str], Money]:
    """Return what these customers have to their credit, by customer and currency; those without any are left out."""
    credit: defaultdict[tuple[str, str], int] = defaultdict(int)
    document = t.document.c
    notes = select(document.id).where(
        document.organisation_id == organisation_id,
        document.customer_id.in_(customer_ids),
        beside_an_index(document.status) == DocumentStatus.OPEN.value,
        document.kind == DocumentKind.CREDIT_NOTE.value,
    )
    for note in open_documents(db, organisation_id, document_ids=db.scalars(notes).all()):
        credit[(note.document.customer_id, note.open_amount.currency)] += note.open_amount.minor
    payment, receipt = t.ledger_payment, t.receipt
    in_ledger = select(payment.c.customer_id, payment.c.currency, func.sum(payment.c.unapplied_minor)).where(
        payment.c.organisation_id == organisation_id,
        payment.c.customer_id.in_(customer_ids),
        payment.c.deleted.is_(False),
    )
    # Money of ours counts here until the ledger shows it; from then on the ledger says what is left of it.
    shown = exists().where(payment.c.organisation_id == organisation_id, payment.c.receipt_id == receipt.c.id)
    ours = select(receipt.c.customer_id, receipt.c.currency, func.sum(receipt.c.unapplied_minor)).where(
        receipt.c.organisation_id == organisation_id,
        receipt.c.customer_id.in_(customer_ids),
        receipt.c.status == ReceiptStatus.RECEIVED.value,
        ~shown,
    )
    held = t.held_cash.c
    kept = select(held.customer_id, held.currency, func.sum(held.amount_minor)).where(
        held.organisation_id == organisation_id, held.customer_id.in_(customer_ids), held.amount_minor > 0
    )
    for statement, table in ((in_ledger, payment), (ours, receipt), (kept, t.held_cash)):
        for customer_id, currency, minor in db.execute(statement.group_by(table.c.customer_id, table.c.currency)):
            credit[(customer_id, currency)] += int(minor or 0)
    return {key: Money(minor, key[1]) for key, minor in credit.items() if minor > 0}


def _credit_left(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> dict[tuple[str, str], Money]:
    """The same with what would be left of money that a person is asked about."""
    left = known_credit(db, organisation_id, customer_ids)
    for customer_id, more in _left_of_suggestions(db, organisation_id, customer_ids):
        if more:
            key = (customer_id, more.currency)
            left[key] = left.get(key, Money.zero(more.currency)) + more
    return left


def _left_of_suggestions(
    db: Connection, organisation_id: str, customer_ids: Collection[str]
) -> Iterator[tuple[str, Money]]:
    """Yield, of payers who are known, what a person is asked about beside the items that it would pay."""
    rows = db.execute(
        select(t.receipt.c.customer_id, t.proposal.c.body)
        .join(t.proposal, t.proposal.c.receipt_id == t.receipt.c.id)
        .where(
            t.receipt.c.organisation_id == organisation_id,
            t.receipt.c.customer_id.in_(customer_ids),
            t.receipt.c.status == ReceiptStatus.RECEIVED.value,
            t.proposal.c.state == "pending",
        )
    )
    for customer_id, body in rows:
        left = body["best"]["unapplied"]
        yield customer_id, Money(left["minor"], left["currency"])


def being_written(db: Connection, organisation_id: str) -> set[str]:
    """Return the documents on which we post money without knowing yet whether the ledger took it."""
    allocation, outbox = t.allocation.c, t.outbox.c
    waiting = outbox.state.in_((queues.NEW, *queues.SET_ASIDE)) & outbox.in_doubt.is_(True)
    return set(
        db.scalars(
            select(allocation.document_id)
            .join(t.outbox, outbox.subject == allocation.receipt_id)
            .where(outbox.organisation_id == organisation_id, waiting)
            .where(allocation.posted_at.is_(None), allocation.undone_at.is_(None))
        )
    )


def versions(db: Connection, organisation_id: str, read_at: Mapping[str, datetime]) -> dict[str, list[Read]]:
    """Return what each item was read as, where and when."""
    found: defaultdict[str, list[Read]] = defaultdict(list)
    for link in links_of(db, organisation_id, list(read_at)):
        if link["version"]:
            subject = f"{link['kind']} {link['external_id']}"
            found[link["local_id"]].append(Read(link["system"], subject, link["version"], read_at[link["local_id"]]))
    return found
