"""A person books money by hand in the ledger, and nobody tells us: it is read before that money is posted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from werkzeug.wrappers import Request, Response

from receivables.money import Money
from runtime.operations.matching import decide
from runtime.operations.matching.decide import confirm
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.faults import is_write, unavailable
from tests.operations.firm import CURRENCY, Firm, money_in

EXACT = money_in("L1", "120.00", "ACME LTD", "INV-1001")
PART = money_in("L1", "50.00", "ACME LTD", "INV-1001")


def test_money_booked_by_hand_after_the_last_reading_is_not_posted(any_firm: Firm) -> None:
    any_firm.ledger.pay_by_hand("INV-1001", "120.00", on=any_firm.time().date())
    any_firm.time.advance(seconds=20)
    any_firm.import_lines(EXACT)
    any_firm.work()
    assert any_firm.receipt().state == "recorded"
    assert any_firm.ledger.payments() == [Decimal("120.00")]
    assert any_firm.document("INV-1001").status == "paid", "its invoice is read again at once"
    any_firm.settle()
    assert any_firm.ledger.payments() == [Decimal("120.00")]
    assert any_firm.problems() == []


def test_a_part_booked_by_hand_before_its_line_is_confirmed_is_not_posted(any_firm: Firm) -> None:
    any_firm.import_lines(PART)
    any_firm.work()
    any_firm.ledger.pay_by_hand("INV-1001", "50.00", on=any_firm.time().date())
    any_firm.time.advance(seconds=20)
    confirm(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    any_firm.work()
    assert any_firm.receipt().state == "recorded"
    assert [row.undone_at is None for row in any_firm.rows(t.allocation)] == [False]
    any_firm.settle()
    assert any_firm.ledger.payments() == [Decimal("50.00")]
    assert any_firm.document("INV-1001").balance_minor == 7_000


def test_money_coded_to_income_by_hand_is_not_posted_beside_it(any_firm: Firm) -> None:
    any_firm.ledger.code_to_income("120.00", on=any_firm.time().date(), memo="INV-1001")
    any_firm.time.advance(minutes=2)
    any_firm.import_lines(EXACT)
    any_firm.work()
    assert any_firm.receipt().state == "coded"
    any_firm.settle()
    assert any_firm.ledger.payments() == []
    assert any_firm.problems() == ["coded_receipt"]


@pytest.mark.parametrize(("hours", "posted"), [(2, ["50.00"]), (0, ["50.00", "50.00"])])
def test_a_card_payment_that_waited_and_was_booked_by_hand_is_not_posted(
    any_firm: Firm, hours: int, posted: list[str]
) -> None:
    """Nothing in the ledger names it: of one that came a moment ago, another payment of that amount says nothing."""
    firm = any_firm
    firm.show_card_payment(amount=Money(5_000, CURRENCY), payer_name="Bolt", invoice_numbers=("INV-2001",))
    firm.ledger.standin.interceptor = unavailable
    firm.work()
    firm.time.advance(hours=hours)
    firm.ledger.standin.interceptor = None
    firm.ledger.pay_by_hand("INV-2001", "50.00", on=firm.time().date())
    firm.time.advance(seconds=20)
    firm.work(minutes=10)
    firm.settle()
    assert firm.ledger.payments() == [Decimal(amount) for amount in posted]
    assert firm.receipt().state == ("recorded" if hours else "applied")


def test_a_card_payment_that_was_asked_about_and_then_booked_by_hand_is_recorded(any_firm: Firm) -> None:
    """Its invoice shows less by then: what is left of it must not be taken for what the payment paid too much."""
    firm = any_firm
    firm.show_card_payment(amount=Money(20_000, CURRENCY), payer_name="Bolt", invoice_numbers=("INV-2001",))
    firm.ledger.standin.interceptor = unavailable
    firm.work()
    decide.undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.ledger.standin.interceptor = None
    firm.time.advance(hours=2)
    firm.ledger.pay_by_hand("INV-2001", "200.00", on=firm.time().date())
    firm.settle()
    assert firm.receipt().state == "recorded"
    assert firm.ledger.payments() == [Decimal("200.00")]
    assert firm.document("INV-2001").balance_minor == 10_000


def test_what_cannot_be_asked_about_waits_and_is_posted_once(any_firm: Firm) -> None:
    def unread(request: Request, handle: Callable[[], Response]) -> Response:
        return handle() if is_write(request) else Response("down for maintenance", status=503)

    any_firm.time.advance(seconds=20)
    any_firm.import_lines(EXACT)
    any_firm.ledger.standin.interceptor = unread
    any_firm.work()
    assert any_firm.ledger.payments() == []
    (row,) = any_firm.rows(t.outbox)
    assert (row.state, row.in_doubt) == (queues.NEW, False), "nothing was written that would have to be looked up"
    any_firm.ledger.standin.interceptor = None
    any_firm.work(minutes=5)
    assert any_firm.ledger.payments() == [Decimal("120.00")]
    assert any_firm.receipt().state == "applied"


def test_one_line_after_another_costs_one_reading(any_firm: Firm) -> None:
    any_firm.time.advance(seconds=20)
    asked: list[str] = []

    def count(request: Request, handle: Callable[[], Response]) -> Response:
        asked.append(request.path if not is_write(request) else "write")
        return handle()

    any_firm.ledger.standin.interceptor = count
    for number, (invoice, amount, payer) in enumerate(
        [("INV-1001", "120.00", "ACME LTD"), ("INV-1002", "75.50", "ACME LTD"), ("INV-2001", "300.00", "BOLT LTD")]
    ):
        any_firm.import_lines(money_in(f"L{number}", amount, payer, invoice), name=f"{number}.xml")
        any_firm.work()
    assert len(any_firm.ledger.payments()) == 3
    assert len([each for each in asked if each != "write"]) <= 2
