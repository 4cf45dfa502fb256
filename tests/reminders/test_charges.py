"""What of a late charge is still to be asked for, and what the invoice of it says."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.money import Money
from reminders.charges import PAID_LATE_DAYS, Settled, charge_lines, paid_late_on, still_to_ask
from reminders.late_payment import UNITED_KINGDOM, LateCharge, PartPaid, Rate, late_charge

DUE = date(2026, 2, 28)
RATES = (Rate(date(2026, 1, 1), 375),)


def gbp(text: str) -> Money:
    return Money.parse(text, "GBP")


def whole(until: date, *paid: PartPaid) -> LateCharge:
    return late_charge(regime=UNITED_KINGDOM, debt=gbp("1000.00"), due_on=DUE, until=until, rates=RATES, paid=paid)


def settled(since: date, until: date, interest: str, fixed: str = "0") -> Settled:
    return Settled(since, until, gbp(interest), gbp(fixed))


def test_the_first_charge_is_all_of_it() -> None:
    until = date(2026, 3, 10)
    ask = still_to_ask(whole=whole(until), due_on=DUE, until=until, settled=())
    assert ask is not None
    assert (ask.since, ask.until, ask.interest, ask.fixed) == (date(2026, 3, 1), until, gbp("3.22"), gbp("70.00"))


def test_periods_add_up_to_the_whole_and_bear_one_fixed_sum() -> None:
    before: list[Settled] = []
    for day in (3, 10, 11, 29):
        until = date(2026, 3, day)
        ask = still_to_ask(whole=whole(until), due_on=DUE, until=until, settled=before)
        assert ask is not None
        before.append(Settled(ask.since, ask.until, ask.interest, ask.fixed))
    last = whole(date(2026, 3, 29))
    assert sum(each.interest.minor for each in before) == last.interest.minor
    assert [each.fixed for each in before] == [gbp("70.00"), gbp("0"), gbp("0"), gbp("0")]
    assert [each.since for each in before[1:]] == [date(2026, 3, 4), date(2026, 3, 11), date(2026, 3, 12)]


def test_a_day_is_never_charged_twice() -> None:
    until = date(2026, 3, 10)
    before = [settled(date(2026, 3, 1), until, "0.01")]
    assert still_to_ask(whole=whole(until), due_on=DUE, until=until, settled=before) is None


def test_a_payment_dated_back_lowers_the_next_charge_and_is_never_a_negative_one() -> None:
    until = date(2026, 3, 20)
    before = [settled(date(2026, 3, 1), date(2026, 3, 10), "3.22", "70.00")]
    part = PartPaid(gbp("600.00"), date(2026, 3, 5))
    ask = still_to_ask(whole=whole(until, part), due_on=DUE, until=until, settled=before)
    # 5 days of 1,000.00 and 15 of 400.00 at 11.75 %: 3.54, of which 3.22 were charged
    assert ask is not None
    assert (ask.interest, ask.fixed) == (gbp("0.32"), gbp("0"))
    early = PartPaid(gbp("900.00"), date(2026, 3, 1))
    assert still_to_ask(whole=whole(until, early), due_on=DUE, until=until, settled=before) is None


@given(
    st.lists(st.tuples(st.integers(1, 50_000), st.integers(-5, 60)), min_size=1, max_size=4),
    st.lists(st.integers(1, 60), max_size=4),
)
def test_whatever_was_charged_on_the_way_what_is_paid_late_costs_the_whole_once(
    drawn: list[tuple[int, int]], decided: list[int]
) -> None:
    parts = [PartPaid(Money(minor, "GBP"), DUE + timedelta(days=late)) for minor, late in drawn]
    debt, paid_on = Money(sum(minor for minor, _ in drawn), "GBP"), max(part.on for part in parts)
    settled: list[Settled] = []
    for day in sorted({paid_on, *(each for late in decided if (each := DUE + timedelta(days=late)) < paid_on)}):
        known = [part for part in parts if part.on <= day]
        whole = late_charge(regime=UNITED_KINGDOM, debt=debt, due_on=DUE, until=day, rates=RATES, paid=known)
        ask = still_to_ask(whole=whole, due_on=DUE, until=day, settled=settled)
        if ask is not None:
            assert min(ask.interest, ask.fixed) >= gbp("0")
            settled.append(Settled(ask.since, ask.until, ask.interest, ask.fixed))
        assert still_to_ask(whole=whole, due_on=DUE, until=day, settled=settled) is None
    whole = late_charge(regime=UNITED_KINGDOM, debt=debt, due_on=DUE, until=paid_on, rates=RATES, paid=parts)
    assert sum(each.interest.minor for each in settled) == whole.interest.minor
    assert sum(each.fixed.minor for each in settled) == whole.fixed.minor


@pytest.mark.parametrize(
    ("due_on", "days", "today", "is_late"),
    [
        (date(2026, 2, 27), [0], 0, False),
        (date(2026, 2, 27), [-3, 1], 1, True),
        (DUE, [2], 2, False),  # due on a Saturday, paid on the Monday
        (DUE, [3], 3, True),
        (date(2026, 4, 2), [1], 1, True),
        (date(2026, 4, 3), [3], 5, False),  # Good Friday to Easter Monday: in time until the Tuesday
        (date(2026, 2, 27), [20], 20 + PAID_LATE_DAYS, True),
        (date(2026, 2, 27), [20], 21 + PAID_LATE_DAYS, False),
        (date(2026, 2, 27), [], 40, False),
    ],
)
def test_late_is_what_came_after_the_banking_day_on_which_it_was_due(
    due_on: date, days: list[int], today: int, *, is_late: bool
) -> None:
    paid = [PartPaid(gbp("1.00"), due_on + timedelta(days=day)) for day in days]
    last = max((part.on for part in paid), default=None)
    found = paid_late_on(due_on=due_on, paid=paid, today=due_on + timedelta(days=today), country="GB")
    assert found == (last if is_late else None)


@pytest.mark.parametrize(
    ("language", "interest", "fixed"),
    [
        (
            "en-GB",
            "Interest for late payment of invoice INV-1, 11 Mar 2026 to 20 Mar 2026: £1,000.00 × 11.75 % × 20/365. "
            "Less £3.22 charged or waived before.",
            "Fixed sum for the recovery of invoice INV-1.",
        ),
        (
            "de",
            "Verzugszinsen zu Rechnung INV-1, 11.03.2026 bis 20.03.2026: 1.000,00\xa0£ × 11,75 % × 20/365. "
            "Abzüglich 3,22\xa0£, die bereits berechnet oder erlassen wurden.",
            "Verzugspauschale zu Rechnung INV-1.",
        ),
    ],
)
def test_the_invoice_says_for_what_and_how_it_was_worked_out(language: str, interest: str, fixed: str) -> None:
    until = date(2026, 3, 20)
    before = [settled(date(2026, 3, 1), date(2026, 3, 10), "3.22")]
    ask = still_to_ask(whole=whole(until), due_on=DUE, until=until, settled=before)
    assert ask is not None
    lines = charge_lines(ask=ask, number="INV-1", language=language)
    assert lines == ((interest, gbp("3.22")), (fixed, gbp("70.00")))
