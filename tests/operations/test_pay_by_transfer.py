"""A payer pays by bank transfer to an account that Stripe keeps for them: only what came of it is money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests
from sqlalchemy import update
from werkzeug.wrappers import Request, Response

from connectors.contract import Role
from receivables.money import Money
from runtime.operations.errors import RefusedError
from runtime.operations.payers.checkouts import LIFETIME
from runtime.operations.payers.pay_by_card import pay_by_card, switch_card_payments
from runtime.operations.payers.pay_by_transfer import switch_transfers, transfers_in
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.systems.disconnect import disconnect
from runtime.operations.views.receipts import held_cash
from runtime.store import connections
from runtime.store import tables as t
from sandbox.standin import json_response
from tests.operations.firm import CURRENCY, Firm

SECONDS = 10.0
BACK_TO = "http://127.0.0.1:8000/p/token"
GBP = CURRENCY.lower()


@pytest.fixture
def taking(any_firm: Firm) -> Firm:
    """A firm that takes cards and transfers."""
    for switch in (switch_card_payments, switch_transfers):
        switch(any_firm.app, organisation_id=any_firm.id, on=True, actor="owner")
    return any_firm


def _open(firm: Firm, *numbers: str, part: str = "", by_transfer: bool = True) -> str:
    documents = [firm.document(number) for number in numbers]
    return pay_by_card(
        firm.app,
        organisation_id=firm.id,
        customer_id=documents[0].customer_id,
        document_ids=[each.id for each in documents],
        part=part,
        back_to=BACK_TO,
        by_transfer=by_transfer,
    )


def _ask_where_to(firm: Firm, address: str) -> str:
    """Ask on the processor's page where to transfer the money to; where the payer is led to then."""
    answer = requests.post(address, allow_redirects=False, timeout=SECONDS)
    assert answer.status_code == 303
    _hear(firm)
    return answer.headers["Location"]


def _hear(firm: Firm) -> None:
    firm.deliver_webhooks()
    firm.work()


