"""What is set aside is shown with its reason to those it concerns, and is worked off again when they say so."""

from __future__ import annotations

import base64
import hmac
from decimal import Decimal

import pytest
from sqlalchemy import insert, update
from werkzeug.wrappers import Request, Response

from connectors.contract import Role
from connectors.errors import Reconnect
from runtime.operations.errors import RefusedError
from runtime.operations.inbox.set_aside import Queue, SetAside, replay, set_aside
from runtime.operations.inbox.take_webhook import take_webhook
from runtime.operations.matching.decide import undo
from runtime.operations.matching.match import match_receipts
from runtime.operations.systems.disconnect import disconnect
from runtime.operations.systems.loss import note_loss
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.faults import counting_writes, unavailable
from tests.operations.firm import CURRENCY, Firm, money_in
from tests.operations.test_connect import _other

PAID = {"invoice_number": "INV-1001"}


def _aside(firm: Firm, organisation_id: str | None) -> list[SetAside]:
    with firm.app.store.read() as db:
        return set_aside(db, organisation_id)


def _work_until_given_up(firm: Firm) -> None:
    for _ in range(queues.MAX_ATTEMPTS + 1):
        firm.work(hours=2)


def test_a_notice_that_could_not_be_followed_is_followed_when_the_vendor_is_back(firm: Firm) -> None:
    firm.stripe.pay(amount=12_000, currency=CURRENCY, metadata=PAID, fee=0)
    firm.estate.stripe.interceptor = lambda _request, _answer: Response(status=500)
    firm.deliver_webhooks()
    _work_until_given_up(firm)
    rows = _aside(firm, firm.id)
    assert rows and {row.queue for row in rows} == {Queue.INBOX} and firm.problems() == ["webhook_not_processed"]
    assert _aside(firm, _other(firm)) == [] == _aside(firm, None)
    firm.estate.stripe.interceptor = None
    for row in rows:
        replay(firm.app, organisation_id=firm.id, queue=row.queue, row_id=row.row_id, actor="owner")
    firm.work()
    assert firm.ledger.balance("INV-1001") == 0
    assert _aside(firm, firm.id) == [] and firm.problems() == []


def test_a_write_that_never_got_through_stands_once_after_it_is_replayed(firm: Firm) -> None:
    firm.import_lines(money_in("L1", "120.00", "ACME LTD", "INV-1001"))

    def lose_the_answer(request: Request, answer: object) -> Response:
        if request.method == "PUT":
            answer()  # type: ignore[operator]
        return Response(status=503)

    firm.ledger.standin.interceptor = lose_the_answer
    _work_until_given_up(firm)
    (row,) = _aside(firm, firm.id)
    assert row.queue is Queue.OUTBOX and row.what == "post receipt"
    firm.ledger.standin.interceptor = None
    replay(firm.app, organisation_id=firm.id, queue=row.queue, row_id=row.row_id, actor="owner")
    firm.work()
    assert len(firm.ledger.payments()) == 1 and firm.ledger.balance("INV-1001") == 0
    assert _aside(firm, firm.id) == []


def _lose_consent(firm: Firm) -> None:
    for grant in firm.estate.xero.oauth.grants.values():
        grant.revoked = True
    _work_until_given_up(firm)


def test_what_waits_for_a_lost_consent_goes_on_by_itself_when_it_is_given_again(firm: Firm) -> None:
    firm.import_lines(money_in("L1", "120.00", "ACME LTD", "INV-1001"))
    match_receipts(firm.app, firm.id)
    firm.invoice("Bolt", "INV-2002", "10.00")
    firm.deliver_webhooks()
    _lose_consent(firm)
    rows = _aside(firm, firm.id)
    assert {row.queue for row in rows} == set(Queue), "people see what waits, and may try it before"
    assert {"write_not_delivered", "webhook_not_processed"} <= set(firm.problems())
    firm.connect("stripe", firm.stripe.account_id)
    assert _aside(firm, firm.id) == rows, "another system's consent is not theirs"
    firm.connect("xero", firm.ledger.account)
    firm.work()
    assert firm.ledger.payments() == [Decimal("120.00")] and firm.document("INV-2002").balance_minor == 1_000
    assert _aside(firm, firm.id) == [] and firm.problems() == []


def test_a_notice_that_finds_its_consent_gone_ends_the_calls_at_once_and_goes_on_with_the_next(firm: Firm) -> None:
    firm.invoice("Bolt", "INV-2002", "10.00")
    (grant,) = [each for each in firm.estate.xero.oauth.grants.values() if firm.ledger.account in each.accounts]
    grant.revoked = True
    firm.deliver_webhooks()
    firm.work()
    assert [row.status for row in firm.rows(t.connection, system="xero")] == ["broken"]
    assert set(firm.problems()) == {"connection_lost", "webhook_not_processed"}
    called = sum(firm.ledger.standin.calls.values())
    firm.invoice("Bolt", "INV-2003", "11.00")
    firm.deliver_webhooks()
    for _ in range(3):
        firm.work(hours=1)
    assert sum(firm.ledger.standin.calls.values()) == called, "a lost connection is not asked"
    assert {row.queue for row in _aside(firm, firm.id)} == {Queue.INBOX}
    firm.connect("xero", firm.ledger.account)
    firm.work()
    assert firm.document("INV-2003").balance_minor == 1_100
    assert _aside(firm, firm.id) == [] and firm.problems() == []


def test_a_refusal_of_the_old_consent_does_not_lose_the_new_one(firm: Firm) -> None:
    old = firm.connection(Role.LEDGER)
    firm.connect("xero", firm.ledger.account)
    note_loss(firm.app, old, [Reconnect("the token is over")])
    assert firm.connection(Role.LEDGER).status == "connected"
    assert firm.problems() == []


