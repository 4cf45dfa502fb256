"""Undo an application: the items are open again here, and what was posted is taken back in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from connectors.intents import Intent, UndoPosting
from receivables.identity import stable_id
from receivables.money import Money
from runtime.operations.applying.applications import POSTINGS, Posting, belongs, items_asked_about
from runtime.operations.applying.cashless import CASHLESS, cashless_id
from runtime.operations.discounts.follow import taken_back
from runtime.store import journal, queues
from runtime.store import tables as t
from runtime.store.touch import touch_documents
from runtime.store.weighing import weigh_again


def reverse_application(db: Connection, organisation_id: str, receipt_id: str, *, actor: str, at: datetime) -> bool:
    """Take a receipt off the items it paid, everywhere; False when it paid none.

    A posting that is still waiting is never sent; one that was sent is undone as a whole. CRM and reminders
    follow, because the items have changed.
    """
    allocation = t.allocation
    mine = (
        (allocation.c.organisation_id == organisation_id)
        & (allocation.c.receipt_id == receipt_id)
        & (allocation.c.undone_at.is_(None))
    )
    paid = db.execute(
        select(allocation.c.document_id, allocation.c.amount_minor, allocation.c.currency).where(mine)
    ).all()
    documents = [row.document_id for row in paid]
    receipt = db.execute(
        select(t.receipt).where(t.receipt.c.organisation_id == organisation_id, t.receipt.c.id == receipt_id)
    ).one()
    if not documents and not receipt.unapplied_minor:
        return False
    db.execute(update(allocation).where(mine).values(undone_at=at))
    db.execute(
        update(t.residual)
        .where(t.residual.c.organisation_id == organisation_id, t.residual.c.receipt_id == receipt_id)
        .values(undone_at=at)
    )
    db.execute(
        update(t.receipt).where(t.receipt.c.id == receipt_id).values(state="undone", unapplied_minor=0, changed_at=at)
    )
    touch_documents(db, organisation_id, documents, at)
    take_back(db, organisation_id, receipt_id, POSTINGS, at)
    about = str(receipt.external_id) if receipt.source == CASHLESS else ""
    for document_id in taken_back(db, organisation_id, receipt_id, cashless=about, at=at):
        # What was taken off for paying early is owed again where the payment came to nothing.
        reverse_application(db, organisation_id, cashless_id(organisation_id, document_id), actor=actor, at=at)
    for row in paid:
        journal.record(
            db,
            organisation_id=organisation_id,
            at=at,
            actor=actor,
            action="application_undone",
            subject=row.document_id,
            detail=f"{Money(row.amount_minor, row.currency)} of receipt {receipt_id} no longer pay this item",
        )
    return True


def ask_again(db: Connection, organisation_id: str, receipt_id: str, at: datetime) -> None:
    """Give an application that was reversed back to a person: the money is there, so its items are held meanwhile.

    The days for which money that waits holds its items begin anew.
    """
    mine = (t.proposal.c.organisation_id == organisation_id) & (t.proposal.c.receipt_id == receipt_id)
    body = db.scalar(select(t.proposal.c.body).where(mine))
    if body is not None:
        items = items_asked_about(body)
        db.execute(update(t.proposal).where(mine).values(state="pending", plausible=items))
        db.execute(update(t.receipt).where(t.receipt.c.id == receipt_id).values(noticed_at=at))
        weigh_again(db, organisation_id, document_ids=items)


def take_back(
    db: Connection, organisation_id: str, subject: str, kinds: tuple[type[Intent], ...], at: datetime
) -> None:
    """Take back what was promised of these kinds for `subject`: never send what waits, undo what stands in the ledger.

    A write whose answer is lost is taken back once it is found (see posted), so one that was set aside is looked up.
    """
    rows = db.execute(
        select(t.outbox).where(t.outbox.c.organisation_id == organisation_id, t.outbox.c.subject == subject)
    )
    for row in rows:
        intent = queues.read_intent(dict(row._mapping))
        if not isinstance(intent, kinds):
            continue
        if row.state in (queues.NEW, queues.UNCONNECTED) and not row.in_doubt:
            queues.settle(db, t.outbox, row.id, state=queues.SUPERSEDED, done_at=at)
            _ask_no_more(db, organisation_id, subject, at)
        elif row.state in queues.SET_ASIDE and row.in_doubt:
            queues.begin_again(db, t.outbox, row.id, at)
            _ask_no_more(db, organisation_id, subject, at)
        elif row.state == queues.DONE:
            promise_undo(
                db,
                organisation_id=organisation_id,
                system=row.system,
                subject=subject,
                posting=intent,
                external_ids=row.external_ids,
                at=at,
            )


def settle_undo(db: Connection, row: Row[Any], at: datetime) -> None:
    """Somebody took a posting back in the ledger before us: nobody is asked to do it any more."""
    queues.settle(
        db, t.outbox, row.id, state=queues.DONE, external_ids=row.intent["external_ids"], done_at=at, problem=None
    )
    journal.resolve_write_problems(db, organisation_id=row.organisation_id, subject=row.subject, at=at)


def _ask_no_more(db: Connection, organisation_id: str, subject: str, at: datetime) -> None:
    code = journal.WRITE_NOT_DELIVERED
    journal.resolve_problem(db, organisation_id=organisation_id, code=code, subject=subject, at=at)


def is_wanted(db: Connection, organisation_id: str, receipt_id: str, posting: Posting) -> bool:
    """Whether the application that a posting belongs to still stands."""
    applications = db.scalar(
        select(t.receipt.c.applications).where(
            t.receipt.c.organisation_id == organisation_id, t.receipt.c.id == receipt_id, t.receipt.c.state == "applied"
        )
    )
    return applications is not None and belongs(posting, receipt_id, str(applications))


def promise_undo(
    db: Connection,
    *,
    organisation_id: str,
    system: str,
    subject: str,
    posting: Intent,
    external_ids: Sequence[str],
    at: datetime,
) -> None:
    """Promise to take a posting that stands in the ledger back there."""
    undo = UndoPosting(key=stable_id("undo", posting.key), external_ids=tuple(external_ids))
    queues.enqueue(db, organisation_id=organisation_id, system=system, intent=undo, subject=subject, at=at)
