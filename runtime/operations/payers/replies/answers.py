"""Answers to payers: what was found of their money, or the way to their invoice; prepared for a person, or sent.

An answer is a row of its own, written before it leaves: what may have left never leaves twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from connectors.channels.contract import UNREACHABLE
from connectors.channels.email import EmailChannel
from connectors.errors import ConnectorError, Reject, Retry
from receivables.money import Money
from reminders.evidence import Channel
from reminders.message import Answer, AnswerKind, Message, render_answer
from reminders.replies.kinds import ReplyKind
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import keep_switch
from runtime.operations.payers.replies.money_search import Found, search_money
from runtime.operations.people.tasks import close_task
from runtime.operations.reaching.bad_addresses import bad_addresses, normal, note_bad
from runtime.operations.reaching.deliveries import note_unreachable
from runtime.operations.reaching.opt_outs import is_stopped, opt_outs
from runtime.operations.reaching.ways import message_id_for
from runtime.operations.reminding.compose import brand_of, portal_links, sender_of
from runtime.operations.reminding.withdraw import FAILED, HANDING, IN_DOUBT, SENT
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import upsert

PREPARED = "prepared"
MAX_BY_ITSELF = 3  # answers to one customer in seven days without a person
WAITING_DAYS = 14
_WEEK = timedelta(days=7)
EMAIL = "email"


def switch_answers(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Send answers by themselves to replies that are sure, or have a person send each."""
    with app.store.write() as db:
        keep_switch(db, organisation_id, {"answers_on": on}, action="answers_switched", actor=actor, at=app.clock())


def prepare_answer(app: App, *, organisation_id: str, reply_id: str, kind: ReplyKind, by_itself: bool) -> None:
    """Write the answer to somebody who paid already, or needs the invoice again; send it where that is switched on.

    Nothing for other kinds, or where there is one already.
    """
    if kind not in (ReplyKind.PAID_ALREADY, ReplyKind.SEND_AGAIN):
        return
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        organisation = connections.organisation(db, organisation_id)
        reply = find_reply(db, organisation_id, reply_id)
        there = select(t.answer.c.reply_id).where(t.answer.c.reply_id == reply_id)
        if organisation is None or reply["customer_id"] is None or db.scalar(there) is not None:
            return
        now = app.clock()
        written, found = _write(app, db, organisation, reply, kind=kind, now=now)
        keep_answer(app, db, reply, kind=found.kind, written=written, findings=found.lines, at=now)
        is_on = organisation.answers_on and organisation.sending_on
        sends = by_itself and is_on and _may_send(app, db, organisation_id, reply, now)
    if sends:
        send_answer(app, organisation_id=organisation_id, reply_id=reply_id, actor="replies")


def send_answer(app: App, *, organisation_id: str, reply_id: str, actor: str) -> None:
    """Send a prepared answer in the thread of the mail that it answers. RefusedError where it cannot be sent (again).

    It is asked for anew what was found, so that an answer that waited says what is true now.
    """
    if app.email is None:
        raise RefusedError("no mail server is set up")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        organisation = connections.organisation(db, organisation_id)
        reply, now = find_reply(db, organisation_id, reply_id), app.clock()
        mine = (t.answer.c.organisation_id == organisation_id) & (t.answer.c.reply_id == reply_id)
        prepared = t.answer.c.state.in_((PREPARED, FAILED)) & (t.answer.c.kind != AnswerKind.WRITTEN.value)
        row = db.execute(select(t.answer).where(mine, prepared)).first()
        if row is None or organisation is None:
            raise RefusedError("there is no answer that can be sent")
        if reply["channel"] != EMAIL or (Channel.EMAIL, normal(reply["sender"])) in bad_addresses(db, organisation_id):
            raise RefusedError("they did not write by e-mail, or nothing is sent to this address: answer another way")
        kind = ReplyKind.SEND_AGAIN if row.kind == AnswerKind.SENT_AGAIN.value else ReplyKind.PAID_ALREADY
        written, _ = _write(app, db, organisation, reply, kind=kind, now=now)
        values = {"state": HANDING, "sent_at": now, "sent_by": actor}
        db.execute(update(t.answer).where(mine).values(subject=written.subject, body_text=written.text, **values))
        sender = sender_of(app, db, organisation)
    hand_answer_over(app, app.email, reply, written, to=reply["sender"], sender=sender, actor=actor)


