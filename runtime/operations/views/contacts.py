"""How a customer is reached, what became of the messages to them, and what messages cost an organisation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from connectors import registry
from reminders.evidence import Channel
from runtime.operations.reaching.bad_addresses import Bad, bad_addresses, normal
from runtime.operations.reaching.contact_book import Point, contact_points
from runtime.operations.reaching.contact_points import NOTED
from runtime.operations.reaching.opt_outs import EVERY, OptOut, standing_opt_outs
from runtime.operations.reaching.take_text import TEXT_UNREAD
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_MESSAGES = 100
MAX_COSTED = 50_000  # deliveries of which the costs are added up, the newest


@dataclass(frozen=True, slots=True)
class KnownContact:
    """Where a customer is reached by one channel. `came_back` says why nothing arrives there, `stopped` who said so.

    `point` is None where nobody says; `told` is what systems tell of it, used or not.
    """

    point: Point | None
    spoken: str
    came_back: str
    stopped: str
    told: tuple[ToldContact, ...]

    @property
    def is_noted(self) -> bool:
        """Whether a person noted it."""
        return self.point is not None and self.point.told_by is None


@dataclass(frozen=True, slots=True)
class ToldContact:
    """What a system tells, as it is typed there; `why` says why it cannot be used."""

    title: str
    written: str
    why: str


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A reminder to this customer with what its carrier says of it."""

    channel: str
    state: str
    level: int
    recipient: str
    subject: str
    text: str
    at: datetime
    why: str
    fate: str
    detail: str
    cost: str


@dataclass(frozen=True, slots=True)
class CustomerContacts:
    """A customer, how to reach them, and what they were sent, the newest first."""

    customer_id: str
    name: str
    email: str | None
    opt_outs: tuple[OptOut, ...]
    country: str | None
    text_unread: str
    contacts: Mapping[Channel, KnownContact]
    mail_came_back: str
    messages: tuple[SentMessage, ...]

    @property
    def opted_out_of(self) -> tuple[str, ...]:
        """What they want nothing by, each once: channels, or EVERY."""
        return tuple(dict.fromkeys(each.channel.value if each.channel else EVERY for each in self.opt_outs))

    def stops(self, channel: str) -> bool:
        """Whether they want nothing by `channel`."""
        return any(each.channel is None or each.channel.value == channel for each in self.opt_outs)


def customer_contacts(db: Connection, organisation: Organisation, customer_id: str) -> CustomerContacts | None:
    """Return one customer of the organisation, None when there is none of this id."""
    mine = (t.customer.c.organisation_id == organisation.id) & (t.customer.c.id == customer_id)
    customer = db.execute(select(t.customer).where(mine)).first()
    if customer is None:
        return None
    unread = journal.troubled(organisation.id, (TEXT_UNREAD,)).where(t.problem.c.subject == customer_id)
    text = db.scalar(unread.with_only_columns(t.problem.c.text))
    bad = bad_addresses(db, organisation.id)
    return CustomerContacts(
        customer_id=customer_id,
        name=customer.name,
        email=customer.email,
        opt_outs=standing_opt_outs(db, organisation.id, customer_id),
        country=customer.country,
        text_unread=text or "",
        contacts=_contacts(db, organisation, customer_id, bad),
        mail_came_back=bad.get((Channel.EMAIL, normal(customer.email or "")), ""),
        messages=_messages(db, organisation.id, customer_id),
    )


def customer_exists(db: Connection, organisation_id: str, customer_id: str) -> bool:
    """Whether this organisation has a customer of this id."""
    mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
    return db.scalar(select(t.customer.c.id).where(mine)) is not None


def _contacts(db: Connection, organisation: Organisation, customer_id: str, bad: Bad) -> dict[Channel, KnownContact]:
    stop = t.stopped_number.c
    stopped: dict[str, str] = {
        row.number: row.words
        for row in db.execute(
            select(stop.number, stop.words).where(stop.organisation_id == organisation.id, stop.ended_at.is_(None))
        )
    }
    points = contact_points(db, organisation.id, [customer_id])
    told = _told(db, organisation.id, customer_id)
    found = {}
    for channel in NOTED:
        point = points.get((customer_id, channel))
        address = point.address if point else ""
        found[channel] = KnownContact(
            point=point,
            spoken=point.spoken(organisation.country) if point else "",
            came_back=bad.get((channel, address), ""),
            stopped=stopped.get(address, "") if channel is Channel.SMS else "",
            told=tuple(told[channel]),
        )
    return found


def _told(db: Connection, organisation_id: str, customer_id: str) -> defaultdict[Channel, list[ToldContact]]:
    told = t.told_contact.c
    mine = (told.organisation_id == organisation_id) & (told.customer_id == customer_id)
    found: defaultdict[Channel, list[ToldContact]] = defaultdict(list)
    for row in db.execute(select(t.told_contact).where(mine).order_by(told.system)):
        title = registry.declaration(row.system).title
        found[Channel(row.channel)].append(ToldContact(title, row.written, row.why))
    return found


def _messages(db: Connection, organisation_id: str, customer_id: str) -> tuple[SentMessage, ...]:
    reminder, delivery = t.reminder.c, t.delivery.c
    rows = db.execute(
        select(t.reminder, delivery.state.label("fate"), delivery.detail, delivery.cost, delivery.cost_currency)
        .outerjoin(t.delivery, delivery.reminder_id == reminder.id)
        .where(reminder.organisation_id == organisation_id, reminder.customer_id == customer_id)
        .order_by(reminder.planned_at.desc(), reminder.id)
        .limit(MAX_MESSAGES)
    )
    return tuple(
        SentMessage(
            channel=row.channel,
            state=row.state,
            level=row.level,
            recipient=row.recipient,
            subject=row.subject,
            text=row.body_text,
            at=row.sent_at or row.planned_at,
            why=row.why,
            fate=row.fate or "",
            detail=row.detail or "",
            cost=f"{row.cost} {row.cost_currency}" if row.cost else "",
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """What the messages of a month cost by one carrier; `unknown` is how many have no cost (yet)."""

    month: str
    carrier: str
    messages: int
    unknown: int
    amounts: tuple[str, ...]


def monthly_costs(db: Connection, organisation: Organisation, *, months: int = 12) -> tuple[MonthlyCost, ...]:
    """Return the costs of the last months, the newest first, by the days of the organisation's calendar."""
    delivery = t.delivery.c
    rows = db.execute(
        select(delivery.handed_at, delivery.carrier, delivery.cost, delivery.cost_currency)
        .where(delivery.organisation_id == organisation.id)
        .order_by(delivery.handed_at.desc())
        .limit(MAX_COSTED)
    )
    counted: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in rows:
        counted[f"{row.handed_at.astimezone(organisation.zone):%Y-%m}", row.carrier].append(row)
    newest = sorted({month for month, _ in counted}, reverse=True)[:months]
    return tuple(
        MonthlyCost(
            month=month,
            carrier=carrier,
            messages=len(those),
            unknown=sum(row.cost is None for row in those),
            amounts=_sums(those),
        )
        for month in newest
        for carrier, those in sorted((name, rows) for (at, name), rows in counted.items() if at == month)
    )


def _sums(rows: list[Any]) -> tuple[str, ...]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.cost is not None:
            sums[row.cost_currency] += Decimal(row.cost)
    return tuple(f"{amount} {currency}" for currency, amount in sorted(sums.items()))
