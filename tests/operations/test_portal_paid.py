"""What a payer sees as paid: theirs alone, with day and amount, from the moment at which it is applied here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from runtime.operations.views import portal_paid
from runtime.operations.views.portal import portal
from runtime.operations.views.portal_paid import SHOWN_DAYS, paid_invoices
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.firm import CURRENCY, TODAY, Firm, money_in

GBP = CURRENCY.lower()


def _paid(firm: Firm, number: str = "INV-1001") -> list[tuple[str, str, int]]:
    """What the payer of an invoice sees: number, amount paid, days ago."""
    now, customer_id = firm.time(), firm.document(number).customer_id
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        account = portal(db, organisation, customer_id, now=now)
        assert account is not None
        still_open = [each.document_id for each in account.invoices]
        found = paid_invoices(db, organisation, customer_id, still_open=still_open, now=now)
    assert {each.document_id for each in found}.isdisjoint(still_open)
    return [(each.number, each.paid.text(), (now.date() - each.paid_on).days) for each in found]


def _pay(firm: Firm, minor: int, numbers: Sequence[str]) -> None:
    firm.stripe.pay(amount=minor, currency=GBP, metadata={"invoice": ",".join(numbers)})
    firm.deliver_webhooks()
    firm.work()


def test_what_is_applied_is_paid_before_the_ledger_shows_it(any_firm: Firm) -> None:
    assert _paid(any_firm) == []
    _pay(any_firm, 12_000, ["INV-1001"])
    assert any_firm.document("INV-1001").status == "open", "the ledger is read again later"
    assert _paid(any_firm) == [("INV-1001", "120.00", 0)]
    any_firm.settle()
    assert any_firm.document("INV-1001").status == "paid"
    assert _paid(any_firm) == [("INV-1001", "120.00", 0)], "counted once: what we posted is the same money"
    assert _paid(any_firm, "INV-2001") == [], "somebody else sees nothing of it"


def test_what_is_paid_in_part_is_still_open(any_firm: Firm) -> None:
    any_firm.ledger.pay_by_hand("INV-1001", "100.00", on=TODAY - timedelta(days=3))
    any_firm.settle()
    assert _paid(any_firm) == []
    any_firm.ledger.pay_by_hand("INV-1001", "20.00", on=TODAY - timedelta(days=1))
    any_firm.settle()
    assert _paid(any_firm) == [("INV-1001", "120.00", 1)], "paid on the day of the last part"


def test_the_latest_come_first_and_none_is_shown_for_ever(any_firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    any_firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY - timedelta(days=9))
    any_firm.ledger.pay_by_hand("INV-1002", "75.50", on=TODAY - timedelta(days=4))
    any_firm.settle()
    assert [number for number, _, _ in _paid(any_firm)] == ["INV-1002", "INV-1001"]
    monkeypatch.setattr(portal_paid, "MAX_SHOWN", 1)
    assert [number for number, _, _ in _paid(any_firm)] == ["INV-1002"]
    any_firm.time.advance(days=SHOWN_DAYS - 4)
    assert [number for number, _, _ in _paid(any_firm)] == ["INV-1002"]
    any_firm.time.advance(days=1)
    assert _paid(any_firm) == []


def test_money_that_goes_back_is_paid_no_more(any_firm: Firm) -> None:
    any_firm.stripe.pay(amount=12_000, currency=GBP, metadata={"invoice": "INV-1001"}, method="bacs_debit")
    any_firm.settle()
    assert _paid(any_firm) == [], "on its way is not paid"
    (payment,) = any_firm.stripe.payment_intents
    any_firm.stripe.settle(payment)
    any_firm.settle()
    assert _paid(any_firm) == [("INV-1001", "120.00", 0)]
    any_firm.stripe.close_dispute(any_firm.stripe.dispute(payment), won=False)
    any_firm.settle()
    assert _paid(any_firm) == []


def test_the_day_of_the_bank_counts(any_firm: Firm) -> None:
    any_firm.import_lines(money_in("R1", "120.00", "Acme", "INV-1001", on=TODAY - timedelta(days=1)))
    any_firm.settle()
    assert _paid(any_firm) == [("INV-1001", "120.00", 1)]


def test_what_was_never_sent_or_voided_is_not_shown(any_firm: Firm) -> None:
    _pay(any_firm, 12_000, ["INV-1001"])
    with any_firm.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.number == "INV-1001").values(sent=False))
    assert _paid(any_firm) == []


def test_what_no_money_paid_is_not_called_paid(any_firm: Firm) -> None:
    with any_firm.app.store.write() as db:
        credited = update(t.document).where(t.document.c.number == "INV-1001")
        db.execute(credited.values(status="paid", balance_minor=0))
    assert _paid(any_firm) == []


def test_what_was_given_up_is_no_money_that_was_paid(any_firm: Firm) -> None:
    _pay(any_firm, 12_000, ["INV-1001"])
    given_up = {"kind": "write_off", "currency": CURRENCY, "amount_minor": 500}
    with any_firm.app.store.write() as db:
        row = {"id": "res-1", "organisation_id": any_firm.id, "receipt_id": any_firm.receipt().id}
        db.execute(insert(t.residual).values(**row, **given_up))
    assert _paid(any_firm) == [("INV-1001", "115.00", 0)]
