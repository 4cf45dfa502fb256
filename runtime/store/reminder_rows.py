"""Reminders and their items as rows: what several steps of planning and sending read and mark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from runtime.store import journal
from runtime.store import tables as t

PLANNED, SENDING = "planned", "sending"


@dataclass(frozen=True, slots=True)
class Claim:
    """Reminders that one sender took at `at` to send them: who takes one of them later has another claim."""

    reminder_ids: tuple[str, ...]
    at: datetime

    def holds(self, *reminder_ids: str) -> ColumnElement[bool]:
        """Whether a reminder is one of these and was neither withdrawn nor taken by another sender since."""
        reminder = t.reminder.c
        return reminder.id.in_(reminder_ids) & (reminder.state == SENDING) & (reminder.planned_at == self.at)

    def held(self, db: Connection) -> list[str]:
        """Return the reminders that are still this sender's."""
        return list(db.scalars(select(t.reminder.c.id).where(self.holds(*self.reminder_ids)).order_by(t.reminder.c.id)))


def items(db: Connection, reminder_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the items still in each reminder."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    rows = db.execute(
        select(t.reminder_item.c.reminder_id, t.reminder_item.c.document_id).where(
            t.reminder_item.c.reminder_id.in_(reminder_ids), t.reminder_item.c.state == PLANNED
        )
    )
    for row in rows:
        found[row.reminder_id].append(row.document_id)
    return found


def owners(db: Connection, reminder_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return whom each reminder is for, and by which channel it goes."""
    reminder = t.reminder.c
    rows = db.execute(select(reminder.id, reminder.customer_id, reminder.channel).where(reminder.id.in_(reminder_ids)))
    return {row.id: (row.customer_id, row.channel) for row in rows}


def chain_head(db: Connection, organisation_id: str) -> tuple[int, str | None]:
    """Return the number and digest of the newest certificate, (0, None) when there is none."""
    row = db.execute(
        select(t.certificate.c.sequence, t.certificate.c.digest)
        .where(t.certificate.c.organisation_id == organisation_id)
        .order_by(t.certificate.c.sequence.desc())
        .limit(1)
    ).first()
    return (row.sequence, row.digest) if row else (0, None)


def release_slots(db: Connection, reminder_ids: Collection[str], *, document_ids: Collection[str] = ()) -> None:
    """Let other messages have the slots of reminders that do not leave: all of them, or those of these items."""
    slot = t.reminder_slot
    statement = delete(slot).where(slot.c.reminder_id.in_(reminder_ids))
    if document_ids:
        statement = statement.where(slot.c.document_id.in_(document_ids))
    db.execute(statement)


def set_item(db: Connection, reminder_id: str, item_id: str, **values: Any) -> None:  # noqa: ANN401 - columns
    """Mark one item of one reminder."""
    db.execute(
        update(t.reminder_item)
        .where(t.reminder_item.c.reminder_id == reminder_id, t.reminder_item.c.document_id == item_id)
        .values(**values)
    )


def record(db: Connection, organisation_id: str, at: datetime, *, action: str, subject: str, detail: str) -> None:
    """Add what happened to an item to the audit trail."""
    journal.record(
        db, organisation_id=organisation_id, at=at, actor="reminders", action=action, subject=subject, detail=detail
    )