def hand_answer_over(
    app: App, email: EmailChannel, reply: dict[str, Any], written: Message, *, to: str, sender: str, actor: str
) -> str:
    """Send an answer whose row says that it is being handed over; returns how that ended."""
    organisation_id, reply_id = reply["organisation_id"], reply["id"]
    mine = (t.answer.c.organisation_id == organisation_id) & (t.answer.c.reply_id == reply_id)
    state, proof, is_refused = SENT, "", False
    try:
        delivery = email.send(
            message_id=_key(reply_id),
            to=to,
            subject=written.subject,
            text=written.text,
            html=written.html,
            sender=sender,
            reply_to=app.settings.reply_to or app.settings.mail_from,
            unsubscribe_url=portal_links(app, organisation_id, reply["customer_id"]).unsubscribe,
            in_reply_to=_thread(reply["message_id"]),
        )
        proof = f"taken over by the mail server: {delivery.answer}"
    except ConnectorError as error:
        state = IN_DOUBT if isinstance(error, Retry) and error.ambiguous else FAILED
        proof = str(error)
        is_refused = isinstance(error, Reject) and error.code == UNREACHABLE
    with app.store.write() as db:
        now = app.clock()
        handed = mine & (t.answer.c.state == HANDING)  # it may have come back already
        db.execute(update(t.answer).where(handed).values(state=state, proof=proof))
        if state == SENT:
            close_task(
                db, organisation_id=organisation_id, subject=reply_id, kinds=(TaskKind.ANSWER,), by=actor, at=now
            )
        if is_refused:
            _note_address(db, organisation_id, reply["customer_id"], to, why=proof, at=now)
        detail = f"{written.subject} → {to}: {proof}"
        _record(db, organisation_id, reply, state, detail, actor=actor, at=now)
    return state


def _thread(message_id: str | None) -> str | None:
    """The mail that is answered, where its id is one that a header may hold."""
    return message_id if message_id and message_id.isascii() and "@" in message_id else None


def note_delivered(
    db: Connection, organisation_id: str, reply_id: str, address: str, detail: str, *, is_delivered: bool, at: datetime
) -> None:
    """Keep what a mail server reports of an answer to this address."""
    said = f"{'delivered' if is_delivered else 'came back'}: {detail}"
    state = {} if is_delivered else {"state": FAILED}
    db.execute(update(t.answer).where(t.answer.c.reply_id == reply_id).values(proof=said, **state))
    if not is_delivered:
        reply = find_reply(db, organisation_id, reply_id)
        _note_address(db, organisation_id, reply["customer_id"], address, why=detail, at=at)
        _record(db, organisation_id, reply, FAILED, said, actor="replies", at=at)


def _note_address(
    db: Connection, organisation_id: str, customer_id: str, address: str, *, why: str, at: datetime
) -> None:
    """Note that nothing arrives where an answer went; where that is the customer's own address, ask for another."""
    customer = t.customer.c
    mine = (customer.organisation_id == organisation_id) & (customer.id == customer_id)
    if db.scalar(select(customer.id).where(mine, func.lower(customer.email) == normal(address))) is not None:
        note_unreachable(db, organisation_id, customer_id, channel=Channel.EMAIL, spoken=address, why=why, at=at)
    else:
        note_bad(db, organisation_id, channel=Channel.EMAIL, address=address, why=why, at=at)


def _record(
    db: Connection, organisation_id: str, reply: dict[str, Any], state: str, detail: str, *, actor: str, at: datetime
) -> None:
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        action=f"answer_{state}",
        subject=reply["customer_id"],
        detail=detail,
    )


