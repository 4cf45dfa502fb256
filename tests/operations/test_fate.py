"""What becomes of money: refunds, chargebacks, late failures, and money that the accountant booked already."""

from __future__ import annotations

import logging
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from connectors.contract import Role
from connectors.records import Kind
from reminders.holds import PROBABLY_PAID_DAYS
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import undo
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.settle_question import settle_question
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.remind import remind_organisation
from runtime.operations.systems.absorb.page import absorb
from runtime.store import tables as t
from tests.operations.firm import CURRENCY, TODAY, Firm, XeroLedger, money_in

NAMED = {"invoice_number": "INV-1001"}


def _hear(firm: Firm) -> None:
    firm.deliver_webhooks()
    firm.work()


def _paid_by_card(firm: Firm) -> str:
    intent = firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED)
    _hear(firm)
    assert firm.receipt().state == "applied"
    return intent


def _holds(firm: Firm) -> dict[str, str]:
    """The holds that stand on INV-1001, by code."""
    rows = firm.rows(t.hold, document_id=firm.document("INV-1001").id)
    return {row.code: row.reason for row in rows if row.released_at is None}


def _reminded(firm: Firm) -> set[str]:
    """The invoices that a plan made now would remind of."""
    plan_reminders(firm.app, firm.id)
    ids = {row.id: row.number for row in firm.rows(t.document)}
    return {ids[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


@pytest.mark.parametrize(
    ("zone", "hours", "day"),
    [("Pacific/Auckland", 4, date(2026, 3, 11)), ("America/Los_Angeles", 20, date(2026, 3, 10))],
)
def test_money_is_received_on_the_organisations_own_day(firm: Firm, zone: str, hours: int, day: date) -> None:
    """Ten in the morning in Greenwich, and some hours later: the date there is another one."""
    with firm.app.store.write() as db:
        db.execute(update(t.organisation).values(time_zone=zone))
    firm.time.advance(hours=hours)
    _paid_by_card(firm)
    assert firm.receipt().received_on == day != firm.time().date()
    assert isinstance(firm.ledger, XeroLedger)
    assert {payment["Date"] for payment in firm.ledger.books.payments.values()} == {day}


def test_a_refund_holds_until_a_person_chooses(any_firm: Firm) -> None:
    intent = _paid_by_card(any_firm)
    any_firm.stripe.refund(intent, 5_000)
    _hear(any_firm)
    assert list(_holds(any_firm)) == ["refund_review"]
    assert "50.00 GBP" in _holds(any_firm)["refund_review"]
    assert any_firm.receipt().refunded_minor == 5_000


def test_money_that_is_gone_before_it_was_matched_leaves_nothing_to_do(
    firm: Firm, caplog: pytest.LogCaptureFixture
) -> None:
    intent = firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED)
    firm.stripe.pay(amount=7_550, currency=CURRENCY, metadata={"invoice_number": "INV-1002"}, method="sepa_debit")
    firm.stripe.refund(intent, 12_000)
    with caplog.at_level(logging.WARNING, logger="runtime.operations.work"):
        _hear(firm)
    standing = {(row.status, row.state) for row in firm.rows(t.receipt)}
    assert standing == {("refunded", "new"), ("in_flight", "in_flight")}
    assert not caplog.messages


def test_a_refund_before_the_payment_was_applied_holds_what_it_names(firm: Firm) -> None:
    firm.stripe.refund(firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED), 12_000)
    _hear(firm)
    assert list(_holds(firm)) == ["refund_review"]
    assert "INV-1001" not in _reminded(firm)


def test_a_refund_of_what_an_invoice_names_that_comes_later_holds_it(firm: Firm) -> None:
    firm.stripe.refund(firm.stripe.pay(amount=9_000, currency=CURRENCY, metadata={"invoice_number": "INV-1003"}), 9_000)
    _hear(firm)
    firm.invoice("Acme", "INV-1003", "90.00", late=5)
    firm.settle()
    assert [row.code for row in firm.rows(t.hold, document_id=firm.document("INV-1003").id)] == ["refund_review"]


