"""Do what a reply asks for: by itself where it is sure, or because a person says what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from receivables.money import Money
from reminders.replies.kinds import ReplyKind
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.dispute import MAX_REASON_CHARS, dispute
from runtime.operations.payers.promise import promise
from runtime.operations.payers.replies.answers import find_reply, prepare_answer
from runtime.operations.payers.replies.holding import hold, release, shortened
from runtime.operations.people.tasks import open_task
from runtime.operations.reaching.bad_addresses import give_up
from runtime.operations.reaching.opt_out import opt_out
from runtime.store import connections, journal
from runtime.store import tables as t

PAID_HELD_FOR = timedelta(days=14)  # as long as money that probably pays an invoice
MAX_A_RUN = 200
MAX_PAID_HOLDING = 2  # replies that say so of one invoice; whoever says it again is read, and reminded all the same
QUESTION_PROBLEM, TEXT_PROBLEM = "question", "text_unread"
WAITING, ACTED, SETTLED = "waiting", "acted", "settled"
PORTAL, TEXT = "portal", "text"


@dataclass(frozen=True, slots=True)
class Said:
    """The day that a reply names, and the amount of a promise that may be for a part, as it was written."""

    day: date | None = None
    part: str = ""


def act_on(app: App, *, organisation_id: str, reply_id: str) -> None:
    """Do what a sure reply says. What cannot be done leaves it with a person, with the reason among its doubts."""
    with app.store.read() as db:
        reply = find_reply(db, organisation_id, reply_id)
    kind = ReplyKind(reply["kind"])
    try:
        said = Said(reply["named_day"], _part(reply))
        outcome = do(app, reply, kind=kind, document_ids=reply["documents"], said=said)
    except (RefusedError, InputError) as error:
        _leave_to_a_person(app, reply, str(error))
        return
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        finish_reply(db, reply, kind=kind, outcome=outcome, at=app.clock(), state=ACTED)
    prepare_answer(app, organisation_id=organisation_id, reply_id=reply_id, kind=kind, by_itself=True)


def act_on_sure_ones(app: App) -> int:
    """Act on the replies that were kept and are sure: those of a sender's webhook, and what a crash left undone.

    Returns how many. What was done before a crash is done again: the same day, the same opt-out; a second dispute is
    refused and goes to a person.
    """
    reply = t.reply.c
    waiting = select(reply.organisation_id, reply.id).where(reply.state == WAITING, reply.acts.is_(True))
    with app.store.read() as db:
        rows = db.execute(waiting.order_by(reply.received_at, reply.id).limit(MAX_A_RUN)).all()
    for row in rows:
        act_on(app, organisation_id=row.organisation_id, reply_id=row.id)
    return len(rows)


def do(app: App, reply: dict[str, Any], *, kind: ReplyKind, document_ids: Sequence[str], said: Said) -> str:
    """Do what `kind` says about these invoices. Returns what was done, in words.

    RefusedError or InputError where it cannot be done; of several invoices, those before it are done.
    """
    return _STEPS[kind](app, reply, document_ids, said)


def _part(reply: dict[str, Any]) -> str:
    """The amount that it names for its one invoice; of several a sure one names all that they come to."""
    if reply["amount_minor"] is None or len(reply["documents"]) != 1:
        return ""
    return Money(reply["amount_minor"], reply["currency"]).text()


def _promise(app: App, reply: dict[str, Any], document_ids: Sequence[str], said: Said) -> str:
    if said.day is None or not document_ids:
        raise InputError("a promise needs a day and an invoice")
    if said.part and len(document_ids) > 1:
        raise InputError("an amount is promised of one invoice: choose it, or leave the amount out")
    for document_id in document_ids:
        promise(app, document_id=document_id, promised_on=said.day, part=said.part, **_whose(reply))
    return f"Noted that {said.part or 'it'} will be paid on {said.day}."


def _dispute(app: App, reply: dict[str, Any], document_ids: Sequence[str], _said: Said) -> str:
    if len(document_ids) != 1:
        raise InputError("a dispute is about one invoice: choose it")
    reason = shortened(reply["words"], MAX_REASON_CHARS)
    dispute(app, document_id=document_ids[0], reason=reason, **_whose(reply))
    return "The invoice is contested; a person settles it."


def _opt_out(app: App, reply: dict[str, Any], _document_ids: Sequence[str], _said: Said) -> str:
    opt_out(app, channel=None, words=shortened(reply["words"]), **_whose(reply))
    return "No more messages are sent to this customer, by any channel."


def _wrong_contact(app: App, reply: dict[str, Any], _document_ids: Sequence[str], _said: Said) -> str:
    give_up(app, organisation_id=reply["organisation_id"], reply=reply)
    return f"{reply['sender']} is written to no more; somebody is asked for another contact."


def _nobody_there(_app: App, _reply: dict[str, Any], _document_ids: Sequence[str], said: Said) -> str:
    return f"Nobody is there until {said.day}." if said.day else "Nobody is there."


def _paid_already(_app: App, _reply: dict[str, Any], _document_ids: Sequence[str], _said: Said) -> str:
    return "The money is looked for; somebody answers."


def _send_again(_app: App, _reply: dict[str, Any], _document_ids: Sequence[str], _said: Said) -> str:
    return "Somebody sends it again."


def _question(_app: App, _reply: dict[str, Any], _document_ids: Sequence[str], _said: Said) -> str:
    return "Answered by a person."


def _whose(reply: dict[str, Any]) -> dict[str, Any]:
    actor = f"{reply['sender']} by {reply['channel']}"[:200]
    return {"organisation_id": reply["organisation_id"], "customer_id": reply["customer_id"], "actor": actor}


_STEPS: Mapping[ReplyKind, Callable[[App, dict[str, Any], Sequence[str], Said], str]] = {
    ReplyKind.PROMISE: _promise,
    ReplyKind.DISPUTE: _dispute,
    ReplyKind.OPT_OUT: _opt_out,
    ReplyKind.WRONG_CONTACT: _wrong_contact,
    ReplyKind.OUT_OF_OFFICE: _nobody_there,
    ReplyKind.PAID_ALREADY: _paid_already,
    ReplyKind.SEND_AGAIN: _send_again,
    ReplyKind.QUESTION: _question,
}


def finish_reply(
    db: Connection, reply: dict[str, Any], *, kind: ReplyKind | None, outcome: str, at: datetime, state: str
) -> None:
    """Keep what was done, and let what the reply held go, or hold on as long as its kind asks for."""
    organisation_id, reply_id = reply["organisation_id"], reply["id"]
    mine = (t.reply.c.organisation_id == organisation_id) & (t.reply.c.id == reply_id)
    db.execute(update(t.reply).where(mine).values(state=state, outcome=outcome, acts=False))
    if kind in (ReplyKind.PAID_ALREADY, ReplyKind.SEND_AGAIN):
        organisation = connections.organisation(db, organisation_id)
        if organisation is None:
            raise RefusedError("there is no such organisation")
        what = "says that it is paid" if kind is ReplyKind.PAID_ALREADY else "asked for the invoice again"
        open_task(
            db,
            organisation,
            kind=TaskKind.ANSWER,
            subject=reply_id,
            customer_id=reply["customer_id"],
            text=f"{reply['sender']} {what}: {shortened(reply['words'])}",
            at=at,
        )
    if kind is ReplyKind.PAID_ALREADY and not _said_too_often(db, reply):
        until = at + PAID_HELD_FOR
        hold(
            db,
            organisation_id=organisation_id,
            reply_id=reply_id,
            document_ids=reply["documents"] or reply["held"],
            until=until,
            reason=f"The customer says that it is paid; it is looked for until {until:%Y-%m-%d}.",
            actor="replies",
            at=at,
        )
    elif kind is not ReplyKind.SEND_AGAIN:
        release(db, organisation_id=organisation_id, reply_id=reply_id, at=at)
    for document_id in reply["documents"] if reply["channel"] == PORTAL else ():
        journal.resolve_problem(db, organisation_id=organisation_id, code=QUESTION_PROBLEM, subject=document_id, at=at)
    if reply["channel"] == TEXT and reply["customer_id"] is not None:
        subject = reply["customer_id"]
        journal.resolve_problem(db, organisation_id=organisation_id, code=TEXT_PROBLEM, subject=subject, at=at)
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=reply["settled_by"] or "replies",
        action="reply_acted_on",
        subject=reply["customer_id"] or reply_id,
        detail=outcome,
    )


def _said_too_often(db: Connection, reply: dict[str, Any]) -> bool:
    """Whether the customer said of one of these invoices already, often enough, that it is paid."""
    other = t.reply.c
    rows = db.execute(
        select(other.documents).where(
            other.organisation_id == reply["organisation_id"],
            other.customer_id == reply["customer_id"],
            other.id != reply["id"],
            other.state != WAITING,
            func.coalesce(other.settled_kind, other.kind) == ReplyKind.PAID_ALREADY.value,
        )
    )
    said = Counter(document_id for row in rows for document_id in row.documents)
    return any(said[document_id] >= MAX_PAID_HOLDING for document_id in reply["documents"])


def _leave_to_a_person(app: App, reply: dict[str, Any], why: str) -> None:
    mine = (t.reply.c.organisation_id == reply["organisation_id"]) & (t.reply.c.id == reply["id"])
    with app.store.write() as db:
        connections.lock_organisation(db, reply["organisation_id"])
        organisation = connections.organisation(db, reply["organisation_id"])
        if organisation is None:
            raise RefusedError("there is no such organisation")
        db.execute(
            update(t.reply).where(mine).values(acts=False, doubts=[*reply["doubts"], f"It could not be done: {why}."])
        )
        open_task(
            db,
            organisation,
            kind=TaskKind.READ_REPLY,
            subject=reply["id"],
            customer_id=reply["customer_id"],
            text=f"{reply['sender']} wrote: {shortened(reply['words'])}",
            at=app.clock(),
        )
