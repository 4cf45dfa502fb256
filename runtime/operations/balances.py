"""What customers owe, and when they were last reminded: of many customers in a few queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from runtime.operations.matching.open_items import pending_allocations
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import among_given, chunks


@dataclass(frozen=True, slots=True)
class Owed:
    """What a customer has open in one currency, what of it is overdue, and the oldest due date of it."""

    opened: Money
    overdue: Money
    oldest_due_on: date


def owed(
    db: Connection, organisation_id: str, customer_ids: Collection[str], *, today: date
) -> dict[str, tuple[Owed, ...]]:
    """Return what each of these customers owes by currency, that of the oldest invoice first; nothing: left out.

    It is the ledger's balance less what we have applied and the ledger does not show yet. Overdue from the day after
    the due date.
    """
    found: dict[str, dict[str, Owed]] = {}
    for chunk in chunks(sorted(customer_ids)):
        pending = pending_allocations(db, organisation_id, customer_ids=chunk)
        which = {"organisation_id": organisation_id, "customer_ids": list(chunk)}
        for row in db.execute(_open(db.dialect.name), which):
            opened = Money(row.balance_minor - pending.get(row.id, 0), row.currency)
            if opened.minor <= 0:
                continue
            theirs = found.setdefault(row.customer_id, {})
            nothing = Money.zero(row.currency)
            before = theirs.get(row.currency, Owed(nothing, nothing, row.due_on))
            late = opened if row.due_on < today else nothing
            theirs[row.currency] = Owed(before.opened + opened, before.overdue + late, before.oldest_due_on)
    return {customer_id: tuple(by_currency.values()) for customer_id, by_currency in found.items()}


@cache
def _open(dialect: str) -> Select[Any]:
    document = t.document.c
    return (
        select(document.id, document.customer_id, document.currency, document.balance_minor, document.due_on)
        .where(
            document.organisation_id == bindparam("organisation_id"),
            among_given(dialect, document.customer_id, "customer_ids"),
            document.status == DocumentStatus.OPEN.value,
            document.kind == DocumentKind.INVOICE.value,
        )
        .order_by(document.due_on, document.id)
    )


def last_reminded(db: Connection, organisation: Organisation, customer_ids: Collection[str]) -> dict[str, date]:
    """Return, by customer, the day of the last reminder that was sent, in the organisation's time zone."""
    which = {"organisation_id": organisation.id}
    return {
        row.customer_id: row.sent_at.astimezone(organisation.zone).date()
        for chunk in chunks(sorted(customer_ids))
        for row in db.execute(_last_sent(db.dialect.name), which | {"customer_ids": list(chunk)})
    }


@cache
def _last_sent(dialect: str) -> Select[Any]:
    reminder = t.reminder.c
    return (
        select(reminder.customer_id, func.max(reminder.sent_at).label("sent_at"))
        .where(
            reminder.organisation_id == bindparam("organisation_id"),
            reminder.sent_at.is_not(None),
            among_given(dialect, reminder.customer_id, "customer_ids"),
        )
        .group_by(reminder.customer_id)
    )
