"""A plan holds reminders while its instalments are paid, and no longer."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from receivables.money import Money
from reminders.holds import DEBIT_SETTLES_WITHIN
from reminders.payment_plan import PlanState
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.inbox.process_inbox import process_inbox
from runtime.operations.payers.pay_by_card import pay_by_card, switch_card_payments
from runtime.operations.plans.agree_plan import agree_plan, end_plan, set_payers_plans
from runtime.operations.plans.payment_plans import offers, plans_of
from runtime.operations.plans.watch_plans import watch_plans
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.remind import remind_organisation
from runtime.operations.reminding.send import send_reminders
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.firm import CURRENCY, TODAY, Firm

DEBT = Money(19_550, "GBP")  # what Acme owes in all
FIRST = TODAY + timedelta(days=6)  # a Monday


def _acme(firm: Firm) -> str:
    return str(next(row.id for row in firm.rows(t.customer) if row.name == "Acme"))


def _agree(firm: Firm, **other: Any) -> None:  # noqa: ANN401 - arguments
    usual: dict[str, Any] = {"debt": DEBT, "count": 2, "first_on": FIRST, "consent": "I agree.", "actor": "customer"}
    agree_plan(firm.app, organisation_id=firm.id, customer_id=_acme(firm), **(usual | other))


def _plan(firm: Firm) -> tuple[PlanState, str]:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        (plan,) = plans_of(db, organisation, now=firm.app.clock())
    return plan.state, plan.paid.text()


def _reminded(firm: Firm) -> set[str]:
    """The invoices that are planned to be reminded of now."""
    plan_reminders(firm.app, firm.id)
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    return {numbers[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


def _to(firm: Firm, day: date) -> None:
    firm.time.advance(days=(day - firm.app.clock().date()).days)
    firm.settle()


def test_a_plan_that_is_kept_holds_until_all_is_paid(firm: Firm) -> None:
    firm.switch_sending()
    assert "INV-1001" in _reminded(firm)
    _agree(firm)
    assert _reminded(firm) == {"INV-2001"}, "what was planned of them is withdrawn"
    assert {row.state for row in firm.rows(t.reminder_item) if row.state != "planned"} <= {"withdrawn"}
    (consent,) = {row.consent for row in firm.rows(t.payment_plan)}
    assert consent == "I agree."
    _to(firm, FIRST)
    firm.ledger.pay_by_hand("INV-1001", "97.75", on=FIRST)
    _to(firm, FIRST + timedelta(days=9))
    assert _plan(firm) == (PlanState.RUNNING, "97.75")
    assert _reminded(firm) <= {"INV-2001"}
    firm.ledger.pay_by_hand("INV-1001", "22.25", on=FIRST + timedelta(days=9))
    firm.ledger.pay_by_hand("INV-1002", "75.50", on=FIRST + timedelta(days=9))
    firm.settle()
    assert _plan(firm) == (PlanState.KEPT, "195.50")
    assert [row.code for row in firm.rows(t.hold) if row.released_at is None] == []


def test_an_instalment_that_is_missed_ends_it_and_somebody_is_told(firm: Firm) -> None:
    firm.switch_sending()
    _agree(firm)
    _to(firm, FIRST + timedelta(days=1))
    assert _plan(firm) == (PlanState.RUNNING, "0.00"), "money of the day itself arrives on the next banking day"
    assert "INV-1001" not in _reminded(firm)
    _to(firm, FIRST + timedelta(days=2))
    assert _plan(firm) == (PlanState.BROKEN, "0.00")
    assert "INV-1001" in _reminded(firm)
    (task,) = firm.rows(t.task)
    assert "was not kept: 97.75 GBP due on 2026-03-16" in task.text


def _debit(firm: Firm, amount: int, number: str) -> str:
    """Begin a debit for an invoice of the plan, three days before the first instalment is due."""
    firm.switch_sending()
    _agree(firm)
    _to(firm, FIRST - timedelta(days=3))
    intent = firm.stripe.pay(amount=amount, currency=CURRENCY, method="bacs_debit", metadata={"invoice_number": number})
    firm.deliver_webhooks()
    firm.settle()
    return intent


def _plan_holds(firm: Firm) -> set[date]:
    return {row.until.date() for row in firm.rows(t.hold, code="plan") if row.released_at is None}


def test_an_instalment_on_its_way_keeps_the_plan_until_it_settles(firm: Firm) -> None:
    intent = _debit(firm, 9_775, "INV-1001")
    _to(firm, FIRST + timedelta(days=2))
    assert _plan(firm) == (PlanState.RUNNING, "0.00")
    assert firm.rows(t.task) == []
    assert _reminded(firm) == {"INV-2001"}, "what the debit does not name is held too"
    assert _plan_holds(firm) == {date(2026, 4, 17)}
    firm.stripe.settle(intent)
    firm.deliver_webhooks()
    process_inbox(firm.app)
    watch_plans(firm.app, firm.id)
    assert _plan(firm) == (PlanState.RUNNING, "0.00"), "it arrived, and was not matched yet"
    firm.settle()
    assert _plan(firm) == (PlanState.RUNNING, "97.75")
    assert _reminded(firm) == {"INV-2001"}


def test_an_instalment_that_fails_on_its_way_breaks_the_plan(firm: Firm) -> None:
    intent = _debit(firm, 9_775, "INV-1001")
    _to(firm, FIRST + timedelta(days=2))
    firm.stripe.fail(intent)
    firm.deliver_webhooks()
    firm.settle()
    assert _plan(firm) == (PlanState.BROKEN, "0.00")
    assert _reminded(firm) == {"INV-1001", "INV-1002", "INV-2001"}
    (task,) = firm.rows(t.task)
    assert "was not kept: 97.75 GBP due on 2026-03-16" in task.text


def test_too_little_on_its_way_keeps_no_plan(firm: Firm) -> None:
    _debit(firm, 9_774, "INV-1001")
    _to(firm, FIRST + timedelta(days=2))
    assert _plan(firm) == (PlanState.BROKEN, "0.00")


def test_a_debit_of_which_nothing_is_heard_is_not_believed_for_ever(firm: Firm) -> None:
    _debit(firm, 9_775, "INV-1001")
    _to(firm, FIRST - timedelta(days=4) + DEBIT_SETTLES_WITHIN)
    assert _plan(firm) == (PlanState.RUNNING, "0.00")
    _to(firm, FIRST - timedelta(days=2) + DEBIT_SETTLES_WITHIN)
    assert _plan(firm) == (PlanState.BROKEN, "0.00")


def test_a_plan_whose_rest_is_on_its_way_holds_what_that_does_not_name(firm: Firm) -> None:
    _debit(firm, 12_000, "INV-1001")
    firm.ledger.pay_by_hand("INV-1002", "75.49", on=FIRST - timedelta(days=3))
    _to(firm, date(2026, 3, 30))
    assert _plan(firm) == (PlanState.RUNNING, "75.49")
    firm.ledger.pay_by_hand("INV-1002", "0.01", on=FIRST + timedelta(days=3))
    firm.settle()
    assert _plan(firm) == (PlanState.RUNNING, "75.50")
    assert _plan_holds(firm) == {FIRST - timedelta(days=3) + DEBIT_SETTLES_WITHIN}
    assert _reminded(firm) == {"INV-2001"}


def test_a_page_that_was_merely_opened_keeps_no_plan(firm: Firm) -> None:
    firm.switch_sending()
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    _agree(firm)
    _to(firm, FIRST + timedelta(days=1))
    firm.time.advance(hours=13, minutes=45)
    pay_by_card(
        firm.app,
        organisation_id=firm.id,
        customer_id=_acme(firm),
        document_ids=[firm.document("INV-1001").id],
        part="97.75",
        back_to="http://127.0.0.1:8000/p/token",
    )
    firm.time.advance(minutes=30)
    watch_plans(firm.app, firm.id)
    assert _plan(firm) == (PlanState.BROKEN, "0.00")


def test_a_hold_ends_by_itself_and_reminding_renews_it_first(firm: Firm) -> None:
    firm.switch_sending()
    _agree(firm)
    firm.ledger.pay_by_hand("INV-1001", "97.75", on=TODAY)
    firm.settle()
    until = {row.until.date() for row in firm.rows(t.hold, code="plan")}
    assert until == {date(2026, 4, 17)}, "the 16th of April and the next banking day"
    with firm.app.store.write() as db:
        db.execute(t.hold.update().values(until=firm.app.clock() - timedelta(days=1), reason="older"))
    remind_organisation(firm.app, firm.id)
    recipients = {recipient for mail in firm.mailbox.mails for recipient in mail.recipients}
    assert recipients == {"bolt@example.com"}


def test_every_plan_is_followed_however_many_there_are(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("payment_plans", "watch_plans"):
        monkeypatch.setattr(f"runtime.operations.plans.{place}.MAX_A_RUN", 1)
    firm.switch_sending()
    _agree(firm)
    bolt = next(row.id for row in firm.rows(t.customer) if row.name == "Bolt")
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        (offer,) = offers(db, organisation, bolt, now=firm.app.clock())
    agree_plan(
        firm.app,
        organisation_id=firm.id,
        customer_id=bolt,
        debt=offer.debt,
        count=2,
        first_on=FIRST,
        consent="I agree.",
        actor="customer",
    )
    with firm.app.store.write() as db:
        db.execute(t.hold.update().values(until=firm.app.clock() - timedelta(days=1), reason="older"))
    remind_organisation(firm.app, firm.id)
    assert firm.mailbox.mails == []
    _to(firm, FIRST + timedelta(days=2))
    assert {row.state for row in firm.rows(t.payment_plan)} == {"broken"}
    with pytest.raises(RefusedError):
        end_plan(firm.app, organisation_id=firm.id, plan_id="nonsense", actor="dana")


def test_what_was_seen_is_agreed_on_and_nothing_else(firm: Firm) -> None:
    for wrong in ({"count": 1}, {"count": 13}, {"first_on": TODAY - timedelta(days=1)}, {"consent": " "}):
        with pytest.raises(InputError):
            _agree(firm, **wrong)
    with pytest.raises(InputError):
        _agree(firm, first_on=TODAY + timedelta(days=32))
    firm.ledger.pay_by_hand("INV-1001", "20.00", on=TODAY)
    firm.settle()
    with pytest.raises(RefusedError, match="changed meanwhile"):
        _agree(firm)
    assert firm.rows(t.payment_plan) == []


def test_one_plan_at_a_time_and_a_payer_makes_no_second_one_of_what_was_not_kept(firm: Firm) -> None:
    _agree(firm)
    with pytest.raises(RefusedError, match="changed meanwhile"):
        _agree(firm)
    _to(firm, FIRST + timedelta(days=2))
    again = {"first_on": FIRST + timedelta(days=10)}
    with pytest.raises(RefusedError, match="changed meanwhile"):
        _agree(firm, by_payer=True, **again)
    _agree(firm, actor="dana", **again)


def test_a_person_ends_a_plan_and_what_is_open_is_due_again(firm: Firm) -> None:
    firm.switch_sending()
    _agree(firm)
    (row,) = firm.rows(t.payment_plan)
    end_plan(firm.app, organisation_id=firm.id, plan_id=row.id, actor="dana")
    with pytest.raises(RefusedError):
        end_plan(firm.app, organisation_id=firm.id, plan_id=row.id, actor="dana")
    assert watch_plans(firm.app, firm.id) == {}
    assert "INV-1001" in _reminded(firm)
    assert send_reminders(firm.app, firm.id)["sent"] == 2


def test_what_is_contested_or_not_due_is_in_no_plan(firm: Firm) -> None:
    firm.invoice("Acme", "INV-1003", "40.00", late=-5)
    firm.settle()
    firm.edit_in_crm("INV-1002", Disputed__c=True, Dispute_Reason__c="wrong price")
    firm.settle()
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        (offer,) = offers(db, organisation, _acme(firm), now=firm.app.clock())
    assert offer.debt == Money(12_000, "GBP")


def test_payers_agree_by_themselves_within_bounds_only(firm: Firm) -> None:
    set_payers_plans(firm.app, organisation_id=firm.id, most=3, actor="dana")
    for wrong in (1, 13, -1):
        with pytest.raises(InputError):
            set_payers_plans(firm.app, organisation_id=firm.id, most=wrong, actor="dana")
    with pytest.raises(InputError, match="2 to 3"):
        _agree(firm, count=4, most=3)
