"""A payer asks about an invoice; a person answers. Nobody is reminded of what they have just asked about."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, func, select

from receivables.problem import Problem
from reminders.evidence import FlagCode
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.payers_word import follow, open_invoice, plain
from runtime.operations.standing_holds import place_hold, release_hold
from runtime.store import connections, journal
from runtime.store import tables as t

MAX_QUESTION_CHARS = 1_000
ANSWERED_WITHIN = timedelta(days=7)  # a question that nobody answers holds no longer
MAX_HOLDING = 3  # of one invoice; whoever asks more is answered, and reminded all the same
PROBLEM = "question"
ACTION = "asked"
_HOLD = FlagCode.REPLY_UNREAD.value


def ask(app: App, *, organisation_id: str, customer_id: str, document_id: str, question: str, actor: str) -> None:
    """Show a customer's question about an open invoice to a person, and hold the invoice until it is answered.

    `question` has 1 to MAX_QUESTION_CHARS characters, else InputError. RefusedError when the invoice is not open, or
    an earlier question about it waits still.
    """
    said = plain(question, MAX_QUESTION_CHARS, "ask your question")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        invoice = open_invoice(db, organisation_id, customer_id, document_id)
        if _waits(db, organisation_id, document_id):
            raise RefusedError("we have your question about this invoice and will answer it")
        text = f"The customer asks about {invoice['number']}: {said}"
        remedy = "Answer them, then mark the question as answered."
        problem = Problem(PROBLEM, text, remedy, document_id)
        if _asked_before(db, organisation_id, document_id) < MAX_HOLDING:
            place_hold(
                db,
                organisation_id=organisation_id,
                document_id=document_id,
                code=_HOLD,
                reason=f"The customer asked a question that nobody has answered yet: {said}",
                placed_by=actor,
                at=now,
                until=now + ANSWERED_WITHIN,
            )
        journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=now)
        detail = f"the customer asks about {invoice['number']}: {said}"
        follow(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            actor=actor,
            action=ACTION,
            detail=detail,
            at=now,
        )
    app.wake()


def mark_answered(app: App, *, organisation_id: str, document_id: str, actor: str) -> None:
    """Note that a question was answered: what is open is due again. RefusedError when none waits."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        if not _waits(db, organisation_id, document_id):
            raise RefusedError("no question about this invoice waits (any more)")
        journal.resolve_problem(db, organisation_id=organisation_id, code=PROBLEM, subject=document_id, at=now)
        release_hold(db, organisation_id, document_id, _HOLD, now)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="answered",
            subject=document_id,
            detail="the customer's question is answered",
        )
    app.wake()


def _waits(db: Connection, organisation_id: str, document_id: str) -> bool:
    waiting = journal.troubled(organisation_id, (PROBLEM,)).where(t.problem.c.subject == document_id)
    return db.scalar(waiting) is not None


def _asked_before(db: Connection, organisation_id: str, document_id: str) -> int:
    event = t.event.c
    mine = (event.organisation_id == organisation_id) & (event.subject == document_id)
    return db.scalar(select(func.count()).where(mine, event.action == ACTION)) or 0