def test_of_however_many_refunds_each_holds_the_invoice_that_comes_later(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.operations.matching.in_question.PAYMENTS_A_HEAP", 1)
    for number in ("INV-1003", "INV-1004", "INV-1005"):
        paid = firm.stripe.pay(amount=9_000, currency=CURRENCY, metadata={"invoice_number": number})
        firm.stripe.refund(paid, 9_000)
    _hear(firm)
    for number in ("INV-1003", "INV-1004", "INV-1005"):
        firm.invoice("Acme", number, "90.00", late=5)
    firm.settle()
    held = {row.document_id for row in firm.rows(t.hold, code="refund_review")}
    assert held == {firm.document(number).id for number in ("INV-1003", "INV-1004", "INV-1005")}


def test_a_chargeback_before_the_payment_was_applied_holds_what_it_pays(firm: Firm) -> None:
    intent = firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED)
    firm.stripe.dispute(intent)
    _hear(firm)
    assert list(_holds(firm)) == ["chargeback_open"]


def test_a_refund_that_a_person_looked_at_holds_no_more_and_the_next_one_does(firm: Firm) -> None:
    intent = firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED)
    firm.stripe.refund(intent, 7_000)
    _hear(firm)
    _look_at_the_refund(firm)
    firm.settle()
    assert _holds(firm) == {}, "the same refund asks once"
    with pytest.raises(RefusedError, match="no refund or chargeback holds"):
        _look_at_the_refund(firm)
    firm.stripe.refund(intent, 5_000)
    _hear(firm)
    assert list(_holds(firm)) == ["refund_review"]


def test_what_is_left_after_a_refund_is_asked_for_once_a_person_booked_the_rest_and_looked(firm: Firm) -> None:
    intent = _paid_by_card(firm)
    firm.stripe.refund(intent, 5_000)
    _hear(firm)
    assert isinstance(firm.ledger, XeroLedger)
    (payment_id,) = firm.ledger.books.payments
    firm.ledger.books.delete_payment(payment_id)
    firm.settle()
    with pytest.raises(RefusedError, match="not applied"):
        undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="accountant")
    assert "INV-1001" not in _reminded(firm)
    _look_at_the_refund(firm)
    assert "refund_review" not in _holds(firm)
    (told,) = firm.rows(t.event, action="refund_settled")
    assert told.actor == "accountant"


def test_what_a_refund_in_part_leaves_is_money_before_and_after_its_match_is_taken_back(firm: Firm) -> None:
    intent = _paid_by_card(firm)
    firm.stripe.refund(intent, 5_000)
    _hear(firm)
    assert (firm.receipt().state, firm.receipt().status) == ("applied", "received")
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="accountant")
    stands = (firm.receipt().state, firm.receipt().status)
    page = firm.app.vendors.connector(firm.connection(Role.PROCESSOR)).fetch(Kind.PROCESSOR_PAYMENT, [intent])
    with firm.app.store.write() as db:
        absorb(db, connection=firm.connection(Role.PROCESSOR), page=page, read_at=firm.app.clock())
    assert (firm.receipt().state, firm.receipt().status) == stands, "read again it is the same"
    assert [row.word for row in firm.rows(t.past_case)] == ["applied"], "the match was right: nothing counts against it"
    assert list(_holds(firm)) == ["refund_review"], "what was not refunded still pays something"


def test_an_invoice_whose_payment_was_refunded_in_part_is_not_asked_for_in_full_once_its_match_is_taken_back(
    firm: Firm,
) -> None:
    firm.stripe.refund(_paid_by_card(firm), 5_000)
    _hear(firm)
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="accountant")
    firm.settle()
    assert "INV-1001" not in _reminded(firm)
    firm.ledger.pay_by_hand("INV-1001", "70.00", on=TODAY)
    firm.settle()
    _look_at_the_refund(firm)
    assert "INV-1001" in _reminded(firm)


def _look_at_the_refund(firm: Firm) -> None:
    document_id = firm.document("INV-1001").id
    settle_question(firm.app, organisation_id=firm.id, document_id=document_id, actor="accountant")


def test_a_payment_that_the_ledger_refused_and_the_bank_took_back_holds_what_it_was_for(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.period_lock_date = TODAY
    intent = firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED)
    _hear(firm)
    assert firm.receipt().state == "undone"
    firm.stripe.close_dispute(firm.stripe.dispute(intent, reason="insufficient_funds"), won=False)
    _hear(firm)
    assert list(_holds(firm)) == ["chargeback_open"]
    assert "INV-1001" not in _reminded(firm)


