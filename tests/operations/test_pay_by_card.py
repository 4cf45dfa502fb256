"""A payer pays by card: the page asks for what is open, its payment is applied by itself, and beginning is no dodge."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from werkzeug.wrappers import Request, Response

from connectors.contract import Role
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.checkouts import LIFETIME, begun
from runtime.operations.payers.pay_by_card import (
    HOLDING_A_WEEK,
    MAX_A_DAY,
    MAX_INVOICES,
    pay_by_card,
    switch_card_payments,
)
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.systems.disconnect import disconnect
from runtime.store import tables as t
from sandbox.standin import json_response
from tests.operations.firm import Firm

SECONDS = 10.0
BACK_TO = "http://127.0.0.1:8000/p/token"


@pytest.fixture
def taking(firm: Firm) -> Firm:
    """A firm that takes cards."""
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    return firm


def _open(firm: Firm, *numbers: str, part: str = "", customer: str = "") -> str:
    documents = [firm.document(number) for number in numbers]
    return pay_by_card(
        firm.app,
        organisation_id=firm.id,
        customer_id=customer or documents[0].customer_id,
        document_ids=[each.id for each in documents],
        part=part,
        back_to=BACK_TO,
    )


def _pay(firm: Firm, address: str) -> str:
    """Pay as a browser does on the processor's page; where it is led to then."""
    answer = requests.post(address, allow_redirects=False, timeout=SECONDS)
    assert answer.status_code == 303
    firm.deliver_webhooks()
    firm.work()
    return answer.headers["Location"]


