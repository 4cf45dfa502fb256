"""Invoices that were paid not long ago, after their due date: which they are, and whom policies charge for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, or_, select, true

from receivables.document import DocumentKind, DocumentStatus
from reminders.charges import PAID_LATE_DAYS
from reminders.payment_plan import PlanState
from reminders.policy_book import PolicyBook
from runtime.operations.reminding.debtors import policies_for
from runtime.operations.reminding.policies import current
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks

MAX_PAYMENTS = 2_000  # of the ledger that are looked through, the latest; a search looks through its customers' own


@dataclass(frozen=True, slots=True)
class PaidLate:
    """Ids of invoices, the one paid last first; `is_part`: there were more payments than were looked through."""

    document_ids: tuple[str, ...]
    is_part: bool


def policies_that_charge(db: Connection, organisation_id: str) -> tuple[str, ...]:
    """Return the names of the policies that charge for lateness also once an invoice is paid."""
    return _that_charge(current(db, organisation_id).book)


def _that_charge(book: PolicyBook) -> tuple[str, ...]:
    return tuple(choice.policy.name for choice in book.choices if choice.policy.charges_paid_late)


def paid_late(db: Connection, organisation: Organisation, *, now: datetime, text: str = "") -> PaidLate:
    """Return the paid invoices that a payment of the last PAID_LATE_DAYS reached after their due date.

    None where no policy charges for that. With `text`, only those whose number or customer has it in it.
    """
    if not policies_that_charge(db, organisation.id):
        return PaidLate((), is_part=False)
    today, payment = now.astimezone(organisation.zone).date(), t.ledger_payment.c
    recent = (
        select(payment.lines, payment.received_on)
        .where(
            payment.organisation_id == organisation.id,
            payment.received_on >= today - timedelta(days=PAID_LATE_DAYS),
            payment.deleted.is_(False),
            _by_whom(organisation.id, text),
        )
        .order_by(payment.received_on.desc(), payment.id)
        .limit(MAX_PAYMENTS)
    )
    paid_on: dict[str, date] = {}
    rows = db.execute(recent).all()
    for row in rows:
        for document_id, _minor in row.lines:
            paid_on.setdefault(document_id, row.received_on)
    late = [
        row.id
        for chunk in chunks(list(paid_on))
        for row in db.execute(
            select(t.document.c.id, t.document.c.due_on).where(
                t.document.c.organisation_id == organisation.id,
                t.document.c.id.in_(chunk),
                t.document.c.kind == DocumentKind.INVOICE.value,
                t.document.c.status == DocumentStatus.PAID.value,
                named(organisation.id, text),
            )
        )
        if row.due_on < paid_on[row.id]
    ]
    return PaidLate(tuple(sorted(late, key=lambda each: (-paid_on[each].toordinal(), each))), len(rows) == MAX_PAYMENTS)


def charged_when_paid(
    db: Connection, organisation: Organisation, customer_ids: Collection[str], *, now: datetime
) -> set[str]:
    """Return those of these customers whose policy charges for lateness also once an invoice is paid."""
    book = current(db, organisation.id).book
    if not _that_charge(book):
        return set()
    policies = policies_for(db, organisation, book, customer_ids=customer_ids, now=now)
    return {each for each in customer_ids if policies.get(each, book.default).charges_paid_late}


def paid_as_agreed(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> set[str]:
    """Return the invoices of these customers that a payment plan postponed and that were paid by it: not late."""
    plan = t.payment_plan.c
    mine = (plan.organisation_id == organisation_id) & (plan.state == PlanState.KEPT.value)
    return {
        document_id
        for chunk in chunks(sorted(customer_ids))
        for documents in db.scalars(select(plan.documents).where(mine, plan.customer_id.in_(chunk)))
        for document_id in documents
    }


def named(organisation_id: str, text: str) -> ColumnElement[bool]:
    """The condition that a document's number or customer has `text` in it; any does where it is empty."""
    if not text:
        return true()
    document = t.document.c
    return document.number.icontains(text, autoescape=True) | document.customer_id.in_(_called(organisation_id, text))


def _by_whom(organisation_id: str, text: str) -> ColumnElement[bool]:
    """The condition that a payment is of a customer who has `text` in their name, or in an invoice's number."""
    if not text:
        return true()
    document, payer = t.document.c, t.ledger_payment.c.customer_id
    numbered = select(document.customer_id).where(
        document.organisation_id == organisation_id, document.number.icontains(text, autoescape=True)
    )
    return or_(payer.in_(_called(organisation_id, text)), payer.in_(numbered), payer.is_(None))


def _called(organisation_id: str, text: str) -> Select[tuple[str]]:
    customer = t.customer.c
    return select(customer.id).where(
        customer.organisation_id == organisation_id, customer.name.icontains(text, autoescape=True)
    )
