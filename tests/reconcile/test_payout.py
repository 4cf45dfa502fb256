from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.money import Money, MoneyError
from reconcile.payout import PayoutLine, PayoutLineKind, explain_payout


def line(line_id: str, kind: PayoutLineKind, gross: int, fee: int = 0, currency: str = "EUR") -> PayoutLine:
    return PayoutLine(line_id, kind, Money(gross, currency), Money(fee, currency))


def test_breaks_a_payout_down_to_the_cent() -> None:
    lines = [
        line("a", PayoutLineKind.CHARGE, 100_00, 3_20),
        line("b", PayoutLineKind.CHARGE, 50_00, 1_75),
        line("c", PayoutLineKind.REFUND, -20_00),
        line("d", PayoutLineKind.CHARGEBACK, -50_00, 15_00),
        line("e", PayoutLineKind.FEE, -2_00),
        line("f", PayoutLineKind.ADJUSTMENT, 1_00),
    ]
    found = explain_payout(lines=lines, amount=Money(59_05, "EUR"))
    assert found.explained
    assert (found.charges.minor, found.refunds.minor, found.chargebacks.minor) == (150_00, -20_00, -50_00)
    assert (found.adjustments.minor, found.fees.minor, found.net.minor) == (1_00, 21_95, 59_05)


def test_one_cent_off_is_not_explained() -> None:
    found = explain_payout(lines=[line("a", PayoutLineKind.CHARGE, 100)], amount=Money(99, "EUR"))
    assert not found.explained
    assert found.difference == Money(-1, "EUR")


def test_refuses_another_currency_and_a_line_twice() -> None:
    with pytest.raises(MoneyError):
        explain_payout(lines=[line("a", PayoutLineKind.CHARGE, 1, currency="USD")], amount=Money(1, "EUR"))
    twice = [line("a", PayoutLineKind.CHARGE, 1), line("a", PayoutLineKind.CHARGE, 1)]
    with pytest.raises(ValueError, match="twice"):
        explain_payout(lines=twice, amount=Money(2, "EUR"))


@given(
    st.lists(
        st.tuples(st.sampled_from(PayoutLineKind), st.integers(-(10**9), 10**9), st.integers(-1000, 1000)), max_size=20
    ),
    st.integers(-(10**9), 10**9),
)
def test_the_parts_always_sum_to_the_net(parts: list[tuple[PayoutLineKind, int, int]], amount: int) -> None:
    lines = [line(str(at), kind, gross, fee) for at, (kind, gross, fee) in enumerate(parts)]
    found = explain_payout(lines=lines, amount=Money(amount, "EUR"))
    assert found.charges + found.refunds + found.chargebacks + found.adjustments - found.fees == found.net
    assert found.net + found.difference == Money(amount, "EUR")
