"""A debt that is paid in instalments: what was agreed, whether it is kept, and until when it holds reminders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from receivables.money import Money, split, total
from reminders.business_time import next_business_day

MAX_INSTALMENTS = 12
FIRST_WITHIN_DAYS = 31  # the first instalment is due within a month of the agreement
_LAST_DAY_OF_SHORT_MONTHS = 28


class PlanState(StrEnum):
    """What became of a plan."""

    RUNNING = "running"
    KEPT = "kept"
    BROKEN = "broken"
    ENDED = "ended"  # by a person


@dataclass(frozen=True, slots=True)
class Instalment:
    """What is to be paid on or before `due_on`."""

    due_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class PlanStanding:
    """Where a plan stands. `ahead` is the instalment that is awaited, None once all is paid or on its way.

    `last_day` is the last day on which its money is waited for; where it was not even begun by then, a plan is broken.
    `missing` is what of it was neither paid nor sent.
    """

    state: PlanState
    ahead: Instalment | None = None
    last_day: date | None = None
    missing: Money | None = None


def monthly(*, debt: Money, count: int, first_on: date) -> tuple[Instalment, ...]:
    """Divide a debt into `count` equal parts, a month apart from `first_on` on; the first ones bear odd cents.

    From the 29th on it is the 28th of the months that follow, which every month has.
    """
    amounts = sorted(split(debt, [1] * count), reverse=True)
    return tuple(Instalment(_months_after(first_on, number), amount) for number, amount in enumerate(amounts))


def plan_standing(
    *, instalments: Sequence[Instalment], paid: Money, coming: Money, today: date, country: str | None
) -> PlanStanding:
    """Judge a plan by what was paid in all since it was agreed, whichever invoice it was set against.

    Money sent on the day itself arrives on the next banking day of `country`, so that day is waited for too. What is
    `coming` was sent, and breaks no plan while it may arrive: a debit takes days.
    """
    due = Money.zero(paid.currency)
    for each in instalments:
        due += each.amount
        if paid + coming < due:
            last_day = next_business_day(each.due_on, country)
            state = PlanState.BROKEN if today > last_day else PlanState.RUNNING
            return PlanStanding(state, each, last_day, due - paid - coming)
    return PlanStanding(PlanState.KEPT if paid >= due else PlanState.RUNNING)


def whole(instalments: Sequence[Instalment]) -> Money:
    """Return what a plan comes to."""
    return total([each.amount for each in instalments], instalments[0].amount.currency)


def _months_after(first: date, months: int) -> date:
    if not months:
        return first
    year, month = divmod(first.month - 1 + months, 12)
    return date(first.year + year, month + 1, min(first.day, _LAST_DAY_OF_SHORT_MONTHS))


def last_first_day(today: date) -> date:
    """Return the last day on which the first instalment of a plan agreed today may be due."""
    return today + timedelta(days=FIRST_WITHIN_DAYS)
