"""A payer asks about an invoice on their page, or says there what else they have to say; it is read as any reply.

Nobody is reminded of what they have just asked about.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from receivables.identity import stable_id
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.payers.payers_word import follow, open_invoice, plain
from runtime.operations.payers.replies.act import PORTAL, QUESTION_PROBLEM, WAITING
from runtime.operations.payers.replies.settle import note_answered
from runtime.operations.payers.replies.take import HELD_FOR, Incoming, ReplyChannel, follow_up, keep_reply
from runtime.store import connections, journal
from runtime.store import tables as t

MAX_QUESTION_CHARS = 1_000
ANSWERED_WITHIN = HELD_FOR  # a question that nobody answers holds no longer
MAX_HOLDING = 3  # of one invoice; whoever asks more is answered, and reminded all the same
PROBLEM = QUESTION_PROBLEM
ACTION = "asked"


def ask(app: App, *, organisation_id: str, customer_id: str, document_id: str, question: str, actor: str) -> None:
    """Show a customer's question about an open invoice to a person, and hold the invoice until it is answered.

    `question` has 1 to MAX_QUESTION_CHARS characters, else InputError. RefusedError when the invoice is not open, or
    an earlier question about it waits still.
    """
    said = plain(question, MAX_QUESTION_CHARS, "ask your question, in at most %(longest)s characters")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        invoice = open_invoice(db, organisation_id, customer_id, document_id)
        if _waits(db, organisation_id, document_id):
            raise RefusedError("we have your question about this invoice and will answer it")
        asked = _asked_before(db, organisation_id, document_id)
        incoming = Incoming(
            channel=ReplyChannel.PORTAL,
            external_id=stable_id("ask", document_id, str(asked)),
            sender=actor,
            text=said,
            received_at=now,
            customer_ids=(customer_id,),
            about=(document_id,),
            only=(document_id,),
            may_hold=asked < MAX_HOLDING,
        )
        kept = keep_reply(db, organisation_id=organisation_id, incoming=incoming, at=now)
        if not kept.acts:
            text = f"The customer asks about {invoice['number']}: {said}"
            problem = Problem(PROBLEM, text, "Answer them, then mark the question as answered.", document_id)
            journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=now)
        follow(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            actor=actor,
            action=ACTION,
            detail=f"the customer asks about {invoice['number']}: {said}",
            at=now,
        )
    follow_up(app, kept)


def mark_answered(app: App, *, organisation_id: str, document_id: str, actor: str) -> None:
    """Note that a question was answered: what is open is due again. RefusedError when none waits."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        if not _waits(db, organisation_id, document_id):
            raise RefusedError("no question about this invoice waits (any more)")
        journal.resolve_problem(db, organisation_id=organisation_id, code=PROBLEM, subject=document_id, at=now)
        asked = _asked(db, organisation_id, document_id)
        note_answered(db, organisation_id=organisation_id, reply_ids=asked, by=actor, at=now)
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


def _asked(db: Connection, organisation_id: str, document_id: str) -> list[str]:
    """The questions about an invoice that wait, from the payer's page."""
    reply = t.reply.c
    rows = db.execute(
        select(reply.id, reply.documents).where(
            reply.organisation_id == organisation_id, reply.channel == PORTAL, reply.state == WAITING
        )
    )
    return [row.id for row in rows if row.documents == [document_id]]


def _asked_before(db: Connection, organisation_id: str, document_id: str) -> int:
    event = t.event.c
    mine = (event.organisation_id == organisation_id) & (event.subject == document_id)
    return db.scalar(select(func.count()).where(mine, event.action == ACTION)) or 0
