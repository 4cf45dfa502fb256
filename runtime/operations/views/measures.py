"""What a monitor watches: how much work waits, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, select

from runtime.store import queues
from runtime.store import tables as t


@dataclass(frozen=True, slots=True)
class Measures:
    """Rows by state, over all organisations; the age of the oldest webhook that still waits (0: none)."""

    inbox: dict[str, int]
    outbox: dict[str, int]
    reminders: dict[str, int]
    receipts: dict[str, int]
    problems: int
    oldest_waiting_seconds: float


def measures(db: Connection, *, now: datetime) -> Measures:
    """Return the measures at `now`."""
    oldest = db.scalar(select(func.min(t.inbox.c.received_at)).where(t.inbox.c.state == queues.NEW))
    return Measures(
        inbox=_by_state(db, t.inbox),
        outbox=_by_state(db, t.outbox),
        reminders=_by_state(db, t.reminder),
        receipts=_by_state(db, t.receipt),
        problems=db.scalar(select(func.count()).where(t.problem.c.resolved_at.is_(None))) or 0,
        oldest_waiting_seconds=max(0.0, (now - oldest).total_seconds()) if oldest else 0.0,
    )


def _by_state(db: Connection, table: Table) -> dict[str, int]:
    rows = db.execute(select(table.c.state, func.count()).group_by(table.c.state).order_by(table.c.state))
    return {row[0]: row[1] for row in rows}
