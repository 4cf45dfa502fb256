"""What waits for a person: calls and debts to hand over, and one of them with all that is said and asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from receivables.money import Money, total
from reminders.evidence import Channel
from runtime.operations.reminding.withdraw import HANDING, IN_DOUBT, PLANNED
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_SHOWN = 200
_TASKS = tuple(channel.value for channel in Channel if channel.is_task)


@dataclass(frozen=True, slots=True)
class CalledInvoice:
    """An invoice that a call is about, and what is open of it as the gate found it."""

    document_id: str
    number: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Call:
    """A call, or a handing over. `text` is the script, or what was handed over, once it has begun.

    With `needs_approval` it is begun once somebody has approved it.
    """

    reminder_id: str
    customer_id: str
    name: str
    channel: str
    level: int
    state: str
    recipient: str
    text: str
    why: str
    at: datetime
    invoices: tuple[CalledInvoice, ...]
    totals: tuple[Money, ...]
    needs_approval: bool


def waiting_calls(db: Connection, organisation: Organisation) -> tuple[Call, ...]:
    """Return the calls that wait for their outcome, then those to be made and what is to be handed over."""
    reminder = t.reminder.c
    mine = (reminder.organisation_id == organisation.id) & reminder.channel.in_(_TASKS)
    rows = db.execute(
        _with_names().where(mine, reminder.state.in_((PLANNED, HANDING, IN_DOUBT))).limit(MAX_SHOWN)
    ).all()
    calls = [_call(db, organisation, row) for row in rows]
    return tuple(sorted(calls, key=lambda each: (each.state == PLANNED, each.channel, each.name, each.reminder_id)))


def one_call(db: Connection, organisation: Organisation, reminder_id: str) -> Call | None:
    """Return one of them, whatever its state; None when there is none of this id."""
    reminder = t.reminder.c
    mine = (reminder.organisation_id == organisation.id) & reminder.channel.in_(_TASKS)
    row = db.execute(_with_names().where(mine, reminder.id == reminder_id)).first()
    return _call(db, organisation, row) if row is not None else None


def _with_names() -> Any:  # noqa: ANN401 - a select of rows
    named = (t.customer.c.id == t.reminder.c.customer_id) & (
        t.customer.c.organisation_id == t.reminder.c.organisation_id
    )
    return select(t.reminder, t.customer.c.name).join(t.customer, named).order_by(t.reminder.c.id)


def _call(db: Connection, organisation: Organisation, row: Any) -> Call:  # noqa: ANN401 - a row of the query above
    item = t.reminder_item.c
    rows = db.execute(
        select(t.reminder_item, t.document.c.number)
        .join(t.document, t.document.c.id == item.document_id)
        .where(item.organisation_id == organisation.id, item.reminder_id == row.id)
        .order_by(t.document.c.due_on, t.document.c.number)
    )
    invoices = tuple(
        CalledInvoice(each.document_id, each.number, Money(each.amount_minor, each.currency)) for each in rows
    )
    currencies = sorted({each.amount.currency for each in invoices})
    return Call(
        reminder_id=row.id,
        customer_id=row.customer_id,
        name=row.name,
        channel=row.channel,
        level=row.level,
        state=row.state,
        recipient=row.recipient,
        text=row.body_text,
        why=row.why,
        at=row.sent_at or row.planned_at,
        invoices=invoices,
        totals=tuple(
            total([each.amount for each in invoices if each.amount.currency == code], code) for code in currencies
        ),
        needs_approval=row.needs_approval,
    )
