"""A payer says when they will pay, or a person who talked to them does: reminders of that invoice wait for the day."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, func, select, update

from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.payers_word import amount_of, follow, open_invoice
from runtime.store import connections
from runtime.store import tables as t

MAX_DAYS_AHEAD = 60
MAX_PROMISES = 3  # for one invoice; a fourth date would only put reminders off, so a person talks to the payer
ACTION = "promised"


def promise(
    app: App,
    *,
    organisation_id: str,
    customer_id: str,
    document_id: str,
    promised_on: date,
    actor: str,
    part: str = "",
    is_noted: bool = False,
) -> None:
    """Keep the day on which the customer will pay an invoice, at most MAX_DAYS_AHEAD days from today.

    `part` is the amount as they wrote it, where they will not pay all of it then. `is_noted`: a person talked to them
    and notes it, however often it was promised before. InputError for another day, or what is no amount; RefusedError
    when the invoice is not open, or was promised too often.
    """
    with app.store.write() as db:
        organisation = connections.organisation(db, organisation_id)
        if organisation is None:
            raise RefusedError("there is no such organisation")
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        today = now.astimezone(organisation.zone).date()
        if not today <= promised_on <= today + timedelta(days=MAX_DAYS_AHEAD):
            raise InputError("the day must be between today and %(most)s days from now", most=MAX_DAYS_AHEAD)
        invoice = open_invoice(db, organisation_id, customer_id, document_id)
        if not is_noted and _made(db, organisation_id, document_id) >= MAX_PROMISES:
            raise RefusedError("this invoice was promised several times already: please answer our message instead")
        amount = amount_of(part, invoice["currency"]) if part.strip() else None
        if amount is not None and amount.minor <= 0:
            raise InputError("the amount must be more than nothing")
        leaves = invoice["open_minor"] - amount.minor if amount is not None else 0
        db.execute(
            update(t.document)
            .where(t.document.c.organisation_id == organisation_id, t.document.c.id == document_id)
            .values(promised_on=promised_on, promise_leaves_minor=leaves if leaves > 0 else None)
        )
        follow(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            actor=actor,
            action=ACTION,
            detail=f"{f'{amount} of ' if leaves > 0 else ''}{invoice['number']} will be paid on {promised_on}",
            at=now,
        )
    app.wake()


def _made(db: Connection, organisation_id: str, document_id: str) -> int:
    """How often an invoice was promised."""
    event = t.event.c
    made = select(func.count()).where(
        event.organisation_id == organisation_id, event.subject == document_id, event.action == ACTION
    )
    return db.scalar(made) or 0
