"""Money is exact: what is read is what is kept, parts sum to the whole, currencies never mix."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.money import MAX_MINOR, Money, MoneyError, exponent, split, total

# ISO 4217 list one: a currency of each number of decimals that there is.
BY_DECIMALS = {0: "JPY", 2: "EUR", 3: "KWD", 4: "CLF"}

currencies = st.sampled_from(sorted(BY_DECIMALS.values()))
minors = st.integers(-MAX_MINOR, MAX_MINOR)
amounts = st.builds(Money, minors, currencies)


@pytest.mark.parametrize(("decimals", "currency"), BY_DECIMALS.items())
def test_a_currency_has_its_own_number_of_decimals(decimals: int, currency: str) -> None:
    assert exponent(currency) == decimals
    assert Money(1, currency).decimal == Decimal(1).scaleb(-decimals)


@given(amounts)
def test_text_reads_back_as_the_same_money(amount: Money) -> None:
    assert Money.parse(amount.text(), amount.currency) == amount
    assert Money.of(amount.decimal, amount.currency) == amount
    assert str(amount) == f"{amount.text()} {amount.currency}"


@given(amounts)
def test_text_is_plain_and_has_the_currencys_decimals(amount: Money) -> None:
    whole, _, fraction = amount.text().partition(".")
    assert len(fraction) == exponent(amount.currency)
    assert whole.removeprefix("-").isdigit()


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.5", "GBP", 1250),
        ("-0.01", "GBP", -1),
        ("90071992547409.93", "GBP", 9_007_199_254_740_993),
        ("100", "JPY", 100),
        ("1.234", "BHD", 1234),
        ("0.0001", "CLF", 1),
        ("7.5000000000000000000000000000000000000000", "GBP", 750),
    ],
)
def test_known_amounts(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency", "complaint"),
    [
        ("0.001", "GBP", "finer"),
        ("0.1", "JPY", "finer"),
        ("0.0001", "KWD", "finer"),
        ("1.00000000000000000000000000000000000000000001", "GBP", "finer"),
        ("1e-400000", "GBP", "finer"),
        ("ten", "GBP", "not a decimal"),
        ("", "GBP", "not a decimal"),
        ("1,000.00", "GBP", "not a decimal"),
        ("NaN", "GBP", "finite"),
        ("-Infinity", "GBP", "finite"),
        ("1e400000", "GBP", "large"),
        ("92233720368547758.08", "GBP", "large"),
        ("1", "XYZ", "unknown currency"),
        ("1", "gbp", "unknown currency"),
    ],
)
def test_what_is_no_money_is_refused_with_the_reason(text: str, currency: str, complaint: str) -> None:
    with pytest.raises(MoneyError, match=complaint):
        Money.parse(text, currency)


@given(minors, currencies, st.integers(1, 60), st.integers(1, 9))
def test_a_digit_finer_than_the_minor_unit_is_refused_however_far_behind(
    minor: int, currency: str, zeros: int, digit: int
) -> None:
    text = Money(minor, currency).text()
    text += ("" if "." in text else ".") + "0" * (zeros - 1) + str(digit)
    with pytest.raises(MoneyError, match="finer"):
        Money.parse(text, currency)


@given(st.lists(st.integers(-(10**15), 10**15), max_size=20), currencies)
def test_sums_are_exact(parts: list[int], currency: str) -> None:
    assert total([Money(part, currency) for part in parts], currency) == Money(sum(parts), currency)


@given(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15), currencies)
def test_arithmetic_is_that_of_whole_numbers(a: int, b: int, currency: str) -> None:
    left, right = Money(a, currency), Money(b, currency)
    assert ((left + right).minor, (left - right).minor, (-left).minor, abs(left).minor) == (a + b, a - b, -a, abs(a))
    assert (left < right, left <= right, left == right, left > right, left >= right) == (
        a < b,
        a <= b,
        a == b,
        a > b,
        a >= b,
    )
    assert bool(left) is (a != 0)


@pytest.mark.parametrize(
    "mix",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a < b,
        lambda a, b: a >= b,
        max,
        lambda a, b: total([a, b], a.currency),
    ],
)
def test_currencies_never_mix(mix: Callable[[Money, Money], object]) -> None:
    with pytest.raises(MoneyError, match=r"cannot combine \w+ with \w+"):
        mix(Money(1, "EUR"), Money(1, "GBP"))
    assert Money(1, "EUR") != Money(1, "GBP")


def test_more_than_a_database_integer_holds_is_refused() -> None:
    largest = Money(MAX_MINOR, "EUR")
    with pytest.raises(MoneyError, match="large"):
        _ = largest + Money(1, "EUR")


weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any)


@given(amounts, weights)
def test_parts_sum_to_the_whole_and_are_fair_within_one_minor_unit(amount: Money, shares: list[int]) -> None:
    parts = split(amount, shares)
    assert total(parts, amount.currency) == amount
    whole = sum(shares)
    for part, share in zip(parts, shares, strict=True):
        assert abs(part.minor * whole - amount.minor * share) < whole
        assert part.minor == 0 or share > 0
        assert part.minor * amount.minor >= 0


@given(amounts, weights)
def test_who_weighs_more_never_gets_less(amount: Money, shares: list[int]) -> None:
    parts = [abs(part.minor) for part in split(amount, shares)]
    by_weight = [part for _, part in sorted(zip(shares, parts, strict=True))]
    assert by_weight == sorted(by_weight)


def test_a_tie_goes_to_the_earlier_part() -> None:
    assert [part.minor for part in split(Money(5, "EUR"), [1, 1, 1])] == [2, 2, 1]
    assert [part.minor for part in split(Money(-5, "EUR"), [1, 1, 1])] == [-2, -2, -1]


@pytest.mark.parametrize("shares", [[], [0, 0], [1, -1], [3, -1]])
def test_weights_that_divide_nothing_are_refused(shares: list[int]) -> None:
    with pytest.raises(MoneyError, match="weights"):
        split(Money(1, "EUR"), shares)
