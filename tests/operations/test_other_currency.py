"""A processor that changes the payer's currency: posted with both amounts, or not at all with the reason."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.contract import Role
from connectors.intents import PostReceipt
from connectors.records import Kind, Page, ProcessorPaymentFields, ProcessorState, Record
from receivables.money import Money
from runtime.operations.absorb.page import absorb
from runtime.operations.match import match_receipts
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
    at = firm.app.clock()
    fields = ProcessorPaymentFields(
        state=ProcessorState.SUCCEEDED,
        method="card",
        amount=Money(12_000, USD),
        fee=Money(0, USD),
        refunded=Money(0, USD),
        disputed=False,
        dispute_open=False,
        created_at=at,
        payer_name="Bolt",
        payer_email=None,
        payer_external_id=None,
        invoice_numbers=("INV-3001",),
        item_ids=(),
        settled=settled,
    )
    record = Record(Kind.PROCESSOR_PAYMENT, "pi_usd", at.isoformat(), at, fields)
    with firm.app.store.write() as db:
        absorb(db, connection=firm.connection(Role.PROCESSOR), page=Page((record,)), read_at=at)
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
