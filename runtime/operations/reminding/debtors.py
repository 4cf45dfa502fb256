"""What each customer owes and how they usually pay: what the choice of a policy rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from statistics import median_low

from sqlalchemy import Connection, func, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.places import country_code
from reminders.policy import DunningPolicy
from reminders.policy_book import Debtor, PolicyBook
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import beside_an_index, chunks

HISTORY = timedelta(days=365)
MIN_PAID = 3  # invoices; fewer say nothing about somebody's habit


def policies_for(
    db: Connection, organisation: Organisation, book: PolicyBook, *, customer_ids: Collection[str], now: datetime
) -> dict[str, DunningPolicy]:
    """Return the policy of each customer; of nobody where one is for everyone."""
    if book.is_for_everyone:
        return {}
    found = debtors(db, organisation, customer_ids=customer_ids, now=now, with_history=book.asks_history)
    return {customer_id: book.policy_for(debtor) for customer_id, debtor in found.items()}


def debtors(
    db: Connection, organisation: Organisation, *, customer_ids: Collection[str], now: datetime, with_history: bool
) -> dict[str, Debtor]:
    """Return what is known of these customers, all of them, by the ledger's balances as last read."""
    today = now.astimezone(organisation.zone).date()
    amounts: defaultdict[str, dict[str, Money]] = defaultdict(dict)
    oldest: dict[str, date] = {}
    countries: dict[str, str | None] = {}
    late: dict[str, int] = {}
    document, customer = t.document.c, t.customer.c
    for chunk in chunks(sorted(customer_ids)):
        for row in db.execute(
            select(
                document.customer_id,
                document.currency,
                func.sum(document.balance_minor).label("minor"),
                func.min(document.due_on).label("due_on"),
            )
            .where(
                document.organisation_id == organisation.id,
                document.kind == DocumentKind.INVOICE.value,
                beside_an_index(document.status) == DocumentStatus.OPEN.value,
                document.balance_minor > 0,
                document.customer_id.in_(chunk),
            )
            .group_by(document.customer_id, document.currency)
        ):
            amounts[row.customer_id][row.currency] = Money(int(row.minor), row.currency)
            oldest[row.customer_id] = min(row.due_on, oldest.get(row.customer_id, row.due_on))
        mine = (customer.organisation_id == organisation.id) & customer.id.in_(chunk)
        countries |= {row.id: row.country for row in db.execute(select(customer.id, customer.country).where(mine))}
        if with_history:
            late |= usually_late(db, organisation.id, customer_ids=chunk, today=today)
    return {
        customer_id: Debtor(
            open_amounts=amounts[customer_id],
            days_overdue=(today - oldest.get(customer_id, today)).days,
            country=country_code(countries.get(customer_id)) or organisation.country,
            usually_late=late.get(customer_id),
        )
        for customer_id in customer_ids
    }


def usually_late(
    db: Connection, organisation_id: str, *, customer_ids: Collection[str], today: date
) -> Mapping[str, int]:
    """Return, of customers who paid MIN_PAID invoices of the last year or more, how many days late: the median.

    The day is that of the last payment the ledger recorded on an invoice; early ones count as negative.
    """
    document, payment = t.document.c, t.ledger_payment.c
    due = {
        row.id: (row.customer_id, row.due_on)
        for row in db.execute(
            select(document.id, document.customer_id, document.due_on).where(
                document.organisation_id == organisation_id,
                document.kind == DocumentKind.INVOICE.value,
                beside_an_index(document.status) == DocumentStatus.PAID.value,
                document.due_on >= today - HISTORY,
                document.customer_id.in_(customer_ids),
            )
        )
    }
    paid_on: dict[str, date] = {}
    for row in db.execute(
        select(payment.lines, payment.received_on).where(
            payment.organisation_id == organisation_id,
            payment.customer_id.in_(customer_ids),
            payment.deleted.is_(False),
            payment.received_on >= today - HISTORY,
        )
    ):
        for document_id, _minor in row.lines:
            if document_id in due:
                paid_on[document_id] = max(row.received_on, paid_on.get(document_id, row.received_on))
    days: defaultdict[str, list[int]] = defaultdict(list)
    for document_id, on in paid_on.items():
        customer_id, due_on = due[document_id]
        days[customer_id].append((on - due_on).days)
    return {customer_id: median_low(each) for customer_id, each in days.items() if len(each) >= MIN_PAID}
