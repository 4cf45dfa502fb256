"""Nothing waits for ever: what lacked something goes on, what was taken back waits for another answer."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from connectors.channels.email import Delivery, EmailChannel, SmtpServer
from connectors.contract import Role
from connectors.records import Kind
from reminders.freshness import LEDGER_MAX_AGE
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import undo
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.systems.disconnect import disconnect
from runtime.operations.work import poll
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.faults import lose_answer
from tests.operations.firm import Firm, money_in

EXACT = money_in("L1", "120.00", "ACME LTD", "INV-1001")


def _forget_accounts(firm: Firm) -> None:
    with firm.app.store.write() as db:
        db.execute(update(t.account).values(purpose="other"))
        db.execute(update(t.bank_account).values(ledger_account=None))


def test_a_payment_without_an_account_is_posted_once_there_is_one(any_firm: Firm) -> None:
    _forget_accounts(any_firm)
    any_firm.import_lines(EXACT)
    any_firm.work()
    assert any_firm.problems() == ["not_posted"]
    assert any_firm.ledger.payments() == []
    poll(any_firm.app)  # the accounts are read again, as the ledger has them
    any_firm.work()
    assert any_firm.ledger.payments() == [Decimal("120.00")]
    assert any_firm.problems() == []
    poll(any_firm.app)
    any_firm.work()
    assert any_firm.ledger.payments() == [Decimal("120.00")]


def test_money_taken_back_waits_for_another_answer(firm: Firm) -> None:
    firm.import_lines(EXACT)
    firm.work()
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="owner")
    assert firm.receipt().state == "unidentified"
    firm.settle()
    assert firm.ledger.payments() == [], "the same items are not applied again by themselves"
    assert firm.ledger.balance("INV-1001") == Decimal("120.00")
    assert firm.receipt().state == "unidentified"


class SlowServer(EmailChannel):
    """A mail server that takes more than a minute for each message."""

    firm: Firm

    def send(self, **message: Any) -> Delivery:  # noqa: ANN401 - what the channel takes
        delivery = super().send(**message)
        self.firm.time.advance(seconds=LEDGER_MAX_AGE.total_seconds() + 5)
        return delivery


def test_the_ledger_is_read_again_when_a_slow_server_let_the_evidence_age(firm: Firm) -> None:
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    slow = SlowServer(SmtpServer(firm.mailbox.host, firm.mailbox.port), firm.app.clock)
    slow.firm = firm
    firm.app.email = slow
    outcome = send_reminders(firm.app, firm.id)
    assert (outcome["sent"], outcome["read_again"], outcome["ledger_reads"]) == (2, 1, 2)
    assert len(firm.mailbox.mails) == 2


def test_a_ledger_connected_again_is_taken_up_where_it_ended_and_another_read_from_the_beginning(firm: Firm) -> None:
    account = firm.connection(Role.LEDGER).account.external_id
    with pytest.raises(RefusedError, match="already"):
        firm.connect("quickbooks", _company(firm))
    disconnect(firm.app, organisation_id=firm.id, role=Role.LEDGER, actor="owner")
    with firm.app.store.read() as db:
        assert connections.connection_for_account(db, "xero", account) is None, "its webhooks are nobody's now"
    again = firm.connect("xero", account)
    with firm.app.store.read() as db:
        assert connections.watermark(db, again.id, Kind.INVOICE) is not None, "what was deleted is among the changes"
    disconnect(firm.app, organisation_id=firm.id, role=Role.LEDGER, actor="owner")
    other = firm.connect("quickbooks", _company(firm))
    with firm.app.store.read() as db:
        assert [connections.watermark(db, each.id, Kind.INVOICE) for each in (again, other)] == [None, None]


def _company(firm: Firm) -> str:
    return firm.estate.quickbooks.add_company(name="Another", home_currency="EUR").realm_id


def test_an_invoice_is_read_again_when_its_posting_had_to_be_found(firm: Firm) -> None:
    firm.import_lines(EXACT)
    firm.estate.xero.interceptor = lose_answer(firm.estate.xero)
    firm.work()
    firm.work(hours=1)
    with firm.app.store.read() as db:
        asked = db.scalars(select(t.inbox.c.external_id).where(t.inbox.c.body == b"")).all()
    assert len(asked) == 1
    firm.time.advance(seconds=timedelta(minutes=1).total_seconds())
    firm.work()
    assert firm.document("INV-1001").status == "paid"
