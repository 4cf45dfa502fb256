"""Where a person approves messages, none leaves without it, and none that says something else than was approved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reminders.evidence import Channel
from reminders.policy_file import read_policies
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.reminding.approvals import decide_message, switch_approvals, take_decision_back
from runtime.operations.reminding.call_customers import begin
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.policies import set_policies
from runtime.operations.reminding.policy_preview import preview
from runtime.operations.reminding.remind import remind_organisation
from runtime.operations.reminding.send import send_reminders
from runtime.operations.views.approvals import Approvals, Waiting, approvals_view
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm


@pytest.fixture
def approving(firm: Firm) -> Firm:
    """Sending is on, and a person sees each message first: one to Acme of two invoices, one to Bolt of one."""
    firm.switch_sending()
    switch_approvals(firm.app, organisation_id=firm.id, on=True, actor="dana")
    plan_reminders(firm.app, firm.id)
    return firm


def _view(firm: Firm) -> Approvals:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        return approvals_view(firm.app, db, organisation, now=firm.app.clock())


def _waiting(firm: Firm) -> dict[str, Waiting]:
    return {each.name: each for each in _view(firm).waiting}


def _decide(firm: Firm, waiting: Waiting, *, approves: bool = True, note: str = "") -> None:
    decide_message(
        firm.app,
        organisation_id=firm.id,
        reminder_id=waiting.reminder_id,
        digest=waiting.digest,
        approves=approves,
        note=note,
        actor="dana",
    )


def _got(firm: Firm) -> list[str]:
    return sorted(recipient for mail in firm.mailbox.mails for recipient in mail.recipients)


def test_none_leaves_unseen_and_what_was_approved_reads_as_it_was_shown(approving: Firm) -> None:
    assert send_reminders(approving.app, approving.id) == {}
    calls = sum(approving.ledger.standin.calls.values())
    assert remind_organisation(approving.app, approving.id)["sent"] == 0
    assert sum(approving.ledger.standin.calls.values()) == calls, "what waits costs the ledger nothing"
    waiting = _waiting(approving)
    assert sorted(waiting) == ["Acme", "Bolt"]
    _decide(approving, waiting["Bolt"], note="As agreed with Joan\r\non the telephone.")
    assert sorted(_waiting(approving)) == ["Acme"]
    assert send_reminders(approving.app, approving.id)["sent"] == 1
    (mail,) = approving.mailbox.mails
    assert mail.recipients == ("bolt@example.com",)
    assert mail.subject == waiting["Bolt"].subject
    assert "As agreed with Joan on the telephone." in mail.text
    assert "As agreed with Joan on the telephone." in mail.html
    shown = [line for line in waiting["Bolt"].text.splitlines() if line and "http" not in line]
    assert [line for line in shown if line not in mail.text] == []
    assert [row.actor for row in approving.rows(t.event) if row.action == "message_approved"] == ["dana"]


def test_an_approval_ends_when_the_amounts_change(approving: Firm) -> None:
    shown = _waiting(approving)["Bolt"]
    _decide(approving, shown)
    approving.ledger.pay_by_hand("INV-2001", "100.00", on=TODAY)  # nobody has told us; the gate reads it
    counted = send_reminders(approving.app, approving.id)
    assert (counted["sent"], counted["waiting"]) == (0, 1)
    assert _got(approving) == []
    plan_reminders(approving.app, approving.id)
    again = _waiting(approving)["Bolt"]
    assert [amount.text() for amount in again.totals] == ["200.00"]
    with pytest.raises(RefusedError, match="look again"):
        _decide(approving, shown)
    _decide(approving, again)
    assert send_reminders(approving.app, approving.id)["sent"] == 1
    assert "£200.00" in approving.mailbox.mails[0].text


def test_an_approval_does_not_open_the_gate(approving: Firm) -> None:
    _decide(approving, _waiting(approving)["Bolt"])
    approving.ledger.pay_by_hand("INV-2001", "300.00", on=TODAY)
    counted = send_reminders(approving.app, approving.id)
    assert (counted["sent"], counted["held"]) == (0, 1)
    assert _got(approving) == []


def test_it_is_asked_again_after_a_week_and_survives_planning(approving: Firm) -> None:
    approving.time.advance(days=2)
    approving.settle()
    plan_reminders(approving.app, approving.id)
    _decide(approving, _waiting(approving)["Bolt"])
    approving.invoice("Acme", "INV-1009", "10.00")
    approving.settle()
    plan_reminders(approving.app, approving.id)
    assert "Bolt" not in _waiting(approving), "what was approved is not asked about again"
    with approving.app.store.write() as db:
        db.execute(t.approval.update().values(decided_at=approving.app.clock() - timedelta(days=8)))
    assert send_reminders(approving.app, approving.id)["sent"] == 0
    assert "Bolt" in _waiting(approving)


def test_a_rejected_message_stays_here_until_the_decision_is_taken_back(approving: Firm) -> None:
    bolt = _waiting(approving)["Bolt"]
    _decide(approving, bolt, approves=False)
    plan_reminders(approving.app, approving.id)
    assert send_reminders(approving.app, approving.id) == {}
    assert sorted(_waiting(approving)) == ["Acme"]
    assert [each.decision for each in _view(approving).decided] == ["rejected"]
    take_decision_back(approving.app, organisation_id=approving.id, digest=bolt.digest, actor="dana")
    assert sorted(_waiting(approving)) == ["Acme", "Bolt"]
    with pytest.raises(RefusedError):
        take_decision_back(approving.app, organisation_id=approving.id, digest=bolt.digest, actor="dana")


def test_a_note_is_bounded_and_what_is_unknown_is_refused(approving: Firm) -> None:
    bolt = _waiting(approving)["Bolt"]
    with pytest.raises(InputError, match="longer than 500"):
        _decide(approving, bolt, note="x" * 501)
    with pytest.raises(RefusedError, match="does not wait"):
        decide_message(
            approving.app, organisation_id=approving.id, reminder_id="rem_x", digest="", approves=True, actor="dana"
        )
    assert approving.rows(t.approval) == []


def test_without_it_messages_leave_by_themselves(firm: Firm) -> None:
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    assert send_reminders(firm.app, firm.id)["sent"] == 2


BY_LEVEL = """policies:
  - name: careful
    levels:
      - {days_after_due: 1, tone: friendly%s}