def _reminded(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    ids = {row.id: row.number for row in firm.rows(t.document)}
    return {ids[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


def _sessions(firm: Firm) -> list[dict[str, Any]]:
    return list(firm.stripe.checkout_sessions.values())


def test_what_is_paid_there_is_applied_by_itself(taking: Firm) -> None:
    assert _pay(taking, _open(taking, "INV-1001", "INV-1002")) == f"{BACK_TO}?notice=paying"
    assert (taking.receipt().state, taking.receipt().amount_minor) == ("applied", 19_550)
    assert taking.ledger.balance("INV-1001") == taking.ledger.balance("INV-1002") == 0
    assert _sessions(taking)[0]["customer_email"] == "acme@example.com"


def test_a_part_leaves_the_rest_open(taking: Firm) -> None:
    _pay(taking, _open(taking, "INV-1001", part="50.00"))
    assert taking.ledger.balance("INV-1001") == Decimal("70.00")


def test_the_page_asks_for_what_is_open_now(taking: Firm) -> None:
    taking.ledger.pay_by_hand("INV-1001", "100.00", on=taking.time().date())
    taking.settle()
    _open(taking, "INV-1001")
    assert _sessions(taking)[0]["amount_total"] == 2_000


def test_a_payment_that_was_begun_holds_for_an_hour_at_most(taking: Firm) -> None:
    assert _reminded(taking) == {"INV-1001", "INV-1002", "INV-2001"}
    _open(taking, "INV-1001")
    withdrawn = [row.document_id for row in taking.rows(t.reminder_item, state="withdrawn")]
    assert withdrawn == [taking.document("INV-1001").id]
    assert _reminded(taking) == {"INV-1002", "INV-2001"}
    taking.time.advance(seconds=LIFETIME.total_seconds())
    assert _reminded(taking) == {"INV-1001", "INV-1002", "INV-2001"}


def test_beginning_again_and_again_puts_no_reminder_off(taking: Firm) -> None:
    for _ in range(HOLDING_A_WEEK):
        _open(taking, "INV-1001")
        assert "INV-1001" not in _reminded(taking)
        taking.time.advance(seconds=LIFETIME.total_seconds())
    _open(taking, "INV-1001")
    assert "INV-1001" in _reminded(taking)
    assert _pay(taking, _sessions(taking)[-1]["url"])
    assert taking.ledger.balance("INV-1001") == 0


def test_a_page_for_the_same_serves_again_until_it_is_paid(taking: Firm) -> None:
    address = _open(taking, "INV-1001")
    assert _open(taking, "INV-1001") == address
    other = _open(taking, "INV-1001", part="20.00")
    assert other != address
    _pay(taking, other)
    with taking.app.store.read() as db:
        assert not begun(db, taking.id, taking.time())
    assert _open(taking, "INV-1001") not in (address, other)
    assert len(_sessions(taking)) == 3


def test_nothing_is_offered_before_it_was_switched_on(firm: Firm) -> None:
    with pytest.raises(RefusedError, match="not offered"):
        _open(firm, "INV-1001")
    disconnect(firm.app, organisation_id=firm.id, role=Role.PROCESSOR, actor="owner")
    with pytest.raises(RefusedError, match="connect Stripe first"):
        switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")


def test_a_lost_processor_takes_no_cards(taking: Firm) -> None:
    disconnect(taking.app, organisation_id=taking.id, role=Role.PROCESSOR, actor="owner")
    with pytest.raises(RefusedError, match="bank transfer"):
        _open(taking, "INV-1001")


def test_only_what_is_open_and_theirs_can_be_paid(taking: Firm) -> None:
    stranger = taking.document("INV-2001").customer_id
    for numbers, customer in ((("INV-1001",), stranger), (("INV-1001", "INV-2001"), "")):
        with pytest.raises(RefusedError, match="not open any more"):
            _open(taking, *numbers, customer=customer)
    _pay(taking, _open(taking, "INV-1001"))
    with pytest.raises(RefusedError, match="not open any more"):
        _open(taking, "INV-1001")


def test_what_is_on_its_way_is_not_paid_twice(taking: Firm) -> None:
    metadata = {"invoice_number": "INV-1001"}
    taking.stripe.pay(amount=12_000, currency="GBP", metadata=metadata, method="bacs_debit")
    taking.deliver_webhooks()
    taking.work()
    with pytest.raises(RefusedError, match="INV-1001 is on its way"):
        _open(taking, "INV-1001")


def test_what_a_payment_on_its_way_leaves_can_be_paid_and_no_more(taking: Firm) -> None:
    metadata = {"invoice_number": "INV-1001"}
    intent = taking.stripe.pay(amount=2_000, currency="GBP", metadata=metadata, method="bacs_debit")
    taking.deliver_webhooks()
    taking.work()
    with pytest.raises(InputError, match="at most"):
        _open(taking, "INV-1001", part="100.01")
    with pytest.raises(InputError, match="paid by itself"):
        _open(taking, "INV-1001", "INV-1002")
    _pay(taking, _open(taking, "INV-1001"))
    assert [each["amount_total"] for each in _sessions(taking)] == [10_000]
    taking.stripe.settle(intent)
    taking.deliver_webhooks()
    taking.settle()
    assert taking.ledger.balance("INV-1001") == 0
    assert {row.state for row in taking.rows(t.receipt)} == {"applied"}


@pytest.mark.parametrize("part", ["0", "-5", "120.01", "12.345", "much", "1e400"])
def test_a_part_is_some_of_what_is_open(taking: Firm, part: str) -> None:
    with pytest.raises(InputError):
        _open(taking, "INV-1001", part=part)
    assert not taking.rows(t.checkout)


def test_a_choice_is_bounded(taking: Firm) -> None:
    one = taking.document("INV-1001")
    chosen: dict[str, Any] = {"organisation_id": taking.id, "customer_id": one.customer_id, "back_to": BACK_TO}
    for ids, part in (([], ""), ([f"doc-{at}" for at in range(MAX_INVOICES + 1)], "")):
        with pytest.raises(InputError):
            pay_by_card(taking.app, document_ids=ids, part=part, **chosen)
    with pytest.raises(InputError, match="one invoice at a time"):
        _open(taking, "INV-1001", "INV-1002", part="5.00")


def test_a_payer_cannot_have_the_processor_called_without_end(taking: Firm) -> None:
    for pence in range(MAX_A_DAY):
        _open(taking, "INV-1001", part=f"1.{pence:02d}")
    with pytest.raises(RefusedError, match="tomorrow"):
        _open(taking, "INV-1001")
    taking.time.advance(seconds=timedelta(days=1).total_seconds())
    assert _open(taking, "INV-1001")


@pytest.mark.parametrize(
    ("status", "problems"),
    [(400, ["checkout_not_opened"]), (403, ["checkout_not_opened"]), (500, []), (429, [])],
)
def test_a_page_that_is_not_opened_holds_nothing(taking: Firm, status: int, problems: list[str]) -> None:
    def refuse(request: Request, handle: Any) -> Response:  # noqa: ANN401 - the stand-in's next step
        if request.path != "/v1/checkout/sessions":
            answer: Response = handle()
            return answer
        error = {"type": "invalid_request_error", "message": "Amount is too small."}
        return json_response({"error": error}, status)

    taking.estate.stripe.interceptor = refuse
    with pytest.raises(RefusedError, match="does not work just now"):
        _open(taking, "INV-1001")
    assert not taking.rows(t.checkout)
    assert "INV-1001" in _reminded(taking)
    assert taking.problems() == problems
    taking.estate.stripe.interceptor = None
    taking.time.advance(minutes=10)
    assert _open(taking, "INV-1001")
    assert not taking.problems()
