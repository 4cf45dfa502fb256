"""Money that we know of is never forgotten, so that nobody who paid is reminded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, update

from connectors.contract import Role
from connectors.records import Kind, Page, ProcessorState
from receivables.money import Money
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import confirm, reject
from runtime.operations.matching.match import match_receipts
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.remind import remind_organisation
from runtime.operations.reminding.withdraw import SENDING, withdraw_reminders
from runtime.operations.systems.absorb.page import absorb
from runtime.store import tables as t
from tests.operations.firm import CURRENCY, TODAY, Firm, XeroLedger, money_in

EXACT = money_in("L1", "120.00", "ACME LTD", "INV-1001")
VAGUE = money_in("L2", "300.00", "A PERSON", "thank you")


def _reminded(firm: Firm) -> set[str]:
    """The numbers of the invoices that reminders named."""
    text = "".join(row.body_text for row in firm.rows(t.reminder) if row.sent_at is not None)
    return {row.number for row in firm.rows(t.document) if row.number in text}


def test_money_whose_posting_the_ledger_refuses_still_holds_what_it_pays(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.switch_sending()
    firm.ledger.books.period_lock_date = TODAY
    firm.import_lines(EXACT)
    firm.settle()
    remind_organisation(firm.app, firm.id)
    assert _reminded(firm) == {"INV-1002", "INV-2001"}


def test_a_refused_posting_can_be_confirmed_again_once_the_ledger_takes_it(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.period_lock_date = TODAY
    firm.import_lines(EXACT)
    firm.settle()
    firm.ledger.books.period_lock_date = None
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    assert firm.ledger.payments() == [Decimal("120.00")]
    assert firm.document("INV-1001").status == "paid"


def test_money_withdraws_a_reminder_that_is_certified_and_not_yet_handed_over(firm: Firm) -> None:
    plan_reminders(firm.app, firm.id)
    bolt = firm.document("INV-2001")
    with firm.app.store.write() as db:
        db.execute(update(t.reminder).values(state=SENDING))
        withdraw_reminders(db, organisation_id=firm.id, document_ids=[bolt.id], why="it was paid", at=firm.app.clock())
    states = {row.customer_id: row.state for row in firm.rows(t.reminder)}
    assert states[bolt.customer_id] == "withdrawn"


def test_a_receipt_of_the_ledger_that_was_deleted_there_is_matched_again(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    payment = firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY)
    firm.settle()
    firm.import_lines(EXACT)
    firm.settle()
    assert firm.receipt().state == "recorded"
    firm.ledger.books.delete_payment(payment)
    firm.time.advance(minutes=3)
    firm.settle()
    assert firm.receipt().state == "applied"
    assert firm.ledger.payments() == [Decimal("120.00")]


def test_refunded_money_cannot_be_confirmed(firm: Firm) -> None:
    firm.import_lines(VAGUE)
    firm.work()
    with firm.app.store.write() as db:
        db.execute(update(t.receipt).values(status="refunded", refunded_minor=30_000))
    with pytest.raises(RefusedError):
        confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    assert firm.rows(t.allocation) == []


def test_new_money_is_matched_however_much_waits_for_a_person(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.operations.matching.match.MAX_RECEIPTS", 2)
    firm.import_lines(
        *(money_in(f"U{n}", f"{n}7.31", "NOBODY", "no reference", on=TODAY - timedelta(days=3)) for n in range(1, 4))
    )
    firm.work()
    firm.import_lines(EXACT, name="second.xml")
    firm.work()
    assert firm.ledger.payments() == [Decimal("120.00")]


def test_money_that_came_before_its_invoice_is_matched_however_much_older_waits(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.operations.matching.match.MAX_RECEIPTS", 2)
    firm.import_lines(
        *(money_in(f"U{n}", f"{n}7.31", "NOBODY", "no reference", on=TODAY - timedelta(days=3)) for n in range(1, 4)),
        name="first.xml",
        on=TODAY - timedelta(days=3),
    )
    firm.work()
    firm.import_lines(money_in("L9", "48.20", "ACME", "INV-1009"), name="second.xml")
    firm.work()
    firm.invoice("Acme", "INV-1009", "48.20", late=5)
    firm.settle()
    assert firm.ledger.payments() == [Decimal("48.20")]


def test_money_booked_by_hand_after_its_statement_was_imported_is_recognised(firm: Firm) -> None:
    firm.import_lines(money_in("L3", "75.00", "ACME", "thanks"))
    firm.work()
    assert firm.receipt().state in ("suggested", "unidentified")
    firm.ledger.pay_by_hand("INV-1002", "75.00", on=TODAY)
    firm.settle()
    match_receipts(firm.app, firm.id)
    assert firm.receipt().state == "recorded"
    assert [row.state for row in firm.rows(t.proposal)] == ["settled"]


def _processor(firm: Firm, state: ProcessorState, refunded: int = 0) -> None:
    """The processor shows one payment of INV-1001 as it is now."""
    firm.show_card_payment(state=state, refunded=Money(refunded, CURRENCY))
    match_receipts(firm.app, firm.id)


def test_a_debit_that_failed_late_and_was_tried_again_is_matched(firm: Firm) -> None:
    for state in (ProcessorState.SUCCEEDED, ProcessorState.FAILED):
        _processor(firm, state)
    assert firm.receipt().state == "undone"
    _processor(firm, ProcessorState.SUCCEEDED)
    assert firm.receipt().state == "applied"


def test_what_is_left_of_a_payment_refunded_before_it_was_matched_holds_its_invoice(firm: Firm) -> None:
    firm.switch_sending()
    _processor(firm, ProcessorState.SUCCEEDED, refunded=1_000)
    remind_organisation(firm.app, firm.id)
    assert _reminded(firm) == {"INV-1002", "INV-2001"}
    assert firm.rows(t.allocation) == []
    with pytest.raises(RefusedError, match="in part"):
        confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")


def test_what_a_person_refused_is_not_applied_by_itself_later(firm: Firm) -> None:
    firm.import_lines(EXACT)
    with firm.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.number == "INV-1001").values(balance_minor=0))
    match_receipts(firm.app, firm.id)
    with firm.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.number == "INV-1001").values(balance_minor=12_000))
        wanted = [{"item_id": firm.document("INV-1001").id, "amount": {"minor": 12_000, "currency": "GBP"}}]
        body: dict[str, object] = {
            "best": {"allocations": wanted},
            "runner_up": None,
            "reasons": [],
            "customer_id": None,
        }
        db.execute(update(t.proposal).values(body=body, state="pending"))
    reject(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    match_receipts(firm.app, firm.id)
    assert firm.rows(t.allocation) == []


def test_an_older_reading_does_not_bring_a_deleted_payment_back(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    ledger = firm.connection(Role.LEDGER)
    payment = firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY)
    before = firm.app.clock()
    page = firm.app.vendors.connector(ledger).fetch(Kind.PAYMENT, [payment])
    firm.ledger.books.delete_payment(payment)
    for seconds, shown in ((0, page), (2, _gone(page)), (1, page)):
        with firm.app.store.write() as db:
            absorb(db, connection=ledger, page=shown, read_at=before + timedelta(seconds=seconds))
    assert [row.deleted for row in firm.rows(t.ledger_payment)] == [True]


def test_a_message_that_never_left_leaves_its_slot_to_the_next(firm: Firm) -> None:
    plan_reminders(firm.app, firm.id)
    bolt = firm.document("INV-2001")
    (mine,) = [row for row in firm.rows(t.reminder) if row.customer_id == bolt.customer_id]
    slot = {"document_id": bolt.id, "level": 1, "channel": "email", "organisation_id": firm.id, "reminder_id": mine.id}
    with firm.app.store.write() as db:
        db.execute(insert(t.reminder_slot).values(slot))
        withdraw_reminders(db, organisation_id=firm.id, document_ids=[bolt.id], why="paid", at=firm.app.clock())
    assert firm.rows(t.reminder_slot) == []


def _gone(page: Page) -> Page:
    return Page(tuple(replace(record, deleted=True) for record in page.records))


def _pay_by_card(firm: Firm, number: str, minor: int) -> str:
    return firm.stripe.pay(amount=minor, currency=CURRENCY, metadata={"invoice_number": number})


def _booked_elsewhere(firm: Firm) -> None:
    """A first card payment is booked by another app, which we learn from."""
    first = _pay_by_card(firm, "INV-1001", 12_000)
    firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY, reference=f"Stripe {first}"[:60])
    firm.settle()
    assert firm.receipt().state == "recorded"


def test_a_card_payment_that_another_app_books_minutes_later_is_posted_once(firm: Firm) -> None:
    firm.switch_sending()
    _booked_elsewhere(firm)
    second = _pay_by_card(firm, "INV-2001", 30_000)
    firm.settle()
    assert firm.ledger.payments() == [Decimal("120.00")], "the other app is given its time"
    remind_organisation(firm.app, firm.id)
    assert "INV-2001" not in _reminded(firm)
    firm.time.advance(minutes=6)
    firm.ledger.pay_by_hand("INV-2001", "300.00", on=TODAY, reference=f"Stripe {second}"[:60])
    firm.settle()
    firm.time.advance(minutes=20)
    firm.settle()
    assert firm.ledger.payments() == [Decimal("120.00"), Decimal("300.00")]
    assert {row.state for row in firm.rows(t.receipt)} == {"recorded"}


def test_a_card_payment_that_nobody_else_books_is_posted_after_the_wait(firm: Firm) -> None:
    _booked_elsewhere(firm)
    _pay_by_card(firm, "INV-2001", 30_000)
    firm.settle()
    firm.time.advance(minutes=16)
    firm.settle()
    assert firm.ledger.payments() == [Decimal("120.00"), Decimal("300.00")]
    assert sorted(row.state for row in firm.rows(t.receipt)) == ["applied", "recorded"]
