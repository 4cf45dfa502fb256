"""A processor that changes the payer's currency: posted with both amounts, or not at all with the reason."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.intents import PostReceipt
from receivables.money import Money
from runtime.operations.matching.match import match_receipts
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm, XeroLedger

USD = "USD"


def _paid_in_dollars(firm: Firm, settled: Money | None) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.add_invoice(
        contact_id=firm.customers["Bolt"],
        number="INV-3001",
        total=Decimal("120.00"),
        currency=USD,
        issued_on=TODAY - timedelta(days=40),
        due_on=TODAY - timedelta(days=10),
    )
    firm.settle()
    firm.show_card_payment(amount=Money(12_000, USD), payer_name="Bolt", invoice_numbers=("INV-3001",), settled=settled)
    match_receipts(firm.app, firm.id)


def test_both_amounts_are_posted(firm: Firm) -> None:
    _paid_in_dollars(firm, Money(9_412, "GBP"))
    (row,) = firm.rows(t.outbox)
    intent = queues.read_intent(dict(row._mapping))
    assert isinstance(intent, PostReceipt)
    assert [line.amount for line in intent.lines] == [Money(12_000, USD)]
    assert intent.banked == Money(9_412, "GBP")


@pytest.mark.parametrize("settled", [None, Money(11_100, "EUR")])
def test_without_the_amount_in_the_accounts_currency_it_waits_for_a_person(firm: Firm, settled: Money | None) -> None:
    _paid_in_dollars(firm, settled)
    assert firm.rows(t.outbox) == []
    (problem,) = firm.rows(t.problem)
    assert problem.code == "not_posted"
    assert "how much arrived of USD into an account that keeps GBP is not known" in problem.text
