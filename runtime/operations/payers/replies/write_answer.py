"""A person answers a payer in their own words: in the thread of a mail, else to the customer's own address."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from reminders.evidence import Channel
from reminders.message import Answer, AnswerKind, render_answer
from reminders.replies.kinds import ReplyKind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.payers.payers_word import plain
from runtime.operations.payers.replies.act import WAITING
from runtime.operations.payers.replies.answers import (
    EMAIL,
    PREPARED,
    WAITING_DAYS,
    find_reply,
    hand_answer_over,
    keep_answer,
    lines_of,
)
from runtime.operations.payers.replies.settle import settle_reply
from runtime.operations.reaching.bad_addresses import bad_addresses, normal
from runtime.operations.reminding.compose import brand_of, portal_links, sender_of
from runtime.operations.reminding.withdraw import FAILED, SENT
from runtime.store import connections
from runtime.store import tables as t

MAX_ANSWER_CHARS = 4_000


def write_answer(app: App, *, organisation_id: str, reply_id: str, text: str, actor: str) -> None:
    """Send what a person answers to a reply or question, once; a question is settled by it.

    Who says something else still waits until a person says what it is. InputError for an empty or too long text;
    RefusedError where there is nobody to answer, no address, or it was answered already.
    """
    said = plain(text, MAX_ANSWER_CHARS, "write an answer, in at most %(longest)s characters")
    if app.email is None:
        raise RefusedError("no mail server is set up")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        organisation = connections.organisation(db, organisation_id)
        reply, now = find_reply(db, organisation_id, reply_id), app.clock()
        if organisation is None or reply["customer_id"] is None:
            raise RefusedError("say first which customer wrote this")
        state = db.scalar(select(t.answer.c.state).where(t.answer.c.reply_id == reply_id))
        if state not in (None, PREPARED, FAILED):
            raise RefusedError("this was answered already")
        name, to = _whom(db, organisation_id, reply)
        documents = reply["documents"] or reply["held"]
        answer = Answer(
            AnswerKind.WRITTEN, name, lines_of(db, organisation_id, documents), days=WAITING_DAYS, written=said
        )
        written = render_answer(
            answer=answer,
            brand=brand_of(db, organisation),
            links=portal_links(app, organisation_id, reply["customer_id"]),
            language=reply["language"],
        )
        how = {"recipient": to, "said": said, "sent_by": actor}
        keep_answer(app, db, reply, kind=AnswerKind.WRITTEN, written=written, at=now, **how)
        sender = sender_of(app, db, organisation)
    state = hand_answer_over(app, app.email, reply, written, to=to, sender=sender, actor=actor)
    if state == FAILED:
        raise RefusedError("the mail server did not take the answer: the reply says why; try again, or call them")
    if state == SENT and reply["kind"] == ReplyKind.QUESTION.value and reply["state"] == WAITING:
        settle_reply(app, organisation_id=organisation_id, reply_id=reply_id, kind=ReplyKind.QUESTION, actor=actor)


def _whom(db: Connection, organisation_id: str, reply: dict[str, Any]) -> tuple[str, str]:
    """The customer's name, and where the answer goes; RefusedError where nothing arrives there."""
    customer = t.customer.c
    mine = (customer.organisation_id == organisation_id) & (customer.id == reply["customer_id"])
    row = db.execute(select(customer.name, customer.email).where(mine)).one()
    to = reply["sender"] if reply["channel"] == EMAIL else row.email
    if not to:
        raise RefusedError("no e-mail address of this customer is known: call them, or note one in the ledger")
    if (Channel.EMAIL, normal(to)) in bad_addresses(db, organisation_id):
        raise RefusedError(f"nothing arrives at {to}: answer another way")
    return row.name, to
