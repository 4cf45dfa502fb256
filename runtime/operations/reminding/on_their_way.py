"""Money that was truly begun and has not arrived yet: what of each open document it covers, and until when.

It is what the hold `in_flight` rests on, less what may never be begun: a page on which a payer could pay, and a payment
by autopay that is only announced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from receivables.money import Money, total
from receivables.receipt import ReceiptStatus
from reminders.autopay import MADE
from reminders.evidence import InFlight
from reminders.holds import DEBIT_SETTLES_WITHIN, in_flight_until, is_on_its_way
from runtime.operations.applying.applications import proposed_amounts
from runtime.operations.autopay.mandates import under_way
from runtime.operations.reminding.facts import ASKED, in_flight_by
from runtime.store import tables as t
from runtime.store.connections import Organisation


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """What of an open document is on its way; by `until` it has arrived or failed, or counts no more."""

    amount: Money
    until: datetime


def on_their_way(
    db: Connection, organisation: Organisation, opened: Mapping[str, Money], *, now: datetime
) -> dict[str, OnItsWay]:
    """Return, by document, what is on its way of what is open of it, and never more than that."""
    found: defaultdict[str, list[InFlight]] = defaultdict(list)
    for document_id, payment in [*_by_receipts(db, organisation.id, now), *_by_autopay(db, organisation, opened)]:
        left = opened.get(document_id)
        if left and payment.amount.currency == left.currency and is_on_its_way(payment, now):
            found[document_id].append(payment)
    return {
        document_id: OnItsWay(
            amount=min(total([each.amount for each in payments], opened[document_id].currency), opened[document_id]),
            until=max(in_flight_until(each) for each in payments),
        )
        for document_id, payments in found.items()
    }


def less_on_its_way(opened: Mapping[str, Money], coming: Mapping[str, OnItsWay]) -> dict[str, Money]:
    """Return, by document, what is left of what is open once what is coming has arrived."""
    return {
        document_id: amount - coming[document_id].amount if document_id in coming else amount
        for document_id, amount in opened.items()
    }


def _by_receipts(db: Connection, organisation_id: str, now: datetime) -> Iterator[tuple[str, InFlight]]:
    """Yield what payments that were made would pay; one that arrived counts until it was matched as such."""
    receipt, proposal = t.receipt.c, t.proposal.c
    arrived = (receipt.status == ReceiptStatus.RECEIVED.value) & (proposal.state == "in_flight")
    rows = db.execute(
        select(t.receipt, proposal.plausible, proposal.body)
        .join(t.proposal, proposal.receipt_id == receipt.id)
        .where(
            receipt.organisation_id == organisation_id,
            proposal.organisation_id == organisation_id,
            proposal.state.in_(ASKED),
            (receipt.status == ReceiptStatus.IN_FLIGHT.value) | arrived,
            receipt.begun_at > now - DEBIT_SETTLES_WITHIN,
        )
    )
    for row in rows:
        for document_id, amount in proposed_amounts(row.body).items():
            if document_id in row.plausible:
                yield document_id, in_flight_by(row, amount)


def _by_autopay(
    db: Connection, organisation: Organisation, opened: Mapping[str, Money]
) -> Iterator[tuple[str, InFlight]]:
    """Yield what may have been taken by autopay; with its receipt it is counted twice, and capped at what is open."""
    for document_id, payments in under_way(db, organisation, opened.keys(), states=MADE).items():
        for payment in payments:
            yield document_id, payment
