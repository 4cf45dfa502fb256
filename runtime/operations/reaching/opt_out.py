"""A payer asks for no more messages: all that is planned for them is withdrawn, and nothing new is sent.

What they owe stays due, so somebody gets a task; what they said, and why a person took it back, is kept as proof.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, select, update

from receivables.document import DocumentStatus
from receivables.money import Money, total
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.matching.open_items import open_invoices
from runtime.operations.payers.payers_word import plain
from runtime.operations.people.tasks import close_task, open_task
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.touch import touch_balances, touch_documents
from runtime.store.weighing import weigh_again

MAX_REASON_CHARS = 500


def opt_out(app: App, *, organisation_id: str, customer_id: str, actor: str, words: str = "") -> None:
    """Note that this customer wants no messages, in which words, and give somebody what they owe as a task.

    Asking twice changes nothing. RefusedError for an unknown one.
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
        weigh_again(db, organisation_id, customer_ids=[customer_id])
        _give_task(db, organisation_id, customer_id, now)
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


def take_opt_out_back(app: App, *, organisation_id: str, customer_id: str, actor: str, reason: str) -> None:
    """Note that the customer may be written to again: `reason` (1 to MAX_REASON_CHARS characters) is the proof of it.

    InputError for another reason; RefusedError where they had not asked for no messages.
    """
    why = plain(reason, MAX_REASON_CHARS, "say why they may be written to again, in at most %(longest)s characters")
    mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        done = db.execute(
            update(t.customer).where(mine, t.customer.c.opted_out).values(opted_out=False, changed_at=now)
        )
        if not done.rowcount:
            raise RefusedError("this customer has not asked for no more messages, or it was taken back already")
        weigh_again(db, organisation_id, customer_ids=[customer_id])
        touch_balances(db, organisation_id, [customer_id], now)
        close_task(
            db, organisation_id=organisation_id, subject=customer_id, kinds=(TaskKind.OPTED_OUT,), by=actor, at=now
        )
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="opt_out_taken_back",
            subject=customer_id,
            detail=f"they may be written to again: {why}",
        )
    app.wake()


def _give_task(db: Connection, organisation_id: str, customer_id: str, at: datetime) -> None:
    organisation = connections.organisation(db, organisation_id)
    mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
    name = db.scalar(select(t.customer.c.name).where(mine))
    if organisation is None:
        return
    owed = _owed(db, organisation_id, customer_id)
    owes = f"owes {' and '.join(map(str, owed))}" if owed else "owes nothing now"
    text = f"{name or 'A customer'} asked for no more messages and {owes}: no reminder asks for it by any channel."
    open_task(db, organisation, kind=TaskKind.OPTED_OUT, subject=customer_id, customer_id=customer_id, text=text, at=at)


def _owed(db: Connection, organisation_id: str, customer_id: str) -> list[Money]:
    """What is open of their invoices, by currency."""
    owed: defaultdict[str, list[Money]] = defaultdict(list)
    for each in open_invoices(db, organisation_id, customer_id):
        owed[each.open_amount.currency].append(each.open_amount)
    return [total(amounts, currency) for currency, amounts in sorted(owed.items())]
