"""What is shown beside an invoice or a customer of Stripe: where our invoices of the same customer stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reconcile.calibrate import History
from runtime.operations.matching.known_payers import learn_payers
from runtime.operations.views.standing import Standing, standings
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_INVOICES = 20  # the oldest first; the view beside a page is narrow
_COLUMNS = (
    t.document.c.id,
    t.document.c.number,
    t.document.c.customer_id,
    t.document.c.due_on,
    t.document.c.status,
    t.document.c.currency,
    t.document.c.balance_minor,
)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One invoice of the ledger; `standing` while it is open, `reminded_at` the last message that left about it."""

    document_id: str
    number: str
    due_on: date
    status: DocumentStatus
    open_amount: Money
    standing: Standing | None
    reminded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Beside:
    """The customer, the one invoice or all that they have open, and whether there are more than are shown."""

    customer_id: str
    customer_name: str
    invoices: tuple[Neighbour, ...]
    more: bool


def beside(db: Connection, organisation: Organisation, *, payer: str, number: str, now: datetime) -> Beside | None:
    """Return what to show beside an object of Stripe; None where nobody can tell whose it is.

    `payer` is Stripe's id of the customer, known by what they paid before. `number` is that of an invoice: the ledger's
    invoice of the same number is meant, unless it is another customer's, or several have it. A payer who paid for
    several customers is nobody.
    """
    known = _customer_of(db, organisation.id, payer)
    found = _numbered(db, organisation.id, number) if number else []
    if len(found) == 1 and known in (None, found[0].customer_id):
        return _shown(db, organisation, found[0].customer_id, found, now)
    return _shown(db, organisation, known, _open(db, organisation.id, known), now) if known else None


def _customer_of(db: Connection, organisation_id: str, payer: str) -> str | None:
    if not payer:
        return None
    history = History()
    learn_payers(db, organisation_id, history, [(payer, "")])
    customers = history.customers()
    return customers.pop() if len(customers) == 1 else None


def _numbered(db: Connection, organisation_id: str, number: str) -> list[Row[Any]]:
    invoice = t.document.c
    return list(
        db.execute(
            select(*_COLUMNS)
            .where(invoice.organisation_id == organisation_id, invoice.number == number)
            .where(invoice.kind == DocumentKind.INVOICE.value, invoice.customer_id.is_not(None))
            .limit(2)
        )
    )


def _open(db: Connection, organisation_id: str, customer_id: str) -> list[Row[Any]]:
    invoice = t.document.c
    return list(
        db.execute(
            select(*_COLUMNS)
            .where(invoice.organisation_id == organisation_id, invoice.customer_id == customer_id)
            .where(invoice.kind == DocumentKind.INVOICE.value, invoice.status == DocumentStatus.OPEN.value)
            .order_by(invoice.due_on, invoice.id)
            .limit(MAX_INVOICES + 1)
        )
    )


def _shown(db: Connection, organisation: Organisation, customer_id: str, rows: list[Row[Any]], now: datetime) -> Beside:
    rows, more = rows[:MAX_INVOICES], len(rows) > MAX_INVOICES
    ids = [row.id for row in rows]
    standing = standings(db, organisation, now=now, document_ids=ids).invoices
    reminded = _reminded(db, organisation.id, ids)
    name = db.scalar(
        select(t.customer.c.name).where(t.customer.c.organisation_id == organisation.id, t.customer.c.id == customer_id)
    )
    invoices = tuple(
        Neighbour(
            document_id=row.id,
            number=row.number,
            due_on=row.due_on,
            status=DocumentStatus(row.status),
            open_amount=place.open_amount if place else Money(row.balance_minor, row.currency),
            standing=place,
            reminded_at=reminded.get(row.id),
        )
        for row in rows
        for place in [standing.get(row.id) if row.status == DocumentStatus.OPEN.value else None]
    )
    return Beside(customer_id, name or "", invoices, more)


def _reminded(db: Connection, organisation_id: str, ids: list[str]) -> dict[str, datetime]:
    item = t.reminder_item.c
    rows = db.execute(
        select(item.document_id, func.max(t.reminder.c.sent_at).label("sent_at"))
        .join(t.reminder, t.reminder.c.id == item.reminder_id)
        .where(item.organisation_id == organisation_id, item.document_id.in_(ids))
        .where(item.state == "sent", t.reminder.c.sent_at.is_not(None))
        .group_by(item.document_id)
    )
    return {row.document_id: row.sent_at for row in rows}
