"""What CRM users tell us to do on an account's page is done once, and answered in the same record."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from werkzeug.wrappers import Request, Response

from connectors.crm.salesforce.knock import HEADER, key_of
from runtime.operations.inbox.take_webhook import BadSignatureError, take_webhook
from runtime.operations.payers.promise import promise
from runtime.operations.reminding.certificates import verify_certificates
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.store import tables as t
from tests.operations.faults import unavailable
from tests.operations.firm import TODAY, Firm

INSTRUCTION = "TrueDue_Instruction__c"
LONDON = ZoneInfo("Europe/London")
DAYS = "the last day of a pause is between today and 90 days from now"
UNTIL = TODAY + timedelta(days=20)
SECRET = "not-a-real-secret"


def account_of(firm: Firm, name: str) -> str:
    (account,) = [str(each["Id"]) for each in firm.crm.records["Account"].values() if each["Name"] == name]
    return account


def tell(firm: Firm, action: str, number: str | None = None, **fields: Any) -> str:  # noqa: ANN401 - any field
    """A CRM user tells something; returns the record's id."""
    said = {"Account__c": account_of(firm, "Acme"), "Action__c": action}
    if number is not None:
        said["Invoice__c"] = str(firm.shown(number)["Id"])
    return firm.crm.create(INSTRUCTION, **(said | fields))


def answer(firm: Firm, instruction: str) -> tuple[str, str]:
    found = firm.crm.find(INSTRUCTION, instruction)
    return str(found["Status__c"]), str(found["Answer__c"])


def knock(firm: Firm, *records: tuple[str, str], org: str | None = None, name: str = "707-1") -> int:
    """The package tells that records changed; returns how many notices were new."""
    firm.app.settings = firm.app.settings.model_copy(update={"salesforce_webhook_secret": _Secret(SECRET)})
    listed = [{"object": sobject, "id": record_id} for sobject, record_id in records]
    body = json.dumps({"org": org or firm.crm.org_id, "knock": name, "records": listed}).encode()
    return take_webhook(firm.app, system="salesforce", headers=key(firm), body=body)


def key(firm: Firm) -> dict[str, str]:
    """The header by which the firm's org is known."""
    return {HEADER: key_of(SECRET, firm.crm.org_id)}


