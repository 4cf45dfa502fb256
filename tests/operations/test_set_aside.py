"""What is set aside is shown with its reason to those it concerns, and is worked off again when they say so."""

from __future__ import annotations

import base64
import hmac

import pytest
from sqlalchemy import update
from werkzeug.wrappers import Request, Response

from connectors.contract import Role
from runtime.operations.errors import RefusedError
from runtime.operations.set_aside import Queue, SetAside, replay, set_aside
from runtime.operations.take_webhook import take_webhook
from runtime.store import queues
from runtime.store import tables as t
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
