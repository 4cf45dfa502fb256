"""Instalments: equal parts that add up, and when a plan is kept, awaited or broken."""

from __future__ import annotations

from datetime import date

import pytest

from receivables.money import Money
from reminders.payment_plan import PlanState, monthly, plan_standing, whole


def gbp(text: str) -> Money:
    return Money.parse(text, "GBP")


PLAN = monthly(debt=gbp("100.00"), count=3, first_on=date(2026, 3, 12))  # a Thursday; then a Sunday and a Tuesday


def test_parts_are_equal_to_the_cent_a_month_apart() -> None:
    assert [(each.due_on, each.amount.text()) for each in PLAN] == [
        (date(2026, 3, 12), "33.34"),
        (date(2026, 4, 12), "33.33"),
        (date(2026, 5, 12), "33.33"),
    ]
    assert whole(PLAN) == gbp("100.00")


def test_the_end_of_a_month_stays_within_every_month() -> None:
    days = [each.due_on for each in monthly(debt=gbp("9.00"), count=4, first_on=date(2026, 11, 30))]
    assert days == [date(2026, 11, 30), date(2026, 12, 28), date(2027, 1, 28), date(2027, 2, 28)]


@pytest.mark.parametrize(
    ("paid", "coming", "today", "state", "last_day"),
    [
        ("0", "0", date(2026, 3, 11), PlanState.RUNNING, date(2026, 3, 13)),
        ("0", "0", date(2026, 3, 13), PlanState.RUNNING, date(2026, 3, 13)),
        ("33.33", "0", date(2026, 3, 14), PlanState.BROKEN, date(2026, 3, 13)),
        ("33.34", "0", date(2026, 3, 14), PlanState.RUNNING, date(2026, 4, 13)),
        ("66.67", "0", date(2026, 5, 13), PlanState.RUNNING, date(2026, 5, 13)),
        ("66.67", "0", date(2026, 5, 14), PlanState.BROKEN, date(2026, 5, 13)),
        ("100.00", "0", date(2027, 1, 1), PlanState.KEPT, None),
        ("0", "33.33", date(2026, 3, 14), PlanState.BROKEN, date(2026, 3, 13)),
        ("0", "33.34", date(2026, 3, 14), PlanState.RUNNING, date(2026, 4, 13)),
        ("0.01", "33.33", date(2026, 3, 14), PlanState.RUNNING, date(2026, 4, 13)),
        ("33.34", "33.33", date(2026, 5, 14), PlanState.BROKEN, date(2026, 5, 13)),
        ("66.67", "33.33", date(2027, 1, 1), PlanState.RUNNING, None),
    ],
)
def test_a_plan_is_kept_by_what_was_paid_or_begun_until_the_next_banking_day(
    paid: str, coming: str, today: date, state: PlanState, last_day: date | None
) -> None:
    standing = plan_standing(instalments=PLAN, paid=gbp(paid), coming=gbp(coming), today=today, country="GB")
    assert (standing.state, standing.last_day) == (state, last_day)
