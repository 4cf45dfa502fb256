"""A business with many open invoices, some due, reminded, contested: written straight into the tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Table, insert

from reminders.policy import DEFAULT_POLICY
from runtime.store import tables as t
from runtime.store.engine import Store

ORGANISATION = "org"
NOW = datetime(2026, 11, 17, 10, tzinfo=UTC)  # a Tuesday
TODAY = NOW.date()
CURRENCY = "GBP"
ITEMS_A_CUSTOMER = 10
ROWS_A_WRITE = 20_000
DAYS_AHEAD, DAYS_BACK = 60, 120  # due dates lie evenly between
CONTESTED, PAUSED, OPTED_OUT, NO_ADDRESS = 37, 101, 113, 97  # one in so many; primes, so that they fall together too

Row = dict[str, Any]


def fill(store: Store, count: int) -> None:
    """Write an organisation with `count` open invoices. Levels up to yesterday's were sent, those of today are due."""
    organisation = {
        "id": ORGANISATION,
        "name": "Bulk",
        "base_currency": CURRENCY,
        "time_zone": "Europe/London",
        "country": "GB",
        "sending_on": True,
        "created_at": NOW,
    }
    _write(store, t.organisation, iter([organisation]))
    _write(store, t.customer, (_customer(number) for number in range(-(-count // ITEMS_A_CUSTOMER))))
    silent = range(0, -(-count // ITEMS_A_CUSTOMER), OPTED_OUT)
    _write(store, t.opt_out, map(_opt_out, silent))
    _write(store, t.document, (_document(number) for number in range(count)))
    _write(store, t.hold, (_hold(number) for number in range(count) if number % PAUSED == 0))
    reminded = [number for number in range(count) if _reminded(number) is not None]
    _write(store, t.reminder, (_reminder(number) for number in reminded))
    _write(store, t.reminder_item, (_reminder_item(number) for number in reminded))


def document_id(number: int) -> str:
    """The id of an invoice."""
    return f"doc-{number:08d}"


def customer_id(number: int) -> str:
    """The id of the customer of an invoice: neighbours among invoices are not neighbours among customers."""
    return f"cus-{number // ITEMS_A_CUSTOMER:08d}"


def _write(store: Store, table: Table, rows: Iterator[Row]) -> None:
    while chunk := list(islice(rows, ROWS_A_WRITE)):
        with store.write() as db:
            db.execute(insert(table), chunk)


def _customer(number: int) -> Row:
    return {
        "id": f"cus-{number:08d}",
        "organisation_id": ORGANISATION,
        "name": f"Customer {number} Ltd",
        "email": None if number % NO_ADDRESS == 0 else f"c{number}@example.com",
        "country": "GB",
        "changed_at": NOW - timedelta(days=9),
    }


def _opt_out(number: int) -> Row:
    said_at = NOW - timedelta(days=9)
    row = {"customer_id": f"cus-{number:08d}", "channel": "email", "source": "payer", "organisation_id": ORGANISATION}
    return row | {"said_by": "customer", "words": "on their own page", "said_at": said_at}


def _due_on(number: int) -> date:
    # One in 13 customers' invoices lie a step apart: 181 is prime, so that every day comes up for every customer.
    return TODAY + timedelta(days=DAYS_AHEAD - number * 7919 % (DAYS_AHEAD + DAYS_BACK + 1))


def _document(number: int) -> Row:
    minor = 5_000 + number * 7_907 % 900_000
    due_on = _due_on(number)
    return {
        "id": document_id(number),
        "organisation_id": ORGANISATION,
        "customer_id": customer_id(number),
        "kind": "invoice",
        "number": f"INV-{number:08d}",
        "references": [],
        "currency": CURRENCY,
        "total_minor": minor,
        "balance_minor": minor,
        "issued_on": due_on - timedelta(days=30),
        "due_on": due_on,
        "status": "open",
        "sent": True,
        "disputed": number % CONTESTED == 0,
        "dispute_reason": "the goods were damaged" if number % CONTESTED == 0 else None,
        "read_at": NOW - timedelta(days=1),
        "changed_at": NOW - timedelta(days=9),
    }


def _reminded(number: int) -> tuple[int, datetime] | None:
    """The last level that was sent about an invoice by yesterday, and when."""
    if number % CONTESTED == 0 or number % PAUSED == 0:
        return None
    days = (TODAY - _due_on(number)).days
    sent = [step for step in DEFAULT_POLICY.levels if step.after_due_days < days]
    if not sent:
        return None
    on = _due_on(number) + timedelta(days=sent[-1].after_due_days)
    return sent[-1].level, datetime.combine(on, time(11), tzinfo=UTC)


def _reminder(number: int) -> Row:
    reached = _reminded(number)
    return {
        "id": f"rem-{number:08d}",
        "organisation_id": ORGANISATION,
        "customer_id": customer_id(number),
        "level": reached[0] if reached else 0,
        "channel": "email",
        "state": "sent",
        "recipient": "somebody@example.com",
        "subject": "A reminder",
        "body_text": "",
        "body_html": "",
        "planned_at": reached[1] if reached else NOW,
        "sent_at": reached[1] if reached else None,
        "why": "",
    }


def _reminder_item(number: int) -> Row:
    reached = _reminded(number)
    return {
        "reminder_id": f"rem-{number:08d}",
        "document_id": document_id(number),
        "organisation_id": ORGANISATION,
        "level": reached[0] if reached else 0,
        "currency": CURRENCY,
        "amount_minor": 5_000,
        "state": "sent",
    }


def _hold(number: int) -> Row:
    return {
        "id": f"hld-{number:08d}",
        "organisation_id": ORGANISATION,
        "document_id": document_id(number),
        "code": "paused",
        "reason": "a person paused it",
        "placed_by": "dana",
        "placed_at": NOW - timedelta(days=20),
    }
