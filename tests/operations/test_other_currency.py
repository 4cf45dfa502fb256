"""Money in another currency than what it is for.

A processor that changes the payer's: posted with both amounts, or not at all with the reason. A payer who pays by bank
in another currency: what that pays a person says, in the ledger.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.intents import PostReceipt
from receivables.money import Money
from runtime.operations.matching import decide
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.reconsider import reconsider
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm, XeroLedger, money_in

USD, ACTOR = "USD", "accountant"


def _invoice_in_dollars(firm: Firm, number: str = "INV-3001", total: str = "120.00") -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.ids[number] = firm.ledger.books.add_invoice(
        contact_id=firm.customers["Bolt"],
        number=number,
        total=Decimal(total),
        currency=USD,
        issued_on=TODAY - timedelta(days=40),
        due_on=TODAY - timedelta(days=10),
    )
    firm.settle()


def _paid_in_dollars(firm: Firm, settled: Money | None) -> None:
    _invoice_in_dollars(firm)
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


@pytest.fixture
def asked(firm: Firm) -> Firm:
    """A firm that was paid in pounds what it is owed in dollars: the bare number."""
    _invoice_in_dollars(firm, total="470.00")
    firm.import_lines(money_in("B-1", "470.00", "Somebody", "INV-3001"))
    firm.work()
    return firm


def _held(firm: Firm) -> list[str]:
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    return [numbers[item_id] for row in firm.rows(t.proposal) for item_id in row.plausible]


def test_the_bare_number_of_another_currency_pays_nothing_and_holds_what_it_names(asked: Firm) -> None:
    assert asked.receipt().state == "suggested"
    assert asked.ledger.balance("INV-3001") == 470
    assert _held(asked) == ["INV-3001"]


def test_once_a_person_has_said_what_it_pays_the_rest_of_the_invoice_is_free_of_it(asked: Firm) -> None:
    asked.ledger.pay_by_hand("INV-3001", "100.00", on=TODAY)
    about = {"organisation_id": asked.id, "receipt_id": asked.receipt().id, "actor": ACTOR}
    decide.reject(asked.app, **about)
    asked.settle()
    assert asked.receipt().state == "unidentified"
    assert _held(asked) == []
    reconsider(asked.app, **about)
    asked.settle()
    assert _held(asked) == ["INV-3001"], "it was a slip: nobody has said it after all"


def test_who_said_no_before_the_invoice_was_there_is_asked_about_it(firm: Firm) -> None:
    firm.import_lines(money_in("B-1", "470.00", "Somebody", "INV-3001"))
    firm.work()
    decide.reject(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor=ACTOR)
    _invoice_in_dollars(firm)
    firm.settle()
    match_receipts(firm.app, firm.id)
    assert firm.receipt().state == "suggested"
    assert _held(firm) == ["INV-3001"]
