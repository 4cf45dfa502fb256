"""A person decides about a discount that was offered and taken in time: it is posted to the ledger, or still owed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from receivables.allocation import ResidualKind
from receivables.money import Money
from runtime.app import App
from runtime.operations.applying.write_off import close_rest
from runtime.operations.discounts.follow import HOLD
from runtime.operations.discounts.states import GRANTED, REFUSED, WAITING
from runtime.operations.errors import RefusedError
from runtime.operations.matching.open_items import open_documents
from runtime.operations.reminding.standing_holds import release_hold
from runtime.operations.systems.read_invoices import Reading, read_invoices
from runtime.store import connections, journal
from runtime.store import tables as t


def grant_discount(app: App, *, organisation_id: str, document_id: str, amount: Money, actor: str) -> None:
    """Close the rest of an invoice by its discount, booked as the settings say. The invoice is read again first.

    RefusedError where no discount of `amount` waits (any more), something else is open, or it cannot be posted.
    """
    if read_invoices(app, organisation_id, [document_id]) is Reading.FAILED:
        raise RefusedError("the ledger could not be read just now: try again in a moment")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        row = _waiting(db, organisation_id, document_id, amount)
        found = open_documents(db, organisation_id, document_ids=[document_id])
        if not found or found[0].open_amount != amount:
            opened = found[0].open_amount if found else "nothing"
            raise RefusedError(f"{opened} is open of this invoice now, not its discount of {amount}: look at it first")
        why = f"the early-payment discount of {amount} was granted"
        close_rest(db, organisation_id, found[0], kind=ResidualKind.DISCOUNT, actor=actor, at=now, why=why)
        _decide(db, row, GRANTED, actor, now)
    app.wake()


def refuse_discount(app: App, *, organisation_id: str, document_id: str, amount: Money, actor: str) -> None:
    """Let the rest of an invoice be owed: it is asked for as any other. RefusedError where no discount waits."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        _decide(db, _waiting(db, organisation_id, document_id, amount), REFUSED, actor, app.clock())
    app.wake()


def _waiting(db: Connection, organisation_id: str, document_id: str, amount: Money) -> Row[Any]:
    discount = t.discount.c
    mine = (discount.organisation_id == organisation_id) & (discount.document_id == document_id)
    row = db.execute(select(t.discount).where(mine, discount.state == WAITING)).first()
    if row is None or Money(row.amount_minor, row.currency) != amount:
        raise RefusedError("no such discount waits for a decision: look again")
    return row


def _decide(db: Connection, row: Row[Any], state: str, actor: str, at: datetime) -> None:
    discount = t.discount.c
    mine = (discount.organisation_id == row.organisation_id) & (discount.document_id == row.document_id)
    db.execute(update(t.discount).where(mine).values(state=state, decided_by=actor, decided_at=at))
    release_hold(db, row.organisation_id, row.document_id, HOLD, at)
    journal.record(
        db,
        organisation_id=row.organisation_id,
        at=at,
        actor=actor,
        action=f"discount_{state}",
        subject=row.document_id,
        detail=f"{Money(row.amount_minor, row.currency)}, offered until {row.last_on}, paid on {row.paid_on}",
    )