def test_what_was_refused_does_not_go_on_with_a_new_consent(firm: Firm) -> None:
    firm.import_lines(money_in("L1", "120.00", "ACME LTD", "INV-1001"))
    firm.ledger.standin.interceptor = unavailable
    _work_until_given_up(firm)
    firm.ledger.standin.interceptor = None
    firm.connect("xero", firm.ledger.account)
    firm.work()
    assert [row.queue for row in _aside(firm, firm.id)] == [Queue.OUTBOX] and firm.ledger.payments() == []


def test_what_was_promised_to_one_account_is_never_written_to_another(firm: Firm) -> None:
    firm.import_lines(money_in("L1", "120.00", "ACME LTD", "INV-1001"))
    _lose_consent(firm)
    disconnect(firm.app, organisation_id=firm.id, role=Role.LEDGER, actor="owner")
    other = firm.estate.xero.add_organisation(name="Moved", base_currency=CURRENCY, short_code="!m")
    seen: list[str] = []
    firm.ledger.standin.interceptor = counting_writes(seen)
    firm.connect("xero", other.tenant_id)
    _work_until_given_up(firm)
    assert [row.state for row in firm.rows(t.outbox)] == [queues.SUPERSEDED]
    assert [each for each in seen if "api.xro" in each] == []


def test_an_undo_takes_back_what_waits_for_a_consent_and_asks_no_more(firm: Firm) -> None:
    firm.import_lines(money_in("L1", "120.00", "ACME LTD", "INV-1001"))
    _lose_consent(firm)
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.connect("xero", firm.ledger.account)
    firm.work()
    assert firm.ledger.payments() == [] and firm.problems() == []


def test_a_row_is_nobody_elses_to_replay_and_waits_no_more_afterwards(firm: Firm) -> None:
    firm.invoice("Acme", "INV-2001", "120.00")
    firm.deliver_webhooks()
    with firm.app.store.write() as db:
        db.execute(update(t.inbox).values(state=queues.ASIDE, problem="of a test"))
    row = _aside(firm, firm.id)[0]
    with pytest.raises(RefusedError, match="not set aside"):
        replay(firm.app, organisation_id=_other(firm), queue=row.queue, row_id=row.row_id, actor="owner")
    replay(firm.app, organisation_id=firm.id, queue=row.queue, row_id=row.row_id, actor="owner")
    with pytest.raises(RefusedError, match="not set aside"):
        replay(firm.app, organisation_id=firm.id, queue=row.queue, row_id=row.row_id, actor="owner")


def _keep_unread(firm: Firm, body: bytes) -> SetAside:
    """A body that was signed, and that yesterday's code could not read."""
    unread = {"system": "xero", "account": "", "event_id": "digest", "kind": None, "external_id": "", "body": body}
    at = firm.app.clock()
    waits = {"received_at": at, "state": queues.ASIDE, "attempts": 0, "next_at": at, "problem": "cannot be read: 7"}
    with firm.app.store.write() as db:
        db.execute(insert(t.inbox).values(**unread, **waits))
    (row,) = _aside(firm, None)
    assert row.is_unread
    return row


def test_a_body_that_can_be_read_today_is_followed_when_it_is_replayed(firm: Firm) -> None:
    firm.invoice("Acme", "INV-3001", "10.00")
    (delivery,) = firm.pending_webhooks()
    row = _keep_unread(firm, delivery.body)
    replay(firm.app, organisation_id=None, queue=row.queue, row_id=row.row_id, actor="owner")
    firm.work()
    assert firm.document("INV-3001").balance_minor == 1_000 and _aside(firm, None) == []
    assert firm.take(delivery) == 0, "it was told already"


def test_a_body_that_still_cannot_be_read_stays_aside_and_says_why_today(firm: Firm) -> None:
    row = _keep_unread(firm, b'{"events": 7}')
    with pytest.raises(RefusedError, match="stays aside: the body cannot be read"):
        replay(firm.app, organisation_id=None, queue=row.queue, row_id=row.row_id, actor="owner")
    firm.work()
    (left,) = _aside(firm, None)
    assert left.row_id == row.row_id and left.why.endswith("a list of events")


def test_notices_of_unknown_accounts_and_unreadable_bodies_are_nobodys(unconnected: Firm) -> None:
    xero = unconnected.estate.xero
    xero.subscribe("http://127.0.0.1:8000/webhooks/xero", check_intent=False)
    unconnected.connect("stripe", unconnected.stripe.account_id)
    unconnected.invoice("Acme", "INV-1001", "120.00")
    unconnected.deliver_webhooks()
    body = b'{"events": 7}'
    secret = unconnected.app.settings.webhook_secret("xero").encode()
    signature = base64.b64encode(hmac.digest(secret, body, "sha256")).decode()
    take_webhook(unconnected.app, system="xero", headers={"x-xero-signature": signature}, body=body)
    unconnected.work()
    nobodys = _aside(unconnected, None)
    assert _aside(unconnected, unconnected.id) == []
    assert any("no organisation has connected" in each.why for each in nobodys)
    assert any("cannot be read" in each.why for each in nobodys)
    with pytest.raises(RefusedError, match="connect the xero account first"):
        replay(unconnected.app, organisation_id=None, queue=Queue.INBOX, row_id=nobodys[0].row_id, actor="owner")
    unconnected.connect("xero", unconnected.ledger.account)
    theirs = _aside(unconnected, unconnected.id)
    assert [each.why for each in _aside(unconnected, None)] == [each.why for each in nobodys if "cannot" in each.why]
    for each in theirs:
        replay(unconnected.app, organisation_id=unconnected.id, queue=each.queue, row_id=each.row_id, actor="owner")
    unconnected.work()
    assert unconnected.document("INV-1001") and unconnected.connection(Role.LEDGER)
