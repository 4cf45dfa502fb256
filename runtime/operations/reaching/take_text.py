"""Somebody answered a text: STOP and START are followed at once; anything else is read as any reply."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from connectors.channels.contract import Told
from receivables.problem import Problem
from reminders.evidence import Channel
from reminders.stop_words import Wish, wish_of
from runtime.operations.payers.replies.act import TEXT_PROBLEM
from runtime.operations.payers.replies.take import Incoming, ReplyChannel, keep_reply
from runtime.operations.reaching.contact_book import texted_at
from runtime.operations.reaching.deliveries import stop_number
from runtime.operations.reaching.opt_out import ask_if_no_way_is_left, ask_no_longer
from runtime.operations.reminding.withdraw import PLANNED, SENDING, withdraw_reminders
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.weighing import weigh_again

TEXT_UNREAD = TEXT_PROBLEM
MAX_SHOWN_CHARACTERS = 1_000


def take_text(db: Connection, *, carrier: str, told: Told, at: datetime) -> None:
    """Follow one text in the caller's unit of work.

    STOP counts for every organisation that writes by this carrier: the telephone knows only its number. Any other words
    belong to the organisation whose text was the last one to this telephone.
    """
    wish = wish_of(told.text)
    if wish in (Wish.STOP, Wish.START):
        for organisation_id in _writing_by(db, carrier):
            connections.lock_organisation(db, organisation_id)
            _follow_wish(db, organisation_id, told, wish, at)
        return
    mine = (t.reminder.c.channel == Channel.SMS.value) & (t.reminder.c.recipient == told.sender)
    last = db.execute(
        select(t.reminder.c.organisation_id, t.reminder.c.customer_id)
        .where(mine, t.reminder.c.sent_at.is_not(None))
        .order_by(t.reminder.c.sent_at.desc())
        .limit(1)
    ).first()
    if last is not None:
        connections.lock_organisation(db, last.organisation_id)
        _hold_and_ask(db, last.organisation_id, last.customer_id, told, at)


def _writing_by(db: Connection, carrier: str) -> list[str]:
    switch = t.channel_switch.c
    mine = (switch.carrier == carrier) & (switch.channel == Channel.SMS.value)
    return list(db.scalars(select(switch.organisation_id).where(mine).order_by(switch.organisation_id)))


def _follow_wish(db: Connection, organisation_id: str, told: Told, wish: Wish, at: datetime) -> None:
    words = " ".join(told.text.split())[:200]
    if wish is Wish.STOP:
        changed = stop_number(db, organisation_id, told.sender, words=words, message_id=told.external_id, at=at)
        _withdraw(db, organisation_id, told.sender, at)
    else:
        stop = t.stopped_number.c
        mine = (stop.organisation_id == organisation_id) & (stop.number == told.sender) & stop.ended_at.is_(None)
        changed = bool(db.execute(update(t.stopped_number).where(mine).values(ended_at=at)).rowcount)
    owners = texted_at(db, organisation_id, told.sender) if changed else []
    weigh_again(db, organisation_id, customer_ids=owners)
    for customer_id in owners:
        if wish is Wish.STOP:
            ask_if_no_way_is_left(db, organisation_id, customer_id, channel=Channel.SMS, at=at)
        else:
            ask_no_longer(db, organisation_id, customer_id, by="customer", at=at)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=at,
            actor="customer",
            action=f"texts_{wish.value}",
            subject=customer_id,
            detail=f"{told.sender} answered {words!r} ({told.external_id})",
        )


def _withdraw(db: Connection, organisation_id: str, number: str, at: datetime) -> None:
    reminder, item = t.reminder.c, t.reminder_item.c
    waiting = select(reminder.id).where(
        reminder.organisation_id == organisation_id,
        reminder.channel == Channel.SMS.value,
        reminder.recipient == number,
        reminder.state.in_((PLANNED, SENDING)),
    )
    documents = db.scalars(select(item.document_id).where(item.reminder_id.in_(waiting))).all()
    why = f"{number} asked for no more texts"
    withdraw_reminders(db, organisation_id=organisation_id, document_ids=documents, why=why, at=at)


def _hold_and_ask(db: Connection, organisation_id: str, customer_id: str, told: Told, at: datetime) -> None:
    """Hold what the customer owes until a person has read the text, for a week at most."""
    said = " ".join(told.text.split())[:MAX_SHOWN_CHARACTERS]
    incoming = Incoming(
        channel=ReplyChannel.TEXT,
        external_id=told.external_id,
        sender=told.sender,
        text=told.text,
        received_at=at,
        customer_ids=(customer_id,),
    )
    keep_reply(db, organisation_id=organisation_id, incoming=incoming, at=at)
    text = f"{told.sender} answered a text: {said}"
    problem = Problem(TEXT_UNREAD, text, "Answer it, then mark it as read on the customer's page.", customer_id)
    journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=at)
