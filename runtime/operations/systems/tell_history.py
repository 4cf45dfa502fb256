"""Tell the ledger what was done about an invoice here, where the owner wants it: in its history, or in a note."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, Text, and_, cast, exists, func, literal, or_, select, update

from connectors.contract import Role
from connectors.intents import NoteDocument
from receivables.document import DocumentKind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import keep_switch
from runtime.operations.systems.absorb.scope import DOCUMENT_LINK
from runtime.operations.systems.edits import keeps_history
from runtime.store import connections, queues
from runtime.store import tables as t

# That wait to be written: each is a call, and a third of Xero's minute. A poll (five minutes) promises what is missing.
LINES_AT_ONCE = 20
TOLD_WITHIN = timedelta(days=7)  # what could not be told by then, as the ledger was away, is not told
COMMITTED_WITHIN = timedelta(hours=1)  # an event's time is that of its beginning: others were committed meanwhile
# What is told, in the words of our own history of the invoice.
TOLD: Mapping[str, str] = {
    "payment_applied": "Payment applied",
    "application_undone": "Application taken back",
    "payment_reversed": "Payment taken back by the bank",
    "reminder_sent": "Reminder sent",
    "reminder_undelivered": "Reminder reached nobody",
    "called": "Called",
    "hold_placed": "Held back",
    "taken_back": "Taken back from collection",
    "promised": "Payment promised",
    "disputed": "Contested by the customer",
    "dispute_settled": "Dispute settled",
    "plan_agreed": "Payment plan agreed",
    "plan_kept": "Payment plan paid",
    "plan_broken": "Payment plan not kept",
    "plan_ended": "Payment plan ended",
    "discount_granted": "Early-payment discount granted",
    "discount_refused": "Early-payment discount refused",
    "document_changed": "Changed",
}
# Of these only some are told: what is handed over, and what somebody says in the CRM.
_ONLY_WITH: Mapping[str, tuple[str, ...]] = {
    "hold_placed": ("legal:",),
    "document_changed": ("promised_on:", "disputed:"),
}
# What else their detail says is the customer's: a text bears the link to their page.
_BY_REMINDER = ("reminder_sent", "reminder_undelivered")
_WAYS: Mapping[str, str] = {"email": "e-mail", "sms": "text message", "letter": "letter", "call_task": "call"}
_PROMISED = re.compile(r"promised_on: \S+ → (\S+?)(?:;|$)")
_DISPUTED = re.compile(r"disputed: \S+ → (True|False)")
_ADDRESS = re.compile(r"([\w.+-])[\w.+-]*@(?=[\w-]+\.)")
_NUMBER = re.compile(r"\+\d[\d ]{5,}(?=\d\d)")
_RECEIPT = re.compile(r" of receipt rcp_\w+")


def switch_ledger_history(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Tell the ledger's history what happens from now on, or nothing more; RefusedError where no ledger keeps one.

    Lines that stand there stay: nobody can take one back.
    """
    with app.store.write() as db:
        organisation = connections.organisation(db, organisation_id)
        ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
        if organisation is None or (on and (ledger is None or not keeps_history(ledger.system))):
            raise RefusedError("no ledger is connected that can be told what happens: connect one first")
        now = app.clock()
        switch = {"history_from": (organisation.history_from or now) if on else None}
        keep_switch(db, organisation_id, switch, action="ledger_history_switched", actor=actor, at=now)


def tell_history(app: App, organisation_id: str) -> int:
    """Promise a line for events that have none, up to LINES_AT_ONCE with those that wait still. Returns how many."""
    with app.store.write() as db:
        organisation = connections.organisation(db, organisation_id)
        ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
        since = organisation.history_from if organisation is not None else None
        if organisation is None or since is None or ledger is None or not keeps_history(ledger.system):
            return 0
        now, room = app.clock(), LINES_AT_ONCE - _waiting(db, organisation_id, ledger.system)
        if room <= 0:
            return 0
        rows = _untold(db, organisation_id, ledger.system, max(since, now - TOLD_WITHIN), room)
        zone = ZoneInfo(organisation.time_zone)
        for row in rows:
            detail = _reminder(db, row) if row.action in _BY_REMINDER else row.detail
            day = row.at.astimezone(zone).date()
            late = day if day < now.astimezone(zone).date() else None
            said = line(row.action, detail, row.actor, late=late)
            queues.enqueue(
                db,
                organisation_id=organisation_id,
                system=ledger.system,
                intent=NoteDocument(row.key, row.external_id, said, is_event=True),
                subject=row.subject,
                at=now,
            )
        until = rows[-1].at if len(rows) == room else now
        _go_on_from(db, organisation_id, since, max(since, until - COMMITTED_WITHIN))
    return len(rows)


