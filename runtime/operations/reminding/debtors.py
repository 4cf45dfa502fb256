"""What each customer owes, how they pay and how they are reached: what the choice of a policy rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.places import country_code
from reminders.policy import DunningPolicy
from reminders.policy_book import Asked, Debtor, PolicyBook
from runtime.operations.reminding.habits import paid_lately, risks, usually_late
from runtime.operations.reminding.reached import reached_by
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import beside_an_index, chunks

_NOT_READ = SimpleNamespace(country=None, industry=None, employees=None)
_PAYMENTS = frozenset({Asked.HABIT, Asked.RISK})


def policies_for(
    db: Connection, organisation: Organisation, book: PolicyBook, *, customer_ids: Collection[str], now: datetime
) -> dict[str, DunningPolicy]:
    """Return the policy of each customer; of nobody where one is for everyone."""
    if book.is_for_everyone:
        return {}
    found = debtors(db, organisation, customer_ids=customer_ids, now=now, asked=book.asked)
    return {customer_id: book.policy_for(debtor) for customer_id, debtor in found.items()}


def debtors(
    db: Connection,
    organisation: Organisation,
    *,
    customer_ids: Collection[str],
    now: datetime,
    asked: Collection[Asked],
) -> dict[str, Debtor]:
    """Return what is known of these customers, all of them, by the ledger's balances as last read.

    What takes queries of its own is read only where it is `asked`.
    """
    today = now.astimezone(organisation.zone).date()
    amounts, oldest = _owed(db, organisation.id, customer_ids)
    customers = _customers(db, organisation.id, customer_ids)
    payments = _PAYMENTS.intersection(asked)
    paid = paid_lately(db, organisation.id, customer_ids=customer_ids, today=today) if payments else {}
    late = usually_late(paid)
    risk = risks(db, organisation, customer_ids=customer_ids, now=now, paid=paid) if Asked.RISK in asked else {}
    reached = reached_by(db, organisation, customer_ids=customer_ids, now=now) if Asked.REACH in asked else {}
    numbers = _numbers(db, organisation.id, customer_ids) if Asked.NUMBERS in asked else {}
    return {
        customer_id: Debtor(
            open_amounts=amounts[customer_id],
            days_overdue=(today - oldest.get(customer_id, today)).days,
            country=country_code(customers[customer_id].country) or organisation.country,
            industry=customers[customer_id].industry,
            employees=customers[customer_id].employees,
            usually_late=late.get(customer_id),
            risk=risk[customer_id].band if customer_id in risk else None,
            reached_by=reached.get(customer_id),
            numbers=tuple(numbers.get(customer_id, ())) if Asked.NUMBERS in asked else None,
        )
        for customer_id in customer_ids
    }


def _owed(
    db: Connection, organisation_id: str, customer_ids: Collection[str]
) -> tuple[Mapping[str, dict[str, Money]], Mapping[str, date]]:
    """What each owes, by currency, and the day on which the oldest of it was due."""
    document = t.document.c
    amounts: defaultdict[str, dict[str, Money]] = defaultdict(dict)
    oldest: dict[str, date] = {}
    for chunk in chunks(sorted(customer_ids)):
        for row in db.execute(
            select(
                document.customer_id,
                document.currency,
                func.sum(document.balance_minor).label("minor"),
                func.min(document.due_on).label("due_on"),
            )
            .where(_is_owed(organisation_id, chunk))
            .group_by(document.customer_id, document.currency)
        ):
            amounts[row.customer_id][row.currency] = Money(int(row.minor), row.currency)
            oldest[row.customer_id] = min(row.due_on, oldest.get(row.customer_id, row.due_on))
    return amounts, oldest


def _numbers(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> Mapping[str, list[str]]:
    """The numbers of all that each owes."""
    document = t.document.c
    found: defaultdict[str, list[str]] = defaultdict(list)
    for chunk in chunks(sorted(customer_ids)):
        owed = select(document.customer_id, document.number).where(_is_owed(organisation_id, chunk))
        for row in db.execute(owed):
            found[row.customer_id].append(row.number)
    return found


def _is_owed(organisation_id: str, customer_ids: Collection[str]) -> ColumnElement[bool]:
    document = t.document.c
    return and_(
        document.organisation_id == organisation_id,
        document.kind == DocumentKind.INVOICE.value,
        beside_an_index(document.status) == DocumentStatus.OPEN.value,
        document.balance_minor > 0,
        document.customer_id.in_(customer_ids),
    )


def _customers(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> Mapping[str, Any]:
    """Where each is and what they do; nothing of one whose document was read before them."""
    customer = t.customer.c
    found: defaultdict[str, Any] = defaultdict(lambda: _NOT_READ)
    for chunk in chunks(sorted(customer_ids)):
        mine = (customer.organisation_id == organisation_id) & customer.id.in_(chunk)
        columns = (customer.id, customer.country, customer.industry, customer.employees)
        found |= {row.id: row for row in db.execute(select(*columns).where(mine))}
    return found
