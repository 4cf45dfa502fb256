"""Money that a person booked by hand long after it came is not posted a second time: a person is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from receivables.money import Money
from runtime.operations.matching.decide import confirm, reject
from runtime.store import tables as t
from tests.operations.firm import CURRENCY, Firm, money_in

LATE = "INV-3001"  # written in the ledger days after it was paid in part


def _hear(firm: Firm) -> None:
    firm.deliver_webhooks()
    firm.settle()


def _paid_in_part_and_booked(firm: Firm, days: int = 7) -> None:
    """A card payment names an invoice that is not there yet; days later it is, with the payment booked by hand."""
    firm.stripe.pay(amount=8_000, currency=CURRENCY, metadata={"invoice_number": LATE})
    _hear(firm)
    firm.time.advance(days=days)
    firm.invoice("Acme", LATE, "120.00")
    firm.ledger.pay_by_hand(LATE, "80.00", on=firm.time().date())
    firm.settle()
    firm.settle()


def _allocated(firm: Firm) -> int:
    return sum(row.amount_minor for row in firm.rows(t.allocation) if row.undone_at is None)


@pytest.mark.parametrize("days", [7, 40])
def test_a_part_payment_that_waited_and_was_booked_by_hand_is_asked_about_and_not_posted_again(
    any_firm: Firm, days: int
) -> None:
    firm = any_firm
    _paid_in_part_and_booked(firm, days)
    assert _allocated(firm) == 0
    assert firm.ledger.balance(LATE) == Money(4_000, CURRENCY).decimal
    assert firm.receipt().state in ("suggested", "undone")
    (proposal,) = firm.rows(t.proposal)
    assert proposal.state == "pending"
    assert "somebody booked" in " ".join(proposal.body["reasons"])


def test_what_a_person_confirms_all_the_same_is_posted(firm: Firm) -> None:
    _paid_in_part_and_booked(firm)
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    assert _allocated(firm) == 4_000
    assert firm.ledger.balance(LATE) == 0


def test_a_second_payment_of_the_same_amount_before_the_booking_is_other_money(firm: Firm) -> None:
    firm.ledger.pay_by_hand("INV-1001", "60.00", on=firm.time().date() - timedelta(days=20))
    firm.settle()
    firm.import_lines(money_in("L1", "60.00", "ACME LTD", "INV-1001"))
    firm.settle()
    assert firm.receipt().state == "applied"
    assert firm.ledger.balance("INV-1001") == 0


def test_a_person_who_says_no_frees_the_invoice(firm: Firm) -> None:
    _paid_in_part_and_booked(firm)
    reject(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    assert _allocated(firm) == 0
    assert all(not row.plausible for row in firm.rows(t.proposal))
