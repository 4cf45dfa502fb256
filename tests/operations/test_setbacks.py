"""A payment that fails late: reminding goes on where it was, and the message says what happened, once."""

from __future__ import annotations

from runtime.operations.matching.returns import see_return
from runtime.operations.reminding.remind import remind_organisation
from runtime.store import tables as t
from tests.operations.firm import CURRENCY, Firm
from tests.operations.test_fate import NAMED
from tests.operations.test_returns import UNPAID_DEBIT, collected, take


def _hear(firm: Firm) -> None:
    firm.deliver_webhooks()
    firm.work()


def _mails(firm: Firm) -> list[str]:
    return [mail.text for mail in firm.mailbox.mails if mail.recipients == ("acme@example.com",)]


def _levels(firm: Firm) -> list[int]:
    document_id = firm.document("INV-1001").id
    return sorted(row.level for row in firm.rows(t.reminder_item, document_id=document_id, state="sent"))


def test_a_late_failure_goes_on_at_the_next_level_and_is_told_once(any_firm: Firm) -> None:
    any_firm.switch_sending()
    remind_organisation(any_firm.app, any_firm.id)
    assert _levels(any_firm) == [1]
    intent = any_firm.stripe.pay(amount=12_000, currency=CURRENCY, method="bacs_debit", metadata=NAMED)
    _hear(any_firm)
    any_firm.time.advance(days=9)
    any_firm.stripe.fail(intent)
    _hear(any_firm)
    any_firm.settle()
    remind_organisation(any_firm.app, any_firm.id)
    assert _levels(any_firm) == [1, 2], "it does not begin again"
    first, second = _mails(any_firm)
    said = "Your payment of £120.00 begun on 10 Mar 2026 did not go through. So this is open again: INV-1001."
    assert said not in first
    assert said in second
    assert "The bank says that there was not enough money, or that a limit was reached. Please pay again" in second
    any_firm.time.advance(days=20)
    any_firm.poll()
    remind_organisation(any_firm.app, any_firm.id)
    assert len(_mails(any_firm)) == 3
    assert said not in _mails(any_firm)[2], "it was told"


def test_what_fails_at_our_side_is_told_with_an_apology_and_asks_a_person(firm: Firm) -> None:
    intent = firm.stripe.pay(amount=12_000, currency=CURRENCY, method="bacs_debit", metadata=NAMED)
    _hear(firm)
    firm.stripe.fail(intent, code="charge_exceeds_weekly_limit", message="Over the weekly limit.")
    _hear(firm)
    assert firm.problems() == ["payment_failed_here"]
    firm.switch_sending()
    remind_organisation(firm.app, firm.id)
    (mail,) = _mails(firm)
    assert "we are sorry" in mail
    assert "weekly limit" not in mail


def test_a_failure_of_another_customer_is_told_to_nobody_else(firm: Firm) -> None:
    intent = firm.stripe.pay(amount=12_000, currency=CURRENCY, method="bacs_debit", metadata=NAMED)
    _hear(firm)
    firm.stripe.fail(intent)
    _hear(firm)
    firm.switch_sending()
    remind_organisation(firm.app, firm.id)
    (other,) = [mail.text for mail in firm.mailbox.mails if mail.recipients == ("bolt@example.com",)]
    assert "did not go through" not in other
    assert len(_mails(firm)) == 1
    assert "did not go through" in _mails(firm)[0]


def test_what_the_bank_took_back_is_told_once_a_person_has_looked(firm: Firm) -> None:
    collected(firm)
    take(firm, UNPAID_DEBIT, name="later.xml")
    firm.settle()
    (debit,) = firm.rows(t.debit)
    see_return(firm.app, organisation_id=firm.id, debit_id=debit.id, actor="dana")
    firm.switch_sending()
    remind_organisation(firm.app, firm.id)
    (text,) = _mails(firm)
    assert "Your payment of £120.00 of 4 Mar 2026 was taken back by the bank. So this is open again: INV-1001." in text


def test_a_chargeback_that_was_lost_is_no_news_for_a_message(firm: Firm) -> None:
    intent = firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED)
    _hear(firm)
    dispute = firm.stripe.dispute(intent)
    firm.stripe.close_dispute(dispute, won=False)
    _hear(firm)
    firm.switch_sending()
    remind_organisation(firm.app, firm.id)
    assert all("taken back" not in text and "did not go through" not in text for text in _mails(firm))
