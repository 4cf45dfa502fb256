"""Withdraw planned reminders of items that money or a person has just touched."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from runtime.store import journal, reminder_rows
from runtime.store import tables as t
from runtime.store.weighing import weigh_again

# The states of a reminder. Up to `sending` it can be withdrawn; from `handing` on it may have left. What
# came back `undelivered` reached nobody: its level is due again, by another way.
PLANNED, SENDING, HANDING, SENT = reminder_rows.PLANNED, reminder_rows.SENDING, "handing", "sent"
WITHDRAWN, HELD, FAILED, IN_DOUBT, UNDELIVERED = "withdrawn", "held", "failed", "in_doubt", "undelivered"
NO_ANSWER = "no_answer"  # of a call: it counts as a contact, and its level is due again
_item, _reminder = t.reminder_item.c, t.reminder.c
_WAITING = select(_item.reminder_id, _item.document_id).where(
    _item.organisation_id == bindparam("organisation_id"),
    _item.document_id.in_(bindparam("document_ids", expanding=True)),
    _item.state == PLANNED,
    _item.reminder_id.in_(
        select(_reminder.id).where(
            _reminder.organisation_id == bindparam("organisation_id"), _reminder.state.in_((PLANNED, SENDING))
        )
    ),
)


def withdraw_reminders(
    db: Connection, *, organisation_id: str, document_ids: Collection[str], why: str, at: datetime
) -> int:
    """Take these items out of reminders that have not left; one left without items is withdrawn as a whole.

    One that was certified already goes back to be planned, so that its message never names what was just paid. The
    caller has locked the organisation: a hand-over comes before this, or finds it withdrawn.
    Returns how many items were taken out.
    """
    if not document_ids:
        return 0
    item = t.reminder_item
    touched = db.execute(_WAITING, {"organisation_id": organisation_id, "document_ids": list(document_ids)}).all()
    for reminder_id, document_id in touched:
        reminder_rows.release_slots(db, [reminder_id], document_ids=[document_id])
        db.execute(
            update(item)
            .where(item.c.reminder_id == reminder_id, item.c.document_id == document_id)
            .values(state=WITHDRAWN)
        )
        journal.record(
            db,
            organisation_id=organisation_id,
            at=at,
            actor="reminders",
            action="reminder_withdrawn",
            subject=document_id,
            detail=why,
        )
    weigh_again(db, organisation_id, document_ids={row.document_id for row in touched})
    for reminder_id in {row.reminder_id for row in touched}:
        _withdraw_empty(db, reminder_id, why, at)
    return len(touched)


def _withdraw_empty(db: Connection, reminder_id: str, why: str, at: datetime) -> None:
    left = db.execute(
        select(t.reminder_item.c.document_id)
        .where(t.reminder_item.c.reminder_id == reminder_id, t.reminder_item.c.state == PLANNED)
        .limit(1)
    ).first()
    mine = t.reminder.c.id == reminder_id
    if left is None:
        db.execute(update(t.reminder).where(mine).values(state=WITHDRAWN, withdrawn_at=at, why=why))
    else:
        db.execute(update(t.reminder).where(mine, t.reminder.c.state == SENDING).values(state=PLANNED))