def keep_answer(
    app: App,
    db: Connection,
    reply: dict[str, Any],
    *,
    kind: AnswerKind,
    written: Message,
    at: datetime,
    findings: Sequence[str] = (),
    recipient: str | None = None,
    said: str | None = None,
    sent_by: str | None = None,
) -> None:
    """Keep an answer in place of one that was prepared: prepared, or about to leave where `sent_by` says who sends it.

    It goes to `recipient`, None: to whoever wrote what it answers. `said` is what a person wrote of it.
    """
    row = {
        "reply_id": reply["id"],
        "organisation_id": reply["organisation_id"],
        "customer_id": reply["customer_id"],
        "kind": kind.value,
        "findings": list(findings),
        "recipient": recipient,
        "subject": written.subject,
        "body_text": written.text,
        "written": said,
        "state": HANDING if sent_by else PREPARED,
        "message_id": message_id_for(app, _key(reply["id"])) or "",
        "proof": "",
        "prepared_at": at,
        "sent_at": at if sent_by else None,
        "sent_by": sent_by,
    }
    upsert(db, t.answer, [row], keys=["reply_id"])


def _key(reply_id: str) -> str:
    """What the Message-ID of an answer is made of."""
    return f"answer {reply_id}"


def _write(
    app: App, db: Connection, organisation: Organisation, reply: dict[str, Any], *, kind: ReplyKind, now: datetime
) -> tuple[Message, Found]:
    documents = reply["documents"] or reply["held"]
    found = Found(AnswerKind.SENT_AGAIN, ())
    if kind is ReplyKind.PAID_ALREADY:
        found = search_money(
            db,
            organisation.id,
            customer_id=reply["customer_id"],
            document_ids=documents,
            amount=Money(reply["amount_minor"], reply["currency"]) if reply["currency"] else None,
            day=reply["named_day"],
            now=now,
        )
    customer = t.customer.c
    name = db.scalar(
        select(customer.name).where(customer.organisation_id == organisation.id, customer.id == reply["customer_id"])
    )
    answer = Answer(
        kind=found.kind,
        recipient_name=name or "",
        lines=lines_of(db, organisation.id, documents),
        days=WAITING_DAYS,
        amount=found.amount,
        received_on=found.day,
    )
    links = portal_links(app, organisation.id, reply["customer_id"])
    return render_answer(
        answer=answer, brand=brand_of(db, organisation), links=links, language=reply["language"]
    ), found


def lines_of(db: Connection, organisation_id: str, document_ids: list[str]) -> tuple[tuple[str, Money], ...]:
    """Return the numbers of these invoices with what is open of each, the oldest due first."""
    document = t.document.c
    rows = db.execute(
        select(document.number, document.balance_minor, document.currency)
        .where(document.organisation_id == organisation_id, document.id.in_(document_ids))
        .order_by(document.due_on, document.id)
    )
    return tuple((row.number, Money(row.balance_minor, row.currency)) for row in rows)


def _may_send(app: App, db: Connection, organisation_id: str, reply: dict[str, Any], now: datetime) -> bool:
    """Whether an answer may leave without a person: to an address of the customer's own, and not too often."""
    answer, customer = t.answer.c, t.customer.c
    ours = customer.organisation_id == organisation_id
    known = db.scalar(
        select(customer.id).where(
            ours, customer.id == reply["customer_id"], func.lower(customer.email) == normal(reply["sender"])
        )
    )
    sent = select(func.count()).where(
        answer.organisation_id == organisation_id,
        answer.customer_id == reply["customer_id"],
        answer.sent_at > now - _WEEK,
    )
    if known is None or reply["channel"] != EMAIL or app.email is None:
        return False
    is_open = not is_stopped(opt_outs(db, organisation_id, [known]), known, Channel.EMAIL)
    return is_open and (db.scalar(sent) or 0) < MAX_BY_ITSELF


def find_reply(db: Connection, organisation_id: str, reply_id: str) -> dict[str, Any]:
    """Return a reply; RefusedError where the organisation has none of this id."""
    mine = (t.reply.c.organisation_id == organisation_id) & (t.reply.c.id == reply_id)
    row = db.execute(select(t.reply).where(mine)).first()
    if row is None:
        raise RefusedError("there is no such reply")
    return dict(row._mapping)
