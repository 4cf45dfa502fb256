"""Late-payment charges: to the minor unit, by the law that is named, and never by a rate that nobody gave."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.money import Money
from reminders.late_payment import (
    EUROPEAN_UNION,
    GERMANY,
    UNITED_KINGDOM,
    LatePaymentError,
    PartPaid,
    Rate,
    Regime,
    contracted,
    late_charge,
    regime_of,
)

DUE = date(2025, 3, 31)
BANK_OF_ENGLAND = (Rate(date(2025, 1, 1), 475), Rate(date(2025, 7, 1), 425), Rate(date(2026, 1, 1), 375))
BASE_RATE = (Rate(date(2025, 1, 1), 227), Rate(date(2025, 7, 1), 127), Rate(date(2026, 1, 1), 127))
DAY = timedelta(days=1)


def gbp(text: str) -> Money:
    return Money.parse(text, "GBP")


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def test_the_united_kingdom_keeps_the_rate_of_the_half_year_in_which_it_became_late() -> None:
    charge = late_charge(
        regime=UNITED_KINGDOM, debt=gbp("10000.00"), due_on=DUE, until=date(2025, 9, 27), rates=BANK_OF_ENGLAND
    )
    # 180 days at 12.75 %: 10,000 x 0.1275 x 180 / 365 = 628.767
    assert [(span.days, span.basis_points) for span in charge.spans] == [(180, 1_275)]
    assert (charge.interest, charge.fixed) == (gbp("628.77"), gbp("100.00"))


@pytest.mark.parametrize(
    ("debt", "fixed"), [("999.99", "40"), ("1000.00", "70"), ("9999.99", "70"), ("10000.00", "100"), ("0.01", "40")]
)
def test_the_fixed_sums_of_the_united_kingdom(debt: str, fixed: str) -> None:
    charge = late_charge(regime=UNITED_KINGDOM, debt=gbp(debt), due_on=DUE, until=DUE + DAY, rates=BANK_OF_ENGLAND)
    assert charge.fixed == gbp(fixed)


def test_germany_changes_the_rate_with_each_half_year() -> None:
    charge = late_charge(regime=GERMANY, debt=eur("5000.00"), due_on=DUE, until=date(2025, 7, 31), rates=BASE_RATE)
    # 91 days at 11.27 % and 31 at 10.27 %: 140.489... + 43.612...
    assert [(span.days, span.basis_points) for span in charge.spans] == [(91, 1_127), (31, 1_027)]
    exact = Fraction(500_000) * (91 * 1_127 + 31 * 1_027) / (10_000 * 365)
    assert charge.interest == Money(round(exact), "EUR") == eur("184.10")
    assert charge.fixed == eur("40.00")


def test_a_part_that_was_paid_bears_interest_to_the_day_of_its_payment() -> None:
    paid = (PartPaid(gbp("400.00"), DUE), PartPaid(gbp("100.00"), DUE + 10 * DAY))
    charge = late_charge(
        regime=UNITED_KINGDOM, debt=gbp("1000.00"), due_on=DUE, until=DUE + 20 * DAY, rates=BANK_OF_ENGLAND, paid=paid
    )
    assert [(span.days, span.owed) for span in charge.spans] == [(10, gbp("600.00")), (10, gbp("500.00"))]
    assert charge.fixed == gbp("40.00"), "600 was late, not 1,000"
    next_day = (PartPaid(gbp("400.00"), DUE), PartPaid(gbp("600.00"), DUE + DAY))
    late = late_charge(
        regime=UNITED_KINGDOM, debt=gbp("1000.00"), due_on=DUE, until=DUE + DAY, rates=BANK_OF_ENGLAND, paid=next_day
    )
    assert ([span.days for span in late.spans], late.fixed) == ([1], gbp("40.00")), "one day late is late"
    settled = (PartPaid(gbp("1000.00"), DUE),)
    in_time = late_charge(
        regime=UNITED_KINGDOM,
        debt=gbp("1000.00"),
        due_on=DUE,
        until=DUE + 20 * DAY,
        rates=BANK_OF_ENGLAND,
        paid=settled,
    )
    assert (in_time.spans, in_time.interest, in_time.fixed) == ((), gbp("0"), gbp("0"))


def test_nothing_is_asked_on_the_due_date_itself() -> None:
    charge = late_charge(regime=UNITED_KINGDOM, debt=gbp("1000.00"), due_on=DUE, until=DUE, rates=())
    assert (charge.interest, charge.fixed) == (gbp("0"), gbp("0"))


def test_a_law_that_names_another_currency_gives_no_fixed_sum() -> None:
    charge = late_charge(
        regime=EUROPEAN_UNION, debt=gbp("1000.00"), due_on=DUE, until=DUE + DAY, rates=(Rate(date(2025, 1, 1), 315),)
    )
    assert charge.fixed == gbp("0")
    assert charge.interest == gbp("0.31")


def test_what_a_contract_says_needs_no_reference_rate() -> None:
    monthly = contracted(basis_points=1_800, currency="USD", fixed_minor=2_500)
    charge = late_charge(regime=monthly, debt=Money(100_000, "USD"), due_on=DUE, until=date(2026, 3, 31), rates=())
    assert (charge.interest, charge.fixed) == (Money(18_000, "USD"), Money(2_500, "USD"))
    assert regime_of("US") is None


def test_a_negative_base_rate_lowers_the_rate() -> None:
    rates = (Rate(date(2021, 1, 1), -88),)
    charge = late_charge(
        regime=GERMANY, debt=eur("1000.00"), due_on=date(2021, 1, 31), until=date(2021, 2, 28), rates=rates
    )
    assert [span.basis_points for span in charge.spans] == [812]


@pytest.mark.parametrize(
    ("country", "debt", "points", "fixed"),
    [
        ("GB", Money(100_000, "GBP"), 800, 7_000),
        ("DE", Money(100_000, "EUR"), 900, 4_000),
        ("AT", Money(100_000, "EUR"), 920, 4_000),
        ("FR", Money(100_000, "EUR"), 1_000, 4_000),
        ("IE", Money(100_000, "EUR"), 800, 4_000),  # not exceeding EUR 1,000
        ("IE", Money(100_001, "EUR"), 800, 7_000),
        ("IE", Money(1_000_001, "EUR"), 800, 10_000),
        ("PL", Money(100_000, "PLN"), 1_000, 0),
        ("SE", Money(100_000, "SEK"), 800, 45_000),
        ("DK", Money(100_000, "DKK"), 800, 31_000),
        ("CZ", Money(100_000, "CZK"), 800, 120_000),
        ("ES", Money(100_000, "EUR"), 800, 4_000),
        ("HU", Money(100_000, "HUF"), 800, 0),  # the directive's sum is in euro, and nobody's rate is guessed
    ],
)
def test_what_the_law_of_a_country_gives(country: str, debt: Money, points: int, fixed: int) -> None:
    regime = regime_of(country)
    assert regime is not None
    rates = (Rate(date(2026, 1, 1), 215),)
    charge = late_charge(regime=regime, debt=debt, due_on=date(2026, 2, 1), until=date(2026, 3, 1), rates=rates)
    assert [span.basis_points for span in charge.spans] == [215 + points]
    assert charge.fixed == Money(fixed, debt.currency)


@pytest.mark.parametrize(("country", "later"), [("GB", 1_015), ("IE", 1_015), ("CZ", 1_015), ("FR", 1_190)])
def test_some_laws_keep_the_rate_of_the_half_year_in_which_a_debt_became_late(country: str, later: int) -> None:
    regime, rates = regime_of(country), (Rate(date(2026, 1, 1), 215), Rate(date(2026, 7, 1), 190))
    assert regime is not None
    debt, due_on, until = eur("1000.00"), date(2026, 6, 20), date(2026, 7, 20)
    charge = late_charge(regime=regime, debt=debt, due_on=due_on, until=until, rates=rates)
    assert charge.spans[-1].basis_points == later


def test_every_country_of_the_union_has_a_law_and_no_other_but_the_united_kingdom() -> None:
    union = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
    assert all(regime_of(code) is not None for code in [*union, "GB"])
    assert [regime_of(code) for code in ("CH", "NO", "US", "")] == [None] * 4


@pytest.mark.parametrize(
    ("regime", "until", "rates"),
    [
        (UNITED_KINGDOM, DUE + DAY, ()),
        (UNITED_KINGDOM, DUE + DAY, (Rate(date(2024, 7, 1), 525),)),
        (GERMANY, date(2025, 7, 1), BASE_RATE[:1]),
        (GERMANY, date(2026, 7, 1), BASE_RATE),
    ],
)
def test_a_rate_that_is_not_known_is_refused(regime: Regime, until: date, rates: tuple[Rate, ...]) -> None:
    with pytest.raises(LatePaymentError, match="is not known"):
        late_charge(regime=regime, debt=Money(100_000, "EUR"), due_on=DUE, until=until, rates=rates)


def test_parts_that_cannot_be_are_refused() -> None:
    for part in (PartPaid(gbp("1000.01"), DUE + DAY), PartPaid(eur("1.00"), DUE + DAY)):
        with pytest.raises(LatePaymentError):
            late_charge(
                regime=UNITED_KINGDOM,
                debt=gbp("1000.00"),
                due_on=DUE,
                until=DUE + 3 * DAY,
                rates=BANK_OF_ENGLAND,
                paid=(part,),
            )


RATES = tuple(Rate(date(year, month, 1), 300 + 10 * year % 70) for year in range(2020, 2031) for month in (1, 7))
AMOUNTS = st.integers(1, 10**12).map(lambda minor: Money(minor, "EUR"))
LATE = st.integers(0, 1_500)


@given(AMOUNTS, st.integers(0, 2_000), LATE, st.sampled_from([GERMANY, UNITED_KINGDOM, EUROPEAN_UNION]))
def test_interest_is_the_exact_sum_of_its_spans_rounded_once(
    debt: Money, start: int, late: int, regime: Regime
) -> None:
    due_on = date(2020, 1, 1) + start * DAY
    charge = late_charge(regime=regime, debt=debt, due_on=due_on, until=due_on + late * DAY, rates=RATES)
    assert sum(span.days for span in charge.spans) == late
    exact = sum(
        (Fraction(span.owed.minor * span.basis_points * span.days, 3_650_000) for span in charge.spans), Fraction(0)
    )
    assert abs(Fraction(charge.interest.minor) - exact) <= Fraction(1, 2)
    longer = late_charge(regime=regime, debt=debt, due_on=due_on, until=due_on + (late + 1) * DAY, rates=RATES)
    assert longer.interest >= charge.interest


@given(AMOUNTS, st.lists(st.tuples(st.integers(1, 100), st.integers(-10, 80)), max_size=4), st.integers(0, 90))
def test_what_is_paid_on_the_way_never_costs_more(debt: Money, drawn: list[tuple[int, int]], late: int) -> None:
    due_on = date(2025, 5, 20)
    parts = tuple(PartPaid(Money(debt.minor * share // 500, "EUR"), due_on + day * DAY) for share, day in drawn)
    until = due_on + late * DAY
    whole = late_charge(regime=GERMANY, debt=debt, due_on=due_on, until=until, rates=RATES)
    part = late_charge(regime=GERMANY, debt=debt, due_on=due_on, until=until, rates=RATES, paid=parts)
    assert Money.zero("EUR") <= part.interest <= whole.interest
    owed = [span.owed for span in part.spans]
    assert owed == sorted(owed, reverse=True)


@given(
    st.lists(st.tuples(AMOUNTS, st.integers(-20, 400)), min_size=1, max_size=5),
    st.sampled_from([GERMANY, UNITED_KINGDOM, EUROPEAN_UNION]),
)
def test_interest_of_a_debt_paid_in_parts_is_that_of_its_parts(drawn: list[tuple[Money, int]], regime: Regime) -> None:
    """Each part was owed from the day after the due date to the day on which it was paid, at the rate of each day."""
    due_on = date(2025, 5, 20)
    parts = tuple(PartPaid(amount, due_on + late * DAY) for amount, late in drawn)
    until = max(part.on for part in parts)
    debt = Money(sum(part.amount.minor for part in parts), "EUR")
    together = late_charge(regime=regime, debt=debt, due_on=due_on, until=until, rates=RATES, paid=parts)
    exact = Fraction(0)
    for part in parts:
        alone = late_charge(regime=regime, debt=part.amount, due_on=due_on, until=part.on, rates=RATES)
        exact += sum(Fraction(part.amount.minor * each.basis_points * each.days, 3_650_000) for each in alone.spans)
    assert abs(Fraction(together.interest.minor) - exact) <= Fraction(1, 2)


def test_terms_that_cannot_be_are_refused() -> None:
    with pytest.raises(LatePaymentError):
        contracted(basis_points=-1, currency="USD")
