"""Webhooks: only signed ones count, each counts once, none is lost, and what they name is read again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr

from connectors.contract import Role
from runtime.operations.inbox.take_webhook import MAX_BODY_BYTES, BadSignatureError, take_webhook
from runtime.operations.matching.decide import confirm
from runtime.store import queues
from runtime.store import tables as t
from runtime.store.connections import CONNECTED
from sandbox.quickbooks.standin import sign
from sandbox.webhooks import Delivery
from tests.operations.faults import unavailable
from tests.operations.firm import CURRENCY, TODAY, Firm, money_in

SOON = TODAY + timedelta(days=30)


def _told(firm: Firm) -> Delivery:
    """The only webhook that tells of a moved due date."""
    firm.ledger.edit_due_date("INV-1001", SOON)
    (delivery,) = firm.pending_webhooks()
    return delivery


def _signed(firm: Firm, body: bytes) -> int:
    secret = firm.app.settings.webhook_secret("quickbooks")
    headers = {"intuit-signature": sign(secret, body)}
    return take_webhook(firm.app, system="quickbooks", headers=headers, body=body)


def test_what_a_webhook_names_is_read_again_merged_and_shown(any_firm: Firm) -> None:
    assert any_firm.take(_told(any_firm)) == 1
    done = any_firm.work()
    assert done["inbox_done"] == 1
    assert any_firm.document("INV-1001").due_on == SOON
    assert any_firm.shown("INV-1001")["Due_Date__c"] == SOON.isoformat()
    (row,) = any_firm.rows(t.inbox)
    assert (row.state, row.problem) == (queues.DONE, None)


def test_a_payment_that_only_a_fallen_balance_gives_away_is_read_before_the_bank_shows_it(firm: Firm) -> None:
    firm.ledger.pay_by_hand("INV-1001", "50.00", on=TODAY)
    firm.deliver_webhooks()
    firm.work()
    assert [row.amount_minor for row in firm.rows(t.ledger_payment)] == [5_000], "Xero tells of the invoice alone"
    firm.import_lines(money_in("L1", "50.00", "ACME LTD", "INV-1001"))
    firm.work()
    assert firm.receipt().state == "recorded"


def _listings(firm: Firm) -> int:
    """How many lists were read from Xero, of any kind."""
    return sum(count for call, count in firm.estate.xero.calls.items() if "collection" in call)


def test_what_is_known_of_an_invoice_is_not_read_again_for_it(firm: Firm) -> None:
    firm.import_lines(money_in("L1", "50.00", "ACME LTD", "INV-1001"))
    firm.work()
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.work()
    read = _listings(firm)
    firm.deliver_webhooks()
    firm.work()
    assert firm.document("INV-1001").balance_minor == 7_000
    assert _listings(firm) == read + 1, "the invoice alone"


def test_a_duplicate_webhook_is_one_row(any_firm: Firm) -> None:
    told = _told(any_firm)
    assert [any_firm.take(told) for _ in range(3)] == [1, 0, 0]
    any_firm.work()
    assert any_firm.take(told) == 0
    assert len(any_firm.rows(t.inbox)) == 1


def _forged(told: Delivery, how: str) -> Delivery:
    if how == "changed body":
        return replace(told, body=told.body.replace(b"1", b"2", 1))
    if how == "no signature":
        return replace(told, headers={"Content-Type": "application/json"})
    return replace(told, headers={name: value[::-1] for name, value in told.headers.items()})


@pytest.mark.parametrize("how", ["changed body", "no signature", "another signature"])
def test_a_forged_signature_changes_nothing(any_firm: Firm, how: str) -> None:
    told = _told(any_firm)
    with pytest.raises(BadSignatureError):
        any_firm.take(_forged(told, how))
    assert any_firm.rows(t.inbox) == []
    any_firm.work()
    assert any_firm.document("INV-1001").due_on != SOON


@pytest.mark.parametrize("how", ["changed body", "no signature", "another signature"])
def test_a_forged_stripe_event_changes_nothing(firm: Firm, how: str) -> None:
    firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata={"invoice_number": "INV-1001"})
    for told in firm.pending_webhooks():
        with pytest.raises(BadSignatureError):
            firm.take(_forged(told, how))
    assert firm.rows(t.inbox) == []


def test_without_a_secret_nothing_is_taken(firm: Firm) -> None:
    told = _told(firm)
    firm.app.settings.xero_webhook_secret = SecretStr("")
    with pytest.raises(BadSignatureError):
        firm.take(told)


def test_a_body_larger_than_any_vendor_sends_is_not_taken(firm: Firm) -> None:
    with pytest.raises(BadSignatureError):
        _signed(firm, b" " * (MAX_BODY_BYTES + 1))
    assert firm.rows(t.inbox) == []


@pytest.mark.parametrize("body", [b"not json", b"[1]", b'[{"id": 1}]', b"\xff\xfe", b'"text"'])
def test_a_signed_body_that_cannot_be_read_is_kept_and_seen(firm: Firm, body: bytes) -> None:
    assert _signed(firm, body) == 1
    assert _signed(firm, body) == 0
    firm.work(days=1)
    (row,) = firm.rows(t.inbox)
    assert (row.state, row.body) == (queues.ASIDE, body)
    assert "cannot be read" in row.problem


@pytest.mark.parametrize("name", ["x" * 129, "\0", "\ud800"], ids=["too long", "zero", "half a pair"])
def test_a_name_that_no_database_takes_is_kept_aside_as_well(firm: Firm, name: str) -> None:
    event = {"specversion": "1.0", "id": "e-1", "type": "qbo.invoice.updated.v1", "intuitentityid": name}
    body = json.dumps([event | {"intuitaccountid": "1", "time": "2026-03-10T10:00:00Z", "source": "x"}]).encode()
    assert _signed(firm, body) == 1
    (row,) = firm.rows(t.inbox)
    assert (row.state, row.body) == (queues.ASIDE, body)


def test_the_body_of_many_notices_is_kept_once(firm: Firm) -> None:
    event = {"specversion": "1.0", "type": "qbo.vendor.updated.v1", "intuitentityid": "1", "intuitaccountid": "1"}
    event |= {"time": "2026-03-10T10:00:00Z", "source": "x"}
    body = json.dumps([event | {"id": f"e-{number}"} for number in range(150)]).encode()
    assert _signed(firm, body) == 150
    assert sorted(len(row.body) for row in firm.rows(t.inbox)) == [0] * 149 + [len(body)]


def test_an_account_that_nobody_connected_is_set_aside_never_guessed(firm: Firm) -> None:
    stranger = firm.estate.xero.add_organisation(name="Stranger", base_currency="GBP", short_code="!s")
    stranger.add_contact(name="Somebody")
    assert firm.deliver_webhooks() == 1
    firm.work()
    (row,) = firm.rows(t.inbox)
    assert row.state == queues.ASIDE
    assert stranger.tenant_id in row.problem
    assert len(firm.rows(t.customer)) == 2


def test_a_kind_that_we_do_not_follow_is_done_at_once(firm: Firm) -> None:
    event = {"specversion": "1.0", "id": "e-1", "type": "qbo.vendor.updated.v1", "intuitentityid": "1"}
    body = json.dumps([event | {"intuitaccountid": "1", "time": "2026-03-10T10:00:00Z", "source": "x"}]).encode()
    assert _signed(firm, body) == 1
    firm.work()
    (row,) = firm.rows(t.inbox)
    assert row.state == queues.DONE


def test_a_vendor_that_is_down_is_read_when_it_is_back(any_firm: Firm) -> None:
    any_firm.take(_told(any_firm))
    any_firm.ledger.standin.interceptor = unavailable
    any_firm.work()
    (row,) = any_firm.rows(t.inbox)
    assert (row.state, row.attempts) == (queues.NEW, 1)
    any_firm.ledger.standin.interceptor = None
    any_firm.work(minutes=5)
    assert any_firm.document("INV-1001").due_on == SOON


def test_notices_of_one_moment_are_read_in_one_call(firm: Firm) -> None:
    for number in ("INV-1001", "INV-1002", "INV-2001"):
        firm.ledger.edit_due_date(number, SOON)
    firm.deliver_webhooks()
    before = firm.estate.xero.calls.total()
    firm.work()
    assert firm.estate.xero.calls.total() == before + 1
    assert {row.due_on for row in firm.rows(t.document)} == {SOON}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_card_payment_is_applied_to_the_invoice_it_names_in_any_order_of_its_events(
    any_firm: Firm, backwards: bool
) -> None:
    any_firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata={"invoice_number": "INV-1001"})
    told = any_firm.pending_webhooks()
    assert len(told) > 1
    for delivery in reversed(told) if backwards else told:
        any_firm.take(delivery)
    any_firm.work()
    assert any_firm.receipt().state == "applied"
    assert any_firm.ledger.payments() == [Decimal(120)]
    any_firm.settle()
    assert any_firm.ledger.payments() == [Decimal(120)]
    assert any_firm.document("INV-1001").status == "paid"


def test_the_first_read_takes_everything_and_the_next_only_what_changed(any_firm: Firm) -> None:
    """`any_firm` has read once already."""
    assert {row.number for row in any_firm.rows(t.document)} == {"INV-1001", "INV-1002", "INV-2001"}
    assert {row.name for row in any_firm.rows(t.customer)} == {"Acme", "Bolt"}
    any_firm.time.advance(hours=1)
    any_firm.settle()
    any_firm.time.advance(hours=1)
    any_firm.invoice("Bolt", "INV-2002", "10.00")
    counted = any_firm.poll()
    assert (counted["invoice"], counted["customer"]) == (1, 0)
    assert any_firm.document("INV-2002").total_minor == 1_000


def test_a_read_that_breaks_off_is_read_again_from_where_it_began(any_firm: Firm) -> None:
    any_firm.time.advance(hours=1)
    any_firm.ledger.edit_due_date("INV-1001", SOON)
    any_firm.ledger.standin.interceptor = unavailable
    counted = any_firm.poll()
    assert counted[f"{any_firm.ledger.system} failed: Retry"] == 1
    assert any_firm.connection(Role.LEDGER).status == CONNECTED, "a vendor that is down has not ended the consent"
    any_firm.ledger.standin.interceptor = None
    any_firm.time.advance(hours=5)
    any_firm.poll()
    assert any_firm.document("INV-1001").due_on == SOON