def test_what_a_person_said_a_payment_was_not_for_is_free_of_its_chargeback(firm: Firm) -> None:
    intent = _paid_by_card(firm)
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    firm.stripe.dispute(intent)
    _hear(firm)
    assert _holds(firm) == {}


def test_a_chargeback_holds_until_it_is_decided(any_firm: Firm) -> None:
    intent = _paid_by_card(any_firm)
    any_firm.stripe.dispute(intent)
    _hear(any_firm)
    assert list(_holds(any_firm)) == ["chargeback_open"]
    assert any_firm.receipt().dispute == "open"


def test_a_debit_on_its_way_holds_and_a_late_failure_opens_the_invoice_again(any_firm: Firm) -> None:
    assert "INV-1001" in _reminded(any_firm)
    intent = any_firm.stripe.pay(amount=12_000, currency=CURRENCY, method="bacs_debit", metadata=NAMED)
    _hear(any_firm)
    assert any_firm.receipt().state == "in_flight"
    assert any_firm.ledger.payments() == [], "money on its way settles nothing"
    for _ in range(4):  # SEPA's take up to fourteen banking days
        assert "INV-1001" not in _reminded(any_firm)
        any_firm.time.advance(days=5)
        any_firm.settle()
    any_firm.stripe.fail(intent)
    _hear(any_firm)
    assert any_firm.receipt().status == "failed"
    assert "INV-1001" in _reminded(any_firm)
    assert any_firm.ledger.payments() == []


def test_a_debit_that_arrives_is_applied_and_posted(any_firm: Firm) -> None:
    intent = any_firm.stripe.pay(amount=12_000, currency=CURRENCY, method="bacs_debit", metadata=NAMED)
    _hear(any_firm)
    any_firm.stripe.settle(intent)
    _hear(any_firm)
    assert any_firm.receipt().state == "applied"
    assert any_firm.ledger.balance("INV-1001") == 0


def test_what_the_accountant_recorded_already_is_not_posted_again(any_firm: Firm) -> None:
    any_firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY)
    any_firm.settle()
    any_firm.import_lines(money_in("L1", "120.00", "ACME LTD", "INV-1001"))
    any_firm.settle()
    assert any_firm.receipt().state == "recorded"
    assert any_firm.rows(t.outbox) == []
    assert any_firm.ledger.payments() == [Decimal(120)]


def test_a_card_payment_that_another_app_recorded_is_not_posted_again(any_firm: Firm) -> None:
    intent = any_firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=NAMED)
    any_firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY, reference=f"Stripe {intent}"[:60])
    any_firm.settle()
    assert any_firm.receipt().state == "recorded"
    assert any_firm.ledger.payments() == [Decimal(120)]


def test_money_coded_straight_to_income_holds_the_invoice_it_may_pay_and_asks(any_firm: Firm) -> None:
    assert "INV-2001" in _reminded(any_firm)
    any_firm.ledger.code_to_income("300.00", on=TODAY, memo="Bolt INV-2001")
    any_firm.settle()
    assert any_firm.problems() == ["coded_receipt"]
    assert any_firm.receipt().state == "coded"
    assert _reminded(any_firm) == {"INV-1001", "INV-1002"}


def test_coded_money_that_the_bank_shows_later_is_not_posted_beside_it(any_firm: Firm) -> None:
    any_firm.ledger.code_to_income("300.00", on=TODAY, memo="Bolt INV-2001")
    any_firm.settle()
    any_firm.import_lines(money_in("L1", "300.00", "Bolt", "payment Bolt INV-2001"))
    any_firm.settle()
    states = {row.source: row.state for row in any_firm.rows(t.receipt)}
    assert states == {"ledger": "coded", "bank": "recorded"}
    assert any_firm.ledger.payments() == []
    assert "INV-2001" not in _reminded(any_firm)


def test_coded_money_explains_one_bank_line_only(firm: Firm) -> None:
    firm.ledger.code_to_income("300.00", on=TODAY, memo="Bolt INV-2001")
    firm.settle()
    lines = [money_in(reference, "300.00", "Bolt", "payment Bolt INV-2001") for reference in ("L1", "L2")]
    firm.import_lines(*lines)
    match_receipts(firm.app, firm.id)
    states = sorted(row.state for row in firm.rows(t.receipt) if row.source == "bank")
    assert states.count("recorded") == 1


