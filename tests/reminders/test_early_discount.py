"""Discounts for early payment: what terms come to, until when, and how a policy file says them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.allocation import Allocation, Explanation, Hypothesis, Residual, ResidualKind
from receivables.discount import DiscountOffer, cash_alone
from receivables.money import Money
from receivables.receipt import Receipt
from reminders.early_discount import MAX_BASIS_POINTS, EarlyDiscount, EarlyDiscountError
from reminders.policy_file import PolicyFileError, read_policies, write_policies

ISSUED, DUE = date(2026, 3, 1), date(2026, 3, 31)
TWO_TEN = EarlyDiscount(days=10, basis_points=200)
LAST = date(2026, 3, 11)


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def test_two_ten_net_thirty() -> None:
    offer = TWO_TEN.offer(total=usd("1000.00"), issued_on=ISSUED, due_on=DUE, time_zone="America/New_York")
    assert offer == DiscountOffer(usd("20.00"), LAST, datetime(2026, 3, 12, 4, 0, tzinfo=UTC))


def test_it_never_lasts_longer_than_the_invoice_is_due() -> None:
    offer = TWO_TEN.offer(total=usd("10.00"), issued_on=ISSUED, due_on=date(2026, 3, 5), time_zone="UTC")
    assert offer is not None
    assert offer.last_on == date(2026, 3, 5)


@pytest.mark.parametrize(
    ("total", "off"), [("0.24", "0.00"), ("0.25", "0.01"), ("99.99", "2.00"), ("1.24", "0.02"), ("1.25", "0.03")]
)
def test_half_a_cent_is_rounded_up(total: str, off: str) -> None:
    assert TWO_TEN.of(usd(total)) == usd(off)


def test_a_ceiling_is_by_currency_and_an_amount_is_less_than_the_whole() -> None:
    bounded = EarlyDiscount(days=10, basis_points=200, at_most={"USD": usd("15.00")})
    assert bounded.of(usd("1000.00")) == usd("15.00")
    assert bounded.of(Money.parse("1000.00", "EUR")) == Money.parse("20.00", "EUR")
    fixed = EarlyDiscount(days=10, amounts={"USD": usd("25.00")})
    assert [fixed.of(usd(total)) for total in ("25.01", "25.00")] == [usd("25.00"), usd("0.00")]
    assert fixed.offer(total=Money.parse("90.00", "EUR"), issued_on=ISSUED, due_on=DUE, time_zone="UTC") is None


@given(st.integers(0, 10**12), st.integers(1, MAX_BASIS_POINTS), st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_percentage_is_within_half_a_minor_unit_and_at_most_half(minor: int, basis_points: int, code: str) -> None:
    total = Money(minor, code)
    found = EarlyDiscount(days=1, basis_points=basis_points).of(total)
    assert abs(Fraction(found.minor) - Fraction(minor * basis_points, 10_000)) <= Fraction(1, 2)
    assert 0 <= found.minor <= (minor + 1) // 2


@given(st.integers(0, 10**12), st.integers(1, MAX_BASIS_POINTS), st.integers(1, 10**12))
def test_a_ceiling_holds_whatever_the_total(minor: int, basis_points: int, most: int) -> None:
    terms = EarlyDiscount(days=1, basis_points=basis_points, at_most={"USD": Money(most, "USD")})
    assert terms.of(Money(minor, "USD")) <= Money(most, "USD")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"basis_points": 200, "amounts": {"USD": usd("1.00")}},
        {"basis_points": MAX_BASIS_POINTS + 1},
        {"basis_points": 200, "days": 366},
        {"amounts": {"USD": usd("1.00")}, "at_most": {"USD": usd("1.00")}},
    ],
)
def test_terms_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(EarlyDiscountError):
        EarlyDiscount(**{"days": 10} | wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "moment", "kept"),
    [
        (LAST, None, True),
        (LAST + timedelta(days=1), None, False),
        # A card payment at 23:30 in New York: it is the next day in London, where the books are.
        (LAST + timedelta(days=1), datetime(2026, 3, 12, 3, 30, tzinfo=UTC), True),
        (LAST + timedelta(days=1), datetime(2026, 3, 12, 4, 0, tzinfo=UTC), False),
    ],
)
def test_what_counts_is_when_the_money_was_received(day: date, moment: datetime | None, *, kept: bool) -> None:
    offer = TWO_TEN.offer(total=usd("1000.00"), issued_on=ISSUED, due_on=DUE, time_zone="America/New_York")
    assert offer is not None
    assert offer.is_kept_by(Receipt("r", day, usd("980.00"), made_at=moment)) is kept


def test_cash_is_told_from_the_discount_and_only_where_it_was_offered() -> None:
    offer = DiscountOffer(usd("20.00"), LAST, datetime(2026, 3, 12, tzinfo=UTC))
    paid = Receipt("r", LAST, usd("1180.00"))
    whole = Hypothesis(
        Explanation.DISCOUNT,
        1.0,
        (Allocation("a", usd("1000.00")), Allocation("b", usd("200.00"))),
        (Residual(ResidualKind.DISCOUNT, usd("20.00")), Residual(ResidualKind.PROCESSOR_FEE, usd("3.00"))),
        usd("0.00"),
    )
    split = cash_alone(whole, offers={"a": offer}, receipt=paid)
    assert split is not None
    best, taken = split
    assert [each.amount for each in best.allocations] == [usd("980.00"), usd("200.00")]
    assert [each.kind for each in best.residuals] == [ResidualKind.PROCESSOR_FEE]
    assert dict(taken) == {"a": offer}
    assert cash_alone(whole, offers={}, receipt=paid) is None
    other = DiscountOffer(usd("19.99"), LAST, offer.ends_at)
    assert cash_alone(whole, offers={"a": other}, receipt=paid) is None
    late = Receipt("r", LAST + timedelta(days=1), usd("1180.00"))
    assert cash_alone(whole, offers={"a": offer}, receipt=late) is None


FILE = """policies:
  - name: prompt
    levels:
      - {days_after_due: -20, tone: upcoming}
      - {days_after_due: 1, tone: friendly}
    early_discount: {%s}
"""


def test_a_policy_file_says_the_terms() -> None:
    book = read_policies(FILE % "within_days: 10, per_cent: 2, at_most: {USD: 500.00}")
    assert book.default.early_discount == EarlyDiscount(10, 200, {}, {"USD": usd("500.00")})
    assert read_policies(write_policies(book)) == book
    fixed = read_policies(FILE % "within_days: 7, amount: {USD: 25.00}")
    assert fixed.default.early_discount == EarlyDiscount(7, 0, {"USD": usd("25.00")})
    assert read_policies(write_policies(fixed)) == fixed


@pytest.mark.parametrize(
    ("terms", "line"),
    [
        ("per_cent: 2", "line 6: 'early_discount' lacks 'within_days'"),
        ("within_days: 10", "line 6: a discount is either 'per_cent' or 'amount'"),
        ("within_days: 10, per_cent: 2.005", "'2.005' is no per cent"),
        ("within_days: 10, per_cent: 51", "'51' is no per cent"),
        ("within_days: 10, per_cent: 0", "'0' is no per cent"),
        ("within_days: 10, per_cent: 2, soon: yes", "unknown key 'soon'"),
    ],
)
def test_what_is_wrong_with_terms_is_said_with_the_line(terms: str, line: str) -> None:
    with pytest.raises(PolicyFileError, match=line):
        read_policies(FILE % terms)
