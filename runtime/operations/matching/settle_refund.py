"""A person has looked at a refund: what is open of the invoice is due again, and reminded of like any other."""

from __future__ import annotations

from sqlalchemy import Connection, select

from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.matching.in_question import REFUND
from runtime.operations.matching.taken_back import BY_BANK
from runtime.operations.payers.payers_word import follow
from runtime.operations.reminding.standing_holds import release_hold
from runtime.store import connections
from runtime.store import tables as t


def settle_refund(app: App, *, organisation_id: str, document_id: str, actor: str) -> None:
    """End what a refund holds on an invoice. The next refund, or any other change of that payment, holds it again.

    RefusedError when no refund holds it, or when it was the bank that took money back: that is looked at as a whole
    on the review page, because it may hold several invoices.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        placed_by = refund_held_by(db, organisation_id, document_id)
        if placed_by is None:
            raise RefusedError("no refund holds this invoice (any more)")
        if placed_by == BY_BANK:
            raise RefusedError("the bank took this payment back: say on the review page that you have looked")
        now = app.clock()
        release_hold(db, organisation_id, document_id, REFUND, now)
        follow(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            actor=actor,
            action="refund_settled",
            detail="the refund was looked at: what is open is due again",
            at=now,
        )
    app.wake()


def refund_held_by(db: Connection, organisation_id: str, document_id: str) -> str | None:
    """Return who tells of the refund that holds an invoice, a processor or the bank; None where none does."""
    hold = t.hold.c
    return db.scalar(
        select(hold.placed_by).where(
            hold.organisation_id == organisation_id,
            hold.document_id == document_id,
            hold.code == REFUND,
            hold.released_at.is_(None),
        )
    )
