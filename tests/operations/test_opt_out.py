"""A payer wants no messages by a channel, or none at all: that stops, and where nothing is left somebody is told."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from connectors.contract import Role
from reminders.evidence import Channel
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.reaching.opt_out import MAX_REASON_CHARS, opt_out, take_opt_out_back
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.systems.pull import pull
from runtime.store import tables as t
from tests.operations.firm import Firm


def _acme(firm: Firm) -> str:
    return str(firm.document("INV-1001").customer_id)


def _wants_none(firm: Firm, channel: Channel | None = None) -> None:
    opt_out(firm.app, organisation_id=firm.id, customer_id=_acme(firm), channel=channel, actor="customer")


def _take_back(firm: Firm, reason: str, channel: Channel | None = None) -> None:
    take_opt_out_back(
        firm.app, organisation_id=firm.id, customer_id=_acme(firm), channel=channel, actor="dana", reason=reason
    )


def _told_by_crm(firm: Firm, *, opted_out: bool) -> None:
    """Have the CRM say of Acme's contact that it opted out of e-mail, or not, and read it."""
    firm.time.advance(minutes=5)
    firm.crm.update("Contact", firm.contacts["Acme"], HasOptedOutOfEmail=opted_out)
    pull(firm.app, firm.connection(Role.CRM))


def _another_contact(firm: Firm, email: str, *, opted_out: bool) -> str:
    """Have the CRM know another contact of Acme's account, and read it."""
    firm.time.advance(minutes=5)
    (account,) = [
        row.external_id
        for row in firm.rows(t.link, kind="customer", system="salesforce")
        if row.local_id == _acme(firm)
    ]
    contact = firm.crm.create(
        "Contact", AccountId=account, LastName="Payables", Email=email, HasOptedOutOfEmail=opted_out
    )
    pull(firm.app, firm.connection(Role.CRM))
    return str(contact)


def _tasks(firm: Firm) -> list[Any]:
    return [row for row in firm.rows(t.task, kind="opted_out") if row.closed_at is None]


def _standing(firm: Firm) -> set[tuple[str, str]]:
    return {(row.channel, row.source) for row in firm.rows(t.opt_out) if row.ended_at is None}