def told_in_time(db: Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> list[Any]:
    """Return the claimed rows without lines that waited, for a consent mostly, until what they say is no news any more.

    Those are left.
    """
    old = [row["id"] for row in rows if row["intent"].get("is_event") and row["created_at"] < now - TOLD_WITHIN]
    for row_id in old:
        queues.settle(db, t.outbox, row_id, state=queues.SUPERSEDED, done_at=now)
    return [row for row in rows if row["id"] not in old]


def _untold(db: Connection, organisation_id: str, system: str, since: datetime, most: int) -> list[Row[Any]]:
    """Return the first events of invoices since then, of those that are told, for which no line was promised."""
    event, link, outbox = t.event.c, t.link.c, t.outbox.c
    key = literal(_keys(organisation_id)).concat(cast(event.id, Text))
    mine = (outbox.organisation_id == organisation_id) & (outbox.system == system)
    statement = (
        select(t.event, link.external_id, key.label("key"))
        .join(t.document, t.document.c.id == event.subject)
        .join(t.link, (link.local_id == event.subject) & (link.organisation_id == event.organisation_id))
        .where(
            event.organisation_id == organisation_id,
            event.at >= since,
            _is_told(),
            t.document.c.organisation_id == organisation_id,
            t.document.c.kind == DocumentKind.INVOICE.value,
            link.system == system,
            link.kind == DOCUMENT_LINK,
            ~exists(select(outbox.id).where(mine, outbox.key == key)),
        )
        .order_by(event.at, event.id)
        .limit(most)
    )
    return list(db.execute(statement))


def _is_told() -> ColumnElement[bool]:
    event = t.event.c
    some = [
        and_(event.action == action, or_(*(event.detail.contains(part) for part in parts)))
        for action, parts in _ONLY_WITH.items()
    ]
    return or_(event.action.in_(sorted(TOLD.keys() - _ONLY_WITH.keys())), *some)


def _waiting(db: Connection, organisation_id: str, system: str) -> int:
    outbox = t.outbox.c
    mine = (outbox.organisation_id == organisation_id) & (outbox.system == system) & (outbox.state == queues.NEW)
    ours = mine & outbox.key.startswith(_keys(organisation_id), autoescape=True)
    return db.scalar(select(func.count()).select_from(t.outbox).where(ours)) or 0


def _keys(organisation_id: str) -> str:
    """What the keys of an organisation's lines begin with; the event's number follows."""
    return f"event {organisation_id} "


def _go_on_from(db: Connection, organisation_id: str, since: datetime, later: datetime) -> None:
    """Remember from when on events may be untold, unless somebody switched meanwhile."""
    organisation = t.organisation.c
    unchanged = (organisation.id == organisation_id) & (organisation.history_from == since)
    db.execute(update(t.organisation).where(unchanged).values(history_from=later))


def _reminder(db: Connection, row: Row[Any]) -> str:
    """Say which reminder of an invoice an event is about, and how it went: the last one sent until then."""
    reminder, item = t.reminder.c, t.reminder_item.c
    found = db.execute(
        select(item.level, reminder.channel, reminder.recipient)
        .join(t.reminder, reminder.id == item.reminder_id)
        .where(item.organisation_id == row.organisation_id, item.document_id == row.subject, reminder.sent_at <= row.at)
        .order_by(reminder.sent_at.desc(), reminder.id)
        .limit(1)
    ).one()
    to = f" to {found.recipient}" if found.channel == "email" else ""
    return f"level {found.level} by {_WAYS.get(found.channel, found.channel)}{to}"


def line(action: str, detail: str, actor: str, *, late: date | None = None) -> str:
    """Return what a line says of an event: what, how much, by whom, and its day where it is told `late`.

    Of addresses and numbers stays what tells them, of our own ids nothing.
    """
    if action == "document_changed":
        said = "; ".join(_said_in_crm(detail))
    elif action == "hold_placed":
        said = detail.removeprefix("legal: ")
    else:
        said = f"{TOLD[action]}: {detail}"
    by = actor if late is None else f"{actor}, {late}"
    words = " ".join(f"TrueDue: {_RECEIPT.sub('', said)} ({by})".split())
    return _NUMBER.sub("***", _ADDRESS.sub(r"\1***@", words))


def _said_in_crm(detail: str) -> list[str]:
    said = []
    if promised := _PROMISED.search(detail):
        day = promised.group(1)
        said.append("Promise taken back" if day == "None" else f"{TOLD['promised']}: {day}")
    if disputed := _DISPUTED.search(detail):
        said.append(TOLD["disputed" if disputed.group(1) == "True" else "dispute_settled"])
    return said
