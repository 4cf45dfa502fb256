"""Refunds and chargebacks reach a person: a task for each, and a way out of each hold."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from receivables.money import Money
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import confirm, undo
from runtime.operations.matching.settle_question import settle_question
from runtime.operations.people.finish_task import finish_task
from runtime.operations.reminding.plan import plan_reminders
from runtime.store import tables as t
from tests.operations.firm import CURRENCY, TODAY, Firm, XeroLedger

NAMED = {"invoice_number": "INV-1001"}
TOTAL = Money(12_000, CURRENCY).decimal


def _hear(firm: Firm) -> None:
    firm.deliver_webhooks()
    firm.settle()


def _paid_by_card(firm: Firm) -> str:
    intent = firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED)
    _hear(firm)
    assert firm.receipt().state == "applied"
    assert firm.ledger.balance("INV-1001") == 0
    return intent


def _charged_back(firm: Firm) -> str:
    dispute = firm.stripe.dispute(_paid_by_card(firm))
    _hear(firm)
    return dispute


def _lost(firm: Firm, dispute: str) -> None:
    firm.stripe.close_dispute(dispute, won=False)
    _hear(firm)


def _holds(firm: Firm) -> set[str]:
    rows = firm.rows(t.hold, document_id=firm.document("INV-1001").id)
    return {row.code for row in rows if row.released_at is None}


def _tasks(firm: Firm) -> list[Any]:
    return [row for row in firm.rows(t.task) if row.closed_at is None]


def _kinds(firm: Firm) -> list[str]:
    return sorted(row.kind for row in _tasks(firm))


def _is_reminded(firm: Firm) -> bool:
    plan_reminders(firm.app, firm.id)
    planned = firm.rows(t.reminder_item, state="planned")
    return firm.document("INV-1001").id in {row.document_id for row in planned}


def _look(firm: Firm) -> None:
    document_id = firm.document("INV-1001").id
    settle_question(firm.app, organisation_id=firm.id, document_id=document_id, actor="accountant")
    firm.settle()


def _undo(firm: Firm) -> None:
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="accountant")
    firm.settle()


def test_a_chargeback_that_is_lost_opens_the_invoice_everywhere_and_somebody_calls(any_firm: Firm) -> None:
    firm = any_firm
    dispute = _charged_back(firm)
    assert _kinds(firm) == ["chargeback"], "the bank asks for evidence"
    assert firm.ledger.balance("INV-1001") == 0, "nothing is decided yet"
    _lost(firm, dispute)
    assert (firm.receipt().state, firm.receipt().status) == ("undone", "reversed")
    assert firm.ledger.payments() == []
    assert firm.ledger.balance("INV-1001") == TOTAL
    assert firm.document("INV-1001").balance_minor == 12_000
    (task,) = _tasks(firm)
    assert (task.kind, task.subject) == ("call", firm.document("INV-1001").id)
    assert task.text.startswith("INV-1001: The payment of 120.00 GBP was charged back")
    assert task.customer_id == firm.document("INV-1001").customer_id
    assert _holds(firm) == {"chargeback_open"}
    assert not _is_reminded(firm), "a call comes first, not a message"
    finish_task(firm.app, organisation_id=firm.id, task_id=task.id, actor="dana")
    firm.settle()
    assert _holds(firm) == set()
    assert _tasks(firm) == []
    assert _is_reminded(firm)
    (told,) = firm.rows(t.event, action="chargeback_settled")
    assert told.actor == "dana"


def test_a_chargeback_that_is_lost_before_anybody_heard_of_it_ends_in_the_same_state(firm: Firm) -> None:
    dispute = firm.stripe.dispute(_paid_by_card(firm))
    _lost(firm, dispute)
    assert _kinds(firm) == ["call"]
    assert firm.ledger.balance("INV-1001") == TOTAL
    _hear(firm)
    assert _kinds(firm) == ["call"]


def test_a_persons_button_ends_the_hold_of_a_lost_chargeback_and_its_task(firm: Firm) -> None:
    _lost(firm, _charged_back(firm))
    _look(firm)
    assert (_holds(firm), _tasks(firm)) == (set(), [])
    assert _is_reminded(firm)
    with pytest.raises(RefusedError, match="no refund or chargeback holds"):
        _look(firm)


def test_a_chargeback_that_is_won_frees_the_invoice_and_nothing_is_to_do(any_firm: Firm) -> None:
    any_firm.stripe.close_dispute(_charged_back(any_firm), won=True)
    _hear(any_firm)
    assert (_holds(any_firm), _tasks(any_firm)) == (set(), [])
    assert any_firm.receipt().state == "applied"
    assert any_firm.ledger.balance("INV-1001") == 0


def test_answering_a_chargeback_decides_nothing(firm: Firm) -> None:
    _charged_back(firm)
    (task,) = _tasks(firm)
    finish_task(firm.app, organisation_id=firm.id, task_id=task.id, actor="dana")
    assert _holds(firm) == {"chargeback_open"}


def test_an_invoice_opened_again_by_a_person_is_not_held_for_ever_by_a_chargeback(firm: Firm) -> None:
    dispute = _charged_back(firm)
    _undo(firm)
    assert _holds(firm) == {"chargeback_open"}
    _lost(firm, dispute)
    assert _kinds(firm) == ["call"]
    _look(firm)
    assert _holds(firm) == set()
    assert _is_reminded(firm)


def test_money_of_a_chargeback_won_after_its_match_was_taken_back_is_asked_about_again(firm: Firm) -> None:
    dispute = _charged_back(firm)
    _undo(firm)
    firm.stripe.close_dispute(dispute, won=True)
    _hear(firm)
    assert (_holds(firm), _tasks(firm)) == (set(), [])
    assert [row.state for row in firm.rows(t.proposal)] == ["pending"]
    assert not _is_reminded(firm), "the money is there: it may pay the invoice after all"


def test_a_chargeback_that_is_won_after_it_was_lost_brings_the_money_back(firm: Firm) -> None:
    dispute = _charged_back(firm)
    _lost(firm, dispute)
    firm.stripe.disputes[dispute]["status"] = "under_review"
    firm.stripe.close_dispute(dispute, won=True)
    _hear(firm)
    assert (_holds(firm), _tasks(firm)) == (set(), [])
    assert (firm.receipt().state, firm.receipt().status) == ("undone", "received")
    assert [row.state for row in firm.rows(t.proposal)] == ["pending"]
    assert not _is_reminded(firm)


def test_a_lost_chargeback_of_what_somebody_booked_in_the_ledger_says_where_to_take_it_back(any_firm: Firm) -> None:
    intent = any_firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED)
    any_firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY, reference=f"Stripe {intent}"[:60])
    any_firm.settle()
    assert any_firm.receipt().state == "recorded"
    _lost(any_firm, any_firm.stripe.dispute(intent))
    (task,) = _tasks(any_firm)
    assert task.text.endswith("Somebody booked the payment in the ledger: take it back there.")
    assert any_firm.ledger.balance("INV-1001") == 0, "what is not ours is not undone"


def test_a_chargeback_of_a_payment_for_nothing_known_is_told_and_its_end_ends_the_task(firm: Firm) -> None:
    dispute = firm.stripe.dispute(firm.stripe.pay(amount=777, currency=CURRENCY))
    _hear(firm)
    (task,) = _tasks(firm)
    assert (task.kind, task.subject) == ("chargeback", firm.receipt().id)
    assert "7.77 GBP" in task.text
    firm.stripe.close_dispute(dispute, won=True)
    _hear(firm)
    assert _tasks(firm) == []


def test_nobody_is_asked_what_money_pays_that_was_charged_back_for_good(firm: Firm) -> None:
    intent = firm.stripe.pay(amount=8_400, currency=CURRENCY, metadata=NAMED)
    _hear(firm)
    assert [row.state for row in firm.rows(t.proposal)] == ["pending"]
    _lost(firm, firm.stripe.dispute(intent))
    assert [row.state for row in firm.rows(t.proposal)] == ["settled"]
    assert _kinds(firm) == ["call"]


def test_a_refund_of_an_applied_payment_is_somebodys_task_until_they_looked(any_firm: Firm) -> None:
    intent = _paid_by_card(any_firm)
    any_firm.stripe.refund(intent, 5_000)
    _hear(any_firm)
    (task,) = _tasks(any_firm)
    assert (task.kind, task.subject) == ("refund", any_firm.document("INV-1001").id)
    assert "50.00 GBP of the payment of 120.00 GBP was refunded" in task.text
    _look(any_firm)
    assert (_holds(any_firm), _tasks(any_firm)) == (set(), [])


def test_a_refunds_task_that_is_done_ends_its_hold(firm: Firm) -> None:
    firm.stripe.refund(_paid_by_card(firm))
    _hear(firm)
    (task,) = _tasks(firm)
    finish_task(firm.app, organisation_id=firm.id, task_id=task.id, actor="dana")
    firm.settle()
    assert (_holds(firm), _tasks(firm)) == (set(), [])


def test_taking_the_match_of_a_refunded_payment_back_answers_its_task(firm: Firm) -> None:
    firm.stripe.refund(_paid_by_card(firm))
    _hear(firm)
    _undo(firm)
    assert (_holds(firm), _tasks(firm)) == (set(), [])
    assert _is_reminded(firm)


def test_a_refund_that_failed_leaves_nothing_to_do_about_it(firm: Firm) -> None:
    refund = firm.stripe.refund(_paid_by_card(firm), 5_000)
    _hear(firm)
    firm.stripe.fail_refund(refund)
    _hear(firm)
    assert _tasks(firm) == []


def test_a_refund_of_money_that_a_credit_note_completed_asks_about_the_invoice_alone(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.add_credit_note(
        contact_id=firm.customers["Acme"],
        number="CN-1",
        total=Decimal("20.00"),
        currency=CURRENCY,
        issued_on=TODAY - timedelta(days=3),
    )
    firm.settle()
    payer = firm.stripe.add_customer(name="Acme")
    intent = firm.stripe.pay(amount=10_000, currency=CURRENCY, customer_id=payer)
    _hear(firm)
    if firm.receipt().state != "applied":
        confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="accountant")
        firm.settle()
    assert {row.is_credit for row in firm.rows(t.allocation)} == {True, False}
    firm.stripe.refund(intent, 5_000)
    _hear(firm)
    (task,) = _tasks(firm)
    assert task.subject == firm.document("INV-1001").id
    assert [row.document_id for row in firm.rows(t.hold)] == [task.subject]
