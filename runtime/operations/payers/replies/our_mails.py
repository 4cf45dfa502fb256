"""Which mail of ours a Message-ID names, and what follows when it came back: reminders, and all that is sent beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Table, select, update

from connectors.channels.contract import Fate, Report
from reminders.evidence import Channel
from runtime.operations.payers.replies.answers import note_delivered
from runtime.operations.reaching.deliveries import keep_report, note_unreachable
from runtime.operations.reaching.shared_limit import unshare_contact
from runtime.operations.reaching.ways import MAIL
from runtime.operations.reminding.withdraw import HANDING, IN_DOUBT, SENT, UNDELIVERED
from runtime.operations.systems.absorb.departures import surviving
from runtime.store import journal
from runtime.store import tables as t


class MailKind(StrEnum):
    """What a mail of ours is: each kind has a table."""

    REMINDER = "reminder"
    COURTESY = "courtesy"
    THANKS = "thanks"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class OurMail:
    """A mail that left: its row, whose it is, where it went, and the invoices that it is about.

    Of what is neither reminder nor answer `action` begins the names of what the history says, under `subject`.
    """

    kind: MailKind
    id: str
    organisation_id: str
    customer_id: str
    recipient: str
    about: tuple[str, ...]
    action: str = ""
    subject: str = ""


def our_mail(db: Connection, message_id: str) -> OurMail | None:
    """Return the mail that left under this Message-ID; None where none of ours did."""
    if not message_id:
        return None
    return _reminder(db, message_id) or _courtesy(db, message_id) or _thanks(db, message_id) or _answer(db, message_id)


def note_fate(db: Connection, sent: OurMail, fate: Fate, *, message_id: str, detail: str, at: datetime) -> None:
    """Keep what a mail server reports of a mail, and draw the consequences where it reached nobody.

    The caller has locked the organisation, and has seen that the report is about the address that the mail went to.
    """
    if sent.kind is MailKind.REMINDER:
        report = Report(message_id, fate, detail)
        keep_report(db, sent.organisation_id, sent.id, carrier=MAIL, report=report, at=at)
    elif sent.kind is MailKind.ANSWER:
        is_delivered, to = fate is Fate.DELIVERED, sent.recipient
        note_delivered(db, sent.organisation_id, sent.id, to, detail, is_delivered=is_delivered, at=at)
    elif fate is Fate.UNDELIVERED:
        _came_back(db, sent, detail, at)


def _reminder(db: Connection, message_id: str) -> OurMail | None:
    row = db.execute(
        select(t.reminder)
        .join(t.delivery, t.delivery.c.reminder_id == t.reminder.c.id)
        .where(t.delivery.c.carrier == MAIL, t.delivery.c.external_id == message_id)
    ).first()
    if row is None:
        return None
    item = t.reminder_item.c
    items = select(item.document_id).where(item.organisation_id == row.organisation_id, item.reminder_id == row.id)
    about = tuple(db.scalars(items.order_by(item.document_id)))
    of = (row.organisation_id, row.customer_id, row.recipient)
    return OurMail(MailKind.REMINDER, row.id, *of, about)


def _courtesy(db: Connection, message_id: str) -> OurMail | None:
    row = db.execute(select(t.courtesy).where(t.courtesy.c.message_id == message_id)).first()
    if row is None:
        return None
    of = (row.organisation_id, row.customer_id, row.recipient)
    return OurMail(MailKind.COURTESY, row.id, *of, tuple(row.documents or ()), row.kind, row.customer_id)


def _thanks(db: Connection, message_id: str) -> OurMail | None:
    row = db.execute(select(t.thanks).where(t.thanks.c.message_id == message_id)).first()
    if row is None:
        return None
    paid = t.allocation.c
    mine = (paid.organisation_id == row.organisation_id) & (paid.receipt_id == row.receipt_id)
    items = select(paid.document_id).where(mine, paid.is_credit.is_(False)).distinct()
    about = tuple(db.scalars(items.order_by(paid.document_id)))
    of = (row.organisation_id, row.customer_id, row.recipient)
    return OurMail(MailKind.THANKS, row.receipt_id, *of, about, "thanks", row.receipt_id)


def _answer(db: Connection, message_id: str) -> OurMail | None:
    reply = t.reply.c
    row = db.execute(
        select(t.answer, reply.id, reply.sender, reply.documents, reply.held)
        .join(t.reply, reply.id == t.answer.c.reply_id)
        .where(t.answer.c.message_id == message_id)
    ).first()
    if row is None:
        return None
    of = (row.organisation_id, row.customer_id, row.recipient or row.sender)
    return OurMail(MailKind.ANSWER, row.id, *of, tuple(row.documents or row.held))


def _came_back(db: Connection, sent: OurMail, why: str, at: datetime) -> None:
    """Count it as not sent, once, and ask for another address."""
    table, key = _ROWS[sent.kind]
    mine = (table.c.organisation_id == sent.organisation_id) & (table.c[key] == sent.id)
    left = table.c.state.in_((HANDING, IN_DOUBT, SENT))
    if not db.execute(update(table).where(mine, left).values(state=UNDELIVERED, why=why)).rowcount:
        return
    unshare_contact(db, sent.organisation_id, sent.id)
    journal.record(
        db,
        organisation_id=sent.organisation_id,
        at=at,
        actor="reminders",
        action=f"{sent.action}_{UNDELIVERED}",
        subject=sent.subject,
        detail=f"{sent.recipient}: {why}",
    )
    customer_id = surviving(db, sent.organisation_id, sent.customer_id)
    note_unreachable(
        db, sent.organisation_id, customer_id, channel=Channel.EMAIL, spoken=sent.recipient, why=why, at=at
    )


_ROWS: dict[MailKind, tuple[Table, str]] = {
    MailKind.COURTESY: (t.courtesy, "id"),
    MailKind.THANKS: (t.thanks, "receipt_id"),
}
