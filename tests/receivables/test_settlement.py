"""Every part of an application is booked once: cash, credit notes and write-downs add up to the minor unit."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.allocation import Allocation, Explanation, Hypothesis, Residual, ResidualKind
from receivables.money import Money
from receivables.settlement import FEE_KINDS, SettlementError, settle, without_surplus

GBP = "GBP"


def gbp(minor: int) -> Money:
    return Money(minor, GBP)


@st.composite
def applications(draw: st.DrawFn) -> tuple[list[Allocation], list[Residual], dict[str, str], int]:
    """Invoices and credit notes of two customers, residuals, and the cash that makes it add up."""
    invoices = draw(st.lists(st.integers(1, 90_000), min_size=1, max_size=6))
    owners = {f"inv{n}": draw(st.sampled_from(["acme", "bolt"])) for n in range(len(invoices))}
    allocations = [Allocation(f"inv{n}", gbp(minor)) for n, minor in enumerate(invoices)]
    residuals: list[Residual] = []
    room = sum(invoices)
    for kind in draw(st.lists(st.sampled_from(list(ResidualKind)), max_size=3, unique=True)):
        amount = draw(st.integers(0, room // 3))
        if amount:
            residuals.append(Residual(kind, gbp(amount)))
            room -= amount
    for customer in ("acme", "bolt"):
        for number in range(draw(st.integers(0, 2))):
            name = f"crn-{customer}-{number}"
            most = sum(minor for n, minor in enumerate(invoices) if owners[f"inv{n}"] == customer) // 6
            amount = min(room, draw(st.integers(0, most)))
            if amount:
                owners[name] = customer
                allocations.append(Allocation(name, gbp(amount), is_credit=True))
                room -= amount
    return allocations, residuals, owners, room


@given(applications(), st.integers(0, 500))
def test_parts_of_every_item_sum_to_its_allocation_and_the_cash_to_the_receipt(
    application: tuple[list[Allocation], list[Residual], dict[str, str], int], unapplied: int
) -> None:
    allocations, residuals, owners, cash = application
    try:
        found = settle(allocations=allocations, residuals=residuals, owners=owners, currency=GBP)
    except SettlementError:
        return
    by_item: defaultdict[str, int] = defaultdict(int)
    by_credit: defaultdict[str, int] = defaultdict(int)
    pairs = [(part.item_id, part.amount.minor) for part in found.cash]
    pairs += [(part.item_id, part.amount.minor) for part in found.credits]
    pairs += [(part.item_id, part.amount.minor) for part in found.write_downs]
    for item_id, minor in pairs:
        assert minor > 0
        by_item[item_id] += minor
    for credit in found.credits:
        by_credit[credit.credit_id] += credit.amount.minor
        assert owners[credit.credit_id] == owners[credit.item_id]
    assert by_item == {each.item_id: each.amount.minor for each in allocations if not each.is_credit}
    assert by_credit == {each.item_id: each.amount.minor for each in allocations if each.is_credit}
    fees = sum(each.amount.minor for each in residuals if each.kind in FEE_KINDS)
    assert found.fee == gbp(fees)
    assert sum(part.amount.minor for part in found.cash) + unapplied == (cash + unapplied) + fees
    turned = settle(allocations=allocations[::-1], residuals=residuals[::-1], owners=owners, currency=GBP)
    assert turned == found


def test_a_discount_is_spread_in_proportion() -> None:
    allocations = [Allocation("a", gbp(10_000)), Allocation("b", gbp(5_000))]
    residuals = [Residual(ResidualKind.DISCOUNT, gbp(300))]
    found = settle(allocations=allocations, residuals=residuals, owners={}, currency=GBP)
    assert [(part.item_id, part.amount.minor) for part in found.write_downs] == [("a", 200), ("b", 100)]
    assert [(part.item_id, part.amount.minor) for part in found.cash] == [("a", 9_800), ("b", 4_900)]


def test_a_credit_note_covers_no_other_customers_invoice() -> None:
    allocations = [Allocation("a", gbp(100)), Allocation("c", gbp(40), is_credit=True)]
    with pytest.raises(SettlementError, match="own customer"):
        settle(allocations=allocations, residuals=[], owners={"a": "acme", "c": "bolt"}, currency=GBP)


def test_a_residual_larger_than_its_invoices_is_refused() -> None:
    with pytest.raises(SettlementError, match="write off"):
        settle(
            allocations=[Allocation("a", gbp(100))],
            residuals=[Residual(ResidualKind.WRITE_OFF, gbp(101))],
            owners={},
            currency=GBP,
        )


def test_more_cash_than_the_items_stays_as_credit() -> None:
    residuals = (Residual(ResidualKind.ROUNDING, gbp(-3)), Residual(ResidualKind.BANK_FEE, gbp(50)))
    found = without_surplus(Hypothesis(Explanation.FX, 1.0, (Allocation("a", gbp(100)),), residuals, gbp(2)))
    assert found.residuals == residuals[1:]
    assert found.unapplied == gbp(5)
