"""Money exchanged on its way into a Xero account, with xero-python against the stand-in."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Reject
from connectors.intents import PostReceipt, UndoPosting
from connectors.ledgers.xero.steps import receipt_steps
from connectors.records import Kind, PaymentFields, PaymentLine
from receivables.money import Money
from tests.connectors.ledger_suite import Ledger, done, read, write_one
from tests.connectors.lookups import find_one
from tests.connectors.xero_organisation import books_of, ledger

__all__ = ["ledger"]

PAID_ON = date(2026, 11, 16)


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def euro_invoices(ledger: Ledger, *totals: str) -> list[str]:
    """Invoices of euros, made when a pound was worth 1.25 of them."""
    return [
        books_of(ledger).add_invoice(
            contact_id=ledger.customer,
            number=f"EUR-{number}",
            total=Decimal(total),
            currency="EUR",
            issued_on=date(2026, 10, 1),
            due_on=date(2026, 10, 31),
            rate=Decimal("1.25"),
        )
        for number, total in enumerate(totals)
    ]


def receipt(
    ledger: Ledger, lines: dict[str, str], banked: Money | None, *, unapplied: str = "0", account: str = "090"
) -> PostReceipt:
    parts = tuple(PaymentLine(identity, eur(amount)) for identity, amount in lines.items())
    return PostReceipt(
        key="fx",
        customer_external_id=ledger.customer,
        received_on=PAID_ON,
        account=account,
        reference="TrueDue fx",
        lines=parts,
        unapplied=eur(unapplied),
        fee=eur("0"),
        banked=banked,
    )


def test_what_arrived_is_booked_and_the_gain_is_the_difference(ledger: Ledger) -> None:
    books = books_of(ledger)
    first, second = euro_invoices(ledger, "100.00", "33.33")
    intent = receipt(ledger, {first: "100.00", second: "33.33"}, Money.parse("111.12", "GBP"))
    written = done(write_one(ledger, intent))
    paid = list(books.payments.values())
    assert [each["Amount"] for each in paid] == [Decimal(100), Decimal("33.33")]
    assert sum(each["BankAmount"] for each in paid) == Decimal("111.12")
    assert all(each["CurrencyRate"] == pytest.approx(Decimal("1.2"), abs=Decimal("0.001")) for each in paid)
    # Invoiced at 80.00 and 26.66 pounds, so that 111.12 is 4.46 more.
    assert sum(books.realised_gains.values()) == Decimal("4.46")
    assert ledger.balance(first) == ledger.balance(second) == 0
    ledger.time.sleep(3600)
    found = find_one(ledger.connector, intent)
    assert found is not None
    assert found.external_ids == written.external_ids
    records = read(ledger, Kind.PAYMENT)
    amounts = [records[identity].fields for identity in written.external_ids]
    assert [each.amount for each in amounts if isinstance(each, PaymentFields)] == [eur("100"), eur("33.33")]
    done(write_one(ledger, UndoPosting("undo", written.external_ids)))
    assert not books.realised_gains
    assert ledger.balance(first) == Decimal(100)


def test_exchanged_credit_is_kept_at_its_rate(ledger: Ledger) -> None:
    (invoice,) = euro_invoices(ledger, "100.00")
    intent = receipt(ledger, {invoice: "100.00"}, Money.parse("104.00", "GBP"), unapplied="30.00")
    payment, _, overpayment = done(write_one(ledger, intent)).external_ids
    assert books_of(ledger).payments[payment]["BankAmount"] == Decimal(80)
    kept = books_of(ledger).overpayments[overpayment]
    assert (kept["Total"], kept["CurrencyCode"], kept["CurrencyRate"]) == (Decimal(30), "EUR", Decimal("1.25"))


def test_an_account_of_the_invoices_currency_takes_it_as_it_is(ledger: Ledger) -> None:
    books = books_of(ledger)
    books.add_account(code="092", name="Euro", type="BANK", currency="EUR")
    books.day_rates["EUR"] = Decimal("1.20")
    (invoice,) = euro_invoices(ledger, "100.00")
    done(write_one(ledger, receipt(ledger, {invoice: "100.00"}, None, account="092")))
    (paid,) = books.payments.values()
    assert (paid["BankAmount"], paid["CurrencyRate"]) == (Decimal(100), Decimal("1.20"))
    assert sum(books.realised_gains.values()) == Decimal("3.33")


def test_an_account_of_a_third_currency_is_refused(ledger: Ledger) -> None:
    books_of(ledger).add_account(code="093", name="Dollar", type="BANK", currency="USD")
    (invoice,) = euro_invoices(ledger, "100.00")
    intent = receipt(ledger, {invoice: "100.00"}, Money.parse("110.00", "USD"), account="093")
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Reject)
    assert (outcome.code, bool(outcome.remedy)) == ("account", True)


@given(
    amounts=st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=5),
    kept=st.integers(min_value=0, max_value=10**6),
    arrived=st.integers(min_value=1, max_value=10**10),
)
def test_no_part_of_what_arrived_is_lost(amounts: list[int], kept: int, arrived: int) -> None:
    lines = tuple(PaymentLine(f"i{index}", Money(amount, "EUR")) for index, amount in enumerate(amounts))
    banked = Money(arrived, "GBP")
    zero = Money.zero("EUR")
    intent = PostReceipt("k", "c", PAID_ON, "090", "r", lines, Money(kept, "EUR"), zero, banked=banked)
    steps = receipt_steps(intent)
    assert [step.body["Amount"] for step in steps[: len(lines)]] == [line.amount for line in lines]
    booked = sum(step.body["BankAmount"].minor for step in steps[: len(lines)] if "BankAmount" in step.body)
    assert booked == arrived if not kept else booked <= arrived
