"""What a person chooses for a receipt: never more than is open, never more than came, and nothing is lost."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.allocation import Explanation, ResidualKind, imbalance
from receivables.by_hand import ChoiceError, Wish, chosen
from receivables.money import Money
from receivables.receipt import Receipt

minor = st.integers(1, 10**12)


def gbp(pence: int) -> Money:
    return Money(pence, "GBP")


def receipt(pence: int, fee: int | None = None) -> Receipt:
    return Receipt("r", date(2026, 3, 1), gbp(pence), fee=None if fee is None else gbp(fee))


def wish(name: str, opened: int, amount: int | None = None) -> Wish:
    return Wish(name, name.upper(), gbp(opened), None if amount is None else gbp(amount))


def paid(receipt: Receipt, *wishes: Wish) -> tuple[dict[str, int], int]:
    found = chosen(receipt, wishes)
    assert found.explanation is Explanation.CHOSEN
    return {each.item_id: each.amount.minor for each in found.allocations}, found.unapplied.minor


def test_a_stated_part_of_one_and_the_rest_for_another() -> None:
    assert paid(receipt(500_00), wish("a", 400_00, 300_00), wish("b", 900_00)) == ({"a": 300_00, "b": 200_00}, 0)


def test_stated_amounts_come_first_wherever_they_stand() -> None:
    assert paid(receipt(500_00), wish("b", 900_00), wish("a", 400_00, 300_00)) == ({"a": 300_00, "b": 200_00}, 0)


def test_without_amounts_the_money_goes_to_the_invoices_in_their_order_and_the_rest_is_credit() -> None:
    assert paid(receipt(500), wish("a", 300), wish("b", 900)) == ({"a": 300, "b": 200}, 0)
    assert paid(receipt(500), wish("a", 300), wish("b", 100)) == ({"a": 300, "b": 100}, 100)


def test_a_fee_that_was_kept_before_stays_with_the_cash() -> None:
    money = receipt(97_00, fee=3_00)
    assert paid(money, wish("a", 100_00)) == ({"a": 100_00}, 0)
    (fee,) = chosen(money, [wish("a", 100_00)]).residuals
    assert (fee.kind, fee.amount) == (ResidualKind.PROCESSOR_FEE, gbp(3_00))
    assert not chosen(receipt(97_00, fee=0), [wish("a", 97_00)]).residuals


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ([], "choose at least one"),
        ([wish("a", 100, 0)], "A: write an amount above zero"),
        ([wish("a", 100, -5)], "A: write an amount above zero"),
        ([wish("a", 100, 101)], r"A: 1\.01 GBP is more than the 1\.00 GBP that are open"),
        ([wish("a", 400, 300), wish("b", 400, 201)], r"come to 5\.01 GBP, and the money is 5\.00 GBP"),
        ([wish("a", 900), wish("b", 100)], "nothing of the money is left for B"),
        ([wish("a", 0)], "A is not open any more"),
        ([wish("a", 100), wish("a", 100)], "twice"),
        ([Wish("a", "A", Money(100, "EUR"))], "A is in EUR, and the money in GBP"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(wishes: list[Wish], said: str) -> None:
    with pytest.raises(ChoiceError, match=said):
        chosen(receipt(500), wishes)


@given(
    cash=minor,
    fee=st.none() | st.integers(0, 10**6),
    wants=st.lists(st.tuples(minor, st.none() | minor), min_size=1, max_size=6),
)
def test_whatever_is_chosen_money_is_conserved_and_no_invoice_over_paid(
    cash: int, fee: int | None, wants: list[tuple[int, int | None]]
) -> None:
    money = receipt(cash, fee)
    wishes = [wish(f"i{at}", opened, amount) for at, (opened, amount) in enumerate(wants)]
    try:
        found = chosen(money, wishes)
    except ChoiceError:
        return
    assert imbalance(money, found) == gbp(0)
    assert found.unapplied.minor >= 0
    for each, wanted in zip(found.allocations, wishes, strict=True):
        assert 0 < each.amount.minor <= wanted.open_amount.minor
        assert wanted.amount in (None, each.amount)
