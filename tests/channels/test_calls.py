"""Calls by a person and handing over: through the gate when they begin, counted as contacts, with what came of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from reminders.evidence import Channel
from reminders.own_copy import CopyKind
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.reminding.call_customers import Outcome, Said, begin, record_outcome, take_back
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.policies import set_policies
from runtime.operations.reminding.send import send_reminders
from runtime.operations.views.calls import waiting_calls
from runtime.store import connections
from runtime.store import tables as t
from tests.channels.conftest import Texting, own_words
from tests.operations.firm import TODAY

CALLS = """
policies:
  - name: calls
    levels:
      - {days_after_due: 1, tone: friendly, channel: call_task}
      - {days_after_due: 2, tone: final, channel: email}
      - {days_after_due: 3, tone: final, channel: hand_over}
    days_between_levels: 0
    days_between_messages: 3
"""


@pytest.fixture
def calling(texting: Texting) -> Texting:
    firm = texting.firm
    set_policies(firm.app, organisation_id=firm.id, text=CALLS, source="test", actor="owner")
    texting.note("Bolt", "020 7946 0018", Channel.CALL_TASK)
    _plan(texting)
    return texting


def _plan(texting: Texting) -> None:
    texting.firm.switch_sending()
    plan_reminders(texting.firm.app, texting.firm.id)


def _of(texting: Texting, name: str) -> str:
    with texting.firm.app.store.read() as db:
        organisation = connections.organisation(db, texting.firm.id)
        assert organisation is not None
        (found,) = [each for each in waiting_calls(db, organisation) if each.name == name]
    return found.reminder_id


def _begin(texting: Texting, reminder_id: str) -> Channel:
    return begin(texting.firm.app, organisation_id=texting.firm.id, reminder_id=reminder_id, actor="Dana Fenwick")


def _ended(texting: Texting, reminder_id: str, outcome: Outcome, **more: object) -> None:
    said = Said(outcome, **more)  # type: ignore[arg-type]
    record_outcome(
        texting.firm.app, organisation_id=texting.firm.id, reminder_id=reminder_id, said=said, actor="Dana Fenwick"
    )


def test_a_call_passes_the_gate_when_it_begins_and_its_promise_holds(calling: Texting) -> None:
    firm, bolt, acme = calling.firm, _of(calling, "Bolt"), _of(calling, "Acme")
    assert send_reminders(firm.app, firm.id) == {}, "no message goes in a call's place"
    firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY)
    firm.ledger.pay_by_hand("INV-1002", "75.50", on=TODAY)
    with pytest.raises(RefusedError, match=r"do not call now: .*paid"):
        _begin(calling, acme)
    assert _begin(calling, bolt) is Channel.CALL_TASK
    with pytest.raises(RefusedError, match="not planned any more"):
        _begin(calling, bolt)
    (row,) = firm.rows(t.reminder, id=bolt)
    assert (row.state, row.recipient) == ("handing", "+442079460018")
    assert "£300.00" in row.body_text
    assert [slot.channel for slot in firm.rows(t.reminder_slot)] == ["call_task"]
    _ended(calling, bolt, Outcome.PROMISED, promised_on=TODAY + timedelta(days=9), note="she was friendly")
    assert firm.document("INV-2001").promised_on == TODAY + timedelta(days=9)
    (told,) = firm.rows(t.delivery)
    assert (told.carrier, told.state, "she was friendly" in told.detail) == ("person", "delivered", True)
    with pytest.raises(RefusedError, match="waits for its outcome"):
        _ended(calling, bolt, Outcome.REACHED)


@pytest.mark.long
def test_nobody_answers_three_times_and_the_next_level_follows(calling: Texting) -> None:
    firm = calling.firm
    for place in range(3):
        bolt = _of(calling, "Bolt")
        _begin(calling, bolt)
        _ended(calling, bolt, Outcome.NO_ANSWER)
        firm.time.advance(hours=1)
        _plan(calling)
        with pytest.raises(ValueError, match="not enough values"):
            _of(calling, "Bolt")  # the pause between two contacts
        firm.time.advance(days=7, hours=-1)
        firm.settle()
        _plan(calling)
        assert calling.firm.problems() == []
        assert len(firm.rows(t.reminder, state="no_answer")) == min(place + 1, 2)
    states = {(row.channel, row.state, row.recipient) for row in firm.rows(t.reminder)}
    assert ("email", "planned", "bolt@example.com") in states


@pytest.mark.long
def test_a_wrong_number_asks_for_another_one(calling: Texting) -> None:
    firm, bolt = calling.firm, _of(calling, "Bolt")
    _begin(calling, bolt)
    _ended(calling, bolt, Outcome.WRONG_NUMBER)
    assert firm.problems() == ["contact_needed"]
    assert [row.state for row in firm.rows(t.reminder, id=bolt)] == ["undelivered"]
    _plan(calling)
    calling.note("Bolt", "020 7946 0999", Channel.CALL_TASK)
    assert firm.problems() == []
    _plan(calling)
    again = _of(calling, "Bolt")
    _begin(calling, again)
    assert [row.recipient for row in firm.rows(t.reminder, id=again)] == ["+442079460999"]


@pytest.mark.long
def test_a_dispute_on_the_telephone_holds_and_needs_its_reason(calling: Texting) -> None:
    firm, bolt = calling.firm, _of(calling, "Bolt")
    _begin(calling, bolt)
    for outcome, more in ((Outcome.DISPUTED, {}), (Outcome.PROMISED, {}), (Outcome.REACHED, {"note": "x" * 1_001})):
        with pytest.raises(InputError):
            _ended(calling, bolt, outcome, **more)
    _ended(calling, bolt, Outcome.DISPUTED, note="two chairs are missing")
    assert firm.document("INV-2001").dispute_reason == "two chairs are missing"


@pytest.mark.long
def test_a_call_that_is_forgotten_is_asked_about_the_next_day(calling: Texting) -> None:
    firm, bolt = calling.firm, _of(calling, "Bolt")
    _begin(calling, bolt)
    firm.time.advance(hours=3)
    send_reminders(firm.app, firm.id)
    assert firm.problems() == []
    firm.time.advance(days=1)
    send_reminders(firm.app, firm.id)
    assert firm.problems() == ["reminder_in_doubt"]
    _ended(calling, bolt, Outcome.REACHED)
    assert firm.problems() == []


@pytest.mark.long
def test_a_call_waits_for_the_pause_after_a_message_and_for_the_customers_hours(calling: Texting) -> None:
    firm, bolt = calling.firm, _of(calling, "Bolt")
    firm.time.advance(hours=12)
    with pytest.raises(RefusedError, match="outside its working days"):
        _begin(calling, bolt)


@pytest.mark.long
def test_what_is_handed_over_is_held_until_it_is_taken_back(calling: Texting) -> None:
    firm = calling.firm
    steps: list[Callable[[], object]] = [lambda: _ended(calling, _of(calling, "Bolt"), Outcome.REACHED)]
    _begin(calling, _of(calling, "Bolt"))
    steps[0]()
    firm.time.advance(days=7)
    firm.settle()
    calling.send()
    assert ("bolt@example.com",) in [mail.recipients for mail in firm.mailbox.mails]
    firm.settle()
    _plan(calling)
    bolt = _of(calling, "Bolt")
    assert _begin(calling, bolt) is Channel.HAND_OVER
    (row,) = firm.rows(t.reminder, id=bolt)
    for words in ("open 300.00 GBP", "by call_task to +442079460018", "level 2, by email to bolt@example.com"):
        assert words in row.body_text, words
    (hold,) = [each for each in firm.rows(t.hold) if each.code == "legal"]
    assert hold.released_at is None
    take_back(firm.app, organisation_id=firm.id, reminder_id=bolt, actor="Dana Fenwick")
    (hold,) = [each for each in firm.rows(t.hold) if each.code == "legal"]
    assert hold.released_at is not None


def test_a_call_has_the_script_that_the_organisation_wrote(calling: Texting) -> None:
    own_words(calling, CopyKind.CALL, None, "Hello {{ recipient }}, {{ sender }} here about {{ number }}, {{ total }}.")
    bolt = _of(calling, "Bolt")
    assert _begin(calling, bolt) is Channel.CALL_TASK
    (script,) = [row.body_text for row in calling.firm.rows(t.reminder, id=bolt)]
    assert script == "Hello Bolt, Firm here about INV-2001, £300.00."