"""


def _set(firm: Firm, more: str) -> None:
    set_policies(firm.app, organisation_id=firm.id, text=BY_LEVEL % more, source="a test", actor="dana")
    plan_reminders(firm.app, firm.id)


def test_a_level_that_needs_approval_waits_though_other_messages_do_not(firm: Firm) -> None:
    firm.switch_sending()
    _set(firm, ", needs_approval: yes")
    assert send_reminders(firm.app, firm.id) == {}
    waiting = _waiting(firm)
    assert sorted(waiting) == ["Acme", "Bolt"]
    assert waiting["Bolt"].why == "policy 'careful' has level 1 approved first"
    _decide(firm, waiting["Bolt"])
    assert send_reminders(firm.app, firm.id)["sent"] == 1
    assert _got(firm) == ["bolt@example.com"]
    _set(firm, "")
    assert _view(firm).waiting == ()
    assert send_reminders(firm.app, firm.id)["sent"] == 1, "the policies of today do not ask for it"


def test_a_message_planned_before_its_level_needed_approval_is_stopped_by_the_gate(firm: Firm) -> None:
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    set_policies(firm.app, organisation_id=firm.id, text=BY_LEVEL % ", needs_approval: yes", source="a", actor="dana")
    counted = send_reminders(firm.app, firm.id)
    assert (counted["sent"], counted["waiting"]) == (0, 2)
    assert sorted(_waiting(firm)) == ["Acme", "Bolt"]
    assert _got(firm) == []


def test_handing_over_waits_for_an_approval_where_its_level_says_so(firm: Firm) -> None:
    firm.switch_sending()
    _set(firm, ", channel: hand_over, needs_approval: yes")
    waiting = _waiting(firm)["Bolt"]
    with pytest.raises(RefusedError, match="approved first"):
        begin(firm.app, organisation_id=firm.id, reminder_id=waiting.reminder_id, actor="dana")
    assert [row.state for row in firm.rows(t.reminder, id=waiting.reminder_id)] == ["planned"]
    _decide(firm, waiting)
    assert begin(firm.app, organisation_id=firm.id, reminder_id=waiting.reminder_id, actor="dana") is Channel.HAND_OVER


def test_the_preview_says_what_would_wait(firm: Firm) -> None:
    firm.switch_sending()
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        book = read_policies(BY_LEVEL % ", needs_approval: yes")
        found = preview(db, organisation, book=book, now=firm.app.clock())
    assert (found.messages, found.to_approve) == (2, 2)
    assert {each.then.endswith(", once approved") for each in found.changes} == {True}