class _Secret:
    """A secret as settings hold it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        return self._text


def _takes_no_answers(request: Request, handle: Callable[[], Response]) -> Response:
    return unavailable(request, handle) if request.method == "PATCH" else handle()


def sent(firm: Firm) -> set[str]:
    """The numbers of the invoices that were reminded of."""
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)
    items = {row.document_id for row in firm.rows(t.reminder_item) if row.state == "sent"}
    return {row.number for row in firm.rows(t.document) if row.id in items}


def test_a_pause_holds_that_invoice_through_its_last_day_and_its_record_says_so(firm: Firm) -> None:
    told = tell(firm, "pause", "INV-1001", Until__c=UNTIL, Reason__c="they are merging")
    firm.settle()
    assert answer(firm, told) == ("done", f"Reminders of INV-1001 are paused through {UNTIL}.")
    assert firm.shown("INV-1001")["Paused_Until__c"] == UNTIL.isoformat()
    assert firm.shown("INV-1002")["Paused_Until__c"] is None
    (hold,) = firm.rows(t.hold)
    assert hold.until == datetime.combine(UNTIL + timedelta(days=1), time(), LONDON), "in summer time by then"
    assert firm.problems() == [] and firm.writes_at_rest() == []
    assert sent(firm) == {"INV-1002", "INV-2001"}


def test_a_pause_of_an_account_holds_every_open_invoice_until_it_is_resumed(firm: Firm) -> None:
    told = tell(firm, "pause", Until__c=UNTIL)
    firm.settle()
    assert answer(firm, told) == ("done", f"Reminders of 2 open invoices are paused through {UNTIL}.")
    assert sent(firm) == {"INV-2001"}
    firm.time.advance(minutes=1)
    again = tell(firm, "resume", "INV-1002")
    firm.settle()
    assert answer(firm, again) == ("done", "Reminders of INV-1002 go on.")
    assert firm.shown("INV-1002")["Paused_Until__c"] is None
    assert sent(firm) == {"INV-1002", "INV-2001"}


def test_a_pause_after_planning_stops_what_was_planned_even_unread(firm: Firm) -> None:
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    firm.time.advance(minutes=3)  # the CRM's last reading is too old for the gate, which reads again
    tell(firm, "pause", Until__c=UNTIL)
    send_reminders(firm.app, firm.id)
    items = {row.document_id for row in firm.rows(t.reminder_item) if row.state == "sent"}
    assert {row.number for row in firm.rows(t.document) if row.id in items} == {"INV-2001"}


def test_what_cannot_be_done_is_refused_with_its_reason(firm: Firm) -> None:
    zebra = firm.crm.create("Account", Name="Zebra")
    told = {
        tell(firm, "pause", "INV-1001"): DAYS,
        tell(firm, "pause", "INV-1001", Until__c=TODAY - timedelta(days=1)): DAYS,
        tell(firm, "pause", "INV-1001", Until__c=TODAY + timedelta(days=91)): DAYS,
        tell(firm, "resume", "INV-1001"): "no reminders of INV-1001 are paused",
        tell(firm, "pause", "INV-2001", Until__c=UNTIL): "the invoice is no open one of this account",
        tell(firm, "pause", Account__c=zebra, Until__c=UNTIL): "the account is linked to no customer of the ledger",
    }
    firm.settle()
    assert {each: answer(firm, each) for each in told} == {
        each: ("refused", f"Nothing was changed: {why}.") for each, why in told.items()
    }
    assert firm.rows(t.hold) == [] and firm.shown("INV-1001")["Paused_Until__c"] is None


def test_instructions_count_in_the_order_in_which_they_were_given(firm: Firm) -> None:
    first = tell(firm, "pause", "INV-1001", Until__c=UNTIL)
    firm.time.advance(seconds=5)
    second = tell(firm, "pause", "INV-1001", Until__c=UNTIL + timedelta(days=2))
    knock(firm, (INSTRUCTION, second))
    firm.work()
    firm.settle()
    assert answer(firm, second)[0] == "done"
    assert answer(firm, first) == ("refused", "Nothing was changed: a later instruction counts.")
    assert firm.shown("INV-1001")["Paused_Until__c"] == (UNTIL + timedelta(days=2)).isoformat()


def test_an_instruction_is_followed_once_however_often_it_is_read(firm: Firm) -> None:
    firm.estate.salesforce.interceptor = _takes_no_answers
    told = tell(firm, "pause", "INV-1001", Until__c=UNTIL)
    for name in ("707-1", "707-2"):
        knock(firm, (INSTRUCTION, told), name=name)
        firm.work()
    firm.estate.salesforce.interceptor = None
    firm.time.advance(minutes=10)
    firm.settle()
    assert answer(firm, told)[0] == "done"
    assert len([row for row in firm.rows(t.event) if row.action == "paused"]) == 1
    assert len(firm.rows(t.outbox, system="salesforce")) == 1


def test_a_knock_has_an_instruction_followed_without_a_poll(firm: Firm) -> None:
    told = tell(firm, "pause", "INV-1001", Until__c=UNTIL)
    assert knock(firm, (INSTRUCTION, told)) == 1
    assert knock(firm, (INSTRUCTION, told)) == 0, "the same knock is known"
    firm.work()
    assert answer(firm, told)[0] == "done"
    assert firm.shown("INV-1001")["Paused_Until__c"] == UNTIL.isoformat()


def test_a_knock_has_a_promise_read_without_a_poll(firm: Firm) -> None:
    firm.edit_in_crm("INV-1001", Promised_On__c=UNTIL)
    knock(firm, ("TrueDue_Invoice__c", str(firm.shown("INV-1001")["Id"])))
    firm.work()
    assert firm.document("INV-1001").promised_on == UNTIL
    assert sent(firm) == {"INV-1002", "INV-2001"}


def test_another_day_said_in_the_crm_is_another_promise(firm: Firm) -> None:
    firm.work()
    one = firm.document("INV-1001")
    which = {"organisation_id": firm.id, "customer_id": one.customer_id, "document_id": one.id}
    promise(firm.app, **which, promised_on=UNTIL, part="20", actor="customer")
    firm.settle()
    firm.edit_in_crm("INV-1001", Note__c="They called.")
    firm.settle()
    assert firm.document("INV-1001").promise_leaves_minor == 10_000, "the same day, the same promise"
    firm.edit_in_crm("INV-1001", Promised_On__c=UNTIL + timedelta(days=1))
    firm.settle()
    changed = firm.document("INV-1001")
    assert (changed.promised_on, changed.promise_leaves_minor) == (UNTIL + timedelta(days=1), None)


def test_no_org_knocks_for_another(firm: Firm) -> None:
    other = firm.estate.salesforce.add_org(name="Other")
    with pytest.raises(BadSignatureError):
        knock(firm, (INSTRUCTION, "a00000000000001"), org=other.org_id)
    assert firm.rows(t.inbox) == []


def test_the_account_shows_when_it_was_last_written_to(firm: Firm) -> None:
    sent(firm)
    firm.settle()
    (shown,) = [each for each in firm.crm.records["Account"].values() if each["Name"] == "Acme"]
    assert shown["TrueDue_Last_Contact__c"] == TODAY.isoformat()
    assert shown["TrueDue_Usually_Late__c"] is None, "too few invoices were paid to tell"


def _account_hold(firm: Firm) -> object:
    (shown,) = [each for each in firm.crm.records["Account"].values() if each["Name"] == "Acme"]
    return shown["TrueDue_Hold__c"]


def test_the_account_says_what_keeps_reminders_back(firm: Firm) -> None:
    assert not _account_hold(firm)
    tell(firm, "pause", "INV-1001", Until__c=UNTIL)
    firm.settle()
    assert _account_hold(firm) == "1 of 2 open: 1 paused"
    firm.edit_in_crm("INV-1002", Disputed__c=True, Dispute_Reason__c="wrong price")
    firm.settle()
    assert _account_hold(firm) == "all 2 open: 1 contested, 1 paused"
    tell(firm, "resume", "INV-1001")
    firm.edit_in_crm("INV-1002", Disputed__c=False)
    firm.settle()
    assert not _account_hold(firm)
    assert firm.writes_at_rest() == []


def levels(firm: Firm, number: str) -> list[tuple[int, str]]:
    document = firm.document(number).id
    return sorted((row.level, row.state) for row in firm.rows(t.reminder_item) if row.document_id == document)


def test_a_reminder_that_did_not_arrive_is_due_again_within_the_limits(firm: Firm) -> None:
    assert "INV-1001" in sent(firm)
    firm.settle()
    ((level, state),) = levels(firm, "INV-1001")
    assert state == "sent"
    mails = len(firm.mailbox.mails)
    told = tell(firm, "send_again", "INV-1001")
    firm.settle()
    words = "The last reminder of INV-1001 is sent again, once everything that may hold it was asked."
    assert answer(firm, told) == ("done", words)
    sent(firm)
    assert len(firm.mailbox.mails) == mails, "the one that did not arrive still counts for how often one may write"
    firm.time.advance(days=7)
    firm.settle()
    sent(firm)
    assert levels(firm, "INV-1001") == [(level, "sent"), (level, "undelivered")], "the same level, once more"
    assert verify_certificates(firm.app.store, firm.id).problem is None


def test_what_was_never_sent_or_sent_since_is_not_sent_again(firm: Firm) -> None:
    never = tell(firm, "send_again", "INV-1001")
    firm.settle()
    assert answer(firm, never) == ("refused", "Nothing was changed: no reminder of INV-1001 was sent yet.")
    early = tell(firm, "send_again")
    firm.time.advance(seconds=5)
    sent(firm)
    firm.settle()
    assert answer(firm, early) == ("refused", "Nothing was changed: a reminder was sent since then.")
    assert {state for _, state in levels(firm, "INV-1001")} == {"sent"}


def test_what_is_paid_is_not_sent_again(firm: Firm) -> None:
    sent(firm)
    firm.settle()
    told = tell(firm, "send_again")
    firm.settle()
    assert answer(firm, told)[0] == "done"
    firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY)
    firm.time.advance(days=7)
    firm.settle()
    sent(firm)
    assert levels(firm, "INV-1001") == [(levels(firm, "INV-1001")[0][0], "undelivered")]
    assert (levels(firm, "INV-1002")[0][0], "sent") in levels(firm, "INV-1002")
