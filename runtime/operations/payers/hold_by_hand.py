"""A person holds reminders on our own pages: a pause, of one invoice or of all that are open, or a debt handed over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select

from reminders.evidence import FlagCode
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.matching.open_items import OpenDocument, open_invoices
from runtime.operations.payers.pause import pause, resume
from runtime.operations.payers.payers_word import follow, open_invoice, plain
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.touch import touch_documents

MAX_WHY_CHARS = 300
MAX_WHOM_CHARS = 200
LEGAL = FlagCode.LEGAL.value


def pause_by_hand(
    app: App,
    *,
    organisation_id: str,
    customer_id: str,
    document_id: str | None = None,
    until: date | None,
    reason: str,
    actor: str,
) -> int:
    """Hold reminders of an invoice, or of all that a customer has open, through the day `until`; returns of how many.

    InputError for a day that is past or too far ahead, or a reason that is empty or over MAX_WHY_CHARS characters;
    RefusedError where nothing is open.
    """
    why = plain(reason, MAX_WHY_CHARS, "say why, in at most %(longest)s characters")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        invoices, now = _open(db, organisation_id, customer_id, document_id), app.clock()
        pause(db, organisation_id, invoices, until=until, reason=why, actor=actor, asked_at=now, at=now)
    app.wake()
    return len(invoices)


def resume_by_hand(
    app: App, *, organisation_id: str, customer_id: str, document_id: str | None = None, actor: str
) -> int:
    """End the pause of an invoice, or of all that a customer has open; returns of how many.

    RefusedError where none is paused.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        invoices, now = _open(db, organisation_id, customer_id, document_id), app.clock()
        ended = resume(db, organisation_id, invoices, actor=actor, asked_at=now, at=now)
        if not ended:
            raise RefusedError("no reminders of it are paused (any more)")
    app.wake()
    return ended


def hand_over(app: App, *, organisation_id: str, customer_id: str, document_id: str, whom: str, actor: str) -> None:
    """Hold an invoice for good: `whom`, a lawyer, a court or an agency, asks for it from now on.

    InputError where that is empty or over MAX_WHOM_CHARS characters; RefusedError when nothing of the invoice is open
    or it is handed over already.
    """
    said = plain(whom, MAX_WHOM_CHARS, "say who has it, in at most %(longest)s characters")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        open_invoice(db, organisation_id, customer_id, document_id)
        if _is_handed_over(db, organisation_id, document_id):
            raise RefusedError("this invoice is handed over already: take it back first")
        now = app.clock()
        day = now.astimezone(connections.zone_of(db, organisation_id)).date()
        reason = f"Handed over on {day} to {said}"
        place_hold(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            code=LEGAL,
            reason=reason,
            placed_by=actor,
            at=now,
        )
        withdraw_reminders(db, organisation_id=organisation_id, document_ids=[document_id], why=reason, at=now)
        touch_documents(db, organisation_id, [document_id], now)
    app.wake()


def take_back_by_hand(app: App, *, organisation_id: str, document_id: str, actor: str) -> None:
    """Ask for a handed-over invoice ourselves again. RefusedError when it is not handed over."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        if not _is_handed_over(db, organisation_id, document_id):
            raise RefusedError("this invoice is not handed over (any more)")
        now = app.clock()
        release_hold(db, organisation_id, document_id, LEGAL, now)
        follow(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            actor=actor,
            action="taken_back",
            detail=f"taken back from collection by {actor}",
            at=now,
        )
    app.wake()


def _open(db: Connection, organisation_id: str, customer_id: str, document_id: str | None) -> Sequence[OpenDocument]:
    found = open_invoices(db, organisation_id, customer_id, document_id)
    if not found:
        what = "this customer has no open invoice" if document_id is None else "this invoice is not open any more"
        raise RefusedError(f"{what}: nothing is left to remind of")
    return found


def _is_handed_over(db: Connection, organisation_id: str, document_id: str) -> bool:
    hold = t.hold.c
    mine = (hold.organisation_id == organisation_id) & (hold.document_id == document_id) & (hold.code == LEGAL)
    return db.scalar(select(hold.id).where(mine, hold.released_at.is_(None))) is not None
