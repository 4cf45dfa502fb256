"""A person has the last reminder sent again, or a statement mailed: within everything that a message passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.channels.contract import UNREACHABLE
from connectors.errors import Reject, Retry
from reminders.evidence import Channel
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import switch_sending
from runtime.operations.payers.dispute import dispute
from runtime.operations.reaching.bad_addresses import note_bad, trust_again
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.reminding.send_by_hand import send_again_by_hand, send_statement_by_hand
from runtime.operations.reminding.send_statements import send_statements, switch_statements
from runtime.store import tables as t
from tests.operations.autopay import acme
from tests.operations.faults import unavailable
from tests.operations.firm import TODAY, Firm

BY = "dana@example.com"


@pytest.fixture
def sending(firm: Firm) -> Firm:
    firm.switch_sending()
    return firm


def _state(firm: Firm) -> None:
    send_statement_by_hand(firm.app, organisation_id=firm.id, customer_id=acme(firm), actor=BY)


def _again(firm: Firm, number: str = "INV-1001") -> None:
    document = firm.document(number)
    about = {"customer_id": document.customer_id, "document_id": document.id}
    send_again_by_hand(firm.app, organisation_id=firm.id, **about, actor=BY)


def _contest(firm: Firm) -> None:
    about = {"customer_id": acme(firm), "document_id": firm.document("INV-1001").id}
    dispute(firm.app, organisation_id=firm.id, **about, reason="wrong price", actor="customer")


def _wants_none(firm: Firm) -> None:
    opt_out(firm.app, organisation_id=firm.id, customer_id=acme(firm), channel=None, actor="customer")


def _bounced(firm: Firm) -> None:
    with firm.app.store.write() as db:
        note_bad(db, firm.id, channel=Channel.EMAIL, address="acme@example.com", why="550", at=firm.time())


def _send(firm: Firm) -> None:
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)


def _levels(firm: Firm, number: str = "INV-1001") -> list[tuple[int, str]]:
    document = firm.document(number).id
    return sorted((row.level, row.state) for row in firm.rows(t.reminder_item) if row.document_id == document)


def _to_acme(firm: Firm) -> list[str]:
    return [each.subject for each in firm.mailbox.mails if "acme@example.com" in each.recipients]


# --- a statement


def test_a_statement_leaves_when_a_person_says_so_once_a_day(sending: Firm) -> None:
    sending.ledger.pay_by_hand("INV-1002", "75.50", on=TODAY)  # nobody has told us
    _state(sending)
    (mail,) = sending.mailbox.mails
    assert (mail.recipients, mail.subject) == (("acme@example.com",), "Your statement of account, 10 Mar 2026")
    assert "£120.00" in mail.text and "INV-1002" not in mail.text, "the ledger is read first"
    (line,) = [row for row in sending.rows(t.event) if row.action == "statement_sent"]
    assert (line.actor, line.subject) == (BY, acme(sending))
    with pytest.raises(RefusedError, match="today"):
        _state(sending)
    assert len(sending.mailbox.mails) == 1


def test_it_counts_as_a_message_and_takes_no_monthly_ones_place(sending: Firm) -> None:
    _state(sending)
    sending.time.advance(hours=1)
    plan_reminders(sending.app, sending.id)
    planned = {row.customer_id for row in sending.rows(t.reminder, state="planned")}
    assert acme(sending) not in planned, "they were written to an hour ago"
    switch_statements(sending.app, organisation_id=sending.id, on=True, actor=BY)
    sending.time.advance(days=22)
    assert send_statements(sending.app, sending.id) == {"sent": 2}, "the first of April"


def _nothing_open(firm: Firm) -> None:
    for number, amount in (("INV-1001", "120.00"), ("INV-1002", "75.50")):
        firm.ledger.pay_by_hand(number, amount, on=TODAY)
    firm.time.advance(minutes=2)
    firm.poll()
    firm.settle()


def _evening(firm: Firm) -> None:
    firm.time.advance(hours=10)


def _was_reminded(firm: Firm) -> None:
    _send(firm)
    firm.time.advance(hours=1)


def _no_ledger(firm: Firm) -> None:
    firm.ledger.standin.interceptor = unavailable


def _off(firm: Firm) -> None:
    switch_sending(firm.app, organisation_id=firm.id, on=False, actor="owner")


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (_wants_none, "asked for no more e-mails"),
        (_bounced, "takes no mail"),
        (_contest, "in doubt: The customer contests this invoice"),
        (_nothing_open, "nothing is open"),
        (_evening, "outside its working days"),
        (_was_reminded, "less than 3 days ago"),
        (_no_ledger, "ledger cannot be read"),
        (_off, "switched off"),
    ],
)
def test_what_keeps_a_statement_from_being_sent_is_said_in_a_line(
    sending: Firm, happens: Callable[[Firm], None], why: str
) -> None:
    happens(sending)
    before = len(sending.mailbox.mails)
    with pytest.raises(RefusedError, match=why):
        _state(sending)
    assert (len(sending.mailbox.mails), sending.rows(t.courtesy)) == (before, [])


def test_without_a_mail_server_nothing_is_sent(sending: Firm) -> None:
    sending.app.email = None
    with pytest.raises(RefusedError, match="no mail server"):
        _state(sending)


def test_one_that_was_refused_may_be_sent_again_the_same_day_and_one_in_doubt_may_not(
    sending: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = [Reject("550 no such user", code=UNREACHABLE), Retry("the answer was lost", ambiguous=True)]

    def fail(**_message: object) -> None:
        raise ends.pop(0)

    assert sending.app.email is not None
    monkeypatch.setattr(sending.app.email, "send", fail)
    with pytest.raises(RefusedError, match="was not sent: 550 no such user"):
        _state(sending)
    assert sending.problems() == ["contact_needed"]
    with sending.app.store.write() as db:
        trust_again(db, sending.id, channel=Channel.EMAIL, address="acme@example.com")
    with pytest.raises(RefusedError, match="may or may not"):
        _state(sending)
    with pytest.raises(RefusedError, match="today"):
        _state(sending)
    assert sorted(row.state for row in sending.rows(t.courtesy)) == ["failed", "in_doubt"]


# --- a reminder once more


def test_the_last_reminder_is_due_again_and_leaves_within_the_limits(sending: Firm) -> None:
    _send(sending)
    ((level, state),) = _levels(sending)
    assert state == "sent"
    sending.time.advance(minutes=1)
    _again(sending)
    assert _levels(sending) == [(level, "undelivered")]
    (line,) = [row for row in sending.rows(t.event) if row.action == "asked_again"]
    assert (line.actor, line.subject) == (BY, sending.document("INV-1001").id)
    with pytest.raises(RefusedError, match="due again already"):
        _again(sending)
    _send(sending)
    assert len(_to_acme(sending)) == 1, "the one that did not arrive still counts"
    sending.time.advance(days=7)
    sending.settle()
    _send(sending)
    assert _levels(sending) == [(level, "sent"), (level, "undelivered")]


def test_pressed_twice_it_takes_back_no_earlier_reminder(sending: Firm) -> None:
    _send(sending)
    sending.time.advance(days=20)
    sending.settle()
    _send(sending)
    first, last = _levels(sending)
    assert first[1] == last[1] == "sent" and first[0] < last[0]
    sending.time.advance(minutes=1)
    _again(sending)
    with pytest.raises(RefusedError, match="due again already"):
        _again(sending)
    assert _levels(sending) == [first, (last[0], "undelivered")]


def test_what_was_never_sent_is_not_sent_again(sending: Firm) -> None:
    with pytest.raises(RefusedError, match="no reminder of this invoice was sent yet"):
        _again(sending)


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (_wants_none, "no channel of their policy"),
        (_bounced, "no channel of their policy"),
        (_contest, "The customer contests this invoice"),
        (_nothing_open, "not open any more"),
        (_off, "switched off"),
    ],
)
def test_what_keeps_a_reminder_from_being_sent_again_is_said_in_a_line(
    sending: Firm, happens: Callable[[Firm], None], why: str
) -> None:
    _send(sending)
    before = _levels(sending)
    sending.time.advance(minutes=1)
    happens(sending)
    with pytest.raises(RefusedError, match=why):
        _again(sending)
    assert _levels(sending) == before
