"""Two senders of one organisation, one of them slow or killed: nothing withdrawn is named, nothing leaves twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reminders.evidence import Channel
from runtime.operations.reaching.ways import carriers_of
from runtime.operations.reminding.gate import Gate
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import _claim, _hand_over, _recover, send_reminders
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.reminder_rows import Claim
from tests.operations.firm import Firm, money_in
from tests.review.test_two_workers import meanwhile

MAIL = (Channel.EMAIL,)


def _plan(firm: Firm) -> Firm:
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    return firm


@pytest.fixture
def planned(firm: Firm) -> Firm:
    return _plan(firm)


def _gate(firm: Firm) -> Gate:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
    assert organisation is not None
    return Gate(firm.app, organisation)


def _mails(firm: Firm, name: str) -> list[str]:
    return [mail.text for mail in firm.mailbox.mails if mail.recipients == (f"{name}@example.com",)]


def _taken_over(firm: Firm) -> Claim:
    """What a second sender takes when the first one's reminders are abandoned."""
    firm.time.advance(minutes=11)
    _recover(firm.app, firm.id)
    return _claim(firm.app, firm.id, MAIL)


def _hand_all_over(firm: Firm, claim: Claim, ready: Any) -> list[str]:  # noqa: ANN401
    with firm.app.store.read() as db:
        ways = carriers_of(firm.app, db, firm.id)
    return [_hand_over(firm.app, ways[each.channel], firm.id, claim, each) for each in ready]


def test_a_message_that_names_a_paid_invoice_stays_back_when_another_sender_has_its_reminder(planned: Firm) -> None:
    claim = _claim(planned.app, planned.id, MAIL)
    ready = _gate(planned).certify(claim)
    planned.import_lines(money_in("L1", "120.00", "ACME", "INV-1001"))
    planned.work()
    _claim(planned.app, planned.id, MAIL)
    assert sorted(_hand_all_over(planned, claim, ready)) == ["sent", "withdrawn"]
    assert _mails(planned, "acme") == []


def test_a_slow_gate_changes_nothing_that_another_sender_has_handed_over(planned: Firm) -> None:
    slow = _claim(planned.app, planned.id, MAIL)
    claim = _taken_over(planned)
    assert _hand_all_over(planned, claim, _gate(planned).certify(claim)) == ["sent", "sent"]
    slots, reminders = planned.rows(t.reminder_slot), planned.rows(t.reminder)
    assert _gate(planned).certify(slow) == []
    assert (planned.rows(t.reminder_slot), planned.rows(t.reminder)) == (slots, reminders)


def test_old_evidence_puts_nothing_back_that_another_sender_has(planned: Firm) -> None:
    claim = _claim(planned.app, planned.id, MAIL)
    ready = _gate(planned).certify(claim)
    _taken_over(planned)
    assert _hand_all_over(planned, claim, ready) == ["withdrawn", "withdrawn"]
    assert {row.state for row in planned.rows(t.reminder)} == {"sending"}


def test_beside_a_killed_senders_reminder_a_message_names_its_own_invoices_alone(planned: Firm) -> None:
    _claim(planned.app, planned.id, MAIL)
    planned.invoice("Acme", "INV-1003", "50.00", late=8)
    planned.time.advance(minutes=3)
    planned.settle()
    plan_reminders(planned.app, planned.id)
    planned.time.advance(minutes=11)
    send_reminders(planned.app, planned.id)
    numbers = {row.id: row.number for row in planned.rows(t.document)}
    sent = sorted(numbers[row.document_id] for row in planned.rows(t.reminder_item) if row.state == "sent")
    assert sent == ["INV-1001", "INV-1002", "INV-1003", "INV-2001"]
    (text,) = _mails(planned, "acme")
    assert all(number in text for number in sent[:3])


def test_a_message_waits_for_money_that_is_being_applied(shared_firm: Firm) -> None:
    firm = _plan(shared_firm)
    claim = _claim(firm.app, firm.id, MAIL)
    ready = _gate(firm).certify(claim)
    paid = firm.document("INV-2001").id
    with ThreadPoolExecutor(1) as pool:
        with firm.app.store.write() as db:
            connections.lock_organisation(db, firm.id)
            other = meanwhile(pool, firm, lambda: _hand_all_over(firm, claim, ready))
            withdraw_reminders(db, organisation_id=firm.id, document_ids=[paid], why="paid", at=firm.app.clock())
        other.result()
    assert (len(_mails(firm, "acme")), _mails(firm, "bolt")) == (1, [])
