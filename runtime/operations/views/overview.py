"""The first page of an organisation: what is open, what is truly due, what is held and why, what waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from receivables.money import Money, total
from reminders.holds import HoldCode
from runtime.operations.views.ageing import Ageing, age
from runtime.operations.views.connected import ConnectedSystem, connected_systems
from runtime.operations.views.replies import waiting_tasks
from runtime.operations.views.returns import count_returns
from runtime.operations.views.standing import Standing, standings
from runtime.store import tables as t
from runtime.store.connections import Organisation

RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Sum:
    """A number of invoices and what is open on them, by currency."""

    count: int
    amounts: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """`held_by_code` counts overdue invoices, one that is held for two reasons under both. Reminders are by state,
    sent ones of the last seven days only.
    """

    ageing: tuple[Ageing, ...]
    truly_due: Sum
    held: Sum
    held_by_code: tuple[tuple[HoldCode, int], ...]
    reminders: dict[str, int]
    to_review: int
    unidentified: int
    problems: int
    tasks: int
    tasks_late: int
    systems: tuple[ConnectedSystem, ...]
    gaps: tuple[str, ...]


def overview(db: Connection, organisation: Organisation, *, now: datetime) -> Overview:
    """Return the overview at `now`."""
    found = standings(db, organisation, now=now)
    overdue = [invoice for invoice in found.invoices.values() if invoice.overdue]
    codes = Counter(hold.code for invoice in overdue for hold in invoice.holds)
    waiting = _waiting(db, organisation.id)
    tasks, tasks_late = waiting_tasks(db, organisation, now=now)
    return Overview(
        ageing=_home_first(organisation, age(found.invoices.values())),
        truly_due=_sum(organisation, (invoice for invoice in overdue if invoice.truly_due)),
        held=_sum(organisation, (invoice for invoice in overdue if invoice.covered)),
        held_by_code=tuple((code, codes[code]) for code in HoldCode if codes[code]),
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
        gaps=found.gaps,
    )


def _home_first(organisation: Organisation, every: tuple[Ageing, ...]) -> tuple[Ageing, ...]:
    return tuple(sorted(every, key=lambda each: (each.currency != organisation.base_currency, each.currency)))


def ageing(db: Connection, organisation: Organisation, *, now: datetime) -> tuple[Ageing, ...]:
    """Return only the ageing of an organisation's open invoices."""
    return age(standings(db, organisation, now=now).invoices.values())


def _sum(organisation: Organisation, invoices: Iterable[Standing]) -> Sum:
    amounts = [invoice.open_amount for invoice in invoices]
    home = organisation.base_currency
    currencies = sorted({amount.currency for amount in amounts}, key=lambda code: (code != home, code))
    return Sum(
        len(amounts),
        tuple(total([amount for amount in amounts if amount.currency == each], each) for each in currencies),
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
