"""Segments by how customers pay and are reached: facts of many customers in a few queries, on each database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from connectors.records import ProcessorState
from receivables.decline import Advice, Decline, DeclineGroup
from reminders.evidence import Channel
from reminders.policy_book import Asked, Debtor
from reminders.policy_file import read_policies
from reminders.risk import Risk, RiskBand
from runtime.operations.payers.broken_promises import watch_promises
from runtime.operations.payers.promise import promise
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reminding.debtors import debtors
from runtime.operations.reminding.habits import paid_lately, risks
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.policies import set_policies
from runtime.operations.reminding.policy_preview import preview
from runtime.operations.reminding.replay import replay_days
from runtime.operations.systems.follow_the_day import follow_the_day
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from tests.operations.firm import TODAY, Firm

TWO = """\
policies:
  - name: special
    for: {%s}
    levels:
      - {days_after_due: 30, tone: understanding}
  - name: everyone
    levels:
      - {days_after_due: 1, tone: firm}
"""


def _organisation(firm: Firm) -> Organisation:
    with firm.app.store.read() as db:
        found = connections.organisation(db, firm.id)
    assert found is not None
    return found


def _ids(firm: Firm) -> dict[str, str]:
    return {row.name: row.id for row in firm.rows(t.customer)}


def _risk(firm: Firm, name: str = "Acme") -> Risk:
    organisation, ids, now = _organisation(firm), _ids(firm), firm.app.clock()
    with firm.app.store.read() as db:
        paid = paid_lately(db, firm.id, customer_ids=ids.values(), today=TODAY)
        return risks(db, organisation, customer_ids=ids.values(), now=now, paid=paid)[ids[name]]


def _debtors(firm: Firm, *names: str) -> dict[str, Debtor]:
    organisation, ids, now = _organisation(firm), _ids(firm), firm.app.clock()
    wanted = {name: ids[name] for name in names or ids}
    with firm.app.store.read() as db:
        found = debtors(db, organisation, customer_ids=set(wanted.values()), now=now, asked=list(Asked))
    return {name: found[each] for name, each in wanted.items()}


def _by_policy(firm: Firm, condition: str) -> dict[str, int]:
    organisation = _organisation(firm)
    with firm.app.store.read() as db:
        book = read_policies(TWO % condition)
        return dict(preview(db, organisation, book=book, now=firm.app.clock()).customers_by_policy)


def _paid_late(firm: Firm, name: str, *days: int) -> None:
    for number, late in enumerate(days):
        firm.invoice(name, f"{name}-{number}", "10.00", late=60)
        firm.ledger.pay_by_hand(f"{name}-{number}", "10.00", on=TODAY - timedelta(days=60 - late))
    firm.settle()


def test_the_risk_is_told_from_what_the_ledger_shows(stored_firm: Firm) -> None:
    """Acme has 195.50 open, all of it overdue, for 20 and 10 days; Bolt has one invoice, 5 days overdue."""
    firm = stored_firm
    assert _risk(firm).band is RiskBand.UNKNOWN
    _paid_late(firm, "Acme", 2, 3, 4)
    assert _risk(firm) == Risk(RiskBand.MEDIUM, ("100 % of what is open is overdue for more than 7 days",))
    assert _risk(firm, "Bolt").band is RiskBand.UNKNOWN
    _paid_late(firm, "Bolt", 40, 50, 60)
    risk = _risk(firm, "Bolt")
    assert risk == Risk(RiskBand.HIGH, ("pays 50 days late on average, by amount, over 3 invoices of the last year",))


def test_what_is_contested_is_no_sign_of_risk(firm: Firm) -> None:
    _paid_late(firm, "Acme", 0, 0, 0)
    assert _risk(firm).band is RiskBand.MEDIUM
    with firm.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.number.in_(("INV-1001", "INV-1002"))).values(disputed=True))
    assert _risk(firm) == Risk(RiskBand.LOW, ("pays on time, by amount, over 3 invoices of the last year",))


def test_old_invoices_and_their_share_are_signs(firm: Firm) -> None:
    _paid_late(firm, "Acme", 0, 0, 0)
    firm.invoice("Acme", "INV-OLD", "50.00", late=100)
    firm.settle()
    assert _risk(firm).reasons == (
        "20 % of what is open is overdue for more than 90 days",
        "the oldest open invoice is 100 days overdue",
        "100 % of what is open is overdue for more than 7 days",
    )


def test_a_promise_that_was_not_kept_is_a_sign(firm: Firm) -> None:
    _paid_late(firm, "Bolt", 0, 0, 0)
    assert _risk(firm, "Bolt").band is RiskBand.LOW
    invoice = firm.document("INV-2001")
    promise(
        firm.app,
        organisation_id=firm.id,
        customer_id=invoice.customer_id,
        document_id=invoice.id,
        promised_on=TODAY,
        actor="payer",
    )
    firm.time.advance(days=4)
    assert watch_promises(firm.app, firm.id) == 1
    assert "1 promise to pay was not kept in the last year" in _risk(firm, "Bolt").reasons


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ({"state": ProcessorState.FAILED}, "1 payment failed or went back in the last year"),
        ({"disputed": True}, "1 payment was charged back in the last year"),
        ({"state": ProcessorState.FAILED, "decline": Decline(DeclineGroup.OURS, Advice.LATER, "our key")}, ""),
    ],
)
def test_money_that_came_to_nothing_is_a_sign_unless_it_failed_at_our_side(
    firm: Firm, shown: dict[str, Any], reason: str
) -> None:
    _paid_late(firm, "Acme", 0, 0, 0)
    firm.show_card_payment()
    firm.settle()
    firm.time.advance(minutes=1)
    firm.show_card_payment(**shown)
    firm.settle()
    found = _risk(firm).reasons
    assert (reason in found) if reason else not any("in the last year" in each and "payment" in each for each in found)


def test_by_which_channels_somebody_is_reached_now(stored_firm: Firm) -> None:
    firm = stored_firm
    email, letter, call = Channel.EMAIL, Channel.LETTER, Channel.CALL_TASK
    assert {name: each.reached_by for name, each in _debtors(firm).items()} == {
        "Acme": frozenset({email}),
        "Bolt": frozenset({email}),
    }
    firm.ledger.edit_ways(firm.customers["Acme"], telephone="020 7946 0958", street="7 Mill Lane")
    firm.ledger.edit_email(firm.customers["Acme"], "")
    firm.crm.update("Contact", firm.contacts["Acme"], Email=None)
    firm.time.advance(minutes=5)
    firm.poll()
    firm.settle()
    assert _debtors(firm)["Acme"].reached_by == frozenset({call}), "letters are not switched on"
    switch = {"carrier": "print", "switched_on": True, "details": {}, "changed_by": "Dana", "changed_at": firm.time()}
    with firm.app.store.write() as db:
        db.execute(t.channel_switch.insert().values(organisation_id=firm.id, channel=letter.value, **switch))
    assert _debtors(firm)["Acme"].reached_by == frozenset({letter, call})
    assert _by_policy(firm, "reachable_by: [letter], not_reachable_by: [email]") == {"special": 1, "everyone": 1}
    assert _by_policy(firm, "not_reachable_by: [letter]") == {"special": 1, "everyone": 1}
    assert _by_policy(firm, "not_reachable_by: [email, call_task]") == {"special": 0, "everyone": 2}


def test_whoever_opted_out_is_reached_by_nothing_that_they_meant(firm: Firm) -> None:
    before = _debtors(firm)["Acme"].reached_by
    assert before is not None and Channel.EMAIL in before
    opt_out(firm.app, organisation_id=firm.id, customer_id=_ids(firm)["Acme"], channel=Channel.EMAIL, actor="customer")
    assert _debtors(firm)["Acme"].reached_by == before - {Channel.EMAIL}
    opt_out(firm.app, organisation_id=firm.id, customer_id=_ids(firm)["Acme"], channel=None, actor="customer")
    assert _debtors(firm)["Acme"].reached_by == frozenset()


def test_risk_decides_in_the_preview_in_planning_and_in_past_days(firm: Firm) -> None:
    _paid_late(firm, "Acme", 35, 40, 50)
    assert _by_policy(firm, "risk: [high]") == {"special": 1, "everyone": 1}
    assert _by_policy(firm, "risk: [unknown]") == {"special": 1, "everyone": 1}
    assert _by_policy(firm, "risk: [low, medium]") == {"special": 0, "everyone": 2}
    set_policies(firm.app, organisation_id=firm.id, text=TWO % "risk: [high]", source="file", actor="Dana")
    plan_reminders(firm.app, firm.id)
    planned = {row.customer_id for row in firm.rows(t.reminder, state="planned")}
    assert planned == {_ids(firm)["Bolt"]}, "Acme is overdue for 20 days, and the policy waits for 30"
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        days = {"first": TODAY - timedelta(days=4), "last": TODAY - timedelta(days=1)}
        assert replay_days(db, organisation, **days, now=firm.app.clock()).all.customers == 1


def _business(firm: Firm, name: str = "Acme") -> tuple[str | None, int | None]:
    (row,) = firm.rows(t.customer, name=name)
    return row.industry, row.employees


def _account(firm: Firm, name: str = "Acme") -> str:
    return next(key for key, each in firm.crm.records["Account"].items() if each["Name"] == name)


def _read(firm: Firm) -> None:
    firm.time.advance(minutes=5)
    firm.poll()
    firm.settle()


def test_a_policy_may_be_for_a_kind_of_debt(stored_firm: Firm) -> None:
    firm = stored_firm
    firm.invoice("Bolt", "RENT-1", "10.00", late=5)
    firm.settle()
    assert _by_policy(firm, "numbers_begin_with: [rent-, INV-2]") == {"special": 1, "everyone": 1}
    assert _by_policy(firm, "numbers_begin_with: [RENT-]") == {"special": 0, "everyone": 2}, "Bolt owes INV-2001 too"


def test_the_crm_tells_industry_and_size_and_may_change_its_word(stored_firm: Firm) -> None:
    firm = stored_firm
    assert _business(firm) == (None, None)
    plan_reminders(firm.app, firm.id)
    firm.crm.update("Account", _account(firm), Industry="Construction", NumberOfEmployees=300)
    _read(firm)
    assert _business(firm) == ("Construction", 300)
    assert firm.rows(t.customer, name="Acme")[0].weighed_until is None, "the next planning weighs them"
    assert _by_policy(firm, "industries: [construction, Retail]") == {"special": 1, "everyone": 1}
    assert _by_policy(firm, "employees_at_least: 250") == {"special": 1, "everyone": 1}
    assert _by_policy(firm, "employees_less_than: 1000, industries: [Retail]") == {"special": 0, "everyone": 2}
    firm.crm.update("Account", _account(firm), Industry=None, NumberOfEmployees=9)
    _read(firm)
    assert _business(firm) == (None, 9)
    assert firm.writes_at_rest() == [], "it is never written back"


def test_what_an_account_told_goes_with_it(firm: Firm) -> None:
    firm.customer("Cole")  # who owes nothing, or the CRM would let nobody delete the account
    firm.crm.update("Account", _account(firm, "Cole"), Industry="Retail", NumberOfEmployees=3)
    _read(firm)
    assert _business(firm, "Cole") == ("Retail", 3)
    firm.crm.delete("Account", _account(firm, "Cole"))
    _read(firm)
    assert _business(firm, "Cole") == (None, None)


def test_an_account_that_was_merged_into_another_passes_it_on(firm: Firm) -> None:
    other = firm.crm.create("Account", Name="Acme Group", Industry="Energy", NumberOfEmployees=900)
    firm.crm.merge("Account", other, _account(firm))
    _read(firm)
    assert _business(firm) == ("Energy", 900)


def test_a_risk_is_looked_at_again_within_a_week(firm: Firm) -> None:
    firm.customer("Cole")  # of whom nothing is open, so that no due date has them looked at sooner
    firm.settle()
    set_policies(firm.app, organisation_id=firm.id, text=TWO % "risk: [high]", source="file", actor="Dana")
    plan_reminders(firm.app, firm.id)
    (cole,) = firm.rows(t.customer, name="Cole")
    assert timedelta(days=6) < cole.weighed_until - firm.app.clock() <= timedelta(days=7)


def test_more_customers_take_no_more_queries(firm: Firm) -> None:
    def queries(*names: str) -> int:
        said: list[str] = []

        def note(*given: Any) -> None:  # noqa: ANN401 - what SQLAlchemy tells
            said.append(given[2])

        event.listen(firm.app.store.engine, "before_cursor_execute", note)
        try:
            _debtors(firm, *names)
        finally:
            event.remove(firm.app.store.engine, "before_cursor_execute", note)
        return len(said)

    assert queries("Acme") == queries("Acme", "Bolt") < 25


def _shown(firm: Firm, name: str = "Acme") -> tuple[object, object, object]:
    account = firm.crm.records["Account"][_account(firm, name)]
    return account["TrueDue_Risk__c"], account["TrueDue_Risk_Reasons__c"], account["TrueDue_Overdue__c"]


def test_the_account_shows_the_risk_and_why(any_firm: Firm) -> None:
    firm = any_firm
    assert _shown(firm)[:2] == ("unknown", "fewer than 3 invoices have come due in the last year")
    _paid_late(firm, "Acme", 35, 40, 50)
    risk, why, _ = _shown(firm)
    assert risk == "high"
    assert str(why).startswith("pays 42 days late on average, by amount, over 3 invoices of the last year; 100 %")
    assert firm.writes_at_rest() == []


def test_the_account_follows_the_day_where_nothing_else_happens(stored_firm: Firm) -> None:
    firm = stored_firm
    _paid_late(firm, "Bolt", 0, 0, 0)
    assert _shown(firm, "Bolt")[0] == "low", "its one invoice is five days overdue"
    firm.invoice("Bolt", "INV-NEXT", "40.00", late=-1)
    firm.settle()
    assert _shown(firm, "Bolt")[2] == 300
    firm.time.advance(days=2)
    firm.settle()
    assert _shown(firm, "Bolt")[2] == 340, "what was due tomorrow is overdue the day after"
    firm.time.advance(days=2)
    firm.settle()
    assert _shown(firm, "Bolt")[:2] == ("medium", "88 % of what is open is overdue for more than 7 days")
    assert firm.writes_at_rest() == []
    assert follow_the_day(firm.app, firm.id) == 0, "a day is followed once"


def test_a_day_is_followed_where_the_product_stood_still_for_it(firm: Firm) -> None:
    firm.invoice("Bolt", "INV-NEXT", "40.00", late=-1)
    firm.settle()
    firm.time.advance(days=4)
    assert follow_the_day(firm.app, firm.id) == 1
    assert {row.name for row in firm.rows(t.customer) if row.shown_at != row.changed_at} == {"Bolt"}
