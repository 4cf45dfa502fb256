"""What a firm may charge for late payment by its own books, to the cent, and what it may not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from sandbox.estate import Estate
from sandbox.life import Debt, Fact, Firm, Lateness, Source, Verdict
from sandbox.life.firm import found_firms
from sandbox.life.lateness import wrong_to_charge
from sandbox.world.model import TrueInvoice, Truth

DUE, TODAY = date(2026, 11, 6), date(2026, 11, 20)
NOON = datetime(2026, 11, 6, 12, tzinfo=UTC)
FEE = Decimal("25.00")


@pytest.fixture(scope="module")
def founded() -> Firm:
    with Estate(clock=lambda: NOON, couriers=False) as estate:
        return found_firms(estate, Random(1), lambda: NOON, currencies=Random(1), often=0)["harbour-pine"]  # noqa: S311


@pytest.fixture
def firm(founded: Firm) -> Firm:
    founded.lateness, founded.verdicts = Lateness(Decimal(18), FEE, "GBP", is_charged_paid=True), []
    return founded


def _debt(*facts: Fact) -> Debt:
    owed = Decimal("1000.00")
    invoice = TrueInvoice(
        organisation="harbour-pine",
        number="INV-1",
        customer="c",
        currency="GBP",
        total=owed,
        issued_on=DUE - timedelta(days=30),
        reference="",
        role="life",
        ledger_open=owed,
        truth=Truth(owed, DUE),
        reachable=True,
    )
    return Debt(invoice, NOON, list(facts))


def _paid(amount: str, days: int) -> Fact:
    at = NOON + timedelta(days=days)
    return Fact(Source.LEDGER, at, at, paid=Decimal(amount))


def _wrong(firm: Firm, debt: Debt, amount: str, *, until: date = TODAY, is_known: bool = True) -> str | None:
    said = Verdict("INV-1", until, Decimal(amount), is_charged=True)
    return wrong_to_charge(firm, debt, said, on=TODAY, known=lambda _fact: is_known)


def test_an_invoice_of_which_nothing_happened_comes_to_the_cent(firm: Firm) -> None:
    # 14 days at 18 % of 1,000.00: 6.904
    assert _wrong(firm, _debt(), "31.90") is None
    for amount in ("31.89", "31.91"):
        assert "has come to 31.90" in str(_wrong(firm, _debt(), amount))


def test_a_day_is_charged_once(firm: Firm) -> None:
    firm.verdicts = [Verdict("INV-1", TODAY - timedelta(days=4), Decimal("29.93"), is_charged=False)]
    assert _wrong(firm, _debt(), "1.97") is None
    assert _wrong(firm, _debt(), "31.90") is not None


def test_parts_bear_nothing_after_their_day(firm: Firm) -> None:
    part = _debt(_paid("900.00", 3))
    assert _wrong(firm, part, "31.90") is not None
    assert _wrong(firm, part, "31.90", is_known=False) is None, "nobody can know it yet"
    assert _wrong(firm, part, "26.92") is None  # three days of 1,000.00 and eleven of 100.00


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ([Fact(Source.CRM, NOON, NOON, holds="disputed")], "held (disputed)"),
        ([Fact(Source.LEDGER, NOON, NOON, holds="void")], "held (void)"),
        ([Fact(Source.LEDGER, NOON, NOON, due_on=TODAY)], "not due before 2026-11-20"),
        ([_paid("1000.00", -1)], "paid in time, on 2026-11-05"),
    ],
)
def test_what_is_not_late_is_not_charged_for(firm: Firm, facts: list[Fact], why: str) -> None:
    assert _wrong(firm, _debt(*facts), "25.00") == why


def test_what_held_it_and_is_over_holds_it_no_more_known_or_not(firm: Firm) -> None:
    page = Fact(Source.DESK, NOON, NOON, holds="checkout")
    left = Fact(Source.PROCESSOR, NOON, NOON, frees="checkout")
    said = Verdict("INV-1", TODAY, Decimal("31.90"), is_charged=True)
    for facts, why in (([page], "held (checkout)"), ([page, left], None)):
        assert wrong_to_charge(firm, _debt(*facts), said, on=TODAY, known=lambda fact: fact is not left) == why


def test_what_was_paid_late_is_charged_for_by_the_firms_that_do(firm: Firm) -> None:
    paid = _debt(_paid("1000.00", 10))
    assert _wrong(firm, paid, "29.93", until=DUE + timedelta(days=10)) is None
    firm.lateness = Lateness(Decimal(18), FEE, "GBP", is_charged_paid=False)
    assert _wrong(firm, paid, "29.93", until=DUE + timedelta(days=10)) == "paid"
    firm.lateness = None
    assert _wrong(firm, paid, "29.93") == "the firm charges nobody"
