"""What carriers say of messages: how far each came, what it cost, and what follows from one that reached nobody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from connectors.channels.contract import STOPPED, UNREACHABLE, Fate, Report
from connectors.errors import ConnectorError, Reject
from receivables.problem import Problem
from reminders.evidence import Channel
from runtime.operations.reaching.bad_addresses import CONTACT_NEEDED, note_bad
from runtime.operations.reaching.contact_book import contact_point
from runtime.operations.reaching.opt_out import ask_if_no_way_is_left
from runtime.operations.reaching.shared_limit import unshare_contact
from runtime.operations.reminding.withdraw import SENT, UNDELIVERED
from runtime.store import connections, journal, reminder_rows
from runtime.store import tables as t
from runtime.store.rows import insert_new
from runtime.store.weighing import weigh_again

_ORDER = list(Fate)
_FINAL = (Fate.DELIVERED, Fate.UNDELIVERED)


def keep_report(
    db: Connection, organisation_id: str, reminder_id: str, *, carrier: str, report: Report, at: datetime
) -> None:
    """Keep what a carrier says of a reminder. Reports come in any order: a message never goes back to where it was."""
    first = {"reminder_id": reminder_id, "organisation_id": organisation_id, "carrier": carrier, "handed_at": at}
    times = {"changed_at": at, "looked_at": at}
    if not insert_new(db, t.delivery, [first | _values(report) | times], keys=["reminder_id"]):
        mine = (t.delivery.c.organisation_id == organisation_id) & (t.delivery.c.reminder_id == reminder_id)
        before = Fate(db.execute(select(t.delivery.c.state).where(mine)).scalar_one())
        is_news = before not in _FINAL and _ORDER.index(report.fate) > _ORDER.index(before)
        news = _values(report) | times if is_news else _cost(report) | {"looked_at": at}
        db.execute(update(t.delivery).where(mine).values(**news))
        if not is_news:
            return
    if report.fate is Fate.UNDELIVERED:
        _came_back(db, organisation_id, reminder_id, report.detail, at)


def note_refusal(
    db: Connection, organisation_id: str, reminder_id: str, error: ConnectorError, *, at: datetime
) -> None:
    """Draw the consequences of a carrier's refusal: the address takes no message, or its owner wants none."""
    if not isinstance(error, Reject) or error.code not in (UNREACHABLE, STOPPED):
        return
    row = db.execute(select(t.reminder).where(t.reminder.c.id == reminder_id)).one()
    if error.code == STOPPED:
        stop_number(db, organisation_id, row.recipient, words=str(error), message_id=reminder_id, at=at)
        weigh_again(db, organisation_id, customer_ids=[row.customer_id])
        ask_if_no_way_is_left(db, organisation_id, row.customer_id, channel=Channel.SMS, at=at)
    else:
        note_unreachable(
            db,
            organisation_id,
            row.customer_id,
            channel=Channel(row.channel),
            spoken=row.recipient,
            why=str(error),
            at=at,
        )


def note_refused_mail(
    db: Connection, organisation_id: str, customer_id: str, error: ConnectorError, *, address: str, at: datetime
) -> None:
    """Draw the consequences of a mail server's refusal of what is no reminder: nothing arrives at the address."""
    if isinstance(error, Reject) and error.code == UNREACHABLE:
        note_unreachable(db, organisation_id, customer_id, channel=Channel.EMAIL, spoken=address, why=str(error), at=at)


def note_unreachable(
    db: Connection, organisation_id: str, customer_id: str, *, channel: Channel, spoken: str, why: str, at: datetime
) -> None:
    """Note that nothing arrives at a customer's address, and ask a person for another one.

    It says nothing of another address that is noted later.
    """
    address = spoken if channel is not Channel.LETTER else _letter_address(db, organisation_id, customer_id, spoken)
    if address is not None:
        note_bad(db, organisation_id, channel=channel, address=address, why=why, at=at)
    weigh_again(db, organisation_id, customer_ids=[customer_id])
    text = f"Nothing arrives at {spoken} ({channel.value}): {why}"
    remedy = (
        "Note another address or number of the customer, or correct it; until then the next channel is used, if any."
    )
    problem = Problem(CONTACT_NEEDED, text, remedy, f"{customer_id} {channel.value}")
    journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=at)
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor="reminders",
        action="unreachable",
        subject=customer_id,
        detail=text,
    )


def _letter_address(db: Connection, organisation_id: str, customer_id: str, spoken: str) -> str | None:
    """The address that a letter went to as it is kept; None where letters go elsewhere by now."""
    point = contact_point(db, organisation_id, customer_id, Channel.LETTER)
    organisation = connections.organisation(db, organisation_id)
    home = organisation.country if organisation else ""
    return point.address if point is not None and point.spoken(home) == spoken else None


def stop_number(
    db: Connection, organisation_id: str, number: str, *, words: str, message_id: str, at: datetime
) -> bool:
    """Send no more texts to a telephone; the first words that said so are kept. Returns whether it was open before."""
    stop = t.stopped_number.c
    mine = (stop.organisation_id == organisation_id) & (stop.number == number)
    said = {"stopped_at": at, "words": words, "message_id": message_id, "ended_at": None}
    new = insert_new(
        db,
        t.stopped_number,
        [{"organisation_id": organisation_id, "number": number} | said],
        keys=["organisation_id", "number"],
    )
    again = db.execute(update(t.stopped_number).where(mine, stop.ended_at.is_not(None)).values(**said)).rowcount
    return bool(new or again)


def _values(report: Report) -> dict[str, object]:
    return {"external_id": report.external_id, "state": report.fate.value, "detail": report.detail} | _cost(report)


def _cost(report: Report) -> dict[str, object]:
    """The cost, once it is known: a report without one takes none back."""
    return {"cost": str(report.cost.amount), "cost_currency": report.cost.currency} if report.cost else {}


def _came_back(db: Connection, organisation_id: str, reminder_id: str, why: str, at: datetime) -> None:
    """Count the level as not reached: it is due again, by another way or at another address."""
    row = db.execute(
        select(t.reminder).where(t.reminder.c.id == reminder_id, t.reminder.c.organisation_id == organisation_id)
    ).one()
    values = {"state": UNDELIVERED, "why": why}
    db.execute(update(t.reminder).where(t.reminder.c.id == reminder_id).values(**values))
    items = t.reminder_item.c
    sent = (items.reminder_id == reminder_id) & (items.state == SENT)
    for item_id in db.scalars(select(items.document_id).where(sent)).all():
        reminder_rows.set_item(db, reminder_id, item_id, state=UNDELIVERED)
        detail = f"{row.channel} → {row.recipient}: {why}"
        reminder_rows.record(db, organisation_id, at, action="reminder_undelivered", subject=item_id, detail=detail)
    reminder_rows.release_slots(db, [reminder_id])
    unshare_contact(db, organisation_id, reminder_id)
    note_unreachable(
        db, organisation_id, row.customer_id, channel=Channel(row.channel), spoken=row.recipient, why=why, at=at
    )