def _planned(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    return {numbers[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


@pytest.mark.parametrize("channel", [None, Channel.EMAIL], ids=["all", "email"])
def test_somebody_is_told_whom_no_channel_reaches_and_what_they_owe(firm: Firm, channel: Channel | None) -> None:
    assert "INV-1001" in _planned(firm)
    for _ in range(2):
        _wants_none(firm, channel)
    assert not {"INV-1001", "INV-1002"} & _planned(firm)
    (task,) = _tasks(firm)
    assert (task.subject, task.customer_id) == (_acme(firm), _acme(firm))
    mine = [row for row in firm.rows(t.document, customer_id=_acme(firm)) if row.status == "open"]
    owed = sum(row.balance_minor for row in mine)
    left = "no reminder asks for it" if channel is None else "no other channel of their policy is left"
    assert f"and owes {owed // 100}.{owed % 100:02} GBP: {left}" in task.text
    assert len(firm.rows(t.event, action="opted_out")) == 1


def test_another_contact_of_the_same_mailbox_has_its_own_word(firm: Firm) -> None:
    other = _another_contact(firm, "ACME@example.com ", opted_out=True)
    assert _standing(firm) == {("email", f"salesforce {other}")}
    assert not {"INV-1001", "INV-1002"} & _planned(firm)
    _told_by_crm(firm, opted_out=True)
    _told_by_crm(firm, opted_out=False)
    assert _standing(firm) == {("email", f"salesforce {other}")}, "the first one takes back its own word alone"
    firm.time.advance(minutes=5)
    firm.crm.update("Contact", other, HasOptedOutOfEmail=False)
    pull(firm.app, firm.connection(Role.CRM))
    assert _standing(firm) == set()
    assert {"INV-1001", "INV-1002"} <= _planned(firm)


def test_a_colleague_with_another_address_speaks_for_nobody_else(firm: Firm) -> None:
    _another_contact(firm, "sales@acme.example", opted_out=True)
    assert _standing(firm) == set()
    assert {"INV-1001", "INV-1002"} <= _planned(firm)


def test_what_stops_one_channel_stops_no_other(firm: Firm) -> None:
    _wants_none(firm, Channel.SMS)
    assert {"INV-1001", "INV-1002"} <= _planned(firm)
    assert _tasks(firm) == []
    (event,) = firm.rows(t.event, action="opted_out")
    assert event.detail == "the customer asked for no more texts"


def test_what_is_planned_by_another_channel_stays_planned(firm: Firm) -> None:
    _planned(firm)
    mine = t.reminder.c.customer_id == _acme(firm)
    with firm.app.store.write() as db:
        db.execute(update(t.reminder).where(mine).values(channel="letter"))
    _wants_none(firm, Channel.EMAIL)
    assert {row.state for row in firm.rows(t.reminder, customer_id=_acme(firm))} == {"planned"}
    _wants_none(firm)
    assert {row.state for row in firm.rows(t.reminder, customer_id=_acme(firm))} == {"withdrawn"}


def test_the_hold_says_what_they_asked_for_and_that_nothing_else_is_left(firm: Firm) -> None:
    firm.switch_sending()
    _planned(firm)
    with firm.app.store.write() as db:  # as of a race: the plan was made, and the gate reads it anew
        row = {"customer_id": _acme(firm), "channel": "email", "source": "payer", "organisation_id": firm.id}
        db.execute(t.opt_out.insert().values(**row, said_by="customer", words="", said_at=firm.app.clock()))
    send_reminders(firm.app, firm.id)
    assert firm.mailbox.mails and not any("acme" in each.recipients[0] for each in firm.mailbox.mails)
    held = {row.detail for row in firm.rows(t.event, action="reminder_held")}
    assert held == {"The customer asked for no more e-mails, and no other channel of this level is left."}


def test_who_owes_nothing_is_told_too_and_without_an_amount(firm: Firm) -> None:
    for row in firm.rows(t.document, customer_id=_acme(firm)):
        firm.ledger.pay_by_hand(row.number, str(row.balance_minor / 100), on=row.due_on)
    firm.settle()
    _wants_none(firm)
    (task,) = _tasks(firm)
    assert "owes nothing now" in task.text


def test_a_person_takes_it_back_with_a_reason_that_is_kept(firm: Firm) -> None:
    _wants_none(firm)
    _take_back(firm, "  They rang on 10 March and asked for it  ")
    assert _tasks(firm) == []
    assert "INV-1001" in _planned(firm)
    (told,) = firm.rows(t.event, action="opt_out_taken_back")
    assert (told.actor, told.subject) == ("dana", _acme(firm))
    assert told.detail == "they may be written to again (messages): They rang on 10 March and asked for it"
    assert len(firm.rows(t.event, action="opted_out")) == 1, "what they had said stays provable"
    with pytest.raises(RefusedError, match="taken back already"):
        _take_back(firm, "again")
    _wants_none(firm)
    assert _standing(firm) == {("all", "payer")} and len(_tasks(firm)) == 1, "what is asked for again counts again"


def test_taking_back_that_nothing_is_wanted_leaves_what_was_said_of_one_channel(firm: Firm) -> None:
    _wants_none(firm, Channel.EMAIL)
    _wants_none(firm)
    _take_back(firm, "They rang")
    assert _standing(firm) == {("email", "payer")}
    assert "INV-1001" not in _planned(firm)
    assert len(_tasks(firm)) == 1, "still no way is left"
    _take_back(firm, "They rang again", Channel.EMAIL)
    assert "INV-1001" in _planned(firm) and _tasks(firm) == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * (MAX_REASON_CHARS + 1)])
def test_without_a_reason_it_stands(firm: Firm, reason: str) -> None:
    _wants_none(firm)
    with pytest.raises(InputError, match="say why"):
        _take_back(firm, reason)
    assert not {"INV-1001", "INV-1002"} & _planned(firm)
    assert len(_tasks(firm)) == 1


def test_what_only_the_crm_tells_stops_e_mail_and_is_a_task(any_firm: Firm) -> None:
    assert "INV-1001" in _planned(any_firm)
    _told_by_crm(any_firm, opted_out=True)
    assert _standing(any_firm) == {("email", "salesforce")}
    assert "INV-1001" not in _planned(any_firm)
    (task,) = _tasks(any_firm)
    assert "asked for no more e-mails and owes" in task.text
    (event,) = any_firm.rows(t.event, action="opted_out")
    assert (event.actor, event.detail) == ("salesforce", "Salesforce says that the customer wants no more e-mails")
    _told_by_crm(any_firm, opted_out=False)
    assert _standing(any_firm) == set() and _tasks(any_firm) == []
    assert "INV-1001" in _planned(any_firm)


def test_the_crm_takes_back_its_own_word_alone(firm: Firm) -> None:
    _wants_none(firm, Channel.EMAIL)
    _told_by_crm(firm, opted_out=True)
    _told_by_crm(firm, opted_out=False)
    assert _standing(firm) == {("email", "payer")}
    assert "INV-1001" not in _planned(firm)


def test_what_a_person_took_back_is_not_brought_back_by_reading_the_crm_again(firm: Firm) -> None:
    _told_by_crm(firm, opted_out=True)
    _take_back(firm, "They rang", Channel.EMAIL)
    _told_by_crm(firm, opted_out=True)
    assert _standing(firm) == set()
    _told_by_crm(firm, opted_out=False)
    _told_by_crm(firm, opted_out=True)
    assert _standing(firm) == {("email", "salesforce")}, "said anew, it counts anew"
