from __future__ import annotations

from dataclasses import replace

from receivables.open_item import OpenItem
from receivables.receipt import Receipt, ReceiptStatus
from reconcile.candidates import OpenItemIndex
from reconcile.holds import MAX_HELD_ITEMS, plausible_items
from reconcile.match import propose
from tests.reconcile.build import DAY, item, receipt


def held(items: list[OpenItem], money: Receipt) -> tuple[str, ...]:
    index = OpenItemIndex(items)
    (proposal,) = propose(index=index, receipts=[money], as_of=DAY)
    return plausible_items(proposal=proposal, receipt=money, index=index)


def test_a_suggestion_holds_its_items_and_an_applied_receipt_none() -> None:
    items = [item("A", 100_00, number="INV-0401"), item("B", 55_00, number="INV-0402")]
    assert held(items, receipt(100_00)) == ("A",)
    assert held(items, receipt(100_00, "INV-0401")) == ()


def test_each_item_that_the_money_could_pay_is_held_up_to_the_bound() -> None:
    items = [item(f"I{at}", 49_00) for at in range(MAX_HELD_ITEMS + 3)]
    assert held(items[:3], receipt(49_00)) == ("I0", "I1", "I2")
    assert len(held(items, receipt(49_00))) == MAX_HELD_ITEMS


def test_money_of_a_stranger_with_another_amount_holds_nothing() -> None:
    assert held([item("A", 100_00)], receipt(77_00, "interest", payer="Bank of Erin")) == ()


def test_an_item_named_in_another_currency_is_held() -> None:
    assert held([item("A", 100_00, number="INV-0401", currency="USD")], receipt(92_00, "INV-0401")) == ("A",)


def test_money_that_went_back_holds_nothing_and_money_on_its_way_does() -> None:
    items = [item("A", 100_00, number="INV-0401")]
    money = receipt(100_00, "INV-0401")
    assert held(items, replace(money, status=ReceiptStatus.REVERSED)) == ()
    assert held(items, replace(money, status=ReceiptStatus.FAILED)) == ()
    assert held(items, replace(money, status=ReceiptStatus.IN_FLIGHT)) == ("A",)
