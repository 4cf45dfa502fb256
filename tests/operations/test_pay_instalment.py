"""A payer pays the instalment ahead: what is left of it, the oldest invoices first, and never more than is open."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from receivables.money import Money
from reminders.payment_plan import PlanState
from runtime.operations.errors import RefusedError
from runtime.operations.payers.pay_by_card import MAX_INVOICES, switch_card_payments
from runtime.operations.plans.agree_plan import agree_plan, end_plan
from runtime.operations.plans.pay_instalment import pay_instalment
from runtime.operations.plans.payment_plans import Plan, plans_of
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm

SECONDS = 10.0
OLDER, NEWER = "INV-1002", "INV-1001"  # 75.50 and 120.00 of Acme


@pytest.fixture
def planned(firm: Firm) -> Firm:
    """A firm that takes cards, and whose customer Acme pays in two instalments of 97.75."""
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    _agree(firm, Money(19_550, "GBP"))
    return firm


def _agree(firm: Firm, debt: Money) -> None:
    agree_plan(
        firm.app,
        organisation_id=firm.id,
        customer_id=firm.document(NEWER).customer_id,
        debt=debt,
        count=2,
        first_on=TODAY,
        consent="I agree.",
        actor="customer",
    )


def _plan(firm: Firm) -> Plan:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        plan, *_ = plans_of(db, organisation, now=firm.app.clock())
    return plan


def _open(firm: Firm, **others: Any) -> str:  # noqa: ANN401 - arguments
    plan = _plan(firm)
    usual = {"organisation_id": firm.id, "customer_id": plan.customer_id, "plan_id": plan.plan_id}
    return pay_instalment(firm.app, back_to="http://127.0.0.1:8000/p/token", **(usual | others))


def _asked(firm: Firm) -> dict[str, int]:
    """What the page that was opened last asks for, by number."""
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    newest = max(firm.rows(t.checkout), key=lambda row: row.begun_at)
    return {numbers[document_id]: minor for document_id, minor in newest.amounts}


def _pay(firm: Firm) -> None:
    firm.time.advance(seconds=1)
    assert requests.post(_open(firm), allow_redirects=False, timeout=SECONDS).status_code == 303
    firm.deliver_webhooks()
    firm.settle()


def _debit(firm: Firm, amount: int, number: str) -> str:
    intent = firm.stripe.pay(amount=amount, currency="GBP", method="bacs_debit", metadata={"invoice_number": number})
    firm.deliver_webhooks()
    firm.settle()
    return intent


def test_each_instalment_is_paid_by_itself_the_oldest_invoice_first(planned: Firm) -> None:
    _pay(planned)
    assert _asked(planned) == {OLDER: 7_550, NEWER: 2_225}
    assert (planned.ledger.balance(OLDER), planned.ledger.balance(NEWER)) == (Decimal(0), Decimal("97.75"))
    assert (_plan(planned).state, _plan(planned).paid.text()) == (PlanState.RUNNING, "97.75")
    _pay(planned)
    assert _asked(planned) == {NEWER: 9_775}
    assert _plan(planned).state is PlanState.KEPT
    with pytest.raises(RefusedError, match="is over"):
        _open(planned)


def test_what_was_paid_of_it_is_left_out(planned: Firm) -> None:
    planned.ledger.pay_by_hand(NEWER, "90.00", on=TODAY)
    planned.settle()
    _open(planned)
    assert _asked(planned) == {OLDER: 775}


def test_what_is_on_its_way_is_left_out_and_its_invoice_waits(planned: Firm) -> None:
    intent = _debit(planned, 2_000, OLDER)
    _pay(planned)
    assert _asked(planned) == {NEWER: 7_775}
    planned.stripe.settle(intent)
    planned.deliver_webhooks()
    planned.settle()
    assert _plan(planned).paid.text() == "97.75"
    assert (planned.ledger.balance(OLDER), planned.ledger.balance(NEWER)) == (Decimal("55.50"), Decimal("42.25"))
    assert {row.state for row in planned.rows(t.receipt)} == {"applied"}


def test_where_a_part_of_every_invoice_is_on_its_way_one_is_paid_at_a_time(planned: Firm) -> None:
    _debit(planned, 1_000, OLDER)
    _debit(planned, 1_000, NEWER)
    _open(planned)
    assert _asked(planned) == {OLDER: 6_550}


def test_an_instalment_that_is_on_its_way_makes_room_for_the_next_and_the_last_for_none(planned: Firm) -> None:
    _debit(planned, 12_000, NEWER)
    _open(planned)
    assert _asked(planned) == {OLDER: 7_550}
    _debit(planned, 7_550, OLDER)
    with pytest.raises(RefusedError, match="nothing is left"):
        _open(planned)


def test_a_page_for_the_same_serves_again(planned: Firm) -> None:
    assert _open(planned) == _open(planned)
    assert len(planned.rows(t.checkout)) == 1


def test_only_a_running_plan_of_theirs_can_be_paid(planned: Firm) -> None:
    plan = _plan(planned)
    for wrong in ({"customer_id": planned.document("INV-2001").customer_id}, {"plan_id": "nothing"}):
        with pytest.raises(RefusedError, match="is over"):
            _open(planned, **wrong)
    end_plan(planned.app, organisation_id=planned.id, plan_id=plan.plan_id, actor="dana")
    with pytest.raises(RefusedError, match="is over"):
        _open(planned)
    assert planned.rows(t.checkout) == []


def test_an_instalment_of_many_invoices_is_paid_in_more_than_one_payment(firm: Firm) -> None:
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    for number in range(MAX_INVOICES + 1):
        firm.invoice("Acme", f"INV-90{number:02}", "1.00", late=50 + number)
    firm.settle()
    _agree(firm, Money(19_550 + 100 * (MAX_INVOICES + 1), "GBP"))
    _open(firm)
    assert list(_asked(firm).values()) == [100] * MAX_INVOICES
    assert _plan(firm).to_pay_in_all.minor == 100 * MAX_INVOICES


def test_nothing_is_taken_where_cards_are_not(planned: Firm) -> None:
    switch_card_payments(planned.app, organisation_id=planned.id, on=False, actor="owner")
    with pytest.raises(RefusedError, match="not offered"):
        _open(planned)
