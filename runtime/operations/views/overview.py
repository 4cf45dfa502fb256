"""The first page of an organisation: what is open, what is truly due, what is held and why, what waits for a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from runtime.operations.reminding.figures import Figures, figures
from runtime.operations.views.connected import ConnectedSystem, connected_systems
from runtime.operations.views.replies import waiting_tasks
from runtime.operations.views.returns import count_returns
from runtime.store import tables as t
from runtime.store.connections import Organisation

RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Overview:
    """What waits for a person, beside the sums. Reminders are by state, sent ones of the last seven days only."""

    figures: Figures
    reminders: dict[str, int]
    to_review: int
    unidentified: int
    problems: int
    tasks: int
    tasks_late: int
    systems: tuple[ConnectedSystem, ...]


def overview(db: Connection, organisation: Organisation, *, now: datetime) -> Overview:
    """Return the overview at `now`."""
    waiting = _waiting(db, organisation.id)
    tasks, tasks_late = waiting_tasks(db, organisation, now=now)
    return Overview(
        figures=figures(db, organisation, now=now),
        reminders=_reminders(db, organisation.id, now),
        to_review=waiting["suggest"] + count_returns(db, organisation.id),
        unidentified=waiting["none"],
        problems=db.scalar(
            select(func.count()).where(
                t.problem.c.organisation_id == organisation.id, t.problem.c.resolved_at.is_(None)
            )
        )
        or 0,
        tasks=tasks,
        tasks_late=tasks_late,
        systems=connected_systems(db, organisation.id),
    )


def _waiting(db: Connection, organisation_id: str) -> Counter[str]:
    rows = db.execute(
        select(t.proposal.c.decision, func.count())
        .where(t.proposal.c.organisation_id == organisation_id, t.proposal.c.state == "pending")
        .group_by(t.proposal.c.decision)
    )
    return Counter({row[0]: row[1] for row in rows})


def _reminders(db: Connection, organisation_id: str, now: datetime) -> dict[str, int]:
    rows = db.execute(
        select(t.reminder.c.state, func.count())
        .where(
            t.reminder.c.organisation_id == organisation_id,
            t.reminder.c.sent_at.is_(None) | (t.reminder.c.sent_at > now - RECENT),
        )
        .group_by(t.reminder.c.state)
    )
    return {row[0]: row[1] for row in rows}
