"""A payer asks for no more messages: all that is planned for them is withdrawn, and nothing new is sent."""

from __future__ import annotations

from sqlalchemy import select, update

from receivables.document import DocumentStatus
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.touch import touch_documents


def opt_out(app: App, *, organisation_id: str, customer_id: str, actor: str, words: str = "") -> None:
    """Note that this customer wants no messages, in which words; asking twice changes nothing.

    RefusedError for an unknown one.
    """
    why = "the customer asked for no more messages" + (f": {words}" if words else "")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
        customer = db.execute(select(t.customer.c.opted_out).where(mine)).first()
        if customer is None:
            raise RefusedError("there is no such customer")
        if customer.opted_out:
            return
        now = app.clock()
        db.execute(update(t.customer).where(mine).values(opted_out=True, changed_at=now))
        documents = db.scalars(
            select(t.document.c.id).where(
                t.document.c.organisation_id == organisation_id,
                t.document.c.customer_id == customer_id,
                t.document.c.status == DocumentStatus.OPEN.value,
            )
        ).all()
        withdraw_reminders(db, organisation_id=organisation_id, document_ids=documents, why=why, at=now)
        touch_documents(db, organisation_id, documents, now)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="opted_out",
            subject=customer_id,
            detail=why,
        )
    app.wake()


def take_opt_out_back(app: App, *, organisation_id: str, customer_id: str, actor: str) -> None:
    """Note that a person says it was a mistake: the customer may be written to again."""
    mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        done = db.execute(
            update(t.customer).where(mine, t.customer.c.opted_out).values(opted_out=False, changed_at=now)
        )
        if done.rowcount:
            journal.record(
                db,
                organisation_id=organisation_id,
                at=now,
                actor=actor,
                action="opt_out_taken_back",
                subject=customer_id,
                detail="they did not ask for no more messages after all",
            )
    app.wake()