def test_a_refund_that_failed_leaves_the_invoice_paid_and_is_told(firm: Firm) -> None:
    refund = firm.stripe.refund(_paid_by_card(firm), 5_000)
    _hear(firm)
    firm.stripe.fail_refund(refund)
    _hear(firm)
    assert _holds(firm) == {}
    assert firm.problems() == ["refund_failed"]
    assert (firm.receipt().state, firm.receipt().status, firm.receipt().refunded_minor) == ("applied", "received", 0)


def test_a_refund_that_failed_after_the_invoice_was_opened_again_is_asked_about_and_holds(firm: Firm) -> None:
    refund = firm.stripe.refund(_paid_by_card(firm))
    _hear(firm)
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    assert _holds(firm) == {}, "opening the invoice again is the choice that a refund waits for"
    assert "INV-1001" in _reminded(firm)
    firm.stripe.fail_refund(refund)
    _hear(firm)
    assert "INV-1001" not in _reminded(firm)
    assert [row.state for row in firm.rows(t.proposal)] == ["pending"]
    assert firm.problems() == ["refund_failed"]


def test_money_of_a_refund_that_failed_holds_what_it_may_pay_for_as_long_as_money_that_is_new(firm: Firm) -> None:
    intent = firm.stripe.pay(amount=8_400, currency=CURRENCY, metadata=NAMED)
    _hear(firm)
    assert firm.receipt().state == "suggested", "70 % of the invoice: a person is asked whether the rest was withheld"
    refund = firm.stripe.refund(intent)
    _hear(firm)
    firm.time.advance(days=PROBABLY_PAID_DAYS + 1)
    firm.stripe.fail_refund(refund)
    _hear(firm)
    assert _holds(firm) == {}
    assert "INV-1001" not in _reminded(firm)
    firm.time.advance(days=PROBABLY_PAID_DAYS + 1)
    assert "INV-1001" in _reminded(firm), "the bound is the same"


def test_a_payout_that_came_back_is_taken_out_of_the_ledger(firm: Firm) -> None:
    intent = _paid_by_card(firm)
    payout = firm.stripe.pay_out([intent], arrival_on=TODAY)
    _hear(firm)
    (kept,) = firm.rows(t.payout)
    amount = Decimal(kept.amount_minor) / 100
    firm.import_lines(money_in("P1", str(amount), "STRIPE PAYMENTS", f"STRIPE {payout}"))
    firm.settle()
    posted = [row for row in firm.rows(t.outbox) if row.intent["intent"] == "post_payout"]
    assert [row.state for row in posted] == ["done"]
    firm.stripe.fail_payout(payout)
    _hear(firm)
    firm.settle()
    assert firm.problems() == ["payout_failed"]
    (undone,) = [row for row in firm.rows(t.outbox) if row.intent["intent"] == "undo_posting"]
    assert (undone.state, undone.intent["external_ids"]) == ("done", posted[0].external_ids)
    (line,) = firm.rows(t.receipt, source="bank")
    assert line.state == "undone", "the line pays no invoice"
    assert firm.rows(t.payout)[0].receipt_id is None


def test_of_two_equal_payouts_a_bank_line_is_the_one_that_it_names(firm: Firm) -> None:
    first = firm.stripe.pay_out([_paid_by_card(firm)], arrival_on=TODAY)
    second = firm.stripe.pay_out([firm.stripe.pay(amount=12_000, currency=CURRENCY)], arrival_on=TODAY)
    _hear(firm)
    amounts = {row.external_id: row.amount_minor for row in firm.rows(t.payout)}
    assert amounts[first] == amounts[second]
    earlier, later = sorted(firm.rows(t.payout), key=lambda row: str(row.id))
    firm.import_lines(money_in("P1", str(Decimal(later.amount_minor) / 100), "STRIPE", f"STRIPE {later.external_id}"))
    firm.settle()
    lines = {row.external_id: row.receipt_id for row in firm.rows(t.payout)}
    assert lines[earlier.external_id] is None
    assert lines[later.external_id] == firm.rows(t.receipt, source="bank")[0].id


