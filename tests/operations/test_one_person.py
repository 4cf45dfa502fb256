"""One person hears from us no more often for being reached for several customers, by any of them or by several ways."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from reminders.evidence import Channel
from runtime.operations.reminding.plan import decide, plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.firm import Firm
from tests.store.build import put

BOTH = ("INV-1001", "INV-2001")


def _share_a_mailbox(firm: Firm) -> None:
    """Acme and Bolt are written to at one mailbox, typed in two ways."""
    acme, bolt = (firm.document(number).customer_id for number in BOTH)
    with firm.app.store.write() as db:
        for customer_id, email in ((acme, "Accounts@example.com"), (bolt, "accounts@example.com")):
            mine = t.customer.c.id == customer_id
            db.execute(update(t.customer).where(mine).values(email=email, weighed_until=None))


def _send(firm: Firm) -> int:
    plan_reminders(firm.app, firm.id)
    return send_reminders(firm.app, firm.id)["sent"]


def _held(firm: Firm) -> set[str]:
    return {row.detail for row in firm.rows(t.event, action="reminder_held")}


def test_two_customers_at_one_mailbox_are_one_person_to_write_to(any_firm: Firm) -> None:
    _share_a_mailbox(any_firm)
    any_firm.switch_sending()
    assert _send(any_firm) == 1, "both were planned; the second is decided again once the first has left"
    assert any(each.startswith("The customer was last contacted on 2026-03-10") for each in _held(any_firm))
    assert _send(any_firm) == 0
    any_firm.time.advance(days=6)  # a Monday
    assert _send(any_firm) == 1
    assert len(any_firm.mailbox.mails) == 2
    (last,) = [json.loads(row.body) for row in any_firm.rows(t.certificate) if row.sequence == _last(any_firm)]
    assert last["evidence"]["contact"]["contacts_this_week"] == 1
    assert last["evidence"]["contact"]["contacts_for_others"] == 1


def _last(firm: Firm) -> int:
    return int(max(row.sequence for row in firm.rows(t.certificate)))


def test_two_customers_with_mailboxes_of_their_own_are_two(firm: Firm) -> None:
    firm.switch_sending()
    assert _send(firm) == 2


def test_the_weekly_limit_counts_what_was_sent_for_the_other_and_says_so(firm: Firm) -> None:
    _share_a_mailbox(firm)
    _sent_to_bolt(firm, days_ago=(6, 4))
    firm.switch_sending()
    assert _send(firm) == 0
    reasons = _reasons(firm)
    text = "The customer was contacted 2 times in seven days, 2 of them for another customer at the same address"
    assert any(each.startswith(text) for each in reasons)


def _reasons(firm: Firm) -> list[str]:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        decided = decide(db, organisation, now=firm.app.clock(), freshness_is_reported=True).decisions
    mine = [each for each in decided if each.evidence.item.number == "INV-1001"]
    return [hold.reason for each in mine for hold in each.holds]


def _sent_to_bolt(firm: Firm, *, days_ago: tuple[int, ...], **values: object) -> None:
    with firm.app.store.write() as db:
        for days in days_ago:
            bolt = firm.document("INV-2001").customer_id
            row = {"id": f"rem-{days}", "organisation_id": firm.id, "customer_id": bolt}
            row |= {"state": "sent", "channel": "email", "recipient": "accounts@EXAMPLE.com"}
            row |= {"sent_at": firm.app.clock() - timedelta(days=days)}
            put(db, t.reminder, **(row | values))


def test_a_message_just_handed_over_by_another_way_keeps_the_second_back(firm: Firm) -> None:
    _share_a_mailbox(firm)
    _sent_to_bolt(firm, days_ago=(5,), state="in_doubt", channel=Channel.SMS.value)
    assert any("A contact by sms is already under way" in each for each in _reasons(firm))


@pytest.mark.parametrize("state", ["failed", "undelivered", "planned"])
def test_what_did_not_leave_or_reached_nobody_is_not_counted(firm: Firm, state: str) -> None:
    _share_a_mailbox(firm)
    _sent_to_bolt(firm, days_ago=(6, 4), state=state)
    firm.switch_sending()
    assert _send(firm) >= 1
