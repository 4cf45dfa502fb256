"""A planning weighs only customers of whom something changed, and plans what weighing everybody would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from connectors.contract import Role
from reminders.evidence import Channel
from reminders.policy_book import BY_SIZE
from reminders.policy_file import write_policies
from reminders.schedule import Verdict
from runtime.operations.matching.decide import reject
from runtime.operations.payers.promise import promise as promised
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reminding.plan import decide, plan_reminders
from runtime.operations.reminding.policies import set_policies
from runtime.operations.reminding.send import send_reminders
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.operations.systems.pull import pull
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm, money_in

WEIGHED = (Verdict.REMIND.value, Verdict.HELD.value, Verdict.NOT_DUE.value)


def weighed(firm: Firm) -> int:
    """How many items a planning weighs."""
    counted = plan_reminders(firm.app, firm.id)
    return sum(counted[name] for name in WEIGHED)


def planned(firm: Firm) -> set[str]:
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    return {numbers[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


def by_weighing_all(firm: Firm) -> set[str]:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        result = decide(db, organisation, now=firm.app.clock(), freshness_is_reported=True)
    return {line.number for message in result.reminders for line in message.lines}


def agrees(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    assert planned(firm) == by_weighing_all(firm)
    return planned(firm)


def hold(firm: Firm) -> None:
    with firm.app.store.write() as db:
        place_hold(
            db,
            organisation_id=firm.id,
            document_id=firm.document("INV-1001").id,
            code="paused",
            reason="they are on strike",
            placed_by="dana",
            at=firm.app.clock(),
        )


def release(firm: Firm) -> None:
    hold(firm)
    agrees(firm)
    with firm.app.store.write() as db:
        release_hold(db, firm.id, firm.document("INV-1001").id, "paused", firm.app.clock())


def read_ledger(firm: Firm) -> None:
    firm.time.advance(minutes=5)
    pull(firm.app, firm.connection(Role.LEDGER))


def pay_by_hand(firm: Firm) -> None:
    firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY)
    read_ledger(firm)


def allow_more_time(firm: Firm) -> None:
    firm.ledger.edit_due_date("INV-1001", TODAY + timedelta(days=9))
    read_ledger(firm)


def take_time_back(firm: Firm) -> None:
    allow_more_time(firm)
    agrees(firm)
    firm.ledger.edit_due_date("INV-1001", TODAY - timedelta(days=9))
    read_ledger(firm)


def contest(firm: Firm) -> None:
    firm.edit_in_crm("INV-1001", Disputed__c=True, Dispute_Reason__c="wrong price")
    firm.time.advance(minutes=5)
    pull(firm.app, firm.connection(Role.CRM))


def agree_again(firm: Firm) -> None:
    contest(firm)
    agrees(firm)
    firm.edit_in_crm("INV-1001", Disputed__c=False, Dispute_Reason__c=None)
    firm.time.advance(minutes=5)
    pull(firm.app, firm.connection(Role.CRM))


def promise(firm: Firm) -> None:
    document = firm.document("INV-1001")
    promised(
        firm.app,
        organisation_id=firm.id,
        customer_id=document.customer_id,
        document_id=document.id,
        promised_on=TODAY + timedelta(days=5),
        actor="payer",
    )


def break_a_promise(firm: Firm) -> None:
    promise(firm)
    agrees(firm)
    firm.time.advance(days=9)


def stop(firm: Firm) -> None:
    who = firm.document("INV-1001").customer_id
    opt_out(firm.app, organisation_id=firm.id, customer_id=who, channel=Channel.EMAIL, actor="payer")


def suggest(firm: Firm) -> None:
    firm.import_lines(money_in("L9", "999.00", "ACME LTD", "INV-1001"))
    firm.work()


def reject_what_is_suggested(firm: Firm) -> None:
    suggest(firm)
    agrees(firm)
    reject(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")


def send(firm: Firm) -> None:
    firm.switch_sending()
    send_reminders(firm.app, firm.id)


def wait_for_the_next_level(firm: Firm) -> None:
    send(firm)
    assert not agrees(firm)
    firm.time.advance(days=27)


def other_policies(firm: Firm) -> None:
    set_policies(firm.app, organisation_id=firm.id, text=write_policies(BY_SIZE), source="policies.yaml", actor="dana")


def night(firm: Firm) -> None:
    firm.time.advance(hours=10)


def the_next_morning(firm: Firm) -> None:
    night(firm)
    agrees(firm)
    firm.time.advance(hours=14)


@pytest.mark.parametrize(
    "happens",
    [
        hold,
        release,
        pay_by_hand,
        allow_more_time,
        take_time_back,
        contest,
        agree_again,
        promise,
        break_a_promise,
        stop,
        suggest,
        reject_what_is_suggested,
        send,
        wait_for_the_next_level,
        other_policies,
        night,
        the_next_morning,
    ],
    ids=lambda each: each.__name__,
)
def test_whatever_happens_the_plan_is_the_one_of_weighing_all(firm: Firm, happens: Callable[[Firm], None]) -> None:
    assert agrees(firm) == {"INV-1001", "INV-1002", "INV-2001"}
    happens(firm)
    agrees(firm)


def test_nobody_is_weighed_of_whom_nothing_changed(any_firm: Firm) -> None:
    assert weighed(any_firm) == len(any_firm.rows(t.document, status="open"))
    assert weighed(any_firm) == 0
    hold(any_firm)
    assert weighed(any_firm) == 2, "both invoices of that customer, and nobody else's"
    any_firm.time.advance(days=1)
    assert weighed(any_firm) >= 3, "what was asked for is weighed each day"


def test_forty_reminders_cost_one_call_to_the_ledger(firm: Firm) -> None:
    for number in range(39):
        firm.customer(f"Payer{number}")
        firm.invoice(f"Payer{number}", f"INV-5{number:03d}", "50.00")
    firm.settle()
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    outcome = send_reminders(firm.app, firm.id)
    assert (outcome["sent"], outcome["ledger_reads"]) == (41, 2)


def test_what_money_may_pay_is_weighed_each_time(firm: Firm) -> None:
    suggest(firm)
    plan_reminders(firm.app, firm.id)
    assert weighed(firm) > 0


def test_a_branch_is_not_reached_through_a_parent_who_asked_for_no_messages(firm: Firm) -> None:
    firm.switch_sending()
    parent, branch = (firm.document(number).customer_id for number in ("INV-1001", "INV-2001"))
    with firm.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == branch).values(email=None, parent_id=parent))
    plan_reminders(firm.app, firm.id)
    assert "INV-2001" in planned(firm)
    stop(firm)
    assert send_reminders(firm.app, firm.id)["sent"] == 0
    assert {each.why for each in firm.rows(t.reminder, customer_id=branch)} == {"contact"}
