"""Planned reminders as rows: those of some customers in the place of those planned before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from receivables.identity import stable_id
from reminders.approval import digest_of
from reminders.schedule import Plan, PlannedReminder
from runtime.operations.reminding.withdraw import PLANNED
from runtime.store import reminder_rows
from runtime.store import tables as t
from runtime.store.rows import beside_an_index, chunks

_reminder = t.reminder.c
_PLANNED = select(_reminder.id).where(
    _reminder.organisation_id == bindparam("organisation_id"),
    _reminder.customer_id.in_(bindparam("customer_ids", expanding=True)),
    beside_an_index(_reminder.state) == PLANNED,
)


def forget_planned(db: Connection, organisation_id: str, customers: Collection[str]) -> None:
    """Remove what is planned for these customers and has not been taken by a sender."""
    for chunk in chunks(sorted(customers)):
        ids = db.scalars(_PLANNED, {"organisation_id": organisation_id, "customer_ids": list(chunk)}).all()
        for some in chunks(ids):
            reminder_rows.release_slots(db, some)
            db.execute(delete(t.reminder_item).where(t.reminder_item.c.reminder_id.in_(some)))
            db.execute(delete(t.reminder).where(_reminder.id.in_(some)))


def keep_planned(db: Connection, organisation_id: str, result: Plan, now: datetime) -> None:
    """Keep the messages of a plan, each with its items."""
    taken = _taken(db, organisation_id, [each.recipient_id for each in result.reminders])
    levels = {d.evidence.item.item_id: d.level.level for d in result.decisions if d.level is not None}
    reminders: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for each in result.reminders:
        reminder_id = _new_id(organisation_id, each.recipient_id, taken[each.recipient_id])
        reminders.append(_reminder_row(organisation_id, reminder_id, each, now))
        items += _item_rows(organisation_id, reminder_id, each, levels)
    if reminders:
        db.execute(insert(t.reminder), reminders)
        db.execute(insert(t.reminder_item), items)


def _taken(db: Connection, organisation_id: str, customers: Collection[str]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for chunk in chunks(sorted(customers)):
        mine = (_reminder.organisation_id == organisation_id) & _reminder.customer_id.in_(chunk)
        for row in db.execute(select(_reminder.customer_id, _reminder.id).where(mine)):
            found[row.customer_id].add(row.id)
    return found


def _new_id(organisation_id: str, customer_id: str, taken: Collection[str]) -> str:
    """Return the id of a customer's next reminder: the first number not taken, since planned ones come and go."""
    numbered = (stable_id("rem", organisation_id, customer_id, str(number)) for number in range(len(taken) + 1))
    return next(each for each in numbered if each not in taken)


def _reminder_row(organisation_id: str, reminder_id: str, each: PlannedReminder, now: datetime) -> dict[str, Any]:
    return {
        "id": reminder_id,
        "organisation_id": organisation_id,
        "customer_id": each.recipient_id,
        "level": each.level.level,
        "channel": each.channel.value,
        "state": PLANNED,
        "recipient": each.address,
        "subject": "",
        "body_text": "",
        "body_html": "",
        "planned_at": now,
        "why": "",
        "digest": digest_of(each),
        "needs_approval": bool(each.approval),
    }


def _item_rows(
    organisation_id: str, reminder_id: str, each: PlannedReminder, levels: dict[str, int]
) -> list[dict[str, Any]]:
    return [
        {
            "reminder_id": reminder_id,
            "document_id": line.item_id,
            "organisation_id": organisation_id,
            "level": levels[line.item_id],
            "currency": line.amount_due.currency,
            "amount_minor": line.amount_due.minor,
            "state": PLANNED,
        }
        for line in each.lines
    ]
