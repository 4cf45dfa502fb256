"""A payer says on their page how they want to be reached. Nothing is changed: a person looks, and writes it down.

Whoever has the link could otherwise turn a customer's messages to themselves. The e-mail address is the ledger's, and
goes there from the hand of whoever took the task.
"""

from __future__ import annotations

from sqlalchemy import func, select

from reminders.evidence import Channel
from reminders.places import country_code
from reminders.replies.routing import TaskKind
from reminders.telephone import TelephoneError, number_of
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.people.members import read_address
from runtime.operations.people.tasks import open_task
from runtime.store import connections, journal
from runtime.store import tables as t

MAX_A_DAY = 5  # wishes of one customer: the last one is what the task says
ACTION = "contact_wished"
_NO_NUMBER = "“%(given)s” is no telephone number: write it with its country, such as +44"
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.CALL_TASK, Channel.LETTER)
_WORDS = {Channel.EMAIL: "e-mail", Channel.SMS: "text", Channel.CALL_TASK: "telephone", Channel.LETTER: "letter"}


def wish_contact(
    app: App, *, organisation_id: str, customer_id: str, name: str, email: str, telephone: str, channel: str, actor: str
) -> None:
    """Give a person what a customer says of how to reach them; empty parts say nothing.

    InputError where nothing is said, or an address or number is none; RefusedError after MAX_A_DAY in a day.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        organisation = connections.organisation(db, organisation_id)
        mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
        customer = db.execute(select(t.customer.c.name, t.customer.c.country).where(mine)).first()
        if organisation is None or customer is None:
            raise RefusedError("there is no such customer")
        home = country_code(customer.country) or organisation.country
        said = _said(name=name, email=email, telephone=telephone, channel=channel, country=home)
        event = t.event.c
        today = now.astimezone(organisation.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        earlier = select(func.count()).where(
            event.organisation_id == organisation_id,
            event.subject == customer_id,
            event.action == ACTION,
            event.at >= today,
        )
        if (db.scalar(earlier) or 0) >= MAX_A_DAY:
            raise RefusedError("you told us several times today: we have it, and a person looks at it")
        text = (
            f"{customer.name} says on their page: {said}. Ask them at an address that you know before you change any."
        )
        open_task(
            db,
            organisation,
            kind=TaskKind.ANOTHER_CONTACT,
            subject=customer_id,
            customer_id=customer_id,
            text=text,
            at=now,
        )
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action=ACTION,
            subject=customer_id,
            detail=said,
        )


def _said(*, name: str, email: str, telephone: str, channel: str, country: str) -> str:
    """Return it in words for a person; InputError where there are none, or one of them is wrong."""
    parts = []
    if plain := " ".join(name.split()):
        if not plain.isprintable():
            raise InputError("write the name in letters")
        parts.append(f"write to {plain}")
    if email.strip():
        parts.append(f"e-mail {read_address(email)}")
    if telephone.strip():
        try:
            parts.append(f"telephone {number_of(telephone, country=country)}")
        except TelephoneError:
            raise InputError(_NO_NUMBER, given=telephone.strip()) from None
    if channel:
        wanted = next((each for each in CHANNELS if each.value == channel), None)
        if wanted is None:
            raise InputError("choose one of the ways to be reached")
        parts.append(f"preferably by {_WORDS[wanted]}")
    if not parts:
        raise InputError("say how you want to be reached")
    return "; ".join(parts)
