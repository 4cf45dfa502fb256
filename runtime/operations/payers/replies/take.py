"""Take a reply of a payer, from whatever channel: kept and holding first, then acted on where it is sure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select

from receivables.document import DocumentKind
from receivables.identity import stable_id
from receivables.open_item import OpenItem
from reminders.places import country_code
from reminders.replies.course import Course, course
from reminders.replies.kinds import ReplyKind, Understood
from reminders.replies.routing import TaskKind
from reminders.replies.understand import understand
from reminders.wording import wording
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.matching.open_items import open_documents
from runtime.operations.payers.replies.act import WAITING, act_on
from runtime.operations.payers.replies.holding import hold, reason_of, shortened
from runtime.operations.people.tasks import open_task
from runtime.operations.reaching.contact_language import language_of
from runtime.operations.systems.absorb.departures import surviving
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_BODY_CHARS = 20_000
HELD_FOR = timedelta(days=7)  # a reply that nobody settles holds no longer; its task stays
COUNTED_WITHIN = timedelta(days=60)
MAX_HOLDING = 6  # replies of one customer within that time; whoever writes more is read, and reminded all the same
_US = "US"


class ReplyChannel(StrEnum):
    """By which way a payer wrote."""

    EMAIL = "email"
    TEXT = "text"
    PORTAL = "portal"


@dataclass(frozen=True, slots=True)
class Incoming:
    """What came. `external_id` is its own id on its channel: the same one again changes nothing.

    `customer_ids` are the customers who may have written it: one where that is known. `about` are the invoices of the
    message that it answers; it holds `only` some of what they owe, or all. `sender` is the address or number as it
    came, `is_their_address` whether we have it of them.
    """

    channel: ReplyChannel
    external_id: str
    sender: str
    text: str
    received_at: datetime
    customer_ids: tuple[str, ...]
    about: tuple[str, ...] = ()
    subject: str = ""
    message_id: str = ""
    only: tuple[str, ...] = ()
    is_automatic: bool = False
    is_their_address: bool = True
    may_hold: bool = True


def take_reply(app: App, *, organisation_id: str, incoming: Incoming) -> str:
    """Keep a reply, hold what its writer owes, and act on it where it is sure. Returns its id.

    Kept and holding is one unit of work, so whatever stops us afterwards leaves it with a person. RefusedError for an
    unknown organisation.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        kept = keep_reply(db, organisation_id=organisation_id, incoming=incoming, at=app.clock())
    follow_up(app, kept)
    return kept.reply_id


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply that was kept now; `acts` where it is sure and nobody is asked."""

    organisation_id: str
    reply_id: str
    acts: bool


def follow_up(app: App, kept: Kept) -> None:
    """Act on a reply once it is kept for good, where it is sure."""
    if kept.acts:
        act_on(app, organisation_id=kept.organisation_id, reply_id=kept.reply_id)
    app.wake()


def keep_reply(db: Connection, *, organisation_id: str, incoming: Incoming, at: datetime) -> Kept:
    """Keep a reply and what it holds, within the caller's unit of work, which has locked the organisation.

    One that was kept before is left as it is. RefusedError for an unknown organisation.
    """
    organisation = connections.organisation(db, organisation_id)
    if organisation is None:
        raise RefusedError("there is no such organisation")
    reply_id = stable_id("rpl", organisation_id, incoming.channel, incoming.external_id)
    mine = (t.reply.c.organisation_id == organisation_id) & (t.reply.c.id == reply_id)
    if db.scalar(select(t.reply.c.id).where(mine)) is not None:
        return Kept(organisation_id, reply_id, acts=False)
    customers = sorted({surviving(db, organisation_id, each) for each in incoming.customer_ids})
    items = open_items_of(db, organisation_id, customers)
    understood = _understand(db, organisation, incoming, customers, items)
    decided = _decide(understood, incoming, customers, items)
    db.execute(
        insert(t.reply).values(
            id=reply_id, organisation_id=organisation_id, **_row(incoming, customers, understood, decided)
        )
    )
    customer_id = customers[0] if len(customers) == 1 else None
    is_nobody = understood.kind is ReplyKind.OUT_OF_OFFICE and not decided.doubts
    if incoming.may_hold and not is_nobody and not _wrote_too_often(db, organisation_id, customer_id, at):
        hold(
            db,
            organisation_id=organisation_id,
            reply_id=reply_id,
            document_ids=incoming.only or [item.item_id for item in items],
            until=at + HELD_FOR,
            reason=reason_of(understood.words),
            actor="replies",
            at=at,
        )
    said = shortened(understood.words)
    if decided.doubts:
        open_task(
            db,
            organisation,
            kind=TaskKind.READ_REPLY,
            subject=reply_id,
            customer_id=customer_id,
            text=f"{incoming.sender} wrote: {said}",
            at=at,
        )
    for subject in decided.item_ids or customers or [reply_id]:
        journal.record(
            db,
            organisation_id=organisation_id,
            at=at,
            actor=incoming.sender[:200],
            action="reply_received",
            subject=subject,
            detail=said,
        )
    return Kept(organisation_id, reply_id, acts=not decided.doubts)


def _understand(
    db: Connection,
    organisation: Organisation,
    incoming: Incoming,
    customers: Sequence[str],
    items: Sequence[OpenItem],
) -> Understood:
    country = _country(db, organisation, customers)
    return understand(
        incoming.text,
        came_on=incoming.received_at.astimezone(organisation.zone).date(),
        currency=items[0].open_amount.currency if items else organisation.base_currency,
        language=wording(language_of(country)).language,
        subject=incoming.subject,
        is_automatic=incoming.is_automatic,
        month_first=country == _US,
    )


def _decide(
    understood: Understood, incoming: Incoming, customers: Collection[str], items: Collection[OpenItem]
) -> Course:
    if len(customers) != 1:
        known = "Several customers" if customers else "No customer"
        return Course((), (f"{known} can have written it.", *understood.doubts))
    return course(understood, about=incoming.about, open_items=list(items), is_their_address=incoming.is_their_address)


def _row(
    incoming: Incoming,
    customers: Sequence[str],
    understood: Understood,
    decided: Course,
) -> dict[str, object]:
    amount = understood.amount
    return {
        "channel": incoming.channel.value,
        "external_id": incoming.external_id,
        "customer_id": customers[0] if len(customers) == 1 else None,
        "candidates": [] if len(customers) == 1 else list(customers),
        "sender": incoming.sender,
        "message_id": incoming.message_id,
        "subject": incoming.subject,
        "body_text": incoming.text[:MAX_BODY_CHARS],
        "words": understood.words,
        "language": understood.language,
        "kind": understood.kind.value if understood.kind else None,
        "evidence": [[each.kind.value, each.start, each.end, each.is_sure] for each in understood.evidence],
        "doubts": list(decided.doubts),
        "named_day": understood.day,
        "amount_minor": amount.minor if amount else None,
        "currency": amount.currency if amount else None,
        "documents": list(decided.item_ids),
        "held": [],
        "holds_until": None,
        "acts": not decided.doubts,
        "state": WAITING,
        "outcome": "",
        "received_at": incoming.received_at,
    }


def open_items_of(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> list[OpenItem]:
    """Return what these customers owe."""
    if not customer_ids:
        return []
    return [
        each.item()
        for each in open_documents(db, organisation_id, customer_ids=customer_ids)
        if each.document.kind is DocumentKind.INVOICE and each.open_amount.minor > 0
    ]


def _country(db: Connection, organisation: Organisation, customers: Sequence[str]) -> str:
    customer = t.customer.c
    found = db.scalar(
        select(customer.country).where(customer.organisation_id == organisation.id, customer.id.in_(customers[:1]))
    )
    return country_code(found) or organisation.country


def _wrote_too_often(db: Connection, organisation_id: str, customer_id: str | None, now: datetime) -> bool:
    """Whether so many replies of this customer came lately that another one puts nothing off by itself."""
    reply = t.reply.c
    mine = (reply.organisation_id == organisation_id) & (reply.customer_id == customer_id)
    count = db.scalar(select(func.count()).where(mine, reply.received_at > now - COUNTED_WITHIN)) or 0
    return count > MAX_HOLDING