def test_what_the_balance_lacks_is_taken_from_the_bank_and_posted_the_other_way_round(any_firm: Firm) -> None:
    firm = any_firm
    intent = _paid_by_card(firm)
    firm.stripe.pay_out([intent], arrival_on=TODAY)
    firm.stripe.dispute(intent)
    _hear(firm)
    payout = firm.stripe.debit_bank(arrival_on=TODAY)
    lacking = -firm.stripe.payouts[payout]["amount"]
    assert lacking > 12_000, "the chargeback and its fee"
    debit = money_in("D1", str(Decimal(-lacking) / 100), "STRIPE PAYMENTS", "STRIPE DEBIT")
    firm.import_lines(debit)
    firm.work()
    assert [row.state for row in firm.rows(t.debit)] == ["out"], "the bank told first"
    _hear(firm)
    firm.settle()
    (kept,) = firm.rows(t.debit)
    assert kept.state == "payout"
    (posted,) = [row for row in firm.rows(t.outbox) if row.intent["intent"] == "post_payout"]
    assert (posted.state, posted.subject, posted.intent["amount"]["minor"]) == ("done", kept.id, -lacking)
    assert _leaves_the_bank(firm)
    firm.import_lines(debit, name="again.xml")
    firm.settle()
    assert [row.intent["intent"] for row in firm.rows(t.outbox)].count("post_payout") == 1
    firm.stripe.fail_payout(payout)
    _hear(firm)
    firm.settle()
    (problem,) = firm.rows(t.problem, code="payout_failed")
    assert "it came back" in problem.text
    (undone,) = [row for row in firm.rows(t.outbox) if row.intent["intent"] == "undo_posting"]
    assert (undone.state, undone.intent["external_ids"]) == ("done", posted.external_ids)


def _leaves_the_bank(firm: Firm) -> bool:
    """Whether the only payout that the ledger shows takes its money from the bank account."""
    books: Any = firm.ledger.books  # type: ignore[attr-defined]
    if firm.ledger.system == "xero":
        (transfer,) = books.bank_transfers.values()
        return bool(transfer["FromBankAccount"]["Code"] == firm.ledger.bank)
    (entry,) = books.journal_entries.values()
    sides: dict[str, str] = {
        detail["AccountRef"]["value"]: detail["PostingType"]
        for detail in (line["JournalEntryLineDetail"] for line in entry["Line"])
    }
    return sides[firm.ledger.bank] == "Credit"


def test_the_debit_of_a_payout_that_the_bank_sent_back_is_no_return_of_a_customers_payment(firm: Firm) -> None:
    payout = firm.stripe.pay_out([_paid_by_card(firm)], arrival_on=TODAY)
    _hear(firm)
    amount = Decimal(firm.stripe.payouts[payout]["amount"]) / 100
    firm.import_lines(
        money_in("P1", str(amount), "STRIPE PAYMENTS", "STRIPE TRANSFER"),
        money_in("P2", str(-amount), "STRIPE PAYMENTS", "STRIPE RETURNED ITEM", on=TODAY),
    )
    firm.settle()
    assert [row.state for row in firm.rows(t.debit)] == ["out"], "the processor has not told yet"
    firm.stripe.fail_payout(payout)
    _hear(firm)
    firm.settle()
    assert [row.state for row in firm.rows(t.debit)] == ["payout"]
    assert [row.state for row in firm.rows(t.receipt, source="bank")] == ["undone"]
    assert firm.problems() == ["payout_failed"]


def test_an_account_that_takes_its_consent_back_is_lost_and_nobody_is_reminded_without_it(firm: Firm) -> None:
    firm.switch_sending()
    (grant,) = [each for each in firm.estate.stripe.oauth.grants.values() if firm.stripe.account_id in each.accounts]
    application = {"id": "ca_1", "name": "TrueDue", "object": "application"}
    firm.stripe.emit("account.application.deauthorized", application)
    _hear(firm)
    assert firm.connection(Role.PROCESSOR).status == "connected", "a stale notice ends no consent that still holds"
    grant.revoked = True
    firm.stripe.emit("account.application.deauthorized", application)
    _hear(firm)
    assert [row.status for row in firm.rows(t.connection, system="stripe")] == ["broken"]
    assert firm.problems() == ["connection_lost"]
    firm.time.advance(hours=1)
    remind_organisation(firm.app, firm.id)
    assert [row for row in firm.rows(t.reminder) if row.state == "sent"] == []