def _reminded(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    ids = {row.id: row.number for row in firm.rows(t.document)}
    return {ids[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


def _payer(firm: Firm) -> str:
    (row,) = firm.rows(t.payer_account)
    return str(row.external_id)


def _sessions(firm: Firm) -> list[dict[str, Any]]:
    return list(firm.stripe.checkout_sessions.values())


def _held(firm: Firm) -> list[tuple[str | None, Money]]:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        return [(row.customer, row.amount) for row in held_cash(db, organisation)]


def test_what_is_transferred_is_applied_by_itself(taking: Firm) -> None:
    assert _ask_where_to(taking, _open(taking, "INV-1001", "INV-1002")) == f"{BACK_TO}?notice=transferring"
    (session,) = _sessions(taking)
    assert (session["payment_method_types"], session["customer"]) == (["customer_balance"], _payer(taking))
    assert (session["status"], session["payment_status"]) == ("complete", "unpaid")
    assert taking.rows(t.receipt) == [], "to be told where to send money is no money"
    taking.time.advance(days=2)
    taking.stripe.transfer_in(_payer(taking), 19_550, GBP, sender="A. C. M. E. Holding")
    taking.settle()
    assert session["payment_status"] == "paid"
    assert (taking.receipt().state, taking.receipt().amount_minor) == ("applied", 19_550)
    assert taking.ledger.balance("INV-1001") == taking.ledger.balance("INV-1002") == 0
    assert _held(taking) == []


def test_who_was_told_where_to_pay_is_reminded_an_hour_later(taking: Firm) -> None:
    _ask_where_to(taking, _open(taking, "INV-1001"))
    assert _reminded(taking) == {"INV-1002", "INV-2001"}
    taking.time.advance(seconds=LIFETIME.total_seconds())
    assert _reminded(taking) == {"INV-1001", "INV-1002", "INV-2001"}


def test_what_came_of_it_in_part_holds_until_the_rest_comes(taking: Firm) -> None:
    taking.stripe.add_customer(name="Acme", email="acme@example.com")  # a namesake there changes nothing
    _ask_where_to(taking, _open(taking, "INV-1001"))
    taking.time.advance(days=1)
    taking.settle()
    taking.stripe.customers[_payer(taking)] |= {"name": "J. Smith", "email": "js@mail.example"}
    taking.stripe.transfer_in(_payer(taking), 7_550, GBP)
    _hear(taking)
    assert _held(taking) == [("Acme", Money(7_550, CURRENCY))], "known by whom it is kept for, not by a name"
    assert "INV-1002" not in _reminded(taking), "it covers the oldest that it pays in full"
    taking.stripe.transfer_in(_payer(taking), 4_450, GBP)
    taking.settle()
    assert taking.ledger.balance("INV-1001") == 0
    assert _held(taking) == []
    assert "INV-1002" in _reminded(taking)


def test_a_part_leaves_the_rest_open(taking: Firm) -> None:
    _ask_where_to(taking, _open(taking, "INV-1001", part="50.00"))
    taking.stripe.transfer_in(_payer(taking), 5_000, GBP)
    taking.settle()
    assert taking.ledger.balance("INV-1001") == Decimal("70.00")


def test_a_customer_has_one_payer_for_good_and_each_means_a_page_of_its_own(taking: Firm) -> None:
    first, card = _open(taking, "INV-1001"), _open(taking, "INV-1001", by_transfer=False)
    assert first != card
    assert _open(taking, "INV-1001") == first and _open(taking, "INV-1001", by_transfer=False) == card
    _open(taking, "INV-1002")
    assert {session["customer"] for session in _sessions(taking)} == {_payer(taking), None}
    (kept,) = taking.stripe.customers.values()
    assert kept["metadata"] == {"truedue_customer": taking.document("INV-1001").customer_id}
    assert (kept["name"], kept["email"]) == ("Acme", "acme@example.com")


def test_a_payer_who_was_deleted_there_is_kept_anew(taking: Firm) -> None:
    _open(taking, "INV-1001")
    gone = _payer(taking)
    del taking.stripe.customers[gone]
    _open(taking, "INV-1002")
    assert _payer(taking) != gone
    assert _sessions(taking)[-1]["customer"] == _payer(taking)
    assert not taking.problems()


@pytest.mark.parametrize("path", ["/v1/checkout/sessions", "/v1/customers"])
@pytest.mark.parametrize("status", [400, 403])
def test_where_stripe_takes_no_transfers_other_means_are_offered(taking: Firm, path: str, status: int) -> None:
    def refuse(request: Request, handle: Any) -> Response:  # noqa: ANN401 - the stand-in's next step
        of_transfer = request.path == "/v1/customers" or "customer_balance" in request.form.values()
        if request.path == path and of_transfer:
            error = {"type": "invalid_request_error", "message": "customer_balance is not activated."}
            return json_response({"error": error}, status)
        answer: Response = handle()
        return answer

    taking.estate.stripe.interceptor = refuse
    address = _open(taking, "INV-1001")
    (session,) = _sessions(taking)
    assert (session["url"], session["payment_method_types"]) == (address, ["card"])
    assert session["success_url"] == f"{BACK_TO}?notice=paying"
    assert taking.problems() == ["transfer_not_offered"]
    taking.estate.stripe.interceptor = None
    _open(taking, "INV-1002")
    assert not taking.problems()


def test_an_account_that_lacks_transfers_fails_no_payer(taking: Firm) -> None:
    taking.stripe.transfers_in.clear()
    assert requests.post(_open(taking, "INV-1001"), allow_redirects=False, timeout=SECONDS).status_code == 303
    taking.settle()
    assert taking.ledger.balance("INV-1001") == 0
    assert taking.problems() == ["transfer_not_offered"]
    switch_transfers(taking.app, organisation_id=taking.id, on=False, actor="owner")
    assert not taking.problems()


def test_a_stripe_that_is_away_is_asked_again_later(taking: Firm) -> None:
    taking.estate.stripe.interceptor = lambda _request, _handle: json_response({}, 503)
    with pytest.raises(RefusedError, match="does not work just now"):
        _open(taking, "INV-1001")
    assert not taking.rows(t.checkout) and not taking.problems()


def test_transfers_are_offered_where_they_were_switched_on_and_stripe_takes_the_currency(firm: Firm) -> None:
    def offered() -> set[str]:
        with firm.app.store.read() as db:
            organisation = connections.organisation(db, firm.id)
            assert organisation is not None
            return set(transfers_in(db, organisation))

    with pytest.raises(RefusedError, match="by card first"):
        switch_transfers(firm.app, organisation_id=firm.id, on=True, actor="owner")
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    assert offered() == set()
    _open(firm, "INV-1001")
    assert _sessions(firm)[0]["payment_method_types"] == ["card"]
    switch_transfers(firm.app, organisation_id=firm.id, on=True, actor="owner")
    assert offered() == {"EUR", "GBP", "JPY", "MXN", "USD"}
    with firm.app.store.write() as db:
        db.execute(update(t.document).values(currency="CHF"))
    _open(firm, "INV-1002")
    assert _sessions(firm)[1]["payment_method_types"] == ["card"], "Stripe takes no transfers in francs"
    disconnect(firm.app, organisation_id=firm.id, role=Role.PROCESSOR, actor="owner")
    assert offered() == set()


def test_merged_customers_take_their_payer_along(taking: Firm) -> None:
    _ask_where_to(taking, _open(taking, "INV-1001"))
    books = taking.ledger.books  # type: ignore[attr-defined]
    gone, kept = taking.customers["Acme"], taking.customers["Bolt"]
    if taking.ledger.system == "xero":
        books.merge_contact(gone, into=kept)
    else:
        books.merge_customers(kept_id=kept, gone_id=gone)
    taking.settle()
    taking.stripe.transfer_in(_payer(taking), 100, GBP)
    _hear(taking)
    assert _held(taking) == [("Bolt", Money(100, CURRENCY))]
