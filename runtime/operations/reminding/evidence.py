"""Gather the facts that reminders are decided on, for many items in a few queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from receivables.allocation import Allocation
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.open_item import OpenItem
from receivables.promise import Dispute, PromiseToPay, still_promised
from reminders.evidence import (
    Flag,
    Freshness,
    InFlight,
    ItemEvidence,
    PlausibleReceipt,
    Read,
)
from runtime.operations.autopay.mandates import under_way
from runtime.operations.matching.open_items import OpenDocument, open_documents, unshown_allocations
from runtime.operations.reaching.by_mail import Mailing, read_mailing
from runtime.operations.reminding import facts as facts_of
from runtime.operations.reminding.withdraw import IN_DOUBT, PLANNED, SENT
from runtime.operations.systems.less_paid import with_unread_payments
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks, rows_of

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

    mailing: Mailing
    freshness: Freshness
    read_at: Mapping[str, datetime]
    status: Mapping[str, DocumentStatus]
    disputes: Mapping[str, Mapping[str, Any]]
    allocations: Mapping[str, list[Allocation]] = field(default_factory=dict)
    plausible: dict[str, list[PlausibleReceipt]] = field(default_factory=dict)
    in_flight: dict[str, list[InFlight]] = field(default_factory=dict)
    flags: Mapping[str, list[Flag]] = field(default_factory=dict)
    covered: Mapping[str, Money] = field(default_factory=dict)
    versions: Mapping[str, list[Read]] = field(default_factory=dict)
    being_written: Collection[str] = ()
    less_paid: Collection[str] = ()


def gather(
    db: Connection, organisation: Organisation, *, now: datetime, document_ids: Collection[str] | None = None
) -> list[ItemEvidence]:
    """Return the evidence of every open invoice, or of exactly these invoices, whatever their state is now.

    Their contact is that by e-mail, without what was sent lately: `reach` knows that, and the other channels.
    """
    documents = [
        each
        for each in open_documents(db, organisation.id, document_ids=document_ids)
        if each.document.kind is DocumentKind.INVOICE
    ]
    if not documents:
        return []
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


def _evidence(facts: Facts, each: OpenDocument) -> ItemEvidence:
    document = each.document
    item_id = document.document_id
    said = facts.disputes[item_id]
    part = still_promised(each.open_amount, said["promise_leaves_minor"])
    return ItemEvidence(
        item=_item(each),
        document_status=facts.status[item_id],
        document_sent=document.sent,
        document_total=document.total,
        ledger_balance=document.balance,
        contact=facts.mailing.contact(document.customer_id),
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
        promises=(PromiseToPay(item_id, said["promised_on"], part),) if said["promised_on"] else (),
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


def _read_facts(db: Connection, organisation: Organisation, now: datetime, documents: Sequence[OpenDocument]) -> Facts:
    ids = [each.document.document_id for each in documents]
    rows = {row["id"]: row for row in rows_of(db, organisation.id, t.document, ids)}
    whose = {each.document.customer_id for each in documents}
    mailing = read_mailing(db, organisation, whose)
    facts = Facts(
        mailing=mailing,
        freshness=facts_of.freshness(db, organisation),
        read_at={item_id: rows[item_id]["read_at"] for item_id in ids},
        status={item_id: DocumentStatus(rows[item_id]["status"]) for item_id in ids},
        disputes={item_id: rows[item_id] for item_id in ids},
    )
    facts.allocations = unshown_allocations(db, organisation.id, ids)
    facts.plausible, facts.in_flight = facts_of.receipts(db, organisation)
    for item_id, began in facts_of.checkouts(db, organisation.id, now).items():
        facts.in_flight[item_id] = [*facts.in_flight.get(item_id, ()), *began]
    for item_id, automatic in under_way(db, organisation, ids).items():
        facts.in_flight[item_id] = [*facts.in_flight.get(item_id, ()), *automatic]
    facts.flags = facts_of.flags(db, organisation.id, ids, now)
    facts.covered = facts_of.credit(db, organisation.id, list(mailing.customers))
    for item_id, left in facts_of.left_over(db, organisation, list(mailing.customers), now).items():
        facts.plausible[item_id] = [*facts.plausible.get(item_id, ()), *left]
    facts.being_written = facts_of.being_written(db, organisation.id, now)
    facts.less_paid = with_unread_payments(
        db, organisation.id, {item_id: row["less_paid_at"] for item_id, row in rows.items()}
    )
    facts.versions = facts_of.versions(db, organisation.id, facts.read_at)
    return facts
